/* SPDX-License-Identifier: BSD-3-Clause */
/* Recorders: samples lie where their time says, what never came is silence and in gap_ms, faults come back by name, a file is whole or .part. */
#include "tests/unit/rtp_file_fixture.h"

#define START_NS (5 * RLN_SEC)
#define MS(n)    (START_NS + (n)*RLN_MS)

static int begin(void **state)
{
	(void)state;
	fixture_begin(32, 0, 4, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fixture_check_idle();
	fixture_end();
	return 0;
}

static struct rln_recorder *start(const char *name, bool stereo)
{
	struct rln_recorder *r = NULL;

	assert_int_equal(rln_recorder_start(&r, fx.client, OWNER, path_of(name), stereo, START_NS), 0);
	assert_int_equal(rln_recorder_is_stereo(r), stereo);
	assert_string_equal(rln_recorder_path(r), path_of(name));
	return r;
}

static struct rln_recorder *started(const char *name, bool stereo)
{
	struct rln_recorder *r = start(name, stereo);
	struct rln_file_news n = news();

	assert_int_equal(n.kind, RLN_RECORDER_STARTED);
	assert_true(n.owner == OWNER);
	assert_string_equal(n.path, path_of(name));
	return r;
}

/* 20 ms of the ramp that begin at frame `at` of the file, with RTP timestamp base + at, that come `late_ms` after their time. */
static void push(struct rln_recorder *r, enum rln_recorder_side side, uint64_t at, uint32_t base, unsigned late_ms)
{
	int16_t pcm[160];

	for (unsigned i = 0; i < 160; i++)
		pcm[i] = ramp(at + i);
	rln_recorder_push(r, side, base + (uint32_t)at, pcm, 160, START_NS + at * 125000 + late_ms * RLN_MS);
}

static struct rln_file_news stopped(struct rln_recorder *r, uint64_t ms)
{
	struct rln_file_news n;

	rln_recorder_stop(r, MS(ms));
	rln_recorder_stop(r, MS(ms + 1000)); /* nothing more happens */
	n = news();
	assert_int_equal(n.kind, RLN_RECORDER_STOPPED);
	assert_int_equal(n.result, 0);
	return n;
}

static void test_mono_every_sample(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = started("a.wav", false);
	assert_true(file_exists("a.wav.part"));
	for (uint64_t at = 0; at < 8000 * 60; at += 160) {
		push(r, RLN_RECORDER_RECEIVED, at, 0xfffff000, 0);
		assert_false(rln_file_client_take(fx.client, &n));
		serve(1);
	}
	assert_false(file_exists("a.wav"));
	n = stopped(r, 60000);
	assert_int_equal(n.duration_ms, 60000);
	assert_int_equal(n.gap_ms, 0);
	assert_string_equal(n.path, path_of("a.wav"));
	assert_false(file_exists("a.wav.part"));
	pcm = wav_read("a.wav", 1, &frames);
	assert_int_equal(frames, 480000);
	for (uint64_t i = 0; i < frames; i++)
		assert_int_equal(pcm[i], ramp(i));
	free(pcm);
	assert_int_equal(fx.counts->v[RLN_C_FILE_STALL], 0);
}

static void test_stereo_sides(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = started("s.wav", true);
	for (uint64_t at = 0; at < 8000 * 10; at += 160) {
		push(r, RLN_RECORDER_SENT, at, 77, 0);
		if (at >= 16000 && at < 24000)
			continue; /* the peer is silent for a second */
		push(r, RLN_RECORDER_RECEIVED, at, 1000000, 30);
		rln_file_client_take(fx.client, &n);
		serve(1);
	}
	n = stopped(r, 10000);
	assert_int_equal(n.duration_ms, 10000 + 30); /* placed by the clock, the first received packet stands 30 ms in */
	assert_int_equal(n.gap_ms, 1000 + 30);
	pcm = wav_read("s.wav", 2, &frames);
	assert_int_equal(frames, 80240);
	for (uint64_t i = 0; i < 80000; i++)
		assert_int_equal(pcm[2 * i + 1], ramp(i));
	for (uint64_t i = 0; i < 80240; i++)
		assert_int_equal(pcm[2 * i], i < 240 || (i >= 16240 && i < 24240) ? 0 : ramp(i - 240));
	free(pcm);
}

static void test_mono_adds_both(void **state)
{
	const int16_t a[4] = {1000, 30000, -30000, 5}, b[4] = {234, 30000, -30000, -5}, want[4] = {1234, 32767, -32768, 0};
	struct rln_recorder *r;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = started("m.wav", false);
	rln_recorder_push(r, RLN_RECORDER_RECEIVED, 10, a, 4, START_NS);
	rln_recorder_push(r, RLN_RECORDER_SENT, 9999, b, 4, START_NS);
	stopped(r, 1);
	pcm = wav_read("m.wav", 1, &frames);
	assert_int_equal(frames, 8);
	assert_memory_equal(pcm, want, sizeof(want));
	free(pcm);
}

/* Packets that overtake each other, come late, come too late. */
static void test_out_of_order(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = started("o.wav", false);
	push(r, RLN_RECORDER_RECEIVED, 0, 5, 0);
	for (uint64_t k = 1; k < 500; k += 2) { /* pairs the wrong way round */
		push(r, RLN_RECORDER_RECEIVED, (k + 1) * 160, 5, 0);
		push(r, RLN_RECORDER_RECEIVED, k * 160, 5, 40);
		rln_file_client_take(fx.client, &n);
		serve(1);
	}
	rln_recorder_push(
		r, RLN_RECORDER_RECEIVED, 5 + 160, (const int16_t[160]){1}, 160, MS(160)); /* belongs to a block that is gone */
	n = stopped(r, 10020);
	assert_int_equal(n.gap_ms, 0);
	pcm = wav_read("o.wav", 1, &frames);
	assert_int_equal(frames, 501 * 160);
	for (uint64_t i = 0; i < frames; i++)
		assert_int_equal(pcm[i], ramp(i));
	free(pcm);
}

/* Long silence costs nothing, and the file has its length. */
static void test_long_gap(void **state)
{
	struct rln_file_client_counts c;
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;
	struct stat st;

	(void)state;
	r = started("g.wav", false);
	push(r, RLN_RECORDER_RECEIVED, 800, 0, 0);
	push(r, RLN_RECORDER_RECEIVED, 8000 * 3600 + 100, 0, 0); /* an hour later, across no particular border */
	serve(QUEUE);
	rln_file_client_take(fx.client, &n);
	rln_file_client_counts(fx.client, &c);
	assert_true(c.blocks_free >= 30);
	n = stopped(r, 7200000);
	assert_int_equal(n.duration_ms, 7200000);
	assert_int_equal(n.gap_ms, 7200000 - 40);
	stat(path_of("g.wav"), &st);
	assert_int_equal(st.st_size, 44 + 2 * 8000 * 7200);
	assert_true(st.st_blocks < 2048); /* holes */
	pcm = wav_read("g.wav", 1, &frames);
	for (uint64_t i = 0; i < frames; i++) {
		bool sound = (i >= 800 && i < 960) || (i >= 28800100 && i < 28800260);

		assert_int_equal(pcm[i], sound ? ramp(i) : 0);
	}
	free(pcm);
}

/* A new timestamp base in mid-call: the clock says where it goes on, and nothing lies over what was there. */
static void test_new_timestamps(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = started("t.wav", false);
	for (uint64_t at = 0; at < 80000; at += 160) {
		push(r, RLN_RECORDER_RECEIVED, at, at < 40000 ? 100 : 0x90000000, 0);
		if (at == 60000 - 60000 % 160)
			rln_recorder_restart(r, RLN_RECORDER_RECEIVED); /* another SSRC: told beforehand */
		rln_file_client_take(fx.client, &n);
		serve(1);
	}
	n = stopped(r, 10000);
	assert_int_equal(n.gap_ms, 0);
	pcm = wav_read("t.wav", 1, &frames);
	assert_int_equal(frames, 80000);
	for (uint64_t i = 0; i < frames; i++)
		assert_int_equal(pcm[i], ramp(i));
	free(pcm);
	/* A base whose first packet came early: its first 20 ms would lie on the old stream's end, which stays. */
	r = started("u.wav", false);
	push(r, RLN_RECORDER_RECEIVED, 0, 0, 0);
	rln_recorder_push(r, RLN_RECORDER_RECEIVED, 0x50000000, (const int16_t[160]){[80] = 7}, 160, MS(10));
	n = stopped(r, 30);
	pcm = wav_read("u.wav", 1, &frames);
	assert_int_equal(frames, 240);
	for (uint64_t i = 0; i < 240; i++)
		assert_int_equal(pcm[i], i < 160 ? ramp(i) : i == 160 ? 7 : 0);
	free(pcm);
}

/* A sender's clock 300 ppm fast and slow over an hour: the file stays as long as the call. */
static void test_clock_drift(void **state)
{
	const int16_t loud[160] = {[0 ... 159] = 1000};

	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct rln_recorder *r = started("d.wav", false);
		struct rln_file_news n;
		uint64_t frames;
		int16_t *pcm;

		fx.room = 2 * QUEUE;
		for (uint64_t k = 0; k < 180000; k++) {
			rln_recorder_push(r, RLN_RECORDER_RECEIVED, (uint32_t)(160 * k), loud, 160,
				START_NS + k * (20000000 + sign * 6000));
			rln_file_client_take(fx.client, &n);
			serve(1);
		}
		n = stopped(r, 3600000);
		assert_in_range(n.duration_ms, 3599000, 3602000);
		assert_true(n.gap_ms < 2500);
		pcm = wav_read("d.wav", 1, &frames);
		for (uint64_t i = 0; i < frames; i++)
			assert_true(pcm[i] == 1000 || pcm[i] == 0); /* never twice in one place */
		free(pcm);
	}
}

