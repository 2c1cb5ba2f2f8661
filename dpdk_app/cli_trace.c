/* SPDX-License-Identifier: BSD-3-Clause */
/* `ringlane trace`: one call of a running server as a ladder, live. It starts nothing: no EAL, no lcores. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dpdk_app/cli_priv.h"
#include "dpdk_app/eal.h"
#include "dpdk_app/trace_client.h"

static volatile int interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

int rln_cli_trace(const struct rln_cli *cli)
{
	struct rln_trace_request request = {.calls = cli->calls ? cli->calls : 1, .verbose = cli->verbose, .colour = isatty(1)};
	struct rln_config *config = malloc(sizeof(*config));
	struct sigaction action = {.sa_handler = on_signal};
	char path[RLN_CONFIG_PATH];
	const char *why;
	int rc = config ? rln_cli_config(cli, config, stderr) : RLN_EXIT_FAILED;

	if (rc == 0 && rln_trace_filter_parse(&request, cli->words_n ? cli->words[0] : "next", &why) != 0) {
		fprintf(stderr, "ringlane: trace: found '%s': %s\n", cli->words[0], why);
		rc = RLN_EXIT_USAGE;
	}
	if (rc == 0 && rln_eal_trace_socket(config, path, sizeof(path)) != 0) {
		fprintf(stderr, "ringlane: trace: the run folder's name is too long\n");
		rc = RLN_EXIT_FAILED;
	}
	free(config);
	if (rc)
		return rc;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return rln_trace_attach(path, &request, cli->duration_s, &interrupted, stdout, stderr) ? RLN_EXIT_FAILED : RLN_EXIT_DONE;
}
