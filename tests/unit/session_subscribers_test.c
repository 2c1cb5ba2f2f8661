/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscribers: who gets which event, blocks that are copied and come back, slow readers, waiting, and every order of ending. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lcore/count.h"
#include "lcore/heap.h"
#include "session/subscribers.h"

#define SESSIONS 4

static struct rln_subs *subs;
static int64_t live;

static int setup(void **state)
{
	(void)state;
	live = rln_heap_live_count();
	assert_int_equal(rln_blocks_init(64, 2), 0);
	assert_int_equal(rln_subs_create(&subs, SESSIONS), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rln_subs_destroy(subs);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_blocks_fini();
	assert_int_equal(rln_heap_live_count(), live);
	return 0;
}

static struct rln_session_id id_of(uint32_t slot, uint32_t generation)
{
	return (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 0, slot, generation)};
}

static struct rln_sub *subscribe(enum rln_sub_filter filter, uint64_t what, uint32_t events)
{
	struct rln_sub_cfg cfg = {.filter = filter, .peer = (unsigned)what, .session = {what}, .events = events};
	struct rln_sub *sub = NULL;

	assert_int_equal(rln_sub_create(&sub, subs, &cfg), 0);
	return sub;
}

static void tell(struct rln_session_id id, enum rln_event_kind kind)
{
	struct rln_event ev = {.id = id.v, .kind = (uint16_t)kind};

	rln_subs_deliver(subs, &ev);
}

static unsigned drain(struct rln_sub *sub)
{
	struct rln_event ev;
	unsigned n = 0;

	while (rln_sub_pop(sub, &ev) == 1) {
		rln_sub_give_back(sub, &ev);
		n++;
	}
	return n;
}

static void events_go_to_whom_they_concern(void **state)
{
	struct rln_session_id a = id_of(0, 1), b = id_of(1, 1);
	struct rln_sub *all = subscribe(RLN_SUB_ALL, 0, 0), *peer = subscribe(RLN_SUB_PEER, 5, 0),
		       *one = subscribe(RLN_SUB_SESSION, b.v, 0);
	struct rln_event ev;

	(void)state;
	rln_subs_open(subs, a, 5);
	rln_subs_open(subs, b, 6);
	tell(a, RLN_EV_SESSION_CREATED);
	tell(b, RLN_EV_STATE_CHANGED);
	tell(id_of(2, 9), RLN_EV_STATE_CHANGED); /* not open: of no peer, yet of all */
	assert_int_equal(rln_sub_pop(peer, &ev), 1);
	assert_int_equal(ev.kind, RLN_EV_SESSION_CREATED);
	assert_int_equal(rln_sub_pop(peer, &ev), 0);
	assert_int_equal(rln_sub_pop(one, &ev), 1);
	assert_int_equal(ev.id, b.v);
	assert_int_equal(rln_sub_pop(one, &ev), 0);
	assert_int_equal(drain(all), 3);
	assert_int_equal(rln_subs_in_use(subs), 3);
	rln_sub_destroy(all);
	rln_sub_destroy(peer);
	rln_sub_destroy(one);
	while (rln_subs_in_use(subs))
		rln_subs_housekeep(subs);
}

static void a_session_may_be_subscribed_before_it_exists(void **state)
{
	struct rln_sub *next = subscribe(RLN_SUB_SESSION, id_of(2, 8).v, 0), *now = subscribe(RLN_SUB_SESSION, id_of(2, 7).v, 0);
	struct rln_event ev;

	(void)state;
	rln_subs_open(subs, id_of(2, 7), 0);
	tell(id_of(2, 7), RLN_EV_SESSION_CREATED);
	rln_subs_close(subs, id_of(2, 7));
	assert_int_equal(rln_sub_pop(now, &ev), 1);
	assert_int_equal(rln_sub_pop(now, &ev), -EPIPE);
	assert_int_equal(rln_sub_wait(now, -1), -EPIPE);
	assert_int_equal(rln_sub_pop(next, &ev), 0); /* its session is still to come */
	rln_subs_open(subs, id_of(2, 8), 0);
	tell(id_of(2, 8), RLN_EV_SESSION_CREATED);
	assert_int_equal(rln_sub_pop(next, &ev), 1);
	assert_int_equal(ev.id, id_of(2, 8).v);
	rln_subs_close(subs, id_of(2, 8));
	rln_sub_destroy(now);
	rln_sub_destroy(next);
	assert_int_equal(rln_subs_in_use(subs), 0);
}

