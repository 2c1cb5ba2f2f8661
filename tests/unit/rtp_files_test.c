/* SPDX-License-Identifier: BSD-3-Clause */
/* The task on the file thread: names, the cache, faults by their number, no memory, and the whole way with the real thread. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lcore/clock.h"
#include "lcore/heap.h"
#include "rtp/codec.h"
#include "rtp/file_client_priv.h"
#include "rtp/files_priv.h"
#include "rtp/wav.h"

#define ENDPOINT   2u
#define TIMEOUT_NS (10 * RLN_SEC)

static char folder[80];
static struct rln_io *io;
static struct rln_files *files;
static struct rln_files_block block;

static const char *path_of(const char *name)
{
	static char path[8][200];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, 200, "%s/%s", folder, name);
	return p;
}

static void create(const char *prompts, const char *recordings, bool absolute, size_t cache_bytes, unsigned open_max)
{
	struct rln_files_cfg cfg = {.absolute = absolute, .cache_bytes = cache_bytes, .open_max = open_max};

	snprintf(cfg.prompts, sizeof(cfg.prompts), "%s", prompts);
	snprintf(cfg.recordings, sizeof(cfg.recordings), "%s", recordings);
	assert_int_equal(rln_io_create(&io, ENDPOINT + 1, 256), 0);
	assert_int_equal(rln_files_create(&files, io, &cfg), 0);
	rln_io_set_handler(io, rln_files_handle, files);
}

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "%s/rtp-files-XXXXXX",
		getenv("RUNTIME_DIRECTORY") ? getenv("RUNTIME_DIRECTORY") : "/tmp");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static void destroy(void)
{
	rln_io_stop(io);
	rln_files_destroy(files);
	rln_io_destroy(io);
	files = NULL;
	io = NULL;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	if (files)
		destroy();
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

/* A request, done at once on this thread (the file thread does not run), and its answer. */
static struct rln_io_msg ask(enum rln_files_op op, uint64_t file, void *data, uint32_t len, uint64_t arg)
{
	struct rln_io_msg msg = {
		.op = (uint16_t)op, .owner = 77, .file = file, .data = data, .len = len, .arg = {arg, 0, 0xabcdef}};

	rln_files_handle(files, ENDPOINT, &msg);
	memset(&msg, 0xee, sizeof(msg));
	assert_true(rln_io_take(io, ENDPOINT, &msg));
	assert_int_equal(msg.op, op);
	assert_int_equal(msg.owner, 77);
	assert_int_equal(msg.arg[2], 0xabcdef);
	return msg;
}

static struct rln_io_msg ask_path(enum rln_files_op op, const char *path, uint64_t arg)
{
	assert_true(strlen(path) < sizeof(block.path));
	strcpy(block.path, path);
	return ask(op, 0, &block, 0, arg);
}

static void close_prompt(uint64_t file)
{
	struct rln_io_msg msg = {.op = RLN_FILES_CLOSE_PROMPT, .file = file};

	rln_files_handle(files, ENDPOINT, &msg);
	assert_false(rln_io_take(io, ENDPOINT, &msg));
}

static int16_t ramp(uint64_t i)
{
	return (int16_t)(7 * i % 20000 - 10000);
}

static void wav_make(const char *path, uint32_t samples, int16_t first)
{
	uint8_t header[RLN_WAV_HEADER];
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	rln_wav_header(header, 1, samples);
	fwrite(header, 1, sizeof(header), f);
	for (uint32_t i = 0; i < samples; i++) {
		int16_t v = i ? ramp(i) : first;

		fwrite(&v, 1, 2, f);
	}
	assert_int_equal(fclose(f), 0);
}

/* ---- names ---- */

static int place(const char *root, bool absolute, const char *path)
{
	struct rln_files_place p;
	int rc = rln_files_place_open(&p, root, absolute, path);
	struct stat st;

	if (rc < 0)
		return rc;
	rc = fstatat(p.folder, p.name, &st, p.nofollow ? AT_SYMLINK_NOFOLLOW : 0) < 0 ? -errno : S_ISLNK(st.st_mode) ? -ELOOP : 0;
	rln_files_place_close(&p);
	return rc;
}

