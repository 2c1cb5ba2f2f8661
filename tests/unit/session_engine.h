/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A coordinator on a real bus, turned by one thread that enters each endpoint: the dialog layer is a double that takes its place
 * at link time, worker 0 is a double on its own endpoint. What the wire does, the test does with wire_*().
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/net/net.h"
#include "session/coord_priv.h"
#include "session/intercept.h"
#include "session/placement.h"
#include "session/session_hub.h"
#include "session/session.h"
#include "sip/dialog.h"

#define UNUSED  __attribute__((unused))
#define CALLS   8
#define DIALOGS 16
#define SDP_PEER "v=0\r\no=- 7 7 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"

struct fake_dialog {
	uint64_t id;
	enum rln_dialog_state state;
	uint16_t response, notified, port;
	bool is_uas, invite_open, ack_pending, released, ended;
	char from[128], to[128], extra[64], headers[128], sdp[512];
};

static struct fake_dialog dialogs[DIALOGS];
static uint32_t dialog_generation;
static struct rln_bus *bus;
static struct rln_wheel *wheel;
static struct rln_net_shared net;
static struct rln_placement *placement;
static struct rln_coord *coord;
static uint64_t now_ns, legs[CALLS];
static uint32_t leg_generation;
static int64_t replaced; /* what rln_dialog_find_replaced() says: a dialog, 0, or minus a SIP code */
static bool no_leg;
static const char *wire_headers = "Subject: hello\r\nX: y\r\n"; /* of every INVITE */
static uint64_t wire_rx_ns;                                    /* of every INVITE; 0: not off a wire */

/* ---- the dialog layer's double ---- */

static struct fake_dialog *dialog_of(uint64_t id)
{
	for (unsigned i = 0; i < DIALOGS; i++) {
		if (id && dialogs[i].id == id)
			return &dialogs[i];
	}
	return NULL;
}

static struct fake_dialog *dialog_new(bool is_uas)
{
	for (unsigned i = 0; i < DIALOGS; i++) {
		if (dialogs[i].id && !(dialogs[i].released && (dialogs[i].ended || !dialogs[i].invite_open)))
			continue;
		memset(&dialogs[i], 0, sizeof(dialogs[i]));
		dialogs[i].id = rln_id_make(RLN_ID_DIALOG, 0, i, ++dialog_generation);
		dialogs[i].is_uas = is_uas;
		return &dialogs[i];
	}
	return NULL;
}

static void emit(struct fake_dialog *d, struct rln_event *ev)
{
	ev->id = d->id;
	if (d->released || d->ended)
		rln_block_release(rln_event_block(ev));
	else
		assert_int_equal(rln_bus_publish(bus, ev), 0);
}

static void moves(struct fake_dialog *d, enum rln_dialog_state to)
{
	struct rln_event ev = {.kind = RLN_EV_DIALOG_STATE_CHANGED,
		.dialog_state_changed = {.old_state = (uint8_t)d->state, .new_state = (uint8_t)to}};

	if (d->state == to || d->ended)
		return;
	d->state = to;
	emit(d, &ev);
	d->ended = to == RLN_DIALOG_TERMINATED;
}

struct rln_dialog_id rln_dialog_create(struct rln_dialogs *all, const char *from, const char *to)
{
	struct fake_dialog *d = dialog_new(false);

	(void)all;
	errno = EHOSTUNREACH;
	if (strstr(to, "nowhere"))
		return (struct rln_dialog_id){0};
	snprintf(d->from, sizeof(d->from), "%s", from);
	snprintf(d->to, sizeof(d->to), "%s", to);
	return (struct rln_dialog_id){d->id};
}

int rln_dialog_set_local_port(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t port)
{
	(void)all;
	dialog_of(id.v)->port = port;
	return 0;
}

struct rln_bus *rln_dialogs_bus(const struct rln_dialogs *all)
{
	(void)all;
	return bus;
}

int rln_dialog_send_response(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)all;
	if (!d || d->ended)
		return -ENOTCONN;
	d->response = code;
	snprintf(d->extra, sizeof(d->extra), "%s", extra ? extra : "");
	snprintf(d->sdp, sizeof(d->sdp), "%s", sdp ? sdp : "");
	if (code < 200) {
		moves(d, RLN_DIALOG_EARLY);
	} else if (code < 300) {
		d->ack_pending = true;
		moves(d, RLN_DIALOG_CONFIRMED);
	} else {
		moves(d, RLN_DIALOG_TERMINATED);
	}
	return 0;
}

int rln_dialog_respond_offer(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct fake_dialog *d = dialog_of(id.v);

	(void)all;
	if (!d || d->ended)
		return -ENOTCONN;
	d->response = code;
	snprintf(d->extra, sizeof(d->extra), "%s", extra ? extra : "");
	snprintf(d->sdp, sizeof(d->sdp), "%s", sdp ? sdp : "");
	return 0;
}

