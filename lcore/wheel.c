/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wheel: levels of 64 slots, each level 64 times coarser than the one below, and a bitmap of full slots per level.
 * A timer stands on the level of the highest bit in which its tick differs from the wheel's (so everything on level 0 is in
 * the current 64 ticks), in the slot that its tick names there. When the wheel reaches the first tick of a slot above level 0,
 * that slot is spread over the levels below. Empty stretches are jumped over by the bitmaps, and eleven levels hold any
 * 64-bit tick, so there is no horizon.
 * Rejected: one FIFO per timeout length, because SIP and media together have too many lengths.
 */
#include "lcore/wheel.h"

#include <errno.h>

#include "lcore/heap.h"

#define BITS   6
#define SLOTS  (1u << BITS)
#define LEVELS 11 /* 66 bits */

struct rln_wheel { /* owner: one lcore */
	uint64_t tick_ns;
	uint64_t now_ns;           /* as the last advance gave it */
	uint64_t tick;             /* the wheel's position */
	uint64_t target;           /* where the running advance goes; outside of one, equal to tick */
	struct rln_timer *expired; /* taken from the slot of `tick`, not yet fired */
	unsigned armed;
	uint16_t levels;       /* bit per level: has a full slot */
	uint64_t full[LEVELS]; /* bit per slot */
	struct rln_timer *slots[LEVELS][SLOTS];
};

int rln_wheel_create(struct rln_wheel **out, uint64_t tick_ns, uint64_t now_ns)
{
	struct rln_wheel *w = rln_zalloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->tick_ns = tick_ns;
	w->now_ns = now_ns;
	w->tick = w->target = now_ns / tick_ns;
	*out = w;
	return 0;
}

void rln_wheel_destroy(struct rln_wheel *wheel)
{
	rln_free(wheel);
}

bool rln_timer_is_armed(const struct rln_timer *timer)
{
	return timer->pprev != NULL;
}

static void link_timer(struct rln_timer **head, struct rln_timer *t)
{
	t->next = *head;
	t->pprev = head;
	if (t->next)
		t->next->pprev = &t->next;
	*head = t;
}

static void mark_empty(struct rln_wheel *w, unsigned level, unsigned slot)
{
	w->full[level] &= ~(1ull << slot);
	if (!w->full[level])
		w->levels &= (uint16_t) ~(1u << level);
}

static void unlink_timer(struct rln_wheel *w, struct rln_timer *t)
{
	struct rln_timer **first = &w->slots[0][0];

	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	else if (t->pprev >= first && t->pprev < first + LEVELS * SLOTS)
		mark_empty(w, (unsigned)((t->pprev - first) / SLOTS), (unsigned)((t->pprev - first) % SLOTS));
	t->next = NULL;
	t->pprev = NULL;
}

static void place(struct rln_wheel *w, struct rln_timer *t)
{
	uint64_t differs = t->due_tick ^ w->tick;
	unsigned level = differs ? (63 - (unsigned)__builtin_clzll(differs)) / BITS : 0;
	unsigned slot = t->due_tick >> (level * BITS) & (SLOTS - 1);

	link_timer(&w->slots[level][slot], t);
	w->full[level] |= 1ull << slot;
	w->levels |= (uint16_t)(1u << level);
}

void rln_wheel_arm(struct rln_wheel *wheel, struct rln_timer *timer, uint64_t due_ns)
{
	uint64_t due = due_ns / wheel->tick_ns + (due_ns % wheel->tick_ns != 0);
	/* The slot of the current tick was taken already when we are called from a timer of an advance that goes on. */
	uint64_t earliest = wheel->tick + (wheel->tick < wheel->target);

	if (timer->pprev)
		unlink_timer(wheel, timer);
	else
		wheel->armed++;
	timer->due_tick = due > earliest ? due : earliest;
	place(wheel, timer);
}

void rln_wheel_disarm(struct rln_wheel *wheel, struct rln_timer *timer)
{
	if (!timer->pprev)
		return;
	unlink_timer(wheel, timer);
	wheel->armed--;
}

/* Takes a whole slot; the timers hang on *list afterwards. */
static void take_slot(struct rln_wheel *w, unsigned level, unsigned slot, struct rln_timer **list)
{
	*list = w->slots[level][slot];
	if (!*list)
		return;
	(*list)->pprev = list;
	w->slots[level][slot] = NULL;
	mark_empty(w, level, slot);
}

