/* SPDX-License-Identifier: BSD-3-Clause */
/* Random bytes and hashes; the one file that includes OpenSSL is secure.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Cryptographic random bytes, for tags, branches, SSRCs, keys. Aborts when the system has none. Any thread; not on the packet path. */
void rln_random(void *out, size_t len);
uint32_t rln_random_u32(void);
/* `len` random characters of [a-z0-9] and NUL: tags and branches (RFC 3261 19.3: at least 32 bits of randomness). */
void rln_random_token(char *out, size_t len);
/* Message digests that protocols of peers ask for (RFC 7616: MD5 is broken, and still what most of them know). */
enum rln_digest_kind { RLN_DIGEST_KIND_MD5, RLN_DIGEST_KIND_SHA256 };
struct rln_piece {
	const void *data;
	size_t len;
};
#define RLN_DIGEST_HEX 65 /* the longest, with its NUL */
/* The digest of pieces that stand behind one another, in lower-case hexadecimal. 0; -ENOTSUP: this build of the library refuses it. Any
 * thread; not on the packet path. */
int rln_digest_hex(enum rln_digest_kind kind, const struct rln_piece *pieces, size_t n, char out[RLN_DIGEST_HEX])
	__attribute__((warn_unused_result));
/* SipHash-2-4 with a key of the process: for tables that strangers' text indexes. */
uint64_t rln_hash(const void *data, size_t len);
