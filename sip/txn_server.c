/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Server transactions: RFC 3261 17.2 over UDP, INVITE with the Accepted state of RFC 6026 7.1. The user's answers come through
 * rln_txns_send_response(); an INVITE that it has not answered within 200 ms gets its 100 from here.
 */
#include "sip/txn_priv.h"

#include <errno.h>
#include <string.h>

#include "lcore/count.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/build.h"

static uint64_t hash_slice(const struct rln_sip_msg *msg, struct rln_slice s)
{
	return s.len ? rln_hash(rln_sip_text(msg, s), s.len) : 0;
}

/*
 * 17.2.3: branch, sent-by and method. Without the cookie (RFC 2543): Request-URI, tags, Call-ID, CSeq and the top Via; an
 * ACK or CANCEL has its INVITE's, and the To tag is left out there, because an ACK's is the one that our answer brought in.
 */
static uint64_t key_of(const struct rln_sip_msg *msg, enum rln_sip_method method)
{
	uint64_t part[8] = {method == RLN_SIP_UNKNOWN ? hash_slice(msg, msg->method_text) : method};
	uint64_t key;

	if (!msg->is_2543) {
		part[1] = hash_slice(msg, msg->branch);
		part[2] = hash_slice(msg, msg->sent_by);
	} else {
		part[1] = hash_slice(msg, msg->request_uri.text);
		part[2] = hash_slice(msg, msg->from_tag);
		part[3] = hash_slice(msg, msg->call_id);
		part[4] = msg->cseq;
		part[5] = hash_slice(msg, msg->branch);
		part[6] = hash_slice(msg, msg->sent_by);
		part[7] = method == RLN_SIP_INVITE ? 0 : hash_slice(msg, msg->to_tag);
	}
	key = rln_hash(part, sizeof(part));
	return key ? key : 1; /* 0 = not in the index */
}

static struct rln_txn *find(const struct rln_txns *txns, const struct rln_sip_msg *msg, enum rln_sip_method method)
{
	uint32_t cursor = 0;
	uint64_t id = rln_sip_index_find(&txns->index, key_of(msg, method), &cursor);

	return id ? rln_txn_get(txns, id) : NULL;
}

struct rln_txn_id rln_txn_cancelled_by(const struct rln_txns *txns, const struct rln_sip_msg *cancel)
{
	struct rln_txn *txn = find(txns, cancel, RLN_SIP_INVITE);

	return (struct rln_txn_id){txn && txn->kind == RLN_TXN_IST ? txn->id : 0};
}

/* 17.2.1: the user is slow, and the client should stop resending. */
static void on_trying(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_txn *txn = rln_txn_of_retry(timer);
	struct rln_text t;

	(void)now_ns;
	rln_text_init(&t, txn->all->scratch, sizeof(txn->all->scratch));
	rln_build_response(&t, rln_sip_msg_of(txn->request), 100, NULL, NULL, false);
	rln_build_body(&t, NULL, NULL, 0);
	if (t.full)
		return;
	rln_txn_transmit(txn, t.buf, t.len);
	rln_txn_keep(txn, t.buf, t.len);
}

static int create(struct rln_txns *txns, struct rln_sip_msg *msg)
{
	uint64_t id;
	struct rln_txn *txn = rln_txns_add(txns, (enum rln_sip_method)msg->method, &id);
	int rc;

	if (!txn)
		return -ENOSPC;
	txn->all = txns;
	txn->id = id;
	txn->key = key_of(msg, (enum rln_sip_method)msg->method);
	txn->method = msg->method;
	txn->local = msg->local;
	txn->worker = msg->worker;
	rln_build_response_target(msg, &txn->remote);
	rln_block_hold(msg->block);
	txn->request = msg->block;
	rln_sip_index_add(&txns->index, txn->key, id);
	if (msg->method == RLN_SIP_INVITE) {
		txn->kind = RLN_TXN_IST;
		txn->state = RLN_TXN_PROCEEDING;
		rln_txn_arm(txn, &txn->retry, on_trying, RLN_TXN_TRYING_NS);
	} else {
		txn->kind = RLN_TXN_NIST;
		txn->state = RLN_TXN_TRYING;
		/* An answer after the client's timer F is of no use to anybody (RFC 4320 4.2). */
		rln_txn_arm(txn, &txn->life, rln_txn_on_end, 64 * txns->t1_ns);
	}
	rc = rln_txns_publish_request(txns, msg, 0, id);
	if (rc < 0)
		rln_txn_end(txn);
	return 0;
}

static void on_repeated(struct rln_txn *txn)
{
	rln_count(RLN_C_SIP_RETRANSMIT_IN);
	rln_txn_retransmit(txn);
}