static void test_names(void **state)
{
	char root[128], inside[200], slash[140], twin[200];

	(void)state;
	snprintf(root, sizeof(root), "%s", path_of("root"));
	snprintf(slash, sizeof(slash), "%s/", root);
	snprintf(inside, sizeof(inside), "%s/a.wav", root);
	snprintf(twin, sizeof(twin), "%s-twin/a.wav", root);
	mkdir(root, 0755);
	mkdir(path_of("root/sub"), 0755);
	mkdir(path_of("root-twin"), 0755);
	mkdir(path_of("outside"), 0755);
	wav_make(inside, 1, 0);
	wav_make(twin, 1, 0);
	wav_make(path_of("root/sub/b.wav"), 1, 0);
	wav_make(path_of("outside/c.wav"), 1, 0);
	assert_int_equal(symlink("../outside", path_of("root/out")), 0);
	assert_int_equal(symlink("a.wav", path_of("root/link.wav")), 0);

	assert_int_equal(place(root, false, "a.wav"), 0);
	assert_int_equal(place(slash, false, "a.wav"), 0);
	assert_int_equal(place(root, false, inside), 0);
	assert_int_equal(place(slash, false, inside), 0);
	assert_int_equal(place(root, false, "sub/b.wav"), 0);
	assert_int_equal(place(root, false, "./sub//./b.wav"), 0);
	assert_int_equal(place(root, false, "..a.wav"), -ENOENT); /* a name, no climb */

	assert_int_equal(place(root, false, ""), -EINVAL);
	assert_int_equal(place(root, false, "sub/"), -EISDIR);
	assert_int_equal(place(root, false, "sub/."), -EISDIR);
	assert_int_equal(place(root, false, ".."), -EACCES);
	assert_int_equal(place(root, false, "../outside/c.wav"), -EACCES);
	assert_int_equal(place(root, false, "sub/../../outside/c.wav"), -EACCES);
	assert_int_equal(place(root, false, "sub/../a.wav"), -EACCES);
	assert_int_equal(place(root, false, twin), -EACCES); /* begins like the root, is another */
	assert_int_equal(place(root, true, twin), 0);
	assert_int_equal(place(root, false, path_of("outside/c.wav")), -EACCES);
	assert_int_equal(place(root, true, path_of("outside/c.wav")), 0);
	assert_int_equal(place(root, false, path_of("root/../outside/c.wav")), -EACCES);
	assert_int_equal(place(root, true, path_of("root/../outside/c.wav")), 0);
	assert_int_equal(place(root, true, "../outside/c.wav"), -EACCES);
	assert_int_equal(place(root, false, "out/c.wav"), -ENOTDIR); /* a link on the way */
	assert_int_equal(place(root, false, "link.wav"), -ELOOP);
	assert_int_equal(place(root, false, "a.wav/x"), -ENOTDIR);
	assert_int_equal(place(root, false, "none/x"), -ENOENT);
	assert_int_equal(place(path_of("none"), false, "x"), -ENOENT);
	assert_int_equal(place("", false, path_of("root/sub/../a.wav")), 0); /* no folder: as the process may */
	assert_int_equal(place("/", false, inside), 0);
	assert_int_equal(place("/", false, inside + 1), 0);
}

/* ---- prompts ---- */

