/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An application that does what lines of its standard input say, for tests with real peers: drive NAME PORT. Every line is a command, and
 * is answered by one line: the command again and what came of it. Calls have names that the test chooses. The trace goes to the same place.
 */
#include <ringlane.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 32
#define WORDS 6

static struct rln_peer *peer;

static struct {
	char name[16];
	struct rln_call *call;
} calls[CALLS];

/* The call of that name, or a free place for it; NULL: neither. */
static struct rln_call **find(const char *name, int make)
{
	for (int i = 0; i < CALLS; i++)
		if (calls[i].call && strcmp(calls[i].name, name) == 0)
			return &calls[i].call;
	for (int i = 0; make && i < CALLS; i++)
		if (!calls[i].call) {
			snprintf(calls[i].name, sizeof(calls[i].name), "%s", name);
			return &calls[i].call;
		}
	return NULL;
}

static int keep(const char *name, struct rln_call *call)
{
	struct rln_call **at = call ? find(name, 1) : NULL;

	if (!at)
		return call ? -ENOSPC : -errno;
	*at = call;
	return 0;
}

static int state_by_name(const char *name)
{
	for (int s = 0; s < RLN_STATE_COUNT; s++)
		if (strcmp(rln_call_state_name((enum rln_call_state)s), name) == 0)
			return s;
	return -EINVAL;
}

/* ---- commands without a call ---- */

/* call NAME URI */
static int do_call(char **word)
{
	return keep(word[1], rln_peer_call(peer, word[2]));
}

/* late NAME URI: without an offer */
static int do_late(char **word)
{
	return keep(word[1], rln_peer_call_with(peer, word[2], &(struct rln_call_options){.late_offer = true}));
}

/* register REGISTRAR USER PASSWORD */
static int do_register(char **word)
{
	return rln_peer_register(peer, word[1], word[2], word[3], 60);
}

/* accept NAME MS */
static int do_accept(char **word)
{
	struct rln_incoming *in = rln_peer_get_incoming_call(peer, atoi(word[2]));

	return in ? keep(word[1], rln_incoming_accept(in)) : -errno;
}

/* reject CODE MS */
static int do_reject(char **word)
{
	struct rln_incoming *in = rln_peer_get_incoming_call(peer, atoi(word[2]));

	return in ? rln_incoming_reject(in, (uint16_t)atoi(word[1])) : -errno;
}

/* ---- commands of a call: word[2] and word[3] are what follows its name ---- */

/* OVER: any of the final states. */
static int wait_over(struct rln_call *call, int timeout_ms)
{
	int rc = rln_call_wait_for_state(call, RLN_STATE_TERMINATED, timeout_ms);

	return rc == RLN_ECALLFAILED ? 0 : rc;
}

static int do_wait(struct rln_call *call, char **word)
{
	int state = state_by_name(word[2]);

	if (strcmp(word[2], "OVER") == 0)
		return wait_over(call, atoi(word[3]));
	return state < 0 ? state : rln_call_wait_for_state(call, (enum rln_call_state)state, atoi(word[3]));
}

static int do_media(struct rln_call *call, char **word)
{
	return rln_call_wait_for_media(call, atoi(word[2]));
}

static int do_hangup(struct rln_call *call, char **word)
{
	(void)word;
	return rln_call_hangup(call);
}

static int do_play(struct rln_call *call, char **word)
{
	return rln_call_play(call, word[2], 0);
}

static int do_hold(struct rln_call *call, char **word)
{
	(void)word;
	return rln_call_hold(call);
}

static int do_resume(struct rln_call *call, char **word)
{
	(void)word;
	return rln_call_resume(call);
}

/* update NAME DIRECTION, as SDP calls it */
static int do_update(struct rln_call *call, char **word)
{
	static const char *const names[] = {[RLN_MEDIA_INACTIVE] = "inactive",
		[RLN_MEDIA_INBOUND] = "recvonly",
		[RLN_MEDIA_OUTBOUND] = "sendonly",
		[RLN_MEDIA_BIDIRECTIONAL] = "sendrecv"};

	for (int i = 0; i < 4; i++)
		if (strcmp(names[i], word[2]) == 0)
			return rln_call_update(call, (enum rln_media_direction)i);
	return -EINVAL;
}

