/* SPDX-License-Identifier: BSD-3-Clause */
/* The scripted SIP peer: text in, text out, and just enough memory of a dialog to number its requests. It checks nothing that a test did not ask for. */
#include "tests/sim/sim.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static unsigned serial; /* of branches, tags and Call-IDs */

static char *scratch(void)
{
	static char bufs[16][1024];
	static unsigned next;

	return bufs[next++ % 16];
}

struct sim_sip *sim_sip_open(uint16_t port)
{
	struct sim_sip *sip = calloc(1, sizeof(*sip));

	sip->udp = sim_udp_open(SIM_HOST, port);
	return sip;
}

void sim_sip_close(struct sim_sip *sip)
{
	sim_udp_close(sip->udp);
	free(sip);
}

/* ---- reading ---- */

const char *sim_header(const struct sim_msg *m, const char *name)
{
	size_t len = strlen(name);
	char *out = scratch();

	out[0] = 0;
	for (const char *line = strstr(m->text, "\r\n"); line && strncmp(line, "\r\n\r\n", 4) != 0;
		line = strstr(line + 2, "\r\n")) {
		const char *at = line + 2;

		if (strncasecmp(at, name, len) != 0 || at[len] != ':')
			continue;
		at += len + 1;
		while (*at == ' ')
			at++;
		snprintf(out, 1024, "%.*s", (int)strcspn(at, "\r"), at);
		break;
	}
	return out;
}

const char *sim_body(const struct sim_msg *m)
{
	const char *end = strstr(m->text, "\r\n\r\n");

	return end ? end + 4 : "";
}

uint16_t sim_sdp_port(const struct sim_msg *m)
{
	const char *at = strstr(sim_body(m), "m=audio ");

	return at ? (uint16_t)atoi(at + 8) : 0;
}

static uint64_t hash(const char *text, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 1099511628211u;
	return h;
}

/* Over all sockets: what was sent again to one that is closed is nothing new to the next one on its port. */
static bool is_repeat(struct sim_sip *sip, const struct sim_msg *m)
{
	static uint64_t seen[4096];
	static unsigned next;
	uint64_t h = hash(m->text, m->len);

	for (unsigned i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		if (seen[i] == h) {
			sip->repeats++;
			return true;
		}
	}
	seen[next++ % (sizeof(seen) / sizeof(seen[0]))] = h;
	sip->fresh++;
	return false;
}

bool sim_sip_next(struct sim_sip *sip, struct sim_msg *m, bool *again, int timeout_ms)
{
	struct sim_packet *p = sim_udp_recv(sip->udp, timeout_ms);
	const char *cseq;

	if (!p)
		return false;
	memset(m, 0, sizeof(*m));
	m->len = p->len < SIM_TEXT ? p->len : SIM_TEXT - 1;
	memcpy(m->text, p->data, m->len);
	m->src = p->src;
	free(p);
	if (strncmp(m->text, "SIP/2.0 ", 8) == 0)
		m->status = atoi(m->text + 8);
	cseq = sim_header(m, "CSeq");
	sscanf(cseq, "%*u %15s", m->method);
	*again = is_repeat(sip, m);
	if (getenv("SIM_SIP"))
		fprintf(stderr, "--- %s\n%s\n", *again ? "again" : "new", m->text);
	return true;
}

static void expect(struct sim_sip *sip, struct sim_msg *m, const char *what, bool want_again)
{
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;
	bool again;

	for (;;) {
		uint64_t now = sim_now_ms();

		if (now >= end || !sim_sip_next(sip, m, &again, (int)(end - now))) {
			sim_trace_print();
			fail_msg("%s did not come", what);
		}
		if (m->status == 100 && strncmp(what, "SIP/2.0 100", 11) != 0)
			continue; /* sent only when nothing better comes in time */
		if (again == want_again && (!again || strncmp(m->text, what, strlen(what)) == 0))
			break;
	}
	if (strncmp(m->text, what, strlen(what)) != 0) {
		sim_trace_print();
		fail_msg("expected %s, got:\n%s", what, m->text);
	}
}

void sim_expect(struct sim_sip *sip, struct sim_msg *m, const char *what)
{
	expect(sip, m, what, false);
}

void sim_expect_again(struct sim_sip *sip, struct sim_msg *m, const char *what)
{
	expect(sip, m, what, true);
}

void sim_expect_nothing(struct sim_sip *sip, int ms)
{
	uint64_t end = sim_now_ms() + (uint64_t)ms, now;
	struct sim_msg m;
	bool again;

	while ((now = sim_now_ms()) < end && sim_sip_next(sip, &m, &again, (int)(end - now))) {
		if (!again)
			fail_msg("expected nothing, got:\n%s", m.text);
	}
}

/* ---- writing ---- */

void sim_sip_send(struct sim_sip *sip, const struct rln_addr *to, const char *text)
{
	sim_udp_send(sip->udp, to, text, strlen(text));
}

