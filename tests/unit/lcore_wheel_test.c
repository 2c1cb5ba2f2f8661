/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/wheel.c" /* its slots are looked at */

#define TICK  1000u
#define MODEL 300

struct thing {
	struct rln_timer timer;
	uint64_t due_ns;   /* of the model; 0 = not armed */
	uint64_t fired_ns; /* 0 = not yet */
	unsigned fired, again;
	uint64_t again_after;
};

static struct rln_wheel *wheel;
static struct thing things[MODEL];
static uint64_t last_due; /* order of firing */
static unsigned fired_total;

static struct thing *thing_of(struct rln_timer *t)
{
	return (struct thing *)((char *)t - offsetof(struct thing, timer));
}

static void on_fire(struct rln_timer *timer, uint64_t now_ns)
{
	struct thing *t = thing_of(timer);

	assert_false(rln_timer_is_armed(timer));
	assert_true(now_ns >= t->due_ns);         /* never early */
	assert_true(timer->due_tick >= last_due); /* in tick order */
	last_due = timer->due_tick;
	t->fired++;
	t->fired_ns = now_ns;
	t->due_ns = 0;
	fired_total++;
	if (t->again) {
		t->again--;
		t->due_ns = now_ns + t->again_after;
		rln_wheel_arm(wheel, timer, t->due_ns);
	}
}

static int start_at(uint64_t now_ns)
{
	memset(things, 0, sizeof(things));
	for (int i = 0; i < MODEL; i++)
		things[i].timer.fire = on_fire;
	last_due = 0;
	fired_total = 0;
	return rln_wheel_create(&wheel, TICK, now_ns);
}

static int setup(void **state)
{
	(void)state;
	return start_at(0);
}

static int teardown(void **state)
{
	(void)state;
	rln_wheel_destroy(wheel);
	return 0;
}

static void arm(struct thing *t, uint64_t due_ns)
{
	t->due_ns = due_ns;
	rln_wheel_arm(wheel, &t->timer, due_ns);
}

static void fires_at_its_tick_and_once(void **state)
{
	(void)state;
	arm(&things[0], 5 * TICK);
	arm(&things[1], 5 * TICK + 1); /* the end of the next tick */
	assert_true(rln_timer_is_armed(&things[0].timer));
	assert_int_equal(rln_wheel_armed(wheel), 2);
	assert_int_equal(rln_wheel_advance(wheel, 5 * TICK - 1, 10), 0);
	assert_int_equal(rln_wheel_advance(wheel, 5 * TICK, 10), 1);
	assert_int_equal(things[0].fired, 1);
	assert_int_equal(rln_wheel_advance(wheel, 6 * TICK - 1, 10), 0);
	assert_int_equal(rln_wheel_advance(wheel, 6 * TICK, 10), 1);
	assert_int_equal(rln_wheel_advance(wheel, 1000 * TICK, 10), 0);
	assert_int_equal(rln_wheel_armed(wheel), 0);
	assert_true(rln_wheel_validate(wheel));
}

static void the_past_fires_at_the_next_call(void **state)
{
	(void)state;
	assert_int_equal(rln_wheel_advance(wheel, 100 * TICK + 7, 10), 0);
	assert_int_equal(rln_wheel_now(wheel), 100 * TICK + 7);
	arm(&things[0], 3);
	arm(&things[1], 100 * TICK);
	assert_int_equal(rln_wheel_advance(wheel, 100 * TICK + 8, 10), 2);
	arm(&things[2], 101 * TICK);
	assert_int_equal(rln_wheel_advance(wheel, 99 * TICK, 10), 0); /* time does not run back */
	assert_int_equal(rln_wheel_advance(wheel, 101 * TICK, 10), 1);
}

static void disarm_and_rearm(void **state)
{
	(void)state;
	arm(&things[0], 10 * TICK);
	arm(&things[1], 10 * TICK);
	arm(&things[2], 10 * TICK);
	rln_wheel_disarm(wheel, &things[1].timer);
	rln_wheel_disarm(wheel, &things[1].timer); /* twice does nothing */
	assert_false(rln_timer_is_armed(&things[1].timer));
	assert_int_equal(rln_wheel_armed(wheel), 2);
	assert_true(rln_wheel_validate(wheel));
	arm(&things[0], 4000 * TICK); /* moves it */
	assert_int_equal(rln_wheel_armed(wheel), 2);
	assert_int_equal(rln_wheel_advance(wheel, 10 * TICK, 10), 1);
	assert_int_equal(things[2].fired, 1);
	rln_wheel_disarm(wheel, &things[0].timer);
	assert_int_equal(wheel->levels, 0); /* an empty slot is known to be empty */
	assert_int_equal(rln_wheel_next_ns(wheel), UINT64_MAX);
}

