/* SPDX-License-Identifier: BSD-3-Clause */
/* Playing and recording through commands, with the real file thread: what the peer hears, what the file has, what control learns. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/shard_harness.h"
#include "tests/wav_file.h"

#include "rtp/codec.h"
#include "rtp/packet.h"

static char folder[64];

static int media_setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/rln_media_XXXXXX");
	assert_non_null(mkdtemp(folder));
	files_open();
	assert_int_equal(rln_io_start(w.io), 0);
	world_open(NULL);
	return 0;
}

static int media_teardown(void **state)
{
	uint64_t deadline = rln_clock_ns() + 10 * RLN_SEC;
	struct rln_shard_counts counts;
	struct dirent *e;
	DIR *d;

	(void)state;
	do { /* the last answers of the file thread */
		turns(5);
		sched_yield();
		rln_shard_counts(w.shard, &counts);
	} while ((counts.players || counts.recorders) && rln_clock_ns() < deadline);
	assert_int_equal(counts.players, 0);
	assert_int_equal(counts.recorders, 0);
	world_close();
	d = opendir(folder);
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(folder);
	return 0;
}

static const char *path_in(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* A ramp that G.711 carries well enough to tell samples apart. */
static int16_t ramp(unsigned i)
{
	return (int16_t)((i * 37) % 16000 - 8000);
}

static void write_ramp(const char *name, unsigned samples)
{
	int16_t s[4000];

	assert_true(samples <= sizeof(s) / sizeof(s[0]));
	for (unsigned i = 0; i < samples; i++)
		s[i] = ramp(i);
	wav_write(path_in(name), s, samples);
}

static void file_command(
	uint64_t id, enum rln_event_kind kind, const char *path, unsigned loops, unsigned channels, unsigned format)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind};

	if (path)
		ev.play_audio.block = rln_block_from_text(path, strlen(path), &ev.play_audio.file_path);
	ev.play_audio.loop_count = loops;
	ev.play_audio.channels = (uint8_t)channels;
	ev.play_audio.format = (uint8_t)format;
	command(&ev);
	turn_after(250);
}

/* Payload of everything the peer heard as RTP; also checks that it is one stream. */
static unsigned heard_audio(uint8_t *out, unsigned room)
{
	unsigned n = 0, i;
	struct rln_rtp rtp, before = {0};

	for (i = 0; i < w.heard_n; i++) {
		if (w.heard[i].to & 1)
			continue;
		assert_int_equal(rln_rtp_parse(w.heard[i].data, w.heard[i].len, &rtp), 0);
		if (n > 0) {
			assert_int_equal(rtp.seq, (uint16_t)(before.seq + 1));
			assert_true((int32_t)(rtp.timestamp - before.timestamp) >= 160);
		}
		assert_true(n + rtp.payload_len <= room);
		memcpy(out + n, rtp.payload, rtp.payload_len);
		n += rtp.payload_len;
		before = rtp;
	}
	return n;
}

/* Where in what was heard the ramp begins: after the silence. */
static unsigned ramp_at(const uint8_t *audio, unsigned n)
{
	uint8_t first[64];
	int16_t pcm[64];
	unsigned i;

	for (i = 0; i < 64; i++)
		pcm[i] = ramp(i);
	rln_codec_encode(RLN_CODEC_PCMU, pcm, 64, first);
	for (i = 0; i + 64 <= n; i++) {
		if (memcmp(audio + i, first, 64) == 0)
			return i;
	}
	fail_msg("the file was not heard");
	return 0;
}

/* ---- playing ---- */

static uint8_t audio[200000];

