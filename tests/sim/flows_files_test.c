/* SPDX-License-Identifier: BSD-3-Clause */
/* Files and digits in a call (requirements 7, R192, R193): each trace, step by step with its causes. */
#include "tests/sim/flow_peer.h"
#include "tests/wav_file.h"

#include <errno.h>

static struct rln_call *call;
static struct sim_dialog d;
static struct sim_msg answer;

static void up(void)
{
	sim_call_in(&d, sip, "bob", PORT, sim_sdp(30000, "0 101", "sendrecv"), bob, &call, &answer);
	send_audio(sim_sdp_port(&answer));
}

static void down(void)
{
	sim_bye(&d);
	rln_call_free(call);
}

static const char *silence(char path[256])
{
	static const int16_t samples[800];

	wav_write(sim_path("flow.wav", path), samples, 800);
	return path;
}

static void a_file_is_recorded(void **state)
{
	enum { RECORD, START, STARTED, TOLD_STARTED, HALT, STOP, STOPPED, TOLD_STOPPED, STEPS };
	static const struct sim_step rows[STEPS] = {
		[RECORD] = STEP(RECORD_REQUEST, SESSION, OUTSIDE),
		[START] = STEP(START_RECORDING, MEDIA, RECORD),
		[STARTED] = STEP(RECORDING_STARTED, MEDIA, OUTSIDE), /* the file thread's answer */
		[TOLD_STARTED] = STEP(MEDIA_EVENT, SESSION, STARTED),
		[HALT] = STEP(STOP_RECORD_REQUEST, SESSION, OUTSIDE),
		[STOP] = STEP(STOP_RECORDING, MEDIA, HALT),
		[STOPPED] = STEP(RECORDING_STOPPED, MEDIA, OUTSIDE),
		[TOLD_STOPPED] = STEP(MEDIA_EVENT, SESSION, STOPPED),
	};
	struct rln_ev_recording_stopped told;
	size_t at[STEPS];
	char path[256];

	(void)state;
	up();
	assert_int_equal(rln_call_start_recording(call, sim_path("heard.wav", path), RLN_FORMAT_WAV, 1), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STARTED, SIM_WAIT_MS, NULL), 0);
	assert_int_equal(rln_call_stop_recording(call), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_RECORDING_STOPPED, SIM_WAIT_MS, NULL), 0);
	FOLLOW(0, rows, at);
	WRITE("Recording (R193)",
		"The file thread opens and closes the file; its answers are steps without a cause. RECORDING_STOPPED comes when "
		"the file is closed and valid.",
		rows, at);
	assert_slice(sim_trace_at(at[STOPPED]), event(at[STOPPED])->recording_stopped.file_path, "heard.wav");
	memcpy(&told, event(at[TOLD_STOPPED])->media_event.raw, sizeof(told));
	assert_slice(sim_trace_at(at[TOLD_STOPPED]), told.file_path, "heard.wav");
	down();
}

static void a_file_is_played(void **state)
{
	enum { PLAY, START, FINISHED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[PLAY] = STEP(PLAY_REQUEST, SESSION, OUTSIDE),
		[START] = STEP(PLAY_AUDIO, MEDIA, PLAY),
		[FINISHED] = STEP(AUDIO_PLAYBACK_FINISHED, MEDIA, OUTSIDE),
		[TOLD] = STEP(MEDIA_EVENT, SESSION, FINISHED),
	};
	size_t at[STEPS];
	char path[256];

	(void)state;
	up();
	assert_int_equal(rln_call_play(call, silence(path), 2), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_AUDIO_PLAYBACK_FINISHED, SIM_WAIT_MS, NULL), 0);
	FOLLOW(0, rows, at);
	WRITE("Playback (R193)", "It is over when the last sample of the last loop was sent.", rows, at);
	assert_int_equal(event(at[START])->play_audio.loop_count, 2);
	down();
}

static void a_file_is_missing(void **state)
{
	enum { PLAY, START, FAULT, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[PLAY] = STEP(PLAY_REQUEST, SESSION, OUTSIDE),
		[START] = STEP(PLAY_AUDIO, MEDIA, PLAY),
		[FAULT] = STEP(MEDIA_ERROR, MEDIA, OUTSIDE),
		[TOLD] = STEP(MEDIA_EVENT, SESSION, FAULT),
	};
	size_t at[STEPS];
	char path[256];

	(void)state;
	up();
	assert_int_equal(rln_call_play(call, sim_path("missing.wav", path), 1), 0);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_MEDIA_ERROR, SIM_WAIT_MS, NULL), 0);
	FOLLOW(0, rows, at);
	WRITE("A file that is not there (R195)", "The call goes on without it.", rows, at);
	assert_int_equal(event(at[FAULT])->media_error.error, RLN_MEDIA_FAULT_FILE);
	assert_int_equal(event(at[FAULT])->media_error.error_code, ENOENT);
	down();
}

static void a_digit_comes_in(void **state)
{
	enum { DETECTED, TOLD, STEPS };
	static const struct sim_step rows[STEPS] = {
		[DETECTED] = STEP(DTMF_DETECTED, MEDIA, OUTSIDE),
		[TOLD] = STEP(DTMF_DETECTED, SESSION, DETECTED),
	};
	size_t at[STEPS];

	(void)state;
	up();
	sim_rtp_digit(rtp, 101, 7, 120);
	assert_int_equal(rln_call_wait_for_event(call, RLN_EV_DTMF_DETECTED, SIM_WAIT_MS, NULL), 0);
	FOLLOW(0, rows, at);
	WRITE("A digit in RTP (R192)", "Once per key press, when it ends (RFC 4733).", rows, at);
	assert_int_equal(event(at[TOLD])->dtmf_detected.digit, '7');
	assert_int_equal(event(at[TOLD])->dtmf_detected.duration_ms, 120);
	down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW(a_file_is_recorded),
		FLOW(a_file_is_played),
		FLOW(a_file_is_missing),
		FLOW(a_digit_comes_in),
	};

	return cmocka_run_group_tests_name("sim/flows_files", tests, sim_group_start, sim_group_stop);
}
