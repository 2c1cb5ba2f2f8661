/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server on the coordinator: uas_server CALLS. A signalling handler decides on each INVITE: "busy" is refused, everybody else is answered at once and
 * hears an echo. Ends when CALLS calls have ended; fails when nothing happens for a minute.
 */
#include <ringlane.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
	unsigned established, ended;
};

/* On the control lcore: it decides and returns. */
static struct rln_decision decide(void *arg, const struct rln_invite_details *invite)
{
	(void)arg;
	if (strncmp(invite->request_uri, "sip:busy@", 9) == 0)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true, .leg_app = RLN_LEG_ECHO};
}

static void incoming(void *arg, struct rln_session_id session, const char *from)
{
	(void)arg;
	(void)session;
	printf("call from %s\n", from);
	fflush(stdout);
}

static void established(void *arg, struct rln_session_id session)
{
	(void)session;
	((struct server *)arg)->established++;
}

static void ended(void *arg, struct rln_session_id session, enum rln_end_reason reason, uint16_t code)
{
	(void)session;
	(void)code;
	((struct server *)arg)->ended++;
	printf("ended: %s\n", rln_end_reason_name(reason));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct server me = {0};
	struct rln_signalling_handler decides = {.on_incoming_invite = decide};
	struct rln_call_handler told = {incoming, established, ended, &me};
	unsigned calls = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	struct rln_coordinator *c;
	int n = 1;

	if (calls == 0) {
		fprintf(stderr, "usage: uas_server calls\n");
		return 2;
	}
	c = rln_builder_build(rln_builder_with_call_handler(rln_builder_with_handler(rln_builder_new(), &decides), &told));
	if (!c) {
		perror("uas_server");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (me.ended < calls && n > 0)
		n = rln_coordinator_run(c, 60000);
	printf("%u established, %u ended\n", me.established, me.ended);
	rln_coordinator_free(c);
	return me.ended >= calls && me.established >= calls ? 0 : 1;
}
