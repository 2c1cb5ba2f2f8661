/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client on the coordinator: uac_client TARGET [CALLS [SECONDS]]. Places that many calls at once (10), lets each talk that long (1), hangs up, and
 * fails unless every one was answered and ended by us.
 */
#include <ringlane.h>
#include <stdio.h>
#include <stdlib.h>

struct client {
	unsigned answered, ended, failed;
};

static void established(void *arg, struct rln_session_id session)
{
	struct client *me = arg;

	(void)session;
	me->answered++;
}

static void ended(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code)
{
	struct client *me = arg;

	(void)session;
	me->ended++;
	if (reason == RLN_END_NORMAL)
		return;
	me->failed++;
	fprintf(stderr, "%s %u\n", rln_end_reason_name(reason), code);
}

/* Callbacks run until `n` of something were counted. False: 20 s without an event. */
static bool run_until(struct rln_coordinator *c, const unsigned *counted, unsigned n)
{
	while (*counted < n) {
		if (rln_coordinator_run(c, 20000) <= 0)
			return false;
	}
	return true;
}

/* Nobody hangs up meanwhile: the time is what we wait for. */
static void talk(struct rln_coordinator *c, int seconds)
{
	struct rln_event ev = {.kind = RLN_EV_SESSION_TERMINATED};

	rln_coordinator_wait_for_event_timeout(c, &ev, seconds * 1000);
}

static int make_calls(struct rln_coordinator *c, struct client *me, const char *target, unsigned n, int seconds)
{
	struct rln_session_id *ids = calloc(n, sizeof(*ids));
	bool ok = ids != NULL;
	unsigned i;

	for (i = 0; ok && i < n; i++) {
		ids[i] = rln_make_call(c, target);
		ok = ids[i].v != 0;
	}
	ok = ok && run_until(c, &me->answered, n);
	if (ok)
		talk(c, seconds);
	while (i-- > 0)
		rln_hangup_call(c, ids[i]);
	ok = ok && run_until(c, &me->ended, n);
	free(ids);
	return ok && me->failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct client me = {0};
	struct rln_call_handler handler = {.on_call_established = established, .on_call_ended = ended, .arg = &me};
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 10;
	struct rln_coordinator *c;
	int rc;

	if (argc < 2 || n == 0) {
		fprintf(stderr, "usage: uac_client user@host [calls [seconds]]\n");
		return 2;
	}
	c = rln_builder_build(rln_builder_with_call_handler(rln_builder_with_name(rln_builder_new(), "client", 5060), &handler));
	if (!c) {
		perror("uac_client");
		return 1;
	}
	rc = make_calls(c, &me, argv[1], n, argc > 3 ? atoi(argv[3]) : 1);
	printf("%u answered, %u ended, %u failed\n", me.answered, me.ended, me.failed);
	rln_coordinator_free(c);
	return rc;
}
