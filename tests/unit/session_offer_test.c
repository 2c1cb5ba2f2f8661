/* SPDX-License-Identifier: BSD-3-Clause */
/* Hold and resume from either side (R168-R170, R153), glare (R171), codec switch (R173, R174). */
#include "session_calls.h"

#define SDP_INACTIVE                                                                                                             \
	"v=0\r\no=- 7 9 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\na=inactive\r\n"
#define SDP_PCMA "v=0\r\no=- 7 9 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n"

static uint8_t direction_of(struct rln_session_id id)
{
	return session_of(id)->params.direction;
}

static struct rln_session_id held(void)
{
	struct rln_session_id id = active_uac();

	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	reinvite_accepted(id, SDP_HELD_BY_US);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	return id;
}

/* ---- ours ---- */

static void a_hold_counts_with_its_2xx(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	forget();
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_HOLD_PENDING);
	assert_true(first(RLN_EV_HOLD_SESSION) >= 0 && first(RLN_EV_HOLD_SESSION) < first(RLN_EV_HOLD_MEDIA)); /* R168 */
	assert_int_equal(last(RLN_EV_HOLD_MEDIA)->hold_media.direction, RLN_MEDIA_OUTBOUND);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "a=sendonly"));
	assert_int_equal(direction_of(id), RLN_MEDIA_BIDIRECTIONAL); /* nothing is agreed yet */
	reinvite_accepted(id, SDP_HELD_BY_US);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	assert_int_equal(direction_of(id), RLN_MEDIA_OUTBOUND);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.direction, RLN_MEDIA_OUTBOUND);
	hang_up(id);
}

static void a_resume_counts_with_its_2xx(void **state)
{
	struct rln_session_id id = held();

	(void)state;
	forget();
	command(id, RLN_EV_RESUME_CALL, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	assert_int_equal(told(RLN_EV_RESUME_SESSION), 1);
	assert_int_equal(told(RLN_EV_RESUME_MEDIA), 0);
	assert_null(strstr(dialog_for(id)->last_sdp, "sendonly"));
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_RESUME_MEDIA)->resume_media.direction, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(direction_of(id), RLN_MEDIA_BIDIRECTIONAL);
	hang_up(id);
}

static void a_refused_hold_is_rolled_back(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	forget();
	reinvite_refused(id, RLN_CALL_REFUSED, 488);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_RESUME_MEDIA)->resume_media.direction, RLN_MEDIA_BIDIRECTIONAL);
	dialog_reinvited(dialog_for(id), SDP_PEER, RLN_SIP_INVITE);
	pump();
	assert_null(strstr(dialog_for(id)->last_sdp, "sendonly")); /* the refused hold does not show in later answers */
	hang_up(id);
}

static void a_refused_resume_stays_held(void **state)
{
	struct rln_session_id id = held();

	(void)state;
	command(id, RLN_EV_RESUME_CALL, 0);
	pump();
	forget();
	reinvite_refused(id, RLN_CALL_REFUSED, 403);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	assert_int_equal(direction_of(id), RLN_MEDIA_OUTBOUND);
	assert_int_equal(told(RLN_EV_RESUME_MEDIA), 0);
	hang_up(id);
}

static void an_answer_of_no_use_changes_nothing(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	reinvite_accepted(id, SDP_USELESS);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
	id = held();
	command(id, RLN_EV_RESUME_CALL, 0);
	pump();
	reinvite_accepted(id, SDP_USELESS);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	hang_up(id);
}

static void codes_that_end_a_dialog_end_the_call(void **state)
{
	static const struct {
		enum rln_call_progress value;
		uint16_t status;
	} ends[] = {{RLN_CALL_REFUSED, 408}, {RLN_CALL_REFUSED, 481}, {RLN_CALL_TIMED_OUT, 408}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct rln_session_id id = i % 2 ? held() : active_uac();

		forget();
		command(id, i % 2 ? RLN_EV_RESUME_CALL : RLN_EV_HOLD_CALL, 0);
		pump();
		reinvite_refused(id, ends[i].value, ends[i].status);
		assert_ended(id, RLN_STATE_TERMINATED, RLN_END_TIMEOUT, 408); /* R182a */
	}
}

static void commands_wait_or_are_refused(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	forget();
	command(id, RLN_EV_HOLD_CALL, 0);
	command(id, RLN_EV_RESUME_CALL, 0); /* waits for the hold's answer */
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	assert_int_equal(told(RLN_EV_COMMAND_REJECTED), 1);
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.kind, RLN_EV_HOLD_CALL);
	assert_int_equal(last(RLN_EV_COMMAND_REJECTED)->command_rejected.error, EALREADY);
	reinvite_accepted(id, SDP_HELD_BY_US);
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void a_hold_waits_for_what_is_open(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_BIDIRECTIONAL);
	forget();
	command(id, RLN_EV_HOLD_CALL, 0);
	assert_int_equal(w->out_n, 0);
	assert_non_null(session_of(id)->deferred);
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(state_of(id), RLN_STATE_HOLD_PENDING);
	assert_int_equal(told(RLN_EV_HOLD_SESSION), 1);
	hang_up(id);
	id = answered_silent();
	command(id, RLN_EV_HOLD_CALL, 0);
	assert_int_equal(w->out_n, 0);
	stream_starts(id);
	assert_int_equal(state_of(id), RLN_STATE_HOLD_PENDING);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "a=sendonly"));
	hang_up(id);
}

