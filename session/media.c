/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media hub of one worker; media.h has the table of what becomes what.
 *
 * Dispatch is a table indexed by kind, so that a kind without a row takes one explicit branch: logged and counted. A command for
 * a leg that has gone is counted as a stale handle and does nothing: its end was reported already. A command for a leg that was
 * stopped and only waits for its recording does nothing either.
 *
 * A stopped leg keeps its slot until the file thread has closed its recording, so that RECORDING_STOPPED comes before
 * MEDIA_STREAM_STOPPED and still finds its session. Its port rests from the stop on. A disk that hangs holds up no call: after two
 * seconds the leg goes all the same, and RECORDING_STOPPED comes when it comes.
 */
#include "session/media.h"

#include <errno.h>
#include <string.h>

#include "lcore/block.h"
#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "session/channel.h"
#include "session/media_priv.h"
#include "session/shard_priv.h"
#include "session/tap.h"

#define CLOSE_NS (2 * RLN_SEC)

/* ---- ways out ---- */

void rln_media_hub_publish_event(struct rln_media_hub *hub, struct rln_event *ev)
{
	if (hub->quiet) {
		rln_block_release(rln_event_block(ev));
		return;
	}
	/* The bus counts and logs what it cannot deliver; there is nobody else to tell. */
	(void)rln_bus_publish(hub->bus, ev);
}

static void emit(void *arg, struct rln_leg *leg, struct rln_event *ev)
{
	ev->id = leg->id;
	rln_media_hub_publish_event(arg, ev);
}

void rln_media_hub_outlet(struct rln_media_hub *hub, struct rln_pipeline_cfg *cfg)
{
	cfg->emit = emit;
	cfg->arg = hub;
}

void rln_media_error(struct rln_media_hub *hub, uint64_t id, enum rln_media_fault fault, int error)
{
	struct rln_event ev = {.id = id, .kind = RLN_EV_MEDIA_ERROR};

	ev.media_error.error = (uint8_t)fault;
	ev.media_error.error_code = error;
	rln_media_hub_publish_event(hub, &ev);
}

/* ---- session -> media ---- */

/* Commands of a session that has no leg yet. */
static void on_create(struct rln_media_hub *hub, struct rln_leg *none, const struct rln_event *cmd)
{
	struct rln_event ev = {.id = cmd->id, .kind = RLN_EV_MEDIA_SESSION_CREATED};
	struct rln_leg *leg;
	int rc = rln_shard_add_leg(hub->shard, cmd->create_media_session.local, &leg);

	(void)none;
	if (rc != 0) {
		rln_media_error(hub, cmd->id, rc == -ENOMEM ? RLN_MEDIA_FAULT_NO_MEMORY : RLN_MEDIA_FAULT_NO_PORT, -rc);
		return;
	}
	ev.media_session_created.media_id = leg->id;
	ev.media_session_created.local_addr = leg->cold->local;
	rln_media_hub_publish_event(hub, &ev);
}

static bool params_take(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_ev_media_stream *ev)
{
	const uint8_t *data = rln_block_data(ev->block);
	size_t end = (size_t)ev->media_config.off + ev->media_config.len;

	if (data == NULL || ev->media_config.len != sizeof(leg->cold->pending) || end > rln_block_room(ev->block)) {
		rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_BAD_SDP, EINVAL);
		return false;
	}
	memcpy(&leg->cold->pending, data + ev->media_config.off, sizeof(leg->cold->pending));
	return true;
}

static void on_start(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	struct rln_event ev = {.id = cmd->id, .kind = RLN_EV_START_RTP_STREAM};

	if (!params_take(hub, leg, &cmd->start_media_stream))
		return;
	ev.start_rtp_stream.remote = leg->cold->pending.remote;
	ev.start_rtp_stream.local_port = leg->cold->local.port;
	ev.start_rtp_stream.payload_type = leg->cold->pending.payload_type;
	ev.start_rtp_stream.codec = leg->cold->pending.config.codec;
	rln_media_hub_publish_event(hub, &ev);
}

static void update_publish(struct rln_media_hub *hub, struct rln_leg *leg)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_UPDATE_RTP_STREAM};

	ev.update_rtp_stream.remote = leg->cold->pending.remote;
	rln_media_hub_publish_event(hub, &ev);
}

static void on_update(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	if (params_take(hub, leg, &cmd->update_media_stream))
		update_publish(hub, leg);
}

/* HOLD_MEDIA and RESUME_MEDIA: the direction alone changes. */
static void on_direction(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	leg->cold->pending = leg->cold->params;
	leg->cold->pending.direction = cmd->hold_media.direction;
	update_publish(hub, leg);
}

