/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold on the wire between two real dialog layers, each over its real transactions, with a wire between them that loses, doubles and reorders and
 * time that only the test moves. The sessions are drivers that order what the machine's rows order, at random moments (session_explore_test.c has the real
 * machines over a model of these dialogs). Every datagram is seen as it leaves and as it arrives, so that the end of a walk can be held against RFC 3261:
 *
 *   - a request that arrived has one final response, the same each time it is sent while its transaction lives; one of a BYE, or of any other request that is no INVITE, is sent as often as
 *     the request arrives and no oftener (17.2.2);
 *   - a final response to an INVITE is sent again at T1, 3 T1, 7 T1, 15 T1 and each T2 from there until its ACK arrives (13.3.1.4, 17.2.1);
 *   - each final response to an INVITE that arrives, before a BYE or a later INVITE does, is acknowledged (13.2.2.4, 17.1.1.3);
 *   - each session was told the end of its dialog once, and nothing is left: dialogs, transactions, timers, blocks (world_end).
 */
#include "sip_dialog_fixture.h"

#define WALKS     1000
#define STEPS     60
#define CALLS     64
#define EXCHANGES 512
#define T1        (500 * RLN_MS)
#define T2        (4000 * RLN_MS)
#define SLACK     (5 * RLN_MS) /* of the wheel and of the step in which a late datagram comes */

/* ---- chance ---- */

static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % n;
}

static enum fate random_fate(void)
{
	uint32_t n = dice(100);

	return n < 15 ? IS_LOST : n < 25 ? COMES_TWICE : n < 35 ? IS_LATE : PASSES;
}

/* ---- what the wire showed ---- */

struct exchange {      /* a request, what it got, and the ACK of an INVITE's */
	unsigned node; /* who asked */
	char branch[64], method[12], call[64];
	char answer[80], other[80]; /* status and tag of its final response; of one that differs */
	unsigned cseq;
	bool has_lapsed; /* it came once more when its transaction had ended (17.2.2, 64*T1): who knows it no longer may say 481 */
	bool is_late;    /* an INVITE without offer: a 2xx may come again before the session has its answer ready */
	unsigned sent, arrived, finals, finals_arrived, acks, acks_arrived, other_finals;
	uint64_t waits_ns; /* until when who asked waits for a response, or a repetition: timers B and D, and 9.1 */
	uint64_t answer_came_ns, answered_ns, acked_ns,
		closed_ns; /* the first final; the first ACK that came; the BYE that made it moot */
};

static struct exchange exchanges[EXCHANGES];
static unsigned exchanges_n;

static void copy_value(char *out, size_t size, const char *text, const char *name, const char *end)
{
	const char *at = strstr(text, name);

	if (!at)
		fail_msg("no %s in:\n%s", name, text);
	at += strlen(name);
	snprintf(out, size, "%.*s", (int)strcspn(at, end), at);
}

static struct exchange *exchange_of(unsigned node, const char *text)
{
	struct exchange e = {.node = node};
	char cseq[40];

	copy_value(e.branch, sizeof(e.branch), text, ";branch=", ";\r");
	copy_value(e.call, sizeof(e.call), text, "\r\nCall-ID: ", "\r");
	copy_value(cseq, sizeof(cseq), text, "\r\nCSeq: ", "\r");
	assert_int_equal(sscanf(cseq, "%u %11s", &e.cseq, e.method), 2);
	for (unsigned i = 0; i < exchanges_n; i++) {
		struct exchange *old = &exchanges[i];
		bool is_acked = strcmp(e.method, "ACK") == 0 && strcmp(old->method, "INVITE") == 0;

		if (old->node != node || strcmp(old->call, e.call) != 0 || old->cseq != e.cseq)
			continue;
		if (is_acked || (strcmp(old->method, e.method) == 0 && strcmp(old->branch, e.branch) == 0))
			return old;
	}
	assert_true(exchanges_n < EXCHANGES);
	exchanges[exchanges_n] = e;
	return &exchanges[exchanges_n++];
}

/* Our 2xx is not sent again after a BYE of either side, nor after a later INVITE of theirs, which shows that it came (RFC 5407 3.1.4). */
static void close_answers(const struct exchange *by)
{
	bool is_bye = strcmp(by->method, "BYE") == 0;

	for (unsigned i = 0; i < exchanges_n; i++) {
		struct exchange *e = &exchanges[i];
		bool is_later = is_bye || (e->node == by->node && e->cseq < by->cseq);

		if (is_later && strcmp(e->call, by->call) == 0 && e->closed_ns == 0)
			e->closed_ns = world.now_ns;
	}
}

