/* SPDX-License-Identifier: BSD-3-Clause */
/* The program; everything is in cli.c. */
#include "dpdk_app/cli.h"

int main(int argc, char **argv)
{
	return rln_cli_main(argc, argv);
}
