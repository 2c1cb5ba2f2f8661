/* SPDX-License-Identifier: BSD-3-Clause */
/* `ringlane trace` over its socket: the server's side turned by hand, clients that ask, err, stall and go. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "dpdk_app/trace_client.h"
#include "lcore/bus.h"
#include "lcore/heap.h"

#define SESSION(n) rln_id_make(RLN_ID_SESSION, 0, n, 1)

static struct rln_trace_door *door;
static struct rln_trace_calls *calls;
static char path[64], folder[40];
static uint32_t serial;

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/trace-door-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/trace.sock", folder);
	return rln_trace_calls_create(&calls) || rln_trace_door_open(&door, path);
}

static int teardown(void **state)
{
	(void)state;
	rln_trace_door_close(door);
	rln_trace_calls_destroy(calls);
	door = NULL;
	assert_int_equal(access(path, F_OK), -1); /* the socket's name went with it */
	return rmdir(folder);
}

static int dial(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void ask(int fd, const char *line)
{
	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	rln_trace_door_serve(door);
	rln_trace_door_serve(door); /* what was said last goes out */
}

/* What came until now; "" when nothing. "<end>" at the end when the server hung up. */
static const char *heard(int fd)
{
	static char buf[1 << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, buf + len, sizeof(buf) - 10 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	snprintf(buf + len, sizeof(buf) - len, "%s", n == 0 ? "<end>" : "");
	return buf;
}

static void show(struct rln_event ev)
{
	static char room[16384];
	struct rln_ladder_text line = {room, sizeof(room), 0};
	struct rln_traced t = {&ev, RLN_ENDPOINT_CONTROL, 1000, NULL, 0};
	struct rln_trace_place place;

	ev.serial = 1u << 24 | ++serial;
	rln_trace_calls_place(calls, &t, &place);
	rln_trace_door_show(door, &t, &place, &line);
}

static void show_kind(enum rln_event_kind kind, uint64_t id)
{
	show((struct rln_event){.kind = (uint16_t)kind, .id = id});
}

static void show_end(uint64_t id)
{
	struct rln_event ev = {.spare = RLN_TRACED_CALL, .id = id};

	ev.call.name = "closed";
	ev.call.category = RLN_CAT_S2A;
	show(ev);
}

#define NEXT "trace verbose=0 colour=0 calls=1 next\n"

static void the_next_call_is_shown_to_its_end(void **state)
{
	int fd = dial();
	const char *text;

	(void)state;
	assert_false(rln_trace_door_is_wanted(door));
	ask(fd, NEXT);
	assert_true(rln_trace_door_is_wanted(door));
	assert_string_equal(heard(fd), "ok\n");
	show_kind(RLN_EV_STATE_CHANGED, SESSION(1)); /* a call that runs already */
	show_kind(RLN_EV_MAKE_CALL, SESSION(2));
	show_kind(RLN_EV_STATE_CHANGED, SESSION(1));
	show_kind(RLN_EV_MAKE_CALL, SESSION(3)); /* another one */
	show_kind(RLN_EV_HANGUP_CALL, SESSION(2));
	show_end(SESSION(2));
	rln_trace_door_serve(door);
	text = heard(fd);
	assert_non_null(strstr(text, "transport dialog"));
	assert_non_null(strstr(text, "   1         MAKE_CALL"));
	assert_non_null(strstr(text, "   2         HANGUP_CALL"));
	assert_non_null(strstr(text, "the call is over after 0.000 s and 3 steps\n<end>"));
	assert_null(strstr(text, "STATE_CHANGED"));
	assert_null(strstr(strstr(text, "MAKE_CALL") + 1, "MAKE_CALL"));
	assert_false(rln_trace_door_is_wanted(door));
	close(fd);
}

static void several_calls_come_one_after_another(void **state)
{
	int fd = dial();

	(void)state;
	ask(fd, "trace verbose=0 colour=0 calls=2 next\n");
	for (unsigned i = 1; i <= 3; i++) {
		show_kind(RLN_EV_MAKE_CALL, SESSION(i));
		show_end(SESSION(i));
		show_kind(RLN_EV_STATE_CHANGED, SESSION(i));
	}
	rln_trace_door_serve(door);
	assert_non_null(strstr(strstr(heard(fd), "is over") + 1, "is over"));
	close(fd);
}

static void four_look_at_once_each_at_its_own(void **state)
{
	static const char *const asks[] = {NEXT, "trace verbose=0 colour=0 calls=1 id=s0/2#1\n",
		"trace verbose=0 colour=1 calls=1 id=s0/1#1\n", "trace verbose=1 colour=0 calls=1 from=nobody\n"};
	int fds[5];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = dial();
		ask(fds[i], asks[i]);
	}
	fds[4] = dial();
	rln_trace_door_serve(door);
	assert_non_null(strstr(heard(fds[4]), "error: four traces run already"));
	for (unsigned i = 1; i <= 2; i++)
		show_kind(RLN_EV_MAKE_CALL, SESSION(i));
	show_kind(RLN_EV_HANGUP_CALL, SESSION(2));
	rln_trace_door_serve(door);
	assert_null(strstr(heard(fds[0]), "HANGUP_CALL"));
	assert_non_null(strstr(heard(fds[1]), "HANGUP_CALL"));
	assert_non_null(strstr(heard(fds[2]), "MAKE_CALL"));
	assert_string_equal(heard(fds[3]), "ok\n");
	for (unsigned i = 0; i < 5; i++)
		close(fds[i]);
	rln_trace_door_serve(door);
	assert_false(rln_trace_door_is_wanted(door)); /* who left is not traced for */
	fds[0] = dial();
	ask(fds[0], NEXT);
	assert_string_equal(heard(fds[0]), "ok\n");
	close(fds[0]);
}

static void bad_requests_are_answered_and_ended(void **state)
{
	char longest[2000];
	int fd = dial();

	(void)state;
	ask(fd, "trace verbose=0 colour=0 calls=1 what=ever\n");
	assert_string_equal(heard(fd), "error: that is no request\n<end>");
	close(fd);
	fd = dial();
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	ask(fd, longest);
	assert_non_null(strstr(heard(fd), "error: that is no request\n"));
	close(fd);
	fd = dial();
	ask(fd, "trace verbose=0 col"); /* in pieces */
	assert_string_equal(heard(fd), "");
	ask(fd, "our=0 calls=1 next\n");
	assert_string_equal(heard(fd), "ok\n");
	ask(fd, "more and more"); /* is not listened to */
	assert_string_equal(heard(fd), "");
	close(fd);
}

/* Nobody waits for a client that does not read: it loses lines, and learns how many. */
static void a_client_that_stalls_loses_lines_only(void **state)
{
	unsigned long missing = 0, seen = 0;
	const char *text, *gap;
	int fd = dial(), small = 4096;
	static char all[1 << 21];
	size_t len = 0;

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	ask(fd, "trace verbose=0 colour=0 calls=1 id=s0/1#1\n");
	for (unsigned i = 0; i < 20000; i++) {
		show_kind(RLN_EV_STATE_CHANGED, SESSION(1));
		if (i % 100 == 0)
			rln_trace_door_serve(door);
	}
	for (unsigned i = 0; i < 200; i++) { /* it wakes up */
		text = heard(fd);
		assert_true(len + strlen(text) < sizeof(all));
		memcpy(all + len, text, strlen(text) + 1);
		len += strlen(text);
		rln_trace_door_serve(door);
	}
	show_kind(RLN_EV_STATE_CHANGED, SESSION(1));
	rln_trace_door_serve(door);
	text = heard(fd);
	memcpy(all + len, text, strlen(text) + 1);
	gap = strstr(all, "!!! ");
	assert_non_null(gap);
	assert_int_equal(sscanf(gap, "!!! %lu lines are missing", &missing), 1);
	for (text = all; (text = strstr(text, "STATE_CHANGED")); text++)
		seen++;
	assert_int_equal(missing + seen, 20001);
	close(fd);
}

static void lost_events_are_told(void **state)
{
	int fd = dial();

	(void)state;
	ask(fd, NEXT);
	show_kind(RLN_EV_MAKE_CALL, SESSION(1));
	rln_trace_door_tell_lost(door, 12);
	rln_trace_door_serve(door);
	assert_non_null(strstr(heard(fd), "!!! 12 events of all calls are missing here"));
	close(fd);
}

static void a_socket_is_taken_from_the_dead_only(void **state)
{
	struct rln_trace_door *second = NULL;
	char longest[300];
	int fd;

	(void)state;
	assert_int_equal(rln_trace_door_open(&second, path), -EADDRINUSE);
	assert_null(second);
	rln_trace_door_close(door);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* left behind */
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rln_trace_door_open(&door, path), 0);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(rln_trace_door_open(&second, longest), -ENAMETOOLONG);
	rln_trace_door_close(NULL);
	rln_trace_door_serve(NULL);
	assert_false(rln_trace_door_is_wanted(NULL));
	rln_heap_fail_nth(1);
	assert_int_equal(rln_trace_door_open(&second, path), -ENOMEM);
	rln_heap_fail_nth(0);
}

