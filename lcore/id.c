/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles as people read them. */
#include "lcore/id.h"

#include <stdio.h>

const char *rln_id_text(uint64_t id, char buf[RLN_ID_TEXT])
{
	static const char letters[16] = {'-', 's', 'd', 'm', 't', 'r', '?', '?', '?', '?', '?', '?', '?', '?', '?', '?'};

	if (id == 0)
		snprintf(buf, RLN_ID_TEXT, "-");
	else
		snprintf(buf, RLN_ID_TEXT, "%c%u/%u#%u", letters[id >> 60], rln_id_shard(id), rln_id_slot(id),
			rln_id_generation(id));
	return buf;
}
