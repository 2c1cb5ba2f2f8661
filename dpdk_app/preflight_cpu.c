/* SPDX-License-Identifier: BSD-3-Clause */
/* Preflight: processors and memory. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/check.h"
#include "config/device.h"
#include "dpdk_app/preflight_priv.h"

#define CAP_IPC_LOCK 14

/* CPUs that this process may use; in a test's tree those that are online. */
static unsigned usable_cpus(const struct rln_look *look, cpu_set_t *set)
{
	char online[256];

	CPU_ZERO(set);
	if (look->real && sched_getaffinity(0, sizeof(*set), set) == 0)
		return (unsigned)CPU_COUNT(set);
	if (!rln_look_read(look, online, sizeof(online), "/sys/devices/system/cpu/online"))
		return 0;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (rln_look_in_list(online, cpu))
			CPU_SET(cpu, set);
	return (unsigned)CPU_COUNT(set);
}

static void look_at_cpu(struct rln_look *look, const cpu_set_t *set, const char *what, int cpu)
{
	if (cpu == RLN_CPU_AUTO || CPU_ISSET(cpu, set))
		return;
	rln_look_say(
		look, RLN_FINDING_FAIL, "cpus", "%s is CPU %d, which is not among those that this process may use", what, cpu);
	rln_look_mend(look, "taskset -pc $$   # shows them; then set runtime.%s", what);
}

static void look_at_isolation(struct rln_look *look)
{
	const struct rln_config_runtime *r = &look->config->runtime;
	char isolated[256] = "", list[160] = "";

	rln_look_read(look, isolated, sizeof(isolated), "/sys/devices/system/cpu/isolated");
	for (unsigned i = 0; i < r->worker_cpus_n; i++)
		if (!rln_look_in_list(isolated, r->worker_cpus[i]))
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%u", *list ? "," : "", r->worker_cpus[i]);
	if (r->worker_cpus_n == 0) {
		rln_look_say(look, RLN_FINDING_WARN, "isolation",
			"idle.mode is poll, but runtime.worker_cpus is auto: other work can land on the workers' CPUs");
		rln_look_mend(look, "set runtime.worker_cpus and isolate those CPUs on the kernel's command line");
	} else if (*list) {
		rln_look_say(look, RLN_FINDING_WARN, "isolation",
			"worker CPUs %s are not isolated: the scheduler can put other work on them", list);
		rln_look_mend(look, "add to the kernel's command line and reboot: isolcpus=%s nohz_full=%s rcu_nocbs=%s", list,
			list, list);
	} else {
		rln_look_say(look, RLN_FINDING_OK, "isolation", "the workers' CPUs are isolated");
	}
}

/* A governor other than performance makes the first packets after a pause late. Virtual machines have none. */
static void look_at_governor(struct rln_look *look, const cpu_set_t *set)
{
	char governor[32], seen[32] = "";
	unsigned slow = 0;

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && rln_look_read(look, governor, sizeof(governor),
						   "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu)) {
			slow += strcmp(governor, "performance") != 0;
			memcpy(seen, strcmp(governor, "performance") != 0 || !*seen ? governor : seen, sizeof(seen));
		}
	if (slow) {
		rln_look_say(look, RLN_FINDING_WARN, "governor",
			"%u CPUs run under the governor %s: they slow down between packets", slow, seen);
		rln_look_mend(
			look, "for g in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do echo performance > $g; done");
	} else if (*seen) {
		rln_look_say(look, RLN_FINDING_OK, "governor", "performance");
	}
}

