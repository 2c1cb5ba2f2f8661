/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A call queue in a program of one's own: who calls sip:queue@OUR-ADDRESS:5070 hears music until the one agent is free and has
 * answered; then the two are joined. Everything runs on the control lcore, so there is nothing to lock.
 *
 *     call_queue AGENT-URI [CONFIG]     moh.wav stands in the config's media.prompts
 *
 * The same, with many agents and strategies, without a line of C: `queues:` in the configuration of `ringlane serve`.
 */
#define _POSIX_C_SOURCE 200809L /* sigwait */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <ringlane.h>

#define ROOM        8
#define TIMER_RING  0
#define TIMER_LATER 1

static struct {
	const char *agent_uri;
	struct rln_session_id waiting[ROOM]; /* oldest first */
	unsigned waiting_n;
	struct rln_session_id agent, caller; /* the agent's call, and whose it is; {0}: the agent is free */
	int is_joined;
} queue;

static void take_out(uint64_t call)
{
	for (unsigned i = 0; i < queue.waiting_n; i++) {
		if (queue.waiting[i].v != call)
			continue;
		memmove(&queue.waiting[i], &queue.waiting[i + 1], (--queue.waiting_n - i) * sizeof(queue.waiting[0]));
		return;
	}
}

/* The oldest caller gets the agent, when he is free. */
static void call_agent(struct rln_host *host)
{
	struct rln_host_call request = {.to = queue.agent_uri};

	if (queue.agent.v || queue.waiting_n == 0)
		return;
	queue.caller = request.near = queue.waiting[0]; /* near: on one worker, so that they can be joined */
	queue.agent = host->ops->make_call(host, &request);
	if (queue.agent.v)
		host->ops->start_timer(host, queue.agent, TIMER_RING, 20000);
}

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	(void)arg;
	(void)host;
	(void)invite;
	if (queue.waiting_n == ROOM)
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 486};
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true};
}

static void on_up(struct rln_host *host, struct rln_session_id call)
{
	if (call.v == queue.agent.v) {
		host->ops->stop_timer(host, call, TIMER_RING);
		host->ops->stop_play(host, queue.caller);
		host->ops->bridge(host, queue.caller, call);
		take_out(queue.caller.v);
		queue.is_joined = 1;
	} else if (queue.waiting_n < ROOM) {
		queue.waiting[queue.waiting_n++] = call;
		host->ops->play(host, call, "moh.wav", 0);
		call_agent(host);
	} else {
		host->ops->hangup(host, call);
	}
}

static void on_end(struct rln_host *host, struct rln_session_id call)
{
	struct rln_session_id caller = queue.caller;

	if (call.v == queue.agent.v) {
		queue.agent.v = queue.caller.v = 0;
		if (queue.is_joined && caller.v)
			host->ops->hangup(host, caller);
		if (queue.is_joined)
			call_agent(host);
		else
			host->ops->start_timer(host, (struct rln_session_id){0}, TIMER_LATER, 3000); /* he did not answer */
		queue.is_joined = 0;
		return;
	}
	take_out(call.v);
	if (call.v == caller.v) {
		queue.caller.v = 0;
		if (queue.agent.v)
			host->ops->hangup(host, queue.agent);
	}
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	struct rln_session_id call = {ev->id};

	(void)arg;
	if (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
		ev->state_changed.old_state == RLN_STATE_NEGOTIATING)
		on_up(host, call);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		on_end(host, call);
}

static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	(void)arg;
	if (number == TIMER_RING)
		host->ops->hangup(host, call);
	else
		call_agent(host);
}

int main(int argc, char **argv)
{
	struct rln_runtime_options runtime = {.config_file = argc > 2 ? argv[2] : NULL};
	struct rln_app_options options = {.name = "queue", .port = 5070};
	struct rln_handler handler = {
		.abi = RLN_HANDLER_ABI, .on_incoming_invite = on_invite, .on_event = on_event, .on_timer = on_timer};
	struct rln_app *app;
	sigset_t end;
	int signo;

	if (argc < 2) {
		fprintf(stderr, "usage: %s AGENT-URI [CONFIG]\n", argv[0]);
		return 2;
	}
	queue.agent_uri = argv[1];
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &end, NULL); /* before the lcores, which inherit it */
	if (rln_runtime_start(&runtime) != 0)
		return 1;
	app = rln_app_start(&options, &handler);
	if (!app) {
		perror("call_queue");
		rln_runtime_stop();
		return 1;
	}
	printf("sip:queue is ready on port 5070\n");
	fflush(stdout);
	sigwait(&end, &signo);
	rln_app_stop(app);
	rln_runtime_stop();
	return 0;
}
