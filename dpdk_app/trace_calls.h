/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which call a traced event belongs to, and where in it. Every event names a subject and a cause; a call is found by the subject
 * when that is known already, else by the Call-ID of the SIP message, else by the cause; what is learned is kept. So a call
 * that began before the trace does is put together from its next events.
 *
 * A new call begins with a SIP request of an unknown Call-ID, with MAKE_CALL, or with a session that the call of its cause
 * cannot be (another session is there already): a transfer's or a bridge's second call is a call of its own, and its first
 * line names the event of the other call that led to it.
 *
 * The tables have a fixed size and forget the oldest: a trace may run for days. owner: the trace's reader.
 */
#pragma once

#include "dpdk_app/trace_view.h"

struct rln_trace_calls;

struct rln_trace_place {
	uint32_t call;        /* counts from 1; 0: belongs to none */
	uint32_t step;        /* in it, from 1 */
	uint32_t cause_call, cause_step; /* 0: from outside, or forgotten */
	uint64_t since_ns;    /* since the call's first event; of none: since the trace began */
	bool is_new, is_over; /* the call's first event; the one after which nothing is expected */
};

int rln_trace_calls_create(struct rln_trace_calls **out) __attribute__((warn_unused_result));
void rln_trace_calls_destroy(struct rln_trace_calls *calls);
void rln_trace_calls_place(struct rln_trace_calls *calls, const struct rln_traced *t, struct rln_trace_place *out);
