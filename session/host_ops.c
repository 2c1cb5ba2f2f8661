/* SPDX-License-Identifier: BSD-3-Clause */
/* The operations of a handler (ringlane_app.h): each publishes the command that any application would. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/clock.h"
#include "lcore/log.h"
#include "session/coord_priv.h"
#include "session/host_priv.h"

static struct rln_coord *coord_of(struct rln_host *host)
{
	return rln_host_view(host)->all->cfg.coord;
}

/* Publishes; the event's block is taken in every case. */
static int publish(struct rln_host *host, struct rln_event *ev)
{
	if (!rln_host_view(host)->all->is_stopped)
		return rln_session_hub_publish_event(coord_of(host), ev);
	rln_block_release(rln_event_block(ev));
	return -EPIPE;
}

static int command(struct rln_host *host, struct rln_session_id call, enum rln_event_kind kind, uint16_t code)
{
	struct rln_event ev = {.id = call.v, .kind = (uint16_t)kind, .accept_call = {.code = code}};

	return publish(host, &ev);
}

/* A command whose payload begins with a block and the slice of its one text, as rln_ev_file and rln_ev_target do. */
static int with_text(struct rln_host *host, struct rln_event *ev, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len >= RLN_BLOCK_SMALL)
		return -EINVAL;
	ev->blind_transfer.block = rln_block_from_text(text, len, &ev->blind_transfer.target);
	return ev->blind_transfer.block ? publish(host, ev) : -ENOBUFS;
}

_Static_assert(offsetof(struct rln_ev_file, file_path) == offsetof(struct rln_ev_target, target), "one text behind the block");

static int accept_call(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_ACCEPT_CALL, 0);
}

static int ring(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_RING_CALL, 0);
}

static int reject(struct rln_host *host, struct rln_session_id call, uint16_t code)
{
	return code >= 400 && code <= 699 ? command(host, call, RLN_EV_REJECT_CALL, code) : -EINVAL;
}

static int hangup(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_HANGUP_CALL, 0);
}

static int hold(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_HOLD_CALL, 0);
}

static int resume(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_RESUME_CALL, 0);
}

static int transfer(struct rln_host *host, struct rln_session_id call, const char *target)
{
	struct rln_event ev = {.id = call.v, .kind = RLN_EV_BLIND_TRANSFER};

	return with_text(host, &ev, target);
}

static int play(struct rln_host *host, struct rln_session_id call, const char *path, uint32_t loops)
{
	struct rln_event ev = {.id = call.v, .kind = RLN_EV_PLAY_REQUEST, .play_request = {.loop_count = loops}};

	return with_text(host, &ev, path);
}

static int stop_play(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_STOP_PLAY_REQUEST, 0);
}

static int record(struct rln_host *host, struct rln_session_id call, const char *path, unsigned channels)
{
	struct rln_event ev = {.id = call.v, .kind = RLN_EV_RECORD_REQUEST};

	if (channels != 1 && channels != 2)
		return -EINVAL;
	ev.record_request.format = RLN_FORMAT_WAV;
	ev.record_request.channels = (uint8_t)channels;
	return with_text(host, &ev, path);
}

static int stop_record(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_STOP_RECORD_REQUEST, 0);
}

static int send_dtmf(struct rln_host *host, struct rln_session_id call, const char *digits, uint16_t duration_ms)
{
	return rln_host_view(host)->all->is_stopped ? -EPIPE : rln_coord_send_dtmf(coord_of(host), call, digits, duration_ms);
}

/* ---- two calls ---- */

static struct rln_session_id make_call(struct rln_host *host, const struct rln_host_call *request)
{
	struct rln_host_view *view = rln_host_view(host);
	struct rln_call_request call = {
		.peer = view->peer, .from = request->from, .to = request->to, .headers = request->headers};
	struct rln_session_id id = {0};
	struct rln_host_record *record;