/* The way is blocked for 900 ms, then everything comes at once: all of it lies where it was spoken. If it stays late, the clock wins. */
static void test_held_up(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = started("h.wav", false);
	for (uint64_t at = 0; at < 40000; at += 160) {
		push(r, RLN_RECORDER_RECEIVED, at, 0, at >= 16000 && at < 23200 ? (unsigned)(23200 - at) / 8 : 0);
		rln_file_client_take(fx.client, &n);
		serve(1);
	}
	n = stopped(r, 5000);
	assert_int_equal(n.gap_ms, 0);
	pcm = wav_read("h.wav", 1, &frames);
	assert_int_equal(frames, 40000);
	for (uint64_t i = 0; i < frames; i++)
		assert_int_equal(pcm[i], ramp(i));
	free(pcm);
	r = started("i.wav", false);
	for (uint64_t at = 0; at < 40000; at += 160)
		push(r, RLN_RECORDER_RECEIVED, at, 0, at >= 16000 ? 600 : 0);
	n = stopped(r, 5600);
	assert_int_equal(n.duration_ms, 5600);
	assert_int_equal(n.gap_ms, 600);
}

/* What we did not send is no gap, unless it is all that could have been recorded. */
static void test_gap_is_of_received(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;

	(void)state;
	for (unsigned received = 0; received < 2; received++) {
		r = started("g.wav", true);
		for (uint64_t at = 0; at < 16000; at += 160) {
			if (received)
				push(r, RLN_RECORDER_RECEIVED, at, 0, 0);
			if (at < 4000)
				push(r, RLN_RECORDER_SENT, at, 0, 0);
		}
		n = stopped(r, 2000);
		assert_int_equal(n.gap_ms, received ? 0 : 1500);
		assert_true(n.after_stop);
	}
}

