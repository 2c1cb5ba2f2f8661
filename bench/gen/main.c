/* SPDX-License-Identifier: BSD-3-Clause */
/* ringlane-gen EAL-ARGS -- MODE OPTIONS: the bench's generator (gen.h says what it is and is not). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "bench/gen/gen.h"

static void usage(void)
{
	fputs("usage: ringlane-gen EAL-ARGS -- calls|echo|churn [options]\n"
	      "  --local A --peer A    IPv4 addresses (198.18.0.2, 198.18.0.1)     --peer-mac M  instead of ARP\n"
	      "  --user NAME           called user part (echo)                     --seconds S   of sending (10)\n"
	      "  --rate R              calls: a second (1000); echo, churn: packets a second, 0 = as fast as they are taken\n"
	      "  --hold S              calls: between ACK and BYE (0)              --legs N      echo, churn: streams (1000)\n"
	      "  --changes R           churn: re-INVITEs a second (500)            --silent      churn: no packets\n"
	      "  --raw                 echo: no calls, the peer turns every frame round\n",
		stderr);
}

static int parse(int argc, char **argv, struct gen_options *o)
{
	static const struct option options[] = {{"local", 1, 0, 'l'}, {"peer", 1, 0, 'p'}, {"peer-mac", 1, 0, 'm'},
		{"user", 1, 0, 'u'}, {"seconds", 1, 0, 's'}, {"rate", 1, 0, 'r'}, {"hold", 1, 0, 'h'}, {"legs", 1, 0, 'n'},
		{"raw", 0, 0, 'w'}, {"changes", 1, 0, 'c'}, {"silent", 0, 0, 'q'}, {0, 0, 0, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			o->local = optarg;
			break;
		case 'p':
			o->peer = optarg;
			break;
		case 'm':
			o->peer_mac = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 's':
			o->seconds = atof(optarg);
			break;
		case 'r':
			o->rate = atof(optarg);
			break;
		case 'h':
			o->hold_s = atof(optarg);
			break;
		case 'n':
			o->legs = (unsigned)atoi(optarg);
			break;
		case 'w':
			o->raw = true;
			break;
		case 'c':
			o->churn = atof(optarg);
			break;
		case 'q':
			o->is_silent = true;
			break;
		default:
			return -EINVAL;
		}
	}
	o->mode = optind < argc ? argv[optind] : "";
	if (strcmp(o->mode, "churn") != 0)
		o->churn = 0;
	if (o->is_silent)
		o->rate = 0;
	return o->legs && o->legs <= 20000 ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct gen_options o = {.local = "198.18.0.2",
		.peer = "198.18.0.1",
		.user = "echo",
		.seconds = 10,
		.rate = 1000,
		.legs = 1000,
		.churn = 500};
	static struct gen g;
	int used = rte_eal_init(argc, argv), rc;

	if (used < 0 || parse(argc - used, argv + used, &o) != 0) {
		usage();
		return 2;
	}
	rc = gen_open(&g, &o);
	if (rc != 0) {
		fprintf(stderr, "gen: %s\n", strerror(-rc));
		return 1;
	}
	if (strcmp(o.mode, "calls") == 0) {
		rc = gen_calls(&g, &o);
	} else if (strcmp(o.mode, "echo") == 0 || strcmp(o.mode, "churn") == 0) {
		rc = gen_echo(&g, &o);
	} else {
		usage();
		rc = 2;
	}
	gen_close(&g);
	rte_eal_cleanup();
	return rc;
}
