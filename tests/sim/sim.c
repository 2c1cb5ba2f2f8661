/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The appliance under test, and what its bus says. Tests see the trace where the product reads it: the linker puts __wrap_rln_trace_read() and
 * __wrap_rln_trace_serve() in the place of dpdk_app/trace.c's, so the housekeeping thread, the trace's one reader, gives every event to us, and what we
 * took goes on to the product's ladders (sim_trace_pass_on()).
 */
#include "tests/sim/sim.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "config/parse.h"
#include "dpdk_app/eal.h"
#include "dpdk_app/stages.h"
#include "dpdk_app/trace.h"
#include "lcore/count.h"
#include "session/api_priv.h"

#define DRAIN_MS 5000

unsigned __wrap_rln_trace_read(struct rln_trace *t, unsigned budget);
void __wrap_rln_trace_serve(struct rln_trace *t);
void __real_rln_trace_serve(struct rln_trace *t);

static struct rln_appliance *appliance;
static char folder[64];

static struct { /* owner: lock; writer: the housekeeping thread */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct sim_event *events;
	size_t n, room;
	bool on, pass_on;
	struct rln_trace *product;
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- start and stop ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *sim_path(const char *name, char buf[256])
{
	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "/tmp/ringlane-sim-XXXXXX");
		assert_non_null(mkdtemp(folder));
		atexit(remove_folder);
	}
	snprintf(buf, 256, "%s/%s", folder, name);
	return buf;
}

static void configure(struct rln_config *config, const struct sim_cfg *c)
{
	static struct rln_config_report report;
	char text[4096], media[300], dir[256];

	snprintf(media, sizeof(media), "recordings: %s, prompts: %s", sim_path("", dir), dir);
	snprintf(text, sizeof(text),
		"runtime: {hugepages: off, memory_mb: 640, workers: %u, telemetry: %s, prefix: rln-sim%s%s}\n"
		"ports:\n  - {name: sim0, device: net_ring_sim, addresses: [" SIM_MAIN
		"/24], mac: '02:00:00:00:00:01', queues: %s}\n"
		"sip: {%s}\nrtp: {%s}\nlimits: {%s}\nmedia: {%s}\nlog: {level: %s, trace: %s}\n%s",
		c->workers ? c->workers : 2, c->telemetry ? "on" : "off", c->runtime ? ", " : "", c->runtime ? c->runtime : "",
		c->queues == 1 ? "1" : "auto",
		c->sip ? c->sip : "t1_ms: 50, t2_ms: 200, t4_ms: 100, max_transactions: 20000, max_dialogs: 4000",
		c->rtp ? c->rtp : "port_min: 20000, port_max: 29999", c->limits ? c->limits : "calls: 400",
		c->media ? c->media : media, getenv("SIM_LOG") ? getenv("SIM_LOG") : "error", c->trace ? "on" : "off",
		c->routes ? c->routes : "");
	rln_config_defaults(config);
	if (rln_config_parse(config, text, strlen(text), &report) != 0) {
		rln_config_report_print(stderr, "sim", &report);
		fail_msg("the harness's configuration is refused");
	}
}

/* ---- what the run produced, for tests/sim/no_producer.c ---- */

static bool observed[RLN_EV_COUNT];

void sim_observe(enum rln_event_kind kind)
{
	observed[kind] = true;
}

static void observe_figures(void)
{
	struct rln_bus_figures f;

	for (unsigned kind = 1; kind < RLN_EV_COUNT; kind++) {
		rln_bus_figures(sim_bus(), (enum rln_event_kind)kind, &f);
		observed[kind] |= f.delivered > 0;
	}
}

static void write_observed(void)
{
	FILE *f = fopen(getenv("SIM_OBSERVED"), "ae");

	for (unsigned kind = 1; f && kind < RLN_EV_COUNT; kind++)
		if (observed[kind])
			fprintf(f, "%s\n", rln_event_info((enum rln_event_kind)kind)->name);
	if (f)
		fclose(f);
}