static void on_stop(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_STOP_RTP_STREAM};

	ev.stop_rtp_stream.reason = cmd->stop_media_stream.reason;
	rln_media_hub_publish_event(hub, &ev);
}

/* One direction of a bridge. Both legs are this worker's: placement keeps calls that are to be bridged together. */
static void on_bridge(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	uint64_t id = cmd->bridge_media.other;
	struct rln_leg *other = NULL;

	if (id != 0) {
		if (rln_id_shard(id) != hub->shard->cfg.worker || id == leg->id) {
			rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_COMMAND, id == leg->id ? EINVAL : EXDEV);
			return;
		}
		other = rln_shard_leg(hub->shard, id);
		if (other == NULL || other->cold->closing) {
			rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_COMMAND, ENOENT);
			return;
		}
	}
	rln_leg_bridge(leg, other, hub->shard->now_ns);
}

static void on_digits(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	char tones[sizeof(cmd->send_telephone_events.tones) + 1] = "";
	int rc;

	memcpy(tones, cmd->send_telephone_events.tones, sizeof(tones) - 1);
	rc = rln_leg_send_digits(leg, tones, cmd->send_telephone_events.duration_ms, hub->shard->now_ns);
	if (rc != 0)
		rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_COMMAND, -rc);
}

/* Out of those who hear the leg; who spoke speaks no more. */
static void channel_part(struct rln_media_hub *hub, struct rln_leg *leg, uint64_t handle)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_frame_ring **at = &cold->channel_in, *ring;

	while (*at && (*at)->handle != handle)
		at = &(*at)->next;
	ring = *at;
	if (!ring)
		return;
	*at = ring->next;
	ring->next = NULL;
	if (cold->channel == handle) {
		cold->channel = 0;
		cold->channel_out = NULL;
	}
	rln_channel_part(hub->shard->cfg.channels, handle);
	rln_shard_count(&hub->shard->counts.channels, -1);
}

static void channels_part(struct rln_media_hub *hub, struct rln_leg *leg)
{
	while (leg->cold->channel_in)
		channel_part(hub, leg, leg->cold->channel_in->handle);
}

/* Who joins hears from now on, with a frame of its own to begin with. 0, or as rln_channel_join(). */
static int channel_join(struct rln_media_hub *hub, struct rln_leg *leg, uint64_t handle, bool speaks)
{
	struct rln_leg_cold *cold = leg->cold;
	struct rln_frame_ring *in, *out;
	int rc = rln_channel_join(hub->shard->cfg.channels, handle, &in, &out);

	if (rc != 0)
		return rc;
	if (!cold->channel_in)
		cold->in_started = 0;
	in->fill = 0;
	in->next = cold->channel_in;
	cold->channel_in = in;
	if (speaks) {
		cold->channel = handle;
		cold->channel_out = out;
		cold->out_used = 0;
	}
	rln_shard_count(&hub->shard->counts.channels, 1);
	return 0;
}

static void tap_part(struct rln_media_hub *hub, struct rln_leg *leg)
{
	struct rln_leg_cold *cold = leg->cold;

	if (cold->tap == NULL)
		return;
	rln_tap_part(hub->shard->cfg.taps, cold->tap_handle);
	cold->tap = NULL;
	cold->tap_handle = 0;
	rln_leg_refresh(leg, hub->shard->now_ns);
}

static void on_tap(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	const struct rln_ev_tap *tap = &cmd->tap_media;
	int rc = -ENOTSUP;

	if (!tap->on) {
		if (tap->tap == leg->cold->tap_handle || tap->tap == 0)
			tap_part(hub, leg);
		return;
	}
	tap_part(hub, leg);
	if (hub->shard->cfg.taps)
		rc = rln_tap_join(hub->shard->cfg.taps, tap->tap, &leg->cold->tap);
	if (rc != 0) {
		rln_media_error(hub, leg->id, RLN_MEDIA_FAULT_COMMAND, -rc);
		return;
	}
	leg->cold->tap_handle = tap->tap;
	rln_leg_refresh(leg, hub->shard->now_ns);
}

static void on_channels(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	struct rln_leg_cold *cold = leg->cold;
	uint64_t handle = cmd->attach_channels.channels;
	enum rln_channels_attach how = (enum rln_channels_attach)cmd->attach_channels.attach;

	if (hub->shard->cfg.channels == NULL) {
		rln_count(RLN_C_STALE_HANDLE);
		return;
	}
	if (how != RLN_CHANNELS_LISTEN) /* one speaks at a time: the one before ends */
		channel_part(hub, leg, how == RLN_CHANNELS_JOIN && cold->channel ? cold->channel : handle);
	/* The application may have left in the meantime: nobody waits for an answer then. */
	if (how != RLN_CHANNELS_PART && channel_join(hub, leg, handle, how == RLN_CHANNELS_JOIN) != 0)
		rln_count(RLN_C_STALE_HANDLE);
	rln_leg_refresh(leg, hub->shard->now_ns);
}

