/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams from the workers to messages, and messages to datagrams for the workers. What comes in is parsed here and
 * matched in txn.c; what goes out comes as events, except for the ACK to a 2xx, which belongs to no transaction. owner:
 * control lcore.
 *
 * Several ports of ours stand for several peers in one process: msg->local says which one a message came to. Which ports are
 * ours is not known here: the net asks the placement before a datagram gets this far.
 */
#include "sip/transport.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/build.h"
#include "sip/txn_priv.h"

#define DATAGRAM_MAX 65507 /* 65,535 - 20 - 8: the most that UDP over IPv4 carries */

struct rln_transport { /* owner: control lcore */
	struct rln_transport_cfg cfg;
	struct rln_txns *txns;
	void (*registrar)(void *arg, const struct rln_event *ev); /* NULL: none */
	void *registrar_arg;
	char gathered[DATAGRAM_MAX + 1]; /* a datagram that came in several mbufs */
};

/* ---- out ---- */

/* One mbuf, or a chain when the text is longer than a buffer. */
static struct rte_mbuf *mbuf_of(struct rte_mempool *pool, const char *text, size_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *tail = head;

	while (head) {
		uint16_t room = rte_pktmbuf_tailroom(tail);
		uint16_t n = len < room ? (uint16_t)len : room;

		memcpy(rte_pktmbuf_mtod(tail, char *), text, n);
		tail->data_len = n;
		head->pkt_len += n;
		text += n;
		len -= n;
		if (len == 0)
			return head;
		tail->next = rte_pktmbuf_alloc(pool);
		if (!tail->next)
			break;
		head->nb_segs++;
		tail = tail->next;
	}
	rte_pktmbuf_free(head);
	return NULL;
}

int rln_transport_send(struct rln_transport *tp, const char *text, size_t len, const struct rln_addr *local,
	const struct rln_addr *remote, unsigned worker)
{
	const struct rln_net_shared *net = tp->cfg.net;
	struct rln_addr source;
	struct rte_mbuf *m;

	if (len == 0 || len > DATAGRAM_MAX)
		return -EMSGSIZE;
	if (remote->port == 0 || rln_net_source_for(net, remote, &source) < 0)
		return -ENETUNREACH;
	if (worker >= net->workers)
		worker = 0;
	m = mbuf_of(net->pool, text, len);
	if (!m)
		goto lost;
	*rln_pkt(m) = (struct rln_pkt){
		.src = *local, .dst = *remote, .op = RLN_PKT_DATAGRAM, .worker = (uint8_t)worker, .leg = UINT32_MAX};
	if (rte_ring_sp_enqueue(net->from_control[worker], m) == 0)
		return 0;
	rte_pktmbuf_free(m);
lost:
	rln_count(RLN_C_SIP_SEND_LOST);
	return -ENOBUFS;
}

static int send_for_txn(
	void *arg, const char *text, size_t len, const struct rln_addr *local, const struct rln_addr *remote, unsigned worker)
{
	return rln_transport_send(arg, text, len, local, remote, worker);
}

unsigned rln_transport_worker_for(const struct rln_transport *tp, const struct rln_addr *remote)
{
	return (unsigned)(rln_hash(remote, sizeof(*remote)) % tp->cfg.net->workers);
}

int rln_transport_local_for(const struct rln_transport *tp, const struct rln_addr *remote, struct rln_addr *local)
{
	if (rln_net_source_for(tp->cfg.net, remote, local) < 0)
		return -ENETUNREACH;
	local->port = tp->cfg.port;
	return 0;
}

static void on_send_message(struct rln_transport *tp, const struct rln_event *ev)
{
	const struct rln_ev_send_sip_message *p = &ev->send_sip_message;
	size_t len = rln_build_block_len(p->block, p->headers, p->body);
	const char *text = rln_block_data(p->block);
	unsigned worker = rln_transport_worker_for(tp, &p->destination);
	struct rln_addr local = {0};

	/* Without a route `local` stays empty, and sending fails for the same reason: that is reported there. */
	if (!rln_txns_local(tp->txns, p->transaction_id))
		rln_transport_local_for(tp, &p->destination, &local);
	if (p->transaction_id)
		rln_txns_send_request(tp->txns, p->transaction_id, text, len, &local, &p->destination, worker);
	else if (rln_transport_send(tp, text, len, &local, &p->destination, worker) < 0)
		rln_log(RLN_LOG_WARNING, ev->id, "%s not sent", rln_sip_method_name((enum rln_sip_method)p->method));
}

static void on_send_response(struct rln_transport *tp, const struct rln_ev_send_sip_response *p)
{
	rln_txns_send_response(tp->txns, p->transaction_id, p->status_code, rln_block_data(p->block),
		rln_build_block_len(p->block, p->headers, p->body));
}

static void handle(void *arg, const struct rln_event *ev)
{
	enum rln_event_kind kind = rln_event_kind(ev);
	const struct rln_transport *tp = arg;

	if (kind == RLN_EV_SEND_SIP_MESSAGE) {
		on_send_message(arg, ev);
	} else if (kind == RLN_EV_SEND_SIP_RESPONSE) {
		on_send_response(arg, &ev->send_sip_response);
	} else if (tp->registrar) { /* what is left of this category are its orders */
		tp->registrar(tp->registrar_arg, ev);
	} else {
		rln_count(RLN_C_BUS_NO_HANDLER);
		rln_log(RLN_LOG_WARNING, ev->id, "the transport has no use for %s", rln_event_info(kind)->name);
	}
}

