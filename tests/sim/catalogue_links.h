/* SPDX-License-Identifier: BSD-3-Clause */
/* The second half of catalogue_test.c's story: a call that is held, transferred, consulted for and bridged, and the checks of the kinds that this raises. */
#pragma once

#include "tests/sim/sim.h"

void catalogue_links_live(struct rln_peer *peer);
/* NULL: the other half's business. */
extern bool (*const catalogue_links_checks[RLN_EV_COUNT])(const struct sim_event *e);
