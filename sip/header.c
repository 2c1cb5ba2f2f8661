/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each header means to our view, one row per header that we look at; all others stay in `headers`. Here stand the
 * checks that libosip2 lacks (RFC 4475): ranges, repetitions, contradictions. A fault does not stop the parse: the answer
 * needs the rest of the message.
 */
#include "sip/message_priv.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *text_of(const struct rln_view *view, struct rln_slice s)
{
	return rln_sip_text(view->msg, s);
}

/* Decimal digits only; a value beyond `max` is max + 1. -1: not a number. */
static int64_t number(const char *s, size_t len, int64_t max)
{
	int64_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n > max ? n : n * 10 + (s[i] - '0');
	}
	return len == 0 ? -1 : n > max ? max + 1 : n;
}

static struct rln_slice *slice_at(struct rln_view *view, size_t offset)
{
	return (struct rln_slice *)((char *)view->msg + offset);
}

/* The first one counts. */
static void keep(struct rln_view *view, size_t offset, struct rln_slice value)
{
	struct rln_slice *to = slice_at(view, offset);

	if (!to->len)
		*to = value;
}

/* Lists: all headers of the name, joined by commas (7.3.1). */
static void append(struct rln_view *view, size_t offset, struct rln_slice value)
{
	struct rln_slice *to = slice_at(view, offset);
	uint16_t start = (uint16_t)view->out.len;

	if (!to->len || !value.len) {
		keep(view, offset, value);
		return;
	}
	rln_text_add(&view->out, text_of(view, *to), to->len);
	rln_text_add(&view->out, ", ", 2);
	rln_text_add(&view->out, text_of(view, value), value.len);
	to->off = start;
	to->len = (uint16_t)(view->out.len - start);
	rln_text_add(&view->out, "", 1);
}

static void add_via(struct rln_view *view, size_t offset, struct rln_slice value)
{
	(void)offset;
	if (view->vias_n == RLN_VIEW_VIAS)
		rln_view_fault(view, 513, "Too Many Via Headers");
	else
		view->via[view->vias_n++] = value;
}

static void add_address(
	struct rln_view *view, struct rln_slice value, struct rln_sip_uri *uri, struct rln_slice *tag, const char *why)
{
	const char *s = text_of(view, value);
	struct rln_sip_uri at;
	size_t end;

	if (rln_sip_addr_split(&at, &end, s, value.len) < 0 || rln_osip_params(view, s + end, value.len - end, tag) < 0)
		rln_view_fault(view, 400, why);
	else
		rln_view_put_uri(view, uri, &at, s);
}

static void add_from(struct rln_view *view, size_t offset, struct rln_slice value)
{
	keep(view, offset, value);
	add_address(view, value, &view->msg->from_uri, &view->msg->from_tag, "Bad From Header");
}

static void add_to(struct rln_view *view, size_t offset, struct rln_slice value)
{
	keep(view, offset, value);
	add_address(view, value, &view->msg->to_uri, &view->msg->to_tag, "Bad To Header");
}

static void add_call_id(struct rln_view *view, size_t offset, struct rln_slice value)
{
	const char *s = text_of(view, value);

	keep(view, offset, value);
	if (!value.len || memchr(s, ' ', value.len) || memchr(s, '\t', value.len))
		rln_view_fault(view, 400, "Bad Call-ID Header");
}

/* 8.1.1.5: below 2^31. The method of a request must be its own (8.1.1.5), which finish() compares. */
static void add_cseq(struct rln_view *view, size_t offset, struct rln_slice value)
{
	const char *s = text_of(view, value);
	size_t digits = strspn(s, "0123456789");
	size_t blanks = strspn(s + digits, " \t");
	const char *method = s + digits + blanks;
	size_t method_len = value.len - digits - blanks;
	int64_t n = number(s, digits, INT32_MAX);

	keep(view, offset, value);
	if (n < 0 || n > INT32_MAX || !blanks || !rln_sip_is_token(method, method_len)) {
		rln_view_fault(view, 400, "Bad CSeq Header");
		return;
	}
	view->msg->cseq = (uint32_t)n;
	view->msg->cseq_method = (uint8_t)rln_sip_method_of(method, method_len);
	if (view->msg->status)
		view->msg->method_text = rln_view_put(view, method, method_len);
	else if (method_len != view->msg->method_text.len ||
		 memcmp(method, text_of(view, view->msg->method_text), method_len) != 0)
		rln_view_fault(view, 400, "CSeq Method Does Not Match");
}

static void add_max_forwards(struct rln_view *view, size_t offset, struct rln_slice value)
{
	int64_t n = number(text_of(view, value), value.len, 255);

	(void)offset;
	if (n < 0 || n > 255)
		rln_view_fault(view, 400, "Bad Max-Forwards Header");
	else
		view->msg->max_forwards = (int32_t)n;
}