static void next_is_a_lower_bound(void **state)
{
	(void)state;
	assert_int_equal(rln_wheel_next_ns(wheel), UINT64_MAX);
	arm(&things[0], 40 * TICK);
	assert_int_equal(rln_wheel_next_ns(wheel), 40 * TICK); /* exact within 64 ticks */
	rln_wheel_disarm(wheel, &things[0].timer);
	arm(&things[0], 100000 * TICK);
	for (unsigned turns = 0; things[0].fired == 0; turns++) {
		uint64_t next = rln_wheel_next_ns(wheel);

		assert_true(next <= 100000 * TICK);
		rln_wheel_advance(wheel, next, 1);
		assert_in_range(turns, 0, LEVELS);
	}
	assert_int_equal(things[0].fired_ns, 100000 * TICK);
}

static void budget_leaves_the_rest_for_the_next_call(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		arm(&things[i], 7 * TICK);
	for (unsigned i = 10; i < 20; i++)
		arm(&things[i], 9 * TICK);
	assert_int_equal(rln_wheel_advance(wheel, 50 * TICK, 4), 4);
	assert_true(rln_wheel_validate(wheel));
	assert_true(rln_wheel_next_ns(wheel) <= 7 * TICK);
	for (unsigned i = 0; i < 10; i++) /* disarm one that has expired and waits */
		if (things[i].fired == 0) {
			things[i].due_ns = 0;
			rln_wheel_disarm(wheel, &things[i].timer);
			break;
		}
	arm(&things[20], 8 * TICK);
	assert_true(rln_wheel_validate(wheel));
	assert_int_equal(rln_wheel_advance(wheel, 50 * TICK, 0), 0);
	assert_int_equal(rln_wheel_advance(wheel, 50 * TICK, 6), 6);
	assert_int_equal(things[20].fired, 1);
	assert_int_equal(rln_wheel_advance(wheel, 50 * TICK, 100), 10);
	assert_int_equal(rln_wheel_advance(wheel, 50 * TICK, 100), 0);
	assert_int_equal(fired_total, 20);
	assert_int_equal(wheel->tick, 50);
}

static void a_timer_may_arm_itself_without_end(void **state)
{
	(void)state;
	things[0].again = 1000000; /* for now: once per call, whatever the budget */
	arm(&things[0], TICK);
	assert_int_equal(rln_wheel_advance(wheel, TICK, 100), 1);
	assert_int_equal(rln_wheel_advance(wheel, TICK, 100), 1);
	rln_wheel_disarm(wheel, &things[0].timer);
	things[1].again = 1000000;
	things[1].again_after = 10 * TICK;
	arm(&things[1], 10 * TICK);
	for (uint64_t now = 0; now <= 1000 * TICK; now += TICK / 2)
		rln_wheel_advance(wheel, now, 100);
	assert_int_equal(things[1].fired, 100);
}

static struct thing *victim;

static void disarm_the_victim(struct rln_timer *timer, uint64_t now_ns)
{
	(void)timer;
	(void)now_ns;
	rln_wheel_disarm(wheel, &victim->timer);
	fired_total++;
}

static void a_timer_may_disarm_its_neighbour(void **state)
{
	(void)state;
	/* Whichever of two in one tick fires first disarms the other. */
	things[0].timer.fire = things[1].timer.fire = disarm_the_victim;
	for (unsigned i = 0; i < 2; i++) {
		victim = &things[i];
		arm(&things[0], (10 + i) * TICK);
		arm(&things[1], (10 + i) * TICK);
		rln_wheel_advance(wheel, (10 + i) * TICK, 10);
		assert_int_equal(rln_wheel_armed(wheel), 0);
		assert_true(rln_wheel_validate(wheel));
	}
	assert_in_range(fired_total, 2, 4);
}

static void far_times_do_not_wrap(void **state)
{
	(void)state;
	arm(&things[0], UINT64_MAX);
	arm(&things[1], UINT64_MAX - 5 * (uint64_t)TICK);
	arm(&things[2], 1ull << 60);
	assert_true(rln_wheel_validate(wheel));
	assert_int_equal(rln_wheel_advance(wheel, (1ull << 60) - TICK, 10), 0);
	assert_int_equal(rln_wheel_advance(wheel, (1ull << 60) + TICK, 10), 1);
	assert_int_equal(rln_wheel_advance(wheel, UINT64_MAX - TICK, 10), 1);
	assert_true(rln_wheel_validate(wheel));
	assert_int_equal(rln_wheel_armed(wheel), 1); /* the end of the last tick never comes */
}