int rln_dialog_respond_update(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code, const char *extra)
{
	return rln_dialog_respond_offer(all, id, code, NULL, extra);
}

int rln_dialog_send_update(struct rln_dialogs *all, struct rln_dialog_id id, const char *sdp)
{
	(void)all;
	(void)sdp;
	return dialog_of(id.v)->ended ? -ENOTCONN : 0;
}

int rln_dialog_send_ack(struct rln_dialogs *all, struct rln_dialog_id id, const char *sdp)
{
	(void)all;
	(void)id;
	(void)sdp;
	return 0;
}

int rln_dialog_respond_refer(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code)
{
	(void)all;
	dialog_of(id.v)->response = code;
	return 0;
}

int rln_dialog_notify_transfer(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t status)
{
	(void)all;
	dialog_of(id.v)->notified = status;
	return 0;
}

/* `replaced` answers. */
int rln_dialog_find_replaced(const struct rln_dialogs *all, const struct rln_sip_msg *invite, struct rln_dialog_id *out)
{
	(void)all;
	(void)invite;
	out->v = replaced > 0 ? (uint64_t)replaced : 0;
	return replaced < 0 ? (int)replaced : 0;
}

bool rln_dialog_peer_allows(const struct rln_dialogs *all, struct rln_dialog_id id, enum rln_sip_method method)
{
	(void)all;
	(void)method;
	return dialog_of(id.v);
}

void rln_dialog_release(struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	assert_non_null(dialog_of(id.v));
	dialog_of(id.v)->released = true;
}

enum rln_dialog_state rln_dialog_get_state(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	return dialog_of(id.v) ? dialog_of(id.v)->state : RLN_DIALOG_TERMINATED;
}

bool rln_dialog_is_invite_open(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	return dialog_of(id.v) && dialog_of(id.v)->invite_open;
}

bool rln_dialog_is_answered(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	return dialog_of(id.v) && dialog_of(id.v)->state == RLN_DIALOG_CONFIRMED;
}

bool rln_dialog_is_ack_pending(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	return dialog_of(id.v) && dialog_of(id.v)->ack_pending;
}

bool rln_dialog_is_answer_owed(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	(void)id;
	return false;
}

const char *rln_dialog_remote_target(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	return id.v ? "sip:bob@198.18.0.2" : NULL;
}

bool rln_dialog_can_retry(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	(void)all;
	(void)id;
	return false;
}

int rln_dialog_local_addr(const struct rln_dialogs *all, struct rln_dialog_id id, struct rln_addr *addr)
{
	(void)all;
	*addr = net.addrs[0].addr;
	return dialog_of(id.v) ? 0 : -ENOENT;
}

static void on_dialog_command(void *arg, const struct rln_event *ev)
{
	struct fake_dialog *d = dialog_of(ev->id);
	struct rln_event over = {.kind = RLN_EV_CALL_TERMINATED, .call_terminated = {RLN_END_NORMAL, 0, 200}};

	(void)arg;
	if (!d || d->ended)
		return;
	if (ev->kind == RLN_EV_INITIATE_CALL) {
		d->invite_open = true;
		snprintf(d->headers, sizeof(d->headers), "%s", rln_slice_text(ev->initiate_call.block, ev->initiate_call.headers));
		snprintf(d->sdp, sizeof(d->sdp), "%s", rln_slice_text(ev->initiate_call.block, ev->initiate_call.sdp_offer));
	} else if (d->state == RLN_DIALOG_CONFIRMED) {
		emit(d, &over);
		moves(d, RLN_DIALOG_TERMINATED);
	} else if (d->invite_open) {
		struct rln_event refused = {
			.kind = RLN_EV_CALL_STATE_CHANGED, .call_state_changed = {.status = 487, .new_state = RLN_CALL_REFUSED}};

		d->invite_open = false;
		emit(d, &refused);
		moves(d, RLN_DIALOG_TERMINATED);
	} else {
		d->response = ev->terminate_session.code;
		moves(d, RLN_DIALOG_TERMINATED);
	}
}

/* ---- the worker's double ---- */

