/* SPDX-License-Identifier: BSD-3-Clause */
/* The appliance behind the public functions: given by dpdk_app/stages.c, or started on first use and stopped after the last. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "session/api_priv.h"

static struct { /* owner: lock */
	pthread_mutex_t lock;
	struct rln_api api;
	bool bound, ours; /* ours: rln_api_get() started it */
	unsigned users;
} runtime = {.lock = PTHREAD_MUTEX_INITIALIZER};

void rln_api_bind(const struct rln_api *api)
{
	runtime.bound = api != NULL;
	runtime.api = api ? *api : (struct rln_api){0};
}

bool rln_runtime_is_running(void)
{
	return runtime.bound;
}

const struct rln_api *rln_api_get(void)
{
	const struct rln_api *api = NULL;
	int rc = 0;

	pthread_mutex_lock(&runtime.lock);
	if (!runtime.bound) {
		rc = rln_runtime_start(NULL);
		runtime.ours = rc == 0;
	}
	if (rc == 0) {
		runtime.users++;
		api = &runtime.api;
	} else {
		errno = -rc;
	}
	pthread_mutex_unlock(&runtime.lock);
	return api;
}

void rln_api_put(void)
{
	pthread_mutex_lock(&runtime.lock);
	if (--runtime.users == 0 && runtime.ours) {
		runtime.ours = false;
		rln_runtime_stop();
	}
	pthread_mutex_unlock(&runtime.lock);
}

void rln_set_errno(int rc)
{
	errno = rc == RLN_EENDED ? EPIPE : -rc;
}

int rln_wait_ms(int timeout_ms, enum rln_event_kind kind)
{
	if (timeout_ms != RLN_TIMEOUT_DEFAULT)
		return timeout_ms;
	return kind == RLN_EV_AUDIO_CHANNELS_READY ? 5000 : 10000; /* R132 */
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
