/* SPDX-License-Identifier: BSD-3-Clause */
/* Plug-ins: what is refused and with which words, and the example from its load to its unload. */
#include "fake_host.h"

#include <libgen.h>
#include <unistd.h>

#include "session/apps/plugin.h"

static char build[400], why[400];
static struct rln_plugin_file *plugin;

static int open_one(const char *path, const char *options)
{
	plugin = NULL;
	why[0] = '\0';
	return rln_plugin_open(&plugin, &fake.handler, build, path, options, why, sizeof(why));
}

static void assert_why(const char *part)
{
	if (!strstr(why, part))
		fail_msg("'%s' is not in '%s'", part, why);
}

static void what_is_no_plugin_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_one("plugins/none.so", ""), -ENOENT);
	assert_why("none.so: cannot open shared object file");
	assert_int_equal(open_one("../../Makefile", ""), -ENOENT);
	assert_why("cannot be loaded");
	assert_int_equal(open_one("plugins/no_plugin.so", ""), -ENOEXEC);
	assert_why("no_plugin.so' is no plug-in: it has no symbol rln_plugin");
	assert_int_equal(open_one("plugins/wrong_abi.so", ""), -EPROTO);
	assert_why("wrong_abi.so' is built for interface 2, expected 1");
	assert_int_equal(open_one("plugins/wrong_handler.so", ""), -EPROTO);
	assert_why("the handler of the plug-in mixed is built for interface 99, expected 1");
	assert_int_equal(open_one("examples/plugin.so", ""), -EINVAL); /* its create() wants a file */
	assert_why("the plug-in hello refuses: Invalid argument");
	rln_heap_fail_nth(1);
	assert_int_equal(open_one("examples/plugin.so", "x.wav"), -ENOMEM);
	rln_heap_fail_nth(0);
	assert_null(plugin);
	assert_int_equal(rln_heap_live_count(), 0);
}

static void the_example_takes_calls(void **state)
{
	char absolute[600];

	(void)state;
	fake_begin();
	snprintf(absolute, sizeof(absolute), "%s/examples/plugin.so", build);
	assert_int_equal(open_one(absolute, "welcome.wav"), 0);
	fake_invite("hello");
	assert_int_equal(fake.decision.kind, RLN_DECISION_ACCEPT);
	fake_up(1);
	fake_said("play 1 welcome.wav 1; ");
	fake_played(1);
	fake_said("hangup 1; ");
	fake_over(1, RLN_END_NORMAL, 0);
	for (unsigned i = 0; i < 10; i++)
		fake_invite("hello");
	assert_int_equal(fake.decision.kind, RLN_DECISION_ACCEPT);
	fake_invite("hello");
	assert_int_equal(fake.decision.code, 486);
	fake_key(2, '#');
	fake_said("hangup 2; ");
	rln_plugin_close(plugin);
	rln_plugin_close(NULL);
	assert_int_equal(rln_heap_live_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_plugin_is_refused),
		cmocka_unit_test(the_example_takes_calls),
	};
	char self[400] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	snprintf(build, sizeof(build), "%s", dirname(dirname(self))); /* BUILD/unit/this */
	return cmocka_run_group_tests_name("session_plugin", tests, NULL, NULL);
}
