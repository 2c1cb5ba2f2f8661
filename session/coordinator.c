/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The coordinator (coordinator.h): makes and joins the parts of the session layer, gives the machine its layers, and turns with
 * the control loop.
 */
#include "session/coordinator.h"

#include <errno.h>
#include <string.h>

#include "lcore/heap.h"
#include "lcore/hist.h"
#include "lcore/net/net.h"
#include "session/actions.h"
#include "session/channel.h"
#include "session/coord_priv.h"
#include "session/linked.h"
#include "session/tap.h"
#include "sip/dialog.h"

/* ---- the real layers, as the machine calls them; each call is seen by the trace (R10) ---- */

static struct rln_bus_call begin(const void *dialogs)
{
	return rln_bus_call_begin(rln_dialogs_bus(dialogs));
}

/* Passes the result on. */
static int64_t traced(
	const void *dialogs, const struct rln_bus_call *call, struct rln_dialog_id id, struct rln_ev_direct_call what)
{
	what.category = RLN_CAT_S2D;
	rln_bus_call_end(rln_dialogs_bus(dialogs), call, id.v, &what);
	return what.result;
}

#define TELL(id, function, number, ...)                                                                                          \
	traced(arg, &call, id, (struct rln_ev_direct_call){.name = function, .detail = number, .result = (int64_t)(__VA_ARGS__)})
#define ASK(id, function, ...)                                                                                                   \
	traced(arg, &call, id, (struct rln_ev_direct_call){.name = function, .is_query = 1, .result = (int64_t)(__VA_ARGS__)})

static struct rln_dialog_id dialog_create(void *arg, const char *from, const char *to)
{
	struct rln_bus_call call = begin(arg);
	struct rln_dialog_id id = rln_dialog_create(arg, from, to);

	TELL(id, "create", 0, id.v ? 0 : -errno);
	return id;
}

static int dialog_set_local_port(void *arg, struct rln_dialog_id id, uint16_t port)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "set_local_port", port, rln_dialog_set_local_port(arg, id, port));
}

static int dialog_send_response(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "send_response", code, rln_dialog_send_response(arg, id, code, sdp, extra));
}

static int dialog_respond_offer(void *arg, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "respond_offer", code, rln_dialog_respond_offer(arg, id, code, sdp, extra));
}

static int dialog_respond_update(void *arg, struct rln_dialog_id id, uint16_t code, const char *extra)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "respond_update", code, rln_dialog_respond_update(arg, id, code, extra));
}

static int dialog_send_update(void *arg, struct rln_dialog_id id, const char *sdp)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "send_update", 0, rln_dialog_send_update(arg, id, sdp));
}

static int dialog_send_ack(void *arg, struct rln_dialog_id id, const char *sdp)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "send_ack", 0, rln_dialog_send_ack(arg, id, sdp));
}

static int dialog_respond_refer(void *arg, struct rln_dialog_id id, uint16_t code)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "respond_refer", code, rln_dialog_respond_refer(arg, id, code));
}

static int dialog_notify_transfer(void *arg, struct rln_dialog_id id, uint16_t status)
{
	struct rln_bus_call call = begin(arg);

	return (int)TELL(id, "notify_transfer", status, rln_dialog_notify_transfer(arg, id, status));
}

static int dialog_find_replaced(const void *arg, const struct rln_sip_msg *invite, struct rln_dialog_id *out)
{
	struct rln_bus_call call = begin(arg);
	int rc = rln_dialog_find_replaced(arg, invite, out);

	return (int)ASK(*out, "find_replaced", rc);
}

static bool dialog_is_answered(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	return ASK(id, "is_answered", rln_dialog_is_answered(arg, id)) != 0;
}

static bool dialog_is_answer_owed(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	return ASK(id, "is_answer_owed", rln_dialog_is_answer_owed(arg, id)) != 0;
}

static const char *dialog_remote_target(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);
	const char *uri = rln_dialog_remote_target(arg, id);

	ASK(id, "remote_target", uri != NULL);
	return uri;
}

static bool dialog_peer_allows(const void *arg, struct rln_dialog_id id, enum rln_sip_method method)
{
	struct rln_bus_call call = begin(arg);

	return ASK(id, "peer_allows", rln_dialog_peer_allows(arg, id, method)) != 0;
}

static void dialog_release(void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	TELL(id, "release", 0, (rln_dialog_release(arg, id), 0));
}

static enum rln_dialog_state dialog_get_state(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	return (enum rln_dialog_state)ASK(id, "get_state", rln_dialog_get_state(arg, id));
}

static bool dialog_is_invite_open(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	return ASK(id, "is_invite_open", rln_dialog_is_invite_open(arg, id)) != 0;
}

static bool dialog_is_ack_pending(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	return ASK(id, "is_ack_pending", rln_dialog_is_ack_pending(arg, id)) != 0;
}