/* The first tick after which there may be something to do: exact on level 0, where a slot begins on the others. */
static uint64_t next_tick(const struct rln_wheel *w)
{
	unsigned level, slot, shift;
	uint64_t above;

	if (!w->levels)
		return UINT64_MAX;
	level = (unsigned)__builtin_ctz(w->levels);
	slot = (unsigned)__builtin_ctzll(w->full[level]);
	shift = level * BITS;
	above = shift + BITS < 64 ? w->tick >> (shift + BITS) << (shift + BITS) : 0;
	return above | (uint64_t)slot << shift;
}

/* Moves the wheel to a tick that next_tick() named and spreads the slots that begin there. */
static void move_to(struct rln_wheel *w, uint64_t tick)
{
	w->tick = tick;
	for (unsigned level = LEVELS - 1; level > 0; level--) {
		unsigned shift = level * BITS;
		struct rln_timer *list, *t;

		if (tick & ((1ull << shift) - 1))
			continue;
		take_slot(w, level, tick >> shift & (SLOTS - 1), &list);
		while ((t = list)) {
			list = t->next;
			place(w, t);
		}
	}
}

static unsigned fire_expired(struct rln_wheel *w, uint64_t now_ns, unsigned budget)
{
	unsigned fired = 0;

	while (w->expired && fired < budget) {
		struct rln_timer *t = w->expired;

		unlink_timer(w, t);
		w->armed--;
		fired++;
		t->fire(t, now_ns);
	}
	return fired;
}

unsigned rln_wheel_advance(struct rln_wheel *wheel, uint64_t now_ns, unsigned budget)
{
	uint64_t now = now_ns / wheel->tick_ns;
	uint64_t taken = UINT64_MAX; /* a timer that re-arms itself for now waits for the next call */
	unsigned fired;

	if (now < wheel->tick)
		return 0;
	wheel->now_ns = now_ns;
	wheel->target = now;
	fired = fire_expired(wheel, now_ns, budget); /* left over from the last call */
	while (!wheel->expired) {
		uint64_t next = next_tick(wheel);

		if (next > now) {
			if (wheel->tick < now)
				move_to(wheel, now);
			break;
		}
		if (fired >= budget || next == taken)
			break;
		if (next > wheel->tick)
			move_to(wheel, next);
		taken = wheel->tick;
		take_slot(wheel, 0, taken & (SLOTS - 1), &wheel->expired);
		fired += fire_expired(wheel, now_ns, budget - fired);
	}
	wheel->target = wheel->tick;
	return fired;
}

uint64_t rln_wheel_now(const struct rln_wheel *wheel)
{
	return wheel->now_ns;
}

uint64_t rln_wheel_next_ns(const struct rln_wheel *wheel)
{
	uint64_t next = wheel->expired ? wheel->tick : next_tick(wheel);

	return next > UINT64_MAX / wheel->tick_ns ? UINT64_MAX : next * wheel->tick_ns;
}

unsigned rln_wheel_armed(const struct rln_wheel *wheel)
{
	return wheel->armed;
}

/* Length of a list whose links hold and whose timers all belong to `slot` of `level`; -1 when one does not. */
static int64_t validate_list(const struct rln_wheel *w, struct rln_timer *const *head, unsigned level, unsigned slot)
{
	struct rln_timer *const *from = head;
	unsigned shift = level * BITS;
	int64_t n = 0;

	for (const struct rln_timer *t = *head; t; t = t->next, n++) {
		uint64_t differs = t->due_tick ^ w->tick;

		if (t->pprev != from || t->due_tick < w->tick || (t->due_tick >> shift & (SLOTS - 1)) != slot)
			return -1;
		if ((differs ? (63 - (unsigned)__builtin_clzll(differs)) / BITS : 0) != level)
			return -1;
		from = &t->next;
	}
	return n;
}

bool rln_wheel_validate(const struct rln_wheel *wheel)
{
	int64_t sum = 0;

	for (unsigned level = 0; level < LEVELS; level++) {
		for (unsigned slot = 0; slot < SLOTS; slot++) {
			int64_t n = validate_list(wheel, &wheel->slots[level][slot], level, slot);

			if (n < 0 || (n > 0) != (wheel->full[level] >> slot & 1))
				return false;
			sum += n;
		}
		if ((wheel->full[level] != 0) != (wheel->levels >> level & 1))
			return false;
	}
	for (const struct rln_timer *t = wheel->expired; t; t = t->next)
		sum++;
	return sum == wheel->armed && wheel->target == wheel->tick;
}
