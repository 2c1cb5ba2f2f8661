/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/catalogue_check.h"
#include "tests/sim/catalogue_links.h"

#include <errno.h>

#define EVENTS "0 101"
#define NEAR   8

static struct { /* sessions: of the held and transferred calls, of a consultation, and of a bridge's two legs */
	uint64_t held, blind, attended, consultation, a, b, a_media, b_media;
} links;

static struct sim_sip *here, *there;

/* Our INVITE in a dialog, accepted. */
static void accept_offer(struct sim_dialog *d, const char *direction)
{
	struct sim_msg m, ack;

	sim_expect(d->sip, &m, "INVITE ");
	sim_respond(d, &m, 200, NULL, sim_sdp(30000, EVENTS, direction));
	sim_expect(d->sip, &ack, "ACK ");
}

static void hang_up(struct sim_dialog *d, struct rln_call *call)
{
	struct sim_msg m;

	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(d->sip, &m, "BYE ");
	sim_respond(d, &m, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(call);
}

static void held(struct rln_peer *peer)
{
	struct rln_call *call;
	struct rln_event ev;
	struct sim_dialog d;

	sim_call_out(&d, here, peer, sim_sdp(30000, EVENTS, "sendrecv"), &call, NULL);
	links.held = rln_call_session(call).v;
	assert_int_equal(rln_coord_resume(sim_coord(), rln_call_session(call)), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_COMMAND_REJECTED, SIM_WAIT_MS, &ev), 0);
	assert_int_equal(rln_coord_hold(sim_coord(), rln_call_session(call)), 0);
	accept_offer(&d, "recvonly");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ON_HOLD, SIM_WAIT_MS), 0);
	assert_int_equal(rln_coord_resume(sim_coord(), rln_call_session(call)), 0);
	accept_offer(&d, "sendrecv");
	sim_trace_wait(0, RLN_EV_RESUME_MEDIA, 0);
	assert_int_equal(rln_coord_send_dtmf(sim_coord(), rln_call_session(call), "5", 100), 0);
	sim_trace_wait(0, RLN_EV_SEND_TELEPHONE_EVENTS, 0);
	hang_up(&d, call);
}

/* Two datagrams of two workers: either may be first. */
static void answer_to_notify_and_bye(struct sim_dialog *d)
{
	bool again, has_bye = false, has_answer = false;
	struct sim_msg m;

	while (!(has_bye && has_answer)) {
		assert_true(sim_sip_next(d->sip, &m, &again, SIM_WAIT_MS));
		if (strncmp(m.text, "BYE ", 4) == 0) {
			sim_respond(d, &m, 200, NULL, NULL);
			has_bye = true;
		} else if (strcmp(m.method, "NOTIFY") == 0) {
			has_answer = true;
		}
	}
}

/* Our REFER is accepted, succeeds, and ends the call. */
static void expect_refer(struct sim_dialog *d, const char *sipfrag)
{
	char headers[160];
	struct sim_msg m;

	sim_expect(d->sip, &m, "REFER ");
	sim_respond(d, &m, 202, NULL, NULL);
	snprintf(headers, sizeof(headers),
		"Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag\r\n");
	sim_request_body(d, "NOTIFY", headers, sipfrag);
	answer_to_notify_and_bye(d);
}

static void transferred(struct rln_peer *peer)
{
	struct rln_call *call;
	struct sim_dialog d;

	sim_call_out(&d, here, peer, sim_sdp(30000, "0", "sendrecv"), &call, NULL);
	links.blind = rln_call_session(call).v;
	assert_int_equal(rln_coord_blind_transfer(sim_coord(), rln_call_session(call), "sip:carol@198.18.0.3"), 0);
	expect_refer(&d, "SIP/2.0 200 OK\r\n");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(call);
}