/* The media clock is the TSC. */
static void look_at_clock(struct rln_look *look)
{
	char text[8192], source[32] = "";
	bool steady = rln_look_read(look, text, sizeof(text), "/proc/cpuinfo") && strstr(text, "constant_tsc") &&
		      strstr(text, "nonstop_tsc");

	rln_look_read(look, source, sizeof(source), "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	if (steady)
		rln_look_say(look, RLN_FINDING_OK, "clock", "the time stamp counter is steady (the kernel's own clock: %s)",
			*source ? source : "unknown");
	else
		rln_look_say(look, RLN_FINDING_WARN, "clock",
			"the CPU does not promise a steady time stamp counter: the pace of audio can drift");
}

static unsigned nodes(const struct rln_look *look)
{
	unsigned n = 0;

	while (n < 64 && rln_look_exists(look, "/sys/devices/system/node/node%u", n))
		n++;
	return n;
}

/* PCI devices and the workers' CPUs on one NUMA node: every packet crosses the link between sockets otherwise. */
static void look_at_numa(struct rln_look *look)
{
	const struct rln_config *c = look->config;
	bool told = false;

	if (nodes(look) < 2)
		return;
	for (unsigned i = 0; i < c->ports_n; i++) {
		char name[RLN_CONFIG_PATH], list[256];
		const char *args;
		long node;

		if (rln_device_kind(c->ports[i].device) != RLN_DEVICE_PCI ||
			!rln_device_split(c->ports[i].device, name, sizeof(name), &args))
			continue;
		node = rln_look_number(look, -1, "/sys/bus/pci/devices/%s/numa_node", name);
		if (node < 0 || !rln_look_read(look, list, sizeof(list), "/sys/devices/system/node/node%ld/cpulist", node))
			continue;
		for (unsigned k = 0; k < c->runtime.worker_cpus_n; k++)
			if (!rln_look_in_list(list, c->runtime.worker_cpus[k]) && !told) {
				rln_look_say(look, RLN_FINDING_WARN, "numa",
					"port %s is on node %ld, worker CPU %u is not: every packet crosses sockets",
					c->ports[i].name, node, c->runtime.worker_cpus[k]);
				rln_look_mend(look, "set runtime.worker_cpus to CPUs of that node: %s", list);
				told = true;
			}
	}
	if (!told)
		rln_look_say(look, RLN_FINDING_OK, "numa", "%u nodes, devices and workers do not cross", nodes(look));
}

void rln_look_cpus(struct rln_look *look)
{
	const struct rln_config_runtime *r = &look->config->runtime;
	cpu_set_t set;
	unsigned n = usable_cpus(look, &set), workers = r->workers ? r->workers : n > 2 ? n - 1 : 1;
	char what[24];

	if (workers + 1 > n && look->config->idle.mode == RLN_IDLE_POLL) {
		rln_look_say(look, RLN_FINDING_FAIL, "cpus",
			"%u CPUs for the control lcore and %u workers that never sleep: they starve one another", n, workers);
		rln_look_mend(look, "set idle.mode: adaptive, or runtime.workers: %u", n > 1 ? n - 1 : 1);
	} else if (workers + 1 > n && r->workers > 1) {
		rln_look_say(
			look, RLN_FINDING_WARN, "cpus", "%u CPUs for the control lcore and %u workers: they share", n, workers);
		rln_look_mend(look, "set runtime.workers: %u", n > 1 ? n - 1 : 1);
	} else {
		rln_look_say(look, RLN_FINDING_OK, "cpus", "%u CPU%s: control and %u worker%s%s", n, n == 1 ? "" : "s", workers,
			workers == 1 ? "" : "s", workers + 1 > n ? ", which share" : "");
	}
	look_at_cpu(look, &set, "main_cpu", r->main_cpu);
	look_at_cpu(look, &set, "control_cpu", r->control_cpu);
	for (unsigned i = 0; i < r->worker_cpus_n; i++) {
		snprintf(what, sizeof(what), "worker_cpus");
		look_at_cpu(look, &set, what, r->worker_cpus[i]);
	}
	if (look->config->idle.mode == RLN_IDLE_POLL)
		look_at_isolation(look);
	look_at_governor(look, &set);
	look_at_clock(look);
	look_at_numa(look);
}

/* ---- memory ---- */

static unsigned workers_guess(const struct rln_look *look)
{
	long n = look->real ? sysconf(_SC_NPROCESSORS_ONLN) : 2;

	return look->config->runtime.workers ? look->config->runtime.workers : n > 2 ? (unsigned)n - 1 : 1;
}

static void look_at_hugepages(struct rln_look *look, long need_mb)
{
	long free_pages = rln_look_field(look, "/proc/meminfo", "HugePages_Free"),
	     page_kb = rln_look_field(look, "/proc/meminfo", "Hugepagesize");
	long free_mb = free_pages > 0 && page_kb > 0 ? free_pages * (page_kb / 1024) : 0;
	uint8_t want = look->config->runtime.hugepages;
	bool enough = free_mb >= need_mb;

	if (page_kb <= 0)
		page_kb = 2048;
	if (want == RLN_HUGEPAGES_OFF) {
		rln_look_say(look, RLN_FINDING_OK, "hugepages", "off by runtime.hugepages: ordinary pages");
	} else if (enough) {
		rln_look_say(look, RLN_FINDING_OK, "hugepages", "%ld MB free, %ld MB needed", free_mb, need_mb);
	} else if (want == RLN_HUGEPAGES_AUTO) {
		rln_look_say(look, RLN_FINDING_OK, "hugepages",
			"%ld MB free, %ld MB needed: ordinary pages will do (runtime.hugepages: auto)", free_mb, need_mb);
	} else {
		rln_look_say(look, RLN_FINDING_FAIL, "hugepages", "%ld MB free, %ld MB needed, and runtime.hugepages is on",
			free_mb, need_mb);
		rln_look_mend(look, "sysctl -w vm.nr_hugepages=%ld", (need_mb * 1024 + page_kb - 1) / page_kb);
	}
}

void rln_look_memory(struct rln_look *look)
{
	const struct rln_config *c = look->config;
	long need = c->runtime.memory_mb ? (long)c->runtime.memory_mb : (long)rln_config_memory_need_mb(c, workers_guess(look));
	long available = rln_look_field(look, "/proc/meminfo", "MemAvailable") / 1024;
	struct rlimit lock;
	bool locks = false;

	look_at_hugepages(look, need);
	if (available > 0 && available < need) {
		rln_look_say(look, RLN_FINDING_FAIL, "memory", "%ld MB available, %ld MB needed for limits.calls %u", available,
			need, c->limits.calls);
		rln_look_mend(look, "lower limits.calls, or stop what takes the memory: ps --sort=-rss -eo rss,comm | head");
	} else if (available > 0) {
		rln_look_say(look, RLN_FINDING_OK, "memory", "%ld MB available, %ld MB needed", available, need);
	}
	for (unsigned i = 0; i < c->ports_n; i++)
		locks |= rln_device_kind(c->ports[i].device) == RLN_DEVICE_AF_PACKET ||
			 rln_device_kind(c->ports[i].device) == RLN_DEVICE_AF_XDP;
	/* af_packet maps its rings locked: 2 MB a queue with the driver's defaults; af_xdp its umem likewise */
	if (!locks || rln_look_capable(look, CAP_IPC_LOCK) || !look->real || getrlimit(RLIMIT_MEMLOCK, &lock) != 0)
		return;
	if (lock.rlim_cur < workers_guess(look) * (UINT64_C(2) << 20)) {
		rln_look_say(look, RLN_FINDING_FAIL, "memlock",
			"%lu kB may be locked: af_packet and af_xdp lock 2 MB for each queue (\"call to mmap failed\")",
			(unsigned long)(lock.rlim_cur / 1024));
		rln_look_mend(look, "ulimit -l unlimited   # in a unit file: LimitMEMLOCK=infinity");
	} else {
		rln_look_say(look, RLN_FINDING_OK, "memlock", "enough for the devices' rings");
	}
}
