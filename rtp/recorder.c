/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recorders: see recorder.h. Two windows of a block each lie one behind the other on the file's time line. Samples go to their place; when
 * they come to lie behind the second window, the first one goes to the file thread, which puts it where it belongs, so a stretch in
 * which nothing came costs no block and no message.
 */
#include "rtp/recorder.h"

#include <errno.h>
#include <string.h>

#include "lcore/clock.h"
#include "rtp/file_client_priv.h"

#define FRAME_NS      (RLN_SEC / 8000)
#define LATE_PACKETS  50   /* in a row: a second of them */
#define DISAGREE      4000 /* frames, 500 ms: RTP timestamps and clock */
#define FRAMES_PER_MS 8u
#define PUSH_MAX      (RLN_FILES_BLOCK_SAMPLES / 4) /* half a stereo block */

static void ask(struct rln_recorder *r, enum rln_files_op op, struct rln_files_block *block, uint32_t len, uint64_t arg)
{
	const struct rln_io_msg msg = {
		.op = (uint16_t)op,
		.owner = r->owner,
		.file = r->file,
		.data = block,
		.len = len,
		.arg = {arg, 0, RLN_FILE_MARK_RECORDER | (uint64_t)(r - r->client->recorders)},
	};

	rln_file_client_ask(r->client, &msg);
}

int rln_recorder_start(
	struct rln_recorder **out, struct rln_file_client *client, uint64_t owner, const char *path, bool stereo, uint64_t now_ns)
{
	struct rln_recorder *r = client->recorders_free, *next;
	struct rln_files_block *block;
	int rc;

	if (!r)
		return -EAGAIN;
	rc = rln_file_client_path(client, path, &block);
	if (rc < 0)
		return rc;
	next = r->next_free;
	*r = (struct rln_recorder){
		.client = client, .phase = RLN_RECORDER_OPENING, .owner = owner, .start_ns = now_ns, .path = block};
	r->channels = stereo ? 2 : 1;
	memcpy(r->name, block->path, sizeof(r->name));
	client->recorders_free = next;
	client->recorders_n++;
	ask(r, RLN_FILES_OPEN_RECORDING, block, 0, r->channels);
	*out = r;
	return 0;
}

static void slot_free(struct rln_recorder *r)
{
	struct rln_file_client *c = r->client;

	for (unsigned i = 0; i < 2; i++)
		rln_file_client_block_put(c, r->window[i].block);
	r->phase = RLN_RECORDER_FREE;
	r->next_free = c->recorders_free;
	c->recorders_free = r;
	c->recorders_n--;
}

bool rln_recorder_is_stereo(const struct rln_recorder *recorder)
{
	return recorder->channels == 2;
}

const char *rln_recorder_path(const struct rln_recorder *recorder)
{
	return recorder->name;
}

void rln_recorder_restart(struct rln_recorder *recorder, enum rln_recorder_side side)
{
	recorder->side[side].placed = false;
}

/* ---- the windows ---- */

static uint32_t block_frames(const struct rln_recorder *r)
{
	return RLN_FILES_BLOCK_SAMPLES / r->channels;
}

/* The samples of a window cannot go to the file: what was kept of them is a gap after all. Which side's they were is not known: both. */
static void window_lose(struct rln_recorder *r, struct rln_recorder_window *w)
{
	for (unsigned i = 0; i < 2; i++)
		r->side[i].covered -= r->side[i].covered < w->len ? r->side[i].covered : w->len;
	rln_counts_add(r->client->cfg.counts, RLN_C_FILE_STALL, 1);
	rln_file_client_block_put(r->client, w->block);
}

static void window_send(struct rln_recorder *r, unsigned i)
{
	struct rln_recorder_window *w = &r->window[i];

	if (!w->block)
		return;
	if (r->phase == RLN_RECORDER_OPEN)
		ask(r, RLN_FILES_WRITE, w->block, w->len * r->channels, r->base + (uint64_t)i * block_frames(r));
	else
		window_lose(r, w); /* the file is not open yet, after half a second or more */
	*w = (struct rln_recorder_window){0};
}

