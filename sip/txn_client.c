/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client transactions: RFC 3261 17.1 over UDP, INVITE with the Accepted state of RFC 6026 7.2.
 *
 * A branch is "z9hG4bK", 16 hexadecimal digits of a keyed hash of the handle, and the handle's slot and generation in 13: a
 * response names its transaction, and a branch that is not ours is told from one that is without looking anywhere.
 */
#include "sip/txn_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/count.h"
#include "lcore/secure.h"
#include "sip/build.h"

#define COOKIE     "z9hG4bK"
#define COOKIE_LEN 7
#define BRANCH_LEN (COOKIE_LEN + 16 + 13)
_Static_assert(BRANCH_LEN < RLN_BRANCH_MAX, "a branch and its NUL");

#define HANDLE_MASK ((UINT64_C(1) << (RLN_ID_SLOT_BITS + 32)) - 1)

static void write_branch(uint64_t id, char branch[RLN_BRANCH_MAX])
{
	snprintf(branch, RLN_BRANCH_MAX, COOKIE "%016llx%013llx", (unsigned long long)rln_hash(&id, sizeof(id)),
		(unsigned long long)(id & HANDLE_MASK));
}

static bool read_hex(const char *s, size_t len, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(s[i] - '0');

		if (digit > 9)
			digit = s[i] >= 'a' && s[i] <= 'f' ? (unsigned)(s[i] - 'a') + 10 : 16;
		if (digit > 15)
			return false;
		v = v << 4 | digit;
	}
	*out = v;
	return true;
}

/* The transaction that wrote this branch; NULL when none of ours did, or it is over. */
static struct rln_txn *find(const struct rln_txns *txns, const char *branch, size_t len)
{
	uint64_t hash, handle, id;

	if (len != BRANCH_LEN || memcmp(branch, COOKIE, COOKIE_LEN) != 0)
		return NULL;
	if (!read_hex(branch + COOKIE_LEN, 16, &hash) || !read_hex(branch + COOKIE_LEN + 16, 13, &handle))
		return NULL;
	id = rln_id_make(RLN_ID_TXN, 0, rln_id_slot(handle), rln_id_generation(handle));
	return rln_hash(&id, sizeof(id)) == hash ? rln_txn_get(txns, id) : NULL;
}

struct rln_txn_id rln_txn_new_client(struct rln_txns *txns, enum rln_sip_method method, char branch[RLN_BRANCH_MAX])
{
	struct rln_txn *invite = NULL, *txn;
	uint64_t id;

	txn = rln_txns_add(txns, method, &id);
	if (!txn)
		return (struct rln_txn_id){0};
	if (method == RLN_SIP_CANCEL)
		invite = find(txns, branch, strnlen(branch, RLN_BRANCH_MAX));
	if (invite)
		invite->cancel = id;
	else
		write_branch(id, branch);
	txn->all = txns;
	txn->id = id;
	txn->kind = method == RLN_SIP_INVITE ? RLN_TXN_ICT : RLN_TXN_NICT;
	txn->method = (uint8_t)method;
	txn->state = RLN_TXN_IDLE;
	return (struct rln_txn_id){id};
}

const struct rln_addr *rln_txns_local(const struct rln_txns *txns, uint64_t id)
{
	const struct rln_txn *txn = rln_txn_get(txns, id);

	return txn && txn->has_local ? &txn->local : NULL;
}

static struct rln_txn **bucket(struct rln_txns *txns, const struct rln_addr *remote)
{
	return &txns->remotes[rln_hash(remote, sizeof(*remote)) & (RLN_TXN_REMOTES - 1)];
}

static void link_remote(struct rln_txn *txn)
{
	struct rln_txn **head = bucket(txn->all, &txn->remote);

	txn->next = *head;
	txn->pprev = head;
	if (txn->next)
		txn->next->pprev = &txn->next;
	*head = txn;
}

/* Timers A and E (17.1.1.2, 17.1.2.2): A doubles without bound until B, E up to T2, and is T2 once a provisional came. */
static void on_retry(struct rln_timer *timer, uint64_t now_ns)
{
	struct rln_txn *txn = rln_txn_of_retry(timer);
	const struct rln_txns *txns = txn->all;
	int rc = rln_txn_retransmit(txn);

	(void)now_ns;
	if (rc < 0 && rc != -ENOBUFS) {
		rln_txn_fail(txn, -rc);
		return;
	}
	txn->interval_ns *= 2;
	if (txn->kind == RLN_TXN_NICT && (txn->interval_ns > txns->t2_ns || txn->state == RLN_TXN_PROCEEDING))
		txn->interval_ns = txns->t2_ns;
	rln_txn_arm(txn, &txn->retry, on_retry, txn->interval_ns);
}

/* Timers B and F. */
static void on_timeout(struct rln_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	rln_txn_fail(rln_txn_of_life(timer), ETIMEDOUT);
}

void rln_txns_send_request(struct rln_txns *txns, uint64_t id, const char *text, size_t len, const struct rln_addr *local,
	const struct rln_addr *remote, unsigned worker)
{
	struct rln_txn *txn = rln_txn_get(txns, id);
	int rc;

	if (!txn || txn->kind > RLN_TXN_NICT || txn->state != RLN_TXN_IDLE)
		return;
	if (!txn->has_local)
		txn->local = *local;
	txn->remote = *remote;
	txn->worker = (uint8_t)worker;
	rc = rln_txn_keep(txn, text, len) ? rln_txn_transmit(txn, text, len) : -ENOMEM;
	if (rc < 0 && rc != -ENOBUFS) {
		rln_txn_fail(txn, -rc);
		return;
	}
	txn->state = RLN_TXN_TRYING;
	txn->interval_ns = txns->t1_ns;
	link_remote(txn);
	rln_txn_arm(txn, &txn->retry, on_retry, txns->t1_ns);
	rln_txn_arm(txn, &txn->life, on_timeout, 64 * txns->t1_ns);
}

