/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole product in one process over ring ports. One port of the appliance, net_ring_sim, is a pair of rings per worker; the test has the other end: a
 * wire with hosts on 198.18.0.0/24 that answer ARP, UDP sockets, a scripted SIP peer made of text, and RTP streams. The appliance is 198.18.0.1.
 *
 *   sim.c       the appliance: start, stop, what is left, the bus's trace
 *   sim_wire.c  frames: rings, ARP, ICMP, UDP                sim_sip.c  the scripted SIP peer          sim_rtp.c  streams, RTCP and G.711
 *
 * Threads: the test's own (EAL's main lcore) and the wire's, which empties the rings, answers ARP and paces streams. Nothing sleeps: who waits does so on a
 * condition with a deadline. Every wait asserts by itself, with what it saw instead.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/bus.h"
#include "lcore/event.h"
#include "session/coordinator.h"
#include "session/ringlane.h"

#define SIM_WAIT_MS 5000 /* nothing takes this long; a test that fails does */
#define SIM_MAIN    "198.18.0.1"
#define SIM_HOST    "198.18.0.2"

/* ---- the appliance (sim.c) ---- */

struct sim_cfg {          /* flow maps of YAML, NULL: the harness's own */
	unsigned workers; /* 0: 2 */
	unsigned queues;  /* of the device; 0: 2 */
	const char *sip, *rtp, *limits, *media, *routes, *runtime;
	bool trace;
	bool telemetry; /* the telemetry and trace sockets, in $RUNTIME_DIRECTORY; fixed by the first start of a process */
};

void sim_start(const struct sim_cfg *cfg); /* NULL: defaults; t1 50 ms, t2 200 ms, t4 100 ms */
/* Stops it and asserts that nothing is left: sessions, dialogs, legs, blocks, channels, timers, packet buffers; the packet ledger closed. */
void sim_stop(void);
/* As sim_stop(), with calls up: what the drain does is under test. */
void sim_stop_with_calls(void);
/* Until no session is left; asserts. */
void sim_wait_idle(void);
struct rln_coord *sim_coord(void);
struct rln_bus *sim_bus(void);
/* A fresh folder for the test's files, removed at exit; "x.wav" in it. */
const char *sim_path(const char *name, char buf[256]);
/* cmocka group set-up and teardown around one appliance with defaults. */
int sim_group_start(void **state);
int sim_group_stop(void **state);

uint64_t sim_now_ms(void);
/* An absolute deadline for condition waits. */
struct timespec sim_deadline(int ms);

/* ---- the bus's trace ---- */

struct sim_event {
	struct rln_event ev;
	unsigned endpoint;
	char *text; /* copy of the first bytes of the event's block, NULL when it has none */
	size_t room;
};

/* Forgets what was seen and switches the trace on. */
void sim_trace_begin(void);
void sim_trace_end(void);
/* Number of events seen so far, and one of them; valid until sim_trace_begin(). */
size_t sim_trace_count(void);
const struct sim_event *sim_trace_at(size_t i);
/* The first event of a kind at or after `from`; waits for it and asserts. id 0: any subject. Returns its index. */
size_t sim_trace_wait(size_t from, enum rln_event_kind kind, uint64_t id);
/* Waits until the session was told to be in a state. */
void sim_trace_state(uint64_t session, enum rln_call_state state);
/* The same that returns SIZE_MAX, without waiting. */
size_t sim_trace_find(size_t from, enum rln_event_kind kind, uint64_t id);
/* Index of the event whose serial is `serial`, SIZE_MAX when there is none. */
size_t sim_trace_serial(uint32_t serial);
/* True when the event at `i` came, by causes, from the one at `from`. */
bool sim_trace_led_to(size_t from, size_t i);
/* Text of a slice of the event's block, "" when absent; one static buffer of a few, for asserts. */
const char *sim_trace_text(const struct sim_event *e, struct rln_slice slice);
void sim_trace_print(void);
/* An event that does not go by the bus (a tap's, R39) takes its place among the others. */
void sim_trace_add(const struct rln_event *ev);
/* Events go on to the product's own ladders, which print nothing unless asked; its housekeeping thread alone would see them. */
void sim_trace_pass_on(bool on);
/* Until the bus's trace is on: whoever asked the product for it is being served. Asserts. */
void sim_trace_wait_on(void);
/* A kind that was produced where the bus does not count it (the tap's ring). */
void sim_observe(enum rln_event_kind kind);

/* ---- the wire (sim_wire.c) ---- */

struct sim_packet {
	struct sim_packet *next;
	struct rln_addr src, dst;
	uint64_t when_ns;
	size_t len;
	uint8_t data[];
};

struct sim_udp { /* a socket of a host on the wire; owner: the wire's lock */
	struct sim_udp *next;
	struct rln_addr local;
	struct sim_packet *first, **last;
	unsigned queued;
	void (*hook)(void *arg, const struct sim_packet *p); /* instead of the queue; on the wire's thread, under its lock */
	void *arg;
};

