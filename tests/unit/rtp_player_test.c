/* SPDX-License-Identifier: BSD-3-Clause */
/* Players: every sample in order, loops without a seam, a slow disk is silence and a count, and nothing stays lent. */
#include "tests/unit/rtp_file_fixture.h"

#define LONG_SAMPLES (RLN_FILES_SHARE_BYTES / 2 + 10000) /* ten minutes and a bit: streamed */

static int begin(void **state)
{
	(void)state;
	fixture_begin(16, 4, 0, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fixture_check_idle();
	fixture_end();
	return 0;
}

static struct rln_player *start(const char *name, uint32_t loops)
{
	struct rln_player *p = NULL;

	assert_int_equal(rln_player_start(&p, fx.client, OWNER, path_of(name), loops), 0);
	return p;
}

static struct rln_player *started(const char *name, uint32_t loops)
{
	struct rln_player *p = start(name, loops);
	struct rln_file_news n = news();

	assert_int_equal(n.kind, RLN_PLAYER_STARTED);
	assert_true(n.owner == OWNER);
	assert_string_equal(n.path, path_of(name));
	return p;
}

/* Plays to the end in frames of `n`, with a file thread that is never late. Checks `loops` times the ramp, then silence to the frame's end. */
static void play_all(struct rln_player *p, uint64_t samples, unsigned loops, unsigned n)
{
	int16_t pcm[480];
	uint64_t at = 0, total = samples * loops;

	while (at < total) {
		struct rln_file_news none;

		assert_false(rln_file_client_take(fx.client, &none));
		assert_int_equal(rln_player_frame(p, pcm, n), RLN_PLAYER_AUDIO);
		for (unsigned i = 0; i < n; i++, at++)
			assert_int_equal(pcm[i], at < total ? ramp(at % samples) : 0);
		serve(QUEUE);
	}
	for (unsigned i = 0; i < 3; i++) {
		memset(pcm, 1, sizeof(pcm));
		assert_int_equal(rln_player_frame(p, pcm, n), RLN_PLAYER_END);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(pcm[k], 0);
	}
	assert_int_equal(rln_player_stalls(p), 0);
	assert_int_equal(fx.counts->v[RLN_C_FILE_STALL], 0);
}

static void test_short_is_shared(void **state)
{
	const uint32_t samples[] = {1, 159, 160, 161, 8000, 8123};

	(void)state;
	for (unsigned i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct rln_player *p;
		char name[16];

		snprintf(name, sizeof(name), "%u.wav", samples[i]);
		wav_make(name, samples[i]);
		for (unsigned loops = 1; loops <= 3; loops++) {
			p = started(name, loops);
			assert_int_equal(p->phase, RLN_PLAYER_SHARED);
			assert_int_equal(fx.client->blocks_free, 16); /* no block is in the way */
			play_all(p, samples[i], loops, loops == 2 ? 80 : 160);
			rln_player_stop(p);
		}
	}
}

static void test_many_share_one(void **state)
{
	struct rln_files_counts c;
	struct rln_player *p[4];

	(void)state;
	wav_make("a.wav", 4000);
	for (unsigned i = 0; i < 4; i++)
		p[i] = started("a.wav", 1);
	for (unsigned i = 1; i < 4; i++)
		assert_ptr_equal(p[i]->samples, p[0]->samples);
	rln_files_counts(fx.files, &c);
	assert_int_equal(c.shared, 1);
	assert_int_equal(c.shared_bytes, 8000);
	assert_int_equal(c.open, 4);
	for (unsigned i = 0; i < 4; i++)
		rln_player_stop(p[i]);
	no_news();
	rln_files_counts(fx.files, &c);
	assert_int_equal(c.shared, 1); /* kept for the next */
	assert_int_equal(c.open, 0);
}

static void test_for_ever(void **state)
{
	struct rln_player *p;
	int16_t pcm[160];

	(void)state;
	wav_make("a.wav", 1000);
	p = started("a.wav", 0);
	for (uint64_t at = 0; at < 100000; at += 160) {
		assert_int_equal(rln_player_frame(p, pcm, 160), RLN_PLAYER_AUDIO);
		for (unsigned i = 0; i < 160; i++)
			assert_int_equal(pcm[i], ramp((at + i) % 1000));
	}
	rln_player_stop(p);
}

static void test_long_is_streamed(void **state)
{
	struct rln_player *p;

	(void)state;
	wav_make("long.wav", LONG_SAMPLES);
	p = started("long.wav", 2);
	assert_int_equal(p->phase, RLN_PLAYER_STREAM);
	serve(QUEUE);
	play_all(p, LONG_SAMPLES, 2, 160);
	rln_player_stop(p);
}

static void test_slow_disk(void **state)
{
	struct rln_player *p;
	struct rln_file_news none;
	int16_t pcm[160];
	uint64_t at = 0;
	unsigned stalls = 0;

	(void)state;
	wav_make("long.wav", LONG_SAMPLES);
	p = start("long.wav", 1);
	for (unsigned i = 0; i < 5; i++) /* not open yet: silence that nobody has to worry about */
		assert_int_equal(rln_player_frame(p, pcm, 160), RLN_PLAYER_WAIT);
	assert_int_equal(news().kind, RLN_PLAYER_STARTED);
	for (unsigned frame = 0; frame < 2000; frame++) {
		enum rln_player_state s;

		rln_file_client_take(fx.client, &none);
		s = rln_player_frame(p, pcm, 160);
		stalls += s == RLN_PLAYER_STALL;
		assert_true(s == RLN_PLAYER_AUDIO || s == RLN_PLAYER_STALL);
		for (unsigned i = 0; i < 160; i++) { /* where sound comes, it goes on where it stopped */
			if (s == RLN_PLAYER_STALL && pcm[i] == 0)
				break;
			assert_int_equal(pcm[i], ramp(at++));
		}
		if (frame % 40 == 0) /* half as fast as it would have to be */
			serve(1);
	}
	assert_true(stalls > 500 && stalls < 1500);
	assert_int_equal(rln_player_stalls(p), stalls);
	assert_int_equal(fx.counts->v[RLN_C_FILE_STALL], stalls);
	rln_player_stop(p);
}

static void test_faults(void **state)
{
	struct rln_file_news n;
	struct rln_player *p;
	char name[400];

	(void)state;
	mkdir(path_of("folder"), 0755);
	file_make("text.wav", "this is no RIFF file at all, but long enough", 44);
	file_make("empty.wav", "", 0);
	mkfifo(path_of("pipe.wav"), 0644);
	assert_int_equal(symlink("/etc/passwd", path_of("link.wav")), 0);
	struct {
		const char *name;
		int result;
	} faults[] = {{"none.wav", -ENOENT}, {"folder", -EISDIR}, {"folder/", -EISDIR}, {"text.wav", -EINVAL},
		{"empty.wav", -EINVAL}, {"pipe.wav", -EINVAL}, {"link.wav", -ELOOP}, {"../x.wav", -EACCES},
		{"none/x.wav", -ENOENT}, {"text.wav/x", -ENOTDIR}};
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		p = start(faults[i].name, 1);
		n = news();
		assert_int_equal(n.kind, RLN_PLAYER_FAILED);
		assert_int_equal(n.result, faults[i].result);
		assert_true(n.owner == OWNER);
		assert_int_equal(fx.counts->v[RLN_C_FILE_ERROR], i + 1);
		fixture_check_idle();
	}
	memset(name, 'x', sizeof(name));
	name[RLN_FILES_PATH] = 0;
	assert_int_equal(rln_player_start(&p, fx.client, OWNER, name, 1), -ENAMETOOLONG);
	assert_int_equal(rln_player_start(&p, fx.client, OWNER, "", 1), -EINVAL);
	assert_int_equal(rln_player_start(&p, fx.client, OWNER, NULL, 1), -EINVAL);
}

