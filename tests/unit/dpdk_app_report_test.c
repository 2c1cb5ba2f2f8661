/* SPDX-License-Identifier: BSD-3-Clause */
/* The report of `ringlane call` in both forms, and the time stamps of the trace. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpdk_app/report.h"
#include "dpdk_app/trace.h"
#include "lcore/clock.h"

static char text[8192];

static struct rln_call_result answered_call(void)
{
	struct rln_call_result r = {.target = "sip:bob@198.18.0.3",
		.end_text = "NORMAL: we hung up",
		.state = RLN_STATE_TERMINATED,
		.reason = RLN_END_NORMAL,
		.answered = true,
		.has_media = true,
		.setup_ms = 12.34,
		.first_audio_ms = 34,
		.duration_ms = 12000,
		.digits = "12#",
		.played = "/tmp/alice.wav",
		.recorded = "/tmp/heard.wav",
		.recorded_ms = 11980};
	struct rln_call_statistics *s = &r.statistics;

	s->packets_sent = 600;
	s->octets_sent = 96000;
	s->packets_received = 594;
	s->octets_received = 95040;
	s->lost = 6;
	s->reordered = 1;
	s->duplicate = 2;
	s->late = 3;
	s->jitter_ms = 0.5;
	s->round_trip_ms = 1.25;
	s->peer_lost = 4;
	s->peer_jitter_ms = 0.25;
	s->codec = RLN_CODEC_PCMU;
	assert_int_equal(rln_addr_parse(&s->local, "198.18.0.1", 10), 0);
	assert_int_equal(rln_addr_parse(&s->remote, "198.18.0.3", 10), 0);
	s->local.port = 10000;
	s->remote.port = 10002;
	return r;
}

static struct rln_call_result failed_call(void)
{
	return (struct rln_call_result){.target = "sip:x@\"y\\\n",
		.end_text = "REFUSED: refused by the peer (486 Busy Here)",
		.state = RLN_STATE_FAILED,
		.reason = RLN_END_REFUSED,
		.code = 486,
		.setup_ms = -1,
		.first_audio_ms = -1,
		.duration_ms = -1};
}

static void print(
	void (*how)(FILE *out, const struct rln_call_result *calls, unsigned n), const struct rln_call_result *calls, unsigned n)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	how(out, calls, n);
	fclose(out);
}

static void test_loss(void **state)
{
	struct rln_call_statistics s = {.packets_received = 594, .lost = 6};

	(void)state;
	assert_true(fabs(rln_report_loss_percent(&s) - 1.0) < 1e-9);
	s = (struct rln_call_statistics){0};
	assert_true(rln_report_loss_percent(&s) == 0);
}

static void test_page_of_one_call(void **state)
{
	struct rln_call_result r = answered_call();

	(void)state;
	print(rln_report_print, &r, 1);
	assert_non_null(strstr(text, "call to sip:bob@198.18.0.3\n"));
	assert_non_null(strstr(text, "NORMAL: we hung up"));
	assert_non_null(strstr(text, "12.3 ms to the answer, first audio 34.0 ms after it, up for 12.0 s"));
	assert_non_null(strstr(text, "PCMU, 198.18.0.1:10000 <-> 198.18.0.3:10002, round trip 1.2 ms"));
	assert_non_null(strstr(text, "6 (1.00%)"));
	assert_non_null(strstr(text, "4 (peer)"));
	assert_non_null(strstr(text, "digits       12#"));
	assert_non_null(strstr(text, "/tmp/heard.wav, 12.0 s\n"));
	r.recorded_gap_ms = 500;
	print(rln_report_print, &r, 1);
	assert_non_null(strstr(text, "(500 ms of it silence"));
	r = failed_call();
	print(rln_report_print, &r, 1);
	assert_non_null(strstr(text, "486 Busy Here"));
	assert_null(strstr(text, "set-up")); /* nothing was measured: nothing is claimed */
	assert_null(strstr(text, "received"));
}

static void test_list_of_several(void **state)
{
	struct rln_call_result r[2] = {answered_call(), failed_call()};

	(void)state;
	print(rln_report_print, r, 2);
	assert_non_null(strstr(text, "1 of 2 calls answered, 600 packets sent, 594 received, 6 lost"));
	assert_non_null(strstr(text, "REFUSED"));
}

/* Python reads it back: JSON is what a JSON reader takes. */
static void test_json(void **state)
{
	struct rln_call_result r[2] = {answered_call(), failed_call()};
	FILE *python;

	(void)state;
	print(rln_report_json, r, 2);
	python = popen(
		"/usr/bin/python3 -c 'import json, sys\n"
		"c = json.load(sys.stdin)[\"calls\"]\n"
		"assert len(c) == 2\n"
		"assert c[0][\"receive\"] == dict(packets=594, octets=95040, lost=6, loss_percent=1.0, reordered=1, duplicate=2, "
		"late=3, jitter_ms=0.5)\n"
		"assert c[0][\"send\"] == dict(packets=600, octets=96000, peer_lost=4, peer_jitter_ms=0.25)\n"
		"assert c[0][\"codec\"] == \"PCMU\" and c[0][\"digits\"] == \"12#\" and c[0][\"setup_ms\"] == 12.34\n"
		"assert c[0][\"remote\"] == \"198.18.0.3:10002\" and c[0][\"recorded_ms\"] == 11980\n"
		"assert c[1][\"answered\"] is False and c[1][\"code\"] == 486 and c[1][\"setup_ms\"] is None and c[1][\"end\"] "
		"== \"REFUSED\"\n"
		"assert c[1][\"target\"] == \"sip:x@\" + chr(34) + \"y\" + chr(92) + chr(10) and \"receive\" not in c[1]\n'",
		"w");
	assert_non_null(python);
	fputs(text, python);
	assert_int_equal(pclose(python), 0);
}

static void test_trace_time_is_extended(void **state)
{
	uint64_t now = (UINT64_C(5) << 36) + (UINT64_C(100) << 4); /* 100 ticks of TSC >> 4 after a wrap of its low half */
	struct rln_event ev = {.when = 90};
	char name[16];

	(void)state;
	rln_clock_init();
	assert_int_equal(rln_trace_time(&ev, now), rln_clock_tsc_to_ns((UINT64_C(5) << 36) + (UINT64_C(90) << 4)));
	ev.when = 0xfffffff0; /* published before the wrap */
	assert_int_equal(rln_trace_time(&ev, now), rln_clock_tsc_to_ns((UINT64_C(5) << 36) - (UINT64_C(16) << 4)));
	assert_string_equal(rln_trace_endpoint(RLN_ENDPOINT_APP, name), "app");
	assert_string_equal(rln_trace_endpoint(RLN_ENDPOINT_CONTROL, name), "control");
	assert_string_equal(rln_trace_endpoint(RLN_ENDPOINT_WORKER0 + 31, name), "worker31");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_page_of_one_call),
		cmocka_unit_test(test_list_of_several),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_trace_time_is_extended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
