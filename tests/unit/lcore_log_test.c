/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int fake_gettime(clockid_t id, struct timespec *t);

#define clock_gettime fake_gettime /* the limit is per second, and tests do not wait */
#include "lcore/log.c"
#undef clock_gettime

#define THREADS 4
#define EACH    200

static struct timespec now = {1767323045, 678901234}; /* 2026-01-02T03:04:05 UTC */
static int reader = -1;
static char *text;

static int fake_gettime(clockid_t id, struct timespec *t)
{
	(void)id;
	*t = now;
	return 0;
}

static int setup(void **state)
{
	int fds[2];

	(void)state;
	rln_counts_reset();
	if (pipe(fds) < 0 || fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) < 0)
		return -1;
	reader = fds[0];
	rln_log_open(fds[1], false);
	rln_log_level = RLN_LOG_INFO;
	now.tv_sec += 100; /* every site's window is over */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rln_log_flush();
	close(out_fd);
	close(reader);
	free(text);
	text = NULL;
	return 0;
}

/* All that the log wrote so far. */
static const char *flushed(unsigned *lines)
{
	size_t room = 1 << 20;
	ssize_t n = 0;

	*lines = rln_log_flush();
	free(text);
	text = malloc(room);
	assert_non_null(text);
	if (*lines)
		n = read(reader, text, room - 1);
	assert_true(n >= 0);
	text[n] = 0;
	return text;
}

static void a_line_has_time_level_id_and_text(void **state)
{
	unsigned lines;

	(void)state;
	now.tv_sec = 1767323045;
	rln_log(RLN_LOG_WARNING, rln_id_make(RLN_ID_SESSION, 0, 12, 3), "code %d from %s", 503, "198.18.0.1");
	rln_log(RLN_LOG_ERROR, 0, "bare");
	assert_string_equal(flushed(&lines), "2026-01-02T03:04:05.678901Z WARNING s0/12#3 code 503 from 198.18.0.1\n"
					     "2026-01-02T03:04:05.678901Z ERROR   bare\n");
	assert_int_equal(lines, 2);
	assert_int_equal(rln_log_flush(), 0);
}

static void colour_is_for_terminals(void **state)
{
	unsigned lines;

	(void)state;
	rln_log_open(out_fd, true);
	rln_log(RLN_LOG_ERROR, 0, "red");
	assert_non_null(strstr(flushed(&lines), "\033[31m"));
	assert_non_null(strstr(text, "red\033[0m\n"));
	rln_log(RLN_LOG_INFO, 0, "plain");
	assert_null(strstr(flushed(&lines), "\033"));
}

static void the_level_decides(void **state)
{
	unsigned lines;

	(void)state;
	rln_log(RLN_LOG_DEBUG, 0, "hidden");
	assert_string_equal(flushed(&lines), "");
	rln_log_level = RLN_LOG_DEBUG;
	rln_log(RLN_LOG_DEBUG, 0, "shown");
	assert_non_null(strstr(flushed(&lines), "DEBUG   shown\n"));
}

static void noisy_place(int i)
{
	rln_log(RLN_LOG_INFO, 0, "line %d", i);
}

static void one_place_logs_ten_lines_a_second(void **state)
{
	unsigned lines;

	(void)state;
	for (int i = 0; i < 35; i++)
		noisy_place(i);
	rln_log(RLN_LOG_INFO, 0, "another place");
	assert_non_null(strstr(flushed(&lines), "line 9\n"));
	assert_null(strstr(text, "line 10\n"));
	assert_int_equal(lines, 11);
	assert_int_equal(rln_count_total(RLN_C_LOG_SUPPRESSED), 25);
	now.tv_sec++;
	noisy_place(100);
	noisy_place(101);
	assert_non_null(strstr(flushed(&lines), "line 100 (and 25 more like it before)\n"));
	assert_non_null(strstr(text, "line 101\n"));
}

static void long_lines_are_cut(void **state)
{
	static char longer[2 * LINE_ROOM];
	unsigned lines;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	rln_log(RLN_LOG_INFO, UINT64_MAX, "%s", longer);
	flushed(&lines);
	assert_int_equal(lines, 1);
	assert_in_range(strlen(text), LINE_ROOM, LINE_ROOM + 160);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void text_of_strangers_cannot_forge_a_line(void **state)
{
	unsigned lines;

	(void)state;
	rln_log(RLN_LOG_INFO, 0, "user %s.", "a\r\n2026-01-02 ERROR \033[2J\x7f \xc3\xa9");
	assert_non_null(strstr(flushed(&lines), "user a??2026-01-02 ERROR ?[2J? \xc3\xa9.\n"));
	assert_int_equal(lines, 1);
}

static void a_full_ring_loses_counted_lines(void **state)
{
	static struct rln_log_site sites[LINES + 50]; /* as many places, so that only the ring is short */
	unsigned lines;

	(void)state;
	for (unsigned i = 0; i < LINES + 50; i++)
		rln_log_at(&sites[i], RLN_LOG_INFO, 0, "%u", i);
	assert_int_equal(rln_count_total(RLN_C_LOG_SUPPRESSED), 50);
	flushed(&lines);
	assert_int_equal(lines, LINES);
	now.tv_sec++;
	rln_log_at(&sites[LINES], RLN_LOG_INFO, 0, "after");
	assert_non_null(strstr(flushed(&lines), "after (and 1 more like it before)"));
}

static void a_writer_that_is_gone_does_not_stop_us(void **state)
{
	(void)state;
	close(out_fd);
	rln_log(RLN_LOG_INFO, 0, "to nobody");
	assert_int_equal(rln_log_flush(), 1);
	out_fd = open("/dev/null", O_WRONLY);
}

static void *log_many(void *arg)
{
	struct rln_log_site *sites = arg;

	for (unsigned i = 0; i < EACH; i++)
		rln_log_at(&sites[i], RLN_LOG_INFO, 0, "thread %p line %u.", arg, i);
	return NULL;
}

static void threads_lose_and_mix_nothing(void **state)
{
	static struct rln_log_site sites[THREADS][EACH];
	pthread_t threads[THREADS];
	unsigned lines, printed = 0;
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, sites[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	flushed(&lines);
	assert_int_equal(lines, THREADS * EACH);
	for (char *line = text, *next; *line; line = next, printed++) {
		next = strchr(line, '\n') + 1;
		assert_int_equal(next[-2], '.');
		assert_memory_equal(line + 27, " INFO    thread ", 16);
		at += (size_t)(next - line);
	}
	assert_int_equal(printed, THREADS * EACH);
	assert_int_equal(at, strlen(text));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_time_level_id_and_text),
		TEST(colour_is_for_terminals),
		TEST(the_level_decides),
		TEST(one_place_logs_ten_lines_a_second),
		TEST(long_lines_are_cut),
		TEST(text_of_strangers_cannot_forge_a_line),
		TEST(a_full_ring_loses_counted_lines),
		TEST(a_writer_that_is_gone_does_not_stop_us),
		TEST(threads_lose_and_mix_nothing),
	};

	return cmocka_run_group_tests_name("lcore/log", tests, NULL, NULL);
}
