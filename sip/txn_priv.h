/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the transaction layer: txn.c (table, matching, what goes up), txn_client.c (ICT, NICT), txn_server.c (IST,
 * NIST). owner of everything: control lcore. Time is the wheel's; the network is one function that the transport gives.
 *
 * Lookup is O(1). A client transaction's branch carries its own handle, behind a keyed hash of it that nobody can guess, so
 * a response needs no table. A server transaction is found by a 64-bit keyed hash of what RFC 3261 17.2.3 compares; among a
 * million of them a false match is one in 10^13.
 */
#pragma once

#include "lcore/bus.h"
#include "lcore/slots.h"
#include "lcore/wheel.h"
#include "sip/index.h"
#include "sip/txn.h"

#define RLN_TXN_SCRATCH   32768              /* the largest 100 or ACK that we write */
#define RLN_TXN_TRYING_NS (200 * 1000000ull) /* 17.2.1: the time in which the user may answer before 100 goes out */
#define RLN_TXN_REMOTES   4096               /* hash buckets of client transactions by remote address; a power of two */

enum rln_txn_state {
	RLN_TXN_IDLE,   /* client: has its branch, nothing sent yet */
	RLN_TXN_TRYING, /* client: sent, no response (RFC 3261 calls an INVITE's "Calling"); NIST: the user has not answered */
	RLN_TXN_PROCEEDING,
	RLN_TXN_COMPLETED,
	RLN_TXN_CONFIRMED, /* IST: the ACK of our refusal came */
	RLN_TXN_ACCEPTED,  /* INVITE after 2xx (RFC 6026) */
};

struct rln_txn {                /* owner: control lcore */
	struct rln_timer retry; /* A, E, G; IST: the 100 that is due */
	struct rln_timer life;  /* B, D, F, H, I, J, K, L, M */
	struct rln_txns *all;
	uint64_t id, owner;
	uint64_t key;                  /* server: in the index by it */
	uint64_t cancel;               /* ICT: the CANCEL with the same branch (9.1) */
	uint64_t interval_ns;          /* of the next retry */
	struct rln_txn *next, **pprev; /* client without any response: others whose remote has the same hash */
	char *text;                    /* what is retransmitted: request, its ACK, or the last response; NULL = nothing */
	uint32_t text_len;
	rln_block_ref request; /* server: until its final response; 0 = gone */
	struct rln_addr local, remote;
	uint8_t kind, state, method, worker; /* enum rln_txn_kind, rln_txn_state, rln_sip_method */
	bool has_local;
};
_Static_assert(sizeof(struct rln_txn) <= 512, "a transaction's budget, its last message apart");

struct rln_txns_cfg {
	struct rln_bus *bus;
	struct rln_wheel *wheel;
	uint32_t capacity;
	uint32_t t1_ms, t2_ms, t4_ms;
	/* 0; -ENOBUFS when the datagram is lost on our own side, which retransmission mends; any other -errno fails the
	 * transaction. */
	int (*send)(void *arg, const char *text, size_t len, const struct rln_addr *local, const struct rln_addr *remote,
		unsigned worker);
	void *arg;
};

struct rln_txns {
	struct rln_txns_cfg cfg;
	struct rln_slots *slots;
	struct rln_sip_index index;
	uint64_t t1_ns, t2_ns, t4_ns;
	struct rln_txn *remotes[RLN_TXN_REMOTES];
	char scratch[RLN_TXN_SCRATCH];
};

/* 0, -EINVAL or -ENOMEM. */
int rln_txns_create(struct rln_txns **out, const struct rln_txns_cfg *cfg) __attribute__((warn_unused_result));
/* Whatever still lives goes silently. */
void rln_txns_destroy(struct rln_txns *txns);

/* A request or response from the network; the message's reference is consumed. -ENOSPC: a new request, and the table is
 * full (reference not consumed). */
int rln_txns_on_request(struct rln_txns *txns, struct rln_sip_msg *msg) __attribute__((warn_unused_result));
void rln_txns_on_response(struct rln_txns *txns, struct rln_sip_msg *msg);
/* What the user sends; the text is copied. `local` counts when the transaction has none of its own. */
void rln_txns_send_request(struct rln_txns *txns, uint64_t id, const char *text, size_t len, const struct rln_addr *local,
	const struct rln_addr *remote, unsigned worker);
void rln_txns_send_response(struct rln_txns *txns, uint64_t id, unsigned status, const char *text, size_t len);
/* An ICMP error or an unresolved next hop: fails the requests to that address that nothing has answered yet. Their number. */
unsigned rln_txns_on_unreach(struct rln_txns *txns, const struct rln_addr *remote, int error);
/* The client transaction or NULL; does it have a source address of its own? */
const struct rln_addr *rln_txns_local(const struct rln_txns *txns, uint64_t id);

/* ---- for the two halves ---- */
/* A zeroed transaction and its handle; NULL: no room for that method. */
void *rln_txns_add(struct rln_txns *txns, enum rln_sip_method method, uint64_t *id) __attribute__((warn_unused_result));
struct rln_txn *rln_txn_get(const struct rln_txns *txns, uint64_t id);
struct rln_txn *rln_txn_of_retry(struct rln_timer *timer);
struct rln_txn *rln_txn_of_life(struct rln_timer *timer);
/* Remembers what is to be retransmitted in place of what was; false without memory. NULL: nothing any more. */
bool rln_txn_keep(struct rln_txn *txn, const char *text, size_t len);
int rln_txn_transmit(struct rln_txn *txn, const char *text, size_t len);
/* Sends what is kept once more, counted. */
int rln_txn_retransmit(struct rln_txn *txn);
void rln_txn_arm(struct rln_txn *txn, struct rln_timer *timer, void (*fire)(struct rln_timer *, uint64_t), uint64_t after_ns);
/* Frees the slot; the handle is stale from now on. */
void rln_txn_end(struct rln_txn *txn);
/* Timer that ends a transaction silently. */
void rln_txn_on_end(struct rln_timer *timer, uint64_t now_ns);
/* TRANSPORT_ERROR goes up, and the transaction ends. */
void rln_txn_fail(struct rln_txn *txn, int error);
/* Publish; each consumes the message's reference. 0 or -errno. */
int rln_txns_publish_request(struct rln_txns *txns, const struct rln_sip_msg *msg, uint64_t owner, uint64_t id);
void rln_txns_publish_response(struct rln_txns *txns, const struct rln_sip_msg *msg, uint64_t owner, uint64_t id);
void rln_txn_unlink(struct rln_txn *txn);
