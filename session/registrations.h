/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registrations as applications order and see them (R118, R136, R151). The machine is sip/registration.c's; here are the
 * commands that reach it by the bus, whose credentials answer a challenge, and what became of each, as
 * REGISTRATION_STATUS_UPDATE says: kept for telemetry, and given to the peer's subscribers.
 */
#pragma once

#include "session/coordinator.h"

#define RLN_REGISTRATION_VIEWS 64 /* as RLN_REGISTRATIONS of sip/registration.h */
#define RLN_REGISTRATION_URI 128

struct rln_coord_registration {
	const char *uri;            /* address of record; NULL: sip:user@host of the registrar */
	const char *registrar;      /* URI or host[:port]; NULL: the host of uri */
	const char *contact;        /* URI; NULL: the peer's name at our address and port */
	const char *user, *password; /* NULL: the peer's credentials as they are; else they replace them, for calls too */
	uint32_t expires_s;         /* 0: 3,600 */
};

/* Registers a local peer, or changes its registration; refreshes go by themselves. 0 when ordered: what comes of it shows in
 * REGISTRATION_STATUS_UPDATE. -EINVAL, -ENOBUFS; with new credentials also -ETIMEDOUT (the control lcore does not turn).
 * Any thread. */
int rln_coord_register(struct rln_coord *coord, unsigned peer, const struct rln_coord_registration *r, int timeout_ms);
/* Ends the registration of an address of record, NULL: each of the peer's. 0, -EINVAL, -ENOENT (NULL and it has none) or
 * -ENOBUFS. Any thread. */
int rln_coord_unregister(struct rln_coord *coord, unsigned peer, const char *uri);

/* Registers what the configuration lists, as no peer's. 0, -EINVAL or -ENOBUFS. Main thread, once the lcores run. */
int rln_coord_register_configured(struct rln_coord *coord);

struct rln_registration_view {
	char uri[RLN_REGISTRATION_URI];
	uint16_t peer;      /* RLN_COORD_PEERS: of the configuration */
	uint16_t code;
	uint8_t status;     /* enum rln_registration_state */
	uint32_t expires_s; /* REGISTERED: granted; counted from the last answer */
	uint32_t retry_s;   /* UNREGISTERED: tried again this long after the last answer, 0 = it is over */
};

/* The nth that was ever heard of; false beyond the last. Any thread. */
bool rln_coord_registration_view(const struct rln_coord *coord, unsigned n, struct rln_registration_view *out);
/* Those that are not over. Any thread. */
uint32_t rln_coord_registrations(const struct rln_coord *coord);

/* For struct rln_dialogs_cfg.credentials: those of the local peer whose URI and port ask, else of the configuration's
 * registrations. `arg` is the coordinator. Control lcore. */
struct rln_credentials;
int rln_coord_credentials(const struct rln_coord *coord, const struct rln_addr *local, const char *local_uri, const char *realm,
	struct rln_credentials *out);
