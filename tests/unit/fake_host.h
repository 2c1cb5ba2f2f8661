/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for handlers without an engine: operations are written down, calls are rows of a table, time is a number. What happens to
 * a call, the test says with fake_*().
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/heap.h"
#include "session/ringlane.h"

#define UNUSED      __attribute__((unused))
#define FAKE_CALLS  64
#define FAKE_CALLER "sip:carol@198.18.0.2"

struct fake_call {
	bool in_use, is_ours; /* ours: made by the handler */
	enum rln_call_state state;
	void *data;
	uint64_t due_ms[RLN_HANDLER_TIMERS]; /* 0: not running */
	char to[128], from[128], headers[64];
	uint64_t near;
};

static struct fake {
	struct rln_host host;
	struct rln_handler handler;
	uint64_t now_ms, own_due_ms[RLN_HANDLER_TIMERS];
	struct fake_call calls[FAKE_CALLS];
	unsigned calls_n;
	char said[8192]; /* what it asked for since fake_said(): "accept 1; play 1 moh.wav 0; " */
	int give_answer;
	bool no_calls;
	struct rln_decision decision;
} fake;

static UNUSED void say(const char *format, ...)
{
	size_t used = strlen(fake.said);
	va_list ap;

	va_start(ap, format);
	vsnprintf(fake.said + used, sizeof(fake.said) - used, format, ap);
	va_end(ap);
	strncat(fake.said, "; ", sizeof(fake.said) - strlen(fake.said) - 1);
}

/* What the handler asked for since the last look. */
#define fake_said(want)                                    \
	do {                                               \
		assert_string_equal(fake.said, want);      \
		fake.said[0] = '\0';                       \
	} while (0)

static unsigned number_of(struct rln_session_id call)
{
	return (unsigned)call.v;
}

static struct fake_call *call_of(struct rln_session_id call)
{
	assert_in_range(call.v, 1, FAKE_CALLS - 1);
	return &fake.calls[call.v];
}

#define PLAIN_OP(op, word)                                                     \
	static int op(struct rln_host *host, struct rln_session_id call)       \
	{                                                                      \
		(void)host;                                                    \
		say(word " %u", number_of(call));                              \
		return 0;                                                      \
	}
PLAIN_OP(op_accept, "accept")
PLAIN_OP(op_ring, "ring")
PLAIN_OP(op_hangup, "hangup")
PLAIN_OP(op_hold, "hold")
PLAIN_OP(op_resume, "resume")
PLAIN_OP(op_stop_play, "stop")
PLAIN_OP(op_stop_record, "stop_record")
PLAIN_OP(op_unbridge, "unbridge")

static int op_reject(struct rln_host *host, struct rln_session_id call, uint16_t code)
{
	(void)host;
	say("reject %u %u", number_of(call), code);
	return 0;
}

static int op_transfer(struct rln_host *host, struct rln_session_id call, const char *target)
{
	(void)host;
	say("transfer %u %s", number_of(call), target);
	return 0;
}

static int op_play(struct rln_host *host, struct rln_session_id call, const char *path, uint32_t loops)
{
	(void)host;
	say("play %u %s %u", number_of(call), path, loops);
	return 0;
}

static int op_record(struct rln_host *host, struct rln_session_id call, const char *path, unsigned channels)
{
	(void)host;
	say("record %u %s %u", number_of(call), path, channels);
	return 0;
}

static int op_send_dtmf(struct rln_host *host, struct rln_session_id call, const char *digits, uint16_t duration_ms)
{
	(void)host;
	say("dtmf %u %s %u", number_of(call), digits, duration_ms);
	return 0;
}

static struct rln_session_id op_make_call(struct rln_host *host, const struct rln_host_call *request)
{
	struct fake_call *c;

	(void)host;
	if (fake.no_calls)
		return (struct rln_session_id){0};
	assert_true(++fake.calls_n < FAKE_CALLS);
	c = &fake.calls[fake.calls_n];
	*c = (struct fake_call){.in_use = true, .is_ours = true, .state = RLN_STATE_CALLING, .near = request->near.v};
	snprintf(c->to, sizeof(c->to), "%s", request->to);
	snprintf(c->from, sizeof(c->from), "%s", request->from ? request->from : "");
	say("call %u %s", fake.calls_n, request->to);
	return (struct rln_session_id){fake.calls_n};
}