static void a_server_that_is_busy_keeps_its_socket(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct rln_trace_door *second = NULL;
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), queued[4];
	unsigned n = 0;

	(void)state;
	rln_trace_door_close(door);
	door = NULL;
	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(server, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(server, 0), 0);
	do {
		assert_in_range(n, 0, 3);
		queued[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	} while (connect(queued[n++], (struct sockaddr *)&at, sizeof(at)) == 0);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(rln_trace_door_open(&second, path), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	while (n)
		close(queued[--n]);
	close(server);
	assert_int_equal(unlink(path), 0);
}

/* ---- the client ---- */

static int stop_now;

static void *serve(void *arg)
{
	const struct rln_trace_request *request = arg;
	static const struct timespec turn = {0, 1000000};

	while (!rln_trace_door_is_wanted(door)) { /* as the housekeeping thread turns; the client's wait has the deadline */
		rln_trace_door_serve(door);
		ppoll(NULL, 0, &turn, NULL);
	}
	show_kind(RLN_EV_MAKE_CALL, SESSION(1));
	if (request->calls == 1)
		show_end(SESSION(1));
	rln_trace_door_serve(door);
	rln_trace_door_serve(door);
	return NULL;
}

static void the_client_copies_to_the_end(void **state)
{
	struct rln_trace_request request = {.calls = 1};
	char *text = NULL, *errors = NULL;
	size_t len, errors_len;
	FILE *out = open_memstream(&text, &len), *err = open_memstream(&errors, &errors_len);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, serve, &request), 0);
	assert_int_equal(rln_trace_attach(path, &request, 5, &stop_now, out, err), 0);
	pthread_join(thread, NULL);
	fclose(out);
	fclose(err);
	assert_non_null(strstr(text, "MAKE_CALL"));
	assert_non_null(strstr(text, "the call is over"));
	assert_null(strstr(text, "ok\n"));
	assert_string_equal(errors, "ringlane: waiting for the call; Ctrl-C ends the trace\n");
	free(text);
	free(errors);
}