static void test_everything_taken(void **state)
{
	struct rln_files_block *block[16];
	struct rln_player *p[5];

	(void)state;
	wav_make("a.wav", 4000);
	for (unsigned i = 0; i < 4; i++)
		p[i] = start("a.wav", 1);
	assert_int_equal(rln_player_start(&p[4], fx.client, OWNER, path_of("a.wav"), 1), -EAGAIN);
	rln_player_stop(p[3]); /* before it was open */
	assert_int_equal(
		rln_player_start(&p[4], fx.client, OWNER, path_of("a.wav"), 1), -EAGAIN); /* an answer is still to come */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(news().kind, RLN_PLAYER_STARTED);
	no_news();
	for (unsigned i = 0; i < 16; i++)
		block[i] = rln_file_client_block(fx.client);
	assert_null(rln_file_client_block(fx.client));
	assert_int_equal(rln_player_start(&p[4], fx.client, OWNER, path_of("a.wav"), 1), -ENOBUFS);
	for (unsigned i = 0; i < 16; i++)
		rln_file_client_block_put(fx.client, block[i]);
	for (unsigned i = 0; i < 3; i++)
		rln_player_stop(p[i]);
}

/* The ring is full at each request in turn: it waits, in order, and nothing is lost. */
static void test_ring_full(void **state)
{
	(void)state;
	wav_make("long.wav", LONG_SAMPLES);
	for (unsigned room = 0; room < 8; room++) {
		struct rln_file_client_counts c;
		struct rln_player *p;
		struct rln_file_news n;
		int16_t pcm[160];

		fx.room = room;
		p = start("long.wav", 1);
		for (unsigned i = 0; i < 60; i++) {
			struct rln_file_news none;

			rln_file_client_take(fx.client, &none);
			rln_player_frame(p, pcm, 160);
			serve(1);
		}
		rln_player_stop(p);
		rln_file_client_counts(fx.client, &c);
		assert_true(room > 5 || c.waiting > 0);
		fx.room = QUEUE;
		for (unsigned i = 0; i < 5; i++) {
			while (rln_file_client_take(fx.client, &n))
				assert_int_equal(n.kind, RLN_PLAYER_STARTED);
			serve(QUEUE);
		}
		fixture_check_idle();
	}
}

