/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers that need no dialog: each tests/scenario/sip/answers/NAME.sip is one datagram, NAME.want says what comes of
 * it. Its first line is the status line ("*" at its end: any reason phrase), "call" (it reaches the session), or
 * "none"; further lines are header lines of the answer, or of the INVITE's refusal, with $ALLOW for our methods, $SUPPORTED for our extensions.
 */
#include "sip_dialog_fixture.h"

#include <dirent.h>

#define FOLDER "tests/scenario/sip/answers"

static char datagram[TEXT_MAX * 4];

static size_t read_file(const char *name, const char *ending, char *out, size_t size)
{
	char path[512];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), FOLDER "/%s%s", name, ending);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	len = fread(out, 1, size - 1, file);
	fclose(file);
	out[len] = '\0';
	return len;
}

static bool has_status(const char *answer, const char *want)
{
	size_t len = strlen(want);

	if (len && want[len - 1] == '*')
		return strncmp(answer, want, len - 1) == 0;
	return strncmp(answer, want, len) == 0 && answer[len] == '\r';
}

static void check_headers(const char *name, const char *answer, char *lines)
{
	char line[1100];

	for (const char *at = strtok(lines, "\n"); at; at = strtok(NULL, "\n")) {
		if (strcmp(at, "Allow: $ALLOW") == 0)
			at = "Allow: " ALLOW;
		else if (strcmp(at, "Supported: $SUPPORTED") == 0)
			at = "Supported: " SUPPORTED;
		snprintf(line, sizeof(line), "\r\n%s\r\n", at);
		if (!strstr(answer, line))
			fail_msg("%s: no \"%s\" in\n%s", name, at, answer);
	}
}

/* It went up as a call: refused here, so that there is an answer to look at. */
static void refuse_call(const char *name)
{
	struct rln_dialog_id call;

	if (node0->events_n == 0)
		fail_msg("%s: no call, but\n%s", name, world.sent_n ? world.sent[0].text : "silence");
	call.v = next_event(RLN_EV_INCOMING_CALL)->id;
	assert_int_equal(rln_dialog_send_response(dialogs0, call, 486, NULL, NULL), 0);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_TERMINATED);
	pump();
}

static void run_scenario(const char *name)
{
	char want[2048], *rest;
	size_t len;

	world_start(1);
	len = read_file(name, ".sip", datagram, sizeof(datagram));
	read_file(name, ".want", want, sizeof(want));
	rest = strchr(want, '\n');
	*rest++ = '\0';
	receive_from(datagram, len, PEER_IP, 5060, 5060);
	if (strcmp(want, "call") == 0)
		refuse_call(name);
	if (strcmp(want, "none") == 0) {
		if (world.sent_n)
			fail_msg("%s: answered with\n%s", name, world.sent[0].text);
	} else {
		if (world.sent_n != 1 || !has_status(world.sent[0].text, strcmp(want, "call") == 0 ? "SIP/2.0 486 *" : want))
			fail_msg("%s: %u answers, wanted %s\n%s", name, world.sent_n, want,
				world.sent_n ? world.sent[0].text : "");
		check_headers(name, world.sent[0].text, rest);
	}
	no_more_events();
	world_end();
}

static void messages_outside_dialogs(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir(FOLDER);
	unsigned n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *ending = strstr(entry->d_name, ".sip");

		if (!ending || ending[4])
			continue;
		*ending = '\0';
		run_scenario(entry->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n > 50);
}

/* Nobody takes calls: 503, and no dialog stays. */
static void no_session_layer(void **state)
{
	struct rln_wheel *wheel;
	struct rln_bus *bus;
	struct rln_transport_cfg transport = {.port = 5060, .transactions = 4, .t1_ms = 500, .t2_ms = 4000, .t4_ms = 5000};
	struct rln_dialogs_cfg cfg = {.dialogs = 2, .t1_ms = 500, .t2_ms = 4000};
	struct node *node = node0;
	size_t len = read_file("invite", ".sip", datagram, sizeof(datagram));

	(void)state;
	world_start(1);
	bus = rln_bus_new();
	wheel = world.wheel;
	transport.bus = cfg.bus = bus;
	transport.wheel = cfg.wheel = wheel;
	transport.net = &node->net;
	rln_dialogs_destroy(node->dialogs);
	rln_transport_destroy(node->transport);
	rln_bus_free(node->bus);
	node->bus = bus;
	assert_int_equal(rln_transport_create(&node->transport, &transport), 0);
	cfg.transport = node->transport;
	assert_int_equal(rln_dialogs_create(&node->dialogs, &cfg), 0);
	receive_from(datagram, len, PEER_IP, 5060, 5060);
	next_sent("SIP/2.0 503 ");
	assert_int_equal(rln_dialogs_in_use(node->dialogs), 0);
	world_end();
}

static void creation_fails_cleanly(void **state)
{
	struct rln_dialogs_cfg cfg = {.dialogs = 4, .t1_ms = 500, .t2_ms = 4000};
	struct rln_dialogs *dialogs = NULL;
	unsigned nth = 1;

	(void)state;
	world_start(1);
	cfg.bus = node0->bus;
	cfg.wheel = world.wheel;
	cfg.transport = node0->transport;
	assert_int_equal(rln_dialogs_create(&dialogs, &cfg), -EEXIST); /* the bus has its dialog layer */
	assert_null(dialogs);
	for (int rc = -ENOMEM; rc == -ENOMEM; nth++) {
		rln_heap_fail_nth(nth);
		rc = rln_dialogs_create(&dialogs, &cfg);
		rln_heap_fail_nth(0);
		assert_true(rc < 0);
	}
	assert_true(nth > 3);
	rln_dialogs_destroy(NULL);
	world_end();
}

/* The index against a plain list: random adds, deletes and lookups with many equal hashes. */
static void the_index_finds_what_was_added(void **state)
{
	enum { N = 64 };
	struct rln_sip_index ix;
	uint64_t hash[N] = {0}; /* of handle i + 1; 0 = not in the index */
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(rln_sip_index_init(&ix, N), 0);
	for (unsigned step = 0; step < 200000; step++) {
		unsigned i;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 8) % N;
		if (hash[i]) {
			rln_sip_index_del(&ix, hash[i], i + 1);
			hash[i] = 0;
		} else {
			hash[i] = (uint64_t)(seed >> 16) % 40 * 0x1000003 + 1; /* few homes, some of them at the table's end */
			rln_sip_index_add(&ix, hash[i], i + 1);
		}
		i = (seed >> 20) % N;
		if (hash[i]) {
			uint32_t cursor = 0;
			uint64_t handle;

			do
				handle = rln_sip_index_find(&ix, hash[i], &cursor);
			while (handle && handle != i + 1);
			assert_int_equal(handle, i + 1);
		}
		rln_sip_index_del(&ix, 0xdead, 99); /* never there */
	}
	for (unsigned i = 0; i < N; i++)
		if (hash[i])
			rln_sip_index_del(&ix, hash[i], i + 1);
	assert_int_equal(ix.used, 0);
	for (uint32_t at = 0; at <= ix.mask; at++)
		assert_int_equal(ix.entry[at].handle, 0);
	rln_sip_index_fini(&ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_outside_dialogs),
		cmocka_unit_test(no_session_layer),
		cmocka_unit_test(creation_fails_cleanly),
		cmocka_unit_test(the_index_finds_what_was_added),
	};

	return cmocka_run_group_tests_name("sip_policy", tests, start_eal, stop_eal);
}