/* negotiated NAME MS: the direction (0-3) */
static int do_negotiated(struct rln_call *call, char **word)
{
	struct rln_event ev;
	int rc = rln_call_wait_for_event(call, RLN_EV_MEDIA_NEGOTIATED, atoi(word[2]), &ev);

	return rc == 0 ? ev.media_negotiated.direction : rc;
}

static int do_dtmf(struct rln_call *call, char **word)
{
	return rln_call_send_dtmf(call, word[2]);
}

static int do_blind(struct rln_call *call, char **word)
{
	return rln_call_transfer(call, word[2], RLN_TRANSFER_BLIND);
}

static int do_attended(struct rln_call *call, char **word)
{
	return rln_call_transfer(call, word[2], RLN_TRANSFER_ATTENDED);
}

/* consult HELD URI NAME */
static int do_consult(struct rln_call *call, char **word)
{
	return keep(word[3], rln_call_consult(call, word[2]));
}

static int do_complete(struct rln_call *call, char **word)
{
	(void)word;
	return rln_call_complete_transfer(call);
}

/* transferred OLD NEW MS */
static int do_transferred(struct rln_call *call, char **word)
{
	return keep(word[2], rln_call_transferred(call, atoi(word[3])));
}

static int do_end(struct rln_call *call, char **word)
{
	printf("ended %s %s\n", word[1], rln_call_end_text(call));
	return 0;
}

static const struct {
	const char *name;
	int words; /* after the command */
	int (*plain)(char **word);
	int (*of_call)(struct rln_call *call, char **word);
} commands[] = {
	{"call", 2, do_call, NULL},
	{"late", 2, do_late, NULL},
	{"register", 3, do_register, NULL},
	{"accept", 2, do_accept, NULL},
	{"reject", 2, do_reject, NULL},
	{"wait", 3, NULL, do_wait},
	{"media", 2, NULL, do_media},
	{"hangup", 1, NULL, do_hangup},
	{"play", 2, NULL, do_play},
	{"hold", 1, NULL, do_hold},
	{"resume", 1, NULL, do_resume},
	{"update", 2, NULL, do_update},
	{"negotiated", 2, NULL, do_negotiated},
	{"dtmf", 2, NULL, do_dtmf},
	{"blind", 2, NULL, do_blind},
	{"attended", 2, NULL, do_attended},
	{"consult", 3, NULL, do_consult},
	{"complete", 1, NULL, do_complete},
	{"transferred", 3, NULL, do_transferred},
	{"end", 1, NULL, do_end},
};

static int carry_out(char **word, int words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct rln_call **call;

		if (strcmp(commands[i].name, word[0]) != 0)
			continue;
		if (words != commands[i].words + 1)
			return -E2BIG;
		if (commands[i].plain)
			return commands[i].plain(word);
		call = find(word[1], 0);
		return call ? commands[i].of_call(*call, word) : -ENOENT;
	}
	return -ENOSYS;
}

static int split(char *line, char **word)
{
	int n = 0;

	for (char *w = strtok(line, " \n"); w && n < WORDS; w = strtok(NULL, " \n"))
		word[n++] = w;
	return n;
}

int main(int argc, char **argv)
{
	struct rln_runtime_options options = {.trace = true};
	char line[512], text[512], *word[WORDS];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3 || rln_runtime_start(&options) != 0 || !(peer = rln_peer_new(argv[1], (uint16_t)atoi(argv[2]))))
		return 2;
	printf("drive is ready\n");
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "quit\n") != 0) {
		int n, rc;

		snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
		n = split(line, word);
		rc = n ? carry_out(word, n) : 0;
		printf("done %s: %d\n", text, rc);
	}
	for (int i = 0; i < CALLS; i++)
		rln_call_free(calls[i].call);
	rln_peer_free(peer);
	rln_runtime_stop();
	return 0;
}