/* Stopped at every moment of a stream's life. */
static void test_stop_any_time(void **state)
{
	(void)state;
	wav_make("long.wav", LONG_SAMPLES);
	for (unsigned moment = 0; moment < 120; moment++) {
		struct rln_player *p = start("long.wav", 1);
		struct rln_file_news n;
		int16_t pcm[160];

		for (unsigned i = 0; i < moment; i++) {
			if (i % 3 == 0)
				serve(1);
			if (i % 3 == 1)
				rln_file_client_take(fx.client, &n);
			if (i % 3 == 2)
				rln_player_frame(p, pcm, 160);
		}
		rln_player_stop(p);
		for (unsigned i = 0; i < 4; i++) {
			assert_false(rln_file_client_take(fx.client, &n));
			serve(QUEUE);
		}
		fixture_check_idle();
	}
}

/* The file shrinks while it plays: it ends there. */
static void test_shrinks(void **state)
{
	struct rln_player *p;
	int16_t pcm[160];
	enum rln_player_state s;
	struct rln_file_news none;
	uint64_t at = 0;

	(void)state;
	wav_make("long.wav", LONG_SAMPLES);
	p = started("long.wav", 1);
	assert_int_equal(truncate(path_of("long.wav"), RLN_WAV_HEADER + 2 * 50001), 0);
	do {
		serve(QUEUE);
		rln_file_client_take(fx.client, &none);
		s = rln_player_frame(p, pcm, 160);
		at += s == RLN_PLAYER_AUDIO ? 160 : 0;
	} while (s == RLN_PLAYER_AUDIO || s == RLN_PLAYER_STALL);
	assert_int_equal(s, RLN_PLAYER_END);
	assert_in_range(at, 50001, 50001 + 159);
	rln_player_stop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_short_is_shared, begin, end),
		cmocka_unit_test_setup_teardown(test_many_share_one, begin, end),
		cmocka_unit_test_setup_teardown(test_for_ever, begin, end),
		cmocka_unit_test_setup_teardown(test_long_is_streamed, begin, end),
		cmocka_unit_test_setup_teardown(test_slow_disk, begin, end),
		cmocka_unit_test_setup_teardown(test_faults, begin, end),
		cmocka_unit_test_setup_teardown(test_everything_taken, begin, end),
		cmocka_unit_test_setup_teardown(test_ring_full, begin, end),
		cmocka_unit_test_setup_teardown(test_stop_any_time, begin, end),
		cmocka_unit_test_setup_teardown(test_shrinks, begin, end),
	};

	rln_clock_init();
	return cmocka_run_group_tests_name("rtp_player", tests, NULL, NULL);
}