const char *sim_sdp(uint16_t port, const char *payloads, const char *direction)
{
	char *out = scratch();

	snprintf(out, 1024,
		"v=0\r\no=- %u 1 IN IP4 " SIM_HOST "\r\ns=-\r\nc=IN IP4 " SIM_HOST "\r\nt=0 0\r\nm=audio %u RTP/AVP %s\r\n%s"
		"a=%s\r\n",
		++serial, port, payloads,
		strstr(payloads, "101") ? "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n" : "", direction);
	return out;
}

void sim_uac(struct sim_dialog *d, struct sim_sip *sip, const char *user, uint16_t port)
{
	*d = (struct sim_dialog){.sip = sip, .cseq = 0, .to = sim_addr(SIM_MAIN, port)};
	snprintf(d->call_id, sizeof(d->call_id), "sim-%u-%u@" SIM_HOST, ++serial, (unsigned)sim_now_ms());
	snprintf(d->ltag, sizeof(d->ltag), "l%u", serial);
	snprintf(d->local, sizeof(d->local), "sip:sim@" SIM_HOST ":%u", sip->udp->local.port);
	snprintf(d->remote, sizeof(d->remote), "sip:%s@" SIM_MAIN ":%u", user, port);
	snprintf(d->target, sizeof(d->target), "%s", d->remote);
}

/* "sip:a@b" and the tag out of a From or To. */
static void split(const char *header, char *uri, size_t uri_size, char *tag, size_t tag_size)
{
	const char *open = strchr(header, '<'), *at = strstr(header, ";tag=");
	const char *begin = open ? open + 1 : header;

	snprintf(uri, uri_size, "%.*s", (int)strcspn(begin, open ? ">" : ";"), begin);
	snprintf(tag, tag_size, "%.*s", at ? (int)strcspn(at + 5, ";, ") : 0, at ? at + 5 : "");
}

static void take_target(struct sim_dialog *d, const struct sim_msg *m)
{
	char tag[64], uri[128];

	split(sim_header(m, "Contact"), uri, sizeof(uri), tag, sizeof(tag));
	if (uri[0])
		snprintf(d->target, sizeof(d->target), "%s", uri);
}

void sim_uas(struct sim_dialog *d, struct sim_sip *sip, const struct sim_msg *invite)
{
	char none[64];

	*d = (struct sim_dialog){.sip = sip, .cseq = 100, .to = invite->src};
	snprintf(d->call_id, sizeof(d->call_id), "%s", sim_header(invite, "Call-ID"));
	split(sim_header(invite, "From"), d->remote, sizeof(d->remote), d->rtag, sizeof(d->rtag));
	split(sim_header(invite, "To"), d->local, sizeof(d->local), none, sizeof(none));
	snprintf(d->ltag, sizeof(d->ltag), "u%u", ++serial);
	take_target(d, invite);
}

void sim_learn(struct sim_dialog *d, const struct sim_msg *response)
{
	char uri[128];

	split(sim_header(response, "To"), uri, sizeof(uri), d->rtag, sizeof(d->rtag));
	take_target(d, response);
}

static void write_message(
	struct sim_dialog *d, const char *method, unsigned cseq, const char *headers, const char *type, const char *body)
{
	char text[SIM_TEXT];

	snprintf(text, sizeof(text),
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP " SIM_HOST
		":%u;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: <%s>;tag=%s\r\nTo: <%s>%s%s\r\n"
		"Call-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:sim@" SIM_HOST ":%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		method, d->target, d->sip->udp->local.port, d->branch, d->local, d->ltag, d->remote, d->rtag[0] ? ";tag=" : "",
		d->rtag, d->call_id, cseq, method, d->sip->udp->local.port, headers ? headers : "", type, body ? strlen(body) : 0,
		body ? body : "");
	snprintf(d->last, sizeof(d->last), "%s", text);
	sim_sip_send(d->sip, &d->to, text);
}

static void write_request(struct sim_dialog *d, const char *method, unsigned cseq, const char *headers, const char *sdp)
{
	write_message(d, method, cseq, headers, sdp ? "Content-Type: application/sdp\r\n" : "", sdp);
}

void sim_request_body(struct sim_dialog *d, const char *method, const char *headers, const char *body)
{
	snprintf(d->branch, sizeof(d->branch), "z9hG4bK-sim-%u", ++serial);
	write_message(d, method, ++d->cseq, headers, "", body);
}