static void test_cache(void **state)
{
	struct rln_files_counts c;
	struct rln_io_msg a, b, again;
	const int16_t *samples;

	(void)state;
	create(folder, "", false, 30000, 0);
	wav_make(path_of("a.wav"), 8000, 1);
	wav_make(path_of("b.wav"), 8000, 2);
	a = ask_path(RLN_FILES_OPEN_PROMPT, "a.wav", 1);
	assert_int_equal(a.result, 0);
	assert_int_equal(a.flags, RLN_FILES_SHARED);
	assert_int_equal(a.arg[1], 8000);
	samples = a.data;
	assert_int_equal(samples[0], 1);
	assert_int_equal(samples[7999], ramp(7999));
	b = ask_path(RLN_FILES_OPEN_PROMPT, "b.wav", 1);
	again = ask_path(RLN_FILES_OPEN_PROMPT, path_of("a.wav"), 1);
	assert_ptr_equal(again.data, samples); /* one copy, whatever it is called */
	assert_true(again.file != a.file);
	rln_files_counts(files, &c);
	assert_int_equal(c.open, 3);
	assert_int_equal(c.shared, 2);
	assert_int_equal(c.shared_bytes, 32000);
	close_prompt(a.file);
	close_prompt(a.file); /* stale: nothing happens */
	rln_files_counts(files, &c);
	assert_int_equal(c.open, 2);
	close_prompt(again.file);
	rln_files_counts(files, &c);
	assert_int_equal(c.shared, 2); /* 16,000 idle bytes are within the bound */
	close_prompt(b.file);
	rln_files_counts(files, &c);
	assert_int_equal(c.shared, 1); /* 32,000 are not: the one used longest ago went */
	b = ask_path(RLN_FILES_OPEN_PROMPT, "b.wav", 1);
	assert_int_equal(((const int16_t *)b.data)[0], 2);
	/* A prompt that is replaced is read anew; who plays the old one keeps it */
	wav_make(path_of("new.wav"), 4000, 3);
	assert_int_equal(rename(path_of("new.wav"), path_of("b.wav")), 0);
	again = ask_path(RLN_FILES_OPEN_PROMPT, "b.wav", 1);
	assert_int_equal(((const int16_t *)again.data)[0], 3);
	assert_int_equal(((const int16_t *)b.data)[0], 2);
	close_prompt(b.file);
	close_prompt(again.file);
	rln_files_counts(files, &c);
	assert_int_equal(c.open, 0);
}

static void test_other_formats(void **state)
{
	static const struct {
		uint16_t tag, channels, bits;
		uint32_t rate;
	} f[] = {{1, 2, 16, 8000}, {1, 1, 16, 16000}, {1, 2, 16, 44100}, {7, 1, 8, 8000}, {6, 2, 8, 8000}, {1, 1, 16, 48000}};

	(void)state;
	create(folder, "", false, 0, 0);
	for (unsigned i = 0; i < sizeof(f) / sizeof(f[0]); i++) {
		uint32_t frame_bytes = (uint32_t)f[i].channels * f[i].bits / 8, bytes = f[i].rate * frame_bytes;
		uint8_t *data = malloc(RLN_WAV_HEADER + bytes);
		struct rln_io_msg msg;
		const int16_t *pcm;
		FILE *file;

		rln_wav_header(data, f[i].channels, f[i].rate);
		memcpy(data + 20, &f[i].tag, 2);
		memcpy(data + 24, &f[i].rate, 4);
		memcpy(data + 32, &frame_bytes, 2);
		memcpy(data + 34, &f[i].bits, 2);
		memcpy(data + 40, &bytes, 4);
		for (uint32_t k = 0; k < f[i].rate * f[i].channels; k++) { /* a steady 1,000 */
			const int16_t level = 1000;

			if (f[i].bits == 16)
				memcpy(data + RLN_WAV_HEADER + 2 * k, &level, 2);
			else
				rln_codec_encode(
					f[i].tag == 7 ? RLN_CODEC_PCMU : RLN_CODEC_PCMA, &level, 1, data + RLN_WAV_HEADER + k);
		}
		file = fopen(path_of("x.wav"), "wb");
		fwrite(data, 1, RLN_WAV_HEADER + bytes, file);
		fclose(file);
		free(data);
		msg = ask_path(RLN_FILES_OPEN_PROMPT, "x.wav", 1);
		assert_int_equal(msg.result, 0);
		assert_int_equal(msg.arg[1], 8000);
		pcm = msg.data;
		for (unsigned k = 50; k < 7950; k++)
			assert_in_range(pcm[k], f[i].bits == 16 ? 999 : 980, f[i].bits == 16 ? 1001 : 1020);
		close_prompt(msg.file);
		unlink(path_of("x.wav"));
	}
}

