/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as RTCP: refused as a whole, or what it says lies inside the bytes and survives being built and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t our_ssrc[] = {0x11223344, 0, 0x9e3779b9};
	uint8_t built[RLN_RTCP_ROOM + RLN_RTCP_BYE_REASON];
	char cname[256];
	struct rln_rtcp_leg leg = {0};
	struct rln_rtcp in, out;

	for (unsigned i = 0; i < 3; i++) {
		struct rln_rtcp_build again = {.cname = cname};
		size_t len;

		if (!rln_rtcp_parse(data, size, our_ssrc[i], &in))
			continue;
		check(in.packets > 0 && size % 4 == 0);
		check(!in.cname || ((const uint8_t *)in.cname > data && (const uint8_t *)in.cname + in.cname_len < data + size));
		rln_rtcp_leg_update(&leg, &in, 1000000000, 0x0123456789abcdefull);
		memcpy(cname, in.cname ? in.cname : "", in.cname_len);
		cname[in.cname_len] = 0;
		again.ssrc = in.ssrc;
		again.sender = in.has_sender ? &in.sender : NULL;
		again.block = in.has_block ? &in.block : NULL;
		again.bye = in.has_bye ? cname : NULL;
		len = rln_rtcp_build(built, sizeof(built), &again);
		check(len > 0 && rln_rtcp_parse(built, len, our_ssrc[i], &out));
		check(out.ssrc == in.ssrc && out.has_sender == in.has_sender && out.has_block == in.has_block &&
			out.has_bye == in.has_bye);
		check(!in.has_block || memcmp(&in.block, &out.block, sizeof(in.block)) == 0);
		check(!in.has_sender || memcmp(&in.sender, &out.sender, sizeof(in.sender)) == 0);
		check(out.cname_len == strlen(cname) && memcmp(out.cname, cname, out.cname_len) == 0);
	}
	check(leg.received <= 3);
	return 0;
}
