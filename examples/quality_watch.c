/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of a call's audio: quality_watch TARGET UPDATES. Calls, prints each quality event, hangs up after that many MEDIA_QUALITY_UPDATEs. Fails
 * when the call does, or when no update comes for 15 s.
 */
#include <ringlane.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_quality(const char *name, const struct rln_ev_quality *q)
{
	static const char *const levels[] = {"GOOD", "DEGRADED", "POOR", "FAILED"};

	printf("%s %s: loss %.2f %%, jitter %.2f ms, round trip ", name, q->quality < 4 ? levels[q->quality] : "?",
		(double)q->metrics.packet_loss, (double)q->metrics.jitter_ms);
	if (q->metrics.round_trip_ms < 0)
		printf("not measured");
	else
		printf("%.2f ms", (double)q->metrics.round_trip_ms);
	printf(", %u bit/s\n", q->metrics.bitrate_bps);
	fflush(stdout);
}

/* A media event comes in an envelope, its payload cut to the envelope's room; one of this part's own kinds comes as it is. */
static enum rln_event_kind open_envelope(struct rln_event *ev)
{
	struct rln_ev_media_event inside;

	if (ev->kind == RLN_EV_MEDIA_EVENT) {
		inside = ev->media_event;
		ev->kind = inside.event;
		memset(ev->raw, 0, sizeof(ev->raw));
		memcpy(ev->raw, inside.raw, sizeof(inside.raw));
		if (inside.block) /* what has a block has it first; it is given back with the event */
			memcpy(ev->raw, &inside.block, sizeof(inside.block));
	}
	return (enum rln_event_kind)ev->kind;
}

/* Updates seen until there were `wanted`, nothing came in time, or the call was over. */
static int watch(struct rln_subscriber *events, int wanted)
{
	struct rln_event ev;
	int updates = 0;

	while (updates < wanted && rln_subscriber_next(events, &ev, 15000) == 0) {
		enum rln_event_kind kind = open_envelope(&ev);

		if (kind == RLN_EV_MEDIA_QUALITY_UPDATE || kind == RLN_EV_MEDIA_QUALITY_CHANGE ||
			kind == RLN_EV_MEDIA_QUALITY_DEGRADED)
			print_quality(rln_event_info(kind)->name, &ev.media_quality_update);
		else if (kind == RLN_EV_PACKET_LOSS_DETECTED || kind == RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED)
			printf("%s: %.2f %%\n", rln_event_info(kind)->name, (double)ev.packet_loss_detected.loss_percentage);
		updates += kind == RLN_EV_MEDIA_QUALITY_UPDATE;
		rln_subscriber_release(events, &ev);
	}
	return updates;
}

int main(int argc, char **argv)
{
	int wanted = argc == 3 ? atoi(argv[2]) : 0, updates = 0;
	struct rln_subscriber *events = NULL;
	struct rln_session_id call = {0};
	struct rln_coordinator *c;

	if (wanted < 1) {
		fprintf(stderr, "usage: quality_watch user@host updates\n");
		return 2;
	}
	c = rln_builder_build(rln_builder_with_name(rln_builder_new(), "watch", 5060));
	if (c)
		call = rln_make_call(c, argv[1]);
	if (call.v)
		events = rln_coordinator_subscribe_to_session_events(c, call);
	if (events)
		updates = watch(events, wanted);
	else
		perror("quality_watch");
	if (call.v)
		rln_hangup_call(c, call);
	rln_subscriber_free(events);
	rln_coordinator_free(c);
	return updates == wanted ? 0 : 1;
}