/* Moves the windows so that they hold the frames from `first` to `last`, which is less than a block. */
static void slide_to(struct rln_recorder *r, uint64_t first, uint64_t last)
{
	uint32_t frames = block_frames(r);

	while (last >= r->base + 2ull * frames) {
		window_send(r, 0);
		r->window[0] = r->window[1];
		r->window[1] = (struct rln_recorder_window){0};
		r->base += frames;
		if (!r->window[0].block && last >= r->base + 2ull * frames)
			r->base = first / frames * frames; /* nothing lies between */
	}
}

static struct rln_recorder_window *window_of(struct rln_recorder *r, uint64_t at)
{
	struct rln_recorder_window *w = &r->window[(at - r->base) / block_frames(r)];

	if (!w->block) {
		w->block = rln_file_client_block(r->client);
		if (w->block)
			memset(w->block->samples, 0, sizeof(w->block->samples));
	}
	return w->block ? w : NULL;
}

static int16_t add_saturated(int a, int b)
{
	int sum = a + b;

	return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

static void mix(const struct rln_recorder *r, enum rln_recorder_side side, int16_t *to, const int16_t *from, unsigned n)
{
	unsigned i;

	if (r->channels == 1) {
		for (i = 0; i < n; i++)
			to[i] = add_saturated(to[i], from[i]);
		return;
	}
	for (i = 0; i < n; i++)
		to[2 * i + side] = from[i];
}

/* `n` samples at frame `at`, which lies within the windows. Returns false when there was no block for some. */
static bool store(struct rln_recorder *r, enum rln_recorder_side side, uint64_t at, const int16_t *samples, unsigned n)
{
	uint32_t frames = block_frames(r);
	bool kept = true;

	while (n > 0) {
		uint32_t offset = (uint32_t)((at - r->base) % frames);
		unsigned part = n < frames - offset ? n : frames - offset;
		struct rln_recorder_window *w = window_of(r, at);

		if (w) {
			mix(r, side, w->block->samples + (size_t)offset * r->channels, samples, part);
			w->len = offset + part > w->len ? offset + part : w->len;
			r->side[side].covered += part;
		}
		kept = kept && w;
		at += part;
		samples += part;
		n -= part;
	}
	return kept;
}

/* ---- samples come ---- */

/*
 * Does the clock have to place this packet? Nothing comes before it was spoken, so a timestamp ahead of the clock is another time line. One
 * behind it is another time line too when it does not go on from the last packet; when it does, the packets were held up on their way
 * and belong where they say, unless they stay late: then the way has become longer, or the sender's clock is slow.
 */
static bool disagrees(struct rln_recorder_side_state *s, int64_t at, int64_t by_clock, int32_t step)
{
	if (!s->placed || at - by_clock > DISAGREE)
		return true;
	if (by_clock - at <= DISAGREE) {
		s->late_n = 0;
		return false;
	}
	return step < -DISAGREE || step > DISAGREE || ++s->late_n >= LATE_PACKETS;
}

static int64_t place(struct rln_recorder *r, struct rln_recorder_side_state *s, uint32_t timestamp, uint64_t now_ns)
{
	int64_t by_clock = now_ns > r->start_ns ? (int64_t)((now_ns - r->start_ns) / FRAME_NS) : 0;
	int32_t step = (int32_t)(timestamp - s->ts);
	int64_t at = s->at + step;

	if (disagrees(s, at, by_clock, step)) {
		at = by_clock;
		s->floor = s->end; /* two time lines must not lie over each other */
		s->late_n = 0;
	}
	s->placed = true;
	s->ts = timestamp;
	s->at = at;
	return at;
}

/* At most half a block. */
static void push(struct rln_recorder *r, enum rln_recorder_side side, int64_t at, const int16_t *samples, unsigned n)
{
	struct rln_recorder_side_state *s = &r->side[side];
	int64_t first = (int64_t)r->base > s->floor ? (int64_t)r->base : s->floor, end = at + n;

	if (end <= first) /* older than both windows, or than the stream that it belongs to */
		return;
	if (at < first) {
		samples += first - at;
		at = first;
	}
	slide_to(r, (uint64_t)at, (uint64_t)end - 1);
	if (!store(r, side, (uint64_t)at, samples, (unsigned)(end - at)))
		rln_counts_add(r->client->cfg.counts, RLN_C_FILE_STALL, 1);
	if (end > s->end)
		s->end = end;
	if ((uint64_t)end > r->frames)
		r->frames = (uint64_t)end;
}

void rln_recorder_push(struct rln_recorder *recorder, enum rln_recorder_side side, uint32_t timestamp, const int16_t *samples,
	unsigned n, uint64_t now_ns)
{
	struct rln_recorder *r = recorder;
	unsigned part, done;
	int64_t at;

	if ((r->phase != RLN_RECORDER_OPEN && r->phase != RLN_RECORDER_OPENING) || r->stop)
		return;
	at = place(r, &r->side[side], timestamp, now_ns);
	for (done = 0; done < n; done += part) {
		part = n - done < PUSH_MAX ? n - done : PUSH_MAX;
		push(r, side, at + done, samples + done, part);
	}
}

/* ---- the end ---- */

static void close_file(struct rln_recorder *r)
{
	window_send(r, 0);
	window_send(r, 1);
	ask(r, RLN_FILES_CLOSE_RECORDING, NULL, 0, r->frames);
	r->phase = RLN_RECORDER_CLOSING;
}

void rln_recorder_stop(struct rln_recorder *recorder, uint64_t now_ns)
{
	struct rln_recorder *r = recorder;
	uint64_t frames = now_ns > r->start_ns ? (now_ns - r->start_ns) / FRAME_NS : 0;

	if ((r->phase != RLN_RECORDER_OPEN && r->phase != RLN_RECORDER_OPENING) || r->stop)
		return;
	r->stop = true;
	if (frames > r->frames)
		r->frames = frames;
	if (r->phase == RLN_RECORDER_OPEN)
		close_file(r);
}

/* ---- answers ---- */

/* Of what was received; of what was sent only when nothing ever came: we send nothing when there is nothing to say, which is no gap. */
static uint64_t gap(const struct rln_recorder *r)
{
	uint64_t received = r->side[RLN_RECORDER_RECEIVED].covered,
		 covered = received ? received : r->side[RLN_RECORDER_SENT].covered;

	return covered < r->frames ? r->frames - covered : 0;
}

static bool tell(struct rln_recorder *r, enum rln_file_news_kind kind, int result, struct rln_file_news *news)
{
	memcpy(r->client->news_path, r->name, sizeof(r->name));
	*news = (struct rln_file_news){
		.kind = kind,
		.result = result,
		.owner = r->owner,
		.path = r->client->news_path,
		.after_stop = r->stop,
		.duration_ms = (uint32_t)(r->frames / FRAMES_PER_MS),
		.gap_ms = (uint32_t)(gap(r) / FRAMES_PER_MS),
	};
	return true;
}

static bool opened(struct rln_recorder *r, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	rln_file_client_block_put(r->client, r->path);
	r->path = NULL;
	if (msg->result < 0) {
		tell(r, RLN_RECORDER_FAILED, msg->result, news);
		slot_free(r);
		return true;
	}
	r->file = msg->file;
	r->phase = RLN_RECORDER_OPEN;
	tell(r, RLN_RECORDER_STARTED, 0, news);
	if (r->stop)
		close_file(r);
	return true;
}

static bool written(struct rln_recorder *r, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	rln_file_client_block_put(r->client, msg->data);
	if (msg->result == 0 || r->phase != RLN_RECORDER_OPEN)
		return false; /* on its way to the close: that answer will say it again */
	tell(r, RLN_RECORDER_FAILED, msg->result, news);
	close_file(r);
	r->phase = RLN_RECORDER_DYING;
	return true;
}

static bool closed(struct rln_recorder *r, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	bool told = r->phase == RLN_RECORDER_DYING;

	if (!told)
		tell(r, msg->result < 0 ? RLN_RECORDER_FAILED : RLN_RECORDER_STOPPED, msg->result, news);
	slot_free(r);
	return !told;
}

bool rln_recorder_answer(struct rln_recorder *recorder, const struct rln_io_msg *msg, struct rln_file_news *news)
{
	if (msg->op == RLN_FILES_OPEN_RECORDING)
		return opened(recorder, msg, news);
	return msg->op == RLN_FILES_WRITE ? written(recorder, msg, news) : closed(recorder, msg, news);
}
