/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that are challenged (R162, RFC 3261 22): by a proxy, by the peer, by both, through the state machine's row for a refusal that can be met. The answers
 * are computed here with the arithmetic that sip_digest_test.c checks; in test_kamailio.py another program checks them.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "session/api_priv.h"
#include "session/coord_priv.h"
#include "sip/digest.h"

#define USER     "bob"
#define PASSWORD "builder"

struct asker {
	unsigned status;
	const char *header, *answer; /* names */
	const char *challenge, *another;
};

static const struct asker peer = {401, "WWW-Authenticate", "Authorization",
	"Digest realm=\"sim\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256",
	"Digest realm=\"sim\", nonce=\"n2\", qop=\"auth\", algorithm=SHA-256"};
static const struct asker proxy = {407, "Proxy-Authenticate", "Proxy-Authorization", "Digest realm=\"way\", nonce=\"p1\"",
	"Digest realm=\"way\", nonce=\"p2\""};

static struct rln_peer *bob;
static struct sim_sip *sip;
static struct rln_call *call;
static struct sim_dialog d;
static struct sim_msg invite;

static int open_peer(void **state)
{
	(void)state;
	sim_trace_begin();
	sip = sim_sip_open(5060);
	call = rln_peer_call(bob, "sim@" SIM_HOST);
	assert_non_null(call);
	sim_expect(sip, &invite, "INVITE ");
	sim_uas(&d, sip, &invite);
	return 0;
}

static int close_peer(void **state)
{
	(void)state;
	rln_call_free(call);
	sim_sip_close(sip);
	sim_wait_idle();
	return 0;
}

/* ---- digest ---- */

/* name="value" or name=value of a header's value. */
static struct rln_span param(const char *value, const char *name)
{
	char pattern[32];
	const char *at;

	snprintf(pattern, sizeof(pattern), " %s=", name);
	at = strstr(value, pattern);
	if (!at)
		fail_msg("no %s in %s", name, value);
	at += strlen(pattern);
	return *at == '"' ? (struct rln_span){at + 1, strcspn(at + 1, "\"")} : (struct rln_span){at, strcspn(at, ", ")};
}

static void assert_answers(const struct sim_msg *m, const char *method, const struct asker *asker, const char *challenge)
{
	const char *value = sim_header(m, asker->answer), *at = challenge;
	char secret[RLN_DIGEST_HEX], want[RLN_DIGEST_HEX], cnonce[64] = "";
	struct rln_digest_request r = {.method = method, .uri = param(value, "uri"), .cnonce = cnonce};
	struct rln_span response = param(value, "response");
	struct rln_digest_challenge c;

	assert_true(rln_digest_next(&at, challenge + strlen(challenge), &c));
	assert_memory_equal(param(value, "nonce").s, c.nonce.s, c.nonce.len);
	if (c.qop != RLN_QOP_NONE) {
		snprintf(cnonce, sizeof(cnonce), "%.*s", (int)param(value, "cnonce").len, param(value, "cnonce").s);
		r.nc = (uint32_t)strtoul(param(value, "nc").s, NULL, 16);
	}
	assert_int_equal(rln_digest_secret(c.algorithm, USER, c.realm, PASSWORD, secret), 0);
	assert_int_equal(rln_digest_response(&c, secret, &r, want), 0);
	assert_int_equal(response.len, strlen(want));
	assert_memory_equal(response.s, want, response.len);
}

/* ---- steps ---- */

static void refuse(const struct asker *asker, const char *challenge)
{
	struct sim_msg ack;
	char line[160];

	snprintf(line, sizeof(line), "%s: %s\r\n", asker->header, challenge);
	sim_respond(&d, &invite, asker->status, line, NULL);
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(atoi(sim_header(&ack, "CSeq")), atoi(sim_header(&invite, "CSeq")));
}

