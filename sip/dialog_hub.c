/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dialog layer's place on the bus (requirements R23): handler of session_to_dialog and transport_to_dialog, and the one
 * publisher of dialog_to_session. It finds the dialog that an event is for, and gives away messages that belong to none.
 */
#include <errno.h>
#include <string.h>

#include "lcore/count.h"
#include "lcore/log.h"
#include "sip/dialog_info.h"
#include "sip/dialog_probe.h"
#include "sip/dialog_api.h"
#include "sip/dialog_refer.h"
#include "sip/registration.h"

struct rln_slice rln_dialog_sdp_of(const struct rln_sip_msg *msg)
{
	static const struct rln_slice none = {0, 0};

	return msg && msg->body.len && rln_sip_is(msg, msg->content_type, "application/sdp") ? msg->body : none;
}

/* Nothing goes up for a session that let go, or after the end was told. */
static bool is_silent(const struct rln_dialog *d)
{
	return d->released || d->state == RLN_DIALOG_TERMINATED;
}

int rln_dialog_hub_publish_event(struct rln_dialogs *hub, struct rln_event *ev)
{
	int rc = rln_bus_publish(hub->cfg.bus, ev);

	if (rc != 0 && rc != -EAGAIN)
		rln_log(RLN_LOG_WARNING, ev->id, "%s not delivered: %s", rln_event_info(rln_event_kind(ev))->name, strerror(-rc));
	return rc == -EAGAIN ? 0 : rc;
}

static int publish(struct rln_dialog *d, struct rln_event *ev)
{
	ev->id = d->self;
	return rln_dialog_hub_publish_event(d->all, ev);
}

/* A reference of the event's own to the message's block. */
static rln_block_ref share(const struct rln_sip_msg *msg)
{
	if (!msg)
		return 0;
	rln_block_hold(msg->block);
	return msg->block;
}

int rln_dialog_emit_incoming(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct rln_event ev = {.kind = RLN_EV_INCOMING_CALL};

	ev.incoming_call.block = share(msg);
	ev.incoming_call.call_id = msg->call_id;
	ev.incoming_call.from = msg->from_uri.text;
	ev.incoming_call.to = msg->to_uri.text;
	ev.incoming_call.sdp_offer = rln_dialog_sdp_of(msg);
	ev.incoming_call.headers = msg->headers;
	return publish(d, &ev);
}

void rln_dialog_emit_progress(
	struct rln_dialog *d, enum rln_call_progress progress, uint16_t status, const struct rln_sip_msg *msg)
{
	struct rln_event ev = {.kind = RLN_EV_CALL_STATE_CHANGED};

	if (is_silent(d))
		return;
	ev.call_state_changed.block = share(msg);
	ev.call_state_changed.sdp = rln_dialog_sdp_of(msg);
	if (msg && msg->contacts_n)
		ev.call_state_changed.contact = msg->contact[0].text;
	ev.call_state_changed.status = status;
	ev.call_state_changed.new_state = (uint8_t)progress;
	publish(d, &ev);
}

/* CALL_ESTABLISHED, REINVITE_ACKED */
void rln_dialog_emit_sdp(struct rln_dialog *d, enum rln_event_kind kind, const struct rln_sip_msg *msg)
{
	struct rln_event ev = {.kind = (uint16_t)kind};
	struct rln_ev_sdp *to = kind == RLN_EV_CALL_ESTABLISHED ? &ev.call_established : &ev.reinvite_acked;

	if (is_silent(d))
		return;
	to->block = share(msg);
	to->sdp = rln_dialog_sdp_of(msg);
	publish(d, &ev);
}

int rln_dialog_emit_reinvite(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct rln_event ev = {.kind = RLN_EV_REINVITE_RECEIVED};

	if (is_silent(d))
		return -ENOTCONN;
	ev.reinvite_received.block = share(msg);
	ev.reinvite_received.sdp = rln_dialog_sdp_of(msg);
	ev.reinvite_received.method = msg->method;
	return publish(d, &ev);
}

void rln_dialog_emit_key(struct rln_dialog *d, char key, uint16_t duration_ms)
{
	struct rln_event ev = {.kind = RLN_EV_DTMF_RECEIVED, .dtmf_received = {.duration_ms = duration_ms, .tones = {key}}};

	if (!is_silent(d))
		publish(d, &ev);
}

int rln_dialog_emit_transfer(struct rln_dialog *d, struct rln_event *ev)
{
	if (!is_silent(d))
		return publish(d, ev);
	rln_block_release(rln_event_block(ev));
	return -ENOTCONN;
}

void rln_dialog_emit_terminated(struct rln_dialog *d, enum rln_end_reason reason, uint16_t code)
{
	struct rln_event ev = {.kind = RLN_EV_CALL_TERMINATED};

	if (is_silent(d) || d->reported)
		return;
	d->reported = true;
	ev.call_terminated.reason = (uint8_t)reason;
	ev.call_terminated.code = code;
	publish(d, &ev);
}

