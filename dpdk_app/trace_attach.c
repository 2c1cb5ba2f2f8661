/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's side of `ringlane trace` (trace_client.h). */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dpdk_app/trace_client.h"

#define SLICE_MS 100 /* *stop is looked at between them */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int connect_to(const char *path, FILE *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(at.sun_path)) {
		fprintf(err, "ringlane: %s: longer than the %zu bytes that a socket's path may have\n", path,
			sizeof(at.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		fprintf(err,
			"ringlane: no server runs here: nobody listens at %s. Start `ringlane serve`, or give its --config "
			"and RUNTIME_DIRECTORY.\n",
			path);
	else
		fprintf(err, "ringlane: %s: %s\n", path, strerror(-rc));
	return rc;
}

struct answer { /* the server's first line: "ok" or "error: ..." */
	char line[200];
	size_t len;
	bool is_over;
};

/* The text behind the first line goes to `out`. 0, or -EPROTO when the server refuses. */
static int take(struct answer *a, const char *text, size_t len, FILE *out, FILE *err)
{
	size_t i = 0;

	for (; i < len && !a->is_over; i++) {
		a->is_over = text[i] == '\n';
		if (!a->is_over && a->len + 1 < sizeof(a->line))
			a->line[a->len++] = text[i];
	}
	if (i > 0 && a->is_over && strcmp(a->line, "ok") != 0) {
		fprintf(err, "ringlane: the server says: %s\n", a->line);
		return -EPROTO;
	}
	if (i > 0 && a->is_over) {
		fprintf(err, "ringlane: waiting for the call; Ctrl-C ends the trace\n");
		fflush(err);
	}
	fwrite(text + i, 1, len - i, out);
	fflush(out);
	return 0;
}

static int copy(int fd, double seconds, const volatile int *stop, FILE *out, FILE *err)
{
	int64_t end = seconds < 0 ? INT64_MAX : now_ms() + (int64_t)(seconds * 1000);
	struct answer answer = {.len = 0};
	char text[4096];
	int rc = 0;

	while (rc == 0 && !*stop && now_ms() < end) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, SLICE_MS) <= 0)
			continue;
		n = recv(fd, text, sizeof(text), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!answer.is_over)
				fprintf(err, "ringlane: the server hung up\n");
			return answer.is_over ? 0 : -EPIPE;
		}
		rc = take(&answer, text, (size_t)n, out, err);
		if (ferror(out))
			return -EPIPE;
	}
	return rc;
}

int rln_trace_attach(
	const char *path, const struct rln_trace_request *request, double seconds, const volatile int *stop, FILE *out, FILE *err)
{
	char line[RLN_TRACE_FILTER + 80];
	int fd = connect_to(path, err), rc;
	size_t len;

	if (fd < 0)
		return fd;
	rln_trace_request_text(request, line, sizeof(line) - 1);
	len = strlen(line);
	line[len++] = '\n';
	rc = send(fd, line, len, MSG_NOSIGNAL) == (ssize_t)len ? copy(fd, seconds, stop, out, err) : -errno;
	close(fd);
	return rc;
}