static int dialog_local_addr(const void *arg, struct rln_dialog_id id, struct rln_addr *addr)
{
	struct rln_bus_call call = begin(arg);

	return (int)ASK(id, "local_addr", rln_dialog_local_addr(arg, id, addr));
}

static bool dialog_can_retry(const void *arg, struct rln_dialog_id id)
{
	struct rln_bus_call call = begin(arg);

	return ASK(id, "can_retry", rln_dialog_can_retry(arg, id)) != 0;
}

static int publish(void *arg, struct rln_event *ev)
{
	return rln_session_hub_publish_event(arg, ev);
}

static int address_index(void *arg, const struct rln_addr *addr)
{
	const struct rln_coord *coord = arg;

	return rln_net_is_local(coord->cfg.net, addr);
}

static uint16_t peer_port(void *arg, unsigned peer)
{
	const struct rln_coord *coord = arg;

	return peer < RLN_COORD_PEERS ? coord->peers[peer].local.port : 0;
}

static void end_channels(void *arg, uint64_t channels)
{
	const struct rln_coord *coord = arg;

	if (coord->cfg.channels)
		rln_channel_end(coord->cfg.channels, channels);
}

static void end_tap(void *arg, uint64_t tap)
{
	const struct rln_coord *coord = arg;

	if (coord->cfg.taps)
		rln_tap_end(coord->cfg.taps, tap);
}

static bool allows_transfer(void *arg, const struct rln_session *s, const char *refer_to)
{
	const struct rln_coord *coord = arg;
	const struct rln_coord_peer *peer = &coord->peers[s->peer % RLN_COORD_PEERS];

	if (peer->handler.on_transfer)
		return peer->handler.on_transfer(peer->handler.arg, s->id, refer_to);
	return peer->any_user ? coord->cfg.accept_transfers : peer->accept_transfers;
}

static void closed(void *arg, struct rln_session_id id)
{
	struct rln_coord *coord = arg;
	const struct rln_session *s = rln_session_manager_get_session(coord->sessions, id);
	struct rln_bus_call call = rln_bus_call_begin(coord->cfg.bus);

	rln_subs_close(coord->subs, id);
	if (s)
		rln_peers_count(coord, s->peer, -1);
	rln_bus_call_end(coord->cfg.bus, &call, id.v, &(struct rln_ev_direct_call){.name = "closed", .category = RLN_CAT_S2A});
}

static void fill_layers(struct rln_coord *coord)
{
	const struct rln_coord_cfg *cfg = &coord->cfg;
	struct rln_layers *l = &coord->layers;

	l->dialog = (struct rln_dialog_commands){
		.create = dialog_create,
		.set_local_port = dialog_set_local_port,
		.send_response = dialog_send_response,
		.respond_offer = dialog_respond_offer,
		.respond_update = dialog_respond_update,
		.send_update = dialog_send_update,
		.send_ack = dialog_send_ack,
		.respond_refer = dialog_respond_refer,
		.notify_transfer = dialog_notify_transfer,
		.find_replaced = dialog_find_replaced,
		.release = dialog_release,
		.get_state = dialog_get_state,
		.is_invite_open = dialog_is_invite_open,
		.is_ack_pending = dialog_is_ack_pending,
		.peer_allows = dialog_peer_allows,
		.can_retry = dialog_can_retry,
		.is_answered = dialog_is_answered,
		.is_answer_owed = dialog_is_answer_owed,
		.remote_target = dialog_remote_target,
		.local_addr = dialog_local_addr,
		.arg = cfg->dialogs,
	};
	l->wheel = cfg->wheel;
	l->sessions = coord->sessions;
	l->set = (struct rln_call_settings){.ring_limit_s = cfg->ring_limit_s,
		.retry_after_s = cfg->retry_after_s,
		.codecs_n = cfg->codecs_n,
		.ptime_ms = cfg->ptime_ms,
		.telephone_event = cfg->telephone_event,
		.loss_limit_pct = cfg->loss_limit_pct,
		.transfer_limit_s = cfg->transfer_limit_s};
	memcpy(l->set.codecs, cfg->codecs, sizeof(l->set.codecs));
	l->publish = publish;
	l->address_index = address_index;
	l->peer_port = peer_port;
	l->make_call = rln_linked_make_call;
	l->abandon = rln_linked_abandon;
	l->allows_transfer = allows_transfer;
	l->end_channels = end_channels;
	l->end_tap = end_tap;
	l->closed = closed;
	l->arg = coord;
}

/* ---- life ---- */

