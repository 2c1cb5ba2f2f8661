/* SPDX-License-Identifier: BSD-3-Clause */
/* The dialog layer of session_world.h as the machine sees it: what it asks and orders by struct rln_dialog_commands. */
#pragma once

#include "session_world_wire.h"

static struct rln_dialog_id fake_create(void *arg, const char *from, const char *to)
{
	struct fake_dialog *d = w->fail_dialog ? NULL : dialog_new(false);

	(void)arg;
	assert_true(!from[0] || strcmp(from, "sip:alice@198.18.0.1") == 0);
	assert_true(!to[0] || strcmp(to, "sip:bob@198.18.0.2") == 0);
	errno = w->fail_dialog ? w->fail_dialog : ENOMEM;
	return (struct rln_dialog_id){d ? d->id : 0};
}

static int fake_set_local_port(void *arg, struct rln_dialog_id id, uint16_t port)
{
	(void)arg;
	(void)port;
	return dialog_of(id.v) ? 0 : -ENOENT;
}

static int fake_send_response(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || d->ended || w->fail_respond)
		return -ENOTCONN;
	w->responses++;
	d->last_response = code;
	snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp ? sdp : "");
	snprintf(d->last_extra, sizeof(d->last_extra), "%s", extra ? extra : "");
	if (d->state == RLN_DIALOG_CONFIRMED)
		return -ENOTCONN;
	if (code < 200) {
		dialog_moves(d, RLN_DIALOG_EARLY);
	} else if (code < 300) {
		d->ack_pending = true;
		dialog_moves(d, RLN_DIALOG_CONFIRMED);
	} else {
		dialog_moves(d, RLN_DIALOG_TERMINATED);
	}
	wire(d, ORDER_RESPOND, code, sdp);
	return 0;
}

/* The re-INVITE, UPDATE or PRACK that dialog_reinvited() told of. */
static int fake_respond_offer(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || d->ended || w->fail_respond)
		return -ENOTCONN;
	if (!d->theirs_open)
		return 0; /* cancelled meanwhile */
	w->responses++;
	d->last_response = d->last_offer_response = code;
	snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp ? sdp : "");
	snprintf(d->last_extra, sizeof(d->last_extra), "%s", extra ? extra : "");
	d->theirs_open = code < 200;
	wire(d, ORDER_RESPOND_OFFER, code, sdp);
	return 0;
}

/* The UPDATE without offer; the double keeps what the call that it tests was told last. */
static int fake_respond_update(void *arg, struct rln_dialog_id id, uint16_t code, const char *extra)
{
	return fake_respond_offer(arg, id, code, NULL, extra);
}

static bool fake_can_retry(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->can_retry && !d->ended && !d->invite_open;
}

static bool fake_is_answered(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->answered;
}

static bool fake_is_answer_owed(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->answer_owed;
}

static bool fake_peer_allows(const void *arg, struct rln_dialog_id id, enum rln_sip_method method)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && !(method == RLN_SIP_INFO && d->refuses_info);
}

static int fake_respond_refer(void *arg, struct rln_dialog_id id, uint16_t code)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || d->ended || !d->refer_open)
		return -ENOTCONN;
	d->last_refer_response = code;
	d->refer_open = code < 300;
	wire(d, ORDER_RESPOND_REFER, code, NULL);
	return 0;
}

static int fake_notify_transfer(void *arg, struct rln_dialog_id id, uint16_t status)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (!d || !d->refer_open)
		return -ENOTCONN;
	d->last_notify = status;
	d->refer_open = status < 200;
	wire(d, ORDER_NOTIFY, status, NULL);
	return 0;
}

static const char *fake_remote_target(const void *arg, struct rln_dialog_id id)
{
	(void)arg;
	return dialog_of(id.v) ? "sip:bob@198.18.0.2:5070" : NULL;
}

static int fake_send_update(void *arg, struct rln_dialog_id id, const char *sdp)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	if (w->fail_update)
		return w->fail_update;
	if (!d || d->ended || d->state != RLN_DIALOG_CONFIRMED)
		return -ENOTCONN;
	if (d->invite_open || d->theirs_open || d->ack_pending)
		return -EINPROGRESS;
	d->invite_open = true;
	snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp);
	w->updates++;
	wire(d, ORDER_REINVITE, 0, sdp);
	return 0;
}

static int fake_send_ack(void *arg, struct rln_dialog_id id, const char *sdp)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	w->acks++;
	if (d)
		snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", sdp ? sdp : "");
	return d && !d->ended ? 0 : -ENOTCONN;
}

/* w->replaced: the dialog that an INVITE's Replaces names, or minus the refusal. */
static int fake_find_replaced(const void *arg, const struct rln_sip_msg *invite, struct rln_dialog_id *out)
{
	(void)arg;
	(void)invite;
	out->v = w->replaced > 0 ? (uint64_t)w->replaced : 0;
	return w->replaced < 0 ? (int)w->replaced : 0;
}

static void fake_release(void *arg, struct rln_dialog_id id)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	assert_non_null(d);
	d->id = 0;
}

static enum rln_dialog_state fake_get_state(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d ? d->state : RLN_DIALOG_TERMINATED;
}

static bool fake_is_invite_open(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->invite_open;
}

static bool fake_is_ack_pending(const void *arg, struct rln_dialog_id id)
{
	const struct fake_dialog *d = dialog_of(id.v);

	(void)arg;
	return d && d->ack_pending;
}

static int fake_local_addr(const void *arg, struct rln_dialog_id id, struct rln_addr *addr)
{
	(void)arg;
	assert_int_equal(rln_addr_parse(addr, "198.18.0.1", 10), 0);
	return dialog_of(id.v) ? 0 : -ENOENT;
}