static void observe_from_now_on(void)
{
	static bool once;

	if (!once && getenv("SIM_OBSERVED"))
		atexit(write_observed);
	once = true;
}

void sim_start(const struct sim_cfg *cfg)
{
	static const struct sim_cfg none;
	static struct rln_config config;
	const struct sim_cfg *c = cfg ? cfg : &none;
	struct rln_appliance_options options = {.routes = c->routes != NULL};
	struct rln_eal eal;

	if (appliance) { /* a test that failed left it */
		rln_appliance_stop(appliance, 0);
		appliance = NULL;
		sim_wire_close();
	}
	configure(&config, c);
	assert_int_equal(rln_eal_start(&config, NULL, &eal), 0);
	sim_wire_open(c->queues ? c->queues : c->workers ? c->workers : 2);
	rln_counts_reset();
	if (c->trace)
		sim_trace_begin();
	observe_from_now_on();
	assert_int_equal(rln_appliance_start(&appliance, &config, &options), 0);
	rln_bus_trace(sim_bus(), c->trace);
}

struct rln_coord *sim_coord(void)
{
	const struct rln_api *api = rln_api_get();

	rln_api_put(api);
	return api->coord;
}

struct rln_bus *sim_bus(void)
{
	return rln_coord_bus(sim_coord());
}

/* Received = ended, sent = ended, over all workers (count.def): hand-offs and inside delivery cancel. What was still inside at the end would show here. */
static void check_ledger(void)
{
	int64_t in = 0, out = 0;

	for (unsigned c = 0; c < RLN_C_COUNT; c++) {
		int64_t n = (int64_t)rln_count_total((enum rln_counter)c);

		switch (rln_count_group((enum rln_counter)c)) {
		case RLN_G_RX:
		case RLN_G_HANDOFF_IN:
			in += n;
			break;
		case RLN_G_EATEN:
		case RLN_G_DROP:
		case RLN_G_HANDOFF_OUT:
			in -= n;
			break;
		case RLN_G_OUT:
			out += n;
			break;
		case RLN_G_SENT:
		case RLN_G_TXDROP:
			out -= n;
			break;
		case RLN_G_OTHER:
			break;
		}
	}
	assert_int_equal(in, 0);
	assert_int_equal(out, 0);
}

static void stop(void)
{
	struct rln_appliance *a = appliance;
	unsigned left;

	observe_figures();
	appliance = NULL;
	left = rln_appliance_stop(a, DRAIN_MS);
	sim_trace_end();
	sim_wire_close();
	assert_int_equal(left, 0);
	assert_int_equal(sim_wire_frames_in_use(), 0);
	assert_int_equal(sim_wire_counts().bad, 0);
	check_ledger();
}

void sim_wait_idle(void)
{
	static const struct timespec turn = {0, 2000000};
	uint64_t end = sim_now_ms() + 2 * SIM_WAIT_MS;
	sigset_t none;

	sigemptyset(&none);
	/* The figure has no descriptor of its own: look again at each turn, until the deadline. */
	while (rln_coord_sessions(sim_coord()) && sim_now_ms() < end)
		ppoll(NULL, 0, &turn, NULL);
	assert_int_equal(rln_coord_sessions(sim_coord()), 0);
}

void sim_stop(void)
{
	sim_wait_idle();
	stop();
}

void sim_stop_with_calls(void)
{
	stop();
}

int sim_group_start(void **state)
{
	(void)state;
	sim_start(&(struct sim_cfg){.trace = true});
	return 0;
}

int sim_group_stop(void **state)
{
	(void)state;
	sim_stop();
	return 0;
}

/* ---- trace ---- */

