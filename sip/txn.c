/* SPDX-License-Identifier: BSD-3-Clause */
/* The transaction table: its slots, what both halves share, and what goes up. See txn_priv.h for the design. */
#include "sip/txn_priv.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/log.h"

int rln_txns_create(struct rln_txns **out, const struct rln_txns_cfg *cfg)
{
	struct rln_slots_cfg slots = {.type = RLN_ID_TXN, .capacity = cfg->capacity, .object_size = sizeof(struct rln_txn)};
	struct rln_txns *txns = rln_zalloc(sizeof(*txns));
	int rc;

	if (!txns)
		return -ENOMEM;
	txns->cfg = *cfg;
	txns->t1_ns = cfg->t1_ms * RLN_MS;
	txns->t2_ns = cfg->t2_ms * RLN_MS;
	txns->t4_ns = cfg->t4_ms * RLN_MS;
	rc = rln_slots_create(&txns->slots, &slots);
	if (rc < 0)
		goto out;
	rc = rln_sip_index_init(&txns->index, cfg->capacity);
	if (rc < 0)
		goto out;
	*out = txns;
	return 0;
out:
	rln_slots_destroy(txns->slots);
	rln_free(txns);
	return rc;
}

void rln_txns_destroy(struct rln_txns *txns)
{
	struct rln_txn *txn;
	uint32_t cursor = 0;
	uint64_t id;

	if (!txns)
		return;
	while ((txn = rln_slots_next(txns->slots, &cursor, &id)) != NULL)
		rln_txn_end(txn);
	rln_sip_index_fini(&txns->index);
	rln_slots_destroy(txns->slots);
	rln_free(txns);
}

/* New calls leave one slot in eight to the requests that end and manage the others. */
void *rln_txns_add(struct rln_txns *txns, enum rln_sip_method method, uint64_t *id)
{
	uint32_t kept = method == RLN_SIP_INVITE ? txns->cfg.capacity / 8 : 0;

	return rln_slots_in_use(txns->slots) < txns->cfg.capacity - kept ? rln_slots_add(txns->slots, id) : NULL;
}

struct rln_txn *rln_txn_get(const struct rln_txns *txns, uint64_t id)
{
	return rln_slots_get(txns->slots, id);
}

struct rln_txn *rln_txn_of_retry(struct rln_timer *timer)
{
	return (struct rln_txn *)((char *)timer - offsetof(struct rln_txn, retry));
}

struct rln_txn *rln_txn_of_life(struct rln_timer *timer)
{
	return (struct rln_txn *)((char *)timer - offsetof(struct rln_txn, life));
}

bool rln_txn_keep(struct rln_txn *txn, const char *text, size_t len)
{
	char *copy = text ? rln_alloc(len) : NULL;

	if (copy)
		memcpy(copy, text, len);
	rln_free(txn->text);
	txn->text = copy;
	txn->text_len = copy ? (uint32_t)len : 0;
	return copy || !text;
}

int rln_txn_transmit(struct rln_txn *txn, const char *text, size_t len)
{
	const struct rln_txns_cfg *cfg = &txn->all->cfg;

	return cfg->send(cfg->arg, text, len, &txn->local, &txn->remote, txn->worker);
}

int rln_txn_retransmit(struct rln_txn *txn)
{
	if (!txn->text)
		return 0;
	rln_count(RLN_C_SIP_RETRANSMIT_OUT);
	return rln_txn_transmit(txn, txn->text, txn->text_len);
}

void rln_txn_arm(struct rln_txn *txn, struct rln_timer *timer, void (*fire)(struct rln_timer *, uint64_t), uint64_t after_ns)
{
	timer->fire = fire;
	rln_wheel_arm(txn->all->cfg.wheel, timer, rln_wheel_now(txn->all->cfg.wheel) + after_ns);
}

void rln_txn_unlink(struct rln_txn *txn)
{
	if (!txn->pprev)
		return;
	*txn->pprev = txn->next;
	if (txn->next)
		txn->next->pprev = txn->pprev;
	txn->pprev = NULL;
}