static void a_file_is_played_once_or_more(void **state)
{
	static int16_t pcm[1000];
	static uint8_t want[1000];
	struct rln_event ev = {0};
	uint64_t id = started_as(1, NULL, RLN_LEG_PLAIN);
	unsigned n, at;

	(void)state;
	write_ramp("a.wav", 1000); /* not a whole number of packets */
	turns(60);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("a.wav"), 3, 0, RLN_FORMAT_WAV);
	wait_for(RLN_EV_AUDIO_PLAYBACK_FINISHED, 1);
	turns(100);
	got(RLN_EV_AUDIO_PLAYBACK_FINISHED, &ev);
	assert_int_equal(ev.id, id);
	n = heard_audio(audio, sizeof(audio));
	at = ramp_at(audio, n);
	for (unsigned i = 0; i < 1000; i++)
		pcm[i] = ramp(i);
	rln_codec_encode(RLN_CODEC_PCMU, pcm, 1000, want);
	assert_true(at >= 160 && at + 3000 < n);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(audio + at + 1000 * i, want, 1000);
	assert_int_equal(audio[n - 1], 0xff); /* and silence again */
	stop_leg(id);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, NULL), 0);
}

static void playing_can_be_stopped_and_replaced(void **state)
{
	uint64_t id = started_as(1, NULL, RLN_LEG_PLAIN);
	unsigned n;

	(void)state;
	write_ramp("a.wav", 4000);
	write_ramp("b.wav", 1600);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("a.wav"), 0, 0, RLN_FORMAT_WAV);
	for (unsigned i = 0; i < 200; i++) {
		turns(10);
		sched_yield();
	}
	assert_int_equal(got(RLN_EV_AUDIO_PLAYBACK_FINISHED, NULL), 0); /* for ever */
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("b.wav"), 1, 0, RLN_FORMAT_WAV);
	wait_for(RLN_EV_AUDIO_PLAYBACK_FINISHED, 1);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("a.wav"), 0, 0, RLN_FORMAT_WAV);
	turns(40);
	file_command(id, RLN_EV_STOP_AUDIO, NULL, 0, 0, RLN_FORMAT_WAV);
	file_command(id, RLN_EV_STOP_AUDIO, NULL, 0, 0, RLN_FORMAT_WAV);
	w.heard_n = 0;
	turns(200);
	n = heard_audio(audio, sizeof(audio));
	assert_true(n >= 9 * 160);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(audio[i], 0xff);
	assert_int_equal(got(RLN_EV_AUDIO_PLAYBACK_FINISHED, NULL), 1);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("a.wav"), 0, 0, RLN_FORMAT_WAV);
	stop_leg(id); /* in the middle of opening */
}

static void an_echo_is_silent_while_a_file_plays(void **state)
{
	struct rln_addr local;
	uint64_t id = started_as(1, &local, RLN_LEG_ECHO);
	uint64_t deadline = rln_clock_ns() + 10 * RLN_SEC;
	unsigned n, i = 0;

	(void)state;
	write_ramp("a.wav", 1600);
	turns(40);
	for (; i < 10; i++)
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("a.wav"), 1, 0, RLN_FORMAT_WAV);
	while (got(RLN_EV_AUDIO_PLAYBACK_FINISHED, NULL) == 0 && rln_clock_ns() < deadline) {
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
		i++;
		sched_yield();
	}
	for (unsigned k = 0; k < 10; k++, i++)
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
	n = heard_audio(audio, sizeof(audio)); /* one stream over both changes */
	assert_true(ramp_at(audio, n) > 0);
	assert_true(count(RLN_C_EATEN_RTP_TURNED) >= 19);
	stop_leg(id);
}

static void a_file_that_cannot_be_played_is_an_error(void **state)
{
	struct rln_event ev = {0};
	uint64_t id = started_as(1, NULL, RLN_LEG_PLAIN);
	FILE *f;

	(void)state;
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("none.wav"), 1, 0, RLN_FORMAT_WAV);
	wait_for(RLN_EV_MEDIA_ERROR, 1);
	got(RLN_EV_MEDIA_ERROR, &ev);
	assert_int_equal(ev.id, id);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FILE);
	assert_int_equal(ev.media_error.error_code, ENOENT);
	f = fopen(path_in("bad.wav"), "w");
	fputs("this is no sound at all, and certainly not a WAV file of any kind", f);
	fclose(f);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("bad.wav"), 1, 0, RLN_FORMAT_WAV);
	wait_for(RLN_EV_MEDIA_ERROR, 2);
	got(RLN_EV_MEDIA_ERROR, &ev);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FORMAT);
	file_command(id, RLN_EV_PLAY_AUDIO, path_in("a.mp3"), 1, 0, RLN_FORMAT_MP3);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 3);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FORMAT);
	assert_int_equal(ev.media_error.error_code, ENOTSUP);
	w.heard_n = 0;
	turns(40);
	assert_int_equal(w.heard_n, 2); /* the call goes on */
	stop_leg(id);
}

