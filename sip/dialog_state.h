/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a dialog is made of: its data and the manager's, for the files of the dialog layer (dialog_priv.h has their
 * functions). owner of everything: control lcore.
 *
 * A dialog has five things that may be open at once, and each has its own small machine: an INVITE of ours, their first
 * INVITE, an offer of theirs inside the dialog (re-INVITE, UPDATE, PRACK), an UPDATE of theirs without one, and a 2xx of
 * ours that awaits its ACK. A dialog is freed at the end of a call into the layer (rln_dialog_settle), never in its middle.
 */
#pragma once

#include <string.h>

#include "lcore/event.h"
#include "lcore/slots.h"
#include "sip/build.h"
#include "sip/dialog.h"
#include "sip/index.h"
#include "sip/span.h"

#define RLN_DIALOG_TAG 12        /* characters of our tags: 62 bits */
#define RLN_DIALOG_FORKS 4       /* refused branches of one INVITE that we remember */
#define RLN_DIALOG_SCRATCH 32768 /* the largest message that we write */

/* What the other side is to us; replaced as a whole when any of it changes. Offsets into `text`, each text ends in NUL. */
struct rln_dialog_remote {
	struct rln_addr hop;  /* where requests go; port 0 = unknown */
	uint8_t routes_n;
	bool is_strict;       /* the first route has no ;lr (12.2.1.1) */
	uint16_t value;       /* of To in our requests: URI and tag */
	uint16_t tag, target;
	uint16_t route[RLN_SIP_ROUTES];
	char text[];
};

struct rln_dialog_remote_parts {
	struct rln_span value, tag, target;
	unsigned routes_n;
	struct rln_span route[RLN_SIP_ROUTES];
	const struct rln_addr *fallback; /* the hop when the next URI names a host that we cannot resolve; NULL = none */
};

enum rln_dialog_ours {           /* INVITE of ours */
	RLN_OURS_NONE,
	RLN_OURS_CALLING,        /* nothing came back yet */
	RLN_OURS_PROCEEDING,     /* a provisional came */
	RLN_OURS_CANCEL_WAITS,   /* CANCEL ordered, no provisional yet (9.1) */
	RLN_OURS_CANCELLED,      /* CANCEL is out */
	RLN_OURS_ACK_WAITS,      /* a 2xx with an offer came, the session owes the answer */
};

enum rln_dialog_theirs_phase {   /* a request of theirs that the session answers */
	RLN_THEIRS_NONE,
	RLN_THEIRS_OPEN,         /* the session owes a final response */
	RLN_THEIRS_CANCELLED,    /* first INVITE, cancelled: the session owes a 487 */
	RLN_THEIRS_MOOT,         /* re-INVITE, cancelled and answered: the session does not know yet */
};

struct rln_dialog_theirs {
	uint64_t txn;
	uint32_t cseq;
	uint8_t phase, method;   /* enum rln_dialog_theirs_phase, rln_sip_method */
	bool has_offer;
	bool is_reliable;        /* a first INVITE whose provisionals need a PRACK */
	uint16_t provisional;    /* of a first INVITE: last one sent, 0 = none */
	uint16_t refusal;        /* of a first INVITE, that no memory was left for: it is tried again; 0 = none */
};

struct rln_asked;    /* a request of ours that awaits its final answer; dialog_ask.c */
struct rln_redirect; /* where 3xx responses sent us; dialog_retry.c */
struct rln_reliable; /* dialog_reliable.c */
struct rln_pracks;   /* dialog_prack.c */

enum rln_dialog_bye { RLN_BYE_NONE, RLN_BYE_WAITS /* for the ACK of our 2xx (15) */, RLN_BYE_SENT };

struct rln_dialog_refer; /* dialog_refer.h */
struct rln_dialog_probe; /* dialog_probe.c */
struct rln_dialog_info;  /* dialog_info.h */

