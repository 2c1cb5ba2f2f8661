/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dialogs: their table, their life from creation to the last open transaction, and the public calls (dialog.h). What
 * the calls do on the wire is in dialog_uac.c and dialog_uas.c; what comes up goes through dialog_hub.c.
 *
 * Dialogs stand in slots and are found by Call-ID and our own tag, which is random and ours alone; the peer's tag is
 * then compared (12.2.2). A dialog outlives its end until the session releases it, and its release until nothing is
 * open: a late 2xx still gets its ACK and BYE.
 */
#include <errno.h>
#include <strings.h>

#include "lcore/heap.h"
#include "lcore/secure.h"
#include "sip/dialog_info.h"
#include "sip/dialog_probe.h"
#include "sip/dialog_refer.h"
#include "sip/dialog_refresh.h"
#include "sip/dialog_reliable.h"
#include "sip/registration.h"

static uint64_t hash_of(struct rln_span a, struct rln_span b, uint32_t n)
{
	uint64_t part[3] = {rln_hash(a.s, a.len), rln_hash(b.s, b.len), n};
	uint64_t hash = rln_hash(part, sizeof(part));

	return hash ? hash : 1; /* 0 says "not in the index" */
}

struct rln_dialog *rln_dialog_get(const struct rln_dialogs *all, uint64_t id)
{
	return rln_id_type(id) == RLN_ID_DIALOG ? rln_slots_get(all->slots, id) : NULL;
}

static bool is_text(struct rln_span a, const char *b)
{
	return strlen(b) == a.len && memcmp(a.s, b, a.len) == 0;
}

/* Before our INVITE's 2xx any tag may be the peer's: a fork whose answer we have not seen. */
static bool is_remote_tag(const struct rln_dialog *d, struct rln_span tag)
{
	if (d->role == RLN_ROLE_UAC && !d->established)
		return true;
	return is_text(tag, d->remote->text + d->remote->tag);
}

struct rln_dialog *rln_dialog_find(
	const struct rln_dialogs *all, struct rln_span call_id, struct rln_span local_tag, struct rln_span remote_tag)
{
	uint64_t hash = hash_of(call_id, local_tag, 0), handle;
	uint32_t cursor = 0;

	while ((handle = rln_sip_index_find(&all->index, hash, &cursor))) {
		struct rln_dialog *d = rln_slots_get(all->slots, handle);

		if (is_text(call_id, d->texts) && is_text(local_tag, rln_dialog_text(d, d->local_tag)) &&
			is_remote_tag(d, remote_tag))
			return d;
	}
	return NULL;
}

/* 8.2.2.2: Call-ID, From tag and CSeq of a first INVITE that we have, under another branch. */
bool rln_dialog_is_merged(const struct rln_dialogs *all, const struct rln_sip_msg *invite)
{
	struct rln_span call_id = rln_span_in(invite, invite->call_id), tag = rln_span_in(invite, invite->from_tag);
	uint64_t hash = hash_of(call_id, tag, invite->cseq), handle;
	uint32_t cursor = 0;

	while ((handle = rln_sip_index_find(&all->merge, hash, &cursor))) {
		const struct rln_dialog *d = rln_slots_get(all->slots, handle);

		if (is_text(call_id, d->texts) && is_text(tag, d->remote->text + d->remote->tag))
			return true;
	}
	return false;
}

/* One allocation for the texts that never change. */
static int set_texts(struct rln_dialog *d, struct rln_span call_id, struct rln_span value, const char *tag, struct rln_span uri,
	struct rln_span user)
{
	struct rln_span part[] = {call_id, value, rln_span_of(tag), uri, user};
	uint16_t *offset[] = {NULL, &d->local_value, &d->local_tag, &d->remote_uri, &d->user};
	size_t size = 0, at = 0;

	for (unsigned i = 0; i < 5; i++)
		size += part[i].len + 1;
	if (size > UINT16_MAX)
		return -EMSGSIZE;
	d->texts = rln_alloc(size);
	if (!d->texts)
		return -ENOMEM;
	for (unsigned i = 0; i < 5; i++) {
		if (offset[i])
			*offset[i] = (uint16_t)at;
		if (part[i].len)
			memcpy(d->texts + at, part[i].s, part[i].len);
		d->texts[at + part[i].len] = '\0';
		at += part[i].len + 1;
	}
	return 0;
}