/* ---- media -> rtp: what the hub asks of its RTP side ---- */

static void on_rtp_start(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_RTP_STREAM_STARTED};
	struct rln_leg_params params = leg->cold->pending;
	int rc;

	params.remote = cmd->start_rtp_stream.remote;
	rc = rln_leg_apply(leg, &params, hub->shard->now_ns);
	if (rc != 0) {
		rln_media_error(hub, leg->id, rc == -EINVAL ? RLN_MEDIA_FAULT_BAD_SDP : RLN_MEDIA_FAULT_UNREACHABLE, -rc);
		return;
	}
	ev.rtp_stream_started.local_port = cmd->start_rtp_stream.local_port;
	rln_media_hub_publish_event(hub, &ev);
}

static void on_rtp_update(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	struct rln_leg_params params = leg->cold->pending;
	int rc;

	params.remote = cmd->update_rtp_stream.remote;
	rc = rln_leg_apply(leg, &params, hub->shard->now_ns);
	if (rc != 0) {
		rln_media_error(hub, leg->id, rc == -EINVAL ? RLN_MEDIA_FAULT_BAD_SDP : RLN_MEDIA_FAULT_UNREACHABLE, -rc);
		return;
	}
	rln_leg_set_state(leg, rln_leg_state_now(leg), true);
	if (!params.early)
		rln_leg_release_news(leg, hub->shard->now_ns);
}

static void on_rtp_stop(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_RTP_STREAM_STOPPED};

	rln_leg_close(leg, hub->shard->now_ns);
	if (leg->cold->started)
		rln_leg_set_state(leg, RLN_STREAM_STOPPED, false);
	ev.rtp_stream_stopped.reason = cmd->stop_rtp_stream.reason;
	rln_media_hub_publish_event(hub, &ev);
}

/* ---- rtp -> media ---- */

static void on_rtp_started(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *r2m)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_MEDIA_STREAM_STARTED};
	const struct rln_leg_params *q = &leg->cold->params;

	/* An offer that is out has no answer's codec yet: the first offered one stands for it. */
	ev.media_stream_started.local_port = r2m->rtp_stream_started.local_port;
	ev.media_stream_started.codec = q->early ? leg->rx_codec[0] : q->config.codec;
	ev.media_stream_started.payload_type = q->early ? leg->rx_pt[0] : q->payload_type;
	rln_media_hub_publish_event(hub, &ev);
	if (!q->early)
		rln_leg_release_news(leg, hub->shard->now_ns);
}

void rln_media_leg_finish(struct rln_media_hub *hub, struct rln_leg *leg)
{
	struct rln_event ev = {.id = leg->id, .kind = RLN_EV_MEDIA_STREAM_STOPPED};

	ev.media_stream_stopped.reason = leg->cold->stop_reason;
	rln_shard_del_leg(hub->shard, leg);
	rln_media_hub_publish_event(hub, &ev);
}

static void on_rtp_stopped(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *r2m)
{
	leg->cold->stop_reason = r2m->rtp_stream_stopped.reason;
	leg->cold->closed_ns = hub->shard->now_ns;
	channels_part(hub, leg);
	tap_part(hub, leg);
	rln_media_files_end(hub, leg);
	if (leg->cold->files_closing == 0)
		rln_media_leg_finish(hub, leg);
	else
		rln_shard_count(&hub->shard->counts.closing, 1);
}

void rln_media_leg_age(struct rln_media_hub *hub, struct rln_leg *leg)
{
	if (!leg->cold->closing || leg->cold->files_closing == 0 || hub->shard->now_ns - leg->cold->closed_ns < CLOSE_NS)
		return;
	rln_shard_count(&hub->shard->counts.closing, -1);
	rln_media_leg_finish(hub, leg);
}

static void on_rtp_statistics(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *r2m)
{
	(void)r2m; /* the event is the trace's; the snapshot that control reads has more and wider fields */
	rln_leg_publish_stats(leg, hub->shard->now_ns);
}

static void on_rtp_error(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *r2m)
{
	rln_media_error(hub, leg->id, (enum rln_media_fault)r2m->rtp_error.error, r2m->rtp_error.error_code);
}

/* ---- dispatch ---- */

enum { NEEDS_NOTHING, NEEDS_LEG, NEEDS_OPEN_LEG }; /* open: not stopped yet */

