/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments for EAL: lcores mapped on CPUs, memory with or without hugepages, and what virtual devices need beforehand. */
#include "dpdk_app/eal.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "config/check.h"
#include "lcore/log.h"

#define ARGS 64

static struct { /* owner: the main thread */
	struct rln_eal eal;
	bool up;
} state;

struct cpus { /* CPUs that this process may use, in order */
	unsigned n;
	uint16_t cpu[CPU_SETSIZE];
};

static void usable_cpus(struct cpus *out)
{
	cpu_set_t set;

	out->n = 0;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_ZERO(&set);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			out->cpu[out->n++] = (uint16_t)cpu;
	}
	if (out->n == 0)
		out->cpu[out->n++] = 0;
}

unsigned rln_eal_workers(const struct rln_config *config)
{
	struct cpus cpus;

	if (config->runtime.workers)
		return config->runtime.workers;
	usable_cpus(&cpus);
	if (cpus.n < 2)
		return 1;
	return cpus.n - 1 < RLN_CONFIG_WORKERS ? cpus.n - 1 : RLN_CONFIG_WORKERS;
}

static uint16_t worker_cpu(const struct rln_config_runtime *rt, const struct cpus *cpus, unsigned worker)
{
	if (rt->worker_cpus_n)
		return rt->worker_cpus[worker % rt->worker_cpus_n];
	if (cpus->n == 1)
		return cpus->cpu[0];
	/* Every CPU but the first; workers beyond that share, the first CPU included last. */
	return cpus->cpu[(1 + worker) % cpus->n];
}

static void lcore_map(const struct rln_config *config, unsigned workers, char *out, size_t size)
{
	const struct rln_config_runtime *rt = &config->runtime;
	struct cpus cpus;
	int len;

	usable_cpus(&cpus);
	len = snprintf(out, size, "%d@%d,%d@%d", RLN_LCORE_MAIN, rt->main_cpu == RLN_CPU_AUTO ? cpus.cpu[0] : rt->main_cpu,
		RLN_LCORE_CONTROL, rt->control_cpu == RLN_CPU_AUTO ? cpus.cpu[0] : rt->control_cpu);
	for (unsigned k = 0; k < workers && (size_t)len < size; k++)
		len += snprintf(out + len, size - (size_t)len, ",%u@%u", RLN_LCORE_WORKER0 + k, worker_cpu(rt, &cpus, k));
}

static bool has_cpu(const struct cpus *cpus, int cpu, const char *key)
{
	for (unsigned i = 0; i < cpus->n; i++) {
		if (cpu == RLN_CPU_AUTO || cpus->cpu[i] == cpu)
			return true;
	}
	rln_log(RLN_LOG_ERROR, 0, "%s: this process may not use CPU %d; mend: taskset -pc $$ shows which it may", key, cpu);
	return false;
}

/* EAL would answer a CPU that is not there with its whole usage page. */
static bool cpus_exist(const struct rln_config_runtime *rt)
{
	struct cpus cpus;
	bool ok;

	usable_cpus(&cpus);
	ok = has_cpu(&cpus, rt->main_cpu, "runtime.main_cpu") && has_cpu(&cpus, rt->control_cpu, "runtime.control_cpu");
	for (unsigned i = 0; ok && i < rt->worker_cpus_n; i++)
		ok = has_cpu(&cpus, rt->worker_cpus[i], "runtime.worker_cpus");
	return ok;
}