/* ---- recording ---- */

static long samples_in(const char *name, unsigned channels)
{
	struct stat st;

	assert_int_equal(stat(path_in(name), &st), 0);
	return (st.st_size - 44) / 2 / channels;
}

static void a_recording_has_what_was_heard(void **state)
{
	struct rln_addr local;
	struct rln_event ev = {0};
	uint64_t id = started_as(1, &local, RLN_LEG_PLAIN);
	int16_t pcm[32];
	uint8_t found = 0;
	FILE *f;

	(void)state;
	file_command(id, RLN_EV_START_RECORDING, path_in("r.wav"), 0, 1, RLN_FORMAT_WAV);
	wait_for(RLN_EV_RECORDING_STARTED, 1);
	got(RLN_EV_RECORDING_STARTED, &ev);
	assert_int_equal(ev.id, id);
	assert_int_equal(ev.recording_started.channels, 1);
	assert_int_equal(ev.recording_started.format, RLN_FORMAT_WAV);
	assert_string_equal(w.path[place_of(RLN_EV_RECORDING_STARTED)], path_in("r.wav"));
	file_command(id, RLN_EV_START_RECORDING, path_in("r2.wav"), 0, 1, RLN_FORMAT_WAV);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 1);
	assert_int_equal(ev.media_error.error_code, EBUSY);
	for (unsigned i = 0; i < 100; i++)
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
	file_command(id, RLN_EV_STOP_RECORDING, NULL, 0, 0, RLN_FORMAT_WAV);
	wait_for(RLN_EV_RECORDING_STOPPED, 1);
	got(RLN_EV_RECORDING_STOPPED, &ev);
	assert_string_equal(w.path[place_of(RLN_EV_RECORDING_STOPPED)], path_in("r.wav"));
	assert_true(ev.recording_stopped.duration_ms >= 2000 && ev.recording_stopped.duration_ms < 60000);
	assert_int_equal(samples_in("r.wav", 1) / 8, ev.recording_stopped.duration_ms);
	f = fopen(path_in("r.wav"), "rb");
	fseek(f, 44 + 2 * (samples_in("r.wav", 1) / 2), SEEK_SET);
	assert_int_equal(fread(pcm, 2, 32, f), 32);
	fclose(f);
	for (unsigned i = 0; i < 32; i++)
		found |= pcm[i] != 0;
	assert_true(found);
	file_command(id, RLN_EV_STOP_RECORDING, NULL, 0, 0, RLN_FORMAT_WAV); /* nothing to stop */
	stop_leg(id);
	assert_int_equal(got(RLN_EV_RECORDING_STOPPED, NULL), 1);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, NULL), 1);
}

static void the_end_of_a_call_waits_for_its_recording(void **state)
{
	struct rln_addr local, again;
	uint64_t id = started_as(1, &local, RLN_LEG_ECHO);
	struct rln_shard_counts counts;

	(void)state;
	file_command(id, RLN_EV_START_RECORDING, path_in("s.wav"), 0, 2, RLN_FORMAT_WAV);
	wait_for(RLN_EV_RECORDING_STARTED, 1);
	for (unsigned i = 0; i < 50; i++)
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
	file_command(id, RLN_EV_STOP_RECORDING, NULL, 0, 0, RLN_FORMAT_WAV);
	file_command(id, RLN_EV_START_RECORDING, path_in("t.wav"), 0, 1, RLN_FORMAT_WAV); /* at once another */
	turns(100);
	stop_leg(id);
	rln_shard_counts(w.shard, &counts);
	if (got(RLN_EV_MEDIA_STREAM_STOPPED, NULL) == 0) {
		assert_int_equal(counts.closing, 1);
		peer_talks(local.port, 51, 160 * 51); /* nobody listens there any more */
		assert_int_equal(count(RLN_C_DROP_RTP_NO_LEG), 1);
	}
	wait_for(RLN_EV_MEDIA_STREAM_STOPPED, 1);
	assert_int_equal(got(RLN_EV_RECORDING_STOPPED, NULL), 2);
	assert_true(place_of(RLN_EV_RECORDING_STOPPED) < place_of(RLN_EV_MEDIA_STREAM_STOPPED));
	assert_int_equal(w.got[w.got_n - 1].kind, RLN_EV_MEDIA_STREAM_STOPPED);
	assert_true(samples_in("s.wav", 2) >= 8000);
	assert_true(samples_in("t.wav", 1) >= 700);
	id = create_leg(2, &again);
	assert_int_not_equal(again.port, local.port);
	stop_leg(id);
}

