/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Voice menu from the config: a prompt, keys by RFC 4733 or SIP INFO, and what each key does.
 *
 *   PROMPT   the prompt plays (or what comes before it again); with barge_in a key stops it
 *   WAIT     for the first digit (timeout_s) or the next one (digit_timeout_ms)
 *   ACTING   the file of an action plays; keys are not heard
 *   LEAVING  an action that leads away is on its way
 *
 * A key acts as soon as it matches and no longer one begins with it. Nothing or a wrong key: the prompt again, `retries` times,
 * then on_timeout, or the end. owner: control lcore.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lcore/heap.h"
#include "session/apps/handlers.h"

#define TIMER_KEY 0
#define STALE_MS  20 /* a file that was stopped may have told its end just before: events take less than this */

enum phase { PROMPT, WAIT, ACTING, LEAVING };

struct menu {
	const struct rln_config_menu *cfg;
	size_t longest; /* digits of a key at most */
};

struct visit { /* data of a call */
	const struct menu *menu;
	struct rln_session_id call;
	enum phase phase;
	char keys[RLN_CONFIG_DIGITS];
	unsigned tries;                         /* prompts that led to nothing */
	const struct rln_config_action *action; /* ACTING, LEAVING */
	bool is_again;                          /* PROMPT: `invalid` plays, the prompt comes behind it */
	uint64_t stopped_ms;                    /* when a file was stopped before its end, 0 = never */
};

/* ---- prompt ---- */

static void wait_for_key(struct visit *v, struct rln_host *host)
{
	uint32_t first_ms = 1000 * v->menu->cfg->timeout_s;

	v->phase = WAIT;
	host->ops->start_timer(host, v->call, TIMER_KEY, v->keys[0] ? v->menu->cfg->digit_timeout_ms : first_ms);
}

static void prompt(struct visit *v, struct rln_host *host)
{
	const char *file = v->menu->cfg->prompt;

	v->keys[0] = '\0';
	v->action = NULL;
	v->is_again = false;
	v->phase = PROMPT;
	host->ops->stop_timer(host, v->call, TIMER_KEY);
	if (!*file || host->ops->play(host, v->call, file, 1) != 0)
		wait_for_key(v, host);
}

/* `invalid` first, when there is one and a wrong key was the reason. */
static void prompt_again(struct visit *v, struct rln_host *host, bool was_wrong)
{
	const char *file = v->menu->cfg->invalid;

	host->ops->stop_timer(host, v->call, TIMER_KEY);
	if (!was_wrong || !*file || host->ops->play(host, v->call, file, 1) != 0) {
		prompt(v, host);
		return;
	}
	v->keys[0] = '\0';
	v->action = NULL;
	v->phase = PROMPT;
	v->is_again = true;
}

/* ---- actions ---- */

static void retry(struct visit *v, struct rln_host *host, bool was_wrong);

/* To another handler: the visit ends with success. */
static void leave_to(struct visit *v, struct rln_host *host, const char *kind, const char *name, const char *text)
{
	struct rln_session_id call = v->call;
	char host_name[RLN_APP_NAME];

	snprintf(host_name, sizeof(host_name), "%s%s", kind, name);
	if (host->ops->give(host, call, host_name, text) == 0)
		rln_free(v);
	else
		retry(v, host, true); /* a full queue, a target that cannot be called */
}

static void go(struct visit *v, struct rln_host *host)
{
	const struct rln_config_action *a = v->action;

	v->phase = LEAVING;
	if (a->queue[0]) {
		leave_to(v, host, RLN_APP_QUEUE, a->queue, "");
	} else if (a->bridge[0]) {
		leave_to(v, host, RLN_APP_BRIDGE, "", a->bridge);
	} else if (a->menu[0] && strcmp(a->menu, v->menu->cfg->name) != 0) {
		leave_to(v, host, RLN_APP_MENU, a->menu, "");
	} else if (a->transfer[0]) {
		host->ops->transfer(host, v->call, a->transfer);
	} else if (a->hangup) {
		host->ops->hangup(host, v->call);
	} else {
		v->tries = 0;
		prompt(v, host);
	}
}