/* The challenge, and the same INVITE with its answer and the next CSeq, which the machine's retry row ordered. */
static void challenge(const struct asker *asker)
{
	struct sim_msg before = invite;
	size_t begin = sim_trace_count(), told, order;

	refuse(asker, asker->challenge);
	sim_expect(sip, &invite, "INVITE ");
	assert_int_equal(atoi(sim_header(&invite, "CSeq")), atoi(sim_header(&before, "CSeq")) + 1);
	assert_string_equal(sim_header(&invite, "Call-ID"), sim_header(&before, "Call-ID"));
	assert_string_equal(sim_header(&invite, "From"), sim_header(&before, "From"));
	assert_string_equal(sim_body(&invite), sim_body(&before));
	assert_answers(&invite, "INVITE", asker, asker->challenge);
	told = sim_trace_wait(begin, RLN_EV_CALL_STATE_CHANGED, 0);
	while (rln_id_type(sim_trace_at(told)->ev.id) != RLN_ID_DIALOG) /* the one before, as the application heard it */
		told = sim_trace_wait(told + 1, RLN_EV_CALL_STATE_CHANGED, 0);
	assert_int_equal(sim_trace_at(told)->ev.call_state_changed.new_state, RLN_CALL_CHALLENGED);
	assert_int_equal(sim_trace_at(told)->ev.call_state_changed.status, asker->status);
	order = sim_trace_wait(told, RLN_EV_INITIATE_CALL, 0);
	assert_true(sim_trace_led_to(told, order));
	assert_int_equal(rln_call_state(call), RLN_STATE_CALLING);
}

static void ended(enum rln_call_state state, enum rln_end_reason reason, unsigned code)
{
	uint16_t got;

	assert_int_equal(rln_call_wait_for_state(call, state, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_end(call, &got), reason);
	assert_int_equal(got, code);
}

/* Answered, talked, hung up by us; *bye is our BYE. */
static void have_the_call(struct sim_msg *bye)
{
	struct sim_msg ack;

	sim_respond(&d, &invite, 180, NULL, NULL);
	sim_respond(&d, &invite, 200, NULL, sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	assert_int_equal(rln_call_hangup(call), 0);
	sim_expect(sip, bye, "BYE ");
	sim_respond(&d, bye, 200, NULL, NULL);
	ended(RLN_STATE_TERMINATED, RLN_END_NORMAL, 0);
}

/* ---- tests ---- */

static void the_peer_challenges(void **state)
{
	struct sim_msg bye;

	(void)state;
	challenge(&peer);
	have_the_call(&bye);
	assert_answers(&bye, "BYE", &peer, peer.challenge);
}

static void a_proxy_challenges(void **state)
{
	struct sim_msg bye;

	(void)state;
	challenge(&proxy);
	have_the_call(&bye);
	assert_answers(&bye, "BYE", &proxy, proxy.challenge);
}

/* Each of them is asked once; the proxy's answer stays in the INVITE that answers the peer. */
static void both_challenge(void **state)
{
	struct sim_msg bye;

	(void)state;
	challenge(&proxy);
	challenge(&peer);
	assert_answers(&invite, "INVITE", &proxy, proxy.challenge);
	have_the_call(&bye);
}

static void fails_on_the_second(const struct asker *asker)
{
	challenge(asker);
	refuse(asker, asker->another);
	ended(RLN_STATE_FAILED, RLN_END_AUTH, asker->status);
}

static void the_peer_refuses_the_answer(void **state)
{
	(void)state;
	fails_on_the_second(&peer);
}

static void a_proxy_refuses_the_answer(void **state)
{
	(void)state;
	fails_on_the_second(&proxy);
}

static int group_start(void **state)
{
	int rc = sim_group_start(state);

	sim_trace_begin();
	bob = rln_peer_new(USER, 5070);
	return rc != 0 || !bob ? -1 : rln_peers_set_account(sim_coord(), bob->number, "", USER, PASSWORD, SIM_WAIT_MS);
}

static int group_stop(void **state)
{
	rln_peer_free(bob);
	return sim_group_stop(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_peer, close_peer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_peer_challenges),
		T(a_proxy_challenges),
		T(both_challenge),
		T(the_peer_refuses_the_answer),
		T(a_proxy_refuses_the_answer),
	};

	return cmocka_run_group_tests_name("sim/challenge", tests, group_start, group_stop);
}
