/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a user agent server answers before, or without, any dialog (RFC 3261 8.2 in its order: method, headers,
 * extensions, content; 11.2 for OPTIONS). Stateless: all that it needs is in the request.
 *
 * Never 483: Max-Forwards speaks to those who forward (RFC 4475 3.3.11). 482 is for first INVITEs only, whose dialogs
 * remember them; another request outside a dialog changes nothing here, so answering it twice does no harm.
 */
#include <strings.h>

#include "lcore/log.h"
#include "lcore/secure.h"
#include "sip/dialog_refresh.h"
#include "sip/dialog_reliable.h"

/* The methods that work here: the one list behind Allow and 405. */
/* clang-format off */
#define ALLOWED(X, sep) \
	X(INVITE) sep       \
	X(ACK) sep          \
	X(BYE) sep          \
	X(CANCEL) sep       \
	X(OPTIONS) sep      \
	X(UPDATE) sep       \
	X(PRACK) sep        \
	X(REFER) sep        \
	X(NOTIFY) sep       \
	X(INFO)
/* clang-format on */

#define NAME(name)  #name
#define BIT(name)   (1u << RLN_SIP_##name)
#define ALLOW       ALLOWED(NAME, ", ")
#define ACCEPT_LINE "Accept: application/sdp\r\n"

static bool is_allowed(uint8_t method)
{
	return (ALLOWED(BIT, |)) >> method & 1;
}

void rln_policy_write_abilities(struct rln_text *t, bool wants_reliable)
{
#define X(tag) tag,
	static const char *const tags[] = {RLN_SIP_OPTION_TAGS(X) NULL};
#undef X

	const char *separator = "";

	rln_text_printf(t, "Allow: " ALLOW "\r\nSupported: ");
	for (const char *const *tag = tags; *tag; tag++) {
		if (!wants_reliable && strcmp(*tag, "100rel") == 0)
			continue;
		rln_text_printf(t, "%s%s", separator, *tag);
		separator = ", ";
	}
	rln_text_printf(t, "\r\nAllow-Events: refer\r\n");
}

static void respond(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn, uint16_t status, const char *reason,
	const char *tag, const char *extra)
{
	struct rln_text t;
	int rc;

	rln_text_init(&t, all->scratch, sizeof(all->scratch));
	rln_build_response(&t, msg, status, reason, tag, false);
	rln_text_printf(&t, "%s", extra);
	rc = rln_dialogs_send_response(all, &t, 0, txn, status, (struct rln_span){NULL, 0}, NULL);
	if (rc == 0)
		return;
	/* Without its transaction the request's next repetition is as good as new. */
	rln_txn_drop(all->txns, (struct rln_txn_id){txn});
	rln_log(RLN_LOG_WARNING, 0, "response %u not sent: %s", status, strerror(-rc));
}

void rln_policy_respond(
	struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn, uint16_t status, const char *tag, const char *extra)
{
	respond(all, msg, txn, status, rln_sip_reason_phrase(status), tag, extra ? extra : "");
}

void rln_policy_respond_later(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	char line[32];

	snprintf(line, sizeof(line), "Retry-After: %u\r\n", rln_random_u32() % 11);
	rln_policy_respond(all, msg, txn, 500, NULL, line);
}

static void respond_unsupported(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	char line[512];

	snprintf(line, sizeof(line), "Unsupported: %.*s\r\n", (int)msg->unsupported.len, rln_sip_text(msg, msg->unsupported));
	rln_policy_respond(all, msg, txn, 420, NULL, line);
}

/* Not sound, but sound enough to say so (400, 416, 420, 505, 513). */
static bool answers_fault(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	uint16_t status = msg->fault.status;

	if (status == 420 || (status == 0 && msg->unsupported.len))
		respond_unsupported(all, msg, txn);
	else if (status)
		respond(all, msg, txn, status, msg->fault.why ? msg->fault.why : rln_sip_reason_phrase(status), NULL, "");
	return status || msg->unsupported.len;
}

