/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our typed view of a SIP message: plain data in one counted block (lcore/block.h), every text a slice of that block, so a
 * message travels in an event and nobody parses it twice. libosip2 parses (osip_glue.c fills this view); nothing of it leaves.
 */
#pragma once

#include <stdbool.h>

#include "lcore/addr.h"
#include "lcore/block.h"

/* X(NAME): methods that we know by number; any other is UNKNOWN and keeps its text. */
#define RLN_SIP_METHODS(X) \
	X(INVITE) X(ACK) X(BYE) X(CANCEL) X(OPTIONS) X(REGISTER) \
	X(PRACK) X(UPDATE) X(INFO) X(REFER) X(NOTIFY) X(SUBSCRIBE) X(MESSAGE) X(PUBLISH)

enum rln_sip_method {
	RLN_SIP_UNKNOWN,
#define X(name) RLN_SIP_##name,
	RLN_SIP_METHODS(X)
#undef X
	RLN_SIP_METHOD_COUNT
};

#define RLN_SIP_ROUTES 8   /* Record-Route and Route entries that we keep; more is refused with 513 */
#define RLN_SIP_CONTACTS 8

/* What is wrong with a message that parsed well enough to be answered; the status to answer with (0 = sound). */
struct rln_sip_fault {
	uint16_t status;       /* 400, 416, 420, 505, 513 ... */
	const char *why;       /* static; for the reason phrase and the log */
};

struct rln_sip_uri {       /* slices of the block; RFC 3261 19.1 */
	struct rln_slice text; /* the whole URI without <> */
	struct rln_slice scheme, user, host, params;
	uint16_t port;         /* 0 = absent */
};

struct rln_sip_msg {
	rln_block_ref block;          /* this message's own block: base of every slice */
	uint16_t status;              /* 0 = request */
	uint8_t method;               /* enum rln_sip_method: of the request line, or of CSeq in a response */
	bool is_forwarded;            /* more than one Via: in a response that means it was meant for somebody else (8.1.3.3) */
	bool is_2543;                 /* top Via without RFC 3261's magic cookie */
	struct rln_sip_fault fault;
	struct rln_addr source;       /* whence the datagram came */
	struct rln_addr local;        /* our address that it came to */
	uint8_t worker;               /* the worker that received it: the answer leaves there */
	uint64_t rx_ns;               /* clock at the poll that found it; 0: not off a wire */

	struct rln_slice raw;         /* the datagram, from the start line to the end of the body */
	struct rln_slice headers;     /* of raw: from the first header to the empty line; the one slice that no NUL follows */
	struct rln_slice body;        /* of raw, cut to Content-Length */
	struct rln_slice method_text, reason;
	struct rln_sip_uri request_uri;
	struct rln_slice vias;        /* all Via values as header lines, ready to be copied into a response */
	struct rln_slice branch, sent_by; /* of the top Via; sent_by is "host" or "host:port" as sent */
	struct rln_slice via_host, via_maddr;
	uint16_t via_port;            /* of sent-by, 0 = absent */
	struct rln_slice via_received; /* these as the peer sent them; `vias` has them filled in (RFC 3581 4) */
	uint16_t via_rport;
	bool has_rport;
	struct rln_slice from, to;    /* whole header values, tags included */
	struct rln_sip_uri from_uri, to_uri;
	struct rln_slice from_tag, to_tag, call_id;
	struct rln_slice cseq_text;   /* as sent, for the response */
	uint32_t cseq;
	uint8_t cseq_method;
	int32_t max_forwards;         /* -1 = absent */
	uint8_t contacts_n;
	struct rln_sip_uri contact[RLN_SIP_CONTACTS];
	struct rln_slice contact_params[RLN_SIP_CONTACTS]; /* ";q=0.5;expires=60", as sent */
	uint8_t record_routes_n, routes_n;
	struct rln_slice record_route[RLN_SIP_ROUTES], route[RLN_SIP_ROUTES]; /* whole values, <> included */
	struct rln_slice content_type;   /* "application/sdp", lower case, without parameters */
	struct rln_slice accept;         /* all Accept values, comma separated; absent: len 0 */
	struct rln_slice require, supported, allow; /* comma separated */
	struct rln_slice unsupported;    /* of require: what we do not support, for 420's Unsupported */
	struct rln_slice authorization, proxy_authorization; /* first of each */
	struct rln_slice www_authenticate, proxy_authenticate; /* all challenges, comma separated */
	struct rln_slice replaces, refer_to, refer_sub, referred_by, event, subscription_state, session_expires, min_se;
	struct rln_slice rseq, rack, retry_after;
	struct rln_slice timestamp;   /* goes back in a 100 (8.2.6.1) */
	int32_t expires;              /* -1 = absent */
	int32_t min_expires;          /* of a 423; -1 = absent */
};

/*
 * X("tag"): the option tags that we support: the one list behind Supported, and behind `unsupported` of a Require. It grows
 * with the features (RFC 3262 100rel, RFC 4028 timer, RFC 3891 replaces), never ahead of them.
 */
#define RLN_SIP_OPTION_TAGS(X) X("100rel") X("timer") X("replaces") X("norefersub")

/* Does the list above have this tag? */
bool rln_sip_option_is_supported(const char *tag, size_t len);

/* Once per process, before the first parse: libosip2's tables and allocator (lcore/heap). */
void rln_sip_parser_init(void);

/*
 * Parses one datagram into a new block. 0 and *out (one reference, the caller's); a message that is SIP but not sound still
 * succeeds, with msg->fault set; -EBADMSG: not SIP, or a response that cannot be used (caller counts SIP_MALFORMED and stays
 * silent); -ENOBUFS: no block. `text` need not end in NUL and is not kept. Control lcore.
 */
int rln_sip_parse(struct rln_sip_msg **out, const char *text, size_t len, const struct rln_addr *source,
	const struct rln_addr *local) __attribute__((warn_unused_result));
/* The message in an event's block; NULL when stale. */
struct rln_sip_msg *rln_sip_msg_of(rln_block_ref block);

const char *rln_sip_method_name(enum rln_sip_method method);
enum rln_sip_method rln_sip_method_of(const char *text, size_t len);
const char *rln_sip_reason_phrase(unsigned status);

static inline const char *rln_sip_text(const struct rln_sip_msg *msg, struct rln_slice s)
{
	return (const char *)msg + s.off; /* s.len says how long; a NUL follows */
}

/* Is this token in a comma-separated list such as Supported? Case-insensitive. */
bool rln_sip_lists(const struct rln_sip_msg *msg, struct rln_slice list, const char *token);
/* Case-insensitive: does the slice equal this text? */
bool rln_sip_is(const struct rln_sip_msg *msg, struct rln_slice s, const char *text);

/*
 * URI text ("sip:bob@198.18.0.2:5070;transport=udp", "<...>" and "Name <...>" accepted) taken apart; offsets are relative to
 * `text`. An IPv6 host keeps its brackets, `params` starts after the first ';' and ends before '?'. A scheme other than sip,
 * sips has `text` and `scheme` only. 0 or -EINVAL.
 */
int rln_sip_uri_parse(struct rln_sip_uri *out, const char *text, size_t len);
