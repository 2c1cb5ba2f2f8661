/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a configuration file: it is refused with at least one fault inside the text, or what it says can be written
 * and read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "config/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rln_config config, again;
	static struct rln_config_report report;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (rln_config_parse(&config, (const char *)data, size, &report)) {
		if (report.n == 0)
			abort();
		for (unsigned i = 0; i < report.n; i++)
			if (report.faults[i].line == 0 || report.faults[i].column == 0 || !*report.faults[i].text)
				abort();
		return 0;
	}
	if (report.n)
		abort();
	out = open_memstream(&text, &len);
	rln_config_write(out, &config, size & 1);
	fclose(out);
	if (rln_config_parse(&again, text, len, &report) || memcmp(&again, &config, sizeof(config)) != 0)
		abort();
	free(text);
	return 0;
}
