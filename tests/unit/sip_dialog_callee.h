/* SPDX-License-Identifier: BSD-3-Clause */
/* The scripted peer as caller: its requests in one dialog, and the ways to get there. */
#pragma once

#include "sip_dialog_fixture.h"

#define FROM    "<sip:bob@198.18.0.2>;tag=bt"
#define CALL_ID "uas-call@198.18.0.2"
#define BOB     "Contact: <sip:bob@198.18.0.2:5070>\r\n"

static struct rln_dialog_id call;
static char to[256]; /* To of the peer's requests, our tag included once we know it */
static unsigned branch;

static UNUSED void from_peer(const char *method, unsigned cseq, const char *extra, const char *body)
{
	char b[16];

	snprintf(b, sizeof(b), "uas%u", ++branch);
	request(method, b, cseq, FROM, to, CALL_ID, extra, body);
}

static UNUSED void same_branch(const char *method, unsigned cseq, const char *body)
{
	branch--;
	from_peer(method, cseq, BOB, body);
}

static UNUSED void incoming_with(const char *extra, const char *body)
{
	strcpy(to, "<sip:alice@198.18.0.1>");
	from_peer("INVITE", 10, extra, body);
	call = (struct rln_dialog_id){next_event(RLN_EV_INCOMING_CALL)->id};
}

static UNUSED void respond(unsigned code, const char *sdp)
{
	assert_int_equal(rln_dialog_send_response(dialogs0, call, (uint16_t)code, sdp, NULL), 0);
}

static UNUSED void respond_update(unsigned code)
{
	assert_int_equal(rln_dialog_respond_update(dialogs0, call, (uint16_t)code, NULL), 0);
}

static UNUSED void respond_offer(unsigned code, const char *sdp)
{
	assert_int_equal(rln_dialog_respond_offer(dialogs0, call, (uint16_t)code, sdp, NULL), 0);
}

static UNUSED void note_tag(const char *response)
{
	strcpy(to, header(response, "To"));
}

static UNUSED void answer(void)
{
	incoming_with(BOB, SDP_OFFER);
	respond(200, SDP_ANSWER);
	note_tag(next_sent("SIP/2.0 200 "));
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
}

static UNUSED void establish(void)
{
	answer();
	from_peer("ACK", 10, NULL, NULL);
	next_event(RLN_EV_CALL_ESTABLISHED);
}

static UNUSED void finish(void)
{
	from_peer("BYE", 99, NULL, NULL);
	next_sent("SIP/2.0 200 ");
	terminated_event(RLN_END_REMOTE, 0);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
	no_more_sent();
}
