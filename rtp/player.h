/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Playing files to legs, the worker's side: samples that rtp/files has decoded are read in place. Never blocks: until the file is there, silence.
 * owner: one worker. The shared samples are read-only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rtp/files.h"

struct rln_players; /* one worker's */
struct rln_player;

int rln_players_create(struct rln_players **out, struct rln_files *files, unsigned endpoint, uint32_t capacity) __attribute__((warn_unused_result));
void rln_players_destroy(struct rln_players *players);
uint32_t rln_players_in_use(const struct rln_players *players);

/* Asks for a file, to be played `loops` times (0: until stopped) to the leg `owner`. NULL and *error: -ENOSPC (no slot), -EAGAIN (file thread's ring or blocks
 * are exhausted, counted), -ENAMETOOLONG. */
struct rln_player *rln_player_start(struct rln_players *players, uint64_t owner, const char *path, size_t len, uint32_t loops, int *error);
/* The next n samples; silence behind the end and before the file came. Returns how many came from the file. */
size_t rln_player_pull(struct rln_player *player, int16_t *pcm, size_t n);
/* Every loop was played. */
bool rln_player_is_done(const struct rln_player *player);
/* Gives it back; the pointer is void. */
void rln_player_stop(struct rln_player *player);

/* An answer of the file thread whose op is RLN_FILE_PLAY_OPEN. True when it is news for a leg: *owner, and *result 0 (plays now) or -errno (the player is gone:
 * *player tells which pointer is void). */
bool rln_players_take(struct rln_players *players, const struct rln_io_msg *msg, uint64_t *owner, struct rln_player **player, int *result);
