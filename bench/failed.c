/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long after its cause an application learns that its call failed: failed IFACE HOST refused|closed CALLS RATE. Calls go out through the
 * public interface: `refused` to a peer that answers 486, `closed` each to a port of its own that nobody has, whose host says so by ICMP.
 * The cause is what the kernel's time stamp says of the answer's arrival on IFACE, seen by a packet socket beside ringlane; the report is the time
 * at which rln_subscriber_next() has given STATE_CHANGED to FAILED. Each call has a user part of its own, by which its answer is known.
 * Prints one JSON line.
 */
#define _GNU_SOURCE /* memmem() */
#include <ringlane.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 20000u
#define PORT0     20000u /* closed: the first call's */
#define LAST_MS   10000  /* for what was not reported when the last call was placed */

static struct call { /* owner: the main thread, but for cause_ns */
	uint64_t session;
	int64_t cause_ns; /* writer: the watcher; UTC, 0 = none seen */
	int64_t told_ns;
} calls[CALLS_MAX];
static unsigned calls_n;
static bool over; /* the watcher may go */

static int64_t utc_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* ---- the wire ---- */

static int watch_open(const char *iface)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex(iface)};
	struct timeval look = {.tv_usec = 100000};
	int on = 1, room = 16 << 20, fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static int64_t stamp_of(struct msghdr *m)
{
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		return t.tv_sec * 1000000000ll + t.tv_nsec;
	}
	return 0;
}

/* An IPv4 packet with a final response, or an ICMP error that quotes the INVITE, is the cause of its call's failure; the first one is. */
static void look_at(const char *packet, size_t len, int64_t at_ns)
{
	size_t header = len ? (packet[0] & 15u) * 4u : 0;
	const char *user = memmem(packet, len, "sip:f", 5);
	unsigned k = user && user + 10 < packet + len ? (unsigned)atoi(user + 5) : CALLS_MAX;

	if (len < header + 20 || k >= CALLS_MAX || calls[k].cause_ns)
		return;
	if (packet[9] == IPPROTO_ICMP || memcmp(packet + header + 8, "SIP/2.0 4", 9) == 0)
		__atomic_store_n(&calls[k].cause_ns, at_ns, __ATOMIC_RELEASE);
}

static void *watch(void *arg)
{
	char packet[2048], control[128];
	int fd = *(int *)arg;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		struct iovec data = {packet, sizeof(packet) - 1};
		struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &m, 0);

		if (n < 20)
			continue;
		packet[n] = '\0';
		look_at(packet, (size_t)n, stamp_of(&m));
	}
	return NULL;
}

/* ---- the calls ---- */

static int place(struct rln_coordinator *c, const char *host, bool closed)
{
	char to[100];
	struct rln_session_id id;

	if (closed)
		snprintf(to, sizeof(to), "sip:f%06u@%s:%u", calls_n, host, PORT0 + calls_n);
	else
		snprintf(to, sizeof(to), "sip:f%06u@%s", calls_n, host);
	id = rln_coordinator_create_outgoing_call(c, NULL, to, NULL);
	if (!id.v)
		return errno == EAGAIN ? 0 : -errno;
	calls[calls_n++].session = id.v;
	return 0;
}

/* The next event within `timeout_ms`; true when it was a failure that nobody knew of. */
static bool take(struct rln_subscriber *sub, int timeout_ms)
{
	struct rln_event ev;
	int64_t now;
	bool is_new = false;

	if (rln_subscriber_next(sub, &ev, timeout_ms) != 0)
		return false;
	now = utc_ns();
	for (unsigned k = calls_n;
		ev.kind == RLN_EV_STATE_CHANGED && ev.state_changed.new_state == RLN_STATE_FAILED && k-- > 0;) {
		if (calls[k].session != ev.id)
			continue;
		is_new = !calls[k].told_ns;
		calls[k].told_ns = is_new ? now : calls[k].told_ns;
		break;
	}
	rln_subscriber_release(sub, &ev);
	return is_new;
}

static int run(struct rln_coordinator *c, struct rln_subscriber *sub, const char *host, bool closed, unsigned wanted, double rate)
{
	int64_t began = utc_ns(), give_up = INT64_MAX, now;
	unsigned told = 0;

	while (told < wanted && (now = utc_ns()) < give_up) {
		int64_t due = began + (int64_t)(calls_n * 1e9 / rate);
		int rc = calls_n < wanted && now >= due ? place(c, host, closed) : 0;

		if (rc != 0)
			return rc;
		if (calls_n == wanted && give_up == INT64_MAX)
			give_up = now + LAST_MS * 1000000ll;
		told += take(sub, calls_n == wanted ? 100 : 1);
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(const struct rln_subscriber *sub)
{
	static int64_t us[CALLS_MAX];
	unsigned n = 0, no_cause = 0, too_early = 0, not_told = 0, unanswered = 0;

	for (unsigned k = 0; k < calls_n; k++) {
		int64_t cause = __atomic_load_n(&calls[k].cause_ns, __ATOMIC_ACQUIRE);

		if (!calls[k].told_ns && !cause)
			unanswered++; /* the peer's fault, or the wire's: there is nothing to tell yet */
		else if (!calls[k].told_ns)
			not_told++;
		else if (!cause)
			no_cause++;
		else if (calls[k].told_ns < cause)
			too_early++;
		else
			us[n++] = (calls[k].told_ns - cause) / 1000;
	}
	qsort(us, n, sizeof(us[0]), by_value);
	printf("{\"mode\":\"failed\",\"calls\":%u,\"measured\":%u,\"unanswered\":%u,\"not_told\":%u,\"without_cause\":%u,"
	       "\"before_cause\":%u,"
	       "\"events_lost\":%llu,"
	       "\"us\":{\"p50\":%lld,\"p99\":%lld,\"max\":%lld}}\n",
		calls_n, n, unanswered, not_told, no_cause, too_early, (unsigned long long)rln_subscriber_lost(sub),
		n ? (long long)us[n / 2] : -1, n ? (long long)us[n * 99 / 100] : -1, n ? (long long)us[n - 1] : -1);
}

int main(int argc, char **argv)
{
	struct rln_coordinator_options options = {.name = "bench", .port = 5060};
	struct rln_coordinator *c = NULL;
	struct rln_subscriber *sub = NULL;
	unsigned wanted = argc == 6 ? (unsigned)atoi(argv[4]) : 0;
	int fd = argc == 6 ? watch_open(argv[1]) : -EINVAL, rc = fd < 0 ? fd : 0;
	pthread_t watcher;

	if (rc != 0 || wanted == 0 || wanted > CALLS_MAX || pthread_create(&watcher, NULL, watch, &fd) != 0) {
		fprintf(stderr, "usage: failed IFACE HOST refused|closed CALLS RATE: %s\n", strerror(-rc));
		return 2;
	}
	c = rln_coordinator_new(&options, NULL);
	rc = c ? rln_coordinator_start(c) : -errno;
	if (rc == 0)
		sub = rln_coordinator_subscribe_to_session_events(c, (struct rln_session_id){0});
	if (sub)
		rc = run(c, sub, argv[2], strcmp(argv[3], "closed") == 0, wanted, atof(argv[5]));
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	pthread_join(watcher, NULL);
	close(fd);
	if (rc == 0 && sub)
		report(sub);
	else
		fprintf(stderr, "failed: %s\n", rln_error_text(rc ? rc : -errno));
	rln_subscriber_free(sub);
	rln_coordinator_free(c);
	rln_runtime_stop();
	return rc == 0 && sub ? 0 : 1;
}
