/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ringlane call`: places calls through ringlane.h alone, as any application would, and reports what was heard. One thread
 * looks after all of them: each wait is short and on an event, so a call that ends early or Ctrl-C is seen at once.
 */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dpdk_app/cli_priv.h"
#include "dpdk_app/report.h"
#include "lcore/clock.h"
#include "session/ringlane.h"

#define SLICE_MS       100   /* one wait; signals are looked at between them */
#define END_MS         35000 /* a BYE without an answer gives up after 64 * T1 */
#define CLOSE_SLICE_MS 20
#define CLOSE_MS       3000 /* for the disk, after the end of the call */
#define RING_S         60   /* --ring */
#define PATH_BYTES     512

enum phase { PLACED, UP, HUNG_UP, CLOSING, OVER }; /* CLOSING: the call is over, its recording not yet closed */

struct placed { /* one call; owner: this thread */
	struct rln_call *call;
	enum phase phase;
	uint64_t start_ns, up_ns, bye_ns; /* our clock */
	uint64_t closing_ns;
	bool is_closed;  /* the recording */
	bool has_failed; /* a file could not be played or written */
	struct rln_call_result result;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

static double since_ms(uint64_t from_ns, uint64_t to_ns)
{
	return (double)(to_ns - from_ns) / (double)RLN_MS;
}

/* With several calls each has a file of its own: "heard.wav" becomes "heard-3.wav". */
static void record_name(char *out, size_t size, const char *name, unsigned number, unsigned calls)
{
	size_t stem = strlen(name);

	if (stem > 4 && strcmp(name + stem - 4, ".wav") == 0)
		stem -= 4;
	if (calls == 1)
		snprintf(out, size, "%s", name);
	else
		snprintf(out, size, "%.*s-%u%s", (int)stem, name, number + 1, name + stem);
}

static void explain_no_call(const char *target)
{
	const char *why = strerror(errno);

	if (errno == EINVAL)
		why = "that is no SIP address; expected e.g. sip:echo@198.18.0.1";
	else if (errno == ENOSPC)
		why = "limits.calls is reached";
	fprintf(stderr, "ringlane: cannot call %s: %s\n", target, why);
}

static void place(struct placed *p, struct rln_peer *peer, const struct rln_cli *cli)
{
	p->result = (struct rln_call_result){.target = cli->words[0], .setup_ms = -1, .first_audio_ms = -1, .duration_ms = -1};
	p->start_ns = rln_clock_ns();
	p->call = rln_peer_call(peer, cli->words[0]);
	if (p->call)
		return;
	snprintf(p->result.end_text, sizeof(p->result.end_text), "not placed: %s", strerror(errno));
	explain_no_call(cli->words[0]);
	p->phase = OVER;
}

/* When an event was published, from its stamp, in ns of our clock. */
static uint64_t time_of(const struct rln_event *ev)
{
	uint64_t now = rln_clock_tsc() >> 4, when = (now & ~UINT64_C(0xffffffff)) | ev->when;

	if (when > now)
		when -= UINT64_C(1) << 32;
	return rln_clock_tsc_to_ns(when << 4);
}

static void answered(struct placed *p, const struct rln_cli *cli, unsigned number, unsigned calls)
{
	struct rln_event ev;
	int rc = 0;

	p->phase = UP;
	p->up_ns = rln_clock_ns();
	while (rln_call_wait_for_event(p->call, RLN_EV_STATE_CHANGED, 0, &ev) == 0)
		if (ev.state_changed.new_state == RLN_STATE_ACTIVE)
			p->up_ns = time_of(&ev);
	p->result.answered = true;
	p->result.setup_ms = since_ms(p->start_ns, p->up_ns);
	if (cli->record) { /* first, so that nothing of the answer is missed */
		record_name(p->result.recorded, sizeof(p->result.recorded), cli->record, number, calls);
		rc = rln_call_start_recording(p->call, p->result.recorded, RLN_FORMAT_WAV, cli->stereo ? 2 : 1);
	}
	if (rc == 0 && cli->play) {
		p->result.played = cli->play;
		rc = rln_call_play(p->call, cli->play, 1);
	}
	if (rc)
		fprintf(stderr, "ringlane: %s\n", strerror(-rc));
}

static void hang_up(struct placed *p)
{
	(void)rln_call_hangup(p->call);
	p->phase = HUNG_UP;
	p->bye_ns = rln_clock_ns();
}

/* A file that cannot be played or written: the call goes on without it, but the command has failed. */
static void watch_files(struct placed *p)
{
	struct rln_call_result *r = &p->result;
	struct rln_event ev;

	while (rln_call_wait_for_event(p->call, RLN_EV_MEDIA_ERROR, 0, &ev) == 0) {
		bool is_play = ev.media_error.error == RLN_MEDIA_FAULT_FORMAT ||
			       (ev.media_error.error == RLN_MEDIA_FAULT_FILE && !*r->recorded);
		const char *file = is_play ? r->played : r->recorded;

		fprintf(stderr, "ringlane: %s: %s\n", file && *file ? file : "media",
			ev.media_error.error_code ? strerror(ev.media_error.error_code) : "cannot be used");
		p->has_failed = true;
		if (is_play)
			r->played = NULL;
		else
			r->recorded[0] = 0;
	}
}

/* The recording was closed: its length. */
static bool recording_is_closed(struct placed *p)
{
	struct rln_event ev;

	while (rln_call_wait_for_event(p->call, RLN_EV_RECORDING_STOPPED, 0, &ev) == 0) {
		p->result.recorded_ms = ev.recording_stopped.duration_ms;
		p->result.recorded_gap_ms = ev.recording_stopped.gap_ms;
		p->is_closed = true;
	}
	return p->is_closed;
}

static bool file_is_over(struct placed *p)
{
	return !p->result.played || rln_call_wait_for_event(p->call, RLN_EV_AUDIO_PLAYBACK_FINISHED, 0, NULL) == 0;
}

/* The end and everything that was measured. */
static void finish(struct placed *p)
{
	struct rln_call_result *r = &p->result;
	struct rln_event ev;
	size_t digits = 0;

	p->phase = OVER;
	if (p->up_ns)
		r->duration_ms = since_ms(p->up_ns, p->bye_ns ? p->bye_ns : rln_clock_ns());
	r->reason = rln_call_end(p->call, &r->code);
	r->state = rln_call_state(p->call);
	snprintf(r->end_text, sizeof(r->end_text), "%s", rln_call_end_text(p->call));
	if (p->up_ns && rln_call_wait_for_event(p->call, RLN_EV_FIRST_AUDIO_FRAME_RECEIVED, 0, &ev) == 0 && ev.serial) {
		uint64_t at = time_of(&ev);

		r->first_audio_ms = at > p->up_ns ? since_ms(p->up_ns, at) : 0;
	}
	while (rln_call_wait_for_event(p->call, RLN_EV_DTMF_DETECTED, 0, &ev) == 0 && digits + 1 < sizeof(r->digits))
		r->digits[digits++] = ev.dtmf_detected.digit;
	watch_files(p);
	r->has_media = r->answered && rln_call_statistics(p->call, &r->statistics) == 0;
	rln_call_free(p->call);
	p->call = NULL;
}

/* The call is over; its recording may be closed a moment later, and that news comes to the peer. */
static void ended(struct placed *p, struct rln_peer *peer, int ms)
{
	if (p->phase != CLOSING) {
		p->phase = CLOSING;
		p->closing_ns = rln_clock_ns();
	} else {
		(void)rln_peer_run(peer, ms < CLOSE_SLICE_MS ? ms : CLOSE_SLICE_MS);
	}
	if (!*p->result.recorded || recording_is_closed(p) || since_ms(p->closing_ns, rln_clock_ns()) > CLOSE_MS)
		finish(p);
}

/* One look at a call, waiting at most `ms` for news of it. */
static void attend(struct placed *p, struct rln_peer *peer, const struct rln_cli *cli, unsigned number, unsigned calls, int ms)
{
	double ring_s = cli->ring_s < 0 ? RING_S : cli->ring_s;
	int rc;

	switch (p->phase) {
	case PLACED:
		rc = rln_call_wait_for_state(p->call, RLN_STATE_ACTIVE, ms);
		if (rc == 0)
			answered(p, cli, number, calls);
		else if (rc != RLN_ETIMEDOUT || interrupted || since_ms(p->start_ns, rln_clock_ns()) >= ring_s * 1000)
			hang_up(p); /* CANCEL; a call that ended already just ends */
		break;
	case UP:
		rc = rln_call_wait_for_event(p->call, RLN_EV_SESSION_TERMINATED, ms, NULL);
		watch_files(p);
		if (rc != RLN_ETIMEDOUT)
			ended(p, peer, ms);
		else if (interrupted || (cli->duration_s < 0 && cli->play && file_is_over(p)) ||
			 (cli->duration_s >= 0 && since_ms(p->up_ns, rln_clock_ns()) >= cli->duration_s * 1000))
			hang_up(p);
		break;
	case HUNG_UP:
		rc = rln_call_wait_for_event(p->call, RLN_EV_SESSION_TERMINATED, ms, NULL);
		if (rc != RLN_ETIMEDOUT || since_ms(p->bye_ns, rln_clock_ns()) > END_MS)
			ended(p, peer, ms);
		break;
	case CLOSING:
		ended(p, peer, ms);
		break;
	case OVER:
		break;
	}
}

/* ms until `limit_ms` after `from`, between 0 and a slice. */
static int slice_until(uint64_t from_ns, double limit_ms)
{
	double left = limit_ms - since_ms(from_ns, rln_clock_ns());

	return left < 0 ? 0 : left < SLICE_MS ? (int)left + 1 : SLICE_MS;
}

/* How long a single call can be waited for without missing its time; with several calls each is only looked at. */
static int slice_of(const struct placed *p, const struct rln_cli *cli)
{
	if (p->phase == UP && cli->duration_s >= 0)
		return slice_until(p->up_ns, cli->duration_s * 1000);
	return SLICE_MS;
}

/* Looks after all calls until the last is over. Every round waits on one call that is not, so nothing spins. */
static void run_calls(struct placed *calls, unsigned n, struct rln_peer *peer, const struct rln_cli *cli)
{
	for (;;) {
		struct placed *first = NULL;
		int ms = SLICE_MS;

		for (unsigned i = 0; i < n; i++) {
			if (calls[i].phase == OVER)
				continue;
			first = first ? first : &calls[i];
			ms = slice_of(&calls[i], cli) < ms ? slice_of(&calls[i], cli) : ms;
			if (&calls[i] != first)
				attend(&calls[i], peer, cli, i, n, 0);
		}
		if (!first)
			return;
		attend(first, peer, cli, (unsigned)(first - calls), n, n == 1 || ms < 10 ? ms : 10);
	}
}

static int write_report(const struct rln_cli *cli, const struct placed *calls, unsigned n)
{
	struct rln_call_result *results = calloc(n, sizeof(*results));
	bool to_stdout = cli->json && strcmp(cli->json, "-") == 0;
	FILE *file = NULL;
	int rc = RLN_EXIT_DONE;

	if (!results)
		return RLN_EXIT_FAILED;
	for (unsigned i = 0; i < n; i++) {
		results[i] = calls[i].result;
		if (!results[i].answered || calls[i].has_failed)
			rc = RLN_EXIT_FAILED;
	}
	if (!to_stdout)
		rln_report_print(stdout, results, n);
	if (cli->json) {
		file = to_stdout ? stdout : fopen(cli->json, "we");
		if (file)
			rln_report_json(file, results, n);
		if (!file || fflush(file) != 0) {
			fprintf(stderr, "ringlane: %s: %s\n", cli->json, strerror(errno));
			rc = RLN_EXIT_FAILED;
		}
		if (file && !to_stdout)
			fclose(file);
	}
	free(results);
	return rc;
}

/* Files are named from where the caller stands, not from media.recordings. */
static bool absolute(const char **name, char buf[PATH_BYTES])
{
	char cwd[PATH_BYTES / 2];
	int len;

	if (!*name || **name == '/')
		return true;
	if (!getcwd(cwd, sizeof(cwd)))
		return false;
	len = snprintf(buf, PATH_BYTES, "%s/%s", cwd, *name);
	*name = buf;
	return len < PATH_BYTES;
}

/* Said before anything is started: a file that is not there, a folder that cannot be written. */
static bool are_files_usable(const struct rln_cli *cli)
{
	char folder[PATH_BYTES];
	const char *bad = NULL;

	if (cli->play && access(cli->play, R_OK) != 0)
		bad = cli->play;
	if (!bad && cli->record) {
		snprintf(folder, sizeof(folder), "%s", cli->record);
		if (access(dirname(folder), W_OK | X_OK) != 0)
			bad = cli->record;
	}
	if (bad)
		fprintf(stderr, "ringlane: %s: %s\n", bad, strerror(errno));
	return !bad;
}

int rln_cli_call(const struct rln_cli *given)
{
	static struct rln_config config;
	struct rln_runtime_options options = {.eal_args = *given->eal_args ? given->eal_args : NULL, .trace = given->trace};
	struct sigaction action = {.sa_handler = on_signal};
	struct rln_cli cli = *given;
	unsigned n = cli.calls ? cli.calls : 1;
	struct placed *calls = calloc(n, sizeof(*calls));
	char play[PATH_BYTES], record[PATH_BYTES], *text = NULL;
	struct rln_peer *peer = NULL;
	int rc = RLN_EXIT_FAILED;

	if (!calls || !absolute(&cli.play, play) || !absolute(&cli.record, record))
		goto out;
	options.config_text = text = rln_cli_config_text(&cli, &config, &rc);
	if (!text)
		goto out;
	rc = RLN_EXIT_FAILED;
	if (!rln_cli_is_target(&config, cli.words[0]) || !are_files_usable(&cli))
		goto out;
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (rln_runtime_start(&options))
		goto out;
	peer = rln_peer_new(config.sip.name, config.sip.port);
	if (!peer) {
		fprintf(stderr, "ringlane: SIP port %u: %s\n", config.sip.port, strerror(errno));
		goto stop;
	}
	for (unsigned i = 0; i < n; i++)
		place(&calls[i], peer, &cli);
	run_calls(calls, n, peer, &cli);
	rc = write_report(&cli, calls, n);
	rln_peer_free(peer);
stop:
	rln_runtime_stop();
out:
	free(text);
	free(calls);
	return rc;
}