static void the_client_says_why_it_cannot(void **state)
{
	struct rln_trace_request request = {.calls = 1};
	char *errors = NULL, longest[300];
	size_t len;
	FILE *err = open_memstream(&errors, &len);

	(void)state;
	assert_int_equal(rln_trace_attach("/nowhere/trace.sock", &request, 1, &stop_now, stdout, err), -ENOENT);
	fflush(err);
	assert_non_null(strstr(errors, "no server runs here: nobody listens at /nowhere/trace.sock"));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(rln_trace_attach(longest, &request, 1, &stop_now, stdout, err), -ENAMETOOLONG);
	assert_int_equal(rln_trace_attach(path, &request, 0.05, &stop_now, stdout, err), 0); /* time is over */
	fclose(err);
	free(errors);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_next_call_is_shown_to_its_end),
		TEST(several_calls_come_one_after_another),
		TEST(four_look_at_once_each_at_its_own),
		TEST(bad_requests_are_answered_and_ended),
		TEST(a_client_that_stalls_loses_lines_only),
		TEST(lost_events_are_told),
		TEST(a_socket_is_taken_from_the_dead_only),
		TEST(a_server_that_is_busy_keeps_its_socket),
		TEST(the_client_copies_to_the_end),
		TEST(the_client_says_why_it_cannot),
	};

	return cmocka_run_group_tests_name("dpdk_app/trace_door", tests, NULL, NULL);
}
