/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rln_peer_ping(): an OPTIONS and its answer. The asker is a session's id that no session will have, so that the answer
 * finds its way by the same subscriptions as everything else.
 */
#include <errno.h>

#include "lcore/clock.h"
#include "session/api_priv.h"

static int answer_of(const struct rln_event *ev, uint32_t *rtt_us)
{
	*rtt_us = ev->options_answered.rtt_us;
	if (ev->options_answered.status)
		return ev->options_answered.status;
	return ev->options_answered.error == ETIMEDOUT ? RLN_ETIMEDOUT : -ev->options_answered.error;
}

/* An answer to whoever had this id before us is not ours. */
static int wait_for_answer(struct rln_sub *sub, uint32_t token, int timeout_ms, uint32_t *rtt_us)
{
	uint64_t end = rln_clock_end_ns(timeout_ms);
	struct rln_event ev;
	int rc = 0;

	while (rc >= 0) {
		rln_sub_wait(sub, rln_clock_left_ms(end));
		rc = rln_sub_pop(sub, &ev);
		if (rc == 0)
			return RLN_ETIMEDOUT;
		if (rc == 1 && ev.kind == RLN_EV_OPTIONS_ANSWERED && ev.options_answered.token == token)
			return answer_of(&ev, rtt_us);
		if (rc == 1)
			rln_sub_give_back(sub, &ev);
	}
	return RLN_EENDED;
}

static int ask(
	struct rln_coord *coord, struct rln_session_id asker, unsigned peer, const char *target, int timeout_ms, uint32_t *rtt_us)
{
	static uint32_t tokens;
	uint32_t token = __atomic_add_fetch(&tokens, 1, __ATOMIC_RELAXED);
	struct rln_sub_cfg cfg = {.filter = RLN_SUB_SESSION, .session = asker};
	struct rln_sub *sub;
	int rc = rln_sub_create(&sub, rln_coord_subs(coord), &cfg);

	if (rc != 0)
		return rc;
	rc = rln_coord_options(coord, asker, peer, target, token);
	if (rc == 0)
		rc = wait_for_answer(sub, token, timeout_ms, rtt_us);
	rln_sub_destroy(sub);
	return rc;
}

int rln_peer_ping(struct rln_peer *peer, const char *target, int timeout_ms, uint32_t *rtt_us)
{
	struct rln_coord *coord = peer->api->coord;
	struct rln_session_id asker;
	uint32_t ignored;
	int rc;

	if (!coord)
		return RLN_EENDED;
	asker = rln_coord_reserve(coord);
	if (!asker.v)
		return -errno;
	rc = ask(coord, asker, peer->number, target, timeout_ms, rtt_us ? rtt_us : &ignored);
	rln_coord_unreserve(coord, asker);
	return rc;
}
