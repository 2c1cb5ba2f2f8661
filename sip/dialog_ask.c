/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of ours inside a dialog that await their final answer: BYE, UPDATE, REFER, INFO, NOTIFY, PRACK. Each is one node
 * in the dialog's list, with its texts, so that it can be sent again when it is challenged (RFC 3261 22.2); the next CSeq
 * makes it another request. A node leaves the list before anybody hears of its end, so that whoever hears may do anything.
 */
#include <errno.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "sip/dialog_priv.h"

struct rln_asked {
	struct rln_asked *next;
	struct rln_dialog_ask ask; /* its texts lie in `text` */
	uint64_t txn;
	struct rln_auth_tries tries;
	char text[];
};

static struct rln_asked *new_asked(const struct rln_dialog_ask *ask)
{
	struct rln_asked *asked = rln_zalloc(sizeof(*asked) + ask->extra.len + ask->body.len);

	if (!asked)
		return NULL;
	asked->ask = *ask;
	asked->ask.extra.s = asked->text;
	asked->ask.body.s = asked->text + ask->extra.len;
	if (ask->extra.len)
		memcpy(asked->text, ask->extra.s, ask->extra.len);
	if (ask->body.len)
		memcpy(asked->text + ask->extra.len, ask->body.s, ask->body.len);
	return asked;
}

static int send(struct rln_dialog *d, struct rln_asked *asked)
{
	char branch[RLN_BRANCH_MAX];
	struct rln_dialog_request req = {.method = asked->ask.method,
		.cseq = d->local_cseq + 1,
		.owner = d->self,
		.remote = asked->ask.remote ? asked->ask.remote : d->remote,
		.extra = asked->ask.extra,
		.sdp = asked->ask.body,
		.body_type = asked->ask.content_type,
		.branch = branch,
		.txn = &asked->txn};
	int rc = rln_dialog_request(d, &req);

	if (rc == 0)
		d->local_cseq = req.cseq;
	return rc;
}

int rln_dialog_ask(struct rln_dialog *d, const struct rln_dialog_ask *ask)
{
	struct rln_asked *asked;
	int rc;

	if (d->state == RLN_DIALOG_TERMINATED)
		return -ENOTCONN;
	asked = new_asked(ask);
	if (!asked)
		return -ENOMEM;
	rc = send(d, asked);
	if (rc != 0) {
		rln_free(asked);
		return rc;
	}
	asked->next = d->asked;
	d->asked = asked;
	return 0;
}

bool rln_dialog_is_asking(const struct rln_dialog *d, enum rln_sip_method method)
{
	const struct rln_asked *asked = d->asked;

	while (asked && asked->ask.method != method)
		asked = asked->next;
	return asked;
}

static struct rln_asked **find(struct rln_dialog *d, uint64_t txn)
{
	struct rln_asked **at = &d->asked;

	while (*at && (*at)->txn != txn)
		at = &(*at)->next;
	return *at ? at : NULL;
}

static void free_asked(struct rln_asked *asked)
{
	rln_free(asked->ask.remote);
	rln_free(asked);
}

static void finish(struct rln_dialog *d, struct rln_asked **at, const struct rln_sip_msg *msg, int error)
{
	struct rln_asked *asked = *at;

	*at = asked->next;
	if (asked->ask.done)
		asked->ask.done(d, &asked->ask, msg, error);
	free_asked(asked);
}

static bool is_repeated(struct rln_dialog *d, struct rln_asked *asked, const struct rln_sip_msg *msg)
{
	return (msg->status == 401 || msg->status == 407) && rln_retry_learn(d, &asked->tries, msg) && send(d, asked) == 0;
}

bool rln_ask_on_response(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct rln_asked **at = find(d, txn);

	if (!at)
		return false;
	if (msg->status >= 200 && !is_repeated(d, *at, msg))
		finish(d, at, msg, 0);
	return true;
}

bool rln_ask_on_fault(struct rln_dialog *d, uint64_t txn, int error)
{
	struct rln_asked **at = find(d, txn);

	if (at)
		finish(d, at, NULL, error);
	return at;
}

void rln_ask_drop(struct rln_dialog *d)
{
	struct rln_asked *asked;

	while ((asked = d->asked)) {
		d->asked = asked->next;
		free_asked(asked);
	}
}
