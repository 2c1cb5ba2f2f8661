/* SPDX-License-Identifier: BSD-3-Clause */
/* Audio channels: both orders of the end, bounds and drops, wrap, stale handles, waking a sleeper through control's bell. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <poll.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "rtp/frame_ring.h"
#include "session/channel.h"

/* Memory comes full of junk, as it does after some hours. */
extern const char *malloc_conf;
const char *malloc_conf = "junk:alloc"; /* jemalloc */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "max_malloc_fill_size=16777216";
}

struct fixture {
	struct rln_channels *all;
	struct rln_channel *ch;
	struct rln_frame_ring *in, *out;
	uint64_t handle;
};

static int group_setup(void **state)
{
	(void)state;
	rln_clock_init();
	return 0;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(rln_channels_create(&f.all, 70), 0);
	assert_int_equal(rln_channel_open(f.all, &f.ch, &f.handle), 0);
	assert_int_equal(rln_channel_join(f.all, f.handle, &f.in, &f.out), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rln_channels_destroy(f->all);
	return 0;
}

static bool push(struct rln_frame_ring *in, uint32_t number)
{
	struct rln_frame *slot = rln_frame_ring_slot(in);

	if (slot == NULL)
		return false;
	slot->timestamp = number * RLN_FRAME_SAMPLES;
	slot->samples_n = RLN_FRAME_SAMPLES;
	slot->flags = number % 7 == 0 ? RLN_FRAME_RING_LOST : 0;
	slot->samples[0] = (int16_t)number;
	slot->samples[RLN_FRAME_SAMPLES - 1] = (int16_t)~number;
	rln_frame_ring_commit(in);
	rln_frame_ring_wake(in, rln_frame_ring_count(in));
	return true;
}

static void frames_cross_both_ways_and_wrap(void **state)
{
	struct fixture *f = *state;
	struct rln_audio_frame frame;
	uint32_t i;

	for (i = 0; i < 3500; i++) {
		const struct rln_frame *sent;

		assert_true(push(f->in, i));
		assert_int_equal(rln_channel_recv(f->ch, &frame, 0), 0);
		assert_int_equal(frame.timestamp, i * RLN_FRAME_SAMPLES);
		assert_int_equal(frame.samples[0], (int16_t)i);
		assert_int_equal(frame.samples[RLN_FRAME_SAMPLES - 1], (int16_t)~i);
		assert_int_equal(frame.flags, i % 7 == 0 ? RLN_FRAME_LOST : 0);
		frame.samples_n = 100; /* the rest is silence */
		assert_int_equal(rln_channel_send(f->ch, &frame), 0);
		sent = rln_frame_ring_peek(f->out);
		assert_non_null(sent);
		assert_int_equal(sent->samples_n, RLN_FRAME_SAMPLES);
		assert_int_equal(sent->samples[0], (int16_t)i);
		assert_int_equal(sent->samples[100] | sent->samples[RLN_FRAME_SAMPLES - 1], 0);
		rln_frame_ring_done(f->out);
	}
	assert_int_equal(rln_channel_recv(f->ch, &frame, 0), RLN_ETIMEDOUT);
	assert_null(rln_frame_ring_peek(f->out));
	rln_channel_leave(f->all, f->ch);
}

static void a_full_ring_drops_and_counts(void **state)
{
	struct fixture *f = *state;
	struct rln_channel_figures fig;
	struct rln_audio_frame frame = {.samples_n = RLN_FRAME_SAMPLES};
	unsigned i;

	for (i = 0; i < 1000; i++) {
		assert_true(push(f->in, i));
		assert_int_equal(rln_channel_send(f->ch, &frame), 0);
	}
	assert_false(push(f->in, 1000));
	assert_false(push(f->in, 1001));
	assert_int_equal(rln_channel_send(f->ch, &frame), -EAGAIN);
	assert_int_equal(rln_channel_wait_can_send(f->ch, 1, 0), RLN_ETIMEDOUT);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(rln_channel_recv(f->ch, &frame, 0), 0);
		assert_int_equal(frame.samples[0], (int16_t)i);
	}
	rln_frame_ring_done(f->out);
	assert_int_equal(rln_channel_wait_can_send(f->ch, 1, 0), 0);
	assert_int_equal(rln_channel_wait_can_send(f->ch, 2, 0), RLN_ETIMEDOUT);
	rln_channel_figures(f->ch, &fig);
	assert_int_equal(fig.received, 1000);
	assert_int_equal(fig.received_dropped, 2);
	assert_int_equal(fig.sent, 1000); /* given to send: the leg took one of them so far */
	assert_true(fig.joined && !fig.ended);
	rln_channel_leave(f->all, f->ch);
}

