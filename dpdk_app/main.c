/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program; all else is in cli.c. A service manager or `>&-` may close 0, 1 or 2: the next descriptor opened, a device's perhaps,
 * would take that number and receive what is printed.
 */
#include "dpdk_app/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd, rc;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	rc = rln_cli_main(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ringlane: standard output");
		rc = rc ? rc : RLN_EXIT_FAILED;
	}
	return rc;
}
