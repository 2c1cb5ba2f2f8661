/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the appliance consists of and in which order it comes up. Objects are made on the main thread; the lcores run last, when everything they
 * touch exists. Handlers find their objects by the bus, so the order here is the only place where rooms are joined.
 */
#include "dpdk_app/stages_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/hosts.h"
#include "config/parse.h"
#include "dpdk_app/eal.h"
#include "dpdk_app/ports.h"
#include "dpdk_app/telemetry.h"
#include "dpdk_app/tend.h"
#include "lcore/bus.h"
#include "lcore/clock.h"
#include "lcore/heap.h"
#include "lcore/io.h"
#include "lcore/log.h"
#include "lcore/wheel.h"
#include "rtp/files.h"
#include "session/api_priv.h"
#include "session/apps/apps.h"
#include "session/channel.h"
#include "session/coordinator.h"
#include "session/host.h"
#include "session/media_controller.h"
#include "session/placement.h"
#include "session/registrations.h"
#include "session/shard.h"
#include "session/tap.h"
#include "sip/dialog_api.h"
#include "sip/transport.h"

#define BUS_RING        4096
#define BLOCKS_SMALL    8192
#define BLOCKS_LARGE    64
#define IO_RING         4096
#define CONTROL_TICK_NS RLN_MS
#define PROMPT_CACHE    (64u << 20)
#define DRAIN_STEP_MS   10

static struct rln_appliance *running; /* of rln_runtime_start(); owner: main thread */

static void count_left(struct rln_appliance *a, const char *what, unsigned n)
{
	size_t len = strlen(a->left_text);

	a->left += n;
	snprintf(a->left_text + len, sizeof(a->left_text) - len, "%s%s %u", len ? ", " : "", what, n);
}

/* ---- stages, in order ---- */

static int start_eal(struct rln_appliance *a)
{
	int rc;

	rln_clock_init();
	rc = rln_eal_start(&a->config, a->options.eal_args, &a->eal);
	return rc;
}

static int start_bus(struct rln_appliance *a)
{
	int rc = rln_blocks_init(BLOCKS_SMALL, BLOCKS_LARGE);

	if (rc != 0)
		return rc;
	a->bus = rln_bus_new();
	if (!a->bus) {
		rc = -errno;
		rln_blocks_fini();
		return rc;
	}
	for (unsigned w = 0; rc == 0 && w < a->eal.workers; w++)
		rc = rln_bus_add_worker(a->bus, w, BUS_RING);
	return rc;
}

static void stop_bus(struct rln_appliance *a)
{
	if (!a->bus)
		return;
	rln_bus_free(a->bus);
	a->bus = NULL;
	count_left(a, "blocks", rln_blocks_in_use());
	rln_blocks_fini();
}

static int start_ports(struct rln_appliance *a)
{
	return rln_ports_open(&a->ports, &a->config, a->eal.workers, &a->net);
}

static void stop_ports(struct rln_appliance *a)
{
	if (a->ports)
		count_left(a, "mbufs", rln_ports_close(a->ports));
	a->ports = NULL;
}

static int start_placement(struct rln_appliance *a)
{
	struct rln_placement_cfg cfg = {.workers = a->eal.workers,
		.port_min = a->config.rtp.port_min,
		.port_max = a->config.rtp.port_max,
		.legs_per_worker = a->config.limits.calls};
	int rc = rln_placement_create(&a->placement, &cfg);

	if (rc != 0)
		return rc;
	rln_placement_add_sip_port(a->placement, a->config.sip.port);
	a->net.owner_of = rln_placement_owner_of;
	a->net.owner_arg = a->placement;
	return 0;
}

static void stop_placement(struct rln_appliance *a)
{
	rln_placement_destroy(a->placement);
	a->placement = NULL;
}

static int start_files(struct rln_appliance *a)
{
	struct rln_files_cfg cfg = {.absolute = true, .cache_bytes = PROMPT_CACHE};
	int rc = rln_io_create(&a->io, RLN_ENDPOINT_WORKER0 + a->eal.workers, IO_RING);

	snprintf(cfg.prompts, sizeof(cfg.prompts), "%s", a->config.media.prompts);
	snprintf(cfg.recordings, sizeof(cfg.recordings), "%s", a->config.media.recordings);
	if (rc == 0)
		rc = rln_files_create(&a->files, a->io, &cfg);
	if (rc == 0)
		rln_io_set_handler(a->io, rln_files_handle, a->files);
	return rc;
}

static void stop_files(struct rln_appliance *a)
{
	rln_files_destroy(a->files);
	rln_io_destroy(a->io);
	a->files = NULL;
	a->io = NULL;
}

static int start_channels(struct rln_appliance *a)
{
	return rln_channels_create(&a->channels, a->config.limits.calls);
}

