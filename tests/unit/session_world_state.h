/* SPDX-License-Identifier: BSD-3-Clause */
/* What session_world.h is made of: its doubles, its queues, what it was told and what it is told to fail. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/clock.h"
#include "lcore/count.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "session/actions.h"
#include "session/placement.h"
#include "sip/message.h"

#define UNUSED     __attribute__((unused))
#define SESSIONS   8
#define OUT_MAX    512
#define QUEUE_MAX  256
#define SDP_PEER   "v=0\r\no=- 7 7 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"
#define SDP_MOVED  "v=0\r\no=- 7 8 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4400 RTP/AVP 0 8\r\n"
#define SDP_HELD                                                                                                               \
	"v=0\r\no=- 7 9 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
#define SDP_USELESS "v=0\r\no=- 7 7 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"

enum source { FROM_SELF, FROM_DIALOG, FROM_MEDIA, SOURCES };

struct fake_dialog {
	uint64_t id;
	enum rln_dialog_state state;
	bool is_uas, invite_open, cancelled, ack_pending, theirs_open, bye_out, reported, released, ended;
	bool can_retry, answered, answer_owed, refuses_info, refer_out, refer_open;
	uint16_t last_response, last_offer_response, last_refer_response, last_notify;
	uint64_t replaces; /* of the last TRANSFER_CALL */
	char transfer_to[64];
	char last_sdp[1024], last_extra[64];
};

struct queue {
	struct rln_event ev[QUEUE_MAX];
	unsigned head, tail;
};

/* What a dialog was told to do; for a test that plays the wire between two of them. */
enum order {
	ORDER_INVITE,
	ORDER_REINVITE,
	ORDER_RESPOND,
	ORDER_RESPOND_OFFER,
	ORDER_TERMINATE,
	ORDER_REFER,
	ORDER_RESPOND_REFER,
	ORDER_NOTIFY,
};

struct world {
	struct rln_layers layers;
	struct rln_placement *placement;
	struct rln_registry *registry;
	struct rln_session_manager *sessions;
	struct rln_machine *machine;
	struct rln_wheel *wheel;
	uint64_t now;
	struct queue queue[SOURCES];
	struct rln_event out[OUT_MAX];
	unsigned out_n;
	struct fake_dialog dialogs[SESSIONS];
	uint32_t dialog_generation;
	uint64_t legs[SESSIONS]; /* live ones */
	uint32_t leg_generation;
	bool allow_transfers;
	unsigned abandoned, infos;
	unsigned updates, invites, responses, acks, channels_ended, taps_ended, ends[SESSIONS]; /* ends: SESSION_TERMINATED per slot */
	uint32_t visited;        /* bit per enum rln_call_state that a call was in */
	int fail_create_leg;     /* enum rln_media_fault + 1, 0 = no failure */
	int fail_dialog, fail_respond, fail_update;
	unsigned fail_publish;   /* so many events of this kind find no room */
	uint16_t fail_publish_kind;
	int64_t replaced;        /* what find_replaced() says: a dialog, 0, or minus a SIP code */
	uint32_t peer_refuses;   /* bit per enum rln_sip_method */
	bool quiet_media;        /* the test plays the worker */
	void (*wire)(struct fake_dialog *d, enum order order, uint16_t code, const char *sdp); /* NULL: nobody listens */
	bool quiet_dialog;       /* the test plays the wire: TERMINATE_SESSION is only noted */
};

static struct world *w;

/* ---- queues ---- */

static void queue_push(enum source source, const struct rln_event *ev)
{
	struct queue *q = &w->queue[source];

	assert_true(q->tail - q->head < QUEUE_MAX);
	q->ev[q->tail++ % QUEUE_MAX] = *ev;
}

static struct rln_event event_text(uint64_t id, enum rln_event_kind kind, const char *sdp, struct rln_slice *at)
{
	struct rln_event ev = {.id = id, .kind = (uint16_t)kind};

	*at = (struct rln_slice){0, 0};
	if (sdp)
		ev.call_established.block = rln_block_from_text(sdp, strlen(sdp), at);
	return ev;
}