struct rln_dialog { /* owner: control lcore */
	struct rln_timer repeat;         /* our 2xx until its ACK; our provisional each minute */
	struct rln_timer guard;          /* an INVITE that we gave up: 64*T1 (9.1); the Expires of theirs */
	struct rln_dialogs *all;
	uint64_t self;
	struct rln_dialog_remote *remote;
	char *texts;                     /* call_id first; the others by offset */
	uint16_t local_value, local_tag, remote_uri, user;
	struct rln_addr local;           /* ours: Via, Contact, source */
	uint64_t index_hash, merge_hash; /* 0 = not in that index */
	uint8_t state, role;             /* enum rln_dialog_state, rln_call_role */
	uint8_t bye;
	bool released;                   /* the session wants to hear no more */
	bool reported;                   /* CALL_TERMINATED went up */
	bool established;                /* CALL_ESTABLISHED or LATE_ANSWER went up: further INVITEs are re-INVITEs */
	uint32_t local_cseq, remote_cseq;
	uint32_t session_interval_s, min_se_s; /* Session-Expires and Min-SE of our next INVITE, 0 = none (RFC 4028) */
	uint32_t peer_methods;           /* of its Allow: a bit per enum rln_sip_method, 0 = never said */
	struct rln_dialog_refer *refer;  /* NULL until one side transfers */
	struct rln_auth *auth;           /* challenges that we met; NULL until the first */
	struct rln_asked *asked;         /* BYE, UPDATE, REFER, ... of ours, oldest last */
	bool answered;                   /* offer and answer of the first INVITE are exchanged, before its 2xx (RFC 3262 5) */
	struct rln_reliable *reliable;   /* NULL until we send a reliable provisional */
	struct rln_pracks *pracks;       /* NULL until the INVITE in progress is answered by one */
	struct {                         /* session timer (RFC 4028) */
		struct rln_timer refresh, expiry;
		uint64_t expires_ns;
		uint32_t interval_s;     /* agreed on, 0 = none */
		bool is_ours;            /* we refresh */
		uint8_t raises;          /* 422 responses since the last refresh */
		char *sdp, *next_sdp;    /* the description that counts, and one whose answer is out; while a refresh may need them */
	} timer;
	struct rln_dialog_info *info;    /* NULL until we send a key */
	struct rln_dialog_probe *probe;  /* NULL: it is a dialog and no OPTIONS */

	struct {
		uint64_t txn;
		uint32_t cseq;
		uint8_t phase;           /* enum rln_dialog_ours */
		bool has_offer;          /* it carried SDP */
		bool is_refresh;         /* a session timer's: the session knows nothing of it */
		char branch[RLN_BRANCH_MAX];
		char *credentials;       /* Authorization lines that it carried: its ACK repeats them (22.1); NULL = none */
		char *text;              /* re-INVITE: SDP and extra lines, in case of a challenge; each ends in NUL */
		struct rln_auth_tries tries;
	} ours;
	struct {                         /* what the refusals of our first INVITE taught */
		bool allowed;            /* the last one can be met */
		bool is_redirected;      /* ... by calling another contact */
		uint8_t intervals;       /* how many were 422 */
		struct rln_redirect *redirect;
	} again;
	struct {
		uint64_t txn;            /* of our last INVITE that got a 2xx: further ones are repeated or forked */
		uint32_t cseq;
		char *sdp;               /* body of its ACK */
		char *credentials;       /* as ours.credentials */
		uint32_t fork[RLN_DIALOG_FORKS];
		uint8_t forks;
	} acked;
	char *queued;                    /* SDP of our re-INVITE that waits until nothing of theirs is open; NULL = none */
	struct rln_dialog_theirs theirs; /* their first INVITE */
	struct rln_dialog_theirs offer;  /* re-INVITE, UPDATE or PRACK: the one that REINVITE_RECEIVED told of */
	uint64_t update;                 /* transaction of their UPDATE without offer that the session has not answered; 0 = none */
	struct {                         /* our 2xx to an INVITE, until its ACK */
		rln_block_ref block;     /* 0 = none */
		struct rln_slice reason, headers, body;
		uint16_t status;
		bool is_first, has_offer; /* of the dialog; the 2xx carries our offer */
		uint64_t txn;
		uint32_t cseq;
		uint64_t interval_ns, deadline_ns;
	} answer;
};
_Static_assert(sizeof(struct rln_dialog) <= 1024, "with its texts a dialog stays within 1.5 KiB");

struct rln_dialogs {
	struct rln_dialogs_cfg cfg;
	struct rln_txns *txns;
	struct rln_slots *slots;
	uint32_t probes;                 /* slots that hold an OPTIONS and no dialog */
	struct rln_registrations *registrations;
	struct rln_sip_index index;   /* Call-ID and our tag */
	struct rln_sip_index merge;   /* Call-ID, their tag and CSeq of first INVITEs (8.2.2.2) */
	char scratch[RLN_DIALOG_SCRATCH]; /* messages are written here, then copied into a block of their size */
};

static inline const char *rln_dialog_text(const struct rln_dialog *d, uint16_t offset)
{
	return d->texts + offset;
}

static inline uint64_t rln_dialogs_timeout_ns(const struct rln_dialogs *all)
{
	return all->cfg.t1_ms * 64 * 1000000ull;
}