static const struct {
	void (*handle)(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *ev);
	uint8_t needs;
} rows[RLN_EV_COUNT] = {
	[RLN_EV_CREATE_MEDIA_SESSION] = {on_create, NEEDS_NOTHING},
	[RLN_EV_ATTACH_CHANNELS] = {on_channels, NEEDS_OPEN_LEG},
	[RLN_EV_START_MEDIA_STREAM] = {on_start, NEEDS_OPEN_LEG},
	[RLN_EV_STOP_MEDIA_STREAM] = {on_stop, NEEDS_OPEN_LEG},
	[RLN_EV_UPDATE_MEDIA_STREAM] = {on_update, NEEDS_OPEN_LEG},
	[RLN_EV_HOLD_MEDIA] = {on_direction, NEEDS_OPEN_LEG},
	[RLN_EV_RESUME_MEDIA] = {on_direction, NEEDS_OPEN_LEG},
	[RLN_EV_BRIDGE_MEDIA] = {on_bridge, NEEDS_OPEN_LEG},
	[RLN_EV_SEND_TELEPHONE_EVENTS] = {on_digits, NEEDS_OPEN_LEG},
	[RLN_EV_TAP_MEDIA] = {on_tap, NEEDS_OPEN_LEG},
	[RLN_EV_START_RECORDING] = {rln_media_on_record, NEEDS_OPEN_LEG},
	[RLN_EV_STOP_RECORDING] = {rln_media_on_stop_record, NEEDS_OPEN_LEG},
	[RLN_EV_PLAY_AUDIO] = {rln_media_on_play, NEEDS_OPEN_LEG},
	[RLN_EV_STOP_AUDIO] = {rln_media_on_stop_play, NEEDS_OPEN_LEG},
	[RLN_EV_START_RTP_STREAM] = {on_rtp_start, NEEDS_OPEN_LEG},
	[RLN_EV_UPDATE_RTP_STREAM] = {on_rtp_update, NEEDS_OPEN_LEG},
	[RLN_EV_STOP_RTP_STREAM] = {on_rtp_stop, NEEDS_OPEN_LEG},
	[RLN_EV_RTP_STREAM_STARTED] = {on_rtp_started, NEEDS_OPEN_LEG},
	[RLN_EV_RTP_STREAM_STOPPED] = {on_rtp_stopped, NEEDS_LEG},
	[RLN_EV_RTP_STATISTICS_UPDATE] = {on_rtp_statistics, NEEDS_OPEN_LEG},
	[RLN_EV_RTP_ERROR] = {on_rtp_error, NEEDS_OPEN_LEG},
};

static void handle(void *arg, const struct rln_event *ev)
{
	struct rln_media_hub *hub = arg;
	struct rln_leg *leg = NULL;

	if (ev->kind >= RLN_EV_COUNT || rows[ev->kind].handle == NULL) {
		rln_count(RLN_C_BUS_NO_HANDLER);
		rln_log(RLN_LOG_WARNING, ev->id, "media: nothing handles %s", rln_event_info(rln_event_kind(ev))->name);
		return;
	}
	if (rows[ev->kind].needs != NEEDS_NOTHING) {
		leg = rln_shard_leg(hub->shard, ev->id);
		if (leg == NULL || (leg->cold->closing && rows[ev->kind].needs == NEEDS_OPEN_LEG))
			return;
	}
	rows[ev->kind].handle(hub, leg, ev);
}

int rln_media_hub_create(struct rln_media_hub **out, struct rln_bus *bus, struct rln_shard *shard, unsigned worker)
{
	static const enum rln_category mine[] = {RLN_CAT_S2M, RLN_CAT_M2R, RLN_CAT_R2M};
	struct rln_media_hub *hub = rln_zalloc(sizeof(*hub));
	struct rln_event_handler handler = {handle, hub, (uint8_t)(RLN_ENDPOINT_WORKER0 + worker)};
	unsigned i;
	int rc;

	if (hub == NULL)
		return -ENOMEM;
	hub->bus = bus;
	hub->shard = shard;
	for (i = 0; i < sizeof(mine) / sizeof(mine[0]); i++) {
		rc = rln_bus_register_handler(bus, mine[i], &handler);
		if (rc != 0) {
			rln_free(hub);
			return rc;
		}
	}
	*out = hub;
	return 0;
}

void rln_media_hub_destroy(struct rln_media_hub *hub)
{
	rln_free(hub);
}

void rln_media_hub_abandon(struct rln_media_hub *hub, struct rln_leg *leg)
{
	hub->quiet = true;
	if (!leg->cold->closing)
		rln_leg_close(leg, hub->shard->now_ns);
	channels_part(hub, leg);
	tap_part(hub, leg);
	rln_media_files_end(hub, leg);
	rln_shard_del_leg(hub->shard, leg);
}