static unsigned read_number(const char *path)
{
	unsigned n = 0;
	FILE *f = fopen(path, "re");

	if (f) {
		if (fscanf(f, "%u", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

unsigned rln_eal_free_hugepages_mb(void)
{
	const char *folder = "/sys/kernel/mm/hugepages";
	DIR *dir = opendir(folder);
	unsigned mb = 0, kb;
	struct dirent *entry;
	char path[300];

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "hugepages-%ukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/hugepages-%ukB/free_hugepages", folder, kb);
		mb += (unsigned)((uint64_t)read_number(path) * kb / 1024);
	}
	if (dir)
		closedir(dir);
	return mb;
}

/* net_tap asks for a real-time signal per queue and then misses packets until its handler ran; ignored signals make it read its fd at each
 * poll. Blocked ones would pile up until the kernel ends the process. */
static void ignore_tap_signals(void)
{
	for (int sig = SIGRTMIN + 1; sig < SIGRTMAX; sig++)
		signal(sig, SIG_IGN);
}

/* EAL makes DIR/dpdk/PREFIX, one level only, and as (mapped) root takes /var/run, which may not be ours to write. */
static void runtime_directory(void)
{
	char path[64];

	if (getenv("RUNTIME_DIRECTORY") || (getuid() != 0 && getenv("XDG_RUNTIME_DIR")) || access("/var/run", W_OK) == 0)
		return;
	snprintf(path, sizeof(path), "/tmp/ringlane-%u", (unsigned)getuid());
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		setenv("RUNTIME_DIRECTORY", path, 1);
}

int rln_eal_trace_socket(const struct rln_config *config, char *buf, size_t size)
{
	const char *dir;
	int len;

	runtime_directory();
	dir = getenv("RUNTIME_DIRECTORY");
	if (!dir || !*dir)
		dir = getuid() == 0 ? "/var/run" : getenv("XDG_RUNTIME_DIR");
	len = snprintf(buf, size, "%s/dpdk/%s/trace.sock", dir && *dir ? dir : "/tmp", config->runtime.prefix);
	return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

struct args {
	int n;
	char *v[ARGS];
	char text[2048]; /* what v points into */
	size_t used;
};

static void add_arg(struct args *args, const char *text)
{
	size_t len = strlen(text) + 1;

	if (args->n + 1 >= ARGS || args->used + len > sizeof(args->text))
		return;
	args->v[args->n++] = memcpy(args->text + args->used, text, len);
	args->used += len;
	args->v[args->n] = NULL;
}

static void add_words(struct args *args, const char *words)
{
	char copy[RLN_CONFIG_PATH], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		add_arg(args, word);
}

static bool has_pci(const struct rln_config *config)
{
	for (unsigned i = 0; i < config->ports_n; i++) {
		if (strncmp(config->ports[i].device, "net_", 4) != 0)
			return true;
	}
	return false;
}

/* What the drivers say at every start and nobody can act on: tap's signals and flow rules, the absence of a legacy telemetry socket. */
static void quieten(struct args *args)
{
	static const char *const levels[] = {
		"lib.eal:warning", "lib.telemetry:error", "pmd.net.tap:critical", "pmd.net.memif:error"};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		add_arg(args, "--log-level");
		add_arg(args, levels[i]);
	}
}

static void build(
	struct args *args, const struct rln_config *config, const char *extra, const struct rln_eal *eal, unsigned memory_mb)
{
	char text[512];

	add_arg(args, "ringlane");
	lcore_map(config, eal->workers, text, sizeof(text));
	add_arg(args, "--lcores");
	add_arg(args, text);
	add_arg(args, "--file-prefix");
	add_arg(args, config->runtime.prefix);
	quieten(args);
	if (eal->hugepages) {
		add_arg(args, "--in-memory"); /* nothing in a file system that a killed process would leave behind */
	} else {
		add_arg(args, "--no-huge");
		add_arg(args, "--no-shconf");
		snprintf(text, sizeof(text), "%u", memory_mb);
		add_arg(args, "-m");
		add_arg(args, text);
	}
	if (!has_pci(config))
		add_arg(args, "--no-pci");
	if (!config->runtime.telemetry)
		add_arg(args, "--no-telemetry");
	add_words(args, config->runtime.eal_args);
	if (extra)
		add_words(args, extra);
}

static int choose_memory(const struct rln_config *config, unsigned need_mb, bool *hugepages)
{
	unsigned free_mb = rln_eal_free_hugepages_mb();

	*hugepages = config->runtime.hugepages != RLN_HUGEPAGES_OFF && free_mb >= need_mb;
	if (config->runtime.hugepages == RLN_HUGEPAGES_ON && !*hugepages) {
		rln_log(RLN_LOG_ERROR, 0, "hugepages are demanded: %u MB needed, %u MB free; mend: sysctl vm.nr_hugepages=%u",
			need_mb, free_mb, (need_mb + 1) / 2);
		return -ENOTSUP;
	}
	if (*hugepages)
		rln_log(RLN_LOG_INFO, 0, "memory: hugepages (%u MB free, %u MB needed)", free_mb, need_mb);
	else
		rln_log(RLN_LOG_INFO, 0, "memory: ordinary pages, --no-huge (%u MB of hugepages free, %u MB needed)", free_mb,
			need_mb);
	return 0;
}

int rln_eal_start(const struct rln_config *config, const char *extra_args, struct rln_eal *out)
{
	static struct args args; /* EAL keeps pointers into it */
	unsigned workers = rln_eal_workers(config), memory_mb;
	int rc;

	if (state.up) {
		*out = state.eal;
		out->workers = workers;
		return workers <= state.eal.workers ? 0 : -EBUSY;
	}
	memory_mb = config->runtime.memory_mb ? config->runtime.memory_mb : rln_config_memory_need_mb(config, workers);
	state.eal.workers = workers;
	if (!cpus_exist(&config->runtime))
		return -EINVAL;
	rc = choose_memory(config, memory_mb, &state.eal.hugepages);
	if (rc != 0)
		return rc;
	ignore_tap_signals();
	runtime_directory();
	args = (struct args){0};
	build(&args, config, extra_args, &state.eal, memory_mb);
	if (rte_eal_init(args.n, args.v) < 0) {
		rln_log(RLN_LOG_ERROR, 0, "EAL does not start: %s", rte_strerror(rte_errno));
		return -EINVAL;
	}
	state.up = true;
	*out = state.eal;
	return 0;
}
