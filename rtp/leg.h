/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A media leg as its worker sees it. Hot: four cache lines, ordered by who touches them. A packet that is turned round reads its
 * port's row, writes lines 0 and 1 and reads the flow; a tick writes line 1 and reads the flow. Everything else is cold and apart.
 *
 * owner: one worker. rtp/pipeline and rtp/stage_* work on it; session/shard holds the memory, session/media configures it.
 */
#pragma once

#include "lcore/media.h"
#include "lcore/net/net.h"
#include "lcore/wheel.h"
#include "rtp/dtmf.h"
#include "rtp/dtmf_tx.h"
#include "rtp/jitter_stat.h"
#include "rtp/leg_stats.h"
#include "rtp/quality.h"
#include "rtp/rtcp.h"
#include "rtp/seq.h"
#include "rtp/tone.h"

struct rln_pipeline;
struct rln_player;
struct rln_recorder;
struct rln_frame_ring;
struct rln_leg_cold;
struct rln_tap_ring;

/* What the packet path has to do, worked out from parameters whenever they change: the path itself asks no questions. */
enum rln_leg_mode {
	RLN_LEG_IN = 1,     /* media is let in */
	RLN_LEG_OUT = 2,    /* we send: started, direction allows it, a remote is known */
	RLN_LEG_TURN = 4,   /* what comes goes out again in place: by row->to */
	RLN_LEG_SINK = 8,   /* a recorder or an audio channel wants the audio */
	RLN_LEG_NEWS = 16,  /* the next packet of either kind is news: a first one, the end of a stall, an unlatched source */
	RLN_LEG_REMAP = 32, /* the next turned packet begins a new run: map its sequence number and timestamp anew */
	RLN_LEG_TAP = 128,  /* somebody looks at each packet */
	RLN_LEG_BACK = 64,  /* what is turned goes back to where it came from: its UDP checksum needs no new sum */
};

struct rln_leg {
	/* line 0: receive */
	uint8_t mode;                       /* enum rln_leg_mode */
	uint8_t rx_n;                       /* payload types in use below */
	uint8_t rx_pt[RLN_LEG_PAYLOADS];    /* accepted */
	uint8_t turn_pt[RLN_LEG_PAYLOADS];  /* what the same codec is called toward the peer */
	uint8_t rx_codec[RLN_LEG_PAYLOADS]; /* enum rln_codec */
	uint8_t event_pt, event_turn_pt;    /* telephone-event, 0 = none */
	uint64_t rx_ns;                     /* last valid RTP; 0 = never */
	uint64_t rx_octets;
	struct rln_seq seq;
	struct rln_jitter_stat jitter;

	/* line 1: send */
	uint64_t tx_ns __attribute__((aligned(64))); /* clock time to which tx_base belongs */
	uint32_t tx_base;                            /* RTP timestamp of tx_ns: the leg's own time line */
	uint32_t tx_last;                            /* timestamp after the last packet sent: no packet may begin before it */
	uint32_t tx_ssrc;
	uint32_t turn_ts;  /* what is added to the timestamp of a packet that is turned to this leg */
	uint16_t turn_seq; /* and to its sequence number */
	uint16_t tx_seq;   /* next */
	uint32_t tx_packets;
	uint64_t tx_octets;
	struct rln_leg_cold *cold;
	struct rln_pipeline *pipeline;
	uint8_t app; /* enum rln_leg_app */
	uint8_t tx_pt, tx_codec, tx_ptime_ms;
	uint8_t tx_marker;    /* the next packet begins a talkspurt */
	uint8_t tx_digits;    /* telephone events wait in cold->dtmf_tx */
	uint16_t turned_look; /* clock of the last packet that was turned to this leg, in units of RLN_LEG_LOOK_SHIFT */

	/* lines 2 and 3 */
	struct rln_flow flow __attribute__((aligned(64)));
	uint64_t id;
	uint16_t turn_first; /* sequence number that the run of turned packets began with: none may go before it */
};
#define RLN_LEG_LOOK_SHIFT 20 /* 2^20 ns, about a millisecond: 16 bits of it wrap after 68 s, and somebody looks every 100 ms */

_Static_assert(offsetof(struct rln_leg, tx_ns) == 64, "receive state is one line");
_Static_assert(offsetof(struct rln_leg, flow) == 128, "send state is one line");
_Static_assert(sizeof(struct rln_leg) == 256, "four cache lines");

/* One entry of the table from a local port pair to its leg. */
struct rln_port_row {
	struct rln_leg *leg;    /* NULL: nobody */
	struct rln_leg *to;     /* whose stream what comes here goes on as: the leg itself (echo), its partner (bridge), NULL: nobody's */
	struct rln_addr source; /* where valid RTP comes from; port 0 = not latched yet */
	uint32_t ssrc;          /* of that source */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct rln_port_row) == 64, "one cache line per entry");

struct rln_port_table { /* owner: the worker's shard */
	unsigned addrs_n;
	uint16_t first, pairs;     /* this worker's slice, the same on every address */
	struct rln_port_row *rows; /* [address * pairs + pair] */
	uint8_t ip[RLN_NET_ADDRS][16];
};