/* Held, the target is asked, and the two are put through. */
static void consulted(struct rln_peer *peer)
{
	struct rln_session_id consultation = rln_coord_reserve(sim_coord());
	struct sim_dialog d, target;
	struct rln_call *call;
	struct sim_msg m, ack;

	sim_call_out(&d, here, peer, sim_sdp(30000, EVENTS, "sendrecv"), &call, NULL);
	links.attended = rln_call_session(call).v;
	links.consultation = consultation.v;
	assert_int_equal(rln_coord_consult(sim_coord(), rln_call_session(call), "sip:carol@" SIM_HOST ":5061", consultation), 0);
	accept_offer(&d, "recvonly");
	sim_expect(there, &m, "INVITE ");
	sim_uas(&target, there, &m);
	sim_respond(&target, &m, 200, NULL, sim_sdp(30010, EVENTS, "sendrecv"));
	sim_expect(there, &ack, "ACK ");
	sim_trace_state(consultation.v, RLN_STATE_ACTIVE);
	sim_trace_wait(0, RLN_EV_REINVITE_ACKED, 0);
	assert_int_equal(rln_coord_complete_transfer(sim_coord(), rln_call_session(call)), 0);
	expect_refer(&d, "SIP/2.0 200 OK\r\n");
	sim_expect(there, &m, "BYE ");
	sim_respond(&target, &m, 200, NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_TERMINATED, SIM_WAIT_MS), 0);
	rln_call_free(call);
}

/* A second call on the worker of the first: those that come out elsewhere stay up until one is found, so that the next goes to the other worker. */
static void call_near(struct sim_dialog *d, struct rln_peer *peer, struct rln_call *first, struct rln_call **call)
{
	struct rln_call *away[NEAR];
	struct sim_dialog dialogs[NEAR];
	unsigned n = 0;

	do {
		assert_true(n < NEAR);
		sim_call_out(&dialogs[n], there, peer, sim_sdp(30010, EVENTS, "sendrecv"), &away[n], NULL);
		n++;
	} while (rln_id_shard(rln_call_session(away[n - 1]).v) != rln_id_shard(rln_call_session(first).v));
	*call = away[--n];
	*d = dialogs[n];
	while (n--)
		hang_up(&dialogs[n], away[n]);
}

/* Two calls joined; one side's hold passes to the other. */
static void bridged(struct rln_peer *peer)
{
	struct rln_call *a, *b;
	struct sim_dialog da, db;
	struct sim_msg m;

	sim_call_out(&da, here, peer, sim_sdp(30000, EVENTS, "sendrecv"), &a, NULL);
	call_near(&db, peer, a, &b);
	links.a = rln_call_session(a).v;
	links.b = rln_call_session(b).v;
	assert_int_equal(rln_coord_bridge(sim_coord(), rln_call_session(a), rln_call_session(b)), 0);
	sim_trace_state(links.b, RLN_STATE_BRIDGED);
	sim_request(&da, "INVITE", NULL, sim_sdp(30000, EVENTS, "sendonly"));
	accept_offer(&db, "recvonly");
	sim_expect(here, &m, "SIP/2.0 200");
	sim_request(&da, "ACK", NULL, NULL);
	assert_int_equal(rln_coord_unbridge(sim_coord(), rln_call_session(b)), 0);
	sim_trace_wait(sim_trace_wait(0, RLN_EV_UNBRIDGE_CALLS, 0), RLN_EV_BRIDGE_MEDIA, 0);
	hang_up(&da, a);
	hang_up(&db, b);
}

void catalogue_links_live(struct rln_peer *peer)
{
	here = sim_sip_open(5060);
	there = sim_sip_open(5061);
	held(peer);
	transferred(peer);
	consulted(peer);
	bridged(peer);
	sim_wait_idle();
	sim_sip_close(here);
	sim_sip_close(there);
	links.a_media = sim_trace_at(sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, links.a))->ev.media_session_created.media_id;
	links.b_media = sim_trace_at(sim_trace_wait(0, RLN_EV_MEDIA_SESSION_CREATED, links.b))->ev.media_session_created.media_id;
}

/* ---- the checks ---- */

