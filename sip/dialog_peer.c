/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the peer of a dialog can do, by its own word (RFC 3261 20.5), and which dialog of ours an INVITE of a third party
 * speaks of (RFC 3891).
 */
#include "sip/dialog_priv.h"
#include "sip/refer_to.h"

_Static_assert(RLN_SIP_METHOD_COUNT <= 32, "a bit each in peer_methods");

/* Each Allow is the whole truth; a message without one says nothing new. */
void rln_dialog_note_peer(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	const char *at = rln_sip_text(msg, msg->allow), *end = at + msg->allow.len;

	if (at < end)
		d->peer_methods = 1u << RLN_SIP_UNKNOWN; /* it spoke, even if of methods that we never heard of */
	while (at < end) {
		size_t skip = strspn(at, ", \t");
		size_t len = strcspn(at + skip, ", \t");

		d->peer_methods |= 1u << rln_sip_method_of(at + skip, len);
		at += skip + len + 1; /* the comma, or a NUL that has no business there */
	}
}

bool rln_dialog_peer_allows(const struct rln_dialogs *all, struct rln_dialog_id id, enum rln_sip_method method)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d && (!d->peer_methods || d->peer_methods & 1u << method);
}

/* RFC 3891 3, in its order. An early dialog can only be replaced by whom it rings for: the one who started it. */
static int check_replaced(const struct rln_dialog *d, bool early_only)
{
	if (d->state == RLN_DIALOG_TERMINATED || d->released || d->bye != RLN_BYE_NONE)
		return -603;
	if (d->state == RLN_DIALOG_CONFIRMED)
		return early_only ? -486 : 0;
	return d->role == RLN_ROLE_UAC && d->state == RLN_DIALOG_EARLY ? 0 : -481;
}

int rln_dialog_find_replaced(const struct rln_dialogs *all, const struct rln_sip_msg *invite, struct rln_dialog_id *out)
{
	struct rln_replaces replaces;
	const struct rln_dialog *d;
	int rc;

	out->v = 0;
	if (!invite->replaces.len)
		return 0;
	if (rln_replaces_parse(&replaces, rln_span_in(invite, invite->replaces)) != 0)
		return -400;
	d = rln_dialog_find(all, replaces.call_id, replaces.to_tag, replaces.from_tag);
	rc = d ? check_replaced(d, replaces.early_only) : -481;
	if (rc == 0)
		out->v = d->self;
	return rc;
}