	if (view->all->is_stopped || !request->to)
		return id;
	id = request->near.v ? rln_coord_reserve_near(coord_of(host), request->near) : rln_coord_reserve(coord_of(host));
	record = id.v ? rln_host_claim(view, id.v, request->from, request->to) : NULL;
	if (record && rln_coord_make_call(coord_of(host), id, &call) == 0)
		return id;
	if (record)
		rln_host_unclaim(view->all, record);
	else if (id.v)
		rln_coord_unreserve(coord_of(host), id);
	return (struct rln_session_id){0};
}

static int bridge(struct rln_host *host, struct rln_session_id call, struct rln_session_id other)
{
	struct rln_event ev = {.id = call.v, .kind = RLN_EV_BRIDGE_CALLS, .bridge_calls = {.other = other.v}};

	return publish(host, &ev);
}

static int unbridge(struct rln_host *host, struct rln_session_id call)
{
	return command(host, call, RLN_EV_UNBRIDGE_CALLS, 0);
}

/* The record of a call that this host has. */
static struct rln_host_record *mine(struct rln_host *host, struct rln_session_id call)
{
	struct rln_host_record *record = rln_host_find(rln_host_view(host)->all, call.v);

	return record && record->owner == rln_host_view(host) ? record : NULL;
}

static void arm(struct rln_host_view *view, struct rln_host_timer *timer, uint64_t call, unsigned number, uint64_t due_ns)
{
	timer->timer.fire = rln_host_timer_fired;
	timer->host = view;
	timer->call = call;
	timer->number = (uint8_t)number;
	timer->due_ns = due_ns;
	rln_wheel_arm(view->all->cfg.wheel, &timer->timer, due_ns);
}

/* What a giver has of a call, as long as it may come back. */
struct given {
	void *data;
	uint64_t due_ns[RLN_HANDLER_TIMERS]; /* 0: not armed */
};

static void take_from(struct rln_host_record *record, struct rln_host_view *to, struct given *kept)
{
	kept->data = record->data;
	for (unsigned i = 0; i < RLN_HANDLER_TIMERS; i++)
		kept->due_ns[i] = rln_timer_is_armed(&record->timers[i].timer) ? record->timers[i].due_ns : 0;
	rln_host_disarm(to->all, record);
	record->owner = to;
	record->data = NULL;
}

static void give_back(struct rln_host_record *record, struct rln_host_view *from, const struct given *kept)
{
	rln_host_disarm(from->all, record);
	record->owner = from;
	record->data = kept->data;
	for (unsigned i = 0; i < RLN_HANDLER_TIMERS; i++) {
		if (kept->due_ns[i])
			arm(from, &record->timers[i], record->call, i, kept->due_ns[i]);
	}
}

static int give(struct rln_host *host, struct rln_session_id call, const char *name, const char *text)
{
	struct rln_host_view *from = rln_host_view(host), *to;
	struct rln_host *found = rln_hosts_find(from->all, name);
	struct rln_host_record *record = mine(host, call);
	struct given kept;
	int rc;

	if (!found || !record)
		return -ENOENT;
	to = rln_host_view(found);
	if (!to->handler.on_given || to == from)
		return -ENOTSUP;
	take_from(record, to, &kept);
	/* The giver counts it too until it is sure: whoever retires it must not stop it under a call that comes back. */
	rln_host_joins(to);
	rc = to->handler.on_given(to->handler.arg, found, call, text ? text : "");
	if (rc != 0)
		give_back(record, from, &kept);
	rln_host_leaves(rc == 0 ? from : to);
	return rc;
}

/* ---- time ---- */

static uint64_t now_ms(struct rln_host *host)
{
	return rln_wheel_now(rln_host_view(host)->all->cfg.wheel) / RLN_MS;
}

static struct rln_host_timer *timers_of(struct rln_host *host, struct rln_session_id call)
{
	struct rln_host_record *record = call.v ? mine(host, call) : NULL;

