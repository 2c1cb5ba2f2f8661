/* SPDX-License-Identifier: BSD-3-Clause */
/* A shared object like any other. */
int no_plugin(void);

int no_plugin(void)
{
	return 1;
}
