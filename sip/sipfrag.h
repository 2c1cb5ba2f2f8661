/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message/sipfrag (RFC 3420) as a NOTIFY of a transfer carries it (RFC 3515 2.4.5): a status line, and perhaps more, of
 * which we read nothing. Pure functions.
 */
#pragma once

#include "sip/build.h"

#define RLN_SIPFRAG_TYPE "message/sipfrag;version=2.0"

/* The status that the fragment's first line tells, 100 to 699; 0 when it tells none. */
uint16_t rln_sipfrag_parse(const char *body, size_t len);
void rln_sipfrag_build(struct rln_text *t, uint16_t status);
