/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SIP over UDP between the workers' datagram rings and the transactions; the sip room's one entrance and exit.
 * It parses what comes in, matches it to a transaction (txn.h), and publishes SIP_MESSAGE_RECEIVED, SIP_RESPONSE_RECEIVED and
 * TRANSPORT_ERROR for the dialog layer; it is the handler of SEND_SIP_MESSAGE and SEND_SIP_RESPONSE. owner: control lcore.
 */
#pragma once

#include "lcore/bus.h"
#include "lcore/net/net.h"
#include "lcore/wheel.h"
#include "sip/txn.h"

struct rln_transport;

struct rln_transport_cfg {
	struct rln_bus *bus;
	struct rln_wheel *wheel;          /* control's */
	struct rln_net_shared *net;
	uint16_t port;                    /* our SIP port on every local address */
	uint32_t transactions;            /* table size; beyond it new requests get 503 with Retry-After, INVITEs already beyond 7/8 of it */
	uint32_t t1_ms, t2_ms, t4_ms;     /* 500, 4000, 5000 */
	uint16_t retry_after_s;           /* of that 503 */
	const char *server;               /* Server and User-Agent value; not copied */
};

/* Also registers as handler of dialog_to_transport. 0 or -errno. Before the lcores run. */
int rln_transport_create(struct rln_transport **out, const struct rln_transport_cfg *cfg) __attribute__((warn_unused_result));
void rln_transport_destroy(struct rln_transport *tp);
struct rln_txns *rln_transport_txns(struct rln_transport *tp);
/* Who carries out REGISTER_ENDPOINT and UNREGISTER_ENDPOINT; NULL: nobody. The dialog layer sets it, before the lcores run. */
void rln_transport_set_registrar(struct rln_transport *tp, void (*handle)(void *arg, const struct rln_event *ev), void *arg);
/* Task of the control loop: takes datagrams from all workers. */
unsigned rln_transport_poll(void *tp, uint64_t now_ns);
/* Sends a datagram outside any transaction (ACK to a 2xx, stateless answers): from `local` to `remote` by `worker`. 0 or
 * -errno. */
int rln_transport_send(struct rln_transport *tp, const char *text, size_t len,
	const struct rln_addr *local, const struct rln_addr *remote, unsigned worker);
/* The worker by which requests to one hop leave: always the same, so that an ACK and the BYE behind it keep their order. */
unsigned rln_transport_worker_for(const struct rln_transport *tp, const struct rln_addr *remote);
/* Our address and port as the peer `remote` should see them (Via, Contact). 0 or -ENETUNREACH. */
int rln_transport_local_for(const struct rln_transport *tp, const struct rln_addr *remote, struct rln_addr *local);
