/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscriptions of an application (R133): subscribers.h behind opaque handles. */
#include <errno.h>
#include <stdlib.h>

#include "session/api_priv.h"

struct rln_subscriber {
	struct rln_sub *sub;
};

struct rln_subscriber *rln_coordinator_subscribe_to_session_events(struct rln_coordinator *c, struct rln_session_id id)
{
	struct rln_sub_cfg cfg = {.filter = id.v ? RLN_SUB_SESSION : RLN_SUB_ALL, .session = id};
	struct rln_subscriber *s = calloc(1, sizeof(*s));
	int rc = s ? -EPIPE : -ENOMEM;

	if (s && c->api->coord)
		rc = rln_sub_create(&s->sub, rln_coord_subs(c->api->coord), &cfg);
	if (rc == 0)
		return s;
	free(s);
	rln_set_errno(rc);
	return NULL;
}

int rln_subscriber_next(struct rln_subscriber *s, struct rln_event *event, int timeout_ms)
{
	int rc = rln_sub_pop(s->sub, event);

	if (rc == 0 && rln_sub_wait(s->sub, timeout_ms) != 0)
		rc = rln_sub_pop(s->sub, event);
	if (rc == 1)
		return 0;
	return rc == 0 ? RLN_ETIMEDOUT : RLN_EENDED;
}

const char *rln_subscriber_text(struct rln_subscriber *s, const struct rln_event *event, struct rln_slice slice, size_t *len)
{
	(void)s;
	return rln_sub_text(event, slice, len);
}

void rln_subscriber_release(struct rln_subscriber *s, struct rln_event *event)
{
	rln_sub_give_back(s->sub, event);
}

int rln_subscriber_fd(const struct rln_subscriber *s)
{
	return rln_sub_fd(s->sub);
}

uint64_t rln_subscriber_lost(const struct rln_subscriber *s)
{
	return rln_sub_lost(s->sub);
}

void rln_subscriber_free(struct rln_subscriber *s)
{
	if (!s)
		return;
	rln_sub_destroy(s->sub);
	free(s);
}
