/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the requests and responses of a dialog and hands them to the transport: requests and responses as events, the
 * ACK to a 2xx, which belongs to no transaction, as a datagram. Everything is written into the manager's scratch text first.
 */
#include <errno.h>

#include "lcore/heap.h"
#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/dialog_api.h"
#include "sip/dialog_refresh.h"

void rln_dialog_write_contact(struct rln_text *t, const struct rln_dialog *d)
{
	const char *user = rln_dialog_text(d, d->user);
	char ip[RLN_ADDR_TEXT];

	rln_addr_ip_text(&d->local, true, ip);
	rln_text_printf(t, "Contact: <sip:%s%s%s:%u>\r\n", user, *user ? "@" : "", ip, d->local.port);
}

/* What every request begins with (8.1.1); To carries the tag as soon as there is one. */
static void write_head(struct rln_text *t, const struct rln_dialog *d, const struct rln_dialog_request *req, const char *branch)
{
	const char *method = rln_sip_method_name(req->method);
	struct rln_span uri = rln_dialog_request_uri(req->remote);
	char ip[RLN_ADDR_TEXT];

	rln_addr_ip_text(&d->local, true, ip);
	rln_text_printf(t, "%s %.*s SIP/2.0\r\n", method, (int)uri.len, uri.s);
	rln_text_printf(t, "Via: SIP/2.0/UDP %s:%u;rport;branch=%s\r\n", ip, d->local.port, branch);
	rln_dialog_write_route(t, req->remote);
	rln_text_printf(t, "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		rln_dialog_text(d, d->local_value), req->remote->text + req->remote->value, d->texts, req->cseq, method);
	if (d->all->cfg.user_agent)
		rln_text_printf(t, "User-Agent: %s\r\n", d->all->cfg.user_agent);
}

static void write_body(struct rln_text *t, const char *content_type, struct rln_span body)
{
	rln_build_body(t, content_type ? content_type : "application/sdp", body.s, body.len);
}

/* What the method says about us: requests that make or refresh a target have a Contact (12.1.1, RFC 3311 5.1, RFC 3515
 * 2.2, RFC 6665 8.1.1), those that offer media what we can do. */
static void write_ourselves(struct rln_text *t, const struct rln_dialog *d, enum rln_sip_method method)
{
	bool offers = method == RLN_SIP_INVITE || method == RLN_SIP_UPDATE || method == RLN_SIP_OPTIONS;

	if (offers || method == RLN_SIP_REFER || method == RLN_SIP_NOTIFY)
		rln_dialog_write_contact(t, d);
	if (offers) {
		rln_policy_write_abilities(t, d->all->cfg.reliable != RLN_RELIABLE_OFF);
		rln_refresh_write_request(t, d);
	}
	if (method == RLN_SIP_INVITE && !d->established && d->all->cfg.reliable == RLN_RELIABLE_REQUIRED)
		rln_text_printf(t, "Require: 100rel\r\n");
	if (offers)
		rln_text_printf(t, "Accept: application/sdp\r\n");
}

/* The answers to the challenges that we met. An ACK repeats those of its INVITE (22.1), as the caller's extra lines; a
 * CANCEL, which nobody may challenge, has none. A copy of them goes to req->credentials: without memory for it the ACK
 * goes without. */
static void write_credentials(struct rln_text *t, const struct rln_dialog *d, const struct rln_dialog_request *req)
{
	size_t start = t->len;

	if (req->method == RLN_SIP_ACK || req->method == RLN_SIP_CANCEL)
		return;
	rln_auth_write(d->auth, t, rln_sip_method_name(req->method), rln_dialog_request_uri(req->remote), req->sdp);
	if (!req->credentials)
		return;
	rln_free(*req->credentials);
	*req->credentials = t->len > start && !t->full ? rln_strndup(t->buf + start, t->len - start) : NULL;
}

static void write_request(
	struct rln_text *t, const struct rln_dialog *d, const struct rln_dialog_request *req, const char *branch)
{
	rln_text_init(t, d->all->scratch, sizeof(d->all->scratch));
	write_head(t, d, req, branch);
	write_ourselves(t, d, req->method);
	write_credentials(t, d, req);
	if (req->extra.len)
		rln_text_add(t, req->extra.s, req->extra.len);
	write_body(t, req->body_type, req->sdp);
}

static int publish_request(struct rln_dialog *d, const struct rln_text *t, const struct rln_dialog_request *req, uint64_t txn)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_SIP_MESSAGE, .id = req->owner};
	struct rln_ev_send_sip_message *send = &ev.send_sip_message;

	if (t->full)
		return -EMSGSIZE;
	send->block = rln_build_block(t, NULL, &send->headers, &send->body);
	if (!send->block)
		return -ENOBUFS;
	send->destination = req->remote->hop;
	send->method = (uint16_t)req->method;
	send->transaction_id = txn;
	return rln_dialog_hub_publish_event(d->all, &ev);
}

