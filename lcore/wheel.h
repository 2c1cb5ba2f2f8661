/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hierarchical timer wheel with the time passed in (after Varghese and Lauck). O(1) to arm and to disarm, intrusive
 * timers, no allocation after create. owner: one lcore.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rln_wheel;

struct rln_timer {           /* embedded by its user; all zero = not armed */
	struct rln_timer *next, **pprev;
	uint64_t due_tick;
	void (*fire)(struct rln_timer *timer, uint64_t now_ns); /* may arm and disarm any timer, itself included */
};

/* Time of one tick in ns (control: 1 ms; workers: 250 us) and the time now. 0 or -ENOMEM. */
int rln_wheel_create(struct rln_wheel **out, uint64_t tick_ns, uint64_t now_ns) __attribute__((warn_unused_result));
void rln_wheel_destroy(struct rln_wheel *wheel);
/* Fires at the first advance that reaches the end of the tick of `due_ns`: never early, up to a tick late. Re-arms when armed. */
void rln_wheel_arm(struct rln_wheel *wheel, struct rln_timer *timer, uint64_t due_ns);
void rln_wheel_disarm(struct rln_wheel *wheel, struct rln_timer *timer);
bool rln_timer_is_armed(const struct rln_timer *timer);
/* Fires what is due, in tick order, at most `budget` timers (the rest at the next call). Returns how many fired. */
unsigned rln_wheel_advance(struct rln_wheel *wheel, uint64_t now_ns, unsigned budget);
/* The time of the last advance (create's before the first): the time that handlers of this lcore go by, fake in tests. */
uint64_t rln_wheel_now(const struct rln_wheel *wheel);
/* When the next timer may be due (a lower bound), UINT64_MAX when none is armed: for idle sleep. */
uint64_t rln_wheel_next_ns(const struct rln_wheel *wheel);
unsigned rln_wheel_armed(const struct rln_wheel *wheel);
/* Checks every link and slot; false on a broken invariant. Tests. */
bool rln_wheel_validate(const struct rln_wheel *wheel);
