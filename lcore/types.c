/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of the shared types, as logs, events and documentation print them. */
#include "lcore/types.h"

#define NAME_OF(names, value) ((unsigned)(value) < sizeof(names) / sizeof((names)[0]) && (names)[value] ? (names)[value] : "?")

const char *rln_call_state_name(enum rln_call_state state)
{
	static const char *const names[] = {
#define X(name) [RLN_STATE_##name] = #name,
		RLN_CALL_STATES(X)
#undef X
	};

	return NAME_OF(names, state);
}

const char *rln_end_reason_name(enum rln_end_reason reason)
{
	static const char *const names[] = {
#define X(name) [RLN_END_##name] = #name,
		RLN_END_REASONS(X)
#undef X
	};

	return NAME_OF(names, reason);
}

const char *rln_registration_state_name(enum rln_registration_state state)
{
	static const char *const names[] = {
#define X(name) #name,
		RLN_REGISTRATION_STATE_NAMES(X)
#undef X
	};

	return NAME_OF(names, state);
}

const char *rln_media_direction_name(enum rln_media_direction direction)
{
	static const char *const names[] = {"INACTIVE", "INBOUND", "OUTBOUND", "BIDIRECTIONAL"};

	return NAME_OF(names, direction);
}

const char *rln_codec_name(enum rln_codec codec)
{
	static const char *const names[RLN_CODEC_COUNT] = {"NONE", "PCMU", "PCMA"};

	return NAME_OF(names, codec);
}
