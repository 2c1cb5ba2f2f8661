/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ringlane's public interface: the only header that an application includes. Standard C headers, opaque objects, no DPDK. It stands in
 * parts by topic; each compiles alone as C11 and as C++.
 *
 * Two levels. The simple peer (ringlane_peer.h, ringlane_call.h, ringlane_audio.h) makes and takes calls in a few lines and hides
 * everything else: softphones, peer to peer. The coordinator (ringlane_coordinator.h) adds handlers that decide on each incoming INVITE,
 * subscriptions to events and every call of the process: call centres, media servers.
 *
 *     struct rln_peer *alice = rln_peer_new("alice", 5060);
 *     struct rln_call *call = rln_peer_call(alice, "bob@198.18.0.2");
 *     if (call && rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 10000) == 0)
 *             rln_call_play(call, "hello.wav", 1);
 *
 * Threads: an object (peer, call, coordinator) is used by one thread at a time; different objects by any threads at once. Callbacks run
 * inside rln_coordinator_run() or any wait, on the thread that calls it. Ownership: what a function returns by pointer belongs to the caller
 * until the matching _free, unless its comment says otherwise; what a function is given is copied. Times are milliseconds; timeout_ms < 0
 * waits for ever (but RLN_TIMEOUT_DEFAULT, in the functions that it names). Errors: functions that return int give 0 or a negative code (errno's, or RLN_E* of
 * ringlane_runtime.h; rln_error_text() has the words); functions that return a pointer or an id give NULL or {0} and set errno.
 */
#pragma once

#include "session/ringlane_app.h"
#include "session/ringlane_audio.h"
#include "session/ringlane_call.h"
#include "session/ringlane_coordinator.h"
#include "session/ringlane_handler.h"
#include "session/ringlane_inspect.h"
#include "session/ringlane_peer.h"
#include "session/ringlane_runtime.h"
#include "session/ringlane_subscriber.h"