/* Not one byte stays when the nth allocation fails, and the error says so; a prompt whose samples do not fit is streamed. */
static void test_no_memory(void **state)
{
	int64_t live;

	(void)state;
	create(folder, folder, false, 0, 0);
	wav_make(path_of("a.wav"), 8000, 1);
	live = rln_heap_live_count();
	for (unsigned nth = 1; nth <= 3; nth++) {
		struct rln_io_msg msg;

		rln_heap_fail_nth(nth);
		msg = ask_path(RLN_FILES_OPEN_PROMPT, "a.wav", 1);
		rln_heap_fail_nth(0);
		if (nth == 1) {
			assert_int_equal(msg.result, -ENOMEM);
			assert_int_equal(rln_heap_live_count(), live);
			continue;
		}
		assert_int_equal(msg.result, 0);
		assert_int_equal(msg.flags, nth == 2 ? 0 : RLN_FILES_SHARED);
		if (nth == 2) {
			struct rln_io_msg read = ask(RLN_FILES_READ, msg.file, &block, 0, 0);

			assert_int_equal(read.len, RLN_FILES_BLOCK_SAMPLES);
			assert_int_equal(read.flags, 0);
			assert_int_equal(block.samples[1], ramp(1));
			read = ask(RLN_FILES_READ, msg.file, &block, 0, 0);
			assert_int_equal(read.len, RLN_FILES_BLOCK_SAMPLES);
			read = ask(RLN_FILES_READ, msg.file, &block, 0, 0);
			assert_int_equal(read.len, 0);
			assert_int_equal(read.flags, RLN_FILES_END);
		}
		close_prompt(msg.file);
		assert_int_equal(rln_heap_live_count(), live);
	}
	rln_heap_fail_nth(1);
	assert_int_equal(ask_path(RLN_FILES_OPEN_RECORDING, "r.wav", 1).result, -ENOMEM);
	rln_heap_fail_nth(0);
	assert_int_equal(rln_heap_live_count(), live);
	assert_int_equal(access(path_of("r.wav.part"), F_OK), -1);
	destroy();
	live = rln_heap_live_count();
	for (unsigned nth = 1; nth <= 3; nth++) {
		struct rln_files_cfg cfg = {.open_max = 4};

		rln_heap_fail_nth(nth);
		assert_int_equal(rln_files_create(&files, io, &cfg), -ENOMEM);
		rln_heap_fail_nth(0);
		assert_null(files);
		assert_int_equal(rln_heap_live_count(), live);
	}
}

static void test_client_no_memory(void **state)
{
	struct rln_file_client_cfg cfg = {(struct rln_io *)&cfg, ENDPOINT, rln_counts_of(ENDPOINT), 4, 2, 2};
	struct rln_file_client *client = NULL;
	int64_t live = rln_heap_live_count();
	unsigned nth = 1;

	(void)state;
	for (;; nth++) {
		rln_heap_fail_nth(nth);
		if (rln_file_client_create(&client, &cfg) == 0)
			break;
		assert_null(client);
		assert_int_equal(rln_heap_live_count(), live);
	}
	rln_heap_fail_nth(0);
	assert_int_equal(nth, 7);
	rln_file_client_destroy(client);
	assert_int_equal(rln_heap_live_count(), live);
	cfg.blocks = 0;
	assert_int_equal(rln_file_client_create(&client, &cfg), -EINVAL);
}

static void test_open_max_and_stale(void **state)
{
	struct rln_io_msg a, b;

	(void)state;
	create(folder, folder, false, 0, 2);
	wav_make(path_of("a.wav"), 100, 1);
	a = ask_path(RLN_FILES_OPEN_PROMPT, "a.wav", 1);
	b = ask_path(RLN_FILES_OPEN_RECORDING, "r.wav", 1);
	assert_int_equal(a.result | b.result, 0);
	assert_int_equal(ask_path(RLN_FILES_OPEN_PROMPT, "a.wav", 1).result, -EMFILE);
	assert_int_equal(ask_path(RLN_FILES_OPEN_RECORDING, "s.wav", 1).result, -EMFILE);
	assert_int_equal(ask(RLN_FILES_READ, a.file, &block, 0, 0).result, -EBADF); /* shared: there is nothing to read */
	assert_int_equal(ask(RLN_FILES_WRITE, a.file, &block, 10, 0).result, -EBADF);
	assert_int_equal(ask(RLN_FILES_CLOSE_RECORDING, a.file, NULL, 0, 0).result, -EBADF);
	close_prompt(b.file); /* is a recording: stays open */
	assert_int_equal(ask(RLN_FILES_WRITE, b.file, &block, RLN_FILES_BLOCK_SAMPLES + 1, 0).result, -EBADF);
	assert_int_equal(ask(RLN_FILES_WRITE, b.file, &block, 10, 0).result, 0);
	assert_int_equal(ask(RLN_FILES_CLOSE_RECORDING, b.file, NULL, 0, 10).result, 0);
	assert_int_equal(ask(RLN_FILES_WRITE, b.file, &block, 10, 0).result, -EBADF);
	assert_int_equal(ask(RLN_FILES_CLOSE_RECORDING, b.file, NULL, 0, 10).result, -EBADF);
	assert_int_equal(ask_path(RLN_FILES_OPEN_RECORDING, "s.wav", 3).result, -EINVAL);
	close_prompt(a.file);
	assert_int_equal(ask_path(RLN_FILES_OPEN_PROMPT, "a.wav", 1).result, 0);
}