static void a_session_that_is_gone_ends_its_late_subscriber(void **state)
{
	struct rln_sub *sub;
	struct rln_event ev;

	(void)state;
	rln_subs_open(subs, id_of(1, 5), 0);
	rln_subs_close(subs, id_of(1, 5));
	sub = subscribe(RLN_SUB_SESSION, id_of(1, 4).v, 0);
	rln_subs_housekeep(subs);
	assert_int_equal(rln_sub_pop(sub, &ev), -EPIPE);
	rln_sub_destroy(sub);
	sub = subscribe(RLN_SUB_SESSION, id_of(1, 5).v, 0);
	rln_subs_housekeep(subs);
	assert_int_equal(rln_sub_wait(sub, 1000), -EPIPE);
	rln_sub_destroy(sub);
}

static struct rln_event incoming(struct rln_session_id id)
{
	static const char texts[] = "callid\0sip:a@b\0sip:c@d\0v=0";
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_INCOMING_CALL};

	ev.incoming_call.block = rln_block_from_text(texts, sizeof(texts), &ev.incoming_call.headers);
	ev.incoming_call.headers.len = 0;
	ev.incoming_call.call_id = (struct rln_slice){0, 6};
	ev.incoming_call.from = (struct rln_slice){7, 7};
	ev.incoming_call.to = (struct rln_slice){15, 7};
	ev.incoming_call.sdp_offer = (struct rln_slice){23, 3};
	return ev;
}

static void blocks_are_copied_and_come_back(void **state)
{
	struct rln_session_id id = id_of(0, 1);
	struct rln_sub *a = subscribe(RLN_SUB_ALL, 0, 0), *b = subscribe(RLN_SUB_SESSION, id.v, 0);
	struct rln_event ev = incoming(id), got;
	size_t len;

	(void)state;
	rln_subs_open(subs, id, 0);
	rln_subs_deliver(subs, &ev);
	rln_block_release(ev.incoming_call.block);
	assert_int_equal(rln_blocks_in_use(), 2); /* a copy for each */
	assert_int_equal(rln_sub_pop(a, &got), 1);
	assert_string_equal(rln_sub_text(&got, got.incoming_call.from, &len), "sip:a@b");
	assert_int_equal(len, 7);
	assert_string_equal(rln_sub_text(&got, got.incoming_call.sdp_offer, &len), "v=0");
	assert_string_equal(rln_sub_text(&got, got.incoming_call.headers, &len), "");
	assert_int_equal(len, 0);
	rln_sub_give_back(a, &got);
	assert_int_equal(got.incoming_call.block, 0);
	assert_string_equal(rln_sub_text(&got, got.incoming_call.from, NULL), "");
	rln_sub_give_back(a, &got); /* again: nothing */
	rln_subs_housekeep(subs);
	assert_int_equal(rln_blocks_in_use(), 1); /* b has not read yet */
	rln_sub_destroy(b);
	rln_subs_close(subs, id);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_sub_destroy(a);
	rln_subs_housekeep(subs);
}

static void a_transfer_request_keeps_all_its_texts(void **state)
{
	static const char texts[] = "sip:c@d\0a@b;to-tag=1\0<sip:a@b>";
	struct rln_session_id id = id_of(0, 1);
	struct rln_sub *a = subscribe(RLN_SUB_ALL, 0, 0);
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_TRANSFER_REQUESTED}, got;

	(void)state;
	ev.transfer_requested.block = rln_block_from_text(texts, sizeof(texts), &ev.transfer_requested.refer_to);
	ev.transfer_requested.refer_to.len = 7;
	ev.transfer_requested.replaces = (struct rln_slice){8, 12};
	ev.transfer_requested.referred_by = (struct rln_slice){21, 9};
	rln_subs_open(subs, id, 0);
	rln_subs_deliver(subs, &ev);
	rln_block_release(ev.transfer_requested.block);
	assert_int_equal(rln_sub_pop(a, &got), 1);
	assert_string_equal(rln_sub_text(&got, got.transfer_requested.refer_to, NULL), "sip:c@d");
	assert_string_equal(rln_sub_text(&got, got.transfer_requested.replaces, NULL), "a@b;to-tag=1");
	assert_string_equal(rln_sub_text(&got, got.transfer_requested.referred_by, NULL), "<sip:a@b>");
	rln_sub_give_back(a, &got);
	rln_subs_close(subs, id);
	rln_sub_destroy(a);
	rln_subs_housekeep(subs);
}