void rln_txn_end(struct rln_txn *txn)
{
	struct rln_txns *txns = txn->all;

	rln_wheel_disarm(txns->cfg.wheel, &txn->retry);
	rln_wheel_disarm(txns->cfg.wheel, &txn->life);
	rln_txn_unlink(txn);
	if (txn->key)
		rln_sip_index_del(&txns->index, txn->key, txn->id);
	rln_free(txn->text);
	rln_block_release(txn->request);
	rln_slots_del(txns->slots, txn->id);
}

void rln_txn_on_end(struct rln_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	rln_txn_end(rln_txn_of_life(timer));
}

/* The transport's one way to the bus. 0, also when the event waits in the backlog, or -errno. */
static int publish(struct rln_txns *txns, const struct rln_event *ev)
{
	int rc = rln_bus_publish(txns->cfg.bus, ev);

	if (rc != 0 && rc != -EAGAIN)
		rln_log(RLN_LOG_WARNING, ev->id, "%s not delivered: %s", rln_event_info(rln_event_kind(ev))->name, strerror(-rc));
	return rc == -EAGAIN ? 0 : rc;
}

void rln_txn_fail(struct rln_txn *txn, int error)
{
	struct rln_event ev = {.kind = RLN_EV_TRANSPORT_ERROR, .id = txn->owner};
	struct rln_txns *txns = txn->all;

	ev.transport_error.transaction_id = txn->id;
	ev.transport_error.error = error;
	rln_txn_end(txn);
	publish(txns, &ev);
}

int rln_txns_publish_request(struct rln_txns *txns, const struct rln_sip_msg *msg, uint64_t owner, uint64_t id)
{
	struct rln_event ev = {.kind = RLN_EV_SIP_MESSAGE_RECEIVED, .id = owner};
	struct rln_ev_sip_message_received *p = &ev.sip_message_received;

	p->block = msg->block;
	p->headers = msg->headers;
	p->body = msg->body;
	p->source = msg->source;
	p->method = msg->method;
	p->transaction_id = id;
	return publish(txns, &ev);
}

void rln_txns_publish_response(struct rln_txns *txns, const struct rln_sip_msg *msg, uint64_t owner, uint64_t id)
{
	struct rln_event ev = {.kind = RLN_EV_SIP_RESPONSE_RECEIVED, .id = owner};
	struct rln_ev_sip_response_received *p = &ev.sip_response_received;

	p->block = msg->block;
	p->reason_phrase = msg->reason;
	p->headers = msg->headers;
	p->body = msg->body;
	p->transaction_id = id;
	p->status_code = msg->status;
	publish(txns, &ev);
}

void rln_txn_set_owner(struct rln_txns *txns, struct rln_txn_id id, uint64_t owner)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	if (txn)
		txn->owner = owner;
}

uint64_t rln_txn_owner(const struct rln_txns *txns, struct rln_txn_id id)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	return txn ? txn->owner : 0;
}

void rln_txn_set_local(struct rln_txns *txns, struct rln_txn_id id, const struct rln_addr *local)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	if (!txn)
		return;
	txn->local = *local;
	txn->has_local = true;
}

struct rln_sip_msg *rln_txn_request(const struct rln_txns *txns, struct rln_txn_id id)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	return txn && txn->request ? rln_sip_msg_of(txn->request) : NULL;
}

bool rln_txn_has_provisional(const struct rln_txns *txns, struct rln_txn_id id)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	return txn && txn->kind == RLN_TXN_ICT && txn->state == RLN_TXN_PROCEEDING;
}

bool rln_txn_is_open(const struct rln_txns *txns, struct rln_txn_id id)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	return txn && txn->kind == RLN_TXN_ICT && txn->state <= RLN_TXN_PROCEEDING;
}

void rln_txn_drop(struct rln_txns *txns, struct rln_txn_id id)
{
	struct rln_txn *txn = rln_txn_get(txns, id.v);

	if (txn)
		rln_txn_end(txn);
}

uint32_t rln_txns_in_use(const struct rln_txns *txns)
{
	return rln_slots_in_use(txns->slots);
}
