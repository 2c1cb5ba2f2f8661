/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fence around OpenSSL. Random bytes are drawn in batches per thread, because a call to its generator costs more than
 * the few bytes that a tag or branch needs; what was given out is wiped. SipHash (Aumasson and Bernstein, 2012) is our own:
 * OpenSSL's goes through a MAC object per hash.
 */
#include "lcore/secure.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#define BATCH 256

static __thread uint8_t batch[BATCH];
static __thread size_t batch_left;

static void draw(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) == 1)
		return;
	fputs("ringlane: the system has no random bytes\n", stderr);
	abort();
}

void rln_random(void *out, size_t len)
{
	uint8_t *p;

	for (; len > BATCH; len -= BATCH, out = (uint8_t *)out + BATCH)
		draw(out, BATCH);
	if (len > batch_left) {
		draw(batch, BATCH);
		batch_left = BATCH;
	}
	p = batch + BATCH - batch_left;
	memcpy(out, p, len);
	explicit_bzero(p, len);
	batch_left -= len;
}

uint32_t rln_random_u32(void)
{
	uint32_t v;

	rln_random(&v, sizeof(v));
	return v;
}

void rln_random_token(char *out, size_t len)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint8_t byte;

	for (size_t i = 0; i < len; i++) {
		do
			rln_random(&byte, 1);
		while (byte >= 7 * 36); /* 252: above it the first digits would come up more often */
		out[i] = digits[byte % 36];
	}
	out[len] = 0;
}

int rln_digest_hex(enum rln_digest_kind kind, const struct rln_piece *pieces, size_t n, char out[RLN_DIGEST_HEX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool done = ctx && EVP_DigestInit_ex(ctx, kind == RLN_DIGEST_KIND_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1;

	for (size_t i = 0; done && i < n; i++)
		done = EVP_DigestUpdate(ctx, pieces[i].data, pieces[i].len) == 1;
	done = done && EVP_DigestFinal_ex(ctx, bytes, &len) == 1;
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; done && i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	return done ? 0 : -ENOTSUP;
}

static uint64_t hash_key[2]; /* written once, by draw_key() */
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
	draw(hash_key, sizeof(hash_key));
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* SipHash-2-4 for little-endian machines. */
static uint64_t siphash(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573};
	const uint8_t *p = data;
	uint64_t word;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	word = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)p[i] << (8 * i);
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t rln_hash(const void *data, size_t len)
{
	pthread_once(&hash_once, draw_key);
	return siphash(hash_key, data, len);
}