/* ---- in ---- */

/* 503 without a transaction: its tag is a hash, so repetitions get the same answer (8.2.7). */
static void refuse(struct rln_transport *tp, const struct rln_sip_msg *msg)
{
	struct rln_addr to;
	struct rln_text t;

	rln_count(RLN_C_SIP_OVERLOAD);
	rln_text_init(&t, tp->gathered, sizeof(tp->gathered));
	rln_build_response(&t, msg, 503, NULL, NULL, false);
	rln_text_printf(&t, "Retry-After: %u\r\n", tp->cfg.retry_after_s);
	if (tp->cfg.server)
		rln_text_printf(&t, "Server: %s\r\n", tp->cfg.server);
	rln_build_body(&t, NULL, NULL, 0);
	rln_build_response_target(msg, &to);
	if (!t.full)
		rln_transport_send(tp, t.buf, t.len, &msg->local, &to, msg->worker); /* lost: the client asks again */
}

static void on_message(struct rln_transport *tp, struct rln_sip_msg *msg)
{
	if (msg->status) {
		rln_txns_on_response(tp->txns, msg);
		return;
	}
	if (msg->method == RLN_SIP_ACK && msg->fault.status) { /* an ACK is never answered, and a bad one acknowledges nothing */
		rln_count(RLN_C_SIP_MALFORMED);
		rln_block_release(msg->block);
		return;
	}
	if (rln_txns_on_request(tp->txns, msg) < 0) {
		refuse(tp, msg);
		rln_block_release(msg->block);
	}
}

/* RFC 5626 3.5.1, and the zero bytes that some phones send instead. */
static bool is_keepalive(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' && text[i] != '\n' && text[i] != 0)
			return false;
	return true;
}

static void on_datagram(struct rln_transport *tp, const struct rte_mbuf *m)
{
	const struct rln_pkt *pkt = rln_pkt((struct rte_mbuf *)(uintptr_t)m);
	const char *text = m->pkt_len <= DATAGRAM_MAX ? rte_pktmbuf_read(m, 0, m->pkt_len, tp->gathered) : NULL;
	struct rln_sip_msg *msg;
	int rc;

	if (text && is_keepalive(text, m->pkt_len)) {
		rln_count(RLN_C_SIP_KEEPALIVE);
		return;
	}
	rc = text ? rln_sip_parse(&msg, text, m->pkt_len, &pkt->src, &pkt->dst) : -EBADMSG;
	if (rc == -EBADMSG)
		rln_count(RLN_C_SIP_MALFORMED);
	if (rc < 0)
		return;
	msg->worker = pkt->worker;
	msg->rx_ns = pkt->rx_ns;
	on_message(tp, msg);
}

static void on_packet(struct rln_transport *tp, const struct rte_mbuf *m)
{
	const struct rln_pkt *pkt = rln_pkt((struct rte_mbuf *)(uintptr_t)m);

	if (pkt->op == RLN_PKT_UNREACH)
		rln_txns_on_unreach(tp->txns, &pkt->dst, pkt->error);
	else
		on_datagram(tp, m);
}

unsigned rln_transport_poll(void *arg, uint64_t now_ns)
{
	struct rln_transport *tp = arg;
	struct rte_mbuf *m[RLN_BURST];
	unsigned total = 0;

	(void)now_ns; /* transactions go by the wheel, which the loop has advanced */
	for (unsigned w = 0; w < tp->cfg.net->workers; w++) {
		unsigned n = rte_ring_sc_dequeue_burst(tp->cfg.net->to_control[w], (void **)m, RLN_BURST, NULL);

		for (unsigned i = 0; i < n; i++)
			on_packet(tp, m[i]);
		rte_pktmbuf_free_bulk(m, n);
		total += n;
	}
	return total;
}

/* ---- life ---- */

int rln_transport_create(struct rln_transport **out, const struct rln_transport_cfg *cfg)
{
	struct rln_transport *tp = rln_zalloc(sizeof(*tp));
	struct rln_event_handler handler = {.handle = handle, .arg = tp, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_txns_cfg txns = {.bus = cfg->bus,
		.wheel = cfg->wheel,
		.capacity = cfg->transactions,
		.t1_ms = cfg->t1_ms,
		.t2_ms = cfg->t2_ms,
		.t4_ms = cfg->t4_ms,
		.send = send_for_txn,
		.arg = tp};
	int rc;

	if (!tp)
		return -ENOMEM;
	rln_sip_parser_init();
	tp->cfg = *cfg;
	rc = rln_txns_create(&tp->txns, &txns);
	if (rc < 0)
		goto out;
	rc = rln_bus_register_handler(cfg->bus, RLN_CAT_D2T, &handler);
	if (rc < 0)
		goto out;
	*out = tp;
	return 0;
out:
	rln_transport_destroy(tp);
	return rc;
}

void rln_transport_destroy(struct rln_transport *tp)
{
	if (!tp)
		return;
	rln_txns_destroy(tp->txns);
	rln_free(tp);
}

struct rln_txns *rln_transport_txns(struct rln_transport *tp)
{
	return tp->txns;
}

void rln_transport_set_registrar(struct rln_transport *tp, void (*handle)(void *arg, const struct rln_event *ev), void *arg)
{
	tp->registrar = handle;
	tp->registrar_arg = arg;
}
