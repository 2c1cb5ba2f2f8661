/* SPDX-License-Identifier: BSD-3-Clause */
/* Preflight: folders, disk space, the files that routes play, and the run-time folder of EAL. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config/route.h"
#include "dpdk_app/preflight_priv.h"

#define BYTES_PER_SECOND 16000 /* a mono recording: 8,000 samples of 2 bytes */

static bool any_record(const struct rln_config *c)
{
	for (unsigned i = 0; i < c->routes_n; i++)
		if (*c->routes[i].record)
			return true;
	return false;
}

static void look_at_space(struct rln_look *look, const char *folder)
{
	struct statvfs fs;
	unsigned long mb;

	if (statvfs(folder, &fs) != 0)
		return;
	mb = (unsigned long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20);
	if (mb < 1024) {
		rln_look_say(look, RLN_FINDING_WARN, "disk", "%lu MB free in %s: %lu minutes of one recording", mb, folder,
			(unsigned long)(((uint64_t)mb << 20) / BYTES_PER_SECOND / 60));
		rln_look_mend(look, "free some space, or set media.recordings to another disk: df -h");
	} else {
		rln_look_say(look, RLN_FINDING_OK, "disk", "%lu MB free in %s: %lu hours of one recording", mb, folder,
			(unsigned long)(((uint64_t)mb << 20) / BYTES_PER_SECOND / 3600));
	}
}

/* `serve` makes the folder when only its last part is missing. */
static bool can_be_made(const char *folder)
{
	char parent[RLN_CONFIG_PATH];

	snprintf(parent, sizeof(parent), "%s", folder);
	return access(dirname(parent), W_OK | X_OK) == 0;
}

static void look_at_recordings(struct rln_look *look)
{
	const char *folder = look->config->media.recordings;
	struct stat st;

	if (!any_record(look->config)) {
		rln_look_say(look, RLN_FINDING_OK, "recordings", "no route records");
		return;
	}
	if (stat(folder, &st) != 0 && errno == ENOENT && can_be_made(folder)) {
		rln_look_say(look, RLN_FINDING_OK, "recordings", "%s will be made", folder);
	} else if (stat(folder, &st) != 0) {
		rln_look_say(look, RLN_FINDING_FAIL, "recordings", "folder %s: %s", folder, strerror(errno));
		rln_look_mend(look, "mkdir -p %s", folder);
	} else if (!S_ISDIR(st.st_mode)) {
		rln_look_say(look, RLN_FINDING_FAIL, "recordings", "%s is not a folder", folder);
		rln_look_mend(look, "set media.recordings to a folder");
	} else if (access(folder, W_OK | X_OK) != 0) {
		rln_look_say(look, RLN_FINDING_FAIL, "recordings", "this user may not write in %s", folder);
		rln_look_mend(look, "chown $(id -un) %s", folder);
	} else {
		rln_look_say(look, RLN_FINDING_OK, "recordings", "%s can be written", folder);
		look_at_space(look, folder);
	}
}

static bool is_wave(const char *path, int *error)
{
	char head[12];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is;

	*error = errno;
	if (fd < 0)
		return false;
	is = read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) && memcmp(head, "RIFF", 4) == 0 &&
	     memcmp(head + 8, "WAVE", 4) == 0;
	*error = 0;
	close(fd);
	return is;
}

/* The files that routes play: a call to such a route would end in a MEDIA_ERROR. */
static void look_at_prompts(struct rln_look *look)
{
	const struct rln_config *c = look->config;
	const struct rln_route_names none = {0};
	unsigned good = 0;

	for (unsigned i = 0; i < c->routes_n; i++) {
		char path[2 * RLN_CONFIG_PATH];
		int error;

		if (c->routes[i].app != RLN_ROUTE_PLAY ||
			rln_config_route_path(path, sizeof(path), c->media.prompts, c->routes[i].file, &none) != 0)
			continue;
		if (is_wave(path, &error)) {
			good++;
			continue;
		}
		rln_look_say(look, RLN_FINDING_WARN, "prompts", "route '%.60s' plays %.120s: %s", c->routes[i].match, path,
			error ? strerror(error) : "not a WAV file");
		rln_look_mend(look, "sox SOUND -r 8000 -c 1 -b 16 %s", path);
	}
	if (good)
		rln_look_say(look, RLN_FINDING_OK, "prompts", "%u file%s to play", good, good == 1 ? "" : "s");
}

/* Where EAL keeps its run-time files and the telemetry socket: as rte_eal_get_runtime_dir() chooses. */
static void look_at_run_folder(struct rln_look *look)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");

	if (!look->real)
		return;
	if (!dir || !*dir)
		dir = getuid() == 0 ? "/var/run" : getenv("XDG_RUNTIME_DIR");
	if (!dir || !*dir)
		dir = "/tmp";
	if (access(dir, W_OK | X_OK) == 0) {
		rln_look_say(look, RLN_FINDING_OK, "run folder", "%s/dpdk/%s", dir, look->config->runtime.prefix);
		return;
	}
	rln_look_say(look, RLN_FINDING_FAIL, "run folder", "%s cannot be written: EAL keeps its run-time files there", dir);
	rln_look_mend(look, "export RUNTIME_DIRECTORY=$(mktemp -d)");
}

void rln_look_files(struct rln_look *look)
{
	look_at_recordings(look);
	look_at_prompts(look);
	look_at_run_folder(look);
}