static void a_new_channel_has_not_joined(void **state)
{
	struct fixture *f = *state;
	struct rln_channel_figures fig;

	rln_channel_leave(f->all, f->ch);
	assert_int_equal(rln_channel_open(f->all, &f->ch, &f->handle), 0);
	rln_channel_figures(f->ch, &fig);
	assert_false(fig.joined || fig.ended);
	rln_channel_leave(f->all, f->ch);
}

static void the_leg_goes_first(void **state)
{
	struct fixture *f = *state;
	struct rln_audio_frame frame = {0};

	push(f->in, 1);
	rln_channel_part(f->all, f->handle);
	rln_channel_part(f->all, f->handle); /* a second time changes nothing */
	assert_int_equal(rln_channel_recv(f->ch, &frame, -1), 0);
	assert_int_equal(rln_channel_recv(f->ch, &frame, -1), RLN_EENDED);
	assert_int_equal(rln_channel_send(f->ch, &frame), RLN_EENDED);
	assert_int_equal(rln_channel_wait_can_send(f->ch, 1, -1), RLN_EENDED);
	assert_int_equal(rln_channel_join(f->all, f->handle, &f->in, &f->out), 0); /* still there: another leg may have it */
	rln_channel_part(f->all, f->handle);
	rln_channel_leave(f->all, f->ch);
	assert_int_equal(rln_channels_in_use(f->all), 0);
}

static void the_application_goes_first(void **state)
{
	struct fixture *f = *state;

	rln_channel_leave(f->all, f->ch);
	assert_int_equal(rln_channels_in_use(f->all), 1);
	assert_true(push(f->in, 1)); /* the worker may go on until it parts */
	rln_channels_ring(f->all, 0);
	assert_int_equal(rln_channels_in_use(f->all), 1);
	rln_channel_part(f->all, f->handle);
	assert_int_equal(rln_channels_in_use(f->all), 1); /* a worker frees nothing */
	assert_true(rln_channels_ring(f->all, 0) > 0);
	assert_int_equal(rln_channels_in_use(f->all), 0);
	assert_int_equal(rln_channels_ring(f->all, 0), 0);
	assert_int_equal(rln_channel_join(f->all, f->handle, &f->in, &f->out), -ENOENT);
}

static void handles_go_stale(void **state)
{
	struct fixture *f = *state;
	struct rln_frame_ring *in, *out;
	struct rln_channel *again;
	uint64_t handle, first = 0;
	unsigned i;

	assert_int_equal(rln_channel_join(f->all, f->handle, &in, &out), -EBUSY);
	assert_int_equal(rln_channel_join(f->all, 0, &in, &out), -ENOENT);
	assert_int_equal(rln_channel_join(f->all, 70ull << 32 | 1, &in, &out), -ENOENT);
	rln_channel_part(f->all, f->handle);
	rln_channel_leave(f->all, f->ch);
	for (i = 0; i < 141; i++) { /* twice round the table: the slot comes again with another generation */
		assert_int_equal(rln_channel_open(f->all, &again, &handle), 0);
		if (handle >> 32 == f->handle >> 32)
			first = handle;
		rln_channel_leave(f->all, again);
	}
	assert_true(first != 0 && first != f->handle);
	rln_channel_part(f->all, f->handle);
	rln_channel_end(f->all, f->handle);
	assert_int_equal(rln_channels_in_use(f->all), 0);
}

static void the_table_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct rln_channel *ch[70];
	uint64_t handle;
	unsigned i;

	for (i = 0; i < 69; i++)
		assert_int_equal(rln_channel_open(f->all, &ch[i], &handle), 0);
	assert_int_equal(rln_channel_open(f->all, &ch[69], &handle), -ENOSPC);
	rln_channel_leave(f->all, ch[40]);
	assert_int_equal(rln_channel_open(f->all, &ch[40], &handle), 0);
	assert_int_equal(rln_channels_in_use(f->all), 70);
	for (i = 0; i < 69; i++)
		rln_channel_leave(f->all, ch[i]);
	rln_channel_leave(f->all, f->ch);
}

