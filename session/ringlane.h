/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ringlane's public interface: the only header that an application includes. Standard C headers, opaque objects, no DPDK.
 *
 * Two levels. The simple peer makes and takes calls in a few lines and hides everything else. The coordinator adds handlers
 * that decide on each incoming INVITE, event subscriptions and every call of the process.
 *
 *     struct rln_peer *alice = rln_peer_new("alice", 5060);
 *     struct rln_call *call = rln_peer_call(alice, "bob@198.18.0.2");
 *     if (call && rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 10000) == 0)
 *             rln_call_play(call, "hello.wav", 1);
 *
 * Threads: an object (peer, call, coordinator) is used by one thread at a time; different objects by any threads at once. Callbacks run
 * inside rln_coordinator_run() or any wait, on the thread that calls it. Ownership: what a function returns by pointer belongs to the caller
 * until the matching _free. Times are milliseconds; timeout_ms < 0 waits for ever. Errors: functions that return int give 0 or a negative
 * code (errno's, or RLN_E* below); functions that return a pointer give NULL and set errno.
 */
#pragma once

#include "session/ringlane_app.h"
#include "session/ringlane_audio.h"
#include "session/ringlane_call.h"
#include "session/ringlane_coordinator.h"
#include "session/ringlane_handler.h"
#include "session/ringlane_peer.h"
#include "session/ringlane_runtime.h"
#include "session/ringlane_subscriber.h"
