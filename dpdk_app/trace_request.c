/* SPDX-License-Identifier: BSD-3-Clause */
/* What a trace is asked for, as text and back, and which call it means. */
#include <errno.h>
#include <string.h>

#include "dpdk_app/trace_client.h"
#include "sip/message.h"

static const struct {
	const char *name, *bad;
} whats[RLN_TRACE_WHATS] = {
	[RLN_TRACE_NEXT] = {"next", NULL},
	[RLN_TRACE_ID] = {"id", "id= expects an id as logs and traces have it, e.g. id=s0/12#3"},
	[RLN_TRACE_CALL_ID] = {"call-id", "call-id= expects the value of a Call-ID header"},
	[RLN_TRACE_FROM] = {"from", "from= expects a part of the From header, e.g. from=alice"},
	[RLN_TRACE_TO] = {"to", "to= expects a part of the To header, e.g. to=bob"},
};

/* One word of printable text that fits: it travels in a line of words. */
static bool is_text(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return len > 0 && len < RLN_TRACE_FILTER;
}

static bool is_id(const char *text)
{
	unsigned shard, slot, generation;
	char type, rest;

	return sscanf(text, "%c%u/%u#%u%c", &type, &shard, &slot, &generation, &rest) == 4 && strchr("sdm", type);
}

static enum rln_trace_what what_of(const char *name, size_t len)
{
	unsigned w = 0;

	while (w < RLN_TRACE_WHATS && (strlen(whats[w].name) != len || strncmp(whats[w].name, name, len) != 0))
		w++;
	return (enum rln_trace_what)w;
}

int rln_trace_filter_parse(struct rln_trace_request *out, const char *filter, const char **why)
{
	const char *equals = strchr(filter, '='), *text = equals ? equals + 1 : "";
	enum rln_trace_what what = what_of(filter, equals ? (size_t)(equals - filter) : strlen(filter));

	*why = "expected next, id=ID, call-id=TEXT, from=TEXT or to=TEXT";
	if (what == RLN_TRACE_WHATS || (what == RLN_TRACE_NEXT && equals))
		return -EINVAL;
	*why = whats[what].bad;
	if (what != RLN_TRACE_NEXT && (!is_text(text) || (what == RLN_TRACE_ID && !is_id(text))))
		return -EINVAL;
	out->what = what;
	snprintf(out->text, sizeof(out->text), "%s", text);
	return 0;
}

void rln_trace_request_text(const struct rln_trace_request *r, char *buf, size_t size)
{
	snprintf(buf, size, "trace verbose=%d colour=%d calls=%u %s%s%s", r->verbose, r->colour, r->calls, whats[r->what].name,
		r->what == RLN_TRACE_NEXT ? "" : "=", r->text);
}

int rln_trace_request_parse(struct rln_trace_request *out, const char *line)
{
	char filter[RLN_TRACE_FILTER + 16], rest;
	unsigned verbose, colour;
	const char *why;

	*out = (struct rln_trace_request){.what = RLN_TRACE_NEXT};
	if (sscanf(line, "trace verbose=%u colour=%u calls=%u %143s %c", &verbose, &colour, &out->calls, filter, &rest) != 4)
		return -EINVAL;
	if (verbose > 1 || colour > 1 || out->calls < 1 || out->calls > 1000000)
		return -EINVAL;
	out->verbose = verbose;
	out->colour = colour;
	return rln_trace_filter_parse(out, filter, &why);
}

/* ---- does it fit ---- */

static bool contains(struct rln_trace_text text, const char *part)
{
	return text.len && memmem(text.s, text.len, part, strlen(part));
}

static bool is_party(const struct rln_traced *t, bool is_from, const char *part)
{
	struct rln_trace_text message = rln_traced_message(t);
	const struct rln_event *ev = t->ev;

	if (message.len)
		return contains(rln_trace_header(message, is_from ? "From" : "To", is_from ? 'f' : 't'), part);
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_MAKE_CALL:
		return contains(rln_traced_slice(t, is_from ? ev->make_call.from : ev->make_call.to), part);
	case RLN_EV_INITIATE_CALL:
		return contains(rln_traced_slice(t, is_from ? ev->initiate_call.from : ev->initiate_call.to), part);
	case RLN_EV_INCOMING_CALL:
		return contains(rln_traced_slice(t, is_from ? ev->incoming_call.from : ev->incoming_call.to), part);
	default:
		return false;
	}
}

static bool is_call_start(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_MAKE_CALL || ev->kind == RLN_EV_INCOMING_CALL || ev->kind == RLN_EV_SESSION_CREATED ||
	       (ev->kind == RLN_EV_SIP_MESSAGE_RECEIVED && ev->sip_message_received.method == RLN_SIP_INVITE) ||
	       (ev->kind == RLN_EV_SEND_SIP_MESSAGE && ev->send_sip_message.method == RLN_SIP_INVITE);
}

bool rln_trace_request_fits(const struct rln_trace_request *r, const struct rln_traced *t, const struct rln_trace_place *place)
{
	struct rln_trace_text call_id;
	char id[RLN_ID_TEXT];

	if (!place->call)
		return false;
	switch (r->what) {
	case RLN_TRACE_NEXT:
		return place->is_new && is_call_start(t->ev);
	case RLN_TRACE_ID:
		return strcmp(rln_id_text(t->ev->id, id), r->text) == 0;
	case RLN_TRACE_CALL_ID:
		call_id = rln_trace_header(rln_traced_message(t), "Call-ID", 'i');
		return call_id.len == strlen(r->text) && memcmp(call_id.s, r->text, call_id.len) == 0;
	case RLN_TRACE_FROM:
	case RLN_TRACE_TO:
		return is_party(t, r->what == RLN_TRACE_FROM, r->text);
	case RLN_TRACE_WHATS:
		break;
	}
	return false;
}
