/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other side of a dialog: remote target, route set and the address that they come down to (RFC 3261 12.1, 12.2.1.1, 8.1.2).
 *
 * All of it is one immutable piece of memory, made anew when a message changes any of it, so a dialog never holds half of the
 * old and half of the new. We resolve no names but those that the config gives: a host that stays unknown falls back to where the
 * peer's last request came from, which is right for phones that put their own name into Contact, and fails otherwise.
 */
#include <errno.h>
#include <strings.h>

#include "lcore/heap.h"
#include "sip/dialog_priv.h"

#define SIP_PORT 5060

/* "name" or "name=value" among URI parameters; false when absent. */
static bool find_param(struct rln_span params, const char *name, struct rln_span *value)
{
	size_t name_len = strlen(name);
	const char *at = params.s, *end = params.s + params.len;

	while (at < end) {
		const char *stop = memchr(at, ';', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		if (len >= name_len && strncasecmp(at, name, name_len) == 0 && (len == name_len || at[name_len] == '=')) {
			size_t skip = len == name_len ? len : name_len + 1;

			*value = (struct rln_span){at + skip, len - skip};
			return true;
		}
		at += len + 1;
	}
	return false;
}

static int host_address(const struct rln_dialogs *all, struct rln_span host, struct rln_addr *out)
{
	if (rln_addr_parse(out, host.s, host.len) == 0)
		return rln_addr_is_any(out) ? -EHOSTUNREACH : 0;
	if (all->cfg.resolve && all->cfg.resolve(all->cfg.resolve_arg, host.s, host.len, out) == 0)
		return 0;
	return -EHOSTUNREACH;
}

int rln_dialogs_resolve(const struct rln_dialogs *all, struct rln_span uri, struct rln_addr *out)
{
	struct rln_sip_uri parts;
	struct rln_span host, params, value;
	int rc = rln_sip_uri_parse(&parts, uri.s, uri.len);

	if (rc != 0)
		return rc;
	if (parts.scheme.len != 3 || strncasecmp(uri.s + parts.scheme.off, "sip", 3) != 0)
		return -EPROTONOSUPPORT; /* sips needs TLS; other schemes name nothing that we could send to */
	host = (struct rln_span){uri.s + parts.host.off, parts.host.len};
	params = (struct rln_span){uri.s + parts.params.off, parts.params.len};
	if (find_param(params, "transport", &value) && !(value.len == 3 && strncasecmp(value.s, "udp", 3) == 0))
		return -EPROTONOSUPPORT;
	if (find_param(params, "maddr", &value) && value.len)
		host = value;
	rc = host_address(all, host, out);
	out->port = parts.port ? parts.port : SIP_PORT;
	return rc;
}

static bool is_loose(struct rln_span route)
{
	struct rln_sip_uri uri;
	struct rln_span value;

	return rln_sip_uri_parse(&uri, route.s, route.len) == 0 &&
	       find_param((struct rln_span){route.s + uri.params.off, uri.params.len}, "lr", &value);
}

static uint16_t put(struct rln_dialog_remote *r, size_t *at, struct rln_span text)
{
	uint16_t offset = (uint16_t)*at;

	if (text.len)
		memcpy(r->text + offset, text.s, text.len);
	r->text[offset + text.len] = '\0';
	*at += text.len + 1;
	return offset;
}

static void settle_hop(const struct rln_dialogs *all, struct rln_dialog_remote *r, const struct rln_addr *fallback)
{
	struct rln_span next = rln_span_of(r->text + (r->routes_n ? r->route[0] : r->target));

	if (rln_dialogs_resolve(all, next, &r->hop) == 0)
		return;
	if (fallback)
		r->hop = *fallback;
	else
		r->hop.port = 0;
}

struct rln_dialog_remote *rln_dialog_remote_new(const struct rln_dialogs *all, const struct rln_dialog_remote_parts *parts)
{
	size_t size = parts->value.len + parts->tag.len + parts->target.len + 3, at = 0;
	struct rln_dialog_remote *r;

	for (unsigned i = 0; i < parts->routes_n; i++)
		size += parts->route[i].len + 1;
	if (size > UINT16_MAX)
		return NULL;
	r = rln_zalloc(sizeof(*r) + size);
	if (!r)
		return NULL;
	r->value = put(r, &at, parts->value);
	r->tag = put(r, &at, parts->tag);
	r->target = put(r, &at, parts->target);
	for (unsigned i = 0; i < parts->routes_n; i++)
		r->route[r->routes_n++] = put(r, &at, parts->route[i]);
	r->is_strict = parts->routes_n && !is_loose(parts->route[0]);
	settle_hop(all, r, parts->fallback);
	return r;
}

struct rln_dialog_remote *rln_dialog_remote_of(
	const struct rln_dialogs *all, const struct rln_sip_msg *msg, struct rln_span target)
{
	bool is_request = msg->status == 0;
	struct rln_dialog_remote_parts parts = {
		.value = rln_span_in(msg, is_request ? msg->from : msg->to),
		.tag = rln_span_in(msg, is_request ? msg->from_tag : msg->to_tag),
		.target = msg->contacts_n ? rln_span_in(msg, msg->contact[0].text) : target,
		.routes_n = msg->record_routes_n,
		.fallback = &msg->source,
	};

	for (unsigned i = 0; i < parts.routes_n; i++)
		parts.route[i] = rln_span_in(msg, msg->record_route[is_request ? i : parts.routes_n - 1 - i]);
	return rln_dialog_remote_new(all, &parts);
}

void rln_dialog_refresh_target(struct rln_dialog *d, const struct rln_sip_msg *msg)
{
	const struct rln_dialog_remote *old = d->remote;
	struct rln_dialog_remote_parts parts = {
		.value = rln_span_of(old->text + old->value),
		.tag = rln_span_of(old->text + old->tag),
		.routes_n = old->routes_n,
		.fallback = &msg->source,
	};
	struct rln_dialog_remote *fresh;

	/* Before the 2xx to our INVITE the target is the Request-URI, which a CANCEL repeats (9.1). */
	if (!msg->contacts_n || (d->role == RLN_ROLE_UAC && !d->established))
		return;
	parts.target = rln_span_in(msg, msg->contact[0].text);
	for (unsigned i = 0; i < parts.routes_n; i++)
		parts.route[i] = rln_span_of(old->text + old->route[i]);
	fresh = rln_dialog_remote_new(d->all, &parts);
	if (!fresh)
		return; /* the old target is still good for what comes next */
	rln_free(d->remote);
	d->remote = fresh;
}

struct rln_span rln_dialog_request_uri(const struct rln_dialog_remote *remote)
{
	struct rln_span route = rln_span_of(remote->text + remote->route[0]);
	struct rln_sip_uri uri;

	if (remote->is_strict && rln_sip_uri_parse(&uri, route.s, route.len) == 0)
		return (struct rln_span){route.s + uri.text.off, uri.text.len};
	return rln_span_of(remote->text + remote->target);
}

void rln_dialog_write_route(struct rln_text *t, const struct rln_dialog_remote *remote)
{
	for (unsigned i = remote->is_strict; i < remote->routes_n; i++)
		rln_text_printf(t, "Route: %s\r\n", remote->text + remote->route[i]);
	if (remote->is_strict)
		rln_text_printf(t, "Route: <%s>\r\n", remote->text + remote->target);
}
