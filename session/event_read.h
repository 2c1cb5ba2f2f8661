/* SPDX-License-Identifier: BSD-3-Clause */
/* What events of several kinds say alike, whichever kind it is. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lcore/event.h"

/* The description that the event carries; *len 0: none. Lives as long as the event's block. */
const char *rln_event_sdp(const struct rln_event *ev, size_t *len);
struct rln_slice rln_event_sdp_slice(const struct rln_event *ev);
/* The SIP status that it carries, 0: none. */
uint16_t rln_event_code(const struct rln_event *ev);
/* REINVITE_RECEIVED for an UPDATE without offer. */
bool rln_event_is_plain_update(const struct rln_event *ev);
