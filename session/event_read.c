/* SPDX-License-Identifier: BSD-3-Clause */
/* What the machine's guards, actions and publications read in an event whose place depends on its kind. */
#include "session/event_read.h"

#include "sip/message.h"

struct rln_slice rln_event_sdp_slice(const struct rln_event *ev)
{
	switch ((int)ev->kind) {
	case RLN_EV_INCOMING_CALL:
		return ev->incoming_call.sdp_offer;
	case RLN_EV_CALL_STATE_CHANGED:
		return ev->call_state_changed.sdp;
	case RLN_EV_CALL_ESTABLISHED:
	case RLN_EV_REINVITE_ACKED:
		return ev->call_established.sdp;
	case RLN_EV_REINVITE_RECEIVED:
		return ev->reinvite_received.sdp;
	default:
		return (struct rln_slice){0, 0};
	}
}

bool rln_event_is_plain_update(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_REINVITE_RECEIVED && ev->reinvite_received.method == RLN_SIP_UPDATE &&
	       ev->reinvite_received.sdp.len == 0;
}

const char *rln_event_sdp(const struct rln_event *ev, size_t *len)
{
	struct rln_slice sdp = rln_event_sdp_slice(ev);

	*len = sdp.len;
	return sdp.len ? rln_slice_text(rln_event_block(ev), sdp) : "";
}

uint16_t rln_event_code(const struct rln_event *ev)
{
	switch ((int)ev->kind) {
	case RLN_EV_CALL_STATE_CHANGED:
		return ev->call_state_changed.status;
	case RLN_EV_CALL_TERMINATED:
		return ev->call_terminated.code;
	case RLN_EV_DIALOG_ERROR:
		return ev->dialog_error.error == RLN_FAULT_TRANSPORT ? 0 : ev->dialog_error.error_code;
	case RLN_EV_REJECT_CALL:
		return ev->reject_call.code;
	default:
		return 0;
	}
}