static int op_bridge(struct rln_host *host, struct rln_session_id call, struct rln_session_id other)
{
	(void)host;
	say("bridge %u %u", number_of(call), number_of(other));
	return 0;
}

static int op_give(struct rln_host *host, struct rln_session_id call, const char *name, const char *text)
{
	(void)host;
	say("give %u %s '%s'", number_of(call), name, text);
	if (fake.give_answer == 0)
		call_of(call)->data = NULL;
	return fake.give_answer;
}

static uint64_t op_now_ms(struct rln_host *host)
{
	(void)host;
	return fake.now_ms;
}

static int op_start_timer(struct rln_host *host, struct rln_session_id call, unsigned number, uint32_t after_ms)
{
	(void)host;
	assert_in_range(number, 0, RLN_HANDLER_TIMERS - 1);
	*(call.v ? &call_of(call)->due_ms[number] : &fake.own_due_ms[number]) = fake.now_ms + after_ms;
	return 0;
}

static void op_stop_timer(struct rln_host *host, struct rln_session_id call, unsigned number)
{
	(void)host;
	*(call.v ? &call_of(call)->due_ms[number] : &fake.own_due_ms[number]) = 0;
}

static enum rln_call_state op_state(struct rln_host *host, struct rln_session_id call)
{
	(void)host;
	return call_of(call)->state;
}

static void op_set_data(struct rln_host *host, struct rln_session_id call, void *data)
{
	(void)host;
	call_of(call)->data = data;
}

static void *op_data(struct rln_host *host, struct rln_session_id call)
{
	(void)host;
	return call_of(call)->data;
}

static const char *op_caller(struct rln_host *host, struct rln_session_id call)
{
	(void)host;
	return call_of(call)->is_ours ? "" : FAKE_CALLER;
}

static const char *op_called(struct rln_host *host, struct rln_session_id call)
{
	(void)host;
	return call_of(call)->to;
}

static const char *op_empty(struct rln_host *host)
{
	(void)host;
	return "";
}

static const char *op_text(struct rln_host *host, const struct rln_event *event, struct rln_slice field)
{
	(void)host;
	(void)event;
	(void)field;
	return "";
}

static void op_log(struct rln_host *host, struct rln_session_id call, enum rln_host_log level, const char *text)
{
	(void)host;
	(void)call;
	(void)level;
	(void)text;
}

static const struct rln_host_ops fake_ops = {RLN_HANDLER_ABI, sizeof(struct rln_host_ops), op_accept, op_ring, op_reject, op_hangup,
	op_hold, op_resume, op_transfer, op_play, op_stop_play, op_record, op_stop_record, op_send_dtmf, op_make_call, op_bridge,
	op_unbridge, op_give, op_now_ms, op_start_timer, op_stop_timer, op_state, op_set_data, op_data, op_caller, op_called,
	op_empty, op_empty, op_text, op_log};

/* ---- what the test does ---- */

static UNUSED void fake_begin(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.host.ops = &fake_ops;
	fake.now_ms = 1000000;
}

static UNUSED void fake_end(void)
{
	if (fake.handler.on_stop)
		fake.handler.on_stop(fake.handler.arg, &fake.host);
}

static UNUSED unsigned fake_call_new(const char *user)
{
	struct fake_call *c = &fake.calls[++fake.calls_n];

	assert_true(fake.calls_n < FAKE_CALLS);
	*c = (struct fake_call){.in_use = true, .state = RLN_STATE_PROCEEDING};
	snprintf(c->to, sizeof(c->to), "sip:%s@198.18.0.1", user);
	return fake.calls_n;
}

/* An INVITE for sip:user@198.18.0.1; its decision is in fake.decision. Returns the call's number. */
static UNUSED unsigned fake_invite(const char *user)
{
	unsigned n = fake_call_new(user);
	struct rln_invite_details invite = {.session = {n}, .from = FAKE_CALLER, .to = fake.calls[n].to, .request_uri = fake.calls[n].to};

	fake.decision = fake.handler.on_incoming_invite(fake.handler.arg, &fake.host, &invite);
	return n;
}