static void stop_channels(struct rln_appliance *a)
{
	if (a->channels)
		count_left(a, "channels", rln_channels_in_use(a->channels));
	rln_channels_destroy(a->channels);
	a->channels = NULL;
}

static int start_taps(struct rln_appliance *a)
{
	return rln_taps_create(&a->taps);
}

static void stop_taps(struct rln_appliance *a)
{
	if (a->taps)
		count_left(a, "taps", rln_taps_in_use(a->taps));
	rln_taps_destroy(a->taps);
	a->taps = NULL;
}

/* Names of hosts in URIs: those of the config. */
static int resolve_host(const void *config, const char *host, size_t len, struct rln_addr *out)
{
	struct rln_config_ip ip;
	int rc = rln_config_host_find(config, host, len, &ip);

	if (rc != 0)
		return rc;
	memcpy(out->ip, ip.b, sizeof(out->ip));
	out->port = 0;
	return 0;
}

/* Of the coordinator, which is made later and asked once calls run. */
static int find_credentials(
	const void *arg, const struct rln_addr *local, const char *local_uri, const char *realm, struct rln_credentials *out)
{
	const struct rln_appliance *a = arg;

	return rln_coord_credentials(a->coord, local, local_uri, realm, out);
}

static int start_sip(struct rln_appliance *a)
{
	const struct rln_config_sip *sip = &a->config.sip;
	struct rln_transport_cfg transport = {.bus = a->bus,
		.net = &a->net,
		.port = sip->port,
		.transactions = sip->max_transactions,
		.t1_ms = sip->t1_ms,
		.t2_ms = sip->t2_ms,
		.t4_ms = sip->t4_ms,
		.retry_after_s = (uint16_t)sip->retry_after_s,
		.server = sip->user_agent};
	struct rln_dialogs_cfg dialogs = {.dialogs = sip->max_dialogs,
		.t1_ms = sip->t1_ms,
		.t2_ms = sip->t2_ms,
		.retry_after_s = (uint16_t)sip->retry_after_s,
		.reliable = sip->reliable_provisionals,
		.session_expires_s = sip->session_expires_s,
		.min_se_s = sip->min_se_s,
		.user_agent = sip->user_agent,
		.resolve = resolve_host,
		.resolve_arg = &a->config,
		.credentials = find_credentials,
		.credentials_arg = a};
	int rc = rln_wheel_create(&a->wheel, CONTROL_TICK_NS, rln_clock_ns());

	rln_sip_parser_init();
	transport.wheel = dialogs.wheel = a->wheel;
	if (rc == 0)
		rc = rln_transport_create(&a->transport, &transport);
	if (rc != 0)
		return rc;
	a->dialogs = rln_dialog_api_new(a->transport, &dialogs, a->bus);
	return a->dialogs ? 0 : -errno;
}

static void stop_sip(struct rln_appliance *a)
{
	if (a->dialogs)
		count_left(a, "dialogs", rln_dialogs_in_use(a->dialogs));
	rln_dialogs_destroy(a->dialogs);
	rln_transport_destroy(a->transport);
	if (a->wheel)
		count_left(a, "timers", rln_wheel_armed(a->wheel));
	rln_wheel_destroy(a->wheel);
	a->dialogs = NULL;
	a->transport = NULL;
	a->wheel = NULL;
}

static int start_sessions(struct rln_appliance *a)
{
	const struct rln_config *c = &a->config;
	struct rln_coord_cfg cfg = {.bus = a->bus,
		.wheel = a->wheel,
		.dialogs = a->dialogs,
		.net = &a->net,
		.placement = a->placement,
		.channels = a->channels,
		.taps = a->taps,
		.sessions = c->limits.calls,
		.dialogs_max = c->sip.max_dialogs,
		.legs_per_worker = c->limits.calls,
		.calls_per_second = c->limits.calls_per_second,
		.ring_limit_s = c->limits.ring_timeout_s,
		.transfer_limit_s = c->limits.transfer_timeout_s,
		.loss_limit_pct = c->rtp.loss_limit_pct,
		.accept_transfers = c->sip.accept_transfers,
		.retry_after_s = (uint16_t)c->sip.retry_after_s,
		.ptime_ms = c->rtp.ptime_ms,
		.telephone_event = c->rtp.telephone_event,
		.registrations = c->registrations,
		.registrations_n = a->options.routes ? c->registrations_n : 0};

	for (unsigned i = 0; i < c->rtp.codecs_n && i < RLN_CODEC_COUNT; i++)
		cfg.codecs[cfg.codecs_n++] = c->rtp.codecs[i];
	return rln_coord_create(&a->coord, &cfg);
}

static void stop_sessions(struct rln_appliance *a)
{
	if (a->coord)
		count_left(a, "sessions", rln_coord_sessions(a->coord));
	rln_coord_destroy(a->coord);
	a->coord = NULL;
}

