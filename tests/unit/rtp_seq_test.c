/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence accounting: every vector of measurement 2, its traps, and 10^5 random sequences against a model that remembers everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rtp/seq.h"

struct stream {
	struct rln_seq seq;
	struct rln_seq_more more;
	struct rln_seq_counts now;
	uint32_t sent;
};

static void begin(struct stream *s, bool announced)
{
	s->sent = 0;
	rln_seq_init(&s->seq, &s->more, announced);
}

static enum rln_seq_verdict one(struct stream *s, uint32_t number)
{
	enum rln_seq_verdict v = rln_seq_update(&s->seq, &s->more, (uint16_t)number);

	s->sent++;
	rln_seq_counts(&s->seq, &s->more, &s->now);
	return v;
}

static void feed(struct stream *s, const uint16_t *numbers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		one(s, numbers[i]);
}

/* Every packet is in exactly one place, over all epochs. */
static void check_identity(const struct stream *s)
{
	struct rln_seq_counts all;

	rln_seq_counts_total(&s->seq, &s->more, &all);
	assert_int_equal(s->sent, rln_seq_received(&all) + all.jump);
}

#define FEED(s, ...)                                                                                                             \
	do {                                                                                                                     \
		const uint16_t numbers_[] = {__VA_ARGS__};                                                                       \
		begin(s, true);                                                                                                  \
		feed(s, numbers_, sizeof(numbers_) / sizeof(numbers_[0]));                                                       \
		check_identity(s);                                                                                               \
	} while (0)

static void test_vector_wrap(void **state)
{
	struct stream s;
	uint32_t highest;
	int32_t lost;

	(void)state;
	FEED(&s, 65533, 65534, 0, 65535, 1, 1, 4);
	assert_int_equal(s.now.expected, 8);
	assert_int_equal(rln_seq_received(&s.now), 7);
	assert_int_equal(rln_seq_lost(&s.now), 1);
	assert_int_equal(rln_seq_unique_lost(&s.now), 2);
	assert_int_equal(s.now.reordered, 1);
	assert_int_equal(s.more.distance, 1);
	assert_int_equal(s.more.distance_max, 1);
	assert_int_equal(s.now.duplicate, 1);
	assert_int_equal(rln_seq_report(&s.seq, &s.more, &lost, &highest), 32);
	assert_int_equal(lost, 1);
	assert_int_equal(highest, 0x10004);
}

static void test_vector_copies(void **state)
{
	struct stream s;

	(void)state;
	FEED(&s, 10, 11, 12, 12, 12, 13);
	assert_int_equal(s.now.expected, 4);
	assert_int_equal(rln_seq_received(&s.now), 6);
	assert_int_equal(rln_seq_lost(&s.now), -2);
	assert_int_equal(rln_seq_unique_lost(&s.now), 0);
	assert_int_equal(s.now.duplicate, 2);
}

static void test_vector_before_base(void **state)
{
	struct stream s;

	(void)state;
	FEED(&s, 10, 11, 9, 12, 13);
	assert_int_equal(s.now.expected, 4);
	assert_int_equal(rln_seq_received(&s.now), 5);
	assert_int_equal(rln_seq_lost(&s.now), -1);
	assert_int_equal(rln_seq_unique_lost(&s.now), 0);
	assert_int_equal(s.now.before_base, 1);
	/* Below zero, where the numbers go round. */
	FEED(&s, 2, 65530, 3);
	assert_int_equal(s.now.before_base, 1);
	assert_int_equal(s.now.expected, 2);
}

static void test_vector_jump(void **state)
{
	struct stream s;

	(void)state;
	FEED(&s, 100, 101, 102, 40000, 103, 104);
	assert_int_equal(s.now.expected, 5);
	assert_int_equal(rln_seq_received(&s.now), 5);
	assert_int_equal(rln_seq_lost(&s.now), 0);
	assert_int_equal(rln_seq_unique_lost(&s.now), 0);
	assert_int_equal(s.now.jump, 1);
	assert_int_equal(s.more.epochs, 1);
}

static void test_vector_two_epochs(void **state)
{
	struct stream s;

	(void)state;
	FEED(&s, 100, 101, 102, 40000, 40001, 40002);
	assert_int_equal(s.more.epochs, 2);
	assert_int_equal(s.more.last.expected, 3);
	assert_int_equal(rln_seq_received(&s.more.last), 3);
	assert_int_equal(rln_seq_lost(&s.more.last), 0);
	assert_int_equal(rln_seq_unique_lost(&s.more.last), 0);
	assert_int_equal(s.more.last.jump, 0);
	assert_int_equal(s.more.base, 40000);
	assert_int_equal(s.now.expected, 3);
	assert_int_equal(rln_seq_received(&s.now), 3);
	assert_int_equal(rln_seq_lost(&s.now), 0);
	assert_int_equal(rln_seq_unique_lost(&s.now), 0);
	assert_int_equal(s.now.jump, 0);
}