static UNUSED void fake_event(unsigned call, const struct rln_event *ev)
{
	struct rln_event copy = *ev;

	copy.id = call;
	fake.handler.on_event(fake.handler.arg, &fake.host, &copy);
}

static UNUSED void fake_state(unsigned call, enum rln_call_state to)
{
	struct rln_event ev = {.kind = RLN_EV_STATE_CHANGED,
		.state_changed = {.old_state = (uint8_t)fake.calls[call].state, .new_state = (uint8_t)to}};

	fake.calls[call].state = to;
	fake_event(call, &ev);
}

static UNUSED void fake_up(unsigned call)
{
	fake_state(call, RLN_STATE_NEGOTIATING);
	fake_state(call, RLN_STATE_ACTIVE);
}

static UNUSED void fake_progress(unsigned call, enum rln_call_progress progress, uint16_t status)
{
	struct rln_event ev = {.kind = RLN_EV_CALL_STATE_CHANGED, .call_state_changed = {.new_state = (uint8_t)progress, .status = status}};

	fake_event(call, &ev);
}

static UNUSED void fake_over(unsigned call, enum rln_end_reason reason, uint16_t code)
{
	struct rln_event ev = {.kind = RLN_EV_SESSION_TERMINATED, .session_terminated = {.reason = (uint8_t)reason, .code = code}};

	assert_true(fake.calls[call].in_use);
	fake_event(call, &ev);
	fake.calls[call] = (struct fake_call){.state = RLN_STATE_TERMINATED};
}

static UNUSED void fake_played(unsigned call)
{
	struct rln_event ev = {.kind = RLN_EV_MEDIA_EVENT, .media_event = {.event = RLN_EV_AUDIO_PLAYBACK_FINISHED}};

	fake_event(call, &ev);
}

static UNUSED void fake_no_file(unsigned call)
{
	struct rln_event ev = {.kind = RLN_EV_MEDIA_EVENT, .media_event = {.event = RLN_EV_MEDIA_ERROR, .raw = {RLN_MEDIA_FAULT_FILE}}};

	fake_event(call, &ev);
}

static UNUSED void fake_rejected(unsigned call, enum rln_event_kind kind)
{
	struct rln_event ev = {.kind = RLN_EV_COMMAND_REJECTED, .command_rejected = {.kind = (uint16_t)kind, .error = EXDEV}};

	fake_event(call, &ev);
}

static UNUSED void fake_key(unsigned call, char digit)
{
	struct rln_event ev = {.kind = RLN_EV_DTMF_DETECTED, .dtmf_detected = {.digit = digit, .duration_ms = 100}};

	fake_event(call, &ev);
}

static UNUSED void fake_info(unsigned call, const char *tones)
{
	struct rln_event ev = {.kind = RLN_EV_DTMF_RECEIVED};

	snprintf(ev.dtmf_received.tones, sizeof(ev.dtmf_received.tones), "%s", tones);
	fake_event(call, &ev);
}

/* Fires the earliest timer that is due by `until`; false when there is none. */
static UNUSED bool fake_fire(uint64_t until)
{
	uint64_t best = UINT64_MAX, *slot = NULL;
	unsigned call = 0, number = 0;

	for (unsigned c = 0; c <= fake.calls_n; c++) {
		for (unsigned n = 0; n < RLN_HANDLER_TIMERS; n++) {
			uint64_t *due = c ? &fake.calls[c].due_ms[n] : &fake.own_due_ms[n];

			if (!*due || *due >= best)
				continue;
			best = *due;
			slot = due;
			call = c;
			number = n;
		}
	}
	if (!slot || best > until)
		return false;
	*slot = 0;
	fake.now_ms = best;
	fake.handler.on_timer(fake.handler.arg, &fake.host, (struct rln_session_id){call}, number);
	return true;
}

static UNUSED void fake_wait(uint64_t ms)
{
	uint64_t until = fake.now_ms + ms;

	while (fake_fire(until))
		;
	fake.now_ms = until;
}
