/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscribers with real threads: a reader that sleeps misses nothing and sees the order, readers come and go while control delivers. Meant for SAN=tsan, too. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "session/subscribers.h"

#define EVENTS 20000u
#define COMERS 300u

static struct rln_subs *subs;
static uint32_t gone;

static struct rln_session_id id_of(uint32_t slot, uint32_t generation)
{
	return (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 0, slot, generation)};
}

static void *read_all(void *arg)
{
	struct rln_sub *sub = arg;
	struct rln_event ev;
	uintptr_t n = 0, wrong = 0;
	int rc;

	while ((rc = rln_sub_wait(sub, 20000)) == 1) {
		while (rln_sub_pop(sub, &ev) == 1) {
			wrong += ev.serial != n++;
			rln_sub_give_back(sub, &ev);
		}
	}
	rln_sub_destroy(sub);
	return (void *)(rc == -EPIPE && wrong == 0 ? n : 0);
}

static void a_sleeping_reader_misses_nothing(void **state)
{
	struct rln_sub_cfg cfg = {.filter = RLN_SUB_SESSION, .session = id_of(0, 1), .events = 32768};
	struct rln_sub *sub;
	pthread_t thread;
	void *n;

	(void)state;
	assert_int_equal(rln_blocks_init(64, 2), 0);
	assert_int_equal(rln_subs_create(&subs, 4), 0);
	assert_int_equal(rln_sub_create(&sub, subs, &cfg), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_all, sub), 0);
	rln_subs_open(subs, id_of(0, 1), 0);
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct rln_event ev = {.id = id_of(0, 1).v, .serial = i, .kind = RLN_EV_SDP_EVENT};

		if (i % 16 == 0)
			ev.sdp_event.block = rln_block_from_text("v=0", 3, &ev.sdp_event.sdp);
		rln_subs_deliver(subs, &ev);
		rln_block_release(ev.sdp_event.block);
	}
	rln_subs_close(subs, id_of(0, 1));
	pthread_join(thread, &n);
	assert_int_equal((uintptr_t)n, EVENTS);
	rln_subs_destroy(subs);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_blocks_fini();
}

static void *come_and_go(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < COMERS; i++) {
		struct rln_sub_cfg cfg = {
			.filter = i % 2 ? RLN_SUB_ALL : RLN_SUB_SESSION, .session = id_of(i % 4, 1), .events = 8};
		struct rln_sub *sub;
		struct rln_event ev;

		if (rln_sub_create(&sub, subs, &cfg) != 0)
			break;
		if (rln_sub_wait(sub, i % 3 ? 5 : 0) == 1 && rln_sub_pop(sub, &ev) == 1)
			rln_sub_give_back(sub, &ev);
		rln_sub_destroy(sub);
	}
	__atomic_fetch_add(&gone, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void readers_come_and_go(void **state)
{
	pthread_t threads[2];

	(void)state;
	gone = 0;
	assert_int_equal(rln_blocks_init(64, 2), 0);
	assert_int_equal(rln_subs_create(&subs, 4), 0);
	for (uint32_t i = 0; i < 4; i++)
		rln_subs_open(subs, id_of(i, 1), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
	for (uint32_t i = 0; __atomic_load_n(&gone, __ATOMIC_ACQUIRE) < 2; i++) {
		struct rln_event ev = {.id = id_of(i % 4, 1).v, .kind = RLN_EV_STATE_CHANGED};

		rln_subs_deliver(subs, &ev);
		rln_subs_housekeep(subs);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 8; i++)
		rln_subs_housekeep(subs);
	assert_int_equal(rln_subs_in_use(subs), 0);
	rln_subs_destroy(subs);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_blocks_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sleeping_reader_misses_nothing),
		cmocka_unit_test(readers_come_and_go),
	};

	return cmocka_run_group_tests_name("session_subscribers_thread", tests, NULL, NULL);
}
