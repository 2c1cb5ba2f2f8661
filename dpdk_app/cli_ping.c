/* SPDX-License-Identifier: BSD-3-Clause */
/* `ringlane ping`: OPTIONS to an address, through ringlane.h alone. Any answer is one, also a refusal: somebody is there. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk_app/cli_priv.h"
#include "lcore/clock.h"
#include "session/ringlane.h"
#include "sip/message.h"

#define WAIT_S     5    /* --wait */
#define BETWEEN_MS 1000 /* from one OPTIONS to the next */
#define SLICE_MS   100  /* signals are looked at between waits */

struct figures {
	unsigned sent, answered;
	double least_ms, most_ms, sum_ms;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

static void note(struct figures *f, double ms)
{
	f->least_ms = f->answered == 0 || ms < f->least_ms ? ms : f->least_ms;
	f->most_ms = ms > f->most_ms ? ms : f->most_ms;
	f->sum_ms += ms;
	f->answered++;
}

static void ask(struct rln_peer *peer, const char *target, double wait_s, struct figures *f)
{
	uint32_t rtt_us = 0;
	int rc = rln_peer_ping(peer, target, (int)(wait_s * 1000), &rtt_us);

	f->sent++;
	if (rc > 0) {
		note(f, rtt_us / 1000.0);
		printf("%d %s from %s: %.3f ms\n", rc, rln_sip_reason_phrase((unsigned)rc), target, rtt_us / 1000.0);
	} else if (rc == RLN_ETIMEDOUT) {
		printf("no answer from %s within %g s\n", target, wait_s);
	} else {
		printf("%s: %s\n", target, rc == RLN_EENDED ? "the runtime has stopped" : strerror(-rc));
	}
	fflush(stdout);
}

/* The rest of the second that began at `from`. */
static void wait_for_next(struct rln_peer *peer, uint64_t from_ns)
{
	uint64_t end = from_ns + BETWEEN_MS * RLN_MS, now;

	while (!interrupted && (now = rln_clock_ns()) < end) {
		uint64_t left_ms = (end - now) / RLN_MS + 1;

		if (rln_peer_run(peer, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS) != 0)
			return;
	}
}

static int run(struct rln_peer *peer, const struct rln_cli *cli)
{
	unsigned count = cli->count ? cli->count : 1;
	double wait_s = cli->wait_s < 0 ? WAIT_S : cli->wait_s;
	struct figures f = {0};

	while (f.sent < count && !interrupted) {
		uint64_t start = rln_clock_ns();

		ask(peer, cli->words[0], wait_s, &f);
		if (f.sent < count)
			wait_for_next(peer, start);
	}
	if (count > 1)
		printf("%u sent, %u answered", f.sent, f.answered);
	if (count > 1 && f.answered)
		printf(", round trip %.3f/%.3f/%.3f ms (least, mean, most)", f.least_ms, f.sum_ms / f.answered, f.most_ms);
	if (count > 1)
		printf("\n");
	return f.sent && f.answered == f.sent ? RLN_EXIT_DONE : RLN_EXIT_FAILED;
}

int rln_cli_ping(const struct rln_cli *cli)
{
	static struct rln_config config;
	struct rln_runtime_options options = {.eal_args = *cli->eal_args ? cli->eal_args : NULL, .trace = cli->trace};
	struct sigaction action = {.sa_handler = on_signal};
	struct rln_peer *peer;
	int rc = RLN_EXIT_FAILED;
	char *text = rln_cli_config_text(cli, &config, &rc);

	if (!text)
		return rc;
	rc = RLN_EXIT_FAILED;
	options.config_text = text;
	if (!rln_cli_is_target(&config, cli->words[0]))
		goto out;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (rln_runtime_start(&options))
		goto out;
	peer = rln_peer_new(config.sip.name, config.sip.port);
	if (peer)
		rc = run(peer, cli);
	else
		fprintf(stderr, "ringlane: SIP port %u: %s\n", config.sip.port, strerror(errno));
	rln_peer_free(peer);
	rln_runtime_stop();
out:
	free(text);
	return rc;
}