static void on_final(struct exchange *e, bool arrives, const char *text)
{
	char answer[80], to[64];

	copy_value(to, sizeof(to), text, "\r\nTo: ", "\r");
	snprintf(answer, sizeof(answer), "%.3s %s", text + 8, strstr(to, ";tag=") ? strstr(to, ";tag=") : "");
	if (arrives) {
		/* a dialog that ended acknowledges no more, nor does a transaction */
		e->finals_arrived += e->closed_ns == 0 && world.now_ns < e->waits_ns;
		if (e->answer_came_ns == 0)
			e->answer_came_ns = world.now_ns;
		if (e->finals_arrived)
			e->waits_ns = e->answer_came_ns + 64 * T1 - SLACK;
		return;
	}
	if (e->has_lapsed)
		return;
	if (e->finals++ == 0) {
		e->answered_ns = world.now_ns;
		memcpy(e->answer, answer, sizeof(answer));
	}
	if (strcmp(e->answer, answer) != 0 && e->other_finals++ == 0)
		snprintf(e->other, sizeof(e->other), "%s", answer);
}

/* The walk's datagrams, for a complaint. */
static struct line {
	char call[64], text[120];
} lines[4096];
static unsigned lines_n;

static void note(unsigned node, bool arrives, const char *text)
{
	struct line *l = &lines[lines_n++ % 4096];
	char cseq[40];

	copy_value(l->call, sizeof(l->call), text, "\r\nCall-ID: ", "\r");
	copy_value(cseq, sizeof(cseq), text, "\r\nCSeq: ", "\r");
	snprintf(l->text, sizeof(l->text), "%9.1f ms node %u %s %.*s (%s)", (double)(world.now_ns - 1000 * RLN_SEC) / 1e6, node,
		arrives ? "<-" : "->", (int)strcspn(text, "\r"), text, cseq);
}

static void wait_for_response(struct exchange *e)
{
	e->waits_ns = world.now_ns + 64 * T1 - SLACK;
	for (unsigned i = 0; i < exchanges_n; i++) {
		struct exchange *invite = &exchanges[i];

		if (strcmp(e->method, "CANCEL") == 0 && strcmp(invite->method, "INVITE") == 0 && invite->node == e->node &&
			strcmp(invite->branch, e->branch) == 0)
			invite->waits_ns = e->waits_ns;
	}
}

static void watch(unsigned node, bool arrives, const char *text)
{
	bool is_response = strncmp(text, "SIP/2.0 ", 8) == 0;
	struct exchange *e = exchange_of(is_response == arrives ? node : 1 - node, text);

	note(node, arrives, text);
	if (is_response && arrives && text[8] == '1' && world.now_ns < e->waits_ns)
		e->waits_ns = UINT64_MAX;
	if (is_response && text[8] == '1')
		return;
	if (is_response) {
		on_final(e, arrives, text);
	} else if (strncmp(text, "ACK ", 4) == 0) {
		e->acks += !arrives;
		if (arrives && e->acks_arrived++ == 0)
			e->acked_ns = world.now_ns;
	} else {
		e->is_late = strstr(text, "\r\nContent-Length: 0\r\n") != NULL;
		if (!arrives && e->sent++ == 0)
			wait_for_response(e);
		e->has_lapsed |= arrives && e->finals && world.now_ns + SLACK >= e->answered_ns + 64 * T1;
		e->arrived += arrives;
		if (strcmp(e->method, "BYE") == 0 || (arrives && strcmp(e->method, "INVITE") == 0))
			close_answers(e);
	}
}

/* ---- what must hold at the end ---- */

static unsigned walk_n;

static void complain(const struct exchange *e, const char *what)
{
	for (unsigned i = lines_n > 4096 ? lines_n - 4096 : 0; i < lines_n; i++) {
		if (strcmp(lines[i % 4096].call, e->call) == 0)
			print_message("%s\n", lines[i % 4096].text);
	}
	fail_msg("walk %u, %s: %s %u of node %u in %s: sent %u, arrived %u; final '%s' sent %u (%u others, '%s'), arrived %u; "
		 "ACK sent %u, "
		 "arrived %u",
		what, e->method, e->cseq, e->node, e->call, e->sent, e->arrived, e->answer, e->finals, e->other_finals,
		e->finals_arrived, e->acks, e->acks_arrived);
}

/* How often a final response is sent when its ACK comes at that time. */
static unsigned repetitions(const struct exchange *e)
{
	uint64_t end = e->answered_ns + 64 * T1, at = e->answered_ns, interval = T1;
	unsigned n = 1;

	if (e->acked_ns && e->acked_ns < end)
		end = e->acked_ns;
	if (e->answer[0] == '2' && e->closed_ns && e->closed_ns < end)
		end = e->closed_ns;
	for (at += interval + SLACK; at + SLACK < end; n++) {
		interval = 2 * interval < T2 ? 2 * interval : T2;
		at += interval + SLACK;
	}
	return n;
}

