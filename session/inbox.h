/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One subscriber's events shared out among the application's threads that wait for parts of them: a peer has one ring, each of its calls may be waited on by
 * another thread. Leader and followers: the first thread that waits reads the ring for all, the others sleep on a condition until what they
 * look for was taken in. The lock is an application-side one; the control lcore never sees it.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "session/subscribers.h"

struct rln_inbox { /* owner: the peer or coordinator that embeds it */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct rln_sub *sub;
	bool leading; /* some thread is reading the ring */
	bool ended;   /* nothing more will come */
	void (*take)(void *owner, const struct rln_event *ev); /* each event once, in order, under the lock; its block goes back afterwards */
	void *owner;
};

/* Takes over `sub`. */
void rln_inbox_init(struct rln_inbox *inbox, struct rln_sub *sub, void (*take)(void *owner, const struct rln_event *ev), void *owner);
void rln_inbox_fini(struct rln_inbox *inbox);
/*
 * Until `ready(arg)` (asked under the lock) is true, reading the ring meanwhile; timeout_ms < 0 waits for ever. 0; RLN_ETIMEDOUT; RLN_EENDED when nothing more
 * will come and it is still false.
 */
int rln_inbox_wait(struct rln_inbox *inbox, bool (*ready)(void *arg), void *arg, int timeout_ms);
/* Takes in what is there already, without waiting. */
void rln_inbox_drain(struct rln_inbox *inbox);
