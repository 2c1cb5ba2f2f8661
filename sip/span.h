/* SPDX-License-Identifier: BSD-3-Clause */
/* The form in which the dialog layer hands texts of somebody else about. */
#pragma once

#include <string.h>

#include "sip/message.h"

struct rln_span { /* len 0 = none */
	const char *s;
	size_t len;
};

static inline struct rln_span rln_span_of(const char *text)
{
	return (struct rln_span){text, text ? strlen(text) : 0};
}

static inline struct rln_span rln_span_in(const struct rln_sip_msg *msg, struct rln_slice s)
{
	return (struct rln_span){rln_sip_text(msg, s), s.len};
}

/* The value of ";name=value" or ";name" (empty) among the parameters of a header, blanks around it and its quotes taken off; false when it
 * is not there. */
bool rln_sip_param(struct rln_span params, const char *name, struct rln_span *value);
/* Do two SIP URIs lead to the same place: scheme, user, host and port (19.1.4 without its parameters)? */
bool rln_sip_uri_is_same(struct rln_span a, struct rln_span b);