static int start_shards(struct rln_appliance *a)
{
	const struct rln_config_rtp *rtp = &a->config.rtp;
	struct rln_shard_cfg cfg = {.shared = &a->net,
		.io = a->io,
		.placement = a->placement,
		.channels = a->channels,
		.taps = a->taps,
		.legs = a->config.limits.calls,
		.rtp_timeout_ms = rtp->rtp_timeout_s * 1000,
		.first_rtp_timeout_ms = rtp->first_rtp_timeout_s * 1000,
		.rtcp_interval_ms = rtp->rtcp_interval_ms,
		.quality_interval_ms = rtp->quality_interval_ms,
		.loss_limit_pct = rtp->loss_limit_pct,
		.latch_silence_ms = rtp->latch_timeout_ms,
		.latch_packets = 1,
		.symmetric = rtp->latching,
		.file_blocks = a->config.media.file_blocks,
		.recorders = a->config.media.file_blocks / 2}; /* each fills two at a time */
	int rc = 0;

	for (unsigned w = 0; rc == 0 && w < a->eal.workers; w++) {
		rc = rln_net_create(&a->nets[w], &a->net, w);
		cfg.worker = w;
		cfg.net = a->nets[w];
		if (rc == 0)
			a->shards[w] = rln_media_controller_new(&cfg, a->bus);
		if (rc == 0 && !a->shards[w])
			rc = -errno;
	}
	return rc;
}

static void stop_shards(struct rln_appliance *a)
{
	struct rln_shard_counts counts;
	struct rln_net_ledger ledger;
	unsigned legs = 0;

	for (unsigned w = 0; w < a->eal.workers; w++) {
		if (a->shards[w]) {
			rln_shard_counts(a->shards[w], &counts);
			legs += counts.legs;
		}
		rln_shard_destroy(a->shards[w]);
		if (a->nets[w] && !rln_net_check(a->nets[w], 0, &ledger))
			rln_log(RLN_LOG_WARNING, 0,
				"worker %u: packet ledger does not close: in %lu, ended %lu, held %lu; out %lu, ended %lu, held "
				"%lu",
				w, ledger.in, ledger.in_ends, ledger.in_held, ledger.out, ledger.out_ends, ledger.out_held);
		rln_net_destroy(a->nets[w]);
		a->shards[w] = NULL;
		a->nets[w] = NULL;
	}
	count_left(a, "legs", legs);
}

static int start_apps(struct rln_appliance *a)
{
	int rc = rln_hosts_create(&a->hosts, &(struct rln_hosts_cfg){a->coord, a->bus, a->wheel});

	struct rln_apps_fault fault;
	unsigned line = 1, column = 1;

	if (rc != 0 || !a->options.routes)
		return rc;
	rc = rln_apps_create(&a->apps, &(struct rln_apps_cfg){a->hosts, &a->config}, &fault);
	if (rc == 0 || !fault.value)
		return rc;
	if (a->options.config_file)
		rln_config_locate(a->options.config_file, &a->config, fault.value, &line, &column);
	rln_log(RLN_LOG_ERROR, 0, "%s:%u:%u: %s", a->options.config_file ? a->options.config_file : "configuration", line, column,
		fault.text);
	return rc;
}

static void stop_apps(struct rln_appliance *a)
{
	if (a->hosts)
		rln_hosts_stop(a->hosts);
	rln_apps_destroy(a->apps);
	rln_hosts_destroy(a->hosts);
	a->apps = NULL;
	a->hosts = NULL;
}

static int start_tend(struct rln_appliance *a)
{
	char socket[RLN_CONFIG_PATH];
	bool has_socket = a->config.runtime.telemetry && rln_eal_trace_socket(&a->config, socket, sizeof(socket)) == 0;

	return rln_tend_start(&a->tend, a->bus, &a->config, has_socket ? socket : NULL);
}

static void stop_tend(struct rln_appliance *a)
{
	rln_tend_stop(a->tend);
	a->tend = NULL;
}

static int start_telemetry(struct rln_appliance *a)
{
	struct rln_telemetry_view view = {.config = &a->config,
		.bus = a->bus,
		.control = a->control,
		.workers = a->eal.workers,
		.net = &a->net,
		.ports = a->ports,
		.coord = a->coord,
		.apps = a->apps,
		.trace = rln_tend_trace(a->tend)};

	if (!a->config.runtime.telemetry)
		return 0;
	for (unsigned w = 0; w < a->eal.workers; w++) {
		view.loops[w] = a->loops[w];
		view.shards[w] = a->shards[w];
	}
	return rln_telemetry_open(&view);
}

static void stop_telemetry(struct rln_appliance *a)
{
	if (a->config.runtime.telemetry)
		rln_telemetry_close();
}