static int create_parts(struct rln_coord *coord)
{
	const struct rln_coord_cfg *cfg = &coord->cfg;
	struct rln_registry_cfg registry = {.sessions = cfg->sessions,
		.dialogs = cfg->dialogs_max,
		.legs = cfg->legs_per_worker,
		.workers = rln_bus_workers(cfg->bus)};
	struct rln_session_manager_cfg manager = {.placement = cfg->placement, .sessions = cfg->sessions};
	int rc = rln_registry_create(&coord->registry, &registry);

	manager.registry = coord->registry;
	if (rc == 0)
		rc = rln_session_manager_create(&coord->sessions, &manager);
	if (rc == 0)
		rc = rln_subs_create(&coord->subs, cfg->sessions);
	for (unsigned role = 0; rc == 0 && role < RLN_ROLE_COUNT; role++)
		rc = rln_hist_create(&coord->layers.setup_us[role]);
	if (rc != 0)
		return rc;
	fill_layers(coord);
	return rln_machine_create(&coord->machine, rln_table(), coord->sessions, &coord->layers);
}

int rln_coord_create(struct rln_coord **out, const struct rln_coord_cfg *cfg)
{
	struct rln_coord *coord;
	int rc;

	if (cfg->codecs_n == 0 || cfg->codecs_n > RLN_CODEC_COUNT)
		return -EINVAL;
	coord = rln_zalloc(sizeof(*coord));
	if (!coord)
		return -ENOMEM;
	coord->cfg = *cfg;
	rc = create_parts(coord);
	if (rc == 0)
		rc = rln_session_hub_register(coord);
	if (rc == 0)
		rc = rln_registrations_watch(coord);
	if (rc != 0) {
		rln_coord_destroy(coord);
		return rc;
	}
	*out = coord;
	return 0;
}

/* Told without the bus, which delivers no more. */
static void end_now(struct rln_coord *coord, struct rln_session *s)
{
	struct rln_event ev = {
		.id = s->id.v, .kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = RLN_END_NETWORK}};

	if (!(rln_table()->final & 1u << s->state))
		rln_subs_deliver(coord->subs, &ev);
	rln_cleanup_session(&coord->layers, s);
}

void rln_coord_destroy(struct rln_coord *coord)
{
	struct rln_session *s;
	uint32_t cursor = 0;

	if (!coord)
		return;
	while (coord->machine && (s = rln_session_manager_next(coord->sessions, &cursor)))
		end_now(coord, s);
	coord->is_running = false;
	rln_peers_serve(coord);
	rln_machine_destroy(coord->machine);
	rln_subs_destroy(coord->subs);
	rln_session_manager_destroy(coord->sessions);
	rln_registry_destroy(coord->registry);
	rln_registrations_unwatch(coord);
	for (unsigned role = 0; role < RLN_ROLE_COUNT; role++)
		rln_hist_destroy(coord->layers.setup_us[role]);
	explicit_bzero(coord->peers, sizeof(coord->peers));
	rln_free(coord);
}

void rln_coord_hangup_all(struct rln_coord *coord, unsigned peer)
{
	struct rln_session *s;
	uint32_t cursor = 0;

	while ((s = rln_session_manager_next(coord->sessions, &cursor))) {
		if (peer == RLN_COORD_PEERS || s->peer == peer)
			rln_coord_hangup(coord, s->id);
	}
}

unsigned rln_coord_poll(void *arg, uint64_t now_ns)
{
	struct rln_coord *coord = arg;
	unsigned n;

	(void)now_ns;
	if (!coord->is_running)
		__atomic_store_n(&coord->is_running, true, __ATOMIC_RELEASE);
	rln_peers_serve(coord);
	n = rln_subs_housekeep(coord->subs);
	n += rln_session_manager_refill(coord->sessions);
	if (!coord->is_draining && __atomic_load_n(&coord->drain_wanted, __ATOMIC_ACQUIRE)) {
		coord->is_draining = true;
		rln_coord_hangup_all(coord, RLN_COORD_PEERS);
		rln_coord_unregister_everybody(coord);
		n++;
	}
	return n;
}

bool rln_coord_busy(void *coord)
{
	return rln_coord_sessions(coord) > 0;
}

void rln_coord_drain(struct rln_coord *coord)
{
	__atomic_store_n(&coord->drain_wanted, true, __ATOMIC_RELEASE);
}

struct rln_subs *rln_coord_subs(struct rln_coord *coord)
{
	return coord->subs;
}

struct rln_bus *rln_coord_bus(struct rln_coord *coord)
{
	return coord->cfg.bus;
}

const struct rln_registry *rln_coord_registry(const struct rln_coord *coord)
{
	return coord->registry;
}

uint32_t rln_coord_sessions(const struct rln_coord *coord)
{
	return rln_session_manager_in_use(coord->sessions);
}

uint32_t rln_coord_capacity(const struct rln_coord *coord)
{
	return rln_session_manager_capacity(coord->sessions);
}

const struct rln_hist *rln_coord_setup_us(const struct rln_coord *coord, enum rln_call_role role)
{
	return coord->layers.setup_us[role];
}