unsigned rln_txns_on_unreach(struct rln_txns *txns, const struct rln_addr *remote, int error)
{
	struct rln_txn *txn = *bucket(txns, remote), *next;
	unsigned n = 0;

	for (; txn; txn = next) {
		next = txn->next;
		if (!rln_addr_equal(&txn->remote, remote))
			continue;
		rln_txn_fail(txn, error);
		n++;
	}
	return n;
}

/* 17.1.1.3: built once, and again sent for each repeated refusal. */
static void acknowledge(struct rln_txn *txn, const struct rln_sip_msg *msg)
{
	struct rln_text t;

	rln_text_init(&t, txn->all->scratch, sizeof(txn->all->scratch));
	rln_build_ack(&t, txn->text, txn->text_len, msg);
	if (t.full) {
		rln_txn_keep(txn, NULL, 0);
		return;
	}
	rln_txn_transmit(txn, t.buf, t.len); /* if it is lost, the refusal comes again */
	rln_txn_keep(txn, t.buf, t.len);
}

static void on_first_response(struct rln_txn *txn)
{
	rln_wheel_disarm(txn->all->cfg.wheel, &txn->life);
	rln_wheel_disarm(txn->all->cfg.wheel, &txn->retry);
	rln_txn_unlink(txn);
}

/* Is it for the user? */
static bool on_invite_response(struct rln_txn *txn, const struct rln_sip_msg *msg)
{
	const struct rln_txns *txns = txn->all;

	switch ((enum rln_txn_state)txn->state) {
	case RLN_TXN_TRYING:
	case RLN_TXN_PROCEEDING:
		on_first_response(txn);
		if (msg->status < 200) {
			txn->state = RLN_TXN_PROCEEDING;
		} else if (msg->status < 300) {
			txn->state = RLN_TXN_ACCEPTED;
			rln_txn_keep(txn, NULL, 0);
			rln_txn_arm(txn, &txn->life, rln_txn_on_end, 64 * txns->t1_ns); /* M */
		} else {
			txn->state = RLN_TXN_COMPLETED;
			acknowledge(txn, msg);
			rln_txn_arm(txn, &txn->life, rln_txn_on_end, 64 * txns->t1_ns); /* D: at least 32 s */
		}
		return true;
	case RLN_TXN_COMPLETED:
		rln_count(RLN_C_SIP_RETRANSMIT_IN);
		if (msg->status >= 300)
			rln_txn_retransmit(txn);
		return false;
	case RLN_TXN_ACCEPTED: /* the user ends retransmitted and forked 2xx with its ACK (13.2.2.4) */
		return msg->status >= 200 && msg->status < 300;
	case RLN_TXN_IDLE:
	case RLN_TXN_CONFIRMED:
		break;
	}
	return false;
}

static bool on_other_response(struct rln_txn *txn, const struct rln_sip_msg *msg)
{
	switch ((enum rln_txn_state)txn->state) {
	case RLN_TXN_TRYING:
	case RLN_TXN_PROCEEDING:
		if (msg->status < 200) {
			txn->state = RLN_TXN_PROCEEDING;
			return true;
		}
		on_first_response(txn);
		txn->state = RLN_TXN_COMPLETED;
		rln_txn_keep(txn, NULL, 0);
		rln_txn_arm(txn, &txn->life, rln_txn_on_end, txn->all->t4_ns); /* K */
		return true;
	case RLN_TXN_COMPLETED:
		rln_count(RLN_C_SIP_RETRANSMIT_IN);
		return false;
	case RLN_TXN_IDLE:
	case RLN_TXN_CONFIRMED:
	case RLN_TXN_ACCEPTED:
		break;
	}
	return false;
}

/* 18.1.2: sent-by must be what we wrote. */
static bool is_our_via(const struct rln_txn *txn, const struct rln_sip_msg *msg)
{
	struct rln_addr sent_by;

	if (rln_addr_parse(&sent_by, rln_sip_text(msg, msg->via_host), msg->via_host.len) < 0)
		return false;
	sent_by.port = msg->via_port ? msg->via_port : 5060;
	return rln_addr_equal(&sent_by, &txn->local);
}

static struct rln_txn *match(const struct rln_txns *txns, const struct rln_sip_msg *msg)
{
	struct rln_txn *txn = find(txns, rln_sip_text(msg, msg->branch), msg->branch.len);

	if (txn && txn->kind == RLN_TXN_ICT && msg->method == RLN_SIP_CANCEL)
		txn = txn->cancel ? rln_txn_get(txns, txn->cancel) : NULL;
	if (!txn || txn->method != msg->method || txn->state == RLN_TXN_IDLE || msg->is_forwarded || !is_our_via(txn, msg))
		return NULL;
	return txn;
}

void rln_txns_on_response(struct rln_txns *txns, struct rln_sip_msg *msg)
{
	struct rln_txn *txn = match(txns, msg);
	bool is_new = false;

	if (!txn)
		rln_count(RLN_C_SIP_STRAY_RESPONSE);
	else
		is_new = txn->kind == RLN_TXN_ICT ? on_invite_response(txn, msg) : on_other_response(txn, msg);
	if (is_new)
		rln_txns_publish_response(txns, msg, txn->owner, txn->id);
	else
		rln_block_release(msg->block);
}
