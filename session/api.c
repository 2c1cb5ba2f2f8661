/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The appliance behind the public functions: given by dpdk_app/stages.c, or started on first use and stopped after the last. Each run has a
 * view of its own, which its handles keep: one that is left over from an earlier run can never reach the next one's engine.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "session/api_priv.h"

struct run {                /* owner: runtime.lock */
	struct rln_api api; /* first: what handles point at */
	unsigned users;     /* handles that keep an appliance of ours running */
	unsigned holders;   /* who may still look at this, the users and the running appliance among them; the last one frees */
	bool ours;          /* rln_api_get() started it */
};

static struct {
	pthread_mutex_t lock; /* recursive: starting and stopping bind */
	struct run *current;  /* writer: under the lock; NULL: nothing runs */
} runtime = {.lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP};

static struct run *run_of(const struct rln_api *api)
{
	return (struct run *)api;
}

static void unhold(struct run *run)
{
	if (--run->holders == 0)
		free(run);
}

static int make(const struct rln_api *api)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return -ENOMEM;
	run->api = *api;
	run->holders = 1;
	__atomic_store_n(&runtime.current, run, __ATOMIC_RELEASE);
	return 0;
}

static void end(struct run *run)
{
	__atomic_store_n(&runtime.current, NULL, __ATOMIC_RELEASE);
	run->api = (struct rln_api){0};
	unhold(run);
}

int rln_api_bind(const struct rln_api *api)
{
	int rc = 0;

	pthread_mutex_lock(&runtime.lock);
	if (runtime.current)
		end(runtime.current);
	if (api)
		rc = make(api);
	pthread_mutex_unlock(&runtime.lock);
	return rc;
}

bool rln_runtime_is_running(void)
{
	return __atomic_load_n(&runtime.current, __ATOMIC_ACQUIRE) != NULL;
}

const struct rln_api *rln_api_get(void)
{
	const struct rln_api *api = NULL;
	int rc = 0;

	pthread_mutex_lock(&runtime.lock);
	if (!runtime.current) {
		rc = rln_runtime_start(NULL);
		if (rc == 0)
			runtime.current->ours = true;
	}
	if (rc == 0) {
		runtime.current->users++;
		runtime.current->holders++;
		api = &runtime.current->api;
	} else {
		rln_set_errno(rc);
	}
	pthread_mutex_unlock(&runtime.lock);
	return api;
}

void rln_api_put(const struct rln_api *api)
{
	struct run *run = run_of(api);

	pthread_mutex_lock(&runtime.lock);
	if (--run->users == 0 && run->ours && run == runtime.current)
		rln_runtime_stop();
	unhold(run);
	pthread_mutex_unlock(&runtime.lock);
}

const struct rln_api *rln_api_hold(const struct rln_api *api)
{
	pthread_mutex_lock(&runtime.lock);
	run_of(api)->holders++;
	pthread_mutex_unlock(&runtime.lock);
	return api;
}

void rln_api_drop(const struct rln_api *api)
{
	pthread_mutex_lock(&runtime.lock);
	unhold(run_of(api));
	pthread_mutex_unlock(&runtime.lock);
}

int rln_wait_ms(int timeout_ms, enum rln_event_kind kind)
{
	if (timeout_ms != RLN_TIMEOUT_DEFAULT)
		return timeout_ms;
	return kind == RLN_EV_AUDIO_CHANNELS_READY ? 5000 : 10000; /* R132 */
}

void rln_set_errno(int rc)
{
	errno = rc == RLN_EENDED ? EPIPE : -rc;
}

const char *rln_error_text(int code)
{
	static _Thread_local char text[96];

	switch (code) {
	case 0:
		return "no error";
	case RLN_ETIMEDOUT:
		return "the time ran out";
	case RLN_ECALLFAILED:
		return "the call ended first";
	case RLN_EENDED:
		return "it is over";
	case RLN_EREFUSED:
		return "the peer refused";
	default:
		return strerror_r(code < 0 ? -code : code, text, sizeof(text));
	}
}
