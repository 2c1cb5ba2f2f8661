/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of ringlane.h: the coordinator, every call of the process. */
#pragma once

#include "session/ringlane_handler.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rln_coordinator;

struct rln_coordinator_options {
	const char *name;   /* user part of our own address */
	uint16_t port;      /* SIP port */
};

/* The handlers' structs are copied. NULL options: name "ringlane", the config's SIP port. */
struct rln_coordinator *rln_coordinator_new(const struct rln_coordinator_options *options, const struct rln_call_handler *handler);
struct rln_coordinator *rln_coordinator_with_handler(const struct rln_coordinator_options *options, const struct rln_signalling_handler *handler);
int rln_coordinator_start(struct rln_coordinator *c);
/* Ends its calls and takes its port out of service. */
void rln_coordinator_stop(struct rln_coordinator *c);
void rln_coordinator_free(struct rln_coordinator *c);

/* sdp NULL: ringlane makes the offer. {0} with errno. */
struct rln_session_id rln_coordinator_create_outgoing_call(struct rln_coordinator *c, const char *from, const char *to, const char *sdp);
int rln_coordinator_terminate_session(struct rln_coordinator *c, struct rln_session_id id);
int rln_coordinator_accept(struct rln_coordinator *c, struct rln_session_id id);
int rln_coordinator_reject(struct rln_coordinator *c, struct rln_session_id id, uint16_t code);
/* Runs callbacks until timeout_ms have passed or one event was handled. Events handled, or a negative code. */
int rln_coordinator_run(struct rln_coordinator *c, int timeout_ms);
/* Waits for an event by kind and, unless event->id is 0, by session; callbacks of other events run meanwhile. */
int rln_coordinator_wait_for_event_timeout(struct rln_coordinator *c, struct rln_event *event, int timeout_ms);
/* Sessions of the process that are not yet cleaned up. */
unsigned rln_coordinator_sessions(const struct rln_coordinator *c);

#ifdef __cplusplus
}
#endif