static void both_directions_stand_in_a_stereo_file(void **state)
{
	struct rln_addr local;
	uint64_t id = started_as(1, &local, RLN_LEG_ECHO);
	int16_t pair[2];
	unsigned same = 0, loud = 0;
	FILE *f;

	(void)state;
	turns(40);
	peer_talks(local.port, 0, 0);
	file_command(id, RLN_EV_START_RECORDING, path_in("e.wav"), 0, 2, RLN_FORMAT_WAV);
	wait_for(RLN_EV_RECORDING_STARTED, 1);
	for (unsigned i = 1; i < 100; i++)
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
	stop_leg(id);
	wait_for(RLN_EV_MEDIA_STREAM_STOPPED, 1);
	f = fopen(path_in("e.wav"), "rb");
	fseek(f, 44, SEEK_SET);
	while (fread(pair, 2, 2, f) == 2) {
		loud += pair[0] != 0;
		same += pair[0] != 0 && pair[0] == pair[1];
	}
	fclose(f);
	assert_true(loud > 10000 && same == loud);
}

/* What a partner's peer says stands in the recording as sent, and in the partner's as received; a file that plays is heard in its place. */
static void a_bridge_is_recorded_on_both_legs(void **state)
{
	struct rln_addr local;
	struct rln_leg_params q = stream_params();
	uint64_t a = started_as(1, &local, RLN_LEG_PLAIN), other = create_leg(2, NULL);
	struct rln_event tie = {.id = a, .kind = RLN_EV_BRIDGE_MEDIA, .bridge_media = {.other = other}};
	uint64_t deadline = rln_clock_ns() + 10 * RLN_SEC;
	int16_t pair[2];
	unsigned left = 0, right = 0, i = 0;
	FILE *f;

	(void)state;
	q.remote.port = 5000;
	stream_command(other, RLN_EV_START_MEDIA_STREAM, &q);
	command(&tie);
	file_command(a, RLN_EV_START_RECORDING, path_in("a.wav"), 0, 1, RLN_FORMAT_WAV);
	file_command(other, RLN_EV_START_RECORDING, path_in("b.wav"), 0, 2, RLN_FORMAT_WAV);
	wait_for(RLN_EV_RECORDING_STARTED, 2);
	for (; i < 100; i++)
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
	file_command(other, RLN_EV_STOP_RECORDING, NULL, 0, 0, RLN_FORMAT_WAV);
	wait_for(RLN_EV_RECORDING_STOPPED, 1);
	write_ramp("p.wav", 1600);
	w.heard_n = 0;
	file_command(other, RLN_EV_PLAY_AUDIO, path_in("p.wav"), 1, 0, RLN_FORMAT_WAV);
	while (got(RLN_EV_AUDIO_PLAYBACK_FINISHED, NULL) == 0 && rln_clock_ns() < deadline) {
		peer_talks(local.port, (uint16_t)i, 160 * i), turns(20);
		i++;
		sched_yield();
	}
	stop_leg(a);
	stop_leg(other);
	wait_for(RLN_EV_MEDIA_STREAM_STOPPED, 2);
	assert_true(samples_in("a.wav", 1) >= 15000);
	f = fopen(path_in("b.wav"), "rb");
	fseek(f, 44, SEEK_SET);
	while (fread(pair, 2, 2, f) == 2) {
		left += pair[0] != 0;
		right += pair[1] != 0;
	}
	fclose(f);
	assert_int_equal(left, 0); /* its own peer said nothing */
	assert_true(right > 15000);
}