static void test_nothing_came(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;

	(void)state;
	r = started("n.wav", true);
	n = stopped(r, 1500);
	assert_int_equal(n.duration_ms, 1500);
	assert_int_equal(n.gap_ms, 1500);
	free(wav_read("n.wav", 2, &frames));
	assert_int_equal(frames, 12000);
}

static void test_stop_before_open(void **state)
{
	struct rln_recorder *r;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = start("b.wav", false);
	push(r, RLN_RECORDER_RECEIVED, 0, 0, 0);
	rln_recorder_stop(r, MS(100));
	push(r, RLN_RECORDER_RECEIVED, 160, 0, 0); /* ignored */
	assert_int_equal(news().kind, RLN_RECORDER_STARTED);
	assert_int_equal(news().kind, RLN_RECORDER_STOPPED);
	pcm = wav_read("b.wav", 1, &frames);
	assert_int_equal(frames, 800);
	for (uint64_t i = 0; i < frames; i++)
		assert_int_equal(pcm[i], i < 160 ? ramp(i) : 0);
	free(pcm);
}

/* The disk stands still: blocks run out, samples are lost and counted, the gap is reported; then it goes on. */
static void test_slow_disk(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames, lost = 0;
	int16_t *pcm;

	(void)state;
	r = started("slow.wav", false);
	for (uint64_t at = 0; at < 8000 * 60; at += 160) {
		push(r, RLN_RECORDER_RECEIVED, at, 0, 0);
		rln_file_client_take(fx.client, &n);
		if (at > 8000 * 40)
			serve(2);
	}
	assert_true(fx.counts->v[RLN_C_FILE_STALL] > 1000);
	n = stopped(r, 60000);
	assert_int_equal(n.duration_ms, 60000);
	pcm = wav_read("slow.wav", 1, &frames);
	assert_int_equal(frames, 480000);
	for (uint64_t i = 0; i < frames; i++) {
		assert_true(pcm[i] == ramp(i) || pcm[i] == 0);
		lost += pcm[i] != ramp(i);
	}
	free(pcm);
	assert_true(lost > 8000 * 20 && lost < 8000 * 30);
	assert_in_range(n.gap_ms, lost / 8, lost / 8 + 10);
}

