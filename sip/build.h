/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes SIP messages as text into a fixed buffer. Sticky overflow: write everything, ask once at the end.
 * (Plain writing, because osip_message_to_str() allocates per header; the micro bench has both figures.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sip/message.h"

struct rln_text { /* a bounded writer */
	char *buf;
	size_t len, size;
	bool full;
};

void rln_text_init(struct rln_text *t, char *buf, size_t size);
void rln_text_add(struct rln_text *t, const char *s, size_t len);
void rln_text_printf(struct rln_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A response to `req` up to and without Content-*: status line, Via (with received and rport, RFC 3581), From, To (with
 * `to_tag` when the request had none; NULL = a tag that is a hash of the transaction, for stateless answers), Call-ID, CSeq,
 * Record-Route when `dialog_forming`.
 */
void rln_build_response(struct rln_text *t, const struct rln_sip_msg *req, unsigned status, const char *reason,
	const char *to_tag, bool dialog_forming);
/* Ends the headers: Content-Type and Content-Length, empty line, body (len 0: Content-Length: 0). */
void rln_build_body(struct rln_text *t, const char *content_type, const char *body, size_t len);

/*
 * The text as the block of a SEND_SIP_MESSAGE or SEND_SIP_RESPONSE event: the datagram stands at offset 0, `headers` from
 * the first header to the empty line, `body` behind it, `reason` (may be NULL) in the status line. 0 when the text
 * overflowed or no block is left.
 */
rln_block_ref rln_build_block(const struct rln_text *t, struct rln_slice *reason, struct rln_slice *headers,
	struct rln_slice *body) __attribute__((warn_unused_result));
/* The length of the datagram in such a block; 0 when it holds none. */
size_t rln_build_block_len(rln_block_ref block, struct rln_slice headers, struct rln_slice body);
/* Where the response to `req` goes: maddr, else source (18.2.2), with the source port when rport was asked for (RFC 3581
 * 4), else sent-by's. */
void rln_build_response_target(const struct rln_sip_msg *req, struct rln_addr *to);
/* The ACK to a non-2xx response (17.1.1.3), from the text of the INVITE that we sent. */
void rln_build_ack(struct rln_text *t, const char *invite, size_t len, const struct rln_sip_msg *response);
