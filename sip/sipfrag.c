/* SPDX-License-Identifier: BSD-3-Clause */
/* The status line of a message fragment (sipfrag.h). */
#include "sip/sipfrag.h"

#include <strings.h>

/* Empty lines may stand before a start line (RFC 3261 7.5). */
static void skip_empty_lines(const char **s, size_t *len)
{
	while (*len && (**s == '\r' || **s == '\n')) {
		++*s;
		--*len;
	}
}

uint16_t rln_sipfrag_parse(const char *body, size_t len)
{
	unsigned status = 0;

	skip_empty_lines(&body, &len);
	if (len < 11 || strncasecmp(body, "SIP/2.0 ", 8) != 0)
		return 0;
	for (unsigned i = 8; i < 11; i++) {
		if (body[i] < '0' || body[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(body[i] - '0');
	}
	if (len > 11 && body[11] != ' ' && body[11] != '\r' && body[11] != '\n')
		return 0;
	return status >= 100 && status <= 699 ? (uint16_t)status : 0;
}

void rln_sipfrag_build(struct rln_text *t, uint16_t status)
{
	rln_text_printf(t, "SIP/2.0 %u %s\r\n", status, rln_sip_reason_phrase(status));
}
