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

/* One file that calls hear; `who` names the part of the configuration that plays it. "" is none. */
static void look_at_prompt(struct rln_look *look, const char *who, const char *file, unsigned *good)
{
	const struct rln_route_names none = {0};
	char path[2 * RLN_CONFIG_PATH];
	int error;

	if (!*file || rln_config_route_path(path, sizeof(path), look->config->media.prompts, file, &none) != 0)
		return;
	if (is_wave(path, &error)) {
		++*good;
		return;
	}
	rln_look_say(look, RLN_FINDING_WARN, "prompts", "%.80s plays %.120s: %s", who, path,
		error ? strerror(error) : "not a WAV file");
	rln_look_mend(look, "sox SOUND -r 8000 -c 1 -b 16 %s", path);
}

static void look_at_queue(struct rln_look *look, const struct rln_config_queue *q, unsigned *good)
{
	char who[80], digit[] = "digits/0.wav";

	snprintf(who, sizeof(who), "queue '%s'", q->name);
	look_at_prompt(look, who, q->music, good);
	for (unsigned i = 0; i < q->announce_n; i++)
		look_at_prompt(look, who, q->announce[i], good);
	for (; q->position && digit[7] <= '9'; digit[7]++)
		look_at_prompt(look, who, digit, good);
}

static void look_at_menu(struct rln_look *look, const struct rln_config_menu *m, unsigned *good)
{
	char who[80];

	snprintf(who, sizeof(who), "menu '%s'", m->name);
	look_at_prompt(look, who, m->prompt, good);
	look_at_prompt(look, who, m->invalid, good);
	for (unsigned i = 0; i < m->digits_n; i++)
		look_at_prompt(look, who, m->digits[i].play, good);
	look_at_prompt(look, who, m->on_timeout.play, good);
}

/* The files that calls hear: one that is not there is a MEDIA_ERROR, and silence. */
static void look_at_prompts(struct rln_look *look)
{
	const struct rln_config *c = look->config;
	unsigned good = 0;
	char who[80];

	for (unsigned i = 0; i < c->routes_n; i++) {
		snprintf(who, sizeof(who), "route '%.60s'", c->routes[i].match);
		if (c->routes[i].app == RLN_ROUTE_PLAY)
			look_at_prompt(look, who, c->routes[i].file, &good);
	}
	for (unsigned i = 0; i < c->queues_n; i++)
		look_at_queue(look, &c->queues[i], &good);
	for (unsigned i = 0; i < c->menus_n; i++)
		look_at_menu(look, &c->menus[i], &good);
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