static void test_limits_of_a_jump(void **state)
{
	struct stream s;

	(void)state;
	begin(&s, true);
	one(&s, 5000);
	assert_int_equal(one(&s, 7999), RLN_SEQ_IN_ORDER);  /* 2,999 ahead */
	assert_int_equal(one(&s, 10999), RLN_SEQ_JUMP);     /* 3,000 */
	assert_int_equal(one(&s, 7900), RLN_SEQ_REORDERED); /* 99 behind */
	assert_int_equal(s.more.distance, 99);
	assert_int_equal(one(&s, 7899), RLN_SEQ_JUMP); /* 100 behind is a jump, as in RFC 3550 A.1 */
	assert_int_equal(one(&s, 7998), RLN_SEQ_REORDERED);
	assert_int_equal(s.more.distance, 1);
	assert_int_equal(s.more.distance_max, 99);
	check_identity(&s);
}

static void test_beyond_the_window(void **state)
{
	struct stream s;

	(void)state;
	begin(&s, true);
	s.more.misorder = 3000;
	one(&s, 1000);
	one(&s, 3023);
	assert_int_equal(one(&s, 2000), RLN_SEQ_REORDERED); /* 1,023 behind: the last that the window holds */
	assert_int_equal(one(&s, 2000), RLN_SEQ_DUPLICATE);
	assert_int_equal(one(&s, 1999), RLN_SEQ_TOO_LATE);
	assert_int_equal(one(&s, 1000), RLN_SEQ_TOO_LATE);
	assert_int_equal(one(&s, 999), RLN_SEQ_BEFORE_BASE);
	assert_int_equal(rln_seq_unique_lost(&s.now), 2024 - 3); /* the two too late ones are neither found nor lost twice */
	check_identity(&s);
}

static void test_probation(void **state)
{
	struct stream s;

	(void)state;
	begin(&s, false);
	assert_int_equal(one(&s, 7), RLN_SEQ_JUMP);
	assert_int_equal(s.now.expected, 0);
	assert_int_equal(one(&s, 700), RLN_SEQ_JUMP);
	assert_int_equal(one(&s, 701), RLN_SEQ_EPOCH);
	assert_int_equal(s.now.expected, 2);
	assert_int_equal(s.now.in_order, 2); /* the held one is not forgotten */
	assert_int_equal(s.now.jump, 1);
	assert_int_equal(one(&s, 702), RLN_SEQ_IN_ORDER);
	check_identity(&s);
	/* From zero, where an idle state must not look like a predecessor. */
	for (unsigned first = 0; first < 65536; first++) {
		begin(&s, false);
		assert_int_equal(one(&s, first), RLN_SEQ_JUMP);
		assert_int_equal(one(&s, first + 1), RLN_SEQ_EPOCH);
		begin(&s, true);
		assert_int_equal(one(&s, first), RLN_SEQ_EPOCH);
	}
}

static void test_end_epoch(void **state)
{
	struct rln_seq_counts all;
	struct stream s;

	(void)state;
	begin(&s, true);
	one(&s, 1), one(&s, 4);
	rln_seq_end_epoch(&s.seq, &s.more);
	rln_seq_end_epoch(&s.seq, &s.more); /* nothing more to end */
	rln_seq_counts(&s.seq, &s.more, &s.now);
	assert_int_equal(s.now.expected, 0);
	assert_int_equal(s.more.last.expected, 4);
	assert_int_equal(one(&s, 5), RLN_SEQ_EPOCH); /* the next number of the old one begins the new one */
	assert_int_equal(one(&s, 8), RLN_SEQ_IN_ORDER);
	assert_int_equal(rln_seq_unique_lost(&s.now), 2);
	rln_seq_counts_total(&s.seq, &s.more, &all);
	assert_int_equal(all.expected, 8);
	assert_int_equal(rln_seq_unique_lost(&all), 4);
	check_identity(&s);
}

