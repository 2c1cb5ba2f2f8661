/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media hub's half that touches the file thread: playing and recording commands, and what the file client tells of them.
 *
 * A recording ends in two steps: rln_recorder_stop() and, when the file thread has closed the file, news. In between the leg
 * counts it in files_closing and may begin another; the news name the path, which tells a closing recording from the running one.
 */
#include <errno.h>
#include <string.h>

#include "lcore/block.h"
#include "lcore/secure.h"
#include "rtp/file_client.h"
#include "rtp/player.h"
#include "rtp/recorder.h"
#include "session/media_priv.h"
#include "session/shard_priv.h"

/* Which kind of fault an error of the file thread is. */
static enum rln_media_fault fault_of(int error)
{
	switch (-error) {
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EROFS:
	case EAGAIN:
	case ENOBUFS:
		return RLN_MEDIA_FAULT_DISK;
	case EINVAL:
	case ENOTSUP:
	case EPROTO:
	case EBADMSG:
		return RLN_MEDIA_FAULT_FORMAT;
	}
	return RLN_MEDIA_FAULT_FILE;
}

/* False, and said so, when there is no file thread or the build lacks the format. */
static bool can_file(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_ev_file *file)
{
	if (hub->shard->files == NULL) {
		rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_FILE, ENOTSUP);
		return false;
	}
	if (file->format != RLN_FORMAT_WAV) {
		rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_FORMAT, ENOTSUP);
		return false;
	}
	return true;
}

static const char *path_of(const struct rln_ev_file *file)
{
	size_t end = (size_t)file->file_path.off + file->file_path.len;
	const char *base = rln_block_data(file->block);

	/* Texts in blocks are terminated after their length (block.h); a path that is not is none. */
	return base && end < rln_block_room(file->block) && base[end] == '\0' ? base + file->file_path.off : "";
}

/* ---- playing ---- */

static void player_stop(struct rln_media_hub *hub, struct rln_leg *leg)
{
	if (leg->cold->player == NULL)
		return;
	rln_player_stop(leg->cold->player);
	leg->cold->player = NULL;
	rln_leg_refresh(leg, hub->shard->now_ns);
}

void rln_media_on_play(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	const struct rln_ev_file *file = &cmd->play_audio;
	struct rln_player *player;
	int rc;

	if (!can_file(hub, leg, file))
		return;
	player_stop(hub, leg);
	rc = rln_player_start(&player, hub->shard->files, leg->id, path_of(file), file->loop_count);
	if (rc != 0) {
		rln_media_error(hub, leg->id, fault_of(rc), -rc);
		return;
	}
	leg->cold->player = player;
	rln_leg_refresh(leg, hub->shard->now_ns);
}

void rln_media_on_stop_play(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	(void)cmd;
	player_stop(hub, leg);
}

/* ---- recording ---- */

void rln_media_on_record(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	const struct rln_ev_file *file = &cmd->start_recording;
	struct rln_leg_cold *cold = leg->cold;
	struct rln_recorder *recorder;
	const char *path = path_of(file);
	int rc;

	if (!can_file(hub, leg, file))
		return;
	if (cold->recorder) {
		rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_FILE, EBUSY);
		return;
	}
	rc = rln_recorder_start(&recorder, hub->shard->files, leg->id, path, file->channels == 2, hub->shard->now_ns);
	if (rc != 0) {
		rln_media_error(hub, leg->id, fault_of(rc), -rc);
		return;
	}
	cold->recorder = recorder;
	cold->record_name = rln_hash(path, strlen(path));
	cold->record_channels = file->channels == 2 ? 2 : 1;
	rln_leg_refresh(leg, hub->shard->now_ns);
}

static void recorder_stop(struct rln_media_hub *hub, struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;

	if (cold->recorder == NULL)
		return;
	rln_recorder_stop(cold->recorder, hub->shard->now_ns);
	cold->recorder = NULL;
	cold->files_closing++;
	rln_leg_refresh(leg, hub->shard->now_ns);
}

void rln_media_on_stop_record(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	(void)cmd;
	recorder_stop(hub, leg);
}

void rln_media_files_end(struct rln_media_hub *hub, struct rln_leg *leg)
{
	player_stop(hub, leg);
	recorder_stop(hub, leg);
}

/* ---- news of the file thread ---- */

static void recording_started(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_file_news *news)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_RECORDING_STARTED};

	ev.recording_started.block = rln_block_from_text(news->path, strlen(news->path), &ev.recording_started.file_path);
	ev.recording_started.loop_count = 1;
	ev.recording_started.format = RLN_FORMAT_WAV;
	ev.recording_started.channels = leg->cold->record_channels;
	rln_media_hub_publish_event(hub, &ev);
}

static void recording_stopped(struct rln_media_hub *hub, const struct rln_file_news *news)
{
	struct rln_event ev = {.id = news->owner, .kind = RLN_EV_RECORDING_STOPPED};

	ev.recording_stopped.block = rln_block_from_text(news->path, strlen(news->path), &ev.recording_stopped.file_path);
	ev.recording_stopped.duration_ms = news->duration_ms;
	ev.recording_stopped.gap_ms = news->gap_ms;
	rln_media_hub_publish_event(hub, &ev);
}

/* A recorder is gone. A stopped leg that waited for its last one goes now. */
static void recorder_gone(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_file_news *news)
{
	struct rln_leg_cold *cold = leg->cold;

	if (cold->recorder && cold->record_name == rln_hash(news->path, strlen(news->path)) &&
		(cold->files_closing == 0 || news->kind == RLN_RECORDER_FAILED)) {
		cold->recorder = NULL; /* it failed while it ran */
		rln_leg_refresh(leg, hub->shard->now_ns);
	} else if (cold->files_closing > 0) {
		cold->files_closing--;
	}
	if (cold->closing && cold->files_closing == 0) {
		rln_shard_count(&hub->shard->counts.closing, -1);
		rln_media_leg_finish(hub, leg);
	}
}

static void on_news(struct rln_media_hub *hub, const struct rln_file_news *news)
{
	struct rln_leg *leg = rln_shard_leg(hub->shard, news->owner);

	switch (news->kind) {
	case RLN_PLAYER_STARTED:
		return; /* its first frame is told by the peer's ear */
	case RLN_RECORDER_STARTED:
		if (leg)
			recording_started(hub, leg, news);
		return;
	case RLN_PLAYER_FAILED:
		if (leg) {
			leg->cold->player = NULL; /* void by now */
			rln_leg_refresh(leg, hub->shard->now_ns);
		}
		rln_media_error(hub, news->owner, fault_of(news->result), -news->result);
		return;
	case RLN_RECORDER_STOPPED:
		recording_stopped(hub, news);
		break;
	case RLN_RECORDER_FAILED:
		rln_media_error(hub, news->owner, fault_of(news->result), -news->result);
		break;
	}
	if (leg)
		recorder_gone(hub, leg, news);
}

unsigned rln_media_files_poll(struct rln_media_hub *hub)
{
	struct rln_file_news news;
	unsigned n = 0;

	while (rln_file_client_take(hub->shard->files, &news)) {
		on_news(hub, &news);
		n++;
	}
	return n;
}
