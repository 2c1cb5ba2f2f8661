/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of actions share about the peer's offer. owner: control lcore. */
#pragma once

struct rln_session;

/* The peer's offer is answered, or no longer counts. */
void rln_offer_drop_kept(struct rln_session *s);
