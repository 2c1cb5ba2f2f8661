/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plug-in for `ringlane serve`: answers, plays the file that its options name, and hangs up when it has ended or the caller
 * presses #. It counts its calls and refuses the one beyond the tenth.
 *
 *     cc -shared -fPIC $(pkg-config --cflags ringlane) -o plugin.so plugin.c
 *
 *     routes:
 *       - {match: hello, app: plugin, file: /usr/lib/ringlane/plugin.so, options: welcome.wav}
 */
#include <errno.h>
#include <stdlib.h>

#include <ringlane.h>

#define CALLS_MAX 10

struct hello {
	const char *file; /* of the config, which outlives the plug-in */
	unsigned calls;
};

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	struct hello *hello = arg;

	(void)host;
	(void)invite;
	if (hello->calls == CALLS_MAX)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	hello->calls++;
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true};
}

static int is_played_out(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_MEDIA_EVENT &&
	       (ev->media_event.event == RLN_EV_AUDIO_PLAYBACK_FINISHED || ev->media_event.event == RLN_EV_MEDIA_ERROR);
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	struct hello *hello = arg;
	struct rln_session_id call = {ev->id};

	if (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.old_state == RLN_STATE_NEGOTIATING &&
		ev->state_changed.new_state == RLN_STATE_ACTIVE) /* not after each hold */
		host->ops->play(host, call, hello->file, 1);
	else if (is_played_out(ev) || (ev->kind == RLN_EV_DTMF_DETECTED && ev->dtmf_detected.digit == '#'))
		host->ops->hangup(host, call);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		hello->calls--;
}

static int create(struct rln_handler *handler, const char *options)
{
	struct hello *hello = *options ? calloc(1, sizeof(*hello)) : NULL;

	if (!hello)
		return *options ? -ENOMEM : -EINVAL; /* it needs a file to play */
	hello->file = options;
	*handler =
		(struct rln_handler){.abi = RLN_HANDLER_ABI, .arg = hello, .on_incoming_invite = on_invite, .on_event = on_event};
	return 0;
}

static void destroy(struct rln_handler *handler)
{
	free(handler->arg);
}

extern const struct rln_plugin rln_plugin;
const struct rln_plugin rln_plugin = {.abi = RLN_HANDLER_ABI, .name = "hello", .create = create, .destroy = destroy};