static void act(struct visit *v, struct rln_host *host, const struct rln_config_action *action)
{
	host->ops->stop_timer(host, v->call, TIMER_KEY);
	v->action = action;
	v->phase = ACTING;
	if (!action->play[0] || host->ops->play(host, v->call, action->play, 1) != 0)
		go(v, host);
}

static void retry(struct visit *v, struct rln_host *host, bool was_wrong)
{
	static const struct rln_config_action hangup = {.hangup = true};
	const struct rln_config_action *last = &v->menu->cfg->on_timeout;
	bool leads_away = last->queue[0] || last->bridge[0] || last->menu[0] || last->transfer[0] || last->hangup;

	if (v->phase == LEAVING && v->action == last) {
		host->ops->hangup(host, v->call); /* the last way out is closed too */
	} else if (v->tries++ < v->menu->cfg->retries) {
		prompt_again(v, host, was_wrong);
	} else if (leads_away) {
		act(v, host, last);
	} else if (last->play[0] && v->action != last && host->ops->play(host, v->call, last->play, 1) == 0) {
		v->action = last; /* its file, and then the end */
		v->phase = ACTING;
	} else {
		act(v, host, &hangup);
	}
}

/* ---- keys ---- */

static const struct rln_config_action *find(const struct visit *v, bool *is_begun)
{
	const struct rln_config_action *found = NULL;

	*is_begun = false;
	for (unsigned i = 0; i < v->menu->cfg->digits_n; i++) {
		const struct rln_config_action *a = &v->menu->cfg->digits[i];

		if (strcmp(a->digits, v->keys) == 0)
			found = a;
		else if (strncmp(a->digits, v->keys, strlen(v->keys)) == 0)
			*is_begun = true;
	}
	return found;
}

static void on_key(struct visit *v, struct rln_host *host, char key)
{
	const struct rln_config_action *found;
	size_t n = strlen(v->keys);
	bool is_begun;

	if (v->phase == PROMPT && v->menu->cfg->barge_in) {
		host->ops->stop_play(host, v->call);
		v->stopped_ms = host->ops->now_ms(host);
		v->phase = WAIT;
	}
	if (v->phase != WAIT || n + 1 >= sizeof(v->keys))
		return;
	v->keys[n] = key;
	v->keys[n + 1] = '\0';
	found = find(v, &is_begun);
	if (is_begun && n + 1 < v->menu->longest)
		wait_for_key(v, host);
	else if (found)
		act(v, host, found);
	else if (n + 1 < v->menu->longest && v->menu->cfg->max_digits)
		wait_for_key(v, host); /* so many digits are asked for: the whole entry is wrong, not its beginning */
	else
		retry(v, host, true);
}

static void on_keys(struct visit *v, struct rln_host *host, const char *keys)
{
	struct rln_session_id call = v->call;

	for (; *keys && host->ops->data(host, call) == v; keys++) /* an action gives the call away */
		on_key(v, host, *keys);
}

/* Time ran out: what was keyed is the key, or nothing was. */
static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	struct visit *v = host->ops->data(host, call);
	const struct rln_config_action *found;
	bool is_begun;

	(void)arg;
	(void)number;
	if (!v || v->phase != WAIT)
		return;
	found = v->keys[0] ? find(v, &is_begun) : NULL;
	if (found)
		act(v, host, found);
	else
		retry(v, host, v->keys[0] != '\0');
}

/* ---- events ---- */

