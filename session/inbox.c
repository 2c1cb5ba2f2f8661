/* SPDX-License-Identifier: BSD-3-Clause */
/* Leader and followers over one subscriber; see inbox.h. */
#include "session/inbox.h"

#include <errno.h>
#include <time.h>

#include "session/ringlane.h"

#define MS_FOR_EVER (-1)

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void rln_inbox_init(
	struct rln_inbox *inbox, struct rln_sub *sub, void (*take)(void *owner, const struct rln_event *ev), void *owner)
{
	pthread_condattr_t attr;

	*inbox = (struct rln_inbox){.sub = sub, .take = take, .owner = owner};
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&inbox->changed, &attr);
	pthread_condattr_destroy(&attr);
}

void rln_inbox_fini(struct rln_inbox *inbox)
{
	rln_sub_destroy(inbox->sub);
	pthread_cond_destroy(&inbox->changed);
	pthread_mutex_destroy(&inbox->lock);
}

/* Under the lock, by the leader or when there is none. */
static void take_all(struct rln_inbox *inbox)
{
	struct rln_event ev;
	int rc;

	while ((rc = rln_sub_pop(inbox->sub, &ev)) == 1) {
		inbox->take(inbox->owner, &ev);
		rln_sub_give_back(inbox->sub, &ev);
	}
	if (rc < 0)
		inbox->ended = true;
	pthread_cond_broadcast(&inbox->changed);
}

/* Reads for all until something came or `left_ms` have passed. */
static void lead(struct rln_inbox *inbox, int left_ms)
{
	inbox->leading = true;
	pthread_mutex_unlock(&inbox->lock);
	rln_sub_wait(inbox->sub, left_ms);
	pthread_mutex_lock(&inbox->lock);
	inbox->leading = false;
	take_all(inbox);
}

static void follow(struct rln_inbox *inbox, int left_ms)
{
	struct timespec until;
	int64_t at;

	if (left_ms == MS_FOR_EVER) {
		pthread_cond_wait(&inbox->changed, &inbox->lock);
		return;
	}
	at = now_ms() + left_ms;
	until = (struct timespec){at / 1000, at % 1000 * 1000000};
	pthread_cond_timedwait(&inbox->changed, &inbox->lock, &until);
}

int rln_inbox_wait(struct rln_inbox *inbox, bool (*ready)(void *arg), void *arg, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int rc = 0;

	pthread_mutex_lock(&inbox->lock);
	if (!inbox->leading)
		take_all(inbox);
	while (!ready(arg)) {
		int64_t left = timeout_ms < 0 ? MS_FOR_EVER : end - now_ms();

		if (inbox->ended) {
			rc = RLN_EENDED;
			break;
		}
		if (timeout_ms >= 0 && left <= 0) {
			rc = RLN_ETIMEDOUT;
			break;
		}
		if (inbox->leading)
			follow(inbox, (int)left);
		else
			lead(inbox, (int)left);
	}
	/* Whoever waits on must not hang on a leader that has what it wanted. */
	pthread_cond_broadcast(&inbox->changed);
	pthread_mutex_unlock(&inbox->lock);
	return rc;
}

void rln_inbox_drain(struct rln_inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	if (!inbox->leading && !inbox->ended)
		take_all(inbox);
	pthread_mutex_unlock(&inbox->lock);
}
