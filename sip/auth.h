/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client remembers of those who challenged it (RFC 3261 22.2, 22.3): one protection space per proxy or server and
 * realm, with the nonce in use and how often it was used. A dialog and a registration have one each, made at the first
 * challenge. Only the hash of the password is kept. owner: control lcore.
 */
#pragma once

#include "lcore/addr.h"
#include "sip/build.h"
#include "sip/span.h"

#define RLN_AUTH_REALMS 4 /* two proxies, the peer, and one more */

struct rln_auth; /* owner: its dialog or registration */

struct rln_credentials { /* whoever receives one wipes it (explicit_bzero) after use */
	char user[64];
	char password[128];
};

/* Whose credentials: 0 and *out, or -ENOENT. `local` is our address and port, `local_uri` the URI in our From. */
struct rln_auth_source {
	int (*find)(const void *arg, const struct rln_addr *local, const char *local_uri, const char *realm,
		struct rln_credentials *out);
	const void *arg;
	const struct rln_addr *local;
	const char *local_uri;
};

/* How often one request was challenged by each of them; zeroed by whoever begins a new request (not a repetition of it). */
struct rln_auth_tries {
	uint8_t of[RLN_AUTH_REALMS];
};

/*
 * Learns the challenges of a 401 or 407 to a request of ours; makes *auth when it is NULL. 0: the request may be repeated
 * now; -EACCES: these credentials were refused (once, or twice when the nonce had only become stale); -ENOENT: none are
 * known for its realms; -ENOTSUP: nothing in it that we can answer; -ENOSPC: more realms than anybody has; -ENOMEM.
 */
int rln_auth_learn(struct rln_auth **auth, struct rln_auth_tries *tries, const struct rln_sip_msg *refusal,
	const struct rln_auth_source *source) __attribute__((warn_unused_result));
/* Authorization and Proxy-Authorization lines for a request about to be sent; counts the nonces up. auth may be NULL. */
void rln_auth_write(struct rln_auth *auth, struct rln_text *t, const char *method, struct rln_span uri, struct rln_span body);
void rln_auth_destroy(struct rln_auth *auth);
