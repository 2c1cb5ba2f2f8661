/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as SDP: refused, or a description within its bounds whose answer and re-offer are SDP that we read the same way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_bounds(const struct rln_sdp *sdp)
{
	check(sdp->media_n <= RLN_SDP_MEDIA);
	for (unsigned i = 0; i < sdp->media_n; i++) {
		const struct rln_sdp_media *m = &sdp->media[i];

		check(m->payloads_n <= RLN_SDP_PAYLOADS && m->direction <= RLN_MEDIA_BIDIRECTIONAL);
		check(strlen(m->media) > 0 && strlen(m->proto) > 0);
		check(!m->is_audio || m->rtp.port == m->port);
	}
}

static void check_answer(struct rln_sdp_local *local, const struct rln_sdp *offer)
{
	static struct rln_sdp again;
	struct rln_sdp_agreed agreed;
	char text[RLN_SDP_TEXT], next[RLN_SDP_TEXT];
	int len = rln_sdp_answer(text, sizeof(text), local, offer, &agreed);

	if (len < 0) {
		check(len == -ENOTSUP || len == -ENOSPC);
		return;
	}
	check(rln_sdp_parse(&again, text, (size_t)len) == 0);
	check(again.media_n == offer->media_n && again.media[agreed.index].port == local->rtp.port);
	check(again.media[agreed.index].direction == agreed.direction && agreed.codecs_n > 0);
	check(rln_sdp_reoffer(next, sizeof(next), local, text, (size_t)len) > 0 && local->index == agreed.index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rln_sdp sdp;
	struct rln_sdp_agreed agreed;
	struct rln_sdp_local local = {.origin_id = 1,
		.origin_version = 1,
		.codecs_n = 2,
		.codec = {RLN_CODEC_PCMU, RLN_CODEC_PCMA},
		.telephone_event = 101,
		.ptime_ms = 20,
		.direction = size & 3};
	int rc = rln_sdp_parse(&sdp, (const char *)data, size);

	rln_addr_from_v4(&local.rtp, 0x010012c6, 20000);
	check(rc == 0 || rc == -EBADMSG || rc == -E2BIG);
	if (rc != 0)
		return 0;
	check_bounds(&sdp);
	check_answer(&local, &sdp);
	local.media_n = local.index = 0;
	rc = rln_sdp_accept(&local, &sdp, &agreed);
	check(rc == -ENOTSUP || (rc == 0 && agreed.codecs_n > 0));
	return 0;
}