	if (call.v == 0)
		return rln_host_view(host)->timers;
	return record ? record->timers : NULL;
}

static int start_timer(struct rln_host *host, struct rln_session_id call, unsigned number, uint32_t after_ms)
{
	struct rln_host_timer *timer = timers_of(host, call);
	struct rln_wheel *wheel = rln_host_view(host)->all->cfg.wheel;

	if (number >= RLN_HANDLER_TIMERS)
		return -EINVAL;
	if (!timer)
		return -ENOENT;
	if (rln_host_view(host)->all->is_stopped)
		return -EPIPE;
	arm(rln_host_view(host), timer + number, call.v, number, rln_wheel_now(wheel) + after_ms * RLN_MS);
	return 0;
}

static void stop_timer(struct rln_host *host, struct rln_session_id call, unsigned number)
{
	struct rln_host_timer *timer = timers_of(host, call);

	if (timer && number < RLN_HANDLER_TIMERS)
		rln_wheel_disarm(rln_host_view(host)->all->cfg.wheel, &timer[number].timer);
}

/* ---- what is known ---- */

static enum rln_call_state state_of(struct rln_host *host, struct rln_session_id call)
{
	struct rln_registry_entry entry;

	return rln_registry_knows(rln_coord_registry(coord_of(host)), call.v, &entry) ? (enum rln_call_state)entry.state
										      : RLN_STATE_TERMINATED;
}

static void set_data(struct rln_host *host, struct rln_session_id call, void *data)
{
	struct rln_host_record *record = mine(host, call);

	if (record)
		record->data = data;
}

static void *data_of(struct rln_host *host, struct rln_session_id call)
{
	struct rln_host_record *record = mine(host, call);

	return record ? record->data : NULL;
}

static const char *caller(struct rln_host *host, struct rln_session_id call)
{
	const struct rln_host_record *record = rln_host_find(rln_host_view(host)->all, call.v);

	return record ? record->caller : "";
}

static const char *called(struct rln_host *host, struct rln_session_id call)
{
	const struct rln_host_record *record = rln_host_find(rln_host_view(host)->all, call.v);

	return record ? record->called : "";
}

static const char *options(struct rln_host *host)
{
	return rln_host_view(host)->options;
}

static const char *name_of(struct rln_host *host)
{
	return rln_host_view(host)->name;
}

static const char *text_of(struct rln_host *host, const struct rln_event *event, struct rln_slice field)
{
	struct rln_host_view *view = rln_host_view(host);
	const char *base = rln_block_data(rln_event_block(event));
	size_t len = field.len < sizeof(view->text) ? field.len : sizeof(view->text) - 1;

	if (!base) /* a slice behind no block is of a payload that came without its texts */
		len = 0;
	memcpy(view->text, rln_slice_text(rln_event_block(event), field), len);
	view->text[len] = '\0';
	return view->text;
}

static void log_line(struct rln_host *host, struct rln_session_id call, enum rln_host_log level, const char *text)
{
	rln_log((enum rln_log_level)level, call.v, "%s: %s", rln_host_view(host)->name, text);
}

const struct rln_host_ops rln_host_ops = {
	.abi = RLN_HANDLER_ABI,
	.size = sizeof(struct rln_host_ops),
	.accept = accept_call,
	.ring = ring,
	.reject = reject,
	.hangup = hangup,
	.hold = hold,
	.resume = resume,
	.transfer = transfer,
	.play = play,
	.stop_play = stop_play,
	.record = record,
	.stop_record = stop_record,
	.send_dtmf = send_dtmf,
	.make_call = make_call,
	.bridge = bridge,
	.unbridge = unbridge,
	.give = give,
	.now_ms = now_ms,
	.start_timer = start_timer,
	.stop_timer = stop_timer,
	.state = state_of,
	.set_data = set_data,
	.data = data_of,
	.caller = caller,
	.called = called,
	.options = options,
	.name = name_of,
	.text = text_of,
	.log = log_line,
};