static void a_resume_waits_for_what_is_open(void **state)
{
	struct rln_session_id id = held();

	(void)state;
	dialog_reinvited(dialog_for(id), NULL, RLN_SIP_INVITE); /* our 200 offers */
	pump();
	forget();
	command(id, RLN_EV_RESUME_CALL, 0);
	assert_int_equal(w->out_n, 0);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	dialog_sdp(dialog_for(id), RLN_EV_CALL_ESTABLISHED, SDP_HELD_BY_US);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	assert_int_equal(told(RLN_EV_RESUME_SESSION), 1);
	hang_up(id);
}

static void a_resume_that_met_491_is_sent_again(void **state)
{
	struct rln_session_id id = held();
	unsigned before;

	(void)state;
	command(id, RLN_EV_RESUME_CALL, 0);
	pump();
	reinvite_refused(id, RLN_CALL_GLARE, 491);
	assert_int_equal(state_of(id), RLN_STATE_RESUME_PENDING);
	before = w->updates;
	advance(4001 * RLN_MS);
	assert_int_equal(w->updates, before + 1);
	assert_null(strstr(dialog_for(id)->last_sdp, "sendonly"));
	assert_int_equal(told(RLN_EV_RESUME_SESSION), 2);
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

static void an_update_whose_answer_is_of_no_use_changes_nothing(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_UPDATE_REQUEST, RLN_MEDIA_OUTBOUND);
	forget();
	reinvite_accepted(id, SDP_USELESS);
	assert_int_equal(w->out_n, 0);
	assert_false(session_of(id)->is_offering);
	assert_int_equal(session_of(id)->wanted, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(session_of(id)->asked, RLN_MEDIA_BIDIRECTIONAL);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
}

/* ---- the peer's ---- */

static void the_peer_holds_too(void **state)
{
	struct rln_session_id id = active_uas();

	(void)state;
	dialog_reinvited(dialog_for(id), SDP_HELD, RLN_SIP_INVITE);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(direction_of(id), RLN_MEDIA_INBOUND);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "a=recvonly"));
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	assert_non_null(strstr(dialog_for(id)->last_sdp, "a=inactive")); /* R46 */
	reinvite_accepted(id, SDP_INACTIVE);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	dialog_reinvited(dialog_for(id), SDP_PEER, RLN_SIP_INVITE); /* the peer resumes: each hold counts for its own direction */
	pump();
	assert_int_equal(dialog_for(id)->last_offer_response, 200);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "a=sendonly"));
	assert_int_equal(direction_of(id), RLN_MEDIA_OUTBOUND);
	command(id, RLN_EV_RESUME_CALL, 0);
	pump();
	reinvite_accepted(id, SDP_PEER);
	assert_int_equal(direction_of(id), RLN_MEDIA_BIDIRECTIONAL);
	hang_up(id);
}

static void two_holds_at_once_converge(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	command(id, RLN_EV_HOLD_CALL, 0);
	dialog_reinvited(dialog_for(id), SDP_HELD, RLN_SIP_INVITE);
	pump();
	assert_int_equal(dialog_for(id)->last_offer_response, 491); /* R171 */
	reinvite_refused(id, RLN_CALL_GLARE, 491);
	assert_int_equal(state_of(id), RLN_STATE_HOLD_PENDING);
	dialog_reinvited(dialog_for(id), SDP_HELD, RLN_SIP_INVITE); /* the other side's random time is over first */
	pump();
	assert_int_equal(dialog_for(id)->last_offer_response, 200);
	assert_int_equal(state_of(id), RLN_STATE_HOLD_PENDING);
	advance(2100 * RLN_MS - 1);
	assert_false(dialog_for(id)->invite_open); /* the Call-ID's owner waits 2.1 s at least */
	advance(1901 * RLN_MS);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "a=inactive"));
	reinvite_accepted(id, SDP_INACTIVE);
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	hang_up(id);
}

static void a_bye_ends_every_pending_state(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct rln_session_id id = i == 1 ? active_uac() : i == 2 ? held() : held();

		forget();
		if (i)
			command(id, i == 1 ? RLN_EV_HOLD_CALL : RLN_EV_RESUME_CALL, 0);
		pump();
		dialog_byes(dialog_for(id));
		pump();
		assert_ended(id, RLN_STATE_TERMINATED, RLN_END_REMOTE, 0);
	}
}

/* ---- quality ---- */

