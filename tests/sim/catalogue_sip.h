/* SPDX-License-Identifier: BSD-3-Clause */
/* The third part of catalogue_test.c's story: keys by INFO, a transfer that the peer asks for, and somebody who asks who is there. */
#pragma once

#include "tests/sim/sim.h"

void catalogue_sip_live(struct rln_peer *peer);
/* NULL: another part's business. */
extern bool (*const catalogue_sip_checks[RLN_EV_COUNT])(const struct sim_event *e);
