/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ringlane trace` against the whole product: a client on the trace's socket sees one call, and only that, from its first
 * packet to its cleanup, with every cause before its effect (R10, R210).
 */
#include "tests/sim/sim.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "dpdk_app/eal.h"
#include "dpdk_app/trace_client.h"

#define PORT 5070

static struct rln_peer *bob;
static struct sim_sip *sip;
static int stop_now;

struct watcher { /* a client on a thread of its own, as another process would be */
	struct rln_trace_request request;
	pthread_t thread;
	char *text;
	size_t len;
	FILE *out, *err;
	int said, rc; /* what it says on `err` */
};

static void *attach(void *arg)
{
	struct watcher *w = arg;
	struct rln_config config;
	char path[RLN_CONFIG_PATH];

	rln_config_defaults(&config);
	snprintf(config.runtime.prefix, sizeof(config.runtime.prefix), "rln-sim");
	if (rln_eal_trace_socket(&config, path, sizeof(path)) == 0)
		w->rc = rln_trace_attach(path, &w->request, 2 * SIM_WAIT_MS / 1000, &stop_now, w->out, w->err);
	return NULL;
}

/* Returns when the server looks for its call. */
static void watch(struct watcher *w, const char *filter, bool verbose)
{
	struct pollfd said = {.events = POLLIN};
	const char *why;
	int ends[2];

	*w = (struct watcher){.request = {.calls = 1, .verbose = verbose}};
	assert_int_equal(rln_trace_filter_parse(&w->request, filter, &why), 0);
	w->out = open_memstream(&w->text, &w->len);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	w->err = fdopen(ends[1], "w");
	w->said = said.fd = ends[0];
	assert_int_equal(pthread_create(&w->thread, NULL, attach, w), 0);
	assert_int_equal(poll(&said, 1, SIM_WAIT_MS), 1); /* "waiting for the call", or a complaint */
	sim_trace_wait_on();
}

static const char *seen(struct watcher *w)
{
	pthread_join(w->thread, NULL);
	fclose(w->out);
	fclose(w->err);
	close(w->said);
	assert_int_equal(w->rc, 0);
	return w->text;
}

/* The text behind the first `what` from `at` on; asserts that it is there. */
static const char *after(const char *at, const char *what)
{
	const char *found = strstr(at, what);

	if (!found)
		fail_msg("'%s' is not in:\n%s", what, at);
	return found + strlen(what);
}

static void the_next_call_is_seen_from_packet_to_cleanup(void **state)
{
	static const char *const story[] = {"SIP_MESSAGE_RECEIVED INVITE sip:bob@" SIM_MAIN, "INCOMING_CALL", "SESSION_CREATED",
		"dialog.send_response(180)", "STATE_CHANGED ** IDLE -> PROCEEDING **", "SEND_SIP_RESPONSE SIP/2.0 180",
		"MEDIA_SESSION_CREATED", "ACCEPT_CALL", "START_MEDIA_STREAM", "RTP_STREAM_STARTED", "MEDIA_STREAM_STARTED",
		"dialog.send_response(200)", "SEND_SIP_RESPONSE SIP/2.0 200", "SIP_MESSAGE_RECEIVED ACK", "CALL_ESTABLISHED",
		"STATE_CHANGED ** NEGOTIATING -> ACTIVE **", "SIP_MESSAGE_RECEIVED BYE", "CALL_TERMINATED", "SESSION_TERMINATED",
		"MEDIA_STREAM_STOPPED", "dialog.release()", "application.closed()", "the call is over after"};
	struct sim_dialog first, second;
	struct rln_call *call, *other;
	struct watcher w;
	const char *text;

	(void)state;
	sim_call_in(&second, sip, "bob", PORT, sim_sdp(30002, "0", "sendrecv"), bob, &other, NULL); /* is up before */
	watch(&w, "next", false);
	sim_call_in(&first, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &call, NULL);
	sim_bye(&second);
	sim_bye(&first);
	text = seen(&w);
	for (unsigned i = 0; i < sizeof(story) / sizeof(story[0]); i++)
		(void)after(text, story[i]);
	assert_null(strstr(after(text, "INVITE sip:bob"), "SIP_MESSAGE_RECEIVED INVITE"));
	assert_null(strstr(after(text, "SIP_MESSAGE_RECEIVED BYE"), "SIP_MESSAGE_RECEIVED BYE"));
	assert_null(strstr(text, "!!!")); /* nothing was lost */
	free(w.text);
	rln_call_free(call);
	rln_call_free(other);
}

/* Each line's number counts by one, and its cause is one of those before it or stands outside. */
static void every_cause_comes_before_its_effect(void **state)
{
	unsigned want = 1, effects = 0;
	struct sim_dialog d;
	struct rln_call *call;
	struct watcher w;
	const char *line;

	(void)state;
	watch(&w, "from=sip:sim@", true);
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &call, NULL);
	sim_bye(&d);
	for (line = seen(&w); (line = strchr(line, '\n')) && *++line;) {
		unsigned step, cause;

		if (line[0] == '\t' || strncmp(line, "the call", 8) == 0)
			continue; /* of a message */
		assert_int_equal(sscanf(line + 11 + 52, "%u <- %u", &step, &cause) > 0, 1);
		assert_int_equal(step, want++);
		if (sscanf(line + 11 + 52, "%u <- %u", &step, &cause) == 2) {
			assert_true(cause < step);
			effects++;
		}
	}
	if (want < 40 || effects < want / 2)
		fail_msg("%u steps, %u of them with a cause:\n%s", want - 1, effects, w.text);
	(void)after(after(w.text, "\t\t| INVITE sip:bob@" SIM_MAIN), "\t\t| m=audio 30000");
	(void)after(w.text, "\t\t| Call-ID: ");
	(void)after(w.text, "dialog.get_state() = ");
	free(w.text);
	rln_call_free(call);
}

static void secrets_are_not_shown(void **state)
{
	struct sim_dialog d;
	struct sim_msg m;
	struct watcher w;
	const char *text;

	(void)state;
	watch(&w, "next", true);
	sim_uac(&d, sip, "bob", PORT);
	sim_request(&d, "INVITE",
		"Authorization: Digest username=\"sim\", realm=\"r\", nonce=\"n\", uri=\"sip:bob\", response=\"deadbeef\"\r\n"
		"Require: nothing-that-we-know\r\n",
		sim_sdp(30000, "0", "sendrecv"));
	sim_expect(sip, &m, "SIP/2.0 420");
	sim_ack_refusal(&d, &m);
	text = seen(&w);
	(void)after(text, "| Authorization: Digest***\n");
	assert_null(strstr(text, "deadbeef"));
	(void)after(text, "SEND_SIP_RESPONSE SIP/2.0 420");
	(void)after(text, "the call is over");
	free(w.text);
}

static void a_call_we_make_is_found_by_whom_we_call(void **state)
{
	struct sim_dialog d;
	struct sim_msg invite;
	struct rln_call *call;
	struct watcher w;
	const char *text;

	(void)state;
	watch(&w, "to=sim@", false);
	sim_call_out(&d, sip, bob, sim_sdp(30000, "0", "sendrecv"), &call, &invite);
	sim_bye(&d);
	text = seen(&w);
	text = after(text, "MAKE_CALL");
	(void)after(text, "dialog.create()");
	text = after(text, "SEND_SIP_MESSAGE INVITE sip:sim@" SIM_HOST ":5060 (");
	text = after(text, "SIP_RESPONSE_RECEIVED SIP/2.0 200");
	(void)after(text, "transport.send_ack() ACK sip:");
	(void)after(text, "application.closed()");
	free(w.text);
	rln_call_free(call);
}

/* The bus's trace is on only while somebody looks. */
static void nothing_is_traced_when_nobody_looks(void **state)
{
	struct sim_dialog d;
	struct rln_call *call;
	size_t n = sim_trace_count();

	(void)state;
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0", "sendrecv"), bob, &call, NULL);
	sim_bye(&d);
	sim_wait_idle();
	assert_int_equal(sim_trace_count(), n);
	rln_call_free(call);
}

static int start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.telemetry = true});
	sim_trace_pass_on(true);
	bob = rln_peer_new("bob", PORT);
	sip = sim_sip_open(5060);
	return bob && sip ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	rln_peer_free(bob);
	sim_sip_close(sip);
	sim_stop();
	return 0;
}

static int idle(void **state)
{
	(void)state;
	sim_wait_idle();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_next_call_is_seen_from_packet_to_cleanup, idle),
		cmocka_unit_test_teardown(every_cause_comes_before_its_effect, idle),
		cmocka_unit_test_teardown(secrets_are_not_shown, idle),
		cmocka_unit_test_teardown(a_call_we_make_is_found_by_whom_we_call, idle),
		cmocka_unit_test_teardown(nothing_is_traced_when_nobody_looks, idle),
	};

	return cmocka_run_group_tests_name("sim/trace", tests, start, end);
}