/* The file thread opens the file only after two windows went by. */
static void test_slow_open(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;
	int16_t *pcm;

	(void)state;
	r = start("late.wav", false);
	for (uint64_t at = 0; at < 24000; at += 160)
		push(r, RLN_RECORDER_RECEIVED, at, 0, 0);
	assert_int_equal(news().kind, RLN_RECORDER_STARTED);
	n = stopped(r, 3000);
	assert_int_equal(n.gap_ms, 2000);
	assert_int_equal(fx.counts->v[RLN_C_FILE_STALL], 4);
	pcm = wav_read("late.wav", 1, &frames);
	assert_int_equal(frames, 24000);
	for (uint64_t i = 0; i < frames; i++)
		assert_int_equal(pcm[i], i < 16000 ? 0 : ramp(i));
	free(pcm);
}

static void test_open_faults(void **state)
{
	struct rln_recorder *r[5];
	struct rln_file_news n;

	(void)state;
	mkdir(path_of("folder"), 0755);
	struct {
		const char *name;
		int result;
	} faults[] = {{"folder", -EISDIR}, {"none/a.wav", -ENOENT}, {"../a.wav", -EACCES}, {"folder/../../a.wav", -EACCES}};
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		r[0] = start(faults[i].name, false);
		push(r[0], RLN_RECORDER_RECEIVED, 0, 0, 0);
		n = news();
		assert_int_equal(n.kind, RLN_RECORDER_FAILED);
		assert_int_equal(n.result, faults[i].result);
		fixture_check_idle();
	}
	for (unsigned i = 0; i < 4; i++)
		r[i] = start(i == 1 ? "folder/x.wav" : i == 2 ? "c.wav" : "same.wav", false);
	assert_int_equal(rln_recorder_start(&r[4], fx.client, OWNER, "x", false, 0), -EAGAIN);
	assert_int_equal(news().kind, RLN_RECORDER_STARTED);
	assert_int_equal(news().kind, RLN_RECORDER_STARTED);
	assert_int_equal(news().kind, RLN_RECORDER_STARTED);
	n = news(); /* two under one name */
	assert_int_equal(n.kind, RLN_RECORDER_FAILED);
	assert_int_equal(n.result, -EBUSY);
	for (unsigned i = 0; i < 3; i++)
		stopped(r[i], 100);
	r[0] = started("same.wav", false); /* a name may be used again */
	stopped(r[0], 100);
}

/* The first failed write ends the recording; the worker is told once, whatever else is on its way. */
static void test_write_faults(void **state)
{
	for (unsigned seconds = 1; seconds < 6; seconds++) {
		struct rln_recorder *r = started("w.wav", false);
		struct rln_file_news n;
		unsigned failed = 0;

		(void)state;
		for (uint64_t at = 0; at < 8000 * 8 && !failed; at += 160) {
			push(r, RLN_RECORDER_RECEIVED, at, 0, 0);
			if (at >= 8000 * seconds)
				fx.fail_writes = ENOSPC;
			serve(at % 1600 == 0);
			if (rln_file_client_take(fx.client, &n)) {
				assert_int_equal(n.kind, RLN_RECORDER_FAILED);
				assert_int_equal(n.result, -ENOSPC);
				assert_false(n.after_stop);
				failed++;
			}
		}
		assert_int_equal(failed, 1);
		fx.fail_writes = 0;
		fixture_check_idle();
	}
}

