/* SPDX-License-Identifier: BSD-3-Clause */
/* Our side as caller of the scripted peer: a call brought up and ended by us, and bob's requests in it. */
#pragma once

#include "sip_dialog_fixture.h"

#define BOB "Contact: <sip:bob@198.18.0.2:5070>\r\n"

static struct rln_dialog_id call;
static char us[256], call_id[128]; /* From of our INVITE, its Call-ID */
static unsigned branch, cseq;

/* `lines`: headers of bob's 200, his Contact too. */
static UNUSED void establish_with(const char *from, const char *lines)
{
	const char *invite;

	call = rln_dialog_create(dialogs0, from, "bob@" PEER_IP);
	publish_initiate(node0, call, SDP_OFFER);
	invite = next_sent("INVITE ");
	strcpy(us, header(invite, "From"));
	strcpy(call_id, header(invite, "Call-ID"));
	reply(invite, "200 OK", "bt", lines, SDP_ANSWER);
	state_event(RLN_DIALOG_NONE, RLN_DIALOG_CONFIRMED);
	next_event(RLN_EV_CALL_ESTABLISHED);
	next_sent("ACK ");
	cseq = 100;
}

static UNUSED void finish(void)
{
	publish_terminate(node0, call, 0);
	reply(next_sent("BYE "), "200 OK", NULL, NULL, NULL);
	terminated_event(RLN_END_NORMAL, 200);
	state_event(RLN_DIALOG_CONFIRMED, RLN_DIALOG_TERMINATED);
	no_more_events();
	no_more_sent();
}

/* A request of bob in the dialog; lines: headers, Content-Type too when there is a body. */
static UNUSED void from_bob(const char *method, const char *lines, const char *body)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text),
		"%s sip:alice@" OUR_IP ":5060 SIP/2.0\r\nVia: SIP/2.0/UDP " PEER_IP
		":5060;branch=z9hG4bKbob%u\r\nMax-Forwards: 70\r\nFrom: <sip:bob@" PEER_IP
		">;tag=bt\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		method, ++branch, us, call_id, ++cseq, method, lines, strlen(body), body);
	receive(text);
}