static void every_level_wraps(void **state)
{
	(void)state;
	for (unsigned level = 0; level * BITS < 50; level++) {
		uint64_t edge = (1ull << (level * BITS)) * SLOTS * TICK;

		for (int64_t from = -3; from <= 3; from++) {
			rln_wheel_destroy(wheel);
			assert_int_equal(start_at(edge + (uint64_t)(from * (int64_t)TICK)), 0);
			for (int i = 0; i < 8; i++)
				arm(&things[i], edge + (uint64_t)(from + i) * TICK);
			assert_true(rln_wheel_validate(wheel));
			for (int i = 0; i < 8; i++) {
				rln_wheel_advance(wheel, edge + (uint64_t)(from + i) * TICK, 100);
				assert_int_equal(fired_total, i + 1);
				assert_true(rln_wheel_validate(wheel));
			}
		}
	}
}

/* Timers of the model that are due at a tick the wheel must have reached. */
static unsigned model_due(uint64_t now_ns)
{
	unsigned due = 0;

	for (int i = 0; i < MODEL; i++)
		due += things[i].due_ns && (things[i].due_ns + TICK - 1) / TICK <= now_ns / TICK;
	return due;
}

static uint64_t random_span(void)
{
	return (uint64_t)rand() % (1ull << (1 + rand() % 34)); /* evenly over magnitudes */
}

static void random_use_agrees_with_a_model(void **state)
{
	uint64_t now = 12345678;

	(void)state;
	rln_wheel_destroy(wheel);
	assert_int_equal(start_at(now), 0);
	srand(7);
	for (unsigned step = 0; step < 30000; step++) {
		struct thing *t = &things[rand() % MODEL];
		unsigned due, budget;

		switch (rand() % 4) {
		case 0:
		case 1:
			arm(t, now + random_span() + 1);
			break;
		case 2:
			rln_wheel_disarm(wheel, &t->timer);
			t->due_ns = 0;
			break;
		default:
			now += random_span() / 16;
			due = model_due(now);
			budget = rand() % 3 ? UINT32_MAX : (unsigned)rand() % 4;
			assert_int_equal(rln_wheel_advance(wheel, now, budget), due < budget ? due : budget);
			last_due = 0; /* a later arming may fall behind what has fired */
			break;
		}
		if (step % 16 == 0)
			assert_true(rln_wheel_validate(wheel));
	}
	rln_wheel_advance(wheel, now + (1ull << 40), UINT32_MAX);
	assert_int_equal(rln_wheel_armed(wheel), 0);
	assert_true(rln_wheel_validate(wheel));
}

static void validate_finds_what_is_broken(void **state)
{
	(void)state;
	arm(&things[0], 10 * TICK);
	arm(&things[1], 10 * TICK);
	assert_true(rln_wheel_validate(wheel));
	things[1].timer.due_tick = 11;
	assert_false(rln_wheel_validate(wheel));
	things[1].timer.due_tick = 10;
	wheel->full[0] = 0;
	assert_false(rln_wheel_validate(wheel));
	wheel->full[0] = 1 << 10;
	wheel->armed = 3;
	assert_false(rln_wheel_validate(wheel));
	wheel->armed = 2;
	assert_true(rln_wheel_validate(wheel));
}

static void no_memory_no_wheel(void **state)
{
	struct rln_wheel *none = NULL;

	(void)state;
	rln_heap_fail_nth(1);
	assert_int_equal(rln_wheel_create(&none, TICK, 0), -ENOMEM);
	assert_null(none);
	rln_wheel_destroy(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fires_at_its_tick_and_once),
		TEST(the_past_fires_at_the_next_call),
		TEST(disarm_and_rearm),
		TEST(next_is_a_lower_bound),
		TEST(budget_leaves_the_rest_for_the_next_call),
		TEST(a_timer_may_arm_itself_without_end),
		TEST(a_timer_may_disarm_its_neighbour),
		TEST(far_times_do_not_wrap),
		TEST(every_level_wraps),
		TEST(random_use_agrees_with_a_model),
		TEST(validate_finds_what_is_broken),
		cmocka_unit_test(no_memory_no_wheel),
	};

	return cmocka_run_group_tests_name("lcore/wheel", tests, NULL, NULL);
}
