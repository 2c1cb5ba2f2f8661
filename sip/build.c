/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to text. Pure functions over a caller's buffer; see build.h for why they do not go through libosip2. */
#include "sip/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lcore/secure.h"

#define SIP_PORT    5060
#define CREDENTIALS 16 /* lines of one name that an ACK repeats: more than anybody sends */

void rln_text_init(struct rln_text *t, char *buf, size_t size)
{
	*t = (struct rln_text){.buf = buf, .size = size};
}

void rln_text_add(struct rln_text *t, const char *s, size_t len)
{
	if (t->full || len > t->size - t->len) {
		t->full = true;
		return;
	}
	if (len)
		memcpy(t->buf + t->len, s, len);
	t->len += len;
}

void rln_text_printf(struct rln_text *t, const char *format, ...)
{
	size_t room = t->size - t->len;
	va_list args;
	int n;

	if (t->full)
		return;
	va_start(args, format);
	n = vsnprintf(t->buf + t->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) /* printf wants room for its NUL too */
		t->full = true;
	else
		t->len += (size_t)n;
}

static void add_text(struct rln_text *t, const char *s)
{
	rln_text_add(t, s, strlen(s));
}

static void add_line(struct rln_text *t, const char *name, const struct rln_sip_msg *msg, struct rln_slice value)
{
	if (!value.len)
		return;
	add_text(t, name);
	rln_text_add(t, rln_sip_text(msg, value), value.len);
	rln_text_add(t, "\r\n", 2);
}

/* A stateless answer's tag must be the same for each retransmission (8.2.7). */
static void add_hashed_tag(struct rln_text *t, const struct rln_sip_msg *req)
{
	uint64_t h[3] = {rln_hash(rln_sip_text(req, req->branch), req->branch.len),
		rln_hash(rln_sip_text(req, req->call_id), req->call_id.len),
		rln_hash(rln_sip_text(req, req->cseq_text), req->cseq_text.len)};

	rln_text_printf(t, "%016llx", (unsigned long long)rln_hash(h, sizeof(h)));
}

static void add_to(struct rln_text *t, const struct rln_sip_msg *req, unsigned status, const char *to_tag)
{
	if (!req->to.len)
		return;
	add_text(t, "To: ");
	rln_text_add(t, rln_sip_text(req, req->to), req->to.len);
	if (!req->to_tag.len && status > 100) {
		add_text(t, t->buf[t->len - 1] == ';' ? "tag=" : ";tag=");
		if (to_tag)
			add_text(t, to_tag);
		else
			add_hashed_tag(t, req);
	}
	rln_text_add(t, "\r\n", 2);
}

void rln_build_response(struct rln_text *t, const struct rln_sip_msg *req, unsigned status, const char *reason,
	const char *to_tag, bool dialog_forming)
{
	rln_text_printf(t, "SIP/2.0 %u %s\r\n", status, reason ? reason : rln_sip_reason_phrase(status));
	rln_text_add(t, rln_sip_text(req, req->vias), req->vias.len);
	add_line(t, "From: ", req, req->from);
	add_to(t, req, status, to_tag);
	add_line(t, "Call-ID: ", req, req->call_id);
	add_line(t, "CSeq: ", req, req->cseq_text);
	if (status == 100)
		add_line(t, "Timestamp: ", req, req->timestamp);
	for (unsigned i = 0; dialog_forming && i < req->record_routes_n; i++)
		add_line(t, "Record-Route: ", req, req->record_route[i]);
}

void rln_build_body(struct rln_text *t, const char *content_type, const char *body, size_t len)
{
	if (len)
		rln_text_printf(t, "Content-Type: %s\r\n", content_type);
	rln_text_printf(t, "Content-Length: %zu\r\n\r\n", len);
	rln_text_add(t, body, len);
}

rln_block_ref rln_build_block(
	const struct rln_text *t, struct rln_slice *reason, struct rln_slice *headers, struct rln_slice *body)
{
	const char *end, *start = memchr(t->buf, '\n', t->len);
	struct rln_slice all;

	if (t->full || t->len > UINT16_MAX || !start)
		return 0;
	start++;
	end = memmem(start - 2, (size_t)(t->buf + t->len - start) + 2, "\r\n\r\n", 4);
	if (!end)
		return 0;
	end += 4;
	*headers = (struct rln_slice){(uint16_t)(start - t->buf), (uint16_t)(end - start - 2)};
	*body = (struct rln_slice){(uint16_t)(end - t->buf), (uint16_t)(t->buf + t->len - end)};
	if (reason) /* behind "SIP/2.0 200 " */
		*reason = (struct rln_slice){12, (uint16_t)(start - 2 - t->buf - 12)};
	return rln_block_from_text(t->buf, t->len, &all);
}

size_t rln_build_block_len(rln_block_ref block, struct rln_slice headers, struct rln_slice body)
{
	const char *text = rln_block_data(block);
	size_t end = (size_t)headers.off + headers.len + 2 + body.len; /* the empty line stands between */

	return text && headers.len && end <= rln_block_room(block) ? end : 0;
}

void rln_build_response_target(const struct rln_sip_msg *req, struct rln_addr *to)
{
	uint16_t sent_by_port = req->via_port ? req->via_port : SIP_PORT;

	if (req->via_maddr.len && rln_addr_parse(to, rln_sip_text(req, req->via_maddr), req->via_maddr.len) == 0) {
		to->port = sent_by_port;
		return;
	}
	*to = req->source;
	if (!req->has_rport)
		to->port = sent_by_port;
}

/* The next header line of that name at or behind `at`, with its CRLF; NULL when there is none. */
static const char *find_line(const char *at, const char *end, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	while (at < end && *at != '\r') {
		const char *next = memchr(at, '\n', (size_t)(end - at));

		next = next ? next + 1 : end;
		if ((size_t)(next - at) > name_len && at[name_len] == ':' && strncasecmp(at, name, name_len) == 0) {
			*len = (size_t)(next - at);
			return at;
		}
		at = next;
	}
	return NULL;
}

static void copy_lines(struct rln_text *t, const char *from, const char *end, const char *name, unsigned most)
{
	const char *at = from;
	size_t len = 0;

	for (; most-- && (at = find_line(at, end, name, &len)) != NULL; at += len)
		rln_text_add(t, at, len);
}

void rln_build_ack(struct rln_text *t, const char *invite, size_t len, const struct rln_sip_msg *response)
{
	const char *end = invite + len;
	const char *uri = memchr(invite, ' ', len);
	const char *headers = memchr(invite, '\n', len);

	if (!uri || !headers) {
		t->full = true;
		return;
	}
	headers++;
	add_text(t, "ACK");
	rln_text_add(t, uri, (size_t)(headers - uri));
	copy_lines(t, headers, end, "Via", 1);
	copy_lines(t, headers, end, "Route", RLN_SIP_ROUTES);
	copy_lines(t, headers, end, "From", 1);
	add_line(t, "To: ", response, response->to);
	copy_lines(t, headers, end, "Call-ID", 1);
	copy_lines(t, headers, end, "Authorization", CREDENTIALS); /* 22.1 */
	copy_lines(t, headers, end, "Proxy-Authorization", CREDENTIALS);
	rln_text_printf(t, "CSeq: %u ACK\r\n", response->cseq);
	add_text(t, "Max-Forwards: 70\r\n");
	rln_build_body(t, NULL, NULL, 0);
}
