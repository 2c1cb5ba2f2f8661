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
