/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: subscriptions to events. */
#pragma once

#include "session/ringlane_coordinator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Events of one session ({0}: of all) on a ring of their own. A slow reader loses only its own events, counted. */
struct rln_subscriber;
struct rln_subscriber *rln_coordinator_subscribe_to_session_events(struct rln_coordinator *c, struct rln_session_id id);
/* 0 and the next event, RLN_ETIMEDOUT, RLN_EENDED. A block in the event is the caller's until rln_subscriber_release(). */
int rln_subscriber_next(struct rln_subscriber *s, struct rln_event *event, int timeout_ms);
const char *rln_subscriber_text(struct rln_subscriber *s, const struct rln_event *event, struct rln_slice slice, size_t *len);
void rln_subscriber_release(struct rln_subscriber *s, struct rln_event *event);
int rln_subscriber_fd(const struct rln_subscriber *s); /* readable while events wait */
void rln_subscriber_free(struct rln_subscriber *s);

#ifdef __cplusplus
}
#endif