/* R87: the path stands in the payload inside the envelope. */
static void envelopes_are_copied_with_their_path(void **state)
{
	struct rln_session_id id = id_of(0, 1);
	struct rln_sub *a = subscribe(RLN_SUB_ALL, 0, 0);
	struct rln_ev_recording_stopped file = {.duration_ms = 900, .gap_ms = 3};
	struct rln_event ev = {.id = id.v, .kind = RLN_EV_MEDIA_EVENT, .media_event = {.event = RLN_EV_RECORDING_STOPPED}}, got;

	(void)state;
	ev.media_event.block = rln_block_from_text("x/a.wav", 7, &file.file_path);
	memcpy(ev.media_event.raw, &file, sizeof(file));
	rln_subs_open(subs, id, 0);
	rln_subs_deliver(subs, &ev);
	assert_int_equal(rln_sub_pop(a, &got), 1);
	assert_int_not_equal(got.media_event.block, ev.media_event.block);
	rln_block_release(ev.media_event.block);
	assert_int_equal(got.media_event.event, RLN_EV_RECORDING_STOPPED);
	memcpy(&file, got.media_event.raw, sizeof(file));
	assert_string_equal(rln_sub_text(&got, file.file_path, NULL), "x/a.wav");
	assert_true(file.block == 0 && file.duration_ms == 900 && file.gap_ms == 3);
	rln_sub_give_back(a, &got);
	ev = (struct rln_event){
		.id = id.v, .kind = RLN_EV_MEDIA_EVENT, .media_event = {.event = RLN_EV_RTP_TIMEOUT, .raw = "plain"}};
	rln_subs_deliver(subs, &ev);
	assert_int_equal(rln_sub_pop(a, &got), 1);
	assert_memory_equal(&got, &ev, sizeof(ev));
	rln_subs_close(subs, id);
	rln_sub_destroy(a);
	rln_subs_housekeep(subs);
	assert_int_equal(rln_blocks_in_use(), 0);
}

static void without_a_block_the_event_comes_without_texts(void **state)
{
	struct rln_sub *a = subscribe(RLN_SUB_ALL, 0, 0);
	struct rln_event ev = incoming(id_of(0, 1)), got;
	rln_block_ref held[70];
	unsigned n = 0;

	(void)state;
	while (n < 70 && (held[n] = rln_block_alloc(1)))
		n++;
	rln_subs_deliver(subs, &ev);
	assert_int_equal(rln_sub_pop(a, &got), 1);
	assert_int_equal(got.incoming_call.block, 0);
	assert_string_equal(rln_sub_text(&got, got.incoming_call.from, NULL), "");
	while (n)
		rln_block_release(held[--n]);
	rln_block_release(ev.incoming_call.block);
	rln_sub_destroy(a);
}

static void a_slow_reader_loses_its_own_events(void **state)
{
	struct rln_session_id id = id_of(0, 1);
	struct rln_sub *slow = subscribe(RLN_SUB_ALL, 0, 4), *quick = subscribe(RLN_SUB_ALL, 0, 16);
	uint64_t before = rln_count_total(RLN_C_APP_EVENTS_LOST);
	struct rln_event ev;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		tell(id, RLN_EV_STATE_CHANGED);
	assert_int_equal(rln_sub_lost(slow), 6);
	assert_int_equal(rln_sub_lost(quick), 0);
	assert_int_equal(rln_count_total(RLN_C_APP_EVENTS_LOST), before + 6);
	assert_int_equal(drain(slow), 4);
	assert_int_equal(drain(quick), 10);
	ev = incoming(id); /* what is lost keeps no block */
	for (unsigned i = 0; i < 6; i++)
		rln_subs_deliver(subs, &ev);
	rln_block_release(ev.incoming_call.block);
	assert_int_equal(rln_blocks_in_use(), 10);
	rln_sub_destroy(slow);
	rln_sub_destroy(quick);
	rln_subs_housekeep(subs);
	assert_int_equal(rln_blocks_in_use(), 0);
}

