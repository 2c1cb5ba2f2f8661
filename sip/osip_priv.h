/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fence around libosip2: the only includer of its headers, seen by sip/osip_*.c alone. Its names carry no prefix (via_, sdp_, queue_), so
 * nothing of it may leave.
 */
#pragma once

#include <sys/time.h>
#include <time.h>

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include <osipparser2/sdp_message.h>

/* Allocator and tables, once per process; rln_sip_parser_init() is its public name. Safe to call again. */
void rln_osip_init(void);