static void add_content_length(struct rln_view *view, size_t offset, struct rln_slice value)
{
	int64_t n = number(text_of(view, value), value.len, UINT16_MAX);

	(void)offset;
	if (n < 0)
		rln_view_fault(view, 400, "Bad Content-Length Header");
	else if (view->content_length >= 0 && n != view->content_length)
		rln_view_fault(view, 400, "Conflicting Content-Length Headers");
	else
		view->content_length = n;
}

/* Lower case, without parameters and blanks. */
static void add_content_type(struct rln_view *view, size_t offset, struct rln_slice value)
{
	const char *s = text_of(view, value);
	size_t len = strcspn(s, ";"), type;
	struct rln_slice *to = slice_at(view, offset);
	uint16_t start = (uint16_t)view->out.len;

	if (to->len || !value.len)
		return;
	for (size_t i = 0; i < len && i < value.len; i++)
		if (s[i] != ' ' && s[i] != '\t')
			rln_text_add(&view->out, &(char){s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] | 0x20) : s[i]}, 1);
	to->off = start;
	to->len = (uint16_t)(view->out.len - start);
	rln_text_add(&view->out, "", 1);
	if (view->out.full)
		return;
	s = text_of(view, *to);
	type = strcspn(s, "/");
	if (!rln_sip_is_token(s, type) || type == to->len || !rln_sip_is_token(s + type + 1, to->len - type - 1))
		rln_view_fault(view, 400, "Bad Content-Type Header");
}

static size_t next_value(const char **s, size_t *left)
{
	size_t skip = strspn(*s, " \t,");

	*s += skip;
	*left -= skip;
	return rln_sip_value_len(*s, *left);
}

static void put_contact(struct rln_view *view, const struct rln_sip_uri *uri, const char *s, size_t end, size_t len)
{
	struct rln_sip_msg *msg = view->msg;

	rln_view_put_uri(view, &msg->contact[msg->contacts_n], uri, s);
	msg->contact_params[msg->contacts_n++] = rln_view_put(view, s + end, len - end);
}

/* A response with a Contact that nobody can reach still ends its transaction. */
static void add_contact(struct rln_view *view, size_t offset, struct rln_slice value)
{
	struct rln_sip_msg *msg = view->msg;
	const char *s = text_of(view, value);
	size_t left = value.len, len;
	struct rln_sip_uri at;

	(void)offset;
	for (; (len = next_value(&s, &left)) > 0; s += len, left -= len) {
		size_t end;

		if (*s == '*' || msg->contacts_n == RLN_SIP_CONTACTS)
			continue;
		if (rln_sip_addr_split(&at, &end, s, len) == 0 && rln_osip_params(view, s + end, len - end, NULL) == 0)
			put_contact(view, &at, s, end, len);
		else if (!msg->status)
			rln_view_fault(view, 400, "Bad Contact Header");
	}
}

static void add_routes(struct rln_view *view, struct rln_slice value, struct rln_slice *to, uint8_t *n)
{
	const char *s = text_of(view, value);
	size_t left = value.len, len, end;
	struct rln_sip_uri at;

	for (; (len = next_value(&s, &left)) > 0; s += len, left -= len) {
		if (rln_sip_addr_split(&at, &end, s, len) < 0)
			rln_view_fault(view, 400, "Bad Route Or Record-Route Header");
		else if (*n == RLN_SIP_ROUTES)
			rln_view_fault(view, 513, "Too Many Routes");
		else
			to[(*n)++] = rln_view_put(view, s, len);
	}
}

static void add_route(struct rln_view *view, size_t offset, struct rln_slice value)
{
	(void)offset;
	add_routes(view, value, view->msg->route, &view->msg->routes_n);
}

static void add_record_route(struct rln_view *view, size_t offset, struct rln_slice value)
{
	(void)offset;
	add_routes(view, value, view->msg->record_route, &view->msg->record_routes_n);
}

/* A number of seconds too long to count is a very long time (RFC 4475 3.1.2.4); what is none counts as absent. */
static void add_expires(struct rln_view *view, size_t offset, struct rln_slice value)
{
	int64_t n = number(text_of(view, value), value.len, INT32_MAX - 1);

	(void)offset;
	view->msg->expires = (int32_t)n;
}

static void add_min_expires(struct rln_view *view, size_t offset, struct rln_slice value)
{
	(void)offset;
	view->msg->min_expires = (int32_t)number(text_of(view, value), value.len, INT32_MAX - 1);
}

/* 20.17: always GMT. */
static void add_date(struct rln_view *view, size_t offset, struct rln_slice value)
{
	(void)offset;
	if (value.len < 4 || strcasecmp(text_of(view, value) + value.len - 4, " GMT") != 0)
		rln_view_fault(view, 400, "Bad Date Header");
}

