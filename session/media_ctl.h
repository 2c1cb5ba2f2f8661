/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The media controller's control side (R32, R147): negotiation between SDP text and leg parameters, and the direct calls toward
 * a worker, each of which posts one typed command to the worker in the session's id (placement chose it). owner: control lcore.
 */
#pragma once

#include "session/actions.h"

/* ---- negotiation: text <-> struct rln_leg_params ---- */

/* What we would answer to the peer's offer, without side effects. 0; -ENOTSUP: no stream that we can take; -EBADMSG. */
int rln_media_try_offer(const struct rln_layers *layers, const struct rln_session *s, const char *offer, size_t len,
	struct rln_sdp_agreed *agreed);
/* The peer's answer to our last offer. 0, -ENOTSUP, -EBADMSG. */
int rln_media_try_answer(const struct rln_layers *layers, const struct rln_session *s, const char *answer, size_t len,
	struct rln_sdp_agreed *agreed);
/* Writes our answer to the kept offer, or an offer for `direction`, into the session's local description. 0 or -errno. */
int rln_media_write_answer(const struct rln_layers *layers, struct rln_session *s, struct rln_sdp_agreed *agreed);
int rln_media_write_offer(const struct rln_layers *layers, struct rln_session *s, uint8_t direction);
/* What was agreed becomes the leg's parameters; what the leg does by itself, and mute, stay. */
void rln_media_set_params(struct rln_session *s, const struct rln_sdp_agreed *agreed);

/* ---- commands to the worker: 0 or -errno ---- */

/* Reserves a leg and its ports; MEDIA_SESSION_CREATED or MEDIA_ERROR answers, under the session's id. */
int rln_media_create_session(const struct rln_layers *layers, struct rln_session *s);
/* Arms the leg with the payload types that we offer: it receives from now on (R155). */
int rln_media_prepare(const struct rln_layers *layers, struct rln_session *s);
/* START_MEDIA_STREAM the first time, then UPDATE_MEDIA_STREAM; `remote`: the peer's description, for the record. */
int rln_media_establish_flow(const struct rln_layers *layers, struct rln_session *s, const char *remote, size_t len);
/* What comes on the session's leg goes on as the other leg's stream, which is on the same worker; {0}: no longer. */
int rln_media_bridge(const struct rln_layers *layers, const struct rln_session *s, struct rln_media_id other);
/* The codec to offer first from now on; NONE: the config's order. The next offer carries it. */
void rln_media_set_codec(struct rln_session *s, enum rln_codec codec);
/* Ends the leg, whatever it does; MEDIA_STREAM_STOPPED answers. */
int rln_media_stop_session(const struct rln_layers *layers, struct rln_session *s);