static void keep(const struct rln_event *ev, unsigned endpoint)
{
	rln_block_ref block = rln_event_block(ev);
	struct sim_event *e;

	if (trace.n == trace.room) {
		trace.room = trace.room ? trace.room * 2 : 4096;
		trace.events = realloc(trace.events, trace.room * sizeof(*trace.events));
	}
	e = &trace.events[trace.n++];
	*e = (struct sim_event){.ev = *ev, .endpoint = endpoint};
	if (!block || !rln_block_data(block))
		return;
	e->room = rln_block_room(block) < RLN_BLOCK_SMALL ? rln_block_room(block) : RLN_BLOCK_SMALL;
	e->text = malloc(e->room);
	memcpy(e->text, rln_block_data(block), e->room);
}

static void pass_on(const struct rln_event *ev, unsigned endpoint)
{
	rln_block_ref block = rln_event_block(ev);
	char *text = block ? rln_block_data(block) : NULL;

	rln_trace_feed(trace.product, ev, endpoint, text, text ? RLN_BLOCK_SMALL : 0);
}

/* The trace has one reader at a time: whoever has the lock, the housekeeping thread or a test that does not want to wait for its turn. */
static unsigned take(struct rln_bus *bus, unsigned budget)
{
	struct rln_event ev;
	unsigned n = 0, endpoint;

	while (n < budget && rln_bus_trace_pop(bus, &ev, &endpoint)) {
		if (trace.on)
			keep(&ev, endpoint);
		if (trace.pass_on && trace.product)
			pass_on(&ev, endpoint);
		n++;
	}
	return n;
}

unsigned __wrap_rln_trace_read(struct rln_trace *t, unsigned budget)
{
	unsigned n;

	pthread_mutex_lock(&trace.lock);
	trace.product = t;
	n = take(rln_trace_bus(t), budget);
	if (n)
		pthread_cond_broadcast(&trace.more);
	pthread_mutex_unlock(&trace.lock);
	return n;
}

void __wrap_rln_trace_serve(struct rln_trace *t)
{
	pthread_mutex_lock(&trace.lock);
	__real_rln_trace_serve(t);
	pthread_mutex_unlock(&trace.lock);
}

void sim_trace_pass_on(bool on)
{
	pthread_mutex_lock(&trace.lock);
	trace.pass_on = on;
	pthread_mutex_unlock(&trace.lock);
}

void sim_trace_wait_on(void)
{
	static const struct timespec turn = {0, 2000000};
	uint64_t end = sim_now_ms() + SIM_WAIT_MS;

	while (!rln_bus_is_traced(sim_bus()) && sim_now_ms() < end)
		ppoll(NULL, 0, &turn, NULL);
	assert_true(rln_bus_is_traced(sim_bus()));
}

/* Everything that was handled until now is in the array. */
static void lock_and_take(void)
{
	struct rln_bus *bus = appliance ? sim_bus() : NULL;

	pthread_mutex_lock(&trace.lock);
	if (bus)
		take(bus, UINT32_MAX);
}

void sim_trace_begin(void)
{
	static bool once;
	pthread_condattr_t attr;

	lock_and_take();
	if (!once) {
		once = true;
		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		pthread_cond_init(&trace.more, &attr);
	}
	for (size_t i = 0; i < trace.n; i++)
		free(trace.events[i].text);
	trace.n = 0;
	trace.on = true;
	pthread_mutex_unlock(&trace.lock);
	if (appliance)
		rln_bus_trace(sim_bus(), true);
}

void sim_trace_end(void)
{
	lock_and_take();
	trace.on = false;
	pthread_mutex_unlock(&trace.lock);
	if (appliance)
		rln_bus_trace(sim_bus(), false);
}

size_t sim_trace_count(void)
{
	size_t n;

	lock_and_take();
	n = trace.n;
	pthread_mutex_unlock(&trace.lock);
	return n;
}

/* The array may move while events come: tests look at copies. */
const struct sim_event *sim_trace_at(size_t i)
{
	static struct sim_event copies[64];
	static unsigned next;
	struct sim_event *e = &copies[next++ % 64];

	lock_and_take();
	if (i >= trace.n) {
		pthread_mutex_unlock(&trace.lock);
		fail_msg("no event %zu in the trace", i);
	}
	*e = trace.events[i];
	pthread_mutex_unlock(&trace.lock);
	return e;
}

