/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's side of `ringlane trace` (trace_client.h). Sockets never block: what does not go out now waits in a bounded buffer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dpdk_app/trace_client.h"
#include "lcore/heap.h"
#include "lcore/log.h"

#define WAITING (256u << 10) /* text that a client has not read yet */
#define ASKING  512u         /* bytes of a request */

struct client {
	int fd;                   /* -1: free */
	bool is_asked, is_ending; /* its request came; close once all is written */
	char request_line[ASKING];
	size_t request_len;
	struct rln_trace_request request;
	uint32_t call, last;       /* shown now, 0: none; shown before */
	unsigned long lines, lost; /* of this call; dropped since it was told */
	char *buf;
	size_t at, len;
};

struct rln_trace_door {
	int fd;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct client clients[RLN_TRACE_CLIENTS];
};

/* ---- the socket ---- */

/* A path that a dead process left may be taken, and only that refuses: a server whose queue is full answers EAGAIN, and bind() tells of it. */
static int bind_path(int fd, const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		unlink(path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || chmod(path, 0600) != 0)
		return -errno;
	return listen(fd, RLN_TRACE_CLIENTS) == 0 ? 0 : -errno;
}

int rln_trace_door_open(struct rln_trace_door **out, const char *path)
{
	struct rln_trace_door *d = rln_zalloc(sizeof(*d));
	int rc;

	if (!d)
		return -ENOMEM;
	for (unsigned i = 0; i < RLN_TRACE_CLIENTS; i++)
		d->clients[i].fd = -1;
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	rc = d->fd < 0 ? -errno : bind_path(d->fd, path);
	if (rc == 0) {
		snprintf(d->path, sizeof(d->path), "%s", path);
		*out = d;
		return 0;
	}
	rln_log(RLN_LOG_WARNING, 0, "`ringlane trace` will find nobody here: %s: %s", path, strerror(-rc));
	if (d->fd >= 0)
		close(d->fd);
	rln_free(d);
	return rc;
}

static void drop(struct client *c)
{
	close(c->fd);
	rln_free(c->buf);
	*c = (struct client){.fd = -1};
}

void rln_trace_door_close(struct rln_trace_door *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < RLN_TRACE_CLIENTS; i++)
		if (d->clients[i].fd >= 0)
			drop(&d->clients[i]);
	close(d->fd);
	unlink(d->path);
	rln_free(d);
}

bool rln_trace_door_is_wanted(const struct rln_trace_door *d)
{
	for (unsigned i = 0; d && i < RLN_TRACE_CLIENTS; i++)
		if (d->clients[i].is_asked && !d->clients[i].is_ending)
			return true;
	return false;
}

/* ---- what goes out ---- */

