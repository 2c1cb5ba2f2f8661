/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lcore/event.h"

static int setup(void **state)
{
	(void)state;
	return rln_blocks_init(4, 0);
}

static int teardown(void **state)
{
	(void)state;
	rln_blocks_fini();
	return 0;
}

static void every_kind_is_described(void **state)
{
	unsigned kinds = 0;

	(void)state;
#define X(kind, cat, member, payload_, full, block, status, text)                                                                \
	do {                                                                                                                     \
		const struct rln_event_info *info = rln_event_info(RLN_EV_##kind);                                               \
                                                                                                                                 \
		kinds++;                                                                                                         \
		assert_string_equal(info->name, #kind);                                                                          \
		assert_string_equal(info->payload, #payload_);                                                                   \
		assert_string_equal(info->meaning, text);                                                                        \
		assert_int_equal(info->category, RLN_CAT_##cat);                                                                 \
		assert_int_equal(info->retry, strcmp(#full, "RETRY") == 0);                                                      \
		assert_int_equal(info->has_block, strcmp(#block, "BLOCK") == 0);                                                 \
		assert_int_equal(info->live, strcmp(#status, "LIVE") == 0);                                                      \
		assert_true(offsetof(struct rln_event, member) == offsetof(struct rln_event, raw));                              \
	} while (0);
#include "lcore/event.def"
#undef X
	assert_int_equal(kinds, RLN_EV_COUNT - 1);
}

static void an_unknown_kind_is_none(void **state)
{
	struct rln_event ev = {.kind = 60000};
	char text[200];

	(void)state;
	assert_string_equal(rln_event_info(rln_event_kind(&ev))->name, "NONE");
	assert_string_equal(rln_event_info(RLN_EV_NONE)->name, "NONE");
	assert_int_equal(rln_event_block(&ev), 0);
	assert_string_equal(rln_category_name(RLN_CAT_COUNT), "none");
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "NONE - #0.0<-0.0");
}

static void categories_have_the_names_of_the_requirements(void **state)
{
	(void)state;
	assert_string_equal(rln_category_name(RLN_CAT_S2D), "session_to_dialog");
	assert_string_equal(rln_category_name(RLN_CAT_M2R), "media_to_rtp");
	assert_string_equal(rln_category_name(RLN_CAT_A2S), "application_to_session");
}

static void only_kinds_with_a_block_own_one(void **state)
{
	struct rln_event ev = {.kind = RLN_EV_MAKE_CALL, .make_call.block = 77};

	(void)state;
	assert_int_equal(rln_event_block(&ev), 77);
	ev.kind = RLN_EV_ACCEPT_CALL; /* the same bytes are no block here */
	assert_int_equal(rln_event_block(&ev), 0);
}

static void text_shows_every_type_of_field(void **state)
{
	struct rln_event ev = {.id = rln_id_make(RLN_ID_SESSION, 0, 12, 3), .serial = 1u << 24 | 42, .cause = 2u << 24 | 17};
	char text[400];

	(void)state;
	ev.kind = RLN_EV_CALL_TERMINATED;
	ev.call_terminated = (struct rln_ev_call_terminated){.reason = RLN_END_REMOTE, .code = 200};
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "CALL_TERMINATED s0/12#3 #1.42<-2.17 reason=REMOTE code=200");

	ev.kind = RLN_EV_TRANSPORT_ERROR;
	ev.transport_error = (struct rln_ev_transport_error){.transaction_id = rln_id_make(RLN_ID_TXN, 0, 5, 1), .error = -110};
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "TRANSPORT_ERROR s0/12#3 #1.42<-2.17 transaction_id=t0/5#1 error=-110");

	ev.kind = RLN_EV_UPDATE_RTP_STREAM;
	rln_addr_from_v4(&ev.update_rtp_stream.remote, 0x010012c6, 4000);
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "UPDATE_RTP_STREAM s0/12#3 #1.42<-2.17 remote=198.18.0.1:4000");

	ev.kind = RLN_EV_DTMF_DETECTED;
	ev.dtmf_detected = (struct rln_ev_dtmf){.digit = '#', .duration_ms = 160};
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "DTMF_DETECTED s0/12#3 #1.42<-2.17 digit=\"#\" duration_ms=160");

	ev.kind = RLN_EV_PACKET_LOSS_DETECTED;
	ev.packet_loss_detected = (struct rln_ev_packet_loss){.loss_percentage = 1.5f, .window_ms = 5000};
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "PACKET_LOSS_DETECTED s0/12#3 #1.42<-2.17 loss_percentage=1.50 window_ms=5000");

	ev.kind = RLN_EV_MEDIA_QUALITY_UPDATE;
	ev.media_quality_update = (struct rln_ev_quality){
		.metrics = {0.5f, 12, -1, 64000}, .quality = RLN_QUALITY_POOR, .severity = RLN_SEVERITY_HIGH};
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "MEDIA_QUALITY_UPDATE s0/12#3 #1.42<-2.17 metrics={loss 0.50% jitter 12.00ms rtt n/a 64000bps} "
				  "quality=POOR severity=HIGH");

	ev.kind = RLN_EV_DTMF_REQUEST;
	memset(ev.dtmf_request.tones, '5', sizeof(ev.dtmf_request.tones)); /* no NUL: never read past */
	ev.dtmf_request.duration_ms = 100;
	rln_event_text(&ev, text, sizeof(text));
	assert_non_null(strstr(text, "tones=\"55555555555555555555555555555555555555\" duration_ms=100"));

	ev.kind = RLN_EV_STATE_CHANGED;
	ev.state_changed =
		(struct rln_ev_state_changed){.old_state = RLN_STATE_CALLING, .new_state = 200, .reason = RLN_END_NONE};
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "STATE_CHANGED s0/12#3 #1.42<-2.17 old_state=CALLING new_state=? reason=NONE code=0 by=NONE");
}

static void text_in_blocks_is_shortened_and_escaped(void **state)
{
	static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 198.18.0.1\r\ns=-\r\nc=IN IP4 198.18.0.1\r\nt=0 0\r\n";
	struct rln_event ev = {.kind = RLN_EV_CALL_ESTABLISHED};
	char text[400];

	(void)state;
	ev.call_established.block = rln_block_from_text(sdp, sizeof(sdp) - 1, &ev.call_established.sdp);
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "CALL_ESTABLISHED - #0.0<-0.0 "
				  "sdp=\"v=0\\x0d\\x0ao=- 1 1 IN IP4 198.18.0.1\\x0d\\x0as=-\\x0d\\x0ac=IN IP4 19\"..[65]");
	ev.call_established.sdp = (struct rln_slice){4090, 100}; /* beyond the block */
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "CALL_ESTABLISHED - #0.0<-0.0 sdp=[100]");
	ev.call_established.sdp = (struct rln_slice){0, 65};
	rln_block_release(ev.call_established.block);
	rln_event_text(&ev, text, sizeof(text));
	assert_string_equal(text, "CALL_ESTABLISHED - #0.0<-0.0 sdp=[65]");
	assert_int_equal(rln_blocks_in_use(), 0);
}