static int start_api(struct rln_appliance *a)
{
	return rln_api_bind(&(struct rln_api){
		a->coord, a->channels, a->config.sip.port, a->eal.workers, a->shards, a->hosts, a->config.sip.domain, a->taps});
}

/* The drain takes them back. */
static int start_registrations(struct rln_appliance *a)
{
	return rln_coord_register_configured(a->coord);
}

static void stop_api(struct rln_appliance *a)
{
	(void)a;
	rln_api_bind(NULL);
}

static const struct stage {
	const char *name;
	int (*start)(struct rln_appliance *a);
	void (*stop)(struct rln_appliance *a); /* also after its own start failed half-way; NULL: nothing to undo */
} stages[] = {
	{"EAL", start_eal, NULL}, /* once in a process's life */
	{"bus", start_bus, stop_bus},
	{"ports", start_ports, stop_ports},
	{"placement", start_placement, stop_placement},
	{"files", start_files, stop_files},
	{"channels", start_channels, stop_channels},
	{"taps", start_taps, stop_taps},
	{"SIP", start_sip, stop_sip},
	{"sessions", start_sessions, stop_sessions},
	{"shards", start_shards, stop_shards},
	{"applications", start_apps, stop_apps},
	{"loops", rln_lcores_make, rln_lcores_free},
	{"housekeeping", start_tend, stop_tend},
	{"threads", rln_lcores_run, rln_lcores_end},
	{"telemetry", start_telemetry, stop_telemetry},
	{"interface", start_api, stop_api},
	{"registrations", start_registrations, NULL},
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

static void undo(struct rln_appliance *a, size_t n)
{
	while (n-- > 0) {
		if (stages[n].stop)
			stages[n].stop(a);
	}
}

int rln_appliance_start(struct rln_appliance **out, const struct rln_config *config, const struct rln_appliance_options *options)
{
	struct rln_appliance *a = rln_zalloc(sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->config = *config;
	a->options = *options;
	for (size_t i = 0; i < STAGES; i++) {
		int rc = stages[i].start(a);

		if (rc != 0) {
			rln_log(RLN_LOG_ERROR, 0, "start: %s: %s", stages[i].name, strerror(-rc));
			undo(a, i + 1);
			rln_log_flush();
			rln_free(a);
			return rc;
		}
	}
	*out = a;
	return 0;
}

unsigned rln_appliance_calls(const struct rln_appliance *a)
{
	return rln_coord_sessions(a->coord);
}

static bool is_draining(const struct rln_appliance *a)
{
	return rln_coord_sessions(a->coord) || rln_coord_registrations(a->coord);
}

unsigned rln_appliance_stop(struct rln_appliance *a, int drain_ms)
{
	unsigned left;

	rln_coord_drain(a->coord);
	for (int waited = 0; waited < drain_ms && is_draining(a); waited += DRAIN_STEP_MS)
		rln_tend_pause(a->tend, DRAIN_STEP_MS);
	if (rln_coord_sessions(a->coord))
		rln_log(RLN_LOG_WARNING, 0, "%u calls ended without their peer's answer to our BYE",
			rln_coord_sessions(a->coord));
	if (rln_coord_registrations(a->coord))
		rln_log(RLN_LOG_WARNING, 0, "%u registrations stay until they expire", rln_coord_registrations(a->coord));
	undo(a, STAGES);
	left = a->left;
	rln_log(left ? RLN_LOG_WARNING : RLN_LOG_INFO, 0, "in use at the end: %s", a->left_text);
	rln_log_flush();
	rln_free(a);
	return left;
}

/* ---- ringlane.h ---- */

int rln_runtime_start(const struct rln_runtime_options *options)
{
	static const struct rln_runtime_options none;
	const struct rln_runtime_options *o = options ? options : &none;
	struct rln_appliance_options how = {.eal_args = o->eal_args};
	const char *env = getenv("RINGLANE_CONFIG"), *file = o->config_file ? o->config_file : o->config_text ? NULL : env;
	struct rln_config_report report;
	static struct rln_config config; /* 100 kB: not for a stack */
	int rc = 0;

	if (running)
		return -EALREADY;
	rln_config_defaults(&config);
	if (file)
		rc = rln_config_load(&config, file, &report);
	else if (o->config_text)
		rc = rln_config_parse(&config, o->config_text, strlen(o->config_text), &report);
	if (rc != 0) {
		rln_config_report_print(stderr, file ? file : "configuration", &report);
		return rc;
	}
	if (o->trace && !config.log.trace)
		config.log.trace = RLN_TRACE_ON;
	return rln_appliance_start(&running, &config, &how);
}

void rln_runtime_stop(void)
{
	if (!running)
		return;
	rln_appliance_stop(running, 5000);
	running = NULL;
}