/* 17.2.1: the ACK of a refusal ends its retransmission. True: it was ours. */
static bool on_ack(struct rln_txn *txn)
{
	switch ((enum rln_txn_state)txn->state) {
	case RLN_TXN_COMPLETED:
		txn->state = RLN_TXN_CONFIRMED;
		rln_wheel_disarm(txn->all->cfg.wheel, &txn->retry);
		rln_txn_keep(txn, NULL, 0);
		rln_txn_arm(txn, &txn->life, rln_txn_on_end, txn->all->t4_ns); /* I */
		return true;
	case RLN_TXN_CONFIRMED:
		rln_count(RLN_C_SIP_RETRANSMIT_IN);
		return true;
	case RLN_TXN_PROCEEDING:
		rln_count(RLN_C_SIP_STRAY_ACK);
		return true;
	case RLN_TXN_ACCEPTED: /* an RFC 2543 client's; RFC 3261's have a branch of their own */
	case RLN_TXN_IDLE:
	case RLN_TXN_TRYING:
		break;
	}
	return false;
}

int rln_txns_on_request(struct rln_txns *txns, struct rln_sip_msg *msg)
{
	bool is_ack = msg->method == RLN_SIP_ACK;
	struct rln_txn *txn = find(txns, msg, is_ack ? RLN_SIP_INVITE : (enum rln_sip_method)msg->method);

	if (!txn && !is_ack)
		return create(txns, msg);
	if (is_ack && (!txn || !on_ack(txn))) {
		rln_txns_publish_request(txns, msg, txn ? txn->owner : 0, 0);
		return 0;
	}
	if (!is_ack)
		on_repeated(txn);
	rln_block_release(msg->block);
	return 0;
}

/* Timer G: a refusal until its ACK comes or H ends it. */
static void on_retry(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_txn *txn = rln_txn_of_retry(timer);
	int rc = rln_txn_retransmit(txn);

	(void)now_ns;
	if (rc < 0 && rc != -ENOBUFS) {
		rln_txn_fail(txn, -rc);
		return;
	}
	txn->interval_ns = txn->interval_ns * 2 < txn->all->t2_ns ? txn->interval_ns * 2 : txn->all->t2_ns;
	rln_txn_arm(txn, &txn->retry, on_retry, txn->interval_ns);
}

/* Timer H: the client never acknowledged. */
static void on_timeout(struct rln_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	rln_txn_fail(rln_txn_of_life(timer), ETIMEDOUT);
}

static void forget_request(struct rln_txn *txn)
{
	rln_block_release(txn->request);
	txn->request = 0;
}

static void enter_final(struct rln_txn *txn, unsigned status)
{
	const struct rln_txns *txns = txn->all;

	rln_wheel_disarm(txns->cfg.wheel, &txn->retry);
	forget_request(txn);
	if (txn->kind == RLN_TXN_NIST) {
		txn->state = RLN_TXN_COMPLETED;
		rln_txn_arm(txn, &txn->life, rln_txn_on_end, 64 * txns->t1_ns); /* J */
	} else if (status < 300) {
		txn->state = RLN_TXN_ACCEPTED;
		rln_txn_keep(txn, NULL, 0);                                     /* the user repeats its 2xx (13.3.1.4) */
		rln_txn_arm(txn, &txn->life, rln_txn_on_end, 64 * txns->t1_ns); /* L */
	} else {
		txn->state = RLN_TXN_COMPLETED;
		txn->interval_ns = txns->t1_ns;
		rln_txn_arm(txn, &txn->retry, on_retry, txns->t1_ns);
		rln_txn_arm(txn, &txn->life, on_timeout, 64 * txns->t1_ns); /* H */
	}
}

void rln_txns_send_response(struct rln_txns *txns, uint64_t id, unsigned status, const char *text, size_t len)
{
	struct rln_txn *txn = rln_txn_get(txns, id);
	bool is_repeated_2xx = txn && txn->state == RLN_TXN_ACCEPTED && txn->kind == RLN_TXN_IST && status / 100 == 2;
	int rc;

	if (!txn || txn->kind < RLN_TXN_IST || (txn->state > RLN_TXN_PROCEEDING && !is_repeated_2xx))
		return;
	rc = rln_txn_transmit(txn, text, len);
	if (rc < 0 && rc != -ENOBUFS) {
		rln_txn_fail(txn, -rc);
		return;
	}
	if (is_repeated_2xx) {
		rln_count(RLN_C_SIP_RETRANSMIT_OUT);
		return;
	}
	if (txn->kind == RLN_TXN_IST && status / 100 == 2)
		rln_txn_keep(txn, NULL, 0);     /* the user repeats its 2xx (13.3.1.4) */
	else if (!rln_txn_keep(txn, text, len)) /* it went out once; a repeated request then finds nothing to be sent again */
		rln_log(RLN_LOG_WARNING, txn->owner, "no memory to repeat response %u", status);
	if (status >= 200) {
		enter_final(txn, status);
	} else {
		txn->state = RLN_TXN_PROCEEDING;
		rln_wheel_disarm(txns->cfg.wheel, &txn->retry);
	}
}