static void loss_of(struct rln_session_id id, enum rln_event_kind kind, float percent)
{
	struct rln_event ev = {.id = session_of(id)->media.v,
		.kind = (uint16_t)kind,
		.packet_loss_detected = {.loss_percentage = percent, .window_ms = 5000}};

	queue_push(FROM_MEDIA, &ev);
}

static void mild_loss_changes_nothing(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	forget();
	loss_of(id, RLN_EV_PACKET_LOSS_DETECTED, 10.0f); /* not above it */
	pump();
	assert_int_equal(w->visited & 1u << RLN_STATE_EVALUATING, 1u << RLN_STATE_EVALUATING);
	assert_int_equal(last(RLN_EV_EVALUATED)->evaluated.decision, RLN_EVALUATED_KEEP);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(w->updates, 0);
	hang_up(id);
}

static void heavy_loss_switches_the_codec(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	forget();
	assert_int_equal(session_of(id)->params.config.codec, RLN_CODEC_PCMU);
	loss_of(id, RLN_EV_PACKET_LOSS_THRESHOLD_EXCEEDED, 10.1f);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_EVALUATING);
	assert_non_null(strstr(dialog_for(id)->last_sdp, "RTP/AVP 8 0"));
	reinvite_accepted(id, SDP_PCMA);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(last(RLN_EV_MEDIA_NEGOTIATED)->media_negotiated.codec, RLN_CODEC_PCMA);
	hang_up(id);
}

static void a_refused_switch_keeps_the_codec(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	loss_of(id, RLN_EV_PACKET_LOSS_DETECTED, 20);
	pump();
	reinvite_refused(id, RLN_CALL_REFUSED, 488);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(session_of(id)->params.config.codec, RLN_CODEC_PCMU);
	w->fail_update = -ENOBUFS;
	loss_of(id, RLN_EV_PACKET_LOSS_DETECTED, 20);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	w->fail_update = 0;
	hang_up(id);
}

static void quality_is_told_and_one_decision_made_at_a_time(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	assert_only_told(id, RLN_EV_MEDIA_QUALITY_UPDATE);
	loss_of(id, RLN_EV_PACKET_LOSS_DETECTED, 20);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_EVALUATING);
	assert_int_equal(w->updates, 1);
	assert_only_told(id, RLN_EV_MEDIA_QUALITY_UPDATE);
	assert_only_told(id, RLN_EV_MEDIA_QUALITY_DEGRADED);
	assert_int_equal(w->updates, 1);
	reinvite_accepted(id, SDP_USELESS);
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	assert_int_equal(session_of(id)->params.config.codec, RLN_CODEC_PCMU);
	assert_int_equal(session_of(id)->prefer, RLN_CODEC_NONE);
	assert_false(session_of(id)->is_offering);
	hang_up(id);
}

static void quality_counts_in_active_alone(void **state)
{
	struct rln_session_id id = held();

	(void)state;
	forget();
	loss_of(id, RLN_EV_PACKET_LOSS_DETECTED, 20);
	say_media(id, RLN_EV_MEDIA_QUALITY_UPDATE);
	say_media(id, RLN_EV_RTP_TIMEOUT);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	assert_int_equal(told(RLN_EV_MEDIA_EVENT), 0);
	hang_up(id);
}

static void no_memory_for_an_offer_rolls_back(void **state)
{
	struct rln_session_id id = active_uac();

	(void)state;
	w->fail_publish = 1;
	w->fail_publish_kind = RLN_EV_HOLD_SESSION;
	command(id, RLN_EV_HOLD_CALL, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ACTIVE);
	hang_up(id);
	id = held();
	w->fail_publish = 1;
	w->fail_publish_kind = RLN_EV_RESUME_SESSION;
	command(id, RLN_EV_RESUME_CALL, 0);
	pump();
	assert_int_equal(state_of(id), RLN_STATE_ON_HOLD);
	hang_up(id);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hold_counts_with_its_2xx),
		T(a_resume_counts_with_its_2xx),
		T(a_refused_hold_is_rolled_back),
		T(a_refused_resume_stays_held),
		T(an_answer_of_no_use_changes_nothing),
		T(codes_that_end_a_dialog_end_the_call),
		T(commands_wait_or_are_refused),
		T(a_hold_waits_for_what_is_open),
		T(a_resume_waits_for_what_is_open),
		T(a_resume_that_met_491_is_sent_again),
		T(an_update_whose_answer_is_of_no_use_changes_nothing),
		T(the_peer_holds_too),
		T(two_holds_at_once_converge),
		T(a_bye_ends_every_pending_state),
		T(mild_loss_changes_nothing),
		T(heavy_loss_switches_the_codec),
		T(a_refused_switch_keeps_the_codec),
		T(quality_is_told_and_one_decision_made_at_a_time),
		T(quality_counts_in_active_alone),
		T(no_memory_for_an_offer_rolls_back),
	};

	return cmocka_run_group_tests_name("session_offer", tests, NULL, NULL);
}
