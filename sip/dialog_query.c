/* SPDX-License-Identifier: BSD-3-Clause */
/* What the session may ask of a dialog (dialog.h). These read and never write; a stale handle gets the answer for "no such dialog". */
#include <errno.h>

#include "sip/dialog_reliable.h"

enum rln_dialog_state rln_dialog_get_state(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? (enum rln_dialog_state)d->state : RLN_DIALOG_NONE;
}

bool rln_dialog_has_provisional(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d && (d->ours.phase == RLN_OURS_PROCEEDING || d->ours.phase == RLN_OURS_CANCELLED);
}

bool rln_dialog_is_invite_open(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d && ((d->ours.phase != RLN_OURS_NONE && d->ours.phase != RLN_OURS_ACK_WAITS) || d->queued);
}

bool rln_dialog_is_answer_owed(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d && (d->ours.phase == RLN_OURS_ACK_WAITS || rln_prack_owes(d, NULL));
}

bool rln_dialog_is_answered(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);
	bool waits_for_answer;

	if (!d)
		return false;
	waits_for_answer = (d->answer.block && d->answer.has_offer) || d->ours.phase == RLN_OURS_ACK_WAITS;
	return d->answered || (d->state == RLN_DIALOG_CONFIRMED && !waits_for_answer);
}

bool rln_dialog_is_ack_pending(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d && d->answer.block;
}

bool rln_dialog_can_retry(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d && d->again.allowed && d->ours.phase == RLN_OURS_NONE && d->state != RLN_DIALOG_TERMINATED;
}

const char *rln_dialog_call_id(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? d->texts : NULL;
}

const char *rln_dialog_remote_uri(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? rln_dialog_text(d, d->remote_uri) : NULL;
}

const char *rln_dialog_remote_target(const struct rln_dialogs *all, struct rln_dialog_id id)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	return d ? d->remote->text + d->remote->target : NULL;
}

int rln_dialog_local_addr(const struct rln_dialogs *all, struct rln_dialog_id id, struct rln_addr *addr)
{
	const struct rln_dialog *d = rln_dialog_get(all, id.v);

	if (!d)
		return -ENOENT;
	*addr = d->local;
	addr->port = 0;
	return 0;
}

uint32_t rln_dialogs_in_use(const struct rln_dialogs *all)
{
	return rln_slots_in_use(all->slots) - all->probes;
}

struct rln_bus *rln_dialogs_bus(const struct rln_dialogs *all)
{
	return all->cfg.bus;
}
