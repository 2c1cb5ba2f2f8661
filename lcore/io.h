/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file thread: the only thread that opens, reads or writes media files. Workers (and control) talk to it by SP/SC rings
 * of small messages, one pair per endpoint, so a slow disk is a ring that fills, which its user counts, never a stall.
 * What the messages mean is the business of rtp/files.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rln_io;

struct rln_io_msg { /* 64 bytes, by value */
	uint16_t op;
	uint16_t flags;
	int32_t result;      /* 0 or -errno, in answers */
	uint64_t owner;      /* the asking leg's id */
	uint64_t file;       /* file handle on the io thread's side */
	void *data;          /* buffer whose ownership moves with the message */
	uint32_t len, spare;
	uint64_t arg[3];
};
_Static_assert(sizeof(struct rln_io_msg) == 64, "one cache line");

/* Handles one request on the file thread, and answers with rln_io_answer(). */
typedef void (*rln_io_handler)(void *arg, unsigned endpoint, const struct rln_io_msg *msg);

/* Rings for `endpoints` endpoints (bus.h numbers), `size` messages each way. The thread starts with rln_io_start(). 0 or -errno. */
int rln_io_create(struct rln_io **out, unsigned endpoints, unsigned size) __attribute__((warn_unused_result));
void rln_io_destroy(struct rln_io *io);
void rln_io_set_handler(struct rln_io *io, rln_io_handler handler, void *arg);
int rln_io_start(struct rln_io *io) __attribute__((warn_unused_result));
/* Handles what is queued, then ends the thread. */
void rln_io_stop(struct rln_io *io);
/* From endpoint to file thread; false when the ring is full (the caller counts and keeps the data). Never a system call:
 * the file thread looks at its rings every few ms while files are open. */
bool rln_io_ask(struct rln_io *io, unsigned endpoint, const struct rln_io_msg *msg);
/* From file thread to endpoint; waits in the file thread's own backlog when the ring is full. File thread only. */
void rln_io_answer(struct rln_io *io, unsigned endpoint, const struct rln_io_msg *msg);
/* Next answer for an endpoint; false when there is none. That endpoint's thread. */
bool rln_io_take(struct rln_io *io, unsigned endpoint, struct rln_io_msg *msg);