/* The device has two queues; frames go into the first `queues` of them. */
void sim_wire_open(unsigned queues);
void sim_wire_close(void);
/* Frames of ours that nobody gave back. */
unsigned sim_wire_frames_in_use(void);
struct sim_udp *sim_udp_open(const char *ip, uint16_t port);
void sim_udp_close(struct sim_udp *udp);
void sim_udp_send(struct sim_udp *udp, const struct rln_addr *to, const void *data, size_t len);
/* The next datagram, to be freed by free(); NULL after timeout_ms. */
struct sim_packet *sim_udp_recv(struct sim_udp *udp, int timeout_ms);
/* Until *n >= want, both under the wire's lock, changed by hooks; false after timeout_ms. */
bool sim_wire_wait(const unsigned *n, unsigned want, int timeout_ms);
void sim_wire_lock(void);
void sim_wire_unlock(void);
/* A task of the wire's thread, called under its lock at its time; returns the next time in ns, 0 = done. */
struct sim_task {
	struct sim_task *next;
	uint64_t at_ns;
	uint64_t (*run)(void *arg, uint64_t now_ns);
	void *arg;
	bool done;
};
void sim_wire_schedule(struct sim_task *task, uint64_t at_ns);
/* Until it is done; asserts. */
void sim_wire_join(struct sim_task *task, int timeout_ms);
uint64_t sim_wire_now_ns(void);
/* Sends under the lock that the caller has. */
void sim_udp_send_locked(struct sim_udp *udp, const struct rln_addr *to, const void *data, size_t len);
/* Hosts that answer ARP: 198.18.0.2 to .9. With this, a datagram to a port of theirs that is not open is answered by ICMP port unreachable. */
void sim_wire_refuse(bool on);
/* Everything to the hosts is lost from now on. */
void sim_wire_cut(bool on);
struct sim_wire_counts {
	unsigned to_hosts, from_hosts, arp, icmp, unclaimed, lost, bad;
};
struct sim_wire_counts sim_wire_counts(void);
struct rln_addr sim_addr(const char *ip, uint16_t port);
/* An ICMP echo request, answered: true. */
bool sim_ping(const char *ip);

/* ---- SIP (sim_sip.c) ---- */

#define SIM_TEXT 8000

struct sim_msg {
	char text[SIM_TEXT];
	size_t len;
	struct rln_addr src;
	int status;      /* 0: a request */
	char method[16]; /* of the request, or of CSeq */
};

struct sim_sip { /* a socket with a memory of what it got: what comes again is a retransmission */
	struct sim_udp *udp;
	unsigned fresh, repeats;
};

struct sim_dialog { /* one dialog, as the scripted peer keeps it */
	struct sim_sip *sip;
	char call_id[64], local[96], remote[96], ltag[24], rtag[64], target[128], branch[48], invite_branch[48];
	unsigned cseq, invite_cseq;
	struct rln_addr to;
	char last[SIM_TEXT]; /* the last request as it was sent */
};

struct sim_sip *sim_sip_open(uint16_t port);
void sim_sip_close(struct sim_sip *sip);
/* The next message that is no retransmission; asserts that its first line begins with `what`. */
void sim_expect(struct sim_sip *sip, struct sim_msg *m, const char *what);
/* The same for a message of one dialog among others is not needed: each test has sockets of its own. A retransmission of an earlier one: */
void sim_expect_again(struct sim_sip *sip, struct sim_msg *m, const char *what);
/* Any message: true and *m, false after timeout_ms. *again: it came before. */
bool sim_sip_next(struct sim_sip *sip, struct sim_msg *m, bool *again, int timeout_ms);
/* Asserts that within `ms` nothing new comes (retransmissions may). */
void sim_expect_nothing(struct sim_sip *sip, int ms);
/* Value of a header ("Contact"), "" when absent; one static buffer of a few. */
const char *sim_header(const struct sim_msg *m, const char *name);
const char *sim_body(const struct sim_msg *m);
/* Number behind the first `m=audio ` of the body; 0 when there is none. */
uint16_t sim_sdp_port(const struct sim_msg *m);
void sim_sip_send(struct sim_sip *sip, const struct rln_addr *to, const char *text);

