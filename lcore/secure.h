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
/* SipHash-2-4 with a key of the process: for tables that strangers' text indexes. */
uint64_t rln_hash(const void *data, size_t len);
