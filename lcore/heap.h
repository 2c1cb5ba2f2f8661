/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control-side memory: jemalloc (plain malloc in sanitizer builds), also handed to libosip2. Never on a worker's packet
 * path. A test switch lets the Nth allocation fail.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *rln_alloc(size_t size) __attribute__((warn_unused_result, malloc));
void *rln_zalloc(size_t size) __attribute__((warn_unused_result, malloc));
/* `align` is a power of two; memory is not zeroed, and large pieces are touched on first use. */
void *rln_alloc_aligned(size_t align, size_t size) __attribute__((warn_unused_result, malloc));
void *rln_realloc(void *p, size_t size) __attribute__((warn_unused_result));
char *rln_strdup(const char *s) __attribute__((warn_unused_result));
char *rln_strndup(const char *s, size_t len) __attribute__((warn_unused_result));
void rln_free(void *p);

/* Tests: the nth allocation of this thread from now on fails (1 = the next), 0 = none; returns whether the last one asked for did fail. */
int rln_heap_fail_nth(unsigned nth);
/* Bytes and allocations live now (test and telemetry; counted per thread, summed). */
int64_t rln_heap_live_bytes(void);
int64_t rln_heap_live_count(void);
