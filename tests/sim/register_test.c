/* SPDX-License-Identifier: BSD-3-Clause */
/* Registration over the wire: from the configuration and from a peer, with a challenge, the refresh, the drain that takes it back. */
#include "tests/sim/sim.h"

#include "session/api_priv.h"
#include "session/registrations.h"

#define ASKS "WWW-Authenticate: Digest realm=\"sim\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n"

/* The next REGISTER; a challenge first when it has no credentials, then the registrar grants. */
static void serve(struct sim_sip *sip, struct sim_msg *m, const char *expires)
{
	struct sim_dialog d;
	const char *contact;
	char line[128];

	sim_expect(sip, m, "REGISTER sip:" SIM_HOST);
	if (!sim_header(m, "Authorization")[0]) {
		sim_uas(&d, sip, m);
		sim_respond(&d, m, 401, ASKS, NULL);
		sim_expect(sip, m, "REGISTER ");
	}
	sim_uas(&d, sip, m);
	contact = sim_header(m, "Contact");
	snprintf(line, sizeof(line), "Contact: %.*s\r\nExpires: %s\r\n", (int)strcspn(contact, ";"), contact, expires);
	sim_respond(&d, m, 200, line, NULL);
}

static void wait_for(const char *uri, enum rln_registration_state status)
{
	struct rln_registration_view view = {.uri = ""};
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;
	bool found = false;

	while (!found && sim_now_ms() < end) {
		for (unsigned i = 0; !found && rln_coord_registration_view(sim_coord(), i, &view); i++)
			found = strcmp(view.uri, uri) == 0 && view.status == status;
	}
	if (!found)
		fail_msg("%s is not %s", uri, rln_registration_state_name(status));
}

/* `registrations:` of the configuration: registered at the start, refreshed, given back by the drain. No password anywhere. */
static void the_server_registers(void **state)
{
	struct sim_sip *sip;
	struct sim_msg first, m;

	(void)state;
	sim_start(&(struct sim_cfg){.trace = true,
		.routes = "routes: [{match: '*', app: echo}]\n"
			  "registrations: [{uri: 'sip:pbx@" SIM_HOST "', user: pbx, password: swordfish, expires_s: 60}]\n"});
	sip = sim_sip_open(5060);
	serve(sip, &first, "2"); /* refreshed after one second */
	assert_non_null(strstr(sim_header(&first, "Authorization"), "username=\"pbx\""));
	assert_non_null(strstr(sim_header(&first, "Contact"), "<sip:pbx@" SIM_MAIN ":5060>;expires=60"));
	wait_for("sip:pbx@" SIM_HOST, RLN_REGISTRATION_REGISTERED);
	serve(sip, &m, "60");
	assert_string_equal(sim_header(&m, "Call-ID"), sim_header(&first, "Call-ID"));
	wait_for("sip:pbx@" SIM_HOST, RLN_REGISTRATION_REGISTERED);
	assert_int_equal(rln_coord_registrations(sim_coord()), 1);
	rln_coord_drain(sim_coord());
	serve(sip, &m, "0");
	assert_string_equal(sim_header(&m, "Expires"), "0");
	wait_for("sip:pbx@" SIM_HOST, RLN_REGISTRATION_UNREGISTERED);
	assert_int_equal(rln_coord_registrations(sim_coord()), 0);
	for (size_t i = 0; i < sim_trace_count(); i++) {
		const struct sim_event *e = sim_trace_at(i);

		assert_null(e->text ? memmem(e->text, e->room, "swordfish", 9) : NULL);
	}
	sim_sip_close(sip);
	sim_stop();
}

/* A peer registers, its subscriber sees each step, and freeing it unregisters. */
static void a_peer_registers(void **state)
{
	static const enum rln_registration_state steps[] = {RLN_REGISTRATION_REGISTERING, RLN_REGISTRATION_REGISTERED,
		RLN_REGISTRATION_UNREGISTERING, RLN_REGISTRATION_UNREGISTERED};
	struct rln_coord_registration r = {.registrar = SIM_HOST, .user = "alice", .password = "wonderland"};
	struct rln_sub_cfg cfg = {.filter = RLN_SUB_PEER};
	struct rln_peer *alice;
	struct rln_event ev;
	struct rln_sub *sub;
	struct sim_sip *sip;
	struct sim_msg m;

	(void)state;
	sim_start(NULL);
	sip = sim_sip_open(5060);
	alice = rln_peer_new("alice", 5070);
	assert_non_null(alice);
	cfg.peer = alice->number;
	assert_int_equal(rln_sub_create(&sub, rln_coord_subs(sim_coord()), &cfg), 0);
	assert_int_equal(rln_coord_register(sim_coord(), alice->number, &r, SIM_WAIT_MS), 0);
	serve(sip, &m, "3600");
	assert_non_null(strstr(sim_header(&m, "Contact"), "<sip:alice@" SIM_MAIN ":5070>"));
	wait_for("sip:alice@" SIM_HOST, RLN_REGISTRATION_REGISTERED);
	rln_peer_free(alice);
	serve(sip, &m, "0");
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rln_sub_wait(sub, SIM_WAIT_MS), 1);
		assert_int_equal(rln_sub_pop(sub, &ev), 1);
		assert_int_equal(ev.kind, RLN_EV_REGISTRATION_STATUS_UPDATE);
		assert_int_equal(ev.registration_status_update.status, steps[i]);
		rln_sub_give_back(sub, &ev);
	}
	rln_sub_destroy(sub);
	sim_sip_close(sip);
	sim_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_registers),
		cmocka_unit_test(a_peer_registers),
	};

	return cmocka_run_group_tests_name("sim/register", tests, NULL, NULL);
}