void rln_dialog_unindex(struct rln_dialog *d)
{
	if (d->index_hash)
		rln_sip_index_del(&d->all->index, d->index_hash, d->self);
	d->index_hash = 0;
}

static void free_dialog(struct rln_dialog *d)
{
	struct rln_dialogs *all = d->all;

	rln_wheel_disarm(all->cfg.wheel, &d->repeat);
	rln_wheel_disarm(all->cfg.wheel, &d->guard);
	rln_dialog_unindex(d);
	if (d->merge_hash)
		rln_sip_index_del(&all->merge, d->merge_hash, d->self);
	rln_refer_free(d);
	rln_info_free(d);
	rln_probe_free(d);
	rln_block_release(d->answer.block);
	rln_ask_drop(d);
	rln_auth_destroy(d->auth);
	rln_free(d->again.redirect);
	rln_free(d->ours.credentials);
	rln_free(d->ours.text);
	rln_free(d->acked.credentials);
	rln_reliable_free(d);
	rln_prack_free(d);
	rln_refresh_stop(d);
	rln_free(d->acked.sdp);
	rln_free(d->queued);
	rln_free(d->remote);
	rln_free(d->texts);
	rln_slots_del(all->slots, d->self);
}

static struct rln_dialog *add_dialog(struct rln_dialogs *all, enum rln_call_role role)
{
	uint64_t handle;
	struct rln_dialog *d = rln_slots_add(all->slots, &handle);

	if (!d)
		return NULL;
	d->all = all;
	d->self = handle;
	d->role = (uint8_t)role;
	d->repeat.fire = rln_uas_on_repeat;
	d->guard.fire = rln_uac_on_guard;
	rln_refresh_init(d);
	return d;
}

static void index_dialog(struct rln_dialog *d)
{
	d->index_hash = hash_of(rln_span_of(d->texts), rln_span_of(rln_dialog_text(d, d->local_tag)), 0);
	rln_sip_index_add(&d->all->index, d->index_hash, d->self);
}

struct rln_dialog *rln_dialog_create_uas(struct rln_dialogs *all, const struct rln_sip_msg *invite)
{
	struct rln_dialog *d = add_dialog(all, RLN_ROLE_UAS);
	struct rln_span to = rln_span_in(invite, invite->to), value = {all->scratch, 0};
	char tag[RLN_DIALOG_TAG + 1];

	if (!d)
		return NULL;
	d->local = invite->local;
	d->remote_cseq = invite->cseq;
	d->local_cseq = rln_random_u32() >> 16;
	rln_random_token(tag, RLN_DIALOG_TAG);
	value.len = (size_t)snprintf(all->scratch, sizeof(all->scratch), "%.*s;tag=%s", (int)to.len, to.s, tag);
	if (set_texts(d, rln_span_in(invite, invite->call_id), value, tag, rln_span_in(invite, invite->from_uri.text),
		    rln_span_in(invite, invite->request_uri.user)) != 0)
		goto out;
	d->remote = rln_dialog_remote_of(all, invite, rln_span_in(invite, invite->from_uri.text));
	if (!d->remote)
		goto out;
	rln_dialog_note_peer(d, invite);
	index_dialog(d);
	d->merge_hash = hash_of(rln_span_in(invite, invite->call_id), rln_span_in(invite, invite->from_tag), invite->cseq);
	rln_sip_index_add(&all->merge, d->merge_hash, d->self);
	return d;
out:
	free_dialog(d);
	return NULL;
}

int rln_dialog_take_uri(char out[RLN_URI_MAX], struct rln_sip_uri *uri, const char *in)
{
	bool is_whole = strchr(in, '<') || strncasecmp(in, "sip:", 4) == 0 || strncasecmp(in, "sips:", 5) == 0;
	int len = snprintf(out, RLN_URI_MAX, "%s%s", is_whole ? "" : "sip:", in);
	const char *headers;

	if (len >= RLN_URI_MAX)
		return -EINVAL;
	for (int i = 0; i < len; i++) {
		if ((uint8_t)out[i] < ' ' || out[i] == 0x7f)
			return -EINVAL;
	}
	if (rln_sip_uri_parse(uri, out, (size_t)len) != 0)
		return -EINVAL;
	headers = memchr(out + uri->host.off, '?', uri->text.off + uri->text.len - uri->host.off);
	if (headers) /* no part of a Request-URI, nor of From and To (19.1.1) */
		uri->text.len = (uint16_t)(headers - out - uri->text.off);
	return uri->scheme.len == 3 && uri->host.len ? 0 : -EINVAL;
}