void sim_request(struct sim_dialog *d, const char *method, const char *headers, const char *sdp)
{
	bool is_ack = strcmp(method, "ACK") == 0, is_cancel = strcmp(method, "CANCEL") == 0;
	unsigned cseq = is_ack || is_cancel ? d->invite_cseq : ++d->cseq;
	char rtag[64];

	if (is_cancel)
		snprintf(d->branch, sizeof(d->branch), "%s", d->invite_branch);
	else
		snprintf(d->branch, sizeof(d->branch), "z9hG4bK-sim-%u", ++serial);
	if (strcmp(method, "INVITE") == 0) {
		d->invite_cseq = cseq;
		snprintf(d->invite_branch, sizeof(d->invite_branch), "%s", d->branch);
	}
	snprintf(rtag, sizeof(rtag), "%s", d->rtag);
	if (is_cancel) /* RFC 3261 9.1: To as in the INVITE */
		d->rtag[0] = 0;
	write_request(d, method, cseq, headers, sdp);
	snprintf(d->rtag, sizeof(d->rtag), "%s", rtag);
}

void sim_request_again(struct sim_dialog *d)
{
	sim_sip_send(d->sip, &d->to, d->last);
}

void sim_ack_refusal(struct sim_dialog *d, const struct sim_msg *response)
{
	char rtag[64], uri[128], target[128];

	snprintf(rtag, sizeof(rtag), "%s", d->rtag);
	snprintf(target, sizeof(target), "%s", d->target);
	split(sim_header(response, "To"), uri, sizeof(uri), d->rtag, sizeof(d->rtag));
	snprintf(d->branch, sizeof(d->branch), "%s", d->invite_branch);
	write_request(d, "ACK", d->invite_cseq, NULL, NULL);
	snprintf(d->rtag, sizeof(d->rtag), "%s", rtag);
}

static const char *reason(unsigned code)
{
	static const struct {
		unsigned code;
		const char *text;
	} known[] = {{100, "Trying"}, {180, "Ringing"}, {183, "Session Progress"}, {200, "OK"}, {404, "Not Found"},
		{408, "Request Timeout"}, {481, "Call/Transaction Does Not Exist"}, {486, "Busy Here"},
		{487, "Request Terminated"}, {488, "Not Acceptable Here"}, {491, "Request Pending"},
		{500, "Server Internal Error"}, {503, "Service Unavailable"}, {603, "Decline"}};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].code == code)
			return known[i].text;
	}
	return "Whatever";
}

void sim_respond(struct sim_dialog *d, const struct sim_msg *request, unsigned code, const char *headers, const char *sdp)
{
	const char *to = sim_header(request, "To");
	char text[SIM_TEXT];

	snprintf(text, sizeof(text),
		"SIP/2.0 %u %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:sim@" SIM_HOST
		":%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		code, reason(code), sim_header(request, "Via"), sim_header(request, "From"), to,
		strstr(to, ";tag=") || code == 100 ? "" : ";tag=", strstr(to, ";tag=") || code == 100 ? "" : d->ltag,
		sim_header(request, "Call-ID"), sim_header(request, "CSeq"), d->sip->udp->local.port, headers ? headers : "",
		sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : 0, sdp ? sdp : "");
	sim_sip_send(d->sip, &request->src, text);
}

/* ---- whole calls ---- */

void sim_call_in(struct sim_dialog *d, struct sim_sip *sip, const char *user, uint16_t port, const char *sdp,
	struct rln_peer *peer, struct rln_call **call, struct sim_msg *answer)
{
	struct rln_incoming *in;
	struct sim_msg m;

	sim_uac(d, sip, user, port);
	sim_request(d, "INVITE", NULL, sdp);
	sim_expect(sip, &m, "SIP/2.0 180");
	in = rln_peer_get_incoming_call(peer, SIM_WAIT_MS);
	assert_non_null(in);
	*call = rln_incoming_accept(in);
	assert_non_null(*call);
	sim_expect(sip, &m, "SIP/2.0 200");
	sim_learn(d, &m);
	sim_request(d, "ACK", NULL, NULL);
	assert_int_equal(rln_call_wait_for_state(*call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	if (answer)
		*answer = m;
}

void sim_call_out(struct sim_dialog *d, struct sim_sip *sip, struct rln_peer *peer, const char *sdp, struct rln_call **call,
	struct sim_msg *invite)
{
	char target[64];
	struct sim_msg m, ack;

	snprintf(target, sizeof(target), "sim@" SIM_HOST ":%u", sip->udp->local.port);
	*call = rln_peer_call(peer, target);
	assert_non_null(*call);
	sim_expect(sip, &m, "INVITE ");
	sim_uas(d, sip, &m);
	sim_respond(d, &m, 180, NULL, NULL);
	sim_respond(d, &m, 200, NULL, sdp);
	sim_expect(sip, &ack, "ACK ");
	assert_int_equal(rln_call_wait_for_state(*call, RLN_STATE_ACTIVE, SIM_WAIT_MS), 0);
	if (invite)
		*invite = m;
}

void sim_bye(struct sim_dialog *d)
{
	struct sim_msg m;

	sim_request(d, "BYE", NULL, NULL);
	sim_expect(d->sip, &m, "SIP/2.0 200");
	assert_string_equal(m.method, "BYE");
}
