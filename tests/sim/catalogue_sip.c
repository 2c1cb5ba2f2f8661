/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/catalogue_check.h"
#include "tests/sim/catalogue_sip.h"

#include "session/api_priv.h"

#define TOKEN 7

static struct {
	uint64_t call, asker; /* sessions: a call, and an id that asked for OPTIONS */
} aside;

static void keys(struct sim_dialog *d, struct rln_call *call)
{
	struct sim_msg m;

	assert_int_equal(rln_coord_send_dtmf(sim_coord(), rln_call_session(call), "5", 100), 0);
	sim_expect(d->sip, &m, "INFO ");
	sim_respond(d, &m, 200, NULL, NULL);
	sim_request_body(d, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=7\r\nDuration=250\r\n");
	sim_expect(d->sip, &m, "SIP/2.0 200");
}

/* To where nobody can be called: accepted, and then told that it failed. Datagrams of two workers come in any order. */
static void transfer_is_asked_for(struct sim_dialog *d)
{
	bool again, is_answered = false, is_over = false;
	struct sim_msg m;

	sim_request(d, "REFER",
		"Refer-To: <sip:carol@10.1.2.3?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\nReferred-By: <sip:sim@" SIM_HOST
		">\r\n",
		NULL);
	while (!is_answered || !is_over) {
		assert_true(sim_sip_next(d->sip, &m, &again, SIM_WAIT_MS));
		is_answered |= m.status >= 200 && strcmp(m.method, "REFER") == 0;
		if (m.status || strcmp(m.method, "NOTIFY") != 0 || again)
			continue;
		sim_respond(d, &m, 200, NULL, NULL);
		is_over = strncmp(sim_header(&m, "Subscription-State"), "terminated", 10) == 0;
	}
}

static void somebody_is_asked(struct rln_peer *peer, struct sim_sip *sip)
{
	struct rln_sub_cfg cfg = {.filter = RLN_SUB_SESSION, .session = rln_coord_reserve(sim_coord())};
	struct rln_sub *sub;
	struct sim_dialog d;
	struct sim_msg m;

	aside.asker = cfg.session.v;
	assert_int_equal(rln_sub_create(&sub, rln_coord_subs(sim_coord()), &cfg), 0);
	assert_int_equal(rln_coord_options(sim_coord(), cfg.session, peer->number, "sim@" SIM_HOST, TOKEN), 0);
	sim_expect(sip, &m, "OPTIONS ");
	sim_uas(&d, sip, &m);
	sim_respond(&d, &m, 200, NULL, NULL);
	assert_int_equal(rln_sub_wait(sub, SIM_WAIT_MS), 1);
	rln_sub_destroy(sub);
	rln_coord_unreserve(sim_coord(), cfg.session);
}

void catalogue_sip_live(struct rln_peer *peer)
{
	struct sim_sip *sip = sim_sip_open(5060);
	struct rln_call *call;
	struct sim_dialog d;

	sim_call_out(&d, sip, peer, sim_sdp(30000, "0", "sendrecv"), &call, NULL);
	aside.call = rln_call_session(call).v;
	keys(&d, call);
	transfer_is_asked_for(&d);
	sim_bye(&d);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	rln_call_free(call);
	somebody_is_asked(peer, sip);
	sim_wait_idle();
	sim_sip_close(sip);
}

/* ---- the checks ---- */

CHECK(SEND_DTMF, send_dtmf, rln_id_type(v->id) == RLN_ID_DIALOG && strcmp(p->tones, "5") == 0 && p->duration_ms == 100)
CHECK(DTMF_RECEIVED, dtmf_received, v->id == aside.call && strcmp(p->tones, "7") == 0 && p->duration_ms == 250)
CHECK(TRANSFER_REQUESTED, transfer_requested,
	p->type == RLN_TRANSFER_ATTENDED && strcmp(sim_trace_text(e, p->refer_to), "sip:carol@10.1.2.3") == 0 &&
		has(e, p->replaces, "x;to-tag=1;from-tag=2") && has(e, p->referred_by, "<sip:sim@" SIM_HOST ">"))
CHECK(OPTIONS_REQUEST, options_request,
	v->id == aside.asker && has(e, p->from, "sip:bob@") && has(e, p->target, "sim@" SIM_HOST) && p->port && p->token == TOKEN)
CHECK(OPTIONS_ANSWERED, options_answered,
	v->id == aside.asker && p->status == 200 && p->error == 0 && p->rtt_us > 0 && p->token == TOKEN)

bool (*const catalogue_sip_checks[RLN_EV_COUNT])(const struct sim_event *e) = {
#define ROW(kind) [RLN_EV_##kind] = check_##kind,
	ROW(SEND_DTMF) ROW(DTMF_RECEIVED) ROW(TRANSFER_REQUESTED) ROW(OPTIONS_REQUEST) ROW(OPTIONS_ANSWERED)
#undef ROW
};
