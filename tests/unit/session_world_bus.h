/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus and the coordinator of session_world.h: what is published is kept and goes to the doubles; linked calls are made and given up. */
#pragma once

#include "session_world_dialog.h"
#include "session_world_media.h"

/* ---- the bus's double ---- */

/* HOLD_SESSION, RESUME_SESSION: what cannot be sent is told (dialog.h). */
static void dialog_offers(struct fake_dialog *d, const char *sdp)
{
	int rc = fake_send_update(NULL, (struct rln_dialog_id){d->id}, sdp);

	if (rc == -EINPROGRESS)
		dialog_says(d, RLN_CALL_GLARE, 491, NULL);
	else if (rc != 0)
		dialog_says(d, RLN_CALL_REFUSED, 503, NULL);
}

static int fake_publish(void *arg, struct rln_event *ev)
{
	enum rln_category category = (enum rln_category)rln_event_info(rln_event_kind(ev))->category;
	struct fake_dialog *d = dialog_of(ev->id);

	(void)arg;
	if (w->fail_publish && w->fail_publish_kind == ev->kind) {
		w->fail_publish--;
		rln_block_release(rln_event_block(ev));
		return -ENOBUFS;
	}
	if (w->out_n < OUT_MAX)
		w->out[w->out_n++] = *ev; /* its block may be gone when a test looks: only plain fields count */
	if (category == RLN_CAT_A2S) {
		queue_push(FROM_SELF, ev);
		return 0;
	}
	if (category == RLN_CAT_S2M && !w->quiet_media)
		media_command(ev);
	if (ev->kind == RLN_EV_INITIATE_CALL && d) {
		d->invite_open = true;
		w->invites++;
		snprintf(d->last_sdp, sizeof(d->last_sdp), "%s", rln_slice_text(ev->initiate_call.block, ev->initiate_call.sdp_offer));
		wire(d, ORDER_INVITE, 0, d->last_sdp);
	}
	if ((ev->kind == RLN_EV_HOLD_SESSION || ev->kind == RLN_EV_RESUME_SESSION) && d)
		dialog_offers(d, rln_slice_text(ev->hold_session.block, ev->hold_session.sdp));
	if (ev->kind == RLN_EV_TRANSFER_CALL && d) {
		d->refer_out = true;
		d->replaces = ev->transfer_call.replaces;
		snprintf(d->transfer_to, sizeof(d->transfer_to), "%s", rln_slice_text(ev->transfer_call.block, ev->transfer_call.target));
		wire(d, ORDER_REFER, 0, d->transfer_to);
	}
	if (ev->kind == RLN_EV_SEND_DTMF)
		w->infos++;
	if (ev->kind == RLN_EV_TERMINATE_SESSION && d)
		dialog_terminate(d, ev->terminate_session.code);
	if (ev->kind == RLN_EV_STATE_CHANGED)
		w->visited |= 1u << ev->state_changed.new_state;
	if (ev->kind == RLN_EV_SESSION_TERMINATED)
		w->ends[rln_id_slot(ev->id)]++;
	rln_block_release(rln_event_block(ev));
	return 0;
}

static int fake_address_index(void *arg, const struct rln_addr *addr)
{
	(void)arg;
	(void)addr;
	return 0;
}

static uint16_t fake_peer_port(void *arg, unsigned peer)
{
	(void)arg;
	return peer == 1 ? 5070 : 0;
}

static void fake_end_channels(void *arg, uint64_t channels)
{
	(void)arg;
	(void)channels;
	w->channels_ended++;
}

static void fake_end_tap(void *arg, uint64_t tap)
{
	(void)arg;
	(void)tap;
	w->taps_ended++;
}

static void fake_closed(void *arg, struct rln_session_id id)
{
	(void)arg;
	assert_int_equal(w->ends[rln_id_slot(id.v)], 1); /* told once, before the slot goes */
	w->ends[rln_id_slot(id.v)] = 0;
}

/* ---- linked calls: what the coordinator does ---- */

static int fake_make_call(
	void *arg, const struct rln_session *cause, uint64_t id, const struct rln_linked_call *call, uint64_t *made)
{
	struct rln_event ev = {.kind = RLN_EV_MAKE_CALL, .make_call = {.other = cause->id.v, .link = RLN_LINK_CAUSE}};
	struct rln_session_id session = {id};

	(void)arg;
	if (w->fail_dialog) {
		w->abandoned += rln_session_manager_retire(w->sessions, session);
		return -w->fail_dialog;
	}
	assert_non_null(call->to);
	rln_session_manager_refill(w->sessions);
	if (id == 0)
		session = rln_session_manager_reserve_near(w->sessions, rln_id_shard(cause->id.v));
	if (session.v == 0)
		return -ENOSPC;
	ev.id = *made = session.v;
	queue_push(FROM_SELF, &ev);
	return 0;
}

static void fake_abandon(void *arg, const struct rln_session *cause, uint64_t id)
{
	(void)arg;
	(void)cause;
	w->abandoned += id == 0 || rln_session_manager_retire(w->sessions, (struct rln_session_id){id});
}

static bool fake_allows_transfer(void *arg, const struct rln_session *s, const char *refer_to)
{
	(void)arg;
	(void)refer_to;
	(void)s;
	return w->allow_transfers;
}
