/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts against the whole SIP layer: datagrams, replies to what we sent, orders of a session and time, in any order and of any bytes.
 * Steps are separated by lines of "%%"; a step's first byte says what it is:
 *   R text    a datagram, with $T our tag, $I the Call-ID, $V the Via of what we sent last, $R its RSeq
 *   P text    the peer's response to our last request: status line without version, then header lines
 *   C, L      the session calls: with an offer, without one       A n  it answers with status n (2xx with SDP)
 *   E n, Z n  it answers with status n and SDP; it answers an offer inside the dialog, likewise
 *   H U K S X it ends, offers again, acknowledges with an answer, cancels, releases     T n  n ms go by
 *   F, G  it transfers the peer, blind or in favour of another call     Y n, N n  it answers a REFER, tells how that goes
 *   D keys   it sends keys     O uri  somebody asks for an answer
 *   B         it holds, by event
 * Whatever happens, at the end no slot, timer, block, buffer or allocation may be left.
 */
#define FIXTURE_ABORTS
#include "tests/unit/sip_dialog_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rln_dialog_id call, other; /* the latest, the one before */

static void react(struct node *node, const struct rln_event *ev)
{
	rln_block_ref msg = rln_event_block(&node->events[--node->events_n]);

	if (rln_event_kind(ev) == RLN_EV_INCOMING_CALL) {
		struct rln_dialog_id replaced;

		other = call;
		call.v = ev->id;
		rln_dialog_find_replaced(node->dialogs, rln_sip_msg_of(msg), &replaced);
	}
	if (rln_event_kind(ev) == RLN_EV_CALL_TERMINATED && ev->call_terminated.reason == RLN_END_CANCELLED)
		rln_dialog_send_response(node->dialogs, (struct rln_dialog_id){ev->id}, 487, NULL, NULL);
	rln_block_release(msg);
}

/* Our last request, NULL when there is none among what is remembered. */
static const char *last_request(void)
{
	for (unsigned i = world.sent_n; i > 0 && world.sent_n - i < SENT_MAX; i--) {
		const char *text = world.sent[(i - 1) % SENT_MAX].text;

		if (strncmp(text, "SIP/2.0", 7) != 0)
			return text;
	}
	return NULL;
}

static const char *value_of(char name)
{
	const struct rln_dialog *d = rln_dialog_get(dialogs0, call.v);
	const char *sent = world.sent_n ? world.sent[(world.sent_n - 1) % SENT_MAX].text : NULL;
	const char *via = sent && name == 'V' ? nth_header(sent, "Via", 0) : NULL;
	const char *rseq = sent && name == 'R' ? nth_header(sent, "RSeq", 0) : NULL;

	if (name == 'T')
		return d ? rln_dialog_text(d, d->local_tag) : "none";
	if (name == 'I')
		return d ? d->texts : "none";
	if (name == 'R')
		return rseq ? rseq : "1";
	return via ? via : "";
}

static void datagram(const char *text, size_t len)
{
	static char out[TEXT_MAX];
	size_t at = 0;

	for (size_t i = 0; i < len && at < 3900; i++) {
		if (text[i] != '$' || i + 1 == len || !strchr("TIVR", text[i + 1]) || !text[i + 1]) {
			out[at++] = text[i];
			continue;
		}
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%.100s", value_of(text[++i]));
	}
	receive_from(out, at, PEER_IP, 5060, 5060);
}

static void respond(const char *text, size_t len)
{
	const char *request = last_request();
	char status[64], extra[1024];
	size_t line = strcspn(text, "\r\n");

	line = line < len ? line : len;
	if (!request || !nth_header(request, "Via", 0) || strncmp(request, "ACK", 3) == 0)
		return;
	snprintf(status, sizeof(status), "%.*s", (int)line, text);
	line += line + 2 <= len ? 2 : 0;
	snprintf(extra, sizeof(extra), "%.*s", (int)(len - line), text + line);
	reply(request, status, "peer", extra, strstr(extra, "offer") ? SDP_OFFER : NULL);
}

static void transfer(bool attended)
{
	struct rln_event ev = {.kind = RLN_EV_TRANSFER_CALL, .id = call.v};

	ev.transfer_call.block =
		rln_block_from_text("carol@" PEER_IP, attended ? 0 : strlen("carol@" PEER_IP), &ev.transfer_call.target);
	ev.transfer_call.type = attended;
	ev.transfer_call.replaces = other.v;
	rln_bus_publish(node0->bus, &ev);
}

