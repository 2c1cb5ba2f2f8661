/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target over files instead of libFuzzer's inputs: every argument is a file or a folder of files. Built with
 * sanitizers it is the regression test of a corpus, with any compiler. With -m N each file is also run N times mutated (seed:
 * the file's name and the round, so a find is repeatable), which catches the shallow faults where libFuzzer is not at hand.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_FILE (1u << 21)

static unsigned rounds; /* mutations of each file */
static unsigned long inputs;

static uint32_t next(uint64_t *seed) /* xorshift64* */
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint32_t)((*seed * UINT64_C(0x2545F4914F6CDD1D)) >> 32);
}

/* A few small changes: a byte, a bit, a run cut out, a run doubled. Returns the new size. */
static size_t mutate(uint8_t *data, size_t size, size_t room, uint64_t *seed)
{
	for (unsigned n = 1 + next(seed) % 6; n && size; n--) {
		size_t at = next(seed) % size, len = 1 + next(seed) % 32;

		if (len > size - at)
			len = size - at;
		switch (next(seed) % 4) {
		case 0:
			data[at] = (uint8_t)next(seed);
			break;
		case 1:
			data[at] ^= (uint8_t)(1u << next(seed) % 8);
			break;
		case 2:
			memmove(data + at, data + at + len, size - at - len);
			size -= len;
			break;
		case 3:
			if (size + len > room)
				break;
			memmove(data + at + len, data + at, size - at);
			size += len;
			break;
		}
	}
	return size;
}

/* The input in an allocation of its own exact size, so that the address sanitizer sees the first byte read beyond it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	inputs++;
}

static int run_file(const char *path)
{
	static uint8_t data[SIZE_MAX_FILE], changed[SIZE_MAX_FILE];
	FILE *file = fopen(path, "rb");
	uint64_t seed = 1469598103934665603u;
	size_t size;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run(data, size);
	for (const char *p = strrchr(path, '/') ? strrchr(path, '/') : path; *p; p++)
		seed = (seed ^ (uint8_t)*p) * 1099511628211u;
	for (unsigned i = 0; i < rounds; i++) {
		memcpy(changed, data, size);
		run(changed, mutate(changed, size, sizeof(changed), &seed));
	}
	return 0;
}

static int run_path(const char *path)
{
	struct stat st;
	char inner[4096];
	int rc = 0;
	DIR *dir;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return run_file(path);
	dir = opendir(path);
	if (!dir)
		return 1;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
		rc |= run_path(inner);
	}
	closedir(dir);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0, first = 1;

	if (argc > 2 && strcmp(argv[1], "-m") == 0) {
		rounds = (unsigned)strtoul(argv[2], NULL, 10);
		first = 3;
	}
	if (first >= argc) {
		fprintf(stderr, "usage: %s [-m ROUNDS] FILE|FOLDER...\n", argv[0]);
		return 2;
	}
	for (int i = first; i < argc; i++)
		rc |= run_path(argv[i]);
	printf("%s: %lu inputs\n", argv[0], inputs);
	return rc || inputs == 0;
}