/* ---- recordings ---- */

static void test_left_behind(void **state)
{
	struct rln_io_msg msg;
	struct stat st;
	FILE *f;

	(void)state;
	create("", folder, false, 0, 0);
	f = fopen(path_of("a.wav.part"), "wb"); /* a process that died left it */
	fwrite("old old old old old old old old old old old old old old", 1, 55, f);
	fclose(f);
	msg = ask_path(RLN_FILES_OPEN_RECORDING, "a.wav", 1);
	assert_int_equal(msg.result, 0);
	stat(path_of("a.wav.part"), &st);
	assert_int_equal(st.st_size, RLN_WAV_HEADER);
	memset(&block, 0, sizeof(block));
	assert_int_equal(ask(RLN_FILES_WRITE, msg.file, &block, 1000, 500).result, 0);
	destroy(); /* the process ends: .part, and it says what it has */
	assert_int_equal(access(path_of("a.wav"), F_OK), -1);
	stat(path_of("a.wav.part"), &st);
	assert_int_equal(st.st_size, RLN_WAV_HEADER + 2 * 1500);
	f = fopen(path_of("a.wav.part"), "rb");
	uint8_t header[RLN_WAV_HEADER], want[RLN_WAV_HEADER];
	assert_int_equal(fread(header, 1, sizeof(header), f), sizeof(header));
	fclose(f);
	rln_wav_header(want, 1, 1500);
	assert_memory_equal(header, want, sizeof(want));
}

static void test_longest(void **state)
{
	struct rln_io_msg msg;

	(void)state;
	create("", folder, false, 0, 0);
	msg = ask_path(RLN_FILES_OPEN_RECORDING, "a.wav", 2);
	assert_int_equal(ask(RLN_FILES_WRITE, msg.file, &block, 2, rln_wav_frames_max(2)).result, -EFBIG);
	assert_int_equal(ask(RLN_FILES_WRITE, msg.file, &block, 2, 0).result, -EFBIG); /* the first error stays */
	assert_int_equal(ask(RLN_FILES_CLOSE_RECORDING, msg.file, NULL, 0, 10).result, -EFBIG);
	assert_int_equal(access(path_of("a.wav"), F_OK), -1);
	msg = ask_path(RLN_FILES_OPEN_RECORDING, "b.wav", 1);
	assert_int_equal(ask(RLN_FILES_CLOSE_RECORDING, msg.file, NULL, 0, rln_wav_frames_max(1) + 1).result, -EFBIG);
}

/* A file system that is really full: a tmpfs of 64 KB in a mount namespace of a child. */
static void full_disk_child(void)
{
	struct rln_io_msg msg;
	int rc = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", folder, "tmpfs", 0, "size=64k") < 0)
		_exit(77);
	create("", folder, false, 0, 0);
	msg = ask_path(RLN_FILES_OPEN_RECORDING, "a.wav", 1);
	assert_int_equal(msg.result, 0);
	memset(&block, 1, sizeof(block));
	for (unsigned i = 0; i < 20 && rc == 0; i++)
		rc = ask(RLN_FILES_WRITE, msg.file, &block, RLN_FILES_BLOCK_SAMPLES, (uint64_t)i * RLN_FILES_BLOCK_SAMPLES)
			     .result;
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(ask_path(RLN_FILES_OPEN_RECORDING, "b.wav", 1).result, -ENOSPC);
	assert_int_equal(access(path_of("b.wav.part"), F_OK), -1); /* nothing of it is left */
	assert_int_equal(ask(RLN_FILES_CLOSE_RECORDING, msg.file, NULL, 0, 80000).result, -ENOSPC);
	assert_int_equal(access(path_of("a.wav"), F_OK), -1);
	assert_int_equal(access(path_of("a.wav.part"), F_OK), 0);
	destroy();
	_exit(0);
}

