/* SPDX-License-Identifier: BSD-3-Clause */
/* What message.c, header.c, uri.c and osip_glue.c share: the view under construction. No type of libosip2. */
#pragma once

#include "sip/build.h"
#include "sip/message.h"

#define RLN_VIEW_VIAS 96 /* Via lines that we give back; a message with more is refused with 513 */

/* A message being parsed. `out` writes into the message's own block, behind struct rln_sip_msg: its length is the next
 * slice's offset. */
struct rln_view {
	struct rln_sip_msg *msg;
	struct rln_text out;
	uint64_t seen;          /* bit per row of header.c's table */
	int64_t content_length; /* -1 = absent */
	bool no_memory;         /* libosip2 got none: nothing is known about the message */
	unsigned vias_n;
	struct rln_slice via[RLN_VIEW_VIAS]; /* values of the Via lines, in order */
};

/* Copies text into the block, with a NUL behind it. An overflow sticks to view->out.full. */
struct rln_slice rln_view_put(struct rln_view *view, const char *s, size_t len);
/* A URI that was taken apart in `base`, part by part. */
void rln_view_put_uri(struct rln_view *view, struct rln_sip_uri *to, const struct rln_sip_uri *uri, const char *base);
/* The first fault stays; a later one does not replace it. */
void rln_view_fault(struct rln_view *view, uint16_t status, const char *why);

/* uri.c */
bool rln_sip_is_token(const char *s, size_t len);
/* A URI, nothing around it; offsets are relative to `text`. 0 or -EINVAL. */
int rln_sip_uri_split(struct rln_sip_uri *out, const char *text, size_t len);
/* name-addr or addr-spec at the start of a header value (20.10: without <> the first ';' ends the URI, and ',' and '?'
 * are errors). *end: offset of what follows it, ';' or the text's end. 0 or -EINVAL. */
int rln_sip_addr_split(struct rln_sip_uri *out, size_t *end, const char *text, size_t len);
bool rln_sip_scheme_is_sip(const char *s, size_t len);
/* Does the URI carry '?' headers? */
bool rln_sip_uri_has_headers(const struct rln_sip_uri *uri, const char *base);
/* Is this *( ";" [ name [ "=" value ] ] ), every quote closed and no value missing? osip is not so sure. */
bool rln_sip_params_are_sound(const char *s, size_t len);
/* Length of the first of the values that commas part in a header (outside of quotes and <>), at most len. */
size_t rln_sip_value_len(const char *s, size_t len);

/* header.c */
/* The row of a header name, -1 for one that we do not look at. */
int rln_header_find(const char *name, size_t len);
/* Another header of that row, its value unfolded and in the block: fills the view or sets its fault. */
void rln_header_add(struct rln_view *view, int row, struct rln_slice value);
/* After the last header: what is missing, what contradicts what; writes `vias`. */
void rln_header_finish(struct rln_view *view);

/* osip_glue.c. 0 or -EBADMSG; without memory view->no_memory too. */
/* The top Via: sent-by and its parameters; after -EBADMSG sent-by may stand nevertheless. */
int rln_osip_via(struct rln_view *view, const char *value, size_t len);
/* The parameters behind a name-addr (";name=value" ...): their syntax, and the value of `tag` when it is wanted. */
int rln_osip_params(struct rln_view *view, const char *params, size_t len, struct rln_slice *tag);