struct row {
	const char *name;
	char compact; /* 7.3.3, or 0 */
	bool once;    /* a second one is an error */
	void (*add)(struct rln_view *view, size_t offset, struct rln_slice value);
	size_t offset;
};

#define MEMBER(m) offsetof(struct rln_sip_msg, m)

enum { VIA, FROM, TO, CALL_ID, CSEQ }; /* the rows that every message needs stand first */
static const char *const missing[] = {"Missing Via", "Missing From", "Missing To", "Missing Call-ID", "Missing CSeq"};

static const struct row rows[] = {
	{"via", 'v', false, add_via, 0},
	{"from", 'f', true, add_from, MEMBER(from)},
	{"to", 't', true, add_to, MEMBER(to)},
	{"call-id", 'i', true, add_call_id, MEMBER(call_id)},
	{"cseq", 0, true, add_cseq, MEMBER(cseq_text)},
	{"max-forwards", 0, true, add_max_forwards, 0},
	{"content-length", 'l', false, add_content_length, 0},
	{"content-type", 'c', false, add_content_type, MEMBER(content_type)},
	{"contact", 'm', false, add_contact, 0},
	{"route", 0, false, add_route, 0},
	{"record-route", 0, false, add_record_route, 0},
	{"expires", 0, false, add_expires, 0},
	{"min-expires", 0, false, add_min_expires, 0},
	{"date", 0, false, add_date, 0},
	{"accept", 0, false, append, MEMBER(accept)},
	{"require", 0, false, append, MEMBER(require)},
	{"supported", 'k', false, append, MEMBER(supported)},
	{"allow", 0, false, append, MEMBER(allow)},
	{"authorization", 0, false, keep, MEMBER(authorization)},
	{"www-authenticate", 0, false, append, MEMBER(www_authenticate)},
	{"proxy-authenticate", 0, false, append, MEMBER(proxy_authenticate)},
	{"proxy-authorization", 0, false, keep, MEMBER(proxy_authorization)},
	{"replaces", 0, true, keep, MEMBER(replaces)},
	{"refer-to", 'r', true, keep, MEMBER(refer_to)},
	{"refer-sub", 0, true, keep, MEMBER(refer_sub)},
	{"referred-by", 'b', true, keep, MEMBER(referred_by)},
	{"event", 'o', true, keep, MEMBER(event)},
	{"subscription-state", 0, true, keep, MEMBER(subscription_state)},
	{"session-expires", 'x', false, keep, MEMBER(session_expires)},
	{"min-se", 0, false, keep, MEMBER(min_se)},
	{"rseq", 0, false, keep, MEMBER(rseq)},
	{"rack", 0, false, keep, MEMBER(rack)},
	{"retry-after", 0, false, keep, MEMBER(retry_after)},
	{"timestamp", 0, false, keep, MEMBER(timestamp)},
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))
_Static_assert(sizeof(rows) / sizeof(rows[0]) <= 64, "a bit each in view->seen");

int rln_header_find(const char *name, size_t len)
{
	char first = (char)(name[0] | 0x20);

	for (int i = 0; i < ROWS; i++) {
		if (len == 1 && rows[i].compact == first)
			return i;
		if (rows[i].name[0] == first && strncasecmp(rows[i].name, name, len) == 0 && rows[i].name[len] == 0)
			return i;
	}
	return -1;
}

void rln_header_add(struct rln_view *view, int row, struct rln_slice value)
{
	uint64_t bit = UINT64_C(1) << row;

	if (view->out.full)
		return;
	if (rows[row].once && view->seen & bit) {
		rln_view_fault(view, 400, "Repeated Header");
		return;
	}
	view->seen |= bit;
	rows[row].add(view, rows[row].offset, value);
}

/* Is this ";name=value" one that we fill in for the next hop, or empty? */
static bool is_left_out(const char *param, size_t len)
{
	size_t skip = 1 + strspn(param + 1, " ");
	size_t name = skip < len ? strcspn(param + skip, "=; ,") : 0;

	return skip >= len || (name == 5 && strncasecmp(param + skip, "rport", 5) == 0) ||
	       (name == 8 && strncasecmp(param + skip, "received", 8) == 0);
}

/*
 * The top Via of a request, received and rport filled in: `received` when sent-by is not the source's address or rport was
 * asked for (18.2.1, RFC 3581 4). What a peer wrote there itself is replaced.
 */