static size_t find_locked(size_t from, enum rln_event_kind kind, uint64_t id)
{
	for (size_t i = from; i < trace.n; i++) {
		if (trace.events[i].ev.kind == kind && (!id || trace.events[i].ev.id == id))
			return i;
	}
	return SIZE_MAX;
}

size_t sim_trace_find(size_t from, enum rln_event_kind kind, uint64_t id)
{
	size_t i;

	lock_and_take();
	i = find_locked(from, kind, id);
	pthread_mutex_unlock(&trace.lock);
	return i;
}

size_t sim_trace_wait(size_t from, enum rln_event_kind kind, uint64_t id)
{
	struct timespec until = sim_deadline(SIM_WAIT_MS);
	size_t i;

	lock_and_take();
	while ((i = find_locked(from, kind, id)) == SIZE_MAX && pthread_cond_timedwait(&trace.more, &trace.lock, &until) == 0)
		take(sim_bus(), UINT32_MAX);
	pthread_mutex_unlock(&trace.lock);
	if (i == SIZE_MAX) {
		sim_trace_print();
		fail_msg("%s did not come after event %zu", rln_event_info(kind)->name, from);
	}
	return i;
}

void sim_trace_state(uint64_t session, enum rln_call_state state)
{
	size_t at = 0;

	do
		at = sim_trace_wait(at, RLN_EV_STATE_CHANGED, session) + 1;
	while (sim_trace_at(at - 1)->ev.state_changed.new_state != state);
}

void sim_trace_add(const struct rln_event *ev)
{
	lock_and_take();
	keep(ev, RLN_ENDPOINT_APP);
	sim_observe(rln_event_kind(ev));
	pthread_mutex_unlock(&trace.lock);
}

size_t sim_trace_serial(uint32_t serial)
{
	size_t found = SIZE_MAX;

	lock_and_take();
	for (size_t i = 0; i < trace.n && found == SIZE_MAX; i++) {
		if (trace.events[i].ev.serial == serial)
			found = i;
	}
	pthread_mutex_unlock(&trace.lock);
	return found;
}

bool sim_trace_led_to(size_t from, size_t i)
{
	while (i != SIZE_MAX && i != from)
		i = sim_trace_at(i)->ev.cause ? sim_trace_serial(sim_trace_at(i)->ev.cause) : SIZE_MAX;
	return i == from;
}

const char *sim_trace_text(const struct sim_event *e, struct rln_slice slice)
{
	static char bufs[8][RLN_BLOCK_SMALL + 1];
	static unsigned next;
	char *buf = bufs[next++ % 8];

	buf[0] = 0;
	if (!slice.len || !e->text || (size_t)slice.off + slice.len > e->room)
		return buf;
	memcpy(buf, e->text + slice.off, slice.len);
	buf[slice.len] = 0;
	return buf;
}

/* What was lost on the way, and whatever else was counted. */
static void print_counts(void)
{
	for (unsigned c = 0; c < RLN_C_COUNT; c++) {
		uint64_t n = rln_count_total((enum rln_counter)c);

		if (n)
			fprintf(stderr, " %s=%ju", rln_count_name((enum rln_counter)c), (uintmax_t)n);
	}
	fprintf(stderr, " wire_lost=%u wire_unclaimed=%u\n", sim_wire_counts().lost, sim_wire_counts().unclaimed);
}

void sim_trace_print(void)
{
	char line[400], who[16];
	struct rln_event ev;

	for (size_t i = 0; i < sim_trace_count(); i++) {
		const struct sim_event *e = sim_trace_at(i);

		ev = e->ev;
		if (rln_event_block(&ev)) /* gone by now */
			memset(ev.raw, 0, sizeof(rln_block_ref));
		rln_event_text(&ev, line, sizeof(line));
		fprintf(stderr, "%4zu %-8s %s\n", i, rln_trace_endpoint(e->endpoint, who), line);
	}
	print_counts();
}