/* Writes what waits, as much as the client takes now. False: it is gone. */
static bool push(struct client *c)
{
	ssize_t n;

	while (c->len > 0) {
		n = send(c->fd, c->buf + c->at, c->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->at += (size_t)n;
		c->len -= (size_t)n;
	}
	c->at = 0;
	return true;
}

static bool put(struct client *c, const char *text, size_t len)
{
	if (c->at + c->len + len > WAITING && c->at) {
		memmove(c->buf, c->buf + c->at, c->len);
		c->at = 0;
	}
	if (c->at + c->len + len > WAITING)
		return false;
	memcpy(c->buf + c->at + c->len, text, len);
	c->len += len;
	return true;
}

/* A line, or that there is no room for it; the first one after a gap says how long that was. */
static void say(struct client *c, const char *text, size_t len)
{
	char gap[80];

	if (c->lost) {
		int n = snprintf(gap, sizeof(gap), "!!! %lu lines are missing here: they were not read in time\n", c->lost);

		if (c->len + len + (size_t)n > WAITING) {
			c->lost++;
			return;
		}
		put(c, gap, (size_t)n);
		c->lost = 0;
	}
	if (!put(c, text, len))
		c->lost++;
}

static void begin_call(struct client *c, const struct rln_trace_place *place, struct rln_ladder_text *line)
{
	const struct rln_ladder_style style = {.colour = c->request.colour};

	c->call = place->call;
	c->lines = 0;
	line->len = 0;
	rln_ladder_head(line, &style);
	say(c, line->s, line->len);
}

static void end_call(struct client *c, const struct rln_trace_place *place, struct rln_ladder_text *line)
{
	line->len = 0;
	rln_ladder_put(line, "the call is over after %.3f s and %u steps\n", (double)place->since_ns / 1e9, place->step);
	say(c, line->s, line->len);
	c->last = c->call;
	c->call = 0;
	if (--c->request.calls == 0)
		c->is_ending = true;
}

static void show(struct client *c, const struct rln_traced *t, const struct rln_trace_place *place, struct rln_ladder_text *line)
{
	const struct rln_ladder_style style = {.colour = c->request.colour, .verbose = c->request.verbose};

	if (!c->call && place->call != c->last && rln_trace_request_fits(&c->request, t, place))
		begin_call(c, place, line);
	if (!c->call || place->call != c->call)
		return;
	line->len = 0;
	rln_ladder_line(line, &style, t, place);
	say(c, line->s, line->len);
	if (place->is_over)
		end_call(c, place, line);
}

void rln_trace_door_show(
	struct rln_trace_door *d, const struct rln_traced *t, const struct rln_trace_place *place, struct rln_ladder_text *line)
{
	for (unsigned i = 0; d && i < RLN_TRACE_CLIENTS; i++)
		if (d->clients[i].is_asked && !d->clients[i].is_ending)
			show(&d->clients[i], t, place, line);
}

void rln_trace_door_tell_lost(struct rln_trace_door *d, unsigned long lost)
{
	char text[100];
	int n = snprintf(text, sizeof(text),
		"!!! %lu events of all calls are missing here: they came faster than they could be traced\n", lost);

	for (unsigned i = 0; d && i < RLN_TRACE_CLIENTS; i++)
		if (d->clients[i].call)
			say(&d->clients[i], text, (size_t)n);
}

/* ---- what comes in ---- */

static void refuse(struct client *c, const char *why)
{
	say(c, why, strlen(why));
	c->is_ending = true;
}

static void accept_one(struct rln_trace_door *d)
{
	static const char full[] = "error: four traces run already; end one of them\n";
	int fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c = NULL;

	for (unsigned i = 0; fd >= 0 && i < RLN_TRACE_CLIENTS && !c; i++)
		if (d->clients[i].fd < 0)
			c = &d->clients[i];
	if (fd >= 0 && c)
		c->buf = rln_alloc(WAITING);
	if (fd >= 0 && c && c->buf) {
		c->fd = fd;
		return;
	}
	if (fd >= 0) {
		(void)!send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
	}
}

/* One line, and then nothing more: what comes later is thrown away. False: it hung up. */
static bool hear(struct client *c)
{
	char *end;
	ssize_t n = recv(c->fd, c->request_line + c->request_len, sizeof(c->request_line) - 1 - c->request_len, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	if (c->is_asked || c->is_ending)
		return true;
	c->request_len += (size_t)n;
	c->request_line[c->request_len] = 0;
	end = strchr(c->request_line, '\n');
	if (!end && c->request_len == sizeof(c->request_line) - 1)
		refuse(c, "error: that is no request\n");
	if (!end)
		return true;
	*end = 0;
	c->request_len = 0;
	if (rln_trace_request_parse(&c->request, c->request_line) != 0) {
		refuse(c, "error: that is no request\n");
		return true;
	}
	c->is_asked = true;
	say(c, "ok\n", 3);
	return true;
}

void rln_trace_door_serve(struct rln_trace_door *d)
{
	if (!d)
		return;
	accept_one(d);
	for (unsigned i = 0; i < RLN_TRACE_CLIENTS; i++) {
		struct client *c = &d->clients[i];

		if (c->fd >= 0 && (!hear(c) || !push(c) || (c->is_ending && c->len == 0)))
			drop(c);
	}
}