/* name-addr: what stood before the URI, the URI in brackets, and the tag. Returns the length. */
static struct rln_span write_value(char *out, size_t size, const char *text, const struct rln_sip_uri *uri, const char *tag)
{
	const char *bracket = strchr(text, '<');
	int len = snprintf(out, size, "%.*s<%.*s>%s%s", bracket ? (int)(bracket - text) : 0, text, uri->text.len,
		text + uri->text.off, tag ? ";tag=" : "", tag ? tag : "");

	return (struct rln_span){out, (size_t)len};
}

static int fill_uac(struct rln_dialog *d, const char *from, const struct rln_sip_uri *from_uri, const char *to,
	const struct rln_sip_uri *to_uri)
{
	struct rln_dialog_remote_parts parts = {.target = {to + to_uri->text.off, to_uri->text.len}};
	struct rln_dialogs *all = d->all;
	char tag[RLN_DIALOG_TAG + 1], call_id[20 + 1 + RLN_ADDR_TEXT], ip[RLN_ADDR_TEXT];
	struct rln_span value;
	int rc;

	parts.value = write_value(all->scratch, sizeof(all->scratch), to, to_uri, NULL);
	d->remote = rln_dialog_remote_new(all, &parts);
	if (!d->remote)
		return -ENOMEM;
	if (!d->remote->hop.port)
		return rln_dialogs_resolve(all, parts.target, &d->remote->hop);
	if (rln_transport_local_for(all->cfg.transport, &d->remote->hop, &d->local) != 0)
		return -ENETUNREACH;
	rln_random_token(tag, RLN_DIALOG_TAG);
	rln_random_token(call_id, 20);
	snprintf(call_id + 20, sizeof(call_id) - 20, "@%s", rln_addr_ip_text(&d->local, true, ip));
	value = write_value(all->scratch, sizeof(all->scratch), from, from_uri, tag);
	rc = set_texts(d, rln_span_of(call_id), value, tag, parts.target,
		(struct rln_span){from + from_uri->user.off, from_uri->user.len});
	d->local_cseq = rln_random_u32() >> 16; /* far from the 2^31 that it may not reach (8.1.1.5) */
	return rc;
}

struct rln_dialog_id rln_dialog_create(struct rln_dialogs *all, const char *from, const char *to)
{
	static const struct rln_dialog_id none = {0};
	char from_text[RLN_URI_MAX], to_text[RLN_URI_MAX];
	struct rln_sip_uri from_uri, to_uri;
	struct rln_dialog *d;
	int rc = rln_dialog_take_uri(from_text, &from_uri, from);

	if (rc == 0)
		rc = rln_dialog_take_uri(to_text, &to_uri, to);
	if (rc != 0) {
		errno = -rc;
		return none;
	}
	d = add_dialog(all, RLN_ROLE_UAC);
	if (!d) {
		errno = ENOMEM;
		return none;
	}
	rc = fill_uac(d, from_text, &from_uri, to_text, &to_uri);
	if (rc != 0) {
		free_dialog(d);
		errno = -rc;
		return none;
	}
	index_dialog(d);
	return (struct rln_dialog_id){d->self};
}

void rln_dialog_set_state(struct rln_dialog *d, enum rln_dialog_state state)
{
	enum rln_dialog_state old = (enum rln_dialog_state)d->state;

	if (old == state)
		return;
	d->state = (uint8_t)state;
	rln_dialog_emit_state(d, old, state);
}

/* A request of theirs that nobody will answer any more: 487, as 15.1.2 recommends. */
static void refuse_open(struct rln_dialog *d, struct rln_dialog_theirs *r)
{
	const struct rln_sip_msg *req = rln_txn_request(d->all->txns, (struct rln_txn_id){r->txn});

	if (req && (r->phase == RLN_THEIRS_OPEN || r->phase == RLN_THEIRS_CANCELLED))
		rln_policy_respond(d->all, req, r->txn, 487, rln_dialog_text(d, d->local_tag), NULL);
	r->phase = RLN_THEIRS_NONE;
	r->refusal = 0;
}