static void an_end_before_any_leg(void **state)
{
	struct fixture *f = *state;
	struct rln_audio_frame frame;
	struct rln_channel *ch;
	uint64_t handle;

	assert_int_equal(rln_channel_open(f->all, &ch, &handle), 0);
	rln_channel_end(f->all, handle);
	assert_int_equal(rln_channel_recv(ch, &frame, -1), RLN_EENDED);
	rln_channel_leave(f->all, ch);
	rln_channel_leave(f->all, f->ch);
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void the_fd_is_armed_and_rung(void **state)
{
	struct fixture *f = *state;
	struct rln_audio_frame frame;
	int fd = rln_channel_fd(f->ch);

	assert_true(fd >= 0);
	assert_false(readable(fd));
	push(f->in, 1);
	assert_false(readable(fd)); /* the worker made no system call */
	assert_int_equal(rln_channels_ring(f->all, 0), 1);
	assert_true(readable(fd));
	push(f->in, 2);
	assert_int_equal(rln_channels_ring(f->all, 0), 0); /* nobody armed again */
	assert_true(readable(rln_channel_fd(f->ch)));      /* frames are there already */
	assert_int_equal(rln_channel_recv(f->ch, &frame, 0), 0);
	assert_int_equal(rln_channel_recv(f->ch, &frame, 0), 0);
	assert_false(readable(rln_channel_fd(f->ch)));
	rln_channel_part(f->all, f->handle);
	rln_channels_ring(f->all, 0);
	assert_true(readable(fd));
	rln_channel_leave(f->all, f->ch);
}

static uint32_t armed(struct rln_frame_ring *r)
{
	return __atomic_load_n(&r->waits, __ATOMIC_SEQ_CST);
}

/* The application's thread: echoes whatever it reads until the end, and never polls. */
static void *echo_until_the_end(void *arg)
{
	struct rln_channel *ch = arg;
	struct rln_audio_frame frame;
	uintptr_t n = 0;

	while (rln_channel_recv(ch, &frame, 10000) == 0) {
		if (frame.samples[0] != (int16_t)n || rln_channel_send(ch, &frame) != 0)
			break;
		n++;
	}
	return (void *)n;
}

static void a_sleeper_is_woken_for_every_frame(void **state)
{
	struct fixture *f = *state;
	uint64_t deadline = rln_clock_ns() + 20 * RLN_SEC;
	pthread_t thread;
	void *echoed;
	uint32_t i;

	assert_int_equal(pthread_create(&thread, NULL, echo_until_the_end, f->ch), 0);
	for (i = 0; i < 2500; i++) {
		/* Sometimes into its sleep, sometimes at any moment. */
		while (i % 2 && !armed(f->in) && rln_clock_ns() < deadline)
			sched_yield();
		assert_true(push(f->in, i));
		while (rln_frame_ring_peek(f->out) == NULL && rln_clock_ns() < deadline) {
			rln_channels_ring(f->all, 0);
			sched_yield();
		}
		assert_non_null(rln_frame_ring_peek(f->out));
		assert_int_equal(rln_frame_ring_peek(f->out)->samples[0], (int16_t)i);
		rln_frame_ring_done(f->out);
	}
	while (!armed(f->in) && rln_clock_ns() < deadline)
		sched_yield();
	rln_channel_part(f->all, f->handle);
	rln_channels_ring(f->all, 0);
	pthread_join(thread, &echoed);
	assert_int_equal((uintptr_t)echoed, 2500);
	rln_channel_leave(f->all, f->ch);
	assert_int_equal(rln_channels_in_use(f->all), 0);
}

static void *wait_for_room(void *arg)
{
	return (void *)(intptr_t)rln_channel_wait_can_send(arg, 10, 10000);
}

static void a_sleeping_writer_is_woken_for_room(void **state)
{
	struct fixture *f = *state;
	struct rln_audio_frame frame = {.samples_n = RLN_FRAME_SAMPLES};
	pthread_t thread;
	void *rc;
	unsigned i;

	while (rln_channel_send(f->ch, &frame) == 0)
		;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_room, f->ch), 0);
	while (!armed(f->out))
		sched_yield();
	for (i = 1; i <= 10; i++) {
		rln_frame_ring_done(f->out);
		rln_frame_ring_wake(f->out, i);
		assert_int_equal(rln_channels_ring(f->all, 0), i == 10); /* not for less than it asked */
	}
	pthread_join(thread, &rc);
	assert_int_equal((intptr_t)rc, 0);
	rln_channel_leave(f->all, f->ch);
}

static void every_allocation_may_fail(void **state)
{
	struct rln_channels *all = NULL;
	struct rln_channel *ch = NULL;
	struct rlimit old, none;
	uint64_t handle;
	unsigned nth;

	(void)state;
	assert_int_equal(rln_channels_create(&all, 0), -EINVAL);
	for (nth = 1; nth <= 3; nth++) {
		rln_heap_fail_nth(nth);
		assert_int_equal(rln_channels_create(&all, 8), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
	assert_null(all);
	assert_int_equal(rln_channels_create(&all, 8), 0);
	rln_heap_fail_nth(1);
	assert_int_equal(rln_channel_open(all, &ch, &handle), -ENOMEM);
	assert_int_equal(rln_heap_fail_nth(0), 1);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(rln_channel_open(all, &ch, &handle), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_null(ch);
	assert_int_equal(rln_channels_in_use(all), 0);
	rln_channels_destroy(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_cross_both_ways_and_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_ring_drops_and_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_channel_has_not_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(the_leg_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(the_application_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(handles_go_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(the_table_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_before_any_leg, setup, teardown),
		cmocka_unit_test_setup_teardown(the_fd_is_armed_and_rung, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sleeper_is_woken_for_every_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sleeping_writer_is_woken_for_room, setup, teardown),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("session_channel", tests, group_setup, NULL);
}
