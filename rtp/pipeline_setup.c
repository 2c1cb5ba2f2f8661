/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and ending a pipeline: the part of it that allocates. Main thread, before and after the lcores. */
#include <errno.h>
#include <stdio.h>

#include "lcore/heap.h"
#include "lcore/secure.h"
#include "rtp/codec.h"
#include "rtp/pipeline_priv.h"

int rln_pipeline_create(struct rln_pipeline **out, const struct rln_pipeline_cfg *cfg, uint64_t now_ns)
{
	struct rln_pipeline *p = rln_zalloc(sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	if (rln_wheel_create(&p->wheel, RLN_PIPELINE_TICK_NS, now_ns) != 0) {
		rln_free(p);
		return -ENOMEM;
	}
	p->cfg = *cfg;
	p->net = cfg->net;
	p->counts = cfg->counts;
	p->rtp_timeout_ns = cfg->rtp_timeout_ms * RLN_MS;
	p->first_rtp_timeout_ns = cfg->first_rtp_timeout_ms * RLN_MS;
	p->rtcp_interval_ns = cfg->rtcp_interval_ms * RLN_MS;
	p->quality_interval_ns = cfg->quality_interval_ms * RLN_MS;
	p->latch_silence_ns = cfg->latch_silence_ms * RLN_MS;
	snprintf(p->cname, sizeof(p->cname), "%s", cfg->cname);
	rln_random(&p->random, sizeof(p->random));
	p->random |= 1;
	rln_codec_map(RLN_CODEC_PCMU, RLN_CODEC_PCMA, p->law[0]);
	rln_codec_map(RLN_CODEC_PCMA, RLN_CODEC_PCMU, p->law[1]);
	*out = p;
	return 0;
}

void rln_pipeline_destroy(struct rln_pipeline *p)
{
	if (p == NULL)
		return;
	rte_pktmbuf_free_bulk(p->spare, p->spare_n);
	rln_wheel_destroy(p->wheel);
	rln_free(p);
}