/* 8.2.1; 501 for what is no method that we have heard of (21.5.2). */
static bool answers_method(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (is_allowed(msg->method))
		return false;
	rln_policy_respond(all, msg, txn, msg->method == RLN_SIP_UNKNOWN ? 501 : 405, NULL, "Allow: " ALLOW "\r\n");
	return true;
}

/* One of the media ranges that take SDP; parameters are not looked at, except that q=0 takes nothing (20.1). */
static bool takes_sdp(const char *range, size_t len)
{
	const char *stop = memchr(range, ';', len);
	size_t name = stop ? (size_t)(stop - range) : len;

	while (name > 0 && (range[name - 1] == ' ' || range[name - 1] == '\t'))
		name--;
	if (stop && memmem(stop, len - (size_t)(stop - range), "q=0", 3) &&
		!memmem(stop, len - (size_t)(stop - range), "q=0.", 4))
		return false;
	return (name == 15 && strncasecmp(range, "application/sdp", 15) == 0) ||
	       (name == 13 && strncasecmp(range, "application/*", 13) == 0) || (name == 3 && memcmp(range, "*/*", 3) == 0);
}

static bool accepts_sdp(const struct rln_sip_msg *msg)
{
	const char *at = rln_sip_text(msg, msg->accept), *end = at + msg->accept.len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;

		while (at < stop && (*at == ' ' || *at == '\t'))
			at++;
		if (takes_sdp(at, (size_t)(stop - at)))
			return true;
		at = stop + 1;
	}
	return msg->accept.len == 0;
}

/* Bodies mean something in INVITE, UPDATE and PRACK only; elsewhere they are carried past unread. */
static bool answers_content(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (msg->method != RLN_SIP_INVITE && msg->method != RLN_SIP_UPDATE && msg->method != RLN_SIP_PRACK)
		return false;
	if (msg->body.len && !rln_sip_is(msg, msg->content_type, "application/sdp"))
		rln_policy_respond(all, msg, txn, 415, NULL, ACCEPT_LINE);
	else if (!accepts_sdp(msg))
		rln_policy_respond(all, msg, txn, 406, NULL, "");
	else
		return false;
	return true;
}

/* 8.1.1.8: a request that makes a dialog names where the next one goes; RFC 2543 did not ask for it. */
static bool answers_contact(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (msg->method != RLN_SIP_INVITE || msg->contacts_n || msg->is_2543 || msg->to_tag.len)
		return false;
	respond(all, msg, txn, 400, "Missing Contact", NULL, "");
	return true;
}

/* RFC 3891 3: it is for INVITEs. */
static bool answers_replaces(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	if (!msg->replaces.len || msg->method == RLN_SIP_INVITE)
		return false;
	respond(all, msg, txn, 400, "Replaces Outside INVITE", NULL, "");
	return true;
}

bool rln_policy_answers(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	return (msg->fault.status && msg->fault.status != 420 && answers_fault(all, msg, txn)) || answers_method(all, msg, txn) ||
	       answers_fault(all, msg, txn) || answers_content(all, msg, txn) || answers_contact(all, msg, txn) ||
	       answers_replaces(all, msg, txn) || (msg->method == RLN_SIP_INVITE && rln_reliable_answers(all, msg, txn)) ||
	       rln_refresh_answers(all, msg, txn);
}

void rln_policy_options(struct rln_dialogs *all, const struct rln_sip_msg *msg, uint64_t txn)
{
	struct rln_text t;

	rln_text_init(&t, all->scratch, sizeof(all->scratch));
	rln_build_response(&t, msg, 200, "OK", NULL, false);
	rln_policy_write_abilities(&t, true);
	rln_text_printf(&t, ACCEPT_LINE "Accept-Encoding: identity\r\nAccept-Language: en\r\n");
	if (rln_dialogs_send_response(all, &t, 0, txn, 200, (struct rln_span){NULL, 0}, NULL) != 0)
		rln_txn_drop(all->txns, (struct rln_txn_id){txn}); /* no memory: it will ask again */
}
