/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the media hub: media.c has commands and streams, media_files.c what touches the file thread. owner: worker. */
#pragma once

#include "lcore/event.h"
#include "rtp/pipeline.h"
#include "session/media.h"

struct rln_media_hub {
	struct rln_bus *bus;
	struct rln_shard *shard;
	bool quiet; /* the shard is being destroyed: nobody listens any more */
};

/* Fills in the pipeline's way out. */
void rln_media_hub_outlet(struct rln_media_hub *hub, struct rln_pipeline_cfg *cfg);
void rln_media_error(struct rln_media_hub *hub, uint64_t id, enum rln_media_fault fault, int error);
/* A stopped leg has nothing open any more: it goes, and MEDIA_STREAM_STOPPED says so. */
void rln_media_leg_finish(struct rln_media_hub *hub, struct rln_leg *leg);
/* A look at a leg now and then: one that waits too long for its recording goes. */
void rln_media_leg_age(struct rln_media_hub *hub, struct rln_leg *leg);
/* Frees a leg without a word; after the lcores ended. */
void rln_media_hub_abandon(struct rln_media_hub *hub, struct rln_leg *leg);

void rln_media_on_play(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd);
void rln_media_on_stop_play(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd);
void rln_media_on_record(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd);
void rln_media_on_stop_record(struct rln_media_hub *hub, struct rln_leg *leg, const struct rln_event *cmd);
/* The leg stops: its player goes, its recorder begins to close (leg->cold->files_closing until the file is closed). */
void rln_media_files_end(struct rln_media_hub *hub, struct rln_leg *leg);
/* What the file thread has to say. Returns how many news. */
unsigned rln_media_files_poll(struct rln_media_hub *hub);