static void check_exchange(const struct exchange *e)
{
	bool is_invite = strcmp(e->method, "INVITE") == 0;

	if (e->other_finals)
		complain(e, "two final responses");
	if (e->arrived && !e->finals)
		complain(e, "no final response");
	if (!is_invite && e->finals > e->arrived)
		complain(e, "answered oftener than asked");
	if (is_invite && e->finals && e->finals < repetitions(e))
		complain(e, "not repeated");
	if (is_invite && e->finals_arrived && e->acks < (e->is_late ? 1 : e->finals_arrived))
		complain(e, "no ACK");
}

/* ---- the sessions ---- */

static struct call {
	uint64_t id;
	uint8_t node;
	bool has_lapsed; /* it came once more when its transaction had ended (17.2.2, 64*T1): who knows it no longer may say 481 */
	bool is_late;    /* our INVITE had no offer */
	bool is_asked, is_up, is_over, is_told, is_released;
} calls[CALLS];
static unsigned calls_n;

static struct rln_dialogs *layer(const struct call *c)
{
	return world.node[c->node].dialogs;
}

static struct rln_dialog_id id_of(const struct call *c)
{
	return (struct rln_dialog_id){c->id};
}

static struct call *begin_call(unsigned node, uint64_t id)
{
	struct call *c = &calls[calls_n++];

	assert_true(calls_n <= CALLS);
	*c = (struct call){.id = id, .node = (uint8_t)node};
	return c;
}

static void release(struct call *c)
{
	c->is_released = true;
	rln_dialog_release(layer(c), id_of(c));
}

static void respond(struct call *c, uint16_t code)
{
	c->is_asked = c->is_asked && code < 200;
	rln_dialog_send_response(layer(c), id_of(c), code, code / 100 == 2 ? SDP_ANSWER : NULL, NULL);
}

static void on_progress(struct call *c, enum rln_call_progress value, unsigned status)
{
	if (value == RLN_CALL_LATE_ANSWER || value == RLN_CALL_ACK_MISSING || status == 408 || status == 481)
		rln_dialog_terminate(layer(c), id_of(c), 0);
}

/* As the rows of R171 and R172: not while an offer or an INVITE of ours is open. */
static void on_offer(struct call *c)
{
	bool is_open = rln_dialog_is_invite_open(layer(c), id_of(c)) || rln_dialog_is_ack_pending(layer(c), id_of(c));
	uint16_t code = is_open ? 491 : dice(4) ? 200 : 488;

	rln_dialog_respond_offer(layer(c), id_of(c), code, code == 200 ? SDP_ANSWER : NULL, NULL);
}

static void on_transfer(struct call *c)
{
	if (dice(2) == 0) {
		rln_dialog_respond_refer(layer(c), id_of(c), 603);
		return;
	}
	rln_dialog_respond_refer(layer(c), id_of(c), 202);
	rln_dialog_notify_transfer(layer(c), id_of(c), 200);
}

static void on_told(struct call *c, const struct rln_event *ev)
{
	assert_false(c->is_told);
	c->is_told = true;
	if (ev->call_terminated.reason == RLN_END_CANCELLED)
		respond(c, 487);
}

static void on_dialog_state(struct call *c, const struct rln_event *ev)
{
	if (ev->dialog_state_changed.new_state != RLN_DIALOG_TERMINATED)
		return;
	c->is_over = true;
	release(c);
}

static void handle(struct call *c, const struct rln_event *ev)
{
	switch ((int)rln_event_kind(ev)) {
	case RLN_EV_CALL_STATE_CHANGED:
		on_progress(c, (enum rln_call_progress)ev->call_state_changed.new_state, ev->call_state_changed.status);
		break;
	case RLN_EV_CALL_ESTABLISHED:
		c->is_up = true;
		if (c->is_late)
			rln_dialog_send_ack(layer(c), id_of(c), SDP_ANSWER);
		c->is_late = false;
		break;
	case RLN_EV_REINVITE_RECEIVED:
		on_offer(c);
		break;
	case RLN_EV_TRANSFER_REQUESTED:
		on_transfer(c);
		break;
	case RLN_EV_CALL_TERMINATED:
		on_told(c, ev);
		break;
	case RLN_EV_DIALOG_STATE_CHANGED:
		on_dialog_state(c, ev);
		break;
	case RLN_EV_DIALOG_ERROR:
		if (ev->dialog_error.error_code == 408 || ev->dialog_error.error_code == 481)
			rln_dialog_terminate(layer(c), id_of(c), 0);
		break;
	default:
		break;
	}
}

