/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cleanup manager (R35, R154): once the end was told and both dialog and leg have reported theirs, the cleanup is raised as
 * an event, so that it comes after everything that was published for the session before; then every map, timer, block and the
 * slot are given back.
 */
#include "lcore/heap.h"
#include "session/actions.h"

static bool is_dialog_done(const struct rln_session *s)
{
	switch ((enum rln_hold)s->dialog_hold) {
	case RLN_HOLD_NONE:
	case RLN_HOLD_READY: /* created, and nothing was sent */
	case RLN_HOLD_ENDED:
		return true;
	case RLN_HOLD_ASKED:
	case RLN_HOLD_STARTING:
	case RLN_HOLD_RUNNING:
	case RLN_HOLD_ENDING:
		break;
	}
	return false;
}

void rln_cleanup_settle(struct rln_step *st)
{
	struct rln_session *s = st->s;

	if (s->is_leaving || !is_dialog_done(s) || (s->leg_hold != RLN_HOLD_NONE && s->leg_hold != RLN_HOLD_ENDED))
		return;
	s->is_leaving = true;
	if (rln_publish_timer(st->layers, s->id, RLN_TIMER_CLEANUP) != 0)
		rln_session_arm(st->layers, s, RLN_TIMER_CLEANUP, 0); /* the slot must not be lost with the event */
}

void rln_cleanup_command(const struct rln_layers *layers, const struct rln_session *session, const struct rln_event *command)
{
	if (command->kind == RLN_EV_CHANNELS_REQUEST)
		layers->end_channels(layers->arg, command->channels_request.channels);
	else if (command->kind == RLN_EV_TAP_REQUEST && command->tap_request.on)
		layers->end_tap(layers->arg, command->tap_request.tap);
	else if (command->kind == RLN_EV_START_CONSULT)
		layers->abandon(layers->arg, session, command->start_consult.other);
}

static void free_deferred(const struct rln_layers *layers, struct rln_session *s)
{
	struct rln_deferred *d;

	while ((d = s->deferred)) {
		s->deferred = d->next;
		rln_cleanup_command(layers, s, &d->ev);
		rln_block_release(rln_event_block(&d->ev));
		rln_free(d);
	}
}

void rln_cleanup_session(const struct rln_layers *layers, struct rln_session *s)
{
	for (unsigned i = 0; i < RLN_TIMER_COUNT; i++)
		rln_wheel_disarm(layers->wheel, &s->timers[i].timer);
	if (s->dialog.v)
		layers->dialog.release(layers->dialog.arg, s->dialog);
	free_deferred(layers, s);
	rln_block_release(s->request);
	rln_block_release(s->offer);
	rln_free(s->local_sdp);
	layers->closed(layers->arg, s->id);
	rln_session_manager_remove_session(layers->sessions, s->id);
}

int rln_act_CLEANUP(struct rln_step *st)
{
	rln_cleanup_session(st->layers, st->s);
	st->is_gone = true;
	return 0;
}