void rln_dialog_emit_error(struct rln_dialog *d, enum rln_dialog_fault fault, unsigned code)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_ERROR};

	if (is_silent(d))
		return;
	ev.dialog_error.error = (uint8_t)fault;
	ev.dialog_error.error_code = (uint16_t)code;
	publish(d, &ev);
}

void rln_dialog_emit_state(struct rln_dialog *d, enum rln_dialog_state from, enum rln_dialog_state to)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_STATE_CHANGED};

	if (d->released)
		return;
	ev.dialog_state_changed.old_state = (uint8_t)from;
	ev.dialog_state_changed.new_state = (uint8_t)to;
	publish(d, &ev);
}

/* To nobody that we know (12.2.2): an ACK has no answer. */
static void on_stray(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (msg->method == RLN_SIP_ACK)
		rln_count(RLN_C_SIP_STRAY_ACK);
	else
		rln_policy_respond(all, msg, txn, 481, NULL, NULL);
}

static void on_outside(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (msg->method == RLN_SIP_INVITE)
		rln_uas_on_invite(all, msg, txn);
	else if (msg->method == RLN_SIP_OPTIONS)
		rln_policy_options(all, msg, txn);
	else
		on_stray(all, msg, txn); /* BYE, UPDATE and ACK live in dialogs only */
}

/* A fault in a dialog's own request is answered like any other, and told once there is a call that it says something about. */
static void on_inside(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	rln_dialog_note_peer(d, msg);
	if (msg->method != RLN_SIP_ACK && rln_policy_answers(d->all, msg, txn)) {
		if (msg->fault.status == 400 && d->state == RLN_DIALOG_CONFIRMED)
			rln_dialog_emit_error(d, RLN_FAULT_PARSE, 400);
	} else if (msg->method != RLN_SIP_ACK || !msg->fault.status) {
		rln_uas_on_request(d, msg, txn);
	}
	rln_dialog_settle(d);
}

static void on_request(struct rln_dialogs *all, const struct rln_ev_sip_message_received *ev)
{
	const struct rln_sip_msg *msg = rln_sip_msg_of(ev->block);
	struct rln_dialog *d = NULL;
	uint64_t txn = ev->transaction_id;

	if (!msg)
		return;
	if (msg->to_tag.len)
		d = rln_dialog_find(
			all, rln_span_in(msg, msg->call_id), rln_span_in(msg, msg->to_tag), rln_span_in(msg, msg->from_tag));
	if (msg->method == RLN_SIP_CANCEL && !msg->fault.status)
		rln_uas_on_cancel(all, msg, txn);
	else if (d)
		on_inside(d, msg, txn);
	else if (msg->method == RLN_SIP_ACK)
		on_stray(all, msg, txn);
	else if (rln_policy_answers(all, msg, txn))
		return;
	else if (msg->to_tag.len)
		on_stray(all, msg, txn);
	else
		on_outside(all, msg, txn);
}

static void on_response(struct rln_dialogs *all, uint64_t id, const struct rln_ev_sip_response_received *ev)
{
	const struct rln_sip_msg *msg = rln_sip_msg_of(ev->block);
	struct rln_dialog *d = rln_dialog_get(all, id);

	if (msg && rln_id_type(id) == RLN_ID_REGISTRATION)
		rln_registrations_on_response(all->registrations, id, msg, ev->transaction_id);
	if (!msg || !d)
		return; /* a CANCEL's, a fork's BYE's, or of a dialog that is gone */
	rln_dialog_note_peer(d, msg);
	rln_uac_on_response(d, msg, ev->transaction_id);
	rln_dialog_settle(d);
}

static void on_transport_error(struct rln_dialogs *all, uint64_t id, const struct rln_ev_transport_error *ev)
{
	struct rln_dialog *d = rln_dialog_get(all, id);

	if (rln_id_type(id) == RLN_ID_REGISTRATION)
		rln_registrations_on_fault(all->registrations, id, ev->transaction_id, ev->error);
	if (!d)
		return;
	rln_uac_on_fault(d, ev->transaction_id, ev->error);
	rln_dialog_settle(d);
}

/* Nobody's call hangs on it: a line for people, and whoever observes the category sees it too. */
static void on_registration(uint64_t id, const struct rln_ev_registration_status *ev)
{
	const char *uri = ev->uri.len ? rln_slice_text(ev->block, ev->uri) : "";
	const char *state = rln_registration_state_name((enum rln_registration_state)ev->status);

	if (ev->retry_s)
		rln_log(RLN_LOG_WARNING, id, "registration of %.*s: %s (%u), tried again in %u s", ev->uri.len, uri, state,
			ev->code, ev->retry_s);
	else if (ev->status == RLN_REGISTRATION_REGISTERED)
		rln_log(RLN_LOG_INFO, id, "registration of %.*s: %s for %u s", ev->uri.len, uri, state, ev->expires);
	else
		rln_log(RLN_LOG_INFO, id, "registration of %.*s: %s (%u)", ev->uri.len, uri, state, ev->code);
}