static void test_report_intervals(void **state)
{
	struct stream s;
	uint32_t highest;
	int32_t lost;

	(void)state;
	begin(&s, true);
	assert_int_equal(rln_seq_report(&s.seq, &s.more, &lost, &highest), 0);
	assert_int_equal(highest, 0);
	one(&s, 0);
	one(&s, 2);
	assert_int_equal(rln_seq_report(&s.seq, &s.more, &lost, &highest), 85); /* 1 of 3 */
	assert_int_equal(rln_seq_report(&s.seq, &s.more, &lost, &highest), 0);  /* nothing expected since */
	one(&s, 1);
	one(&s, 3);
	assert_int_equal(rln_seq_report(&s.seq, &s.more, &lost, &highest), 0); /* more came than was expected */
	assert_int_equal(lost, 0);
	for (unsigned i = 0; i < 1000; i++)
		one(&s, 3);
	rln_seq_report(&s.seq, &s.more, &lost, &highest);
	assert_int_equal(lost, -1000);
	/* Only one of 2,999 came: 255, because 256 does not fit. */
	one(&s, 3 + 2999);
	assert_int_equal(rln_seq_report(&s.seq, &s.more, &lost, &highest), 255);
	/* RTCP's field has 24 bits. */
	s.more.duplicate = 0;
	s.seq.max = 0x1000000;
	rln_seq_report(&s.seq, &s.more, &lost, &highest);
	assert_int_equal(lost, 0x7fffff);
	s.more.duplicate = 0x2000000;
	rln_seq_report(&s.seq, &s.more, &lost, &highest);
	assert_int_equal(lost, -0x800000);
}

static void test_lossless_is_exact(void **state)
{
	struct rln_seq_counts all;
	struct stream s;

	(void)state;
	for (unsigned announced = 0; announced < 2; announced++) {
		begin(&s, announced);
		for (uint32_t i = 0; i < 300000; i++)
			one(&s, 65000 + i);
		rln_seq_counts_total(&s.seq, &s.more, &all);
		assert_int_equal(all.expected, 300000);
		assert_int_equal(all.in_order, 300000);
		assert_int_equal(rln_seq_unique_lost(&all), 0);
		assert_int_equal(s.more.epochs, 1);
	}
}

/* ---- the model: a set of everything that ever came, by extended number; words of the text of measurement 2, no window tricks ---- */

struct model {
	uint8_t came[1 << 18];
	int64_t base, max; /* extended; base < 0: no epoch */
	int32_t bad;       /* -1: none */
	uint32_t epochs;
	struct rln_seq_counts now, past;
};

#define ORIGIN (1 << 16) /* extended numbers begin here in came[], so that numbers before base have room */

static void model_begin(struct model *m, uint16_t number)
{
	memset(m->came, 0, sizeof(m->came));
	m->base = m->max = ORIGIN + number;
	m->came[m->max] = 1;
	m->now = (struct rln_seq_counts){.in_order = 1, .expected = 1};
	m->bad = -1;
	m->epochs++;
}

static void model_past(struct model *m)
{
	const uint32_t *from = (const uint32_t *)&m->now;
	uint32_t *to = (uint32_t *)&m->past;

	for (unsigned i = 0; i < sizeof(m->now) / sizeof(*from); i++)
		to[i] += from[i];
}

static enum rln_seq_verdict model_jump(struct model *m, uint16_t number)
{
	if (m->bad != number) {
		m->bad = (uint16_t)(number + 1);
		m->now.jump++;
		return RLN_SEQ_JUMP;
	}
	m->now.jump--;
	model_past(m);
	model_begin(m, (uint16_t)(number - 1));
	m->came[++m->max] = 1;
	m->now.in_order = m->now.expected = 2;
	return RLN_SEQ_EPOCH;
}

static enum rln_seq_verdict model_update(struct model *m, uint16_t number)
{
	uint16_t u = (uint16_t)(number - m->max);
	int64_t extended;

	if (m->base < 0) {
		model_begin(m, number);
		return RLN_SEQ_EPOCH;
	}
	if (u != 0 && u < 3000) {
		m->max += u;
		m->now.expected += u;
		m->now.in_order++;
		m->came[m->max] = 1;
		return RLN_SEQ_IN_ORDER;
	}
	if (u != 0 && u <= 65536 - 100)
		return model_jump(m, number);
	extended = m->max - (uint16_t)-u;
	if (extended < m->base) {
		m->now.before_base++;
		return RLN_SEQ_BEFORE_BASE;
	}
	if (m->max - extended >= 1024) {
		m->now.too_late++;
		return RLN_SEQ_TOO_LATE;
	}
	if (m->came[extended]) {
		m->now.duplicate++;
		return RLN_SEQ_DUPLICATE;
	}
	m->came[extended] = 1;
	m->now.reordered++;
	return RLN_SEQ_REORDERED;
}