static void on_played(struct visit *v, struct rln_host *host)
{
	const struct rln_config_action *a = v->action;

	if (v->stopped_ms && host->ops->now_ms(host) - v->stopped_ms < STALE_MS)
		return;
	if (v->phase == PROMPT && v->is_again)
		prompt(v, host);
	else if (v->phase == PROMPT)
		wait_for_key(v, host);
	else if (v->phase == ACTING && a == &v->menu->cfg->on_timeout && !a->queue[0] && !a->bridge[0] && !a->menu[0] &&
		 !a->transfer[0])
		host->ops->hangup(host, v->call);
	else if (v->phase == ACTING)
		go(v, host);
}

static bool is_over(const struct rln_ev_media_event *ev)
{
	return ev->event == RLN_EV_AUDIO_PLAYBACK_FINISHED ||
	       (ev->event == RLN_EV_MEDIA_ERROR && (ev->raw[0] == RLN_MEDIA_FAULT_FILE || ev->raw[0] == RLN_MEDIA_FAULT_FORMAT));
}

/* A transfer that failed, was never answered for, or could not be asked for: the call is ours again. */
static bool is_transfer_over(const struct rln_event *ev)
{
	return (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.old_state == RLN_STATE_TRANSFERRING &&
		       ev->state_changed.new_state == RLN_STATE_ACTIVE) ||
	       (ev->kind == RLN_EV_COMMAND_REJECTED && ev->command_rejected.kind == RLN_EV_BLIND_TRANSFER);
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	struct visit *v = host->ops->data(host, (struct rln_session_id){ev->id});
	const char digit[2] = {ev->dtmf_detected.digit, '\0'};

	(void)arg;
	if (!v)
		return;
	if (ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.new_state == RLN_STATE_ACTIVE &&
		ev->state_changed.old_state == RLN_STATE_NEGOTIATING)
		prompt(v, host);
	else if (ev->kind == RLN_EV_DTMF_DETECTED)
		on_keys(v, host, digit);
	else if (ev->kind == RLN_EV_DTMF_RECEIVED)
		on_keys(v, host, ev->dtmf_received.tones);
	else if (ev->kind == RLN_EV_MEDIA_EVENT && is_over(&ev->media_event))
		on_played(v, host);
	else if (v->phase == LEAVING && is_transfer_over(ev))
		retry(v, host, true);
	else if (ev->kind == RLN_EV_SESSION_TERMINATED)
		rln_free(v);
}

/* ---- into the menu ---- */

static struct visit *enter(const struct menu *menu, struct rln_host *host, struct rln_session_id call)
{
	struct visit *v = rln_zalloc(sizeof(*v));

	if (!v)
		return NULL;
	v->menu = menu;
	v->call = call;
	host->ops->set_data(host, call, v);
	return v;
}

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	if (!enter(arg, host, invite->session))
		return (struct rln_decision){.kind = RLN_DECISION_REJECT, .code = 503};
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true};
}

static int on_given(void *arg, struct rln_host *host, struct rln_session_id call, const char *text)
{
	struct visit *v = enter(arg, host, call);

	(void)text;
	if (!v)
		return -ENOMEM;
	if (rln_app_is_answered(host->ops->state(host, call)))
		prompt(v, host);
	else
		host->ops->accept(host, call);
	return 0;
}

static void on_stop(void *arg, struct rln_host *host)
{
	(void)host;
	rln_free(arg);
}

int rln_menu_app(struct rln_handler *out, const struct rln_config_menu *cfg)
{
	struct menu *menu = rln_zalloc(sizeof(*menu));

	if (!menu)
		return -ENOMEM;
	menu->cfg = cfg;
	menu->longest = cfg->max_digits;
	for (unsigned i = 0; i < cfg->digits_n && !cfg->max_digits; i++) {
		if (strlen(cfg->digits[i].digits) > menu->longest)
			menu->longest = strlen(cfg->digits[i].digits);
	}
	*out = (struct rln_handler){.abi = RLN_HANDLER_ABI,
		.arg = menu,
		.on_incoming_invite = on_invite,
		.on_given = on_given,
		.on_event = on_event,
		.on_timer = on_timer,
		.on_stop = on_stop};
	return 0;
}