static struct rln_span in_block(rln_block_ref block, struct rln_slice s)
{
	return (struct rln_span){rln_slice_text(block, s), s.len};
}

static void on_initiate(struct rln_dialogs *all, uint64_t id, const struct rln_ev_initiate_call *ev)
{
	struct rln_dialog *d = rln_dialog_get(all, id);
	int rc;

	if (!d)
		return;
	rc = rln_uac_invite(d, in_block(ev->block, ev->sdp_offer), in_block(ev->block, ev->headers));
	if (rc != 0)
		rln_dialog_fail(d, rc);
	rln_dialog_settle(d);
}

/* -ENOTCONN: it ended by itself meanwhile, and said so. */
static void on_terminate(struct rln_dialogs *all, uint64_t id, const struct rln_ev_terminate_session *ev)
{
	struct rln_dialog *d = rln_dialog_get(all, id);
	int rc;

	if (!d)
		return;
	rc = rln_dialog_finish(d, ev->code);
	if (rc != 0 && rc != -ENOTCONN)
		rln_dialog_fail(d, rc);
	rln_dialog_settle(d);
}

/* A hold or its end is a re-INVITE like any other; how it ends the session hears as of any other. */
static void on_offer(struct rln_dialogs *all, uint64_t id, const struct rln_ev_sdp *ev)
{
	struct rln_dialog *d = rln_dialog_get(all, id);
	int rc;

	if (!d)
		return;
	rc = rln_uac_offer(d, in_block(ev->block, ev->sdp));
	if (rc != 0)
		rln_uac_offer_failed(d, rc);
	rln_dialog_settle(d);
}

static void on_transfer(struct rln_dialogs *all, uint64_t id, const struct rln_ev_transfer_call *ev)
{
	struct rln_refer_order order = {.target = in_block(ev->block, ev->target), .type = ev->type, .replaces = ev->replaces};
	struct rln_dialog *d = rln_dialog_get(all, id);

	if (!d)
		return;
	rln_refer_start(d, &order);
	rln_dialog_settle(d);
}

static void on_send_dtmf(struct rln_dialogs *all, uint64_t id, const struct rln_ev_tones *ev)
{
	struct rln_dialog *d = rln_dialog_get(all, id);

	if (!d)
		return;
	rln_info_send(d, ev);
	rln_dialog_settle(d);
}

static void on_options(struct rln_dialogs *all, uint64_t id, const struct rln_ev_options_request *ev)
{
	struct rln_probe_order order = {.from = rln_slice_text(ev->block, ev->from),
		.target = rln_slice_text(ev->block, ev->target),
		.port = ev->port,
		.token = ev->token,
		.asker = id};

	rln_probe_start(all, &order);
}

void rln_dialog_hub_handle(void *dialogs, const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_SIP_MESSAGE_RECEIVED:
		on_request(dialogs, &ev->sip_message_received);
		break;
	case RLN_EV_SIP_RESPONSE_RECEIVED:
		on_response(dialogs, ev->id, &ev->sip_response_received);
		break;
	case RLN_EV_TRANSPORT_ERROR:
		on_transport_error(dialogs, ev->id, &ev->transport_error);
		break;
	case RLN_EV_REGISTRATION_STATUS_UPDATE:
		on_registration(ev->id, &ev->registration_status_update);
		break;
	case RLN_EV_INITIATE_CALL:
		on_initiate(dialogs, ev->id, &ev->initiate_call);
		break;
	case RLN_EV_TERMINATE_SESSION:
		on_terminate(dialogs, ev->id, &ev->terminate_session);
		break;
	case RLN_EV_HOLD_SESSION:
		on_offer(dialogs, ev->id, &ev->hold_session);
		break;
	case RLN_EV_RESUME_SESSION:
		on_offer(dialogs, ev->id, &ev->resume_session);
		break;
	case RLN_EV_TRANSFER_CALL:
		on_transfer(dialogs, ev->id, &ev->transfer_call);
		break;
	case RLN_EV_SEND_DTMF:
		on_send_dtmf(dialogs, ev->id, &ev->send_dtmf);
		break;
	case RLN_EV_OPTIONS_REQUEST:
		on_options(dialogs, ev->id, &ev->options_request);
		break;
	default: /* kinds whose work has not come yet: nothing raises them (event.def, LATER) */
		rln_log(RLN_LOG_WARNING, ev->id, "dialog layer: nobody takes %s", rln_event_info(rln_event_kind(ev))->name);
		rln_count(RLN_C_BUS_NO_HANDLER);
		break;
	}
}