static void react(struct node *node, const struct rln_event *ev)
{
	unsigned index = (unsigned)(node - world.node);
	struct call *c = NULL;

	rln_block_release(rln_event_block(&node->events[--node->events_n])); /* nobody will read the record */
	for (unsigned i = 0; i < calls_n; i++)
		c = calls[i].id == ev->id && calls[i].node == index ? &calls[i] : c;
	if (rln_event_kind(ev) == RLN_EV_INCOMING_CALL) {
		assert_null(c);
		c = begin_call(index, ev->id);
		c->is_asked = true;
		respond(c, 180);
		return;
	}
	assert_non_null(c);
	if (c->is_released)
		return; /* it was on its way when the session let go */
	assert_false(c->is_over);
	handle(c, ev);
}

static void start_call(void)
{
	unsigned from = dice(2), live = 0;
	struct call *c;
	struct rln_dialog_id id;

	for (unsigned i = 0; i < calls_n; i++)
		live += !calls[i].is_released;
	if (live > 4 || calls_n > CALLS - 8)
		return;
	id = rln_dialog_create(world.node[from].dialogs, "walker@example.test", from ? "bob@" OUR_IP : "bob@" PEER_IP);
	if (!id.v)
		return; /* those that were released have not gone yet */
	c = begin_call(from, id.v);
	c->is_late = dice(4) == 0;
	publish_initiate(&world.node[from], id, c->is_late ? NULL : SDP_OFFER);
}

static void publish_key(const struct call *c)
{
	struct rln_event ev = {.kind = RLN_EV_SEND_DTMF, .id = c->id, .send_dtmf = {.tones = "5", .duration_ms = 160}};

	rln_bus_publish(world.node[c->node].bus, &ev);
}

static void publish_transfer(const struct call *c)
{
	static const char target[] = "sip:carol@198.18.0.3";
	struct rln_event ev = {.kind = RLN_EV_TRANSFER_CALL, .id = c->id, .transfer_call = {.type = RLN_TRANSFER_BLIND}};

	ev.transfer_call.block = rln_block_from_text(target, sizeof(target) - 1, &ev.transfer_call.target);
	rln_bus_publish(world.node[c->node].bus, &ev);
}

/* What applications do with a call, in the end. */
static void order(struct call *c)
{
	static const uint16_t finals[] = {200, 200, 200, 200, 486, 603};

	switch (dice(8)) {
	case 0:
		publish_terminate(&world.node[c->node], id_of(c), c->is_asked ? 486 : 0);
		break;
	case 1:
	case 2:
		if (c->is_up)
			rln_dialog_send_update(layer(c), id_of(c), SDP_OFFER);
		break;
	case 3:
		if (c->is_up)
			publish_key(c);
		break;
	case 4:
		if (c->is_up)
			publish_transfer(c);
		break;
	default:
		if (c->is_asked)
			respond(c, finals[dice(6)]);
		break;
	}
	pump();
}

static void step(void)
{
	static const unsigned pause_ms[] = {0, 0, 1, 5, 50, 400, 600, 1100, 4000, 33000};

	if (dice(4) == 0)
		start_call();
	for (unsigned i = 0; i < calls_n; i++) {
		if (!calls[i].is_released && dice(3) == 0)
			order(&calls[i]);
	}
	run_for(pause_ms[dice(10)]);
}

/* Each call that is left is hung up, and whatever is on the way may come. */
static void finish(void)
{
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < calls_n; i++) {
			if (!calls[i].is_released)
				publish_terminate(&world.node[calls[i].node], id_of(&calls[i]), 0);
		}
		run_for(150000);
	}
}

static void the_wire_keeps_the_rules(void **state)
{
	unsigned requests = 0, byes = 0, invites = 0, all = 0,
		 most = getenv("RLN_WALKS") ? (unsigned)atoi(getenv("RLN_WALKS")) : WALKS;

	(void)state;
	for (unsigned walk = 1; walk <= most; walk++) {
		seed = walk * UINT64_C(0x9E3779B97F4A7C15);
		calls_n = exchanges_n = lines_n = 0;
		walk_n = walk;
		world_start(2);
		world.node[0].react = world.node[1].react = react;
		world.fate = random_fate;
		world.watch = watch;
		for (unsigned i = 0; i < STEPS; i++)
			step();
		finish();
		for (unsigned i = 0; i < calls_n; i++)
			assert_true(calls[i].is_over);
		for (unsigned i = 0; i < exchanges_n; i++) {
			check_exchange(&exchanges[i]);
			byes += strcmp(exchanges[i].method, "BYE") == 0;
			invites += strcmp(exchanges[i].method, "INVITE") == 0;
		}
		requests += exchanges_n;
		all += calls_n;
		world.node[0].react = world.node[1].react = NULL;
		world_end();
	}
	print_message("%u walks, %u ends of calls, %u requests (%u INVITE, %u BYE)\n", most, all, requests, invites, byes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wire_keeps_the_rules),
	};

	return cmocka_run_group_tests_name("sip_dialog_wire", tests, start_eal, stop_eal);
}
