/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Application subscribers: each has a ring of events of its own (one writer: control; one reader: an application thread) and an
 * eventfd. A slow reader loses only its own events, which are counted, and holds up nobody.
 *
 * What the ring holds are copies; an event's block is a copy too, which the reader owns and gives back by the subscriber's
 * return ring (R37). Order: as the coordinator published. Nothing that was published after rln_sub_create() returned is missed,
 * so: reserve a session's id, subscribe to it, then publish MAKE_CALL.
 *
 * Life: the application creates and destroys; the control lcore links a new one before it handles the next command and lets go
 * of a destroyed one by itself, so neither side waits. The second to let go frees. R39, R133: rln_subscriber_* of ringlane.h is
 * a thin wrapper of this.
 */
#pragma once

#include "lcore/event.h"

struct rln_subs; /* all of a coordinator's; owner: control lcore */
struct rln_sub;  /* owner: one application thread */

/* ---- application side: any thread, one at a time per subscriber ---- */

enum rln_sub_filter {
	RLN_SUB_ALL,     /* every session of the process */
	RLN_SUB_PEER,    /* every session of one local peer, INCOMING_CALL included */
	RLN_SUB_SESSION, /* one session */
};

#define RLN_SUB_NO_PEER (~0u)

struct rln_sub_cfg {
	enum rln_sub_filter filter;
	unsigned peer;                 /* PEER; RLN_SUB_NO_PEER: none until rln_sub_set_peer() */
	struct rln_session_id session; /* SESSION */
	uint32_t events;               /* room, a power of two; 0 = 64 for a session, 4096 otherwise */
};

/* 0, -EINVAL, -ENOMEM or -errno of eventfd(). */
int rln_sub_create(struct rln_sub **out, struct rln_subs *subs, const struct rln_sub_cfg *cfg)
	__attribute__((warn_unused_result));
/* Blocks that are still in the ring go back. `sub` is void from now on. Not while rln_subs_destroy() runs; before or after it. */
void rln_sub_destroy(struct rln_sub *sub);
/* The next event: 1; 0 when there is none now; -EPIPE: ended (its session was cleaned up, or the coordinator stopped) and
 * everything was read. A block in the event is the caller's until rln_sub_give_back(). */
int rln_sub_pop(struct rln_sub *sub, struct rln_event *ev);
/* Until rln_sub_pop() would not return 0; timeout_ms < 0 waits for ever. 1, 0 (timeout) or -EPIPE. */
int rln_sub_wait(struct rln_sub *sub, int timeout_ms);
/* For poll loops: readable once an event came after rln_sub_pop() had returned 0 (pop until then before each poll). */
int rln_sub_fd(const struct rln_sub *sub);
/* Returns an event's block, if it has one, and clears the reference. */
void rln_sub_give_back(struct rln_sub *sub, struct rln_event *ev);
/* Text of a slice of the event's block and its length; "" when absent. Valid until give_back. */
const char *rln_sub_text(const struct rln_event *ev, struct rln_slice slice, size_t *len);
/* Events that did not fit. */
uint64_t rln_sub_lost(const struct rln_sub *sub);

/* ---- coordinator's side: control lcore ---- */

/* `sessions` slots. 0 or -ENOMEM. Main thread. */
int rln_subs_create(struct rln_subs **out, uint32_t sessions) __attribute__((warn_unused_result));
/* Ends all that are left: their readers get -EPIPE. After the lcores ended. */
void rln_subs_destroy(struct rln_subs *subs);
/* Links new subscribers; before every command of an application. */
void rln_subs_link(struct rln_subs *subs);
/* A PEER subscriber's peer is known: before that peer's first event. Control lcore. */
void rln_sub_set_peer(struct rln_sub *sub, unsigned peer);
/* A session exists, and belongs to a peer: before its first event. */
void rln_subs_open(struct rln_subs *subs, struct rln_session_id session, unsigned peer);
/* A session was cleaned up: its subscribers end after what they have. */
void rln_subs_close(struct rln_subs *subs, struct rln_session_id session);
/* Fan-out of one event with a session id; copies its block for each reader. */
void rln_subs_deliver(struct rln_subs *subs, const struct rln_event *ev);
/* The same for an event of a local peer that belongs to no session, such as its registration: ALL and PEER subscribers. */
void rln_subs_deliver_peer(struct rln_subs *subs, unsigned peer, const struct rln_event *ev);
/* Housekeeping, each turn: takes back blocks, lets go of destroyed subscribers, looks at a few at a time. Returns what it did. */
unsigned rln_subs_housekeep(struct rln_subs *subs);
/* Subscribers that exist. Any thread, a snapshot. */
uint32_t rln_subs_in_use(const struct rln_subs *subs);