static void on_media_command(void *arg, const struct rln_event *ev)
{
	struct rln_event answer = {.id = ev->id};
	unsigned i;

	(void)arg;
	switch ((int)ev->kind) {
	case RLN_EV_CREATE_MEDIA_SESSION:
		for (i = 0; i < CALLS && legs[i]; i++)
			;
		answer.kind = no_leg ? RLN_EV_MEDIA_ERROR : RLN_EV_MEDIA_SESSION_CREATED;
		if (no_leg) {
			answer.media_error.error = RLN_MEDIA_FAULT_NO_PORT;
			break;
		}
		legs[i] = rln_id_make(RLN_ID_MEDIA, 0, i, ++leg_generation);
		answer.media_session_created.media_id = legs[i];
		answer.media_session_created.local_addr = net.addrs[0].addr;
		answer.media_session_created.local_addr.port = (uint16_t)(20000 + 2 * i);
		break;
	case RLN_EV_START_MEDIA_STREAM:
		answer.kind = RLN_EV_MEDIA_STREAM_STARTED;
		break;
	case RLN_EV_UPDATE_MEDIA_STREAM:
		answer.kind = RLN_EV_MEDIA_STREAM_STATE_CHANGED;
		break;
	case RLN_EV_STOP_MEDIA_STREAM:
		answer.kind = RLN_EV_MEDIA_STREAM_STOPPED;
		for (i = 0; i < CALLS; i++)
			legs[i] = legs[i] == ev->id ? 0 : legs[i];
		break;
	default:
		return;
	}
	assert_int_equal(rln_bus_publish(bus, &answer), 0);
}

/* ---- life ---- */

/* Until nothing moves. */
static UNUSED void turn(void)
{
	unsigned n;

	do {
		rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
		n = rln_bus_poll(bus, 64);
		n += rln_wheel_advance(wheel, now_ns, 64);
		n += rln_coord_poll(coord, now_ns);
		rln_bus_enter(bus, RLN_ENDPOINT_WORKER0);
		n += rln_bus_poll(bus, 64);
	} while (n);
	rln_bus_enter(bus, RLN_ENDPOINT_APP);
}

static UNUSED void advance(uint64_t ns)
{
	now_ns += ns;
	turn();
}

static struct rln_coord_cfg engine_cfg(void)
{
	return (struct rln_coord_cfg){.bus = bus,
		.wheel = wheel,
		.net = &net,
		.placement = placement,
		.sessions = CALLS,
		.dialogs_max = DIALOGS,
		.legs_per_worker = CALLS,
		.ring_limit_s = 60,
		.retry_after_s = 9,
		.codecs_n = 2,
		.codecs = {RLN_CODEC_PCMU, RLN_CODEC_PCMA},
		.ptime_ms = 20,
		.telephone_event = 101};
}

static void layers_begin(void)
{
	struct rln_placement_cfg place = {1, 20000, 20999, CALLS};
	struct rln_event_handler s2d = {on_dialog_command, NULL, RLN_ENDPOINT_CONTROL}, s2m = {on_media_command, NULL, RLN_ENDPOINT_WORKER0};

	rln_clock_init();
	rln_log_level = RLN_LOG_ERROR;
	memset(dialogs, 0, sizeof(dialogs));
	memset(legs, 0, sizeof(legs));
	no_leg = false;
	now_ns = RLN_SEC;
	memset(&net, 0, sizeof(net));
	net.addrs_n = net.ports_n = net.workers = 1;
	assert_int_equal(rln_addr_parse(&net.addrs[0].addr, "198.18.0.1", 10), 0);
	net.addrs[0].len = 120;
	assert_int_equal(rln_blocks_init(256, 4), 0);
	bus = rln_bus_new();
	assert_non_null(bus);
	assert_int_equal(rln_bus_add_worker(bus, 0, 256), 0);
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_S2D, &s2d), 0);
	assert_int_equal(rln_bus_register_handler(bus, RLN_CAT_S2M, &s2m), 0);
	assert_int_equal(rln_wheel_create(&wheel, RLN_MS, now_ns), 0);
	assert_int_equal(rln_placement_create(&placement, &place), 0);
}

static void layers_end(void)
{
	rln_placement_destroy(placement);
	assert_int_equal(rln_wheel_armed(wheel), 0);
	rln_wheel_destroy(wheel);
	rln_bus_free(bus);
	assert_int_equal(rln_blocks_in_use(), 0);
	rln_blocks_fini();
}

static UNUSED int setup(void **state)
{
	struct rln_coord_cfg cfg;

	(void)state;
	layers_begin();
	cfg = engine_cfg();
	assert_int_equal(rln_coord_create(&coord, &cfg), 0);
	return 0;
}

static UNUSED int teardown(void **state)
{
	struct rln_registry_figures left;

	(void)state;
	turn();
	rln_registry_figures(rln_coord_registry(coord), &left);
	assert_int_equal(left.sessions + left.dialogs + left.legs, 0);
	assert_int_equal(rln_coord_sessions(coord), 0);
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(legs[i], 0);
	rln_coord_destroy(coord);
	layers_end();
	return 0;
}

/* ---- the wire ---- */

static struct rln_slice put(char *data, size_t *at, const char *text)
{
	struct rln_slice slice = {(uint16_t)*at, (uint16_t)strlen(text)};

	memcpy(data + *at, text, slice.len + 1u);
	*at += slice.len + 1u;
	return slice;
}

