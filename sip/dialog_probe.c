/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OPTIONS of ours outside a dialog (RFC 3261 11): is somebody there, and how long does an answer take? Each takes a slot
 * of the table for as long as it is open, because it needs what a dialog needs (target, tag, Call-ID, CSeq); but it is none: it is
 * in no index, tells nothing but its one answer, and goes with it.
 */
#include <errno.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/log.h"
#include "sip/dialog_api.h"
#include "sip/dialog_priv.h"
#include "sip/dialog_probe.h"

struct rln_dialog_probe {
	uint64_t asker;
	uint32_t token;
	uint64_t start_ns; /* real time: the wheel's is as coarse as a turn */
};

static void finish(struct rln_dialog *d, uint16_t status, int error)
{
	struct rln_dialog_probe *p = d->probe;
	struct rln_event ev = {.kind = RLN_EV_OPTIONS_ANSWERED,
		.id = p->asker,
		.options_answered = {
			.token = p->token,
			.rtt_us = (uint32_t)((rln_clock_ns() - p->start_ns) / 1000), /* timer F lies far below its 71 minutes */
			.error = error,
			.status = status,
		}};

	rln_dialog_hub_publish_event(d->all, &ev);
	rln_dialog_end(d);
}

/* Any answer is one; a challenge that we can meet asks again by itself. */
static void on_answer(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	(void)ask;
	finish(d, msg ? msg->status : 0, msg ? 0 : error);
}

static int send_options(struct rln_dialog *d)
{
	struct rln_dialog_ask ask = {.method = RLN_SIP_OPTIONS, .done = on_answer};

	d->probe->start_ns = rln_clock_ns();
	return rln_dialog_ask(d, &ask);
}

static int start(struct rln_dialogs *all, const struct rln_probe_order *order)
{
	struct rln_dialog *d = rln_dialog_get(all, rln_dialog_create(all, order->from, order->target).v);
	int rc = -ENOMEM;

	if (!d)
		return -errno;
	rln_dialog_unindex(d);
	d->released = true;
	if (order->port)
		d->local.port = order->port;
	d->probe = rln_zalloc(sizeof(*d->probe));
	if (d->probe) {
		all->probes++;
		d->probe->asker = order->asker;
		d->probe->token = order->token;
		rc = send_options(d);
	}
	if (rc != 0)
		rln_dialog_end(d);
	rln_dialog_settle(d);
	return rc;
}

void rln_probe_start(struct rln_dialogs *all, const struct rln_probe_order *order)
{
	int rc = start(all, order);
	struct rln_event ev = {
		.kind = RLN_EV_OPTIONS_ANSWERED, .id = order->asker, .options_answered = {.token = order->token, .error = -rc}};

	if (rc != 0)
		rln_dialog_hub_publish_event(all, &ev);
}

void rln_probe_free(struct rln_dialog *d)
{
	if (d->probe)
		d->all->probes--;
	rln_free(d->probe);
}