static void a_recording_that_cannot_be_is_an_error(void **state)
{
	struct rln_event ev = {0};
	uint64_t id = started_as(1, NULL, RLN_LEG_PLAIN);

	(void)state;
	file_command(id, RLN_EV_START_RECORDING, path_in("none/r.wav"), 0, 1, RLN_FORMAT_WAV);
	wait_for(RLN_EV_MEDIA_ERROR, 1);
	got(RLN_EV_MEDIA_ERROR, &ev);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FILE);
	assert_int_equal(ev.media_error.error_code, ENOENT);
	file_command(id, RLN_EV_START_RECORDING, path_in("r.flac"), 0, 1, RLN_FORMAT_FLAC);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 2);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FORMAT);
	file_command(id, RLN_EV_START_RECORDING, path_in("none/q.wav"), 0, 1, RLN_FORMAT_WAV);
	stop_leg(id); /* while it is being opened */
	wait_for(RLN_EV_MEDIA_STREAM_STOPPED, 1);
	assert_int_equal(got(RLN_EV_RECORDING_STOPPED, NULL), 0);
}

static int hung_setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/rln_media_XXXXXX");
	assert_non_null(mkdtemp(folder));
	files_open(); /* and nobody there yet */
	world_open(NULL);
	return 0;
}

static void a_disk_that_hangs_holds_up_no_call(void **state)
{
	struct rln_event ev = {0};
	uint64_t id = started_as(1, NULL, RLN_LEG_PLAIN), other = started_as(2, NULL, RLN_LEG_PLAIN);

	(void)state;
	file_command(id, RLN_EV_START_RECORDING, path_in("h.wav"), 0, 1, RLN_FORMAT_WAV);
	turns(100);
	stop_leg(id);
	turns(1900);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, NULL), 0);
	turns(200);
	assert_int_equal(got(RLN_EV_MEDIA_STREAM_STOPPED, &ev), 1);
	assert_int_equal(ev.id, id);
	assert_int_equal(rln_io_start(w.io), 0); /* it comes to itself */
	wait_for(RLN_EV_RECORDING_STOPPED, 1);
	got(RLN_EV_RECORDING_STOPPED, &ev);
	assert_int_equal(ev.id, id);
	assert_true(samples_in("h.wav", 1) >= 700);
	stop_leg(other);
}

static int no_files_setup(void **state)
{
	(void)state;
	world_open(NULL);
	return 0;
}

static int no_files_teardown(void **state)
{
	(void)state;
	world_close();
	return 0;
}

static void without_a_file_thread_nothing_plays(void **state)
{
	struct rln_event ev = {0};
	uint64_t id = started_as(1, NULL, RLN_LEG_PLAIN);

	(void)state;
	file_command(id, RLN_EV_PLAY_AUDIO, "/tmp/a.wav", 1, 0, RLN_FORMAT_WAV);
	file_command(id, RLN_EV_START_RECORDING, "/tmp/a.wav", 1, 1, RLN_FORMAT_WAV);
	assert_int_equal(got(RLN_EV_MEDIA_ERROR, &ev), 2);
	assert_int_equal(ev.media_error.error, RLN_MEDIA_FAULT_FILE);
	assert_int_equal(ev.media_error.error_code, ENOTSUP);
	stop_leg(id);
}

#define T(name) cmocka_unit_test_setup_teardown(name, media_setup, media_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_is_played_once_or_more),
		T(playing_can_be_stopped_and_replaced),
		T(an_echo_is_silent_while_a_file_plays),
		T(a_file_that_cannot_be_played_is_an_error),
		T(a_recording_has_what_was_heard),
		T(the_end_of_a_call_waits_for_its_recording),
		T(both_directions_stand_in_a_stereo_file),
		T(a_bridge_is_recorded_on_both_legs),
		T(a_recording_that_cannot_be_is_an_error),
		cmocka_unit_test_setup_teardown(a_disk_that_hangs_holds_up_no_call, hung_setup, media_teardown),
		cmocka_unit_test_setup_teardown(without_a_file_thread_nothing_plays, no_files_setup, no_files_teardown),
	};

	return cmocka_run_group_tests_name("session_media", tests, world_eal, world_eal_end);
}