static void send_keys(const char *text, size_t len)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_DTMF, .id = call.v};

	memcpy(ev.send_dtmf.tones, text, len < sizeof(ev.send_dtmf.tones) - 1 ? len : sizeof(ev.send_dtmf.tones) - 1);
	rln_bus_publish(node0->bus, &ev);
	pump();
}

static void ask_options(const char *text, size_t len)
{
	struct rln_event ev = {.kind = RLN_EV_OPTIONS_REQUEST, .id = 1};
	struct rln_slice all;

	ev.options_request.block = rln_block_from_text(text, len < 2000 ? len : 2000, &all);
	ev.options_request.from = ev.options_request.target = all;
	rln_bus_publish(node0->bus, &ev);
	pump();
}

static void hold(void)
{
	struct rln_event ev = {.kind = RLN_EV_HOLD_SESSION, .id = call.v};

	ev.hold_session.block = rln_block_from_text(SDP_OFFER, strlen(SDP_OFFER), &ev.hold_session.sdp);
	rln_bus_publish(node0->bus, &ev);
}

static void order(char what, unsigned n)
{
	switch (what) {
	case 'C':
	case 'L':
		other = call;
		call = rln_dialog_create(dialogs0, "alice@" OUR_IP, "bob@" PEER_IP);
		publish_initiate(node0, call, what == 'C' ? SDP_OFFER : NULL);
		break;
	case 'A':
		rln_dialog_send_response(dialogs0, call, (uint16_t)n, n / 100 == 2 ? SDP_ANSWER : NULL, NULL);
		break;
	case 'E':
		rln_dialog_send_response(dialogs0, call, (uint16_t)n, SDP_ANSWER, NULL);
		break;
	case 'Z':
		rln_dialog_respond_offer(dialogs0, call, (uint16_t)n, n / 100 == 2 ? SDP_ANSWER : NULL, NULL);
		break;
	case 'V':
		rln_dialog_respond_update(dialogs0, call, (uint16_t)n, NULL);
		break;
	case 'B':
		hold();
		break;
	case 'H':
		publish_terminate(node0, call, n);
		break;
	case 'U':
		rln_dialog_send_update(dialogs0, call, SDP_OFFER);
		break;
	case 'K':
		rln_dialog_send_ack(dialogs0, call, SDP_ANSWER);
		break;
	case 'S':
		rln_dialog_send_cancel(dialogs0, call);
		break;
	case 'X':
		rln_dialog_release(dialogs0, call);
		break;
	case 'F':
	case 'G':
		transfer(what == 'G');
		break;
	case 'Y':
		rln_dialog_respond_refer(dialogs0, call, (uint16_t)n);
		break;
	case 'N':
		rln_dialog_notify_transfer(dialogs0, call, (uint16_t)n);
		break;
	case 'T':
		run_for(n % 100000);
		break;
	default:
		break;
	}
	pump();
}

static void step(const char *text, size_t len)
{
	if (len == 0)
		return;
	if (text[0] == 'R')
		datagram(text + 1, len - 1);
	else if (text[0] == 'P')
		respond(text + 1, len - 1);
	else if (text[0] == 'D')
		send_keys(text + 1, len - 1);
	else if (text[0] == 'O')
		ask_options(text + 1, len - 1);
	else
		order(text[0], (unsigned)atoi(text + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char script[16384];
	static bool started;
	char *at = script, *end;

	if (size >= sizeof(script))
		return 0;
	if (!started)
		assert_int_equal(start_eal(NULL), 0);
	started = true;
	memcpy(script, data, size);
	script[size] = '\0';
	call.v = other.v = 0;
	world.reliable = RLN_RELIABLE_SUPPORTED;
	world.session_expires_s = 100;
	world_start(1);
	node0->react = react;
	for (unsigned n = 0; at < script + size && n < 40; n++) {
		end = memmem(at, (size_t)(script + size - at), "\n%%\n", 4);
		end = end ? end : script + size;
		*end = '\0';
		step(at, (size_t)(end - at));
		at = end + 4;
	}
	world_end();
	return 0;
}