static void write_top_via(struct rln_view *view, const char *top, size_t top_len)
{
	struct rln_sip_msg *msg = view->msg;
	char ip[RLN_ADDR_TEXT];
	struct rln_addr sent_by;
	size_t len;

	for (size_t at = 0; at < top_len; at += len) {
		const char *next = memchr(top + at + 1, ';', top_len - at - 1);

		len = next ? (size_t)(next - top) - at : top_len - at;
		if (top[at] != ';' || !is_left_out(top + at, len))
			rln_text_add(&view->out, top + at, len);
	}
	if (msg->has_rport || rln_addr_parse(&sent_by, text_of(view, msg->via_host), msg->via_host.len) < 0 ||
		!rln_addr_same_ip(&sent_by, &msg->source))
		rln_text_printf(&view->out, ";received=%s", rln_addr_ip_text(&msg->source, false, ip));
	if (msg->has_rport)
		rln_text_printf(&view->out, ";rport=%u", msg->source.port);
}

/* The Via values as lines of their own. */
static void write_vias(struct rln_view *view, size_t top_len)
{
	struct rln_text *out = &view->out;
	uint16_t start = (uint16_t)out->len;

	for (unsigned i = 0; i < view->vias_n; i++) {
		const char *s = text_of(view, view->via[i]);
		size_t len = view->via[i].len;

		if (i == 0) {
			rln_text_add(out, "Via: ", 5);
			if (view->msg->status)
				rln_text_add(out, s, top_len);
			else
				write_top_via(view, s, top_len);
			rln_text_add(out, "\r\n", 2);
			s += top_len;
			len -= top_len;
			len -= strspn(s, ", \t");
			s += strspn(s, ", \t");
			view->msg->is_forwarded = len || view->vias_n > 1;
		}
		if (len) {
			rln_text_add(out, "Via: ", 5);
			rln_text_add(out, s, len);
			rln_text_add(out, "\r\n", 2);
		}
	}
	view->msg->vias.off = start;
	view->msg->vias.len = (uint16_t)(out->len - start);
	rln_text_add(out, "", 1);
}

static void finish_via(struct rln_view *view)
{
	const char *s = text_of(view, view->via[0]);
	size_t len = rln_sip_value_len(s, view->via[0].len);

	if (rln_osip_via(view, s, len) < 0)
		rln_view_fault(view, 400, "Bad Via Header");
	/* 8.1.1.7; the cookie alone is no branch that tells transactions apart (RFC 4475 3.2.1) */
	view->msg->is_2543 = view->msg->branch.len < 8 || strncasecmp(text_of(view, view->msg->branch), "z9hG4bK", 7) != 0;
	if (!view->out.full)
		write_vias(view, len);
}

bool rln_sip_option_is_supported(const char *tag, size_t len)
{
#define X(name) name,
	static const char *const tags[] = {RLN_SIP_OPTION_TAGS(X) NULL};
#undef X

	for (const char *const *t = tags; *t; t++)
		if (strlen(*t) == len && strncasecmp(*t, tag, len) == 0)
			return true;
	return false;
}

bool rln_sip_lists(const struct rln_sip_msg *msg, struct rln_slice list, const char *token)
{
	const char *s = rln_sip_text(msg, list);
	size_t left = list.len, len;

	for (; left && (len = next_value(&s, &left)) > 0; s += len, left -= len) {
		if (strcspn(s, " \t,") == strlen(token) && strncasecmp(s, token, strlen(token)) == 0)
			return true;
	}
	return false;
}

/* 8.2.2.3: ACK and CANCEL are exempt, since nobody could send them without the extension. */
static void finish_require(struct rln_view *view)
{
	struct rln_sip_msg *msg = view->msg;
	const char *s = text_of(view, msg->require);
	size_t left = msg->require.len, len;
	uint16_t start = (uint16_t)view->out.len;

	if (!left || msg->status || msg->method == RLN_SIP_ACK || msg->method == RLN_SIP_CANCEL)
		return;
	for (; (len = next_value(&s, &left)) > 0; s += len, left -= len) {
		size_t tag = strcspn(s, " \t,");

		if (rln_sip_option_is_supported(s, tag))
			continue;
		if (view->out.len > start)
			rln_text_add(&view->out, ", ", 2);
		rln_text_add(&view->out, s, tag);
	}
	msg->unsupported.off = start;
	msg->unsupported.len = (uint16_t)(view->out.len - start);
	rln_text_add(&view->out, "", 1);
}

void rln_header_finish(struct rln_view *view)
{
	struct rln_sip_msg *msg = view->msg;

	for (unsigned i = VIA; i <= CSEQ; i++)
		if (!(view->seen & UINT64_C(1) << i))
			rln_view_fault(view, 400, missing[i]);
	if (view->vias_n && !view->out.full)
		finish_via(view);
	if (!view->out.full)
		finish_require(view);
	if (msg->status)
		msg->method = msg->cseq_method;
}