/* We call sip:user@198.18.0.1:port. */
void sim_uac(struct sim_dialog *d, struct sim_sip *sip, const char *user, uint16_t port);
/* They called: takes over what the INVITE says. */
void sim_uas(struct sim_dialog *d, struct sim_sip *sip, const struct sim_msg *invite);
/* A request in or outside of the dialog; `headers` whole lines or NULL, `sdp` NULL: no body. ACK repeats the INVITE's number, CANCEL its branch too. */
void sim_request(struct sim_dialog *d, const char *method, const char *headers, const char *sdp);
/* With a body of another kind: `headers` names it. */
void sim_request_body(struct sim_dialog *d, const char *method, const char *headers, const char *body);
/* The last request again, byte for byte. */
void sim_request_again(struct sim_dialog *d);
/* The ACK of a final refusal: the INVITE's branch. */
void sim_ack_refusal(struct sim_dialog *d, const struct sim_msg *response);
/* Their tag and target from a response. */
void sim_learn(struct sim_dialog *d, const struct sim_msg *response);
void sim_respond(struct sim_dialog *d, const struct sim_msg *request, unsigned code, const char *headers, const char *sdp);
/* An audio description on `port`: "0 8 101" and "sendrecv". Static buffer of a few. */
const char *sim_sdp(uint16_t port, const char *payloads, const char *direction);

/* ---- whole calls ---- */

/* We call `user`, the appliance's peer accepts: the answered INVITE, ACK sent. `answer` may be NULL. */
void sim_call_in(struct sim_dialog *d, struct sim_sip *sip, const char *user, uint16_t port, const char *sdp,
	struct rln_peer *peer, struct rln_call **call, struct sim_msg *answer);
/* The appliance's peer calls us and we accept with `sdp`. */
void sim_call_out(struct sim_dialog *d, struct sim_sip *sip, struct rln_peer *peer, const char *sdp, struct rln_call **call,
	struct sim_msg *invite);
/* BYE from us, its 200, the call's end. */
void sim_bye(struct sim_dialog *d);

/* ---- RTP (sim_rtp.c) ---- */

struct sim_rtp_packet {
	uint16_t seq;
	uint32_t ts, ssrc;
	uint8_t pt;
	bool marker;
	uint16_t len; /* of the payload */
	uint64_t when_ns;
	uint8_t payload[480];
};

struct sim_rtp {
	struct sim_udp *udp, *rtcp_udp;
	struct rln_addr to, to_rtcp;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts, ssrc;
	unsigned received_n, room; /* under the wire's lock */
	struct sim_rtp_packet *received;
	/* the paced stream */
	struct sim_task task;
	const uint8_t *sound;
	size_t sound_len, sound_at;
	unsigned step_us, frame;
	bool endless, hushed;
	unsigned (*script)(unsigned packet); /* copies to send of each packet: 0 lost, 2 doubled, SIM_SWAP: after the next one */
	unsigned sent;
	uint8_t held[700];
	size_t held_len;
};
#define SIM_SWAP 99u

struct sim_rtp *sim_rtp_open(const char *ip, uint16_t port);
void sim_rtp_close(struct sim_rtp *r);
/* Sends go there from now on. */
void sim_rtp_to(struct sim_rtp *r, const char *ip, uint16_t port);
void sim_rtp_send(struct sim_rtp *r, const uint8_t *payload, size_t len, bool marker);
/* `len` bytes of G.711 in packets of `frame` bytes, one every step_us, on the wire's thread; sim_rtp_wait_sent() joins. */
void sim_rtp_play(struct sim_rtp *r, const uint8_t *sound, size_t len, unsigned frame, unsigned step_us,
	unsigned (*script)(unsigned packet));
void sim_rtp_wait_sent(struct sim_rtp *r);
/* The same over and over until sim_rtp_hush(): who talks is not taken for lost, however long the test takes. */
void sim_rtp_talk(struct sim_rtp *r, const uint8_t *sound, size_t len, unsigned frame, unsigned step_us,
	unsigned (*script)(unsigned packet));
void sim_rtp_hush(struct sim_rtp *r);
/* Until `n` packets came since the beginning; asserts. */
void sim_rtp_wait(struct sim_rtp *r, unsigned n);
unsigned sim_rtp_received(struct sim_rtp *r);
/* A packet that came, valid while no more come. */
struct sim_rtp_packet sim_rtp_at(struct sim_rtp *r, unsigned i);
/* Asserts that from packet `from` on SSRC stays, sequence numbers count by one and timestamps by the payload; a worker that the machine stopped passes over as
 * many packets as it counted (RTP_TICKS_SKIPPED), and says so in its timestamps. */
void sim_rtp_assert_continuous(struct sim_rtp *r, unsigned from);
/* RFC 4733: one key press of `ms`, packets as a phone sends them. */
void sim_rtp_digit(struct sim_rtp *r, uint8_t pt, unsigned event, unsigned ms);

uint8_t sim_ulaw(int16_t sample);
int16_t sim_ulaw_decode(uint8_t byte);
int16_t sim_alaw_decode(uint8_t byte);
/* Speech-like noise: deterministic, each sample differs from its neighbours. */
int16_t sim_sound(uint32_t seed, uint32_t at);
void sim_sound_ulaw(uint8_t *out, size_t len, uint32_t seed);