/* More blocks held back than the return ring takes. */
static void blocks_held_for_long_come_back_too(void **state)
{
	struct rln_sub *a = subscribe(RLN_SUB_ALL, 0, 4);
	struct rln_event ev = incoming(id_of(0, 1)), got[12];

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		rln_subs_deliver(subs, &ev);
		assert_int_equal(rln_sub_pop(a, &got[i]), 1);
	}
	for (unsigned i = 0; i < 12; i++)
		rln_sub_give_back(a, &got[i]);
	rln_subs_housekeep(subs);
	rln_block_release(ev.incoming_call.block);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_sub_destroy(a);
	rln_subs_housekeep(subs);
}

static bool is_readable(const struct rln_sub *sub)
{
	struct pollfd p = {.fd = rln_sub_fd(sub), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void the_bell_rings_once_for_an_empty_ring(void **state)
{
	struct rln_sub *sub = subscribe(RLN_SUB_ALL, 0, 0);
	struct rln_event ev;

	(void)state;
	assert_false(is_readable(sub));
	assert_int_equal(rln_sub_wait(sub, 0), 0);
	assert_int_equal(rln_sub_wait(sub, 20), 0);
	tell(id_of(0, 1), RLN_EV_STATE_CHANGED);
	tell(id_of(0, 1), RLN_EV_STATE_CHANGED);
	assert_true(is_readable(sub));
	assert_int_equal(rln_sub_wait(sub, -1), 1);
	assert_int_equal(rln_sub_pop(sub, &ev), 1);
	assert_true(is_readable(sub)); /* one more waits */
	assert_int_equal(rln_sub_pop(sub, &ev), 1);
	assert_int_equal(rln_sub_pop(sub, &ev), 0);
	assert_false(is_readable(sub));
	tell(id_of(0, 1), RLN_EV_STATE_CHANGED);
	assert_true(is_readable(sub));
	rln_sub_destroy(sub);
}

static void the_end_of_everything_wakes_readers(void **state)
{
	struct rln_sub *sub = subscribe(RLN_SUB_ALL, 0, 0), *unlinked;
	struct rln_event ev;

	(void)state;
	tell(id_of(0, 1), RLN_EV_STATE_CHANGED);
	unlinked = subscribe(RLN_SUB_SESSION, id_of(0, 1).v, 0);
	rln_subs_destroy(subs);
	assert_true(is_readable(sub));
	assert_int_equal(rln_sub_pop(sub, &ev), 1); /* what was there stays readable */
	assert_int_equal(rln_sub_pop(sub, &ev), -EPIPE);
	assert_int_equal(rln_sub_wait(unlinked, -1), -EPIPE);
	rln_sub_destroy(sub);
	rln_sub_destroy(unlinked);
	assert_int_equal(rln_subs_create(&subs, SESSIONS), 0);
}

static void bad_requests_and_memory_are_told(void **state)
{
	struct rln_sub_cfg odd = {.filter = RLN_SUB_ALL, .events = 3},
			   far = {.filter = RLN_SUB_SESSION, .session = id_of(SESSIONS, 1)};
	struct rln_sub_cfg good = {.filter = RLN_SUB_ALL};
	struct rln_sub *sub = NULL;
	struct rln_subs *other = NULL;

	(void)state;
	assert_int_equal(rln_sub_create(&sub, subs, &odd), -EINVAL);
	assert_int_equal(rln_sub_create(&sub, subs, &far), -EINVAL);
	for (unsigned n = 1; n <= 3; n++) {
		rln_heap_fail_nth(n);
		assert_int_equal(rln_sub_create(&sub, subs, &good), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
	for (unsigned n = 1; n <= 2; n++) {
		rln_heap_fail_nth(n);
		assert_int_equal(rln_subs_create(&other, 4), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
	assert_null(sub);
	assert_null(other);
	rln_sub_destroy(NULL);
	rln_subs_destroy(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(events_go_to_whom_they_concern),
		T(a_session_may_be_subscribed_before_it_exists),
		T(a_session_that_is_gone_ends_its_late_subscriber),
		T(blocks_are_copied_and_come_back),
		T(a_transfer_request_keeps_all_its_texts),
		T(envelopes_are_copied_with_their_path),
		T(without_a_block_the_event_comes_without_texts),
		T(a_slow_reader_loses_its_own_events),
		T(blocks_held_for_long_come_back_too),
		T(the_bell_rings_once_for_an_empty_ring),
		T(the_end_of_everything_wakes_readers),
		T(bad_requests_and_memory_are_told),
	};

	return cmocka_run_group_tests_name("session_subscribers", tests, NULL, NULL);
}