void rln_dialog_end(struct rln_dialog *d)
{
	if (d->state == RLN_DIALOG_TERMINATED)
		return;
	rln_uas_drop_answer(d);
	rln_reliable_stop(d);
	rln_refresh_stop(d);
	refuse_open(d, &d->theirs);
	refuse_open(d, &d->offer);
	if (d->update)
		rln_uas_respond_update(d, 487, NULL);
	rln_refer_end(d);
	rln_info_end(d);
	rln_ask_drop(d);
	if (d->ours.phase == RLN_OURS_ACK_WAITS)
		rln_uac_ack_pending(d);
	if (d->ours.phase != RLN_OURS_NONE && !rln_timer_is_armed(&d->guard))
		rln_wheel_arm(d->all->cfg.wheel, &d->guard, rln_wheel_now(d->all->cfg.wheel) + rln_dialogs_timeout_ns(d->all));
	rln_dialog_set_state(d, RLN_DIALOG_TERMINATED);
}

enum rln_dialog_fault rln_dialog_fault_of(int error)
{
	switch (-error) {
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPROTONOSUPPORT:
		return RLN_FAULT_TRANSPORT;
	default:
		return RLN_FAULT_TRANSACTION;
	}
}

void rln_dialog_fail(struct rln_dialog *d, int error)
{
	rln_dialog_emit_error(d, rln_dialog_fault_of(error), (unsigned)-error);
	if (d->established)
		rln_dialog_emit_terminated(d, RLN_END_NETWORK, 0);
	rln_dialog_end(d);
}

void rln_dialog_settle(struct rln_dialog *d)
{
	if (d->released && d->state == RLN_DIALOG_TERMINATED && d->ours.phase == RLN_OURS_NONE)
		free_dialog(d);
}

static void drop_queued(struct rln_dialog *d)
{
	rln_free(d->queued);
	d->queued = NULL;
}

/* Any final answer ends the dialog: our side has ended it with the BYE already (15.1.1). */
static void on_bye_answered(struct rln_dialog *d, const struct rln_dialog_ask *ask, const struct rln_sip_msg *msg, int error)
{
	(void)ask;
	if (msg) {
		rln_dialog_emit_terminated(d, RLN_END_NORMAL, msg->status);
	} else if (error == ETIMEDOUT) {
		rln_dialog_emit_terminated(d, RLN_END_TIMEOUT, 408);
	} else {
		rln_dialog_emit_error(d, RLN_FAULT_TRANSPORT, (unsigned)error);
		rln_dialog_emit_terminated(d, RLN_END_NETWORK, 0);
	}
	rln_dialog_end(d);
}

int rln_dialog_bye(struct rln_dialog *d)
{
	static const struct rln_dialog_ask bye = {.method = RLN_SIP_BYE, .done = on_bye_answered};
	int rc;

	if (d->state != RLN_DIALOG_CONFIRMED)
		return -ENOTCONN;
	if (d->bye == RLN_BYE_SENT)
		return 0;
	drop_queued(d);
	if (d->answer.block && d->answer.is_first) {
		d->bye = RLN_BYE_WAITS;
		return 0;
	}
	if (d->ours.phase == RLN_OURS_ACK_WAITS)
		rln_uac_ack_pending(d);
	rc = rln_dialog_ask(d, &bye);
	if (rc == 0)
		d->bye = RLN_BYE_SENT;
	return rc;
}

int rln_dialog_finish(struct rln_dialog *d, uint16_t code)
{
	static const struct rln_span nothing = {NULL, 0};

	if (d->state == RLN_DIALOG_TERMINATED)
		return -ENOTCONN;
	if (d->state == RLN_DIALOG_CONFIRMED)
		return rln_dialog_bye(d);
	if (d->theirs.phase == RLN_THEIRS_OPEN || d->theirs.phase == RLN_THEIRS_CANCELLED)
		return rln_uas_respond(d, code >= 300 ? code : 480, nothing, nothing);
	if (d->ours.phase != RLN_OURS_NONE)
		return rln_uac_cancel(d);
	if (!d->ours.cseq)
		rln_dialog_emit_terminated(d, RLN_END_NORMAL, 0); /* nothing was sent, so nothing will be answered */
	rln_dialog_end(d);
	return 0;
}

int rln_dialog_set_local_port(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t port)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	if (!d || d->role != RLN_ROLE_UAC || d->ours.cseq)
		return d ? -EALREADY : -ENOENT;
	d->local.port = port;
	return 0;
}

int rln_dialog_send_invite(struct rln_dialogs *all, struct rln_dialog_id id, const char *sdp, const char *extra)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_uac_invite(d, rln_span_of(sdp), rln_span_of(extra)) : -ENOENT;
}