static uint32_t random_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint32_t)((*seed * 0x2545F4914F6CDD1Dull) >> 32);
}

/* A sender's next number under loss, copies, reordering, long gaps and restarts; `kind` makes some streams mild and some wild. */
static uint16_t next_number(uint64_t *seed, uint16_t last, unsigned kind)
{
	uint32_t r = random_next(seed) % 1000;

	if (r < 700 - 100 * kind)
		return (uint16_t)(last + 1);
	if (r < 850)
		return (uint16_t)(last + random_next(seed) % (kind > 1 ? 200 : 5));
	if (r < 980)
		return (uint16_t)(last - random_next(seed) % (kind > 1 ? 120 : 8));
	if (r < 995 || kind == 0)
		return (uint16_t)(last + random_next(seed) % 3100);
	return (uint16_t)random_next(seed);
}

static void test_against_model(void **state)
{
	static struct model m;
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	(void)state;
	for (unsigned round = 0; round < 100000; round++) {
		unsigned n = 1 + random_next(&seed) % 40, kind = round % 4;
		uint16_t number = round % 3 ? (uint16_t)random_next(&seed) : (uint16_t)(65520 + random_next(&seed) % 20);
		struct stream s;

		if (m.base >= 0) /* only what the last round touched: clearing 256 KB each time would be the test's whole time */
			memset(m.came + (m.base > 4000 ? m.base - 4000 : 0), 0, (size_t)(m.max - m.base + 4001));
		m.base = -1;
		m.epochs = 0;
		m.past = m.now = (struct rln_seq_counts){0};
		begin(&s, true);
		for (unsigned i = 0; i < n; i++) {
			enum rln_seq_verdict want = model_update(&m, number), got = one(&s, number);

			assert_int_equal(got, want);
			assert_memory_equal(&s.now, &m.now, sizeof(m.now));
			number = next_number(&seed, (uint16_t)(s.more.running ? s.seq.max : number), kind);
			if (m.max > ORIGIN + 190000)
				break;
		}
		assert_int_equal(s.more.epochs, m.epochs);
		assert_memory_equal(&s.more.past, &m.past, sizeof(m.past));
		check_identity(&s);
	}
}

/* A long stream within one epoch: the window's words go round many times. */
static void test_long_against_model(void **state)
{
	static struct model m;
	uint64_t seed = 12345;
	struct stream s;

	(void)state;
	m.base = -1;
	begin(&s, true);
	s.more.misorder = 2000;
	for (uint32_t i = 0, sent = 100; i < 100000 && sent < 180000; i++) {
		uint32_t number = sent, r = random_next(&seed) % 100;

		if (r < 10)
			sent += 2;
		else if (r < 12)
			sent += random_next(&seed) % (i % 50 ? 20 : 2900);
		else if (r < 60)
			sent++;
		else
			number = sent - random_next(&seed) % 1100;
		if (m.base >= 0 && (uint16_t)(number - m.max) > 65536 - 2000 && (uint16_t)(number - m.max) <= 65536 - 100) {
			/* The model has A.1's own limit: do by hand what a wider one means. */
			int64_t extended = m.max - (uint16_t)(m.max - number);
			enum rln_seq_verdict got = one(&s, number);

			if (extended < m.base)
				assert_int_equal(got, RLN_SEQ_BEFORE_BASE);
			else if (m.max - extended >= 1024)
				assert_int_equal(got, RLN_SEQ_TOO_LATE);
			else
				assert_int_equal(got, m.came[extended] ? RLN_SEQ_DUPLICATE : RLN_SEQ_REORDERED);
			if (got == RLN_SEQ_REORDERED)
				m.came[extended] = 1;
			continue;
		}
		assert_int_equal(one(&s, number), model_update(&m, (uint16_t)number));
	}
	assert_true(s.now.too_late > 100 && s.now.reordered > 1000 && s.now.duplicate > 1000);
	check_identity(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_wrap),
		cmocka_unit_test(test_vector_copies),
		cmocka_unit_test(test_vector_before_base),
		cmocka_unit_test(test_vector_jump),
		cmocka_unit_test(test_vector_two_epochs),
		cmocka_unit_test(test_limits_of_a_jump),
		cmocka_unit_test(test_beyond_the_window),
		cmocka_unit_test(test_probation),
		cmocka_unit_test(test_end_epoch),
		cmocka_unit_test(test_report_intervals),
		cmocka_unit_test(test_lossless_is_exact),
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_long_against_model),
	};

	return cmocka_run_group_tests_name("rtp_seq", tests, NULL, NULL);
}
