/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media hub of one worker (R24, R32): the only place where session_to_media commands become legs and where what happens to
 * legs becomes media_to_session events. It configures its shard's legs by direct calls and tells the RTP side what to do by
 * media_to_rtp events on the worker's own queue; rtp_to_media events come back the same way and are answered upward.
 *
 *   CREATE_MEDIA_SESSION (id: session)  -> MEDIA_SESSION_CREATED {media_id, local_addr} or MEDIA_ERROR (id: session)
 *   START_MEDIA_STREAM   -> START_RTP_STREAM  -> RTP_STREAM_STARTED -> MEDIA_STREAM_STARTED
 *   UPDATE_MEDIA_STREAM  -> UPDATE_RTP_STREAM -> MEDIA_STREAM_STATE_CHANGED (always one, the same state when nothing moved)
 *   STOP_MEDIA_STREAM    -> STOP_RTP_STREAM   -> RTP_STREAM_STOPPED -> [RECORDING_STOPPED] -> MEDIA_STREAM_STOPPED
 *   PLAY_AUDIO, STOP_AUDIO, START_ and STOP_RECORDING, ATTACH_CHANNELS, HOLD_ and RESUME_MEDIA act on a live leg.
 *   BRIDGE_MEDIA ties the leg to another of this worker, one direction each; MEDIA_ERROR(COMMAND) when there is no such leg (ENOENT, EXDEV, EINVAL:
 *   itself). A leg that stops is parted from its partners, and these go on with silence.
 *   SEND_TELEPHONE_EVENTS queues digits; MEDIA_ERROR(COMMAND): the peer takes none (ENOTSUP), the leg does not send (ENOTCONN), too many (ENOBUFS), no digits
 *   (EINVAL), or held before they were all sent (ECANCELED).
 *   TAP_MEDIA joins a tap (session/tap.h) to the leg or parts it (tap 0: whichever it is); MEDIA_ERROR(COMMAND): no such tap (ENOENT), another leg's (EBUSY).
 * From its creation a leg receives PCMU 0 and PCMA 8; START_ or UPDATE_MEDIA_STREAM with params.early set arms it with the offered
 * payload types. Either way it sends nothing and its events wait until START_ or UPDATE_ comes with early 0 (R155). A second
 * START_ is answered like the first.
 * owner: worker. Decides nothing about calls.
 */
#pragma once

#include "lcore/event.h"

struct rln_media_hub;
struct rln_shard;
struct rln_bus;

/* Registers S2M, M2R and R2M on the worker's endpoint. 0 or -errno. Main thread, before the lcores run. */
int rln_media_hub_create(struct rln_media_hub **out, struct rln_bus *bus, struct rln_shard *shard, unsigned worker)
	__attribute__((warn_unused_result));
void rln_media_hub_destroy(struct rln_media_hub *hub);
/* The layer's only emit path (R8, R149). Worker. */
void rln_media_hub_publish_event(struct rln_media_hub *hub, struct rln_event *ev);
