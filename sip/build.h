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
 * A response to `req` up to and without Content-*: status line, Via (with received and rport, RFC 3581), From, To (with `to_tag` when the request
 * had none; NULL = a tag that is a hash of the transaction, for stateless answers), Call-ID, CSeq, Record-Route when `dialog_forming`.
 */
void rln_build_response(struct rln_text *t, const struct rln_sip_msg *req, unsigned status, const char *reason,
	const char *to_tag, bool dialog_forming);
/* Ends the headers: Content-Type and Content-Length, empty line, body (len 0: Content-Length: 0). */
void rln_build_body(struct rln_text *t, const char *content_type, const char *body, size_t len);
