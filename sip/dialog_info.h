/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys by INFO (application/dtmf-relay, RFC 6086's legacy use): one digit a request, the next when the last one was
 * answered, because two of them on the way could overtake one another. owner: control lcore.
 */
#pragma once

#include "sip/dialog_priv.h"

struct rln_dialog_info { /* a dialog gets it with its first key */
	struct rln_dialog *dialog;
	struct rln_timer again;  /* an INFO that no memory was left for */
	bool is_asking;          /* the first digit is on its way */
	uint8_t head, n;
	struct {
		uint16_t duration_ms;
		char digit;
	} digit[RLN_INFO_DIGITS];
};

/* SEND_DTMF: all of its tones get in line, or none (DIALOG_ERROR). */
void rln_info_send(struct rln_dialog *d, const struct rln_ev_tones *tones);
void rln_info_on_request(struct rln_dialog *d, const struct rln_sip_msg *msg, uint64_t txn);
/* The dialog is over: what waits is dropped. */
void rln_info_end(struct rln_dialog *d);
void rln_info_free(struct rln_dialog *d);