/* A real limit of the file system: RLIMIT_FSIZE. What fitted can be listened to in the .part. */
static void test_file_size_limit(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;
	uint64_t frames;

	(void)state;
	r = started("f.wav", false);
	file_limit(20000);
	for (uint64_t at = 0; at < 8000 * 3; at += 160)
		push(r, RLN_RECORDER_RECEIVED, at, 0, 0);
	n = news();
	file_limit(0);
	assert_int_equal(n.kind, RLN_RECORDER_FAILED);
	assert_int_equal(n.result, -EFBIG);
	no_news();
	assert_false(file_exists("f.wav"));
	free(wav_read("f.wav.part", 1, &frames));
	assert_in_range(frames, 8000, 10000);
}

/* Full at the close: the name is not given. */
static void test_close_fault(void **state)
{
	struct rln_recorder *r;
	struct rln_file_news n;

	(void)state;
	r = started("c.wav", false);
	push(r, RLN_RECORDER_RECEIVED, 0, 0, 0);
	rln_recorder_stop(r, MS(10000)); /* the silence up to the end does not fit */
	file_limit(20000);
	n = news();
	file_limit(0);
	assert_int_equal(n.kind, RLN_RECORDER_FAILED);
	assert_int_equal(n.result, -EFBIG);
	assert_false(file_exists("c.wav"));
	assert_true(file_exists("c.wav.part"));
}

static void test_ring_full(void **state)
{
	(void)state;
	for (unsigned room = 0; room < 6; room++) {
		struct rln_recorder *r;
		struct rln_file_client_counts c;
		struct rln_file_news n;
		uint64_t frames;
		int16_t *pcm;

		fx.room = room;
		r = start("r.wav", false);
		for (uint64_t at = 0; at < 8000 * 5; at += 160) {
			push(r, RLN_RECORDER_RECEIVED, at, 0, 0);
			rln_file_client_take(fx.client, &n);
			serve(QUEUE);
		}
		rln_recorder_stop(r, MS(5000));
		rln_file_client_counts(fx.client, &c);
		assert_true(c.waiting > 0);
		fx.room = QUEUE;
		do
			n = news();
		while (n.kind == RLN_RECORDER_STARTED);
		assert_int_equal(n.kind, RLN_RECORDER_STOPPED);
		pcm = wav_read("r.wav", 1, &frames);
		assert_int_equal(frames, 40000);
		for (uint64_t i = 0; i < frames && room > 0; i++)
			assert_int_equal(pcm[i], ramp(i));
		free(pcm);
		fixture_check_idle();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mono_every_sample, begin, end),
		cmocka_unit_test_setup_teardown(test_stereo_sides, begin, end),
		cmocka_unit_test_setup_teardown(test_mono_adds_both, begin, end),
		cmocka_unit_test_setup_teardown(test_out_of_order, begin, end),
		cmocka_unit_test_setup_teardown(test_long_gap, begin, end),
		cmocka_unit_test_setup_teardown(test_new_timestamps, begin, end),
		cmocka_unit_test_setup_teardown(test_clock_drift, begin, end),
		cmocka_unit_test_setup_teardown(test_held_up, begin, end),
		cmocka_unit_test_setup_teardown(test_gap_is_of_received, begin, end),
		cmocka_unit_test_setup_teardown(test_nothing_came, begin, end),
		cmocka_unit_test_setup_teardown(test_stop_before_open, begin, end),
		cmocka_unit_test_setup_teardown(test_slow_disk, begin, end),
		cmocka_unit_test_setup_teardown(test_slow_open, begin, end),
		cmocka_unit_test_setup_teardown(test_open_faults, begin, end),
		cmocka_unit_test_setup_teardown(test_write_faults, begin, end),
		cmocka_unit_test_setup_teardown(test_file_size_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_close_fault, begin, end),
		cmocka_unit_test_setup_teardown(test_ring_full, begin, end),
	};

	rln_clock_init();
	return cmocka_run_group_tests_name("rtp_recorder", tests, NULL, NULL);
}
