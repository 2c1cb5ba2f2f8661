/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a name that somebody sent to a folder and a name in it. Inside a configured folder each part is opened by itself from the one
 * before, ".." is refused and links are not followed, so no name, whatever it is made of, leads out, and nothing can be
 * exchanged between a check and its use. Rejected: comparing realpath()s (a race), openat2() (not in every container).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rtp/files_priv.h"

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* Copies the part that ends at `end`; 0 or -ENAMETOOLONG. */
static int part_copy(char out[RLN_FILES_PATH], const char *from, const char *end)
{
	size_t len = (size_t)(end - from);

	if (len >= RLN_FILES_PATH)
		return -ENAMETOOLONG;
	memcpy(out, from, len);
	out[len] = 0;
	return 0;
}

static bool climbs(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == 0))
			return true;
	}
	return false;
}

/* `rest` below the open folder, part by part; *folder moves on. */
static int walk(int *folder, const char *rest, const char *name)
{
	char part[RLN_FILES_PATH];

	while (rest < name) {
		const char *end = strchr(rest, '/');
		int next, rc = part_copy(part, rest, end);

		if (rc < 0)
			return rc;
		rest = end + 1;
		if (part[0] == 0 || strcmp(part, ".") == 0)
			continue;
		next = openat(*folder, part, FOLDER_FLAGS | O_NOFOLLOW);
		if (next < 0)
			return -errno;
		close(*folder);
		*folder = next;
	}
	return 0;
}

/* What is left of `path` behind the folder's own name; NULL when it does not begin with it. */
static const char *below(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	if (strncmp(path, folder, len) != 0 || (path[len] != '/' && folder[len - 1] != '/'))
		return NULL;
	return path + len + (path[len] == '/');
}

/* Not confined: the folder part as it stands. */
static int open_anywhere(struct rln_files_place *out, const char *path)
{
	char folder[RLN_FILES_PATH];
	int rc = part_copy(folder, path, out->name);

	if (rc < 0)
		return rc;
	out->folder = open(folder[0] ? folder : ".", FOLDER_FLAGS);
	return out->folder < 0 ? -errno : 0;
}

static int open_confined(struct rln_files_place *out, const char *folder, const char *rest)
{
	int rc;

	out->nofollow = O_NOFOLLOW;
	out->folder = open(folder, FOLDER_FLAGS);
	if (out->folder < 0)
		return -errno;
	rc = walk(&out->folder, rest, out->name);
	if (rc < 0)
		rln_files_place_close(out);
	return rc;
}

int rln_files_place_open(struct rln_files_place *out, const char *folder, bool absolute, const char *path)
{
	const char *slash = strrchr(path, '/'), *rest;

	*out = (struct rln_files_place){.folder = -1, .name = slash ? slash + 1 : path};
	if (path[0] == 0)
		return -EINVAL;
	if (out->name[0] == 0 || strcmp(out->name, ".") == 0)
		return -EISDIR;
	if (folder[0] == 0)
		return open_anywhere(out, path);
	rest = below(folder, path);
	if (climbs(path) || (!rest && path[0] == '/'))
		return absolute && path[0] == '/' ? open_anywhere(out, path) : -EACCES;
	return open_confined(out, folder, rest ? rest : path);
}

void rln_files_place_close(struct rln_files_place *place)
{
	if (place->folder >= 0)
		close(place->folder);
	place->folder = -1;
}