/* The row of a local port, NULL when it is none of ours. RTCP's odd port finds the same row. */
static inline struct rln_port_row *rln_port_table_find(const struct rln_port_table *t, const struct rln_addr *local)
{
	uint32_t pair = (uint32_t)(uint16_t)(local->port - t->first) >> 1;
	unsigned i;

	if (pair >= t->pairs)
		return NULL;
	for (i = 0; i < t->addrs_n; i++) {
		if (memcmp(t->ip[i], local->ip, 16) == 0)
			return &t->rows[(size_t)i * t->pairs + pair];
	}
	return NULL;
}

/* What news were told and which may be told; the order is R155's. */
struct rln_leg_news {
	uint8_t rtp_seen, rtcp_seen, audio_seen; /* by packets */
	uint8_t rtp_told, rtcp_told, flow_told, audio_told;
	uint32_t audio_ts, audio_ssrc; /* of the first audio packet */
};

#define RLN_LEG_EARLY_DIGITS 8

struct rln_leg_cold {
	/* what a tick reads: one line */
	struct rln_timer tick; /* sends; armed while the leg sends by the clock */
	struct rln_leg *leg;
	uint64_t tick_ns; /* when the armed tick is due */
	struct rln_player *player;
	struct rln_frame_ring *channel_out;
	/* and the rest */
	struct rln_tone tone;
	uint16_t out_used; /* samples of the channel's oldest frame that were sent */
	struct rln_leg *to;   /* bridge: what comes here is to go to that leg; row->to says whether it does */
	struct rln_leg *from; /* and the leg whose `to` we are */
	struct rln_recorder *recorder;
	struct rln_frame_ring *channel_in; /* those who hear the leg, linked by `next` */
	struct rln_port_row *row;
	struct rln_addr local;
	struct rln_leg_params params, pending; /* pending: of the command that is on its way to the RTP side */
	uint8_t state;                         /* enum rln_stream_state */
	uint8_t started;                       /* START_ (or UPDATE_) with early 0 came */
	uint8_t full_direction;                /* what the stream was started with: less than that is HELD */
	uint8_t closing;                       /* stopped; waits for its recording to be closed */
	uint8_t stop_reason;                   /* enum rln_end_reason */
	uint8_t has_flow;                      /* leg->flow leads somewhere */
	uint8_t stalled;                       /* RTP_TIMEOUT was raised and nothing has come since */
	struct rln_leg_news news;
	struct rln_timer slow; /* RTCP, timeouts, statistics */
	uint16_t phase_bin;    /* ms within the ptime */
	uint16_t phase_ptime;  /* ptime that the armed tick has; 0 = not armed */
	/* latching: a source that is on probation */
	struct rln_addr signalled;          /* the last real remote of signalling; port 0 = none yet */
	struct rln_addr candidate, refused; /* refused: the source before signalling moved the remote */
	uint32_t candidate_ssrc, candidate_n;
	uint64_t candidate_ns;
	/* dues of the slow timer; 0 = off */
	uint64_t rtcp_due, stats_due, report_due, timeout_due, dtmf_due;
	uint64_t rtcp_rx_ns; /* last valid RTCP; 0 = never */
	uint64_t listen_ns;  /* since when audio should come: the start, an update, the last timeout */
	/* RTCP */
	struct rln_addr rtcp_source; /* port 0 = send to params.remote_rtcp */
	struct rln_rtcp_leg rtcp;
	uint32_t rtcp_packets; /* ours sent when the last report went out: an SR needs more since */
	/* receive, what a packet in order does not touch */
	struct rln_seq_more seq;
	uint32_t dropped_source, dropped_pt;
	struct rln_quality_state quality;
	uint64_t quality_due; /* the next MEDIA_QUALITY_UPDATE */
	uint32_t malformed, unreachable; /* faults in a row: since the last valid packet, of */
	uint64_t fault_heard_ns;
	/* audio */
	struct rln_dtmf_rx dtmf;
	struct rln_dtmf_tx dtmf_tx;
	struct rln_dtmf_digit early_digits[RLN_LEG_EARLY_DIGITS]; /* pressed before the start, told after it */
	uint8_t early_digits_n;
	uint64_t record_name; /* hash of the running recording's path */
	uint8_t record_channels;
	uint16_t files_closing; /* recordings of ours whose file is not closed yet */
	uint64_t closed_ns;     /* when the leg was stopped */
	uint64_t channel;       /* whose channel_out is: its handle, 0 = nobody speaks */
	uint64_t tap_handle;    /* likewise */
	struct rln_tap_ring *tap;
	uint16_t in_seq;
	uint32_t in_ts;      /* timestamp that the next sample for the channel should have */
	uint8_t in_started;
	struct rln_leg_stats_cell stats; /* last: it outlives the leg (session/shard.c) */
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct rln_leg_cold, tone) == 64, "a tick's line");
/* With the leg, its row and its pair in the free list: far below the 3 KB that a leg may take. */
_Static_assert(sizeof(struct rln_leg_cold) + sizeof(struct rln_leg) + 64 + 2 <= 2048, "memory of a leg");
