/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reliable provisional responses to an INVITE of ours (RFC 3262 4): acknowledged by PRACK in the early dialog that they came
 * from, in the order of their RSeq, each told once. One that is out of order, or whose PRACK cannot be sent, is passed over:
 * its next repetition tries again. Repetitions while a PRACK is under way are its transaction's matter. One with an offer waits for the session's answer, which travels in the PRACK.
 *
 * Each fork of the INVITE counts for itself. When more answer than we remember, the eldest is forgotten, and may be told twice.
 */
#include <errno.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/dialog_reliable.h"

struct fork {
	uint32_t tag;  /* hash of the To tag */
	uint32_t rseq; /* of the last one told, 0 = none */
	bool answered; /* offer and answer are exchanged with it */
	bool is_lost;  /* the last PRACK came to nothing: the next repetition gets another */
};

struct rln_pracks { /* owner: its dialog; of the INVITE in progress */
	struct fork fork[RLN_DIALOG_FORKS];
	uint8_t forks;
	struct {                   /* an offer that the session has not answered */
		struct fork *fork; /* NULL = none */
		struct rln_dialog_remote *remote;
		uint32_t rseq;
	} owed;
};

static uint32_t tag_of(const struct rln_sip_msg *msg)
{
	return (uint32_t)rln_hash(rln_sip_text(msg, msg->to_tag), msg->to_tag.len);
}

static struct fork *find(const struct rln_dialog *d, uint32_t tag)
{
	struct rln_pracks *p = d->pracks;

	for (unsigned i = 0; p && i < RLN_DIALOG_FORKS; i++) {
		if (p->fork[i].rseq && p->fork[i].tag == tag)
			return &p->fork[i];
	}
	return NULL;
}

static struct fork *make(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	struct fork *fork = find(d, tag_of(msg));

	if (!d->pracks)
		d->pracks = rln_zalloc(sizeof(*d->pracks));
	if (fork || !d->pracks)
		return fork;
	do
		fork = &d->pracks->fork[d->pracks->forks++ % RLN_DIALOG_FORKS];
	while (fork == d->pracks->owed.fork);
	*fork = (struct fork){.tag = tag_of(msg)};
	return fork;
}

/* RSeq of a response that wants a PRACK, 0 of any other. A 100 never does. */
static uint32_t rseq_of(const struct rln_sip_msg *msg)
{
	struct rln_span text = rln_span_in(msg, msg->rseq);
	uint32_t rseq;

	if (msg->status <= 100 || !msg->to_tag.len || !rln_sip_lists(msg, msg->require, "100rel"))
		return 0;
	return rln_take_number(&text, &rseq) && text.len == 0 ? rseq : 0;
}

/* The early dialog of the response; that of a re-INVITE is the dialog itself. */
static int early_remote(const struct rln_dialog *d, const struct rln_sip_msg *msg, struct rln_dialog_remote **out)
{
	*out = d->established ? NULL : rln_dialog_remote_of(d->all, msg, rln_dialog_request_uri(d->remote));
	return *out || d->established ? 0 : -ENOMEM;
}

/* What a refusal says the INVITE's final response says as well. An answer that is lost the session cannot know of otherwise. */
static void on_prack_done(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	struct fork *fork = find(d, (uint32_t)(ask->arg >> 32));

	if (msg)
		return;
	if (fork && fork->rseq == (uint32_t)ask->arg)
		fork->is_lost = true;
	if (ask->body.len)
		rln_dialog_emit_error(d, RLN_FAULT_TRANSPORT, (unsigned)error);
}

/* Takes the remote when it succeeds. */
static int send_prack(
	struct rln_dialog *d, struct rln_dialog_remote *remote, const struct fork *fork, uint32_t rseq, struct rln_span sdp)
{
	char rack[64];
	struct rln_dialog_ask ask = {.method = RLN_SIP_PRACK,
		.body = sdp,
		.remote = remote,
		.done = on_prack_done,
		.arg = (uint64_t)fork->tag << 32 | rseq};

	ask.extra.s = rack;
	ask.extra.len = (size_t)snprintf(rack, sizeof(rack), "RAck: %u %u INVITE\r\n", rseq, d->ours.cseq);
	return rln_dialog_ask(d, &ask);
}

static void owe(struct rln_dialog *d, struct fork *fork, struct rln_dialog_remote *remote, uint32_t rseq)
{
	rln_free(d->pracks->owed.remote);
	d->pracks->owed.fork = fork;
	d->pracks->owed.remote = remote;
	d->pracks->owed.rseq = rseq;
}

static int acknowledge(struct rln_dialog *d, const struct rln_sip_msg *msg, struct fork *fork, uint32_t rseq)
{
	bool has_sdp = rln_dialog_sdp_of(msg).len, is_offer = has_sdp && !d->ours.has_offer && !fork->answered;
	struct rln_dialog_remote *remote;
	int rc = early_remote(d, msg, &remote);

	if (rc != 0)
		return rc;
	if (is_offer) {
		owe(d, fork, remote, rseq);
	} else {
		rc = send_prack(d, remote, fork, rseq, (struct rln_span){NULL, 0});
		if (rc != 0)
			rln_free(remote);
	}
	if (rc == 0 && has_sdp && d->ours.has_offer)
		d->answered = fork->answered = true;
	return rc;
}

bool rln_prack_on_provisional(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	uint32_t rseq = rseq_of(msg);
	bool is_repeated;
	struct fork *fork;
	int rc = -ENOMEM;

	if (!rseq)
		return true;
	fork = make(d, msg);
	is_repeated = fork && fork->is_lost && rseq == fork->rseq;
	if (fork && fork->rseq && rseq != fork->rseq + 1 && !is_repeated)
		return false;
	if (fork)
		rc = acknowledge(d, msg, fork, rseq);
	if (rc != 0) {
		rln_log(RLN_LOG_WARNING, d->self, "PRACK not sent: %s", strerror(-rc));
		return false;
	}
	fork->rseq = rseq;
	fork->is_lost = false;
	return !is_repeated;
}

bool rln_prack_owes(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	return d->pracks && d->pracks->owed.fork && (!msg || d->pracks->owed.fork->tag == tag_of(msg));
}

int rln_prack_answer(struct rln_dialog *d, struct rln_span sdp)
{
	struct rln_pracks *p = d->pracks;
	int rc;

	if (!rln_prack_owes(d, NULL))
		return -ENOTCONN;
	rc = send_prack(d, p->owed.remote, p->owed.fork, p->owed.rseq, sdp);
	if (rc != 0)
		return rc;
	d->answered = p->owed.fork->answered = sdp.len > 0;
	p->owed.remote = NULL; /* the request has it */
	p->owed.fork = NULL;
	return 0;
}

bool rln_prack_is_answered(const struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	const struct fork *fork = find(d, tag_of(msg));

	return fork && fork->answered;
}

void rln_prack_free(struct rln_dialog *d)
{
	if (d->pracks)
		rln_free(d->pracks->owed.remote);
	rln_free(d->pracks);
	d->pracks = NULL;
}
