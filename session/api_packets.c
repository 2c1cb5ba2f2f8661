/* SPDX-License-Identifier: BSD-3-Clause */
/* The packets of a call as an application sees them (R39): a tap (tap.h) behind an opaque handle. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/api_priv.h"
#include "session/tap.h"

struct rln_packets { /* owner: one application thread */
	const struct rln_api *api;
	struct rln_session_id session;
	struct rln_tap *tap;
	uint64_t handle;
	struct rln_tap_packet last; /* what rln_packets_next() gave: its payload stands here */
};

static int open_tap(struct rln_packets *p, unsigned room)
{
	int rc;

	if (!p->api->taps)
		return RLN_EENDED;
	rc = rln_tap_create(p->api->taps, room, &p->tap, &p->handle);
	if (rc != 0)
		return rc;
	rc = rln_coord_tap(p->api->coord, p->session, p->handle, true);
	if (rc != 0)
		rln_tap_destroy(p->api->taps, p->tap);
	return rc;
}

struct rln_packets *rln_media_subscribe_to_packets(struct rln_coordinator *c, struct rln_session_id id, unsigned room)
{
	struct rln_packets *p = calloc(1, sizeof(*p));
	int rc = -ENOMEM;

	if (p) {
		p->api = c->api;
		p->session = id;
		rc = open_tap(p, room);
	}
	if (rc == 0) {
		rln_api_hold(c->api);
		return p;
	}
	free(p);
	rln_set_errno(rc);
	return NULL;
}

static void fill(struct rln_packet *out, const struct rln_tap_packet *in)
{
	/* Both kinds have one payload. */
	const struct rln_ev_rtp_packet *ev = &in->ev.rtp_packet_received;

	*out = (struct rln_packet){.is_sent = in->ev.kind == RLN_EV_SEND_RTP_PACKET,
		.marker = in->marker != 0,
		.payload_type = ev->payload_type,
		.sequence_number = ev->sequence_number,
		.timestamp = ev->timestamp,
		.ssrc = in->ssrc,
		.at_ns = in->at_ns,
		.payload = in->payload,
		.payload_n = ev->payload.len,
		.whole_n = in->len};
}

int rln_packets_next(struct rln_packets *p, struct rln_packet *out, int timeout_ms)
{
	int rc = p->api->taps ? rln_tap_read(p->tap, &p->last, timeout_ms) : RLN_EENDED;

	if (rc == 0)
		fill(out, &p->last);
	return rc;
}

uint32_t rln_packets_dropped(const struct rln_packets *p)
{
	return p->api->taps ? rln_tap_dropped(p->tap) : 0;
}

void rln_packets_free(struct rln_packets *p)
{
	if (!p)
		return;
	if (p->api->taps) { /* the appliance took them back when it stopped */
		rln_coord_tap(p->api->coord, p->session, p->handle, false);
		rln_tap_destroy(p->api->taps, p->tap);
	}
	rln_api_drop(p->api);
	free(p);
}