int rln_dialog_request(struct rln_dialog *d, const struct rln_dialog_request *req)
{
	struct rln_txn_id txn;
	struct rln_text t;
	int rc;

	if (!req->remote->hop.port)
		return -EHOSTUNREACH;
	txn = rln_txn_new_client(d->all->txns, req->method, req->branch);
	if (!txn.v)
		return -ENOBUFS;
	rln_txn_set_owner(d->all->txns, txn, req->owner);
	rln_txn_set_local(d->all->txns, txn, &d->local);
	write_request(&t, d, req, req->branch);
	rc = publish_request(d, &t, req, txn.v);
	if (rc != 0)
		rln_txn_drop(d->all->txns, txn);
	else
		*req->txn = txn.v;
	return rc;
}

int rln_dialog_ack(struct rln_dialog *d, const struct rln_dialog_remote *remote, uint32_t cseq, struct rln_span sdp)
{
	struct rln_dialog_request req = {
		.method = RLN_SIP_ACK, .cseq = cseq, .remote = remote, .sdp = sdp, .extra = rln_span_of(d->acked.credentials)};
	char branch[RLN_BRANCH_MAX] = "z9hG4bK";
	struct rln_bus *bus = d->all->cfg.bus;
	struct rln_bus_call call;
	struct rln_text t;
	int rc;

	rln_random_token(branch + 7, 16);
	write_request(&t, d, &req, branch);
	if (t.full || !remote->hop.port)
		return t.full ? -EMSGSIZE : -EHOSTUNREACH;
	call = rln_bus_call_begin(bus);
	call.text = t.buf;
	call.text_len = (uint32_t)t.len;
	rc = rln_transport_send(d->all->cfg.transport, t.buf, t.len, &d->local, &remote->hop,
		rln_transport_worker_for(d->all->cfg.transport, &remote->hop));
	if (rc != 0)
		rln_log(RLN_LOG_WARNING, d->self, "ACK not sent: %s", strerror(-rc));
	rln_bus_call_end(bus, &call, d->self,
		&(struct rln_ev_direct_call){
			.name = "send_ack", .category = RLN_CAT_D2T, .result = rc}); /* no transaction, no event */
	return rc;
}

void rln_dialogs_publish_response(
	struct rln_dialogs *all, const struct rln_dialog_sent *sent, uint64_t owner, uint64_t txn, uint16_t status)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_SIP_RESPONSE, .id = owner};

	ev.send_sip_response.block = sent->block;
	ev.send_sip_response.reason_phrase = sent->reason;
	ev.send_sip_response.headers = sent->headers;
	ev.send_sip_response.body = sent->body;
	ev.send_sip_response.transaction_id = txn;
	ev.send_sip_response.status_code = status;
	rln_dialog_hub_publish_event(all, &ev);
}

int rln_dialogs_send_response(struct rln_dialogs *all, struct rln_text *t, uint64_t owner, uint64_t txn, uint16_t status,
	struct rln_span sdp, struct rln_dialog_sent *keep)
{
	struct rln_dialog_sent sent;

	write_body(t, NULL, sdp);
	if (t->full)
		return -EMSGSIZE;
	sent.block = rln_build_block(t, &sent.reason, &sent.headers, &sent.body);
	if (!sent.block)
		return -ENOBUFS;
	if (keep) {
		rln_block_hold(sent.block);
		*keep = sent;
	}
	rln_dialogs_publish_response(all, &sent, owner, txn, status);
	return 0;
}
