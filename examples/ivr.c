/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A voice menu in a program of one's own: sip:ivr@OUR-ADDRESS:5070 answers, asks, and does what the key says.
 *
 *     ivr [CONFIG]      the files menu.wav and hours.wav stand in the config's media.prompts
 *
 *     1 the hours    2 all over again    # the end, as is no key for 20 s after what was played
 *
 * The same without a line of C: `menus:` in the configuration of `ringlane serve`.
 */
#define _POSIX_C_SOURCE 200809L /* sigwait */
#include <signal.h>
#include <stdio.h>

#include <ringlane.h>

enum { TIMER_NO_KEY };

static struct rln_decision on_invite(void *arg, struct rln_host *host, const struct rln_invite_details *invite)
{
	(void)arg;
	host->ops->log(host, invite->session, RLN_HOST_INFO, invite->from);
	return (struct rln_decision){.kind = RLN_DECISION_ACCEPT, .auto_answer = true};
}

/* In place of what plays; the caller's time begins when it has ended. */
static void say(struct rln_host *host, struct rln_session_id call, const char *file)
{
	host->ops->stop_timer(host, call, TIMER_NO_KEY);
	host->ops->play(host, call, file, 1);
}

static void on_key(struct rln_host *host, struct rln_session_id call, char key)
{
	if (key == '1')
		say(host, call, "hours.wav");
	else if (key == '2')
		say(host, call, "menu.wav");
	else if (key == '#')
		host->ops->hangup(host, call);
}

static int is_answered(const struct rln_event *ev) /* it is ACTIVE again after each hold, too */
{
	return ev->kind == RLN_EV_STATE_CHANGED && ev->state_changed.old_state == RLN_STATE_NEGOTIATING &&
	       ev->state_changed.new_state == RLN_STATE_ACTIVE;
}

static int is_played_out(const struct rln_event *ev)
{
	return ev->kind == RLN_EV_MEDIA_EVENT &&
	       (ev->media_event.event == RLN_EV_AUDIO_PLAYBACK_FINISHED || ev->media_event.event == RLN_EV_MEDIA_ERROR);
}

static void on_event(void *arg, struct rln_host *host, const struct rln_event *ev)
{
	struct rln_session_id call = {ev->id};

	(void)arg;
	if (is_answered(ev))
		say(host, call, "menu.wav");
	else if (is_played_out(ev))
		host->ops->start_timer(host, call, TIMER_NO_KEY, 20000);
	else if (ev->kind == RLN_EV_DTMF_DETECTED) /* RFC 4733 */
		on_key(host, call, ev->dtmf_detected.digit);
	else if (ev->kind == RLN_EV_DTMF_RECEIVED) /* SIP INFO */
		on_key(host, call, ev->dtmf_received.tones[0]);
}

static void on_timer(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number)
{
	(void)arg;
	(void)number;
	host->ops->hangup(host, call);
}

int main(int argc, char **argv)
{
	struct rln_runtime_options runtime = {.config_file = argc > 1 ? argv[1] : NULL};
	struct rln_app_options options = {.name = "ivr", .port = 5070};
	struct rln_handler handler = {
		.abi = RLN_HANDLER_ABI, .on_incoming_invite = on_invite, .on_event = on_event, .on_timer = on_timer};
	struct rln_app *app;
	sigset_t end;
	int signo;

	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &end, NULL); /* before the lcores, which inherit it */
	if (rln_runtime_start(&runtime) != 0)
		return 1;
	app = rln_app_start(&options, &handler);
	if (!app) {
		perror("ivr");
		rln_runtime_stop();
		return 1;
	}
	printf("sip:ivr is ready on port 5070\n");
	fflush(stdout);
	sigwait(&end, &signo);
	rln_app_stop(app);
	rln_runtime_stop();
	return 0;
}