#define FROM_APP (v->serial >> 24 == RLN_ENDPOINT_APP)

CHECK(HOLD_SESSION, hold_session, rln_id_type(v->id) == RLN_ID_DIALOG && has(e, p->sdp, "a=sendonly") && v->cause)
CHECK(RESUME_SESSION, resume_session,
	rln_id_type(v->id) == RLN_ID_DIALOG && has(e, p->sdp, "m=audio") && !has(e, p->sdp, "sendonly"))
CHECK(TRANSFER_CALL, transfer_call, p->type == RLN_TRANSFER_ATTENDED && p->replaces && has(e, p->target, "sip:"))
CHECK(HOLD_MEDIA, hold_media, rln_id_type(v->id) == RLN_ID_MEDIA && p->direction == RLN_MEDIA_OUTBOUND)
CHECK(RESUME_MEDIA, resume_media, rln_id_type(v->id) == RLN_ID_MEDIA && p->direction == RLN_MEDIA_BIDIRECTIONAL)
CHECK(BRIDGE_MEDIA, bridge_media, v->id == links.a_media && p->other == links.b_media)
CHECK(SEND_TELEPHONE_EVENTS, send_telephone_events, strcmp(p->tones, "5") == 0 && p->duration_ms == 100)
CHECK(COMMAND_REJECTED, command_rejected, v->id == links.held && p->kind == RLN_EV_RESUME_CALL && p->error == EALREADY)
CHECK(HOLD_CALL, hold_call, v->id == links.held && FROM_APP)
CHECK(RESUME_CALL, resume_call, v->id == links.held && FROM_APP)
CHECK(BLIND_TRANSFER, blind_transfer, v->id == links.blind && has(e, p->target, "sip:carol@198.18.0.3") && FROM_APP)
CHECK(START_CONSULT, start_consult, v->id == links.attended && p->other == links.consultation && has(e, p->target, "carol"))
CHECK(COMPLETE_TRANSFER, complete_transfer, v->id == links.attended && FROM_APP)
CHECK(BRIDGE_CALLS, bridge_calls, v->id == links.b && p->other == links.a)
CHECK(UNBRIDGE_CALLS, unbridge_calls, v->id == links.b && FROM_APP)
CHECK(DTMF_REQUEST, dtmf_request, v->id == links.held && strcmp(p->tones, "5") == 0)
CHECK(EVALUATED, evaluated, rln_id_type(v->id) == RLN_ID_SESSION && p->decision == RLN_EVALUATED_KEEP)
CHECK(OTHER_CALL, other_call, v->id == links.attended && p->other == links.consultation && p->new_state == RLN_STATE_ACTIVE)
CHECK(BRIDGE_OFFER, bridge_offer, v->id == links.b && p->other == links.a && p->direction == RLN_MEDIA_OUTBOUND)
CHECK(BRIDGE_ANSWER, bridge_answer,
	v->id == links.a && p->other == links.b && p->direction == RLN_MEDIA_INBOUND && p->code == 200)

bool (*const catalogue_links_checks[RLN_EV_COUNT])(const struct sim_event *e) = {
#define ROW(kind) [RLN_EV_##kind] = check_##kind,
	ROW(HOLD_SESSION) ROW(RESUME_SESSION) ROW(TRANSFER_CALL) ROW(HOLD_MEDIA) ROW(RESUME_MEDIA) ROW(BRIDGE_MEDIA)
		ROW(SEND_TELEPHONE_EVENTS) ROW(COMMAND_REJECTED) ROW(HOLD_CALL) ROW(RESUME_CALL) ROW(BLIND_TRANSFER)
			ROW(START_CONSULT) ROW(COMPLETE_TRANSFER) ROW(BRIDGE_CALLS) ROW(UNBRIDGE_CALLS) ROW(DTMF_REQUEST)
				ROW(EVALUATED) ROW(OTHER_CALL) ROW(BRIDGE_OFFER) ROW(BRIDGE_ANSWER)
#undef ROW
};