static void every_kind_shows_a_field_and_fits_any_buffer(void **state)
{
	char whole[1000], part[1000];

	(void)state;
	for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++) {
		struct rln_event ev = {.kind = (uint16_t)kind};
		int n;

		memset(ev.raw, 0x5a, sizeof(ev.raw));
		n = rln_event_text(&ev, whole, sizeof(whole));
		assert_int_equal(n, strlen(whole));
		assert_non_null(strchr(whole, '='));
		for (size_t size = 0; size < (size_t)n + 2; size++) {
			memset(part, 'x', sizeof(part));
			assert_int_equal(rln_event_text(&ev, part, size), n);
			if (size)
				assert_true(strncmp(part, whole, size - 1) == 0 && part[strnlen(part, size)] == 0);
			assert_int_equal(part[size], 'x');
		}
	}
}

/* What a pattern leaves 0 matches anything; texts in blocks are not compared. */
static void events_are_compared_by_their_fields(void **state)
{
	struct rln_event ev = {.id = 7,
		.kind = RLN_EV_STATE_CHANGED,
		.state_changed = {
			.old_state = RLN_STATE_CALLING, .new_state = RLN_STATE_FAILED, .reason = RLN_END_REFUSED, .code = 486}};
	struct rln_event like = {.kind = RLN_EV_STATE_CHANGED},
			 digits = {.kind = RLN_EV_DTMF_RECEIVED, .dtmf_received = {100, "12"}};

	(void)state;
	assert_true(rln_event_is_like(&ev, &like));
	like.id = 7;
	like.state_changed.code = 486;
	assert_true(rln_event_is_like(&ev, &like));
	like.state_changed.code = 230; /* 486 is 0x1e6, 230 its low byte */
	assert_false(rln_event_is_like(&ev, &like));
	like.state_changed.code = 0;
	like.id = 8;
	assert_false(rln_event_is_like(&ev, &like));
	like = digits;
	assert_false(rln_event_is_like(&ev, &like));
	assert_true(rln_event_is_like(&digits, &like));
	strcpy(like.dtmf_received.tones, "13");
	assert_false(rln_event_is_like(&digits, &like));
	like = ev = (struct rln_event){.kind = RLN_EV_SDP_EVENT, .sdp_event = {.event_type = RLN_SDP_ANSWER_SENT}};
	like.sdp_event.sdp.len = 9;
	assert_true(rln_event_is_like(&ev, &like));
	ev.kind = like.kind = RLN_EV_COUNT; /* no kind at all */
	assert_true(rln_event_is_like(&ev, &like));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_compared_by_their_fields),
		cmocka_unit_test(every_kind_is_described),
		cmocka_unit_test(an_unknown_kind_is_none),
		cmocka_unit_test(categories_have_the_names_of_the_requirements),
		cmocka_unit_test(only_kinds_with_a_block_own_one),
		cmocka_unit_test(text_shows_every_type_of_field),
		cmocka_unit_test(text_in_blocks_is_shortened_and_escaped),
		cmocka_unit_test(every_kind_shows_a_field_and_fits_any_buffer),
	};

	return cmocka_run_group_tests_name("lcore/event", tests, setup, teardown);
}
