/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ringlane serve`: starts the appliance with its route table, says how to call it, and waits for a signal. Signals are
 * blocked before any thread exists and read from a descriptor here, so no other thread ever runs a handler.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/device.h"
#include "config/schema.h"
#include "dpdk_app/cli_priv.h"
#include "dpdk_app/preflight.h"
#include "dpdk_app/stages.h"

#define DRAIN_MS 5000 /* BYE and its answer, retransmissions included; RFC 3261 would allow 32 s */

/* The first route that can be called by a plain name; NULL: only patterns. */
static const char *plain_route(const struct rln_config *c)
{
	for (unsigned i = 0; i < c->routes_n; i++)
		if (!strpbrk(c->routes[i].match, "*?[\\") && c->routes[i].app != RLN_ROUTE_REJECT)
			return c->routes[i].match;
	return NULL;
}

/* What a route does, in a few words. */
static void route_text(const struct rln_config_route *r, char *buf, size_t size)
{
	const char *more = *r->record && r->app != RLN_ROUTE_RECORD ? r->stereo ? ", recorded both ways" : ", recorded" : "";

	switch ((enum rln_config_app)r->app) {
	case RLN_ROUTE_ECHO:
		snprintf(buf, size, "your own audio comes back%s", more);
		break;
	case RLN_ROUTE_PLAY:
		snprintf(buf, size, "plays %s%s%s", r->file, r->loop ? "" : " until you hang up", more);
		break;
	case RLN_ROUTE_RECORD:
		snprintf(buf, size, "records to %s", r->record);
		break;
	case RLN_ROUTE_TONE:
		snprintf(buf, size, "a tone of %u Hz%s", r->tone_hz, more);
		break;
	case RLN_ROUTE_REJECT:
		snprintf(buf, size, "refused with %u", r->code);
		break;
	case RLN_ROUTE_BRIDGE:
		snprintf(buf, size, "calls %s%s", r->to[0], r->to_n > 1 ? " and others in turn" : "");
		break;
	case RLN_ROUTE_QUEUE:
		snprintf(buf, size, "waits in the queue %s", r->queue);
		break;
	case RLN_ROUTE_MENU:
		snprintf(buf, size, "hears the menu %s", r->menu);
		break;
	case RLN_ROUTE_PLUGIN:
		snprintf(buf, size, "the plug-in %s decides", r->file);
		break;
	}
}

/* "198.18.0.1" or "[2001:db8::1]", with the port unless it is SIP's own. */
static void host_text(const struct rln_config *c, const struct rln_config_ip *ip, char *buf, size_t size)
{
	char text[RLN_CONFIG_IP_TEXT], port[16] = "";
	bool v4 = rln_config_ip_is_v4(ip);

	if (c->sip.port != 5060)
		snprintf(port, sizeof(port), ":%u", c->sip.port);
	snprintf(buf, size, "%s%s%s%s", v4 ? "" : "[", rln_config_ip_text(ip, text), v4 ? "" : "]", port);
}

static void write_examples(FILE *out, const struct rln_config *c, const char *host, const char *user)
{
	const struct rln_config_port *p = &c->ports[0];
	char text[RLN_CONFIG_IP_TEXT];

	if (rln_config_ip_is_set(&p->host_address))
		fprintf(out, "From this machine (%s on the other end of the TAP device):\n",
			rln_config_ip_text(&p->host_address, text));
	else
		fprintf(out, "From a machine on that network:\n");
	fprintf(out, "  baresip -e '/dial sip:%s@%s'\n", user, host);
	fprintf(out, "  sipp -sn uac -s %s -m 1 %s%s%s\n", user, host, rln_config_ip_is_set(&p->host_address) ? " -i " : "",
		rln_config_ip_is_set(&p->host_address) ? rln_config_ip_text(&p->host_address, text) : "");
	if (c->runtime.telemetry)
		fprintf(out, "What it does: dpdk-telemetry.py -f %s, then /ringlane/calls\n", c->runtime.prefix);
}

void rln_cli_write_welcome(FILE *out, const struct rln_config *c)
{
	const char *user = plain_route(c);
	char host[80] = "", text[400];

	for (unsigned i = 0; i < c->ports_n; i++)
		for (unsigned k = 0; k < c->ports[i].addresses_n; k++) {
			host_text(c, &c->ports[i].addresses[k].ip, host, sizeof(host));
			fprintf(out, "listening on %s, port %s (%s)\n", host, c->ports[i].name,
				rln_device_kind_name(rln_device_kind(c->ports[i].device)));
		}
	host_text(c, &c->ports[0].addresses[0].ip, host, sizeof(host));
	if (*c->handler.plugin)
		fprintf(out, "  sip:*@%s             the plug-in %s decides on every call\n", host, c->handler.plugin);
	for (unsigned i = 0; i < c->routes_n && !*c->handler.plugin; i++) {
		route_text(&c->routes[i], text, sizeof(text));
		fprintf(out, "  sip:%s@%s%*s %s\n", c->routes[i].match, host,
			(int)(strlen(c->routes[i].match) < 12 ? 12 - strlen(c->routes[i].match) : 0), "", text);
	}
	if (user)
		write_examples(out, c, host, user);
	fprintf(out, "ringlane %s is ready; SIGTERM or Ctrl-C ends every call and stops it\n", RLN_VERSION);
	fflush(out);
}

/* Blocked here and, by inheritance, in every thread to come. A descriptor or -errno. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A second signal ends the process at once. */
static void open_the_door(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int wait_for_signal(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : -EIO;
}

/* Start failed: what preflight has to say about it is the help. */
static void explain_failure(const struct rln_config *config)
{
	struct rln_preflight *preflight = malloc(sizeof(*preflight));

	if (!preflight)
		return;
	rln_preflight_run(preflight, config, "");
	rln_preflight_print(stderr, preflight, false, isatty(STDERR_FILENO));
	free(preflight);
}

/* The folder that routes record to, so that the embedded default works anywhere; only its last part is made. */
static void make_recordings_folder(const struct rln_config *config)
{
	for (unsigned i = 0; i < config->routes_n; i++)
		if (*config->routes[i].record && config->routes[i].record[0] != '/') {
			if (mkdir(config->media.recordings, 0777) == 0)
				printf("made the folder %s\n", config->media.recordings);
			return;
		}
}

int rln_cli_serve(const struct rln_cli *cli)
{
	const char *file = cli->config_file ? cli->config_file : getenv("RINGLANE_CONFIG");
	struct rln_appliance_options options = {
		.eal_args = *cli->eal_args ? cli->eal_args : NULL, .config_file = file && *file ? file : NULL, .routes = true};
	struct rln_appliance *appliance;
	struct rln_config *config = malloc(sizeof(*config));
	int fd = -1, signo, rc = RLN_EXIT_FAILED;
	unsigned calls;

	if (!config)
		return rc;
	rc = rln_cli_config(cli, config, stderr);
	if (rc)
		goto out;
	rc = RLN_EXIT_FAILED;
	make_recordings_folder(config);
	fd = open_signals();
	if (fd < 0)
		goto out;
	if (rln_appliance_start(&appliance, config, &options)) {
		explain_failure(config);
		goto out;
	}
	rln_cli_write_welcome(stdout, config);
	signo = wait_for_signal(fd);
	calls = rln_appliance_calls(appliance);
	printf("%s: ending %u call%s\n", signo > 0 ? strsignal(signo) : "stopping", calls, calls == 1 ? "" : "s");
	fflush(stdout);
	open_the_door();
	/* A peer that vanished answers no BYE, so its session and dialog may be left at the end of the drain; anything more
	 * is our fault. */
	rc = rln_appliance_stop(appliance, DRAIN_MS) > 2 * calls ? RLN_EXIT_FAILED : RLN_EXIT_DONE;
out:
	if (fd >= 0)
		close(fd);
	free(config);
	return rc;
}