int rln_dialog_send_update(struct rln_dialogs *all, struct rln_dialog_id id, const char *sdp)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_uac_offer(d, rln_span_of(sdp)) : -ENOENT;
}

int rln_dialog_send_ack(struct rln_dialogs *all, struct rln_dialog_id id, const char *sdp)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	if (!d)
		return -ENOENT;
	if (rln_refresh_keep(d, rln_span_of(sdp)) != 0)
		return -ENOMEM;
	if (d->ours.phase != RLN_OURS_ACK_WAITS)
		return rln_prack_answer(d, rln_span_of(sdp));
	rln_refresh_take_description(d);
	d->ours.phase = RLN_OURS_NONE;
	d->acked.sdp = sdp ? rln_strdup(sdp) : NULL; /* for a repeated 2xx; without memory that one gets an ACK without body */
	return rln_dialog_ack(d, d->remote, d->acked.cseq, rln_span_of(sdp));
}

int rln_dialog_send_response(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_uas_respond(d, code, rln_span_of(sdp), rln_span_of(extra)) : -ENOENT;
}

int rln_dialog_respond_offer(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code, const char *sdp, const char *extra)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_uas_respond_offer(d, code, rln_span_of(sdp), rln_span_of(extra)) : -ENOENT;
}

int rln_dialog_respond_update(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code, const char *extra)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_uas_respond_update(d, code, extra) : -ENOENT;
}

int rln_dialog_send_bye(struct rln_dialogs *all, struct rln_dialog_id id)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_dialog_bye(d) : -ENOENT;
}

int rln_dialog_send_cancel(struct rln_dialogs *all, struct rln_dialog_id id)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_uac_cancel(d) : -ENOENT;
}

int rln_dialog_terminate(struct rln_dialogs *all, struct rln_dialog_id id, uint16_t code)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_dialog_finish(d, code) : -ENOENT;
}

void rln_dialog_release(struct rln_dialogs *all, struct rln_dialog_id id)
{
	struct rln_dialog *d = rln_dialog_get(all, id.v);

	if (!d)
		return;
	d->released = true;
	if (d->state != RLN_DIALOG_TERMINATED && rln_dialog_finish(d, 0) != 0)
		rln_dialog_end(d);
	rln_dialog_settle(d);
}

int rln_dialogs_create(struct rln_dialogs **out, const struct rln_dialogs_cfg *cfg)
{
	struct rln_slots_cfg slots = {.type = RLN_ID_DIALOG, .capacity = cfg->dialogs, .object_size = sizeof(struct rln_dialog)};
	struct rln_event_handler hub = {.handle = rln_dialog_hub_handle, .endpoint = RLN_ENDPOINT_CONTROL};
	struct rln_dialogs *all = rln_zalloc(sizeof(*all));
	int rc = -ENOMEM;

	if (!all)
		return rc;
	all->cfg = *cfg;
	all->txns = rln_transport_txns(cfg->transport);
	hub.arg = all;
	rc = rln_slots_create(&all->slots, &slots);
	if (rc == 0)
		rc = rln_sip_index_init(&all->index, cfg->dialogs);
	if (rc == 0)
		rc = rln_sip_index_init(&all->merge, cfg->dialogs);
	if (rc == 0)
		rc = rln_registrations_create(&all->registrations, all);
	if (rc == 0)
		rc = rln_bus_register_handler(cfg->bus, RLN_CAT_S2D, &hub);
	if (rc == 0)
		rc = rln_bus_register_handler(cfg->bus, RLN_CAT_T2D, &hub);
	if (rc != 0)
		goto out;
	rln_transport_set_registrar(cfg->transport, rln_registrations_handle, all->registrations);
	*out = all;
	return 0;
out:
	rln_dialogs_destroy(all);
	return rc;
}

void rln_dialogs_destroy(struct rln_dialogs *all)
{
	struct rln_dialog *d;
	uint32_t cursor = 0;
	uint64_t handle;

	if (!all)
		return;
	while (all->slots && (d = rln_slots_next(all->slots, &cursor, &handle)))
		free_dialog(d);
	rln_registrations_destroy(all->registrations);
	rln_sip_index_fini(&all->merge);
	rln_sip_index_fini(&all->index);
	rln_slots_destroy(all->slots);
	rln_free(all);
}
