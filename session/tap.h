/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taps (R39): an application thread sees one call's RTP packets, as SEND_RTP_PACKET and RTP_PACKET_RECEIVED on a ring of the tap's own. Without a tap nothing
 * produces these kinds and the packet path asks no question but one bit of its mode.
 *
 * Life: create (application) -> TAP_REQUEST on (any thread, through the coordinator) -> TAP_MEDIA -> join (worker) -> part (worker: TAP_REQUEST off, another tap, or
 * the leg's end) and destroy (application) in either order; a call that never has a leg for it ends it (control); as with audio channels, whoever goes second ends it and memory is freed on the control lcore. A tap
 * serves one leg in its life. Readers sleep on an eventfd that control writes (rtp/frame_ring.h has the doorbell).
 */
#pragma once

#include "rtp/tap_ring.h"

#define RLN_TAPS 64u /* at once in a process: a tool for looking, not for every call */

struct rln_taps; /* the process's table; owner: main thread; entries: any thread */
struct rln_tap;  /* owner: one application thread and one worker, each of its own end */

/* 0 or -ENOMEM. */
int rln_taps_create(struct rln_taps **out) __attribute__((warn_unused_result));
void rln_taps_destroy(struct rln_taps *taps);
/* A task of the control lcore: rings bells, frees what is dead. Returns how many it served. */
unsigned rln_taps_ring(void *taps, uint64_t now_ns);
unsigned rln_taps_in_use(const struct rln_taps *taps);

/* ---- application side: one thread at a time per tap ---- */

/* A tap with room for `packets` (rounded up to a power of two, at most 65,536) of about 560 bytes each, and the handle for TAP_REQUEST. 0, -EINVAL, -ENOMEM, -ENOSPC
 * or -errno of eventfd(). Any thread. */
int rln_tap_create(struct rln_taps *taps, unsigned packets, struct rln_tap **out, uint64_t *handle) __attribute__((warn_unused_result));
/* Gives it back; the pointer is void from now on. Switch it off before (TAP_REQUEST): else the leg fills it, and drops what does not fit, until its end. */
void rln_tap_destroy(struct rln_taps *taps, struct rln_tap *tap);
/* The next packet, copied. 0; RLN_ETIMEDOUT; RLN_EENDED once the leg has parted, or cannot come, and everything was read. timeout_ms < 0 waits for ever. */
int rln_tap_read(struct rln_tap *tap, struct rln_tap_packet *packet, int timeout_ms);
/* Packets that found the ring full. */
uint32_t rln_tap_dropped(const struct rln_tap *tap);

/* ---- control lcore ---- */

/* There will be no leg: its reader learns that it ended. Void for a stale handle. */
void rln_tap_end(struct rln_taps *taps, uint64_t handle);

/* ---- worker side ---- */

/* 0; -ENOENT: stale handle, or it had its leg; -EBUSY: another leg has it. */
int rln_tap_join(struct rln_taps *taps, uint64_t handle, struct rln_tap_ring **out) __attribute__((warn_unused_result));
/* Void for a stale handle. */
void rln_tap_part(struct rln_taps *taps, uint64_t handle);