/* An INVITE comes in for `user` on `port`. */
static UNUSED struct fake_dialog *wire_invites(const char *user, uint16_t port, const char *sdp)
{
	struct rln_event ev = {.kind = RLN_EV_INCOMING_CALL};
	struct fake_dialog *d = dialog_new(true);
	size_t at = sizeof(struct rln_sip_msg);
	struct rln_sip_msg *msg;
	char uri[100];

	ev.incoming_call.block = rln_block_alloc(sizeof(*msg) + strlen(wire_headers) + 1000);
	msg = rln_block_data(ev.incoming_call.block);
	assert_non_null(msg);
	memset(msg, 0, sizeof(*msg));
	msg->local = net.addrs[0].addr;
	msg->local.port = port;
	msg->rx_ns = wire_rx_ns;
	assert_int_equal(rln_addr_parse(&msg->source, "198.18.0.2", 10), 0);
	snprintf(uri, sizeof(uri), "sip:%s@198.18.0.1", user);
	msg->request_uri.text = put((char *)msg, &at, uri);
	msg->request_uri.user = (struct rln_slice){(uint16_t)(msg->request_uri.text.off + 4), (uint16_t)strlen(user)};
	ev.incoming_call.to = msg->request_uri.text;
	ev.incoming_call.from = put((char *)msg, &at, "sip:carol@198.18.0.2");
	ev.incoming_call.call_id = put((char *)msg, &at, "1@198.18.0.2");
	ev.incoming_call.headers = put((char *)msg, &at, wire_headers);
	if (sdp)
		ev.incoming_call.sdp_offer = put((char *)msg, &at, sdp);
	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	emit(d, &ev);
	turn();
	return d;
}

static struct rln_event with_sdp(enum rln_event_kind kind, const char *sdp)
{
	struct rln_event ev = {.kind = (uint16_t)kind};

	if (sdp)
		ev.call_established.block = rln_block_from_text(sdp, strlen(sdp), &ev.call_established.sdp);
	return ev;
}

/* The peer's 200, or its ACK. */
static UNUSED void wire_establishes(struct fake_dialog *d, const char *sdp)
{
	struct rln_event ev = with_sdp(RLN_EV_CALL_ESTABLISHED, sdp);

	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	d->invite_open = d->ack_pending = false;
	moves(d, RLN_DIALOG_CONFIRMED);
	emit(d, &ev);
	turn();
}

static UNUSED void wire_byes(struct fake_dialog *d, enum rln_end_reason reason)
{
	struct rln_event ev = {.kind = RLN_EV_CALL_TERMINATED, .call_terminated = {(uint8_t)reason, 0, reason == RLN_END_CANCELLED ? 487 : 0}};

	rln_bus_enter(bus, RLN_ENDPOINT_CONTROL);
	emit(d, &ev);
	if (reason != RLN_END_CANCELLED)
		moves(d, RLN_DIALOG_TERMINATED);
	turn();
}

static UNUSED void worker_says(uint64_t leg, enum rln_event_kind kind)
{
	struct rln_event ev = {.id = leg, .kind = (uint16_t)kind};

	rln_bus_enter(bus, RLN_ENDPOINT_WORKER0);
	assert_int_equal(rln_bus_publish(bus, &ev), 0);
	turn();
}

/* ---- applications ---- */

static UNUSED unsigned peer_new(const char *name, uint16_t port, bool any_user, struct rln_signalling_handler handler)
{
	struct rln_coord_peer_cfg cfg = {.name = name, .port = port, .any_user = any_user, .handler = handler};
	unsigned peer;

	coord->is_running = false; /* one thread: the order is carried out at once */
	assert_int_equal(rln_coord_add_peer(coord, &cfg, &peer, 0), 0);
	return peer;
}

static UNUSED struct rln_sub *watch(enum rln_sub_filter filter, unsigned peer, struct rln_session_id session)
{
	struct rln_sub_cfg cfg = {.filter = filter, .peer = peer, .session = session};
	struct rln_sub *sub;

	assert_int_equal(rln_sub_create(&sub, rln_coord_subs(coord), &cfg), 0);
	return sub;
}

/* Reads up to and including the next event of a kind. */
static UNUSED bool next(struct rln_sub *sub, enum rln_event_kind kind, struct rln_event *ev)
{
	while (rln_sub_pop(sub, ev) == 1) {
		if (ev->kind == kind)
			return true;
		rln_sub_give_back(sub, ev);
	}
	return false;
}

static UNUSED bool next_state(struct rln_sub *sub, enum rln_call_state to)
{
	struct rln_event ev;

	while (next(sub, RLN_EV_STATE_CHANGED, &ev)) {
		if (ev.state_changed.new_state == to)
			return true;
	}
	return false;
}

static UNUSED void forget(struct rln_sub *sub)
{
	rln_sub_destroy(sub);
	turn();
}