static void test_full_disk(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		full_disk_child();
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* no mount namespaces here */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- the real thread ---- */

static struct rln_file_news wait_news(struct rln_file_client *client)
{
	uint64_t until = rln_clock_ns() + TIMEOUT_NS;
	struct rln_file_news n;

	while (!rln_file_client_take(client, &n)) {
		if (rln_clock_ns() > until)
			fail_msg("no news from the file thread");
		sched_yield();
	}
	return n;
}

/* Plays a file and records what is played, 40 times side by side, on the real file thread. */
static void test_whole_way(void **state)
{
	enum { CALLS = 40, SAMPLES = 24000 };
	struct rln_file_client_cfg cfg = {NULL, ENDPOINT, rln_counts_of(ENDPOINT), 512, CALLS, CALLS};
	struct rln_recorder *r[CALLS];
	struct rln_player *p[CALLS];
	struct rln_file_client *client = NULL;
	struct rln_file_client_counts c;
	unsigned n = 0;

	(void)state;
	create(folder, folder, false, 1 << 20, 0);
	wav_make(path_of("prompt.wav"), SAMPLES, ramp(0));
	cfg.io = io;
	assert_int_equal(rln_file_client_create(&client, &cfg), 0);
	assert_int_equal(rln_io_start(io), 0);
	for (unsigned i = 0; i < CALLS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%u.wav", i);
		assert_int_equal(rln_player_start(&p[i], client, i, "prompt.wav", 1), 0);
		assert_int_equal(rln_recorder_start(&r[i], client, i, name, i % 2, 0), 0);
	}
	while (n < 2 * CALLS) {
		struct rln_file_news news = wait_news(client);

		assert_true(news.kind == RLN_PLAYER_STARTED || news.kind == RLN_RECORDER_STARTED);
		n++;
	}
	for (uint32_t at = 0; at < SAMPLES; at += 160) {
		for (unsigned i = 0; i < CALLS; i++) {
			struct rln_file_news none;
			int16_t pcm[160];

			assert_int_equal(rln_player_frame(p[i], pcm, 160), RLN_PLAYER_AUDIO);
			rln_recorder_push(r[i], RLN_RECORDER_RECEIVED, at, pcm, 160, at * 125000ull);
			rln_recorder_push(r[i], RLN_RECORDER_SENT, at, (int16_t[160]){0}, 160, at * 125000ull);
			assert_false(rln_file_client_take(client, &none));
		}
	}
	for (unsigned i = 0; i < CALLS; i++) {
		rln_player_stop(p[i]);
		rln_recorder_stop(r[i], SAMPLES * 125000ull);
	}
	for (n = 0; n < CALLS; n++) {
		struct rln_file_news news = wait_news(client);

		assert_int_equal(news.kind, RLN_RECORDER_STOPPED);
		assert_int_equal(news.duration_ms, 3000);
		assert_int_equal(news.gap_ms, 0);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		char name[32];
		FILE *f;
		int16_t frame[2];

		snprintf(name, sizeof(name), "%u.wav", i);
		f = fopen(path_of(name), "rb");
		assert_non_null(f);
		fseek(f, RLN_WAV_HEADER, SEEK_SET);
		for (uint32_t k = 0; k < SAMPLES; k++) {
			assert_int_equal(fread(frame, 2, 1 + i % 2, f), 1 + i % 2);
			assert_int_equal(frame[0], ramp(k));
		}
		assert_int_equal(fgetc(f), EOF);
		fclose(f);
	}
	rln_io_stop(io);
	rln_file_client_counts(client, &c);
	assert_int_equal(c.players + c.recorders + c.waiting, 0);
	assert_int_equal(c.blocks_free, 512);
	rln_file_client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, begin, end),
		cmocka_unit_test_setup_teardown(test_cache, begin, end),
		cmocka_unit_test_setup_teardown(test_other_formats, begin, end),
		cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
		cmocka_unit_test(test_client_no_memory),
		cmocka_unit_test_setup_teardown(test_open_max_and_stale, begin, end),
		cmocka_unit_test_setup_teardown(test_left_behind, begin, end),
		cmocka_unit_test_setup_teardown(test_longest, begin, end),
		cmocka_unit_test_setup_teardown(test_full_disk, begin, end),
		cmocka_unit_test_setup_teardown(test_whole_way, begin, end),
	};

	rln_clock_init();
	return cmocka_run_group_tests_name("rtp_files", tests, NULL, NULL);
}
