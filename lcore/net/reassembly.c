// SPDX-License-Identifier: BSD-3-Clause
/*
 * Fragments, both ways. owner: one worker; fixed slots, no allocation on receive.
 *
 * DPDK's rte_ip_frag was left aside: its table gives up old pieces only when a new one comes by (the call that ages it is experimental), it
 * does not say why it dropped a piece, and its pieces of a packet share the original's memory, which needs a second pool. Here every piece
 * ends in a named counter, pieces that overlap spoil their datagram (RFC 5722, RFC 8200 4.5; for IPv4 as well), an exact copy of a piece is
 * dropped alone, and ageing looks at one slot at a time. When all slots are taken the oldest datagram makes room.
 */
#include "lcore/net/net_priv.h"

/* ---- receive ---- */

static void clear(struct rln_net *net, struct rln_reassembly *r, enum rln_counter counter)
{
	for (unsigned i = 0; i < r->n; i++)
		rln_net_drop(net, r->piece[i].m, counter);
	net->reassemblies.held -= r->n;
	r->n = 0;
}

static void end(struct rln_net *net, struct rln_reassembly *r, enum rln_counter counter)
{
	clear(net, r, counter);
	r->live = false;
}

static bool is_same(const struct rln_reassembly *r, const struct rln_pkt *pkt, const struct rln_ip *ip, uint32_t id)
{
	/* RFC 791 counts the protocol in, RFC 8200 does not; equal in both for any sender that means well. */
	return r->live && r->id == id && r->v6 == ip->v6 && (ip->v6 || r->proto == ip->proto) &&
	       rln_addr_same_ip(&r->src, &pkt->src) && rln_addr_same_ip(&r->dst, &pkt->dst);
}

static struct rln_reassembly *find_or_start(struct rln_net *net, const struct rln_pkt *pkt, const struct rln_ip *ip, uint32_t id)
{
	struct rln_reassembly *slot = net->reassemblies.slot, *best = &slot[0];

	for (unsigned i = 0; i < RLN_REASSEMBLIES; i++) {
		if (is_same(&slot[i], pkt, ip, id))
			return &slot[i];
		if (best->live && (!slot[i].live || slot[i].since_ns < best->since_ns))
			best = &slot[i];
	}
	if (best->live)
		end(net, best, RLN_C_DROP_FRAGMENT_TIMEOUT);
	best->src = pkt->src;
	best->dst = pkt->dst;
	best->id = id;
	best->proto = ip->proto;
	best->v6 = ip->v6;
	best->live = true;
	best->bad = false;
	best->n = 0;
	best->total = best->received = 0;
	best->since_ns = net->now_ns;
	return best;
}

enum verdict { TAKE, REPEATED, SPOILT };

/* Whether a piece of `len` bytes fits those that came before; *at is its place among them. */
static enum verdict judge(const struct rln_reassembly *r, const struct rln_fragment *f, unsigned len, unsigned *at)
{
	unsigned last = f->offset + len, i;

	if (r->bad || (f->more && len % 8) || last > UINT16_MAX || (r->total && last > r->total) ||
		(!f->more && r->total && last != r->total))
		return SPOILT;
	for (i = 0; i < r->n && r->piece[i].offset < f->offset; i++)
		;
	*at = i;
	if (i < r->n && r->piece[i].offset == f->offset && r->piece[i].len == len)
		return REPEATED;
	if ((i > 0 && r->piece[i - 1].offset + r->piece[i - 1].len > f->offset) || (i < r->n && last > r->piece[i].offset) ||
		(!f->more && i < r->n) || r->n == RLN_FRAGMENTS)
		return SPOILT;
	return TAKE;
}

static void insert(struct rln_net *net, struct rln_reassembly *r, struct rte_mbuf *m, const struct rln_fragment *f, unsigned at)
{
	memmove(&r->piece[at + 1], &r->piece[at], (r->n - at) * sizeof(r->piece[0]));
	r->piece[at] = (struct rln_piece){m, f->offset, (uint16_t)m->pkt_len};
	r->n++;
	r->received += m->pkt_len;
	if (!f->more)
		r->total = f->offset + m->pkt_len;
	net->reassemblies.held++;
}

/* All pieces are there, in order and without gaps. In one buffer when they fit, else as a chain. */
static struct rte_mbuf *join(struct rln_net *net, struct rln_reassembly *r)
{
	struct rte_mbuf *first = r->piece[0].m;
	bool fits = rte_pktmbuf_tailroom(first) >= r->total - first->data_len;

	for (unsigned i = 1; i < r->n; i++) {
		struct rte_mbuf *m = r->piece[i].m;

		if (fits) {
			memcpy(rte_pktmbuf_append(first, m->data_len), rte_pktmbuf_mtod(m, void *), m->data_len);
			rte_pktmbuf_free(m);
		} else {
			rte_pktmbuf_chain(first, m);
		}
		rln_net_count(net, RLN_C_EATEN_FRAGMENT);
	}
	net->reassemblies.held -= r->n;
	r->n = 0;
	r->live = false;
	return first;
}

struct rte_mbuf *rln_reassembly_add(
	struct rln_net *net, struct rte_mbuf *m, const struct rln_ip *ip, const struct rln_fragment *f)
{
	struct rln_reassembly *r;
	unsigned at = 0;

	/* An empty piece, or a first one too short for any header above, says nothing honest (RFC 1858, RFC 7112). */
	if (m->pkt_len == 0 || (f->offset == 0 && m->pkt_len < 8)) {
		rln_net_drop(net, m, RLN_C_DROP_FRAGMENT_BAD);
		return NULL;
	}
	r = find_or_start(net, rln_pkt(m), ip, f->id);
	switch (judge(r, f, m->pkt_len, &at)) {
	case REPEATED:
		rln_net_drop(net, m, RLN_C_DROP_FRAGMENT_BAD);
		return NULL;
	case SPOILT:
		r->bad = true;
		clear(net, r, RLN_C_DROP_FRAGMENT_BAD);
		rln_net_drop(net, m, RLN_C_DROP_FRAGMENT_BAD);
		return NULL;
	case TAKE:
		break;
	}
	insert(net, r, m, f, at);
	return r->total && r->received == r->total ? join(net, r) : NULL;
}

void rln_reassembly_age(struct rln_net *net)
{
	struct rln_reassembly *r = &net->reassemblies.slot[net->reassemblies.cursor++ % RLN_REASSEMBLIES];

	if (r->live && net->now_ns - r->since_ns >= RLN_REASSEMBLY_NS)
		end(net, r, RLN_C_DROP_FRAGMENT_TIMEOUT);
}

void rln_reassembly_flush(struct rln_net *net)
{
	for (unsigned i = 0; i < RLN_REASSEMBLIES; i++)
		if (net->reassemblies.slot[i].live)
			end(net, &net->reassemblies.slot[i], RLN_C_DROP_FRAGMENT_TIMEOUT);
}

/* ---- send ---- */

struct cut {                     /* how one packet is cut */
	unsigned l2_len, ip_len; /* of the original's headers */
	unsigned head_len;       /* of each piece's headers: l2 + ip (+ the fragment header of IPv6) */
	unsigned step, data_len; /* bytes per piece, a multiple of 8; bytes in all */
	uint32_t id;
	bool v6;
};

static unsigned plan(struct rln_net *net, unsigned port, const struct rte_mbuf *m, struct cut *c)
{
	const struct rln_net_port *p = rln_net_port(net, port);
	const struct rte_ipv4_hdr *h;
	unsigned ip_head;

	c->l2_len = rln_eth_len(p);
	h = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, c->l2_len);
	c->v6 = h->version_ihl >> 4 == 6;
	c->ip_len = c->v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	ip_head = c->ip_len + (c->v6 ? sizeof(struct rte_ipv6_fragment_ext) : 0);
	c->head_len = c->l2_len + ip_head;
	c->step = (p->mtu - ip_head) & ~7u;
	c->data_len = m->pkt_len - c->l2_len - c->ip_len;
	c->id = c->v6 ? net->ip6_id++ : net->ip_id++;
	return (c->data_len + c->step - 1) / c->step;
}

static void head_v4(struct rte_ipv4_hdr *h, const struct cut *c, unsigned offset, unsigned len, bool more)
{
	h->packet_id = rte_cpu_to_be_16((uint16_t)c->id);
	h->fragment_offset = rte_cpu_to_be_16((uint16_t)(offset / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0)));
	h->total_length = rte_cpu_to_be_16((uint16_t)(len + c->ip_len));
	h->hdr_checksum = 0;
	h->hdr_checksum = (uint16_t)~rln_sum(h, sizeof(*h));
}

static void head_v6(struct rte_ipv6_hdr *h, const struct cut *c, unsigned offset, unsigned len, bool more)
{
	struct rte_ipv6_fragment_ext *e = (struct rte_ipv6_fragment_ext *)(h + 1);

	e->next_header = h->proto;
	e->reserved = 0;
	e->frag_data = rte_cpu_to_be_16((uint16_t)(offset | more));
	e->id = rte_cpu_to_be_32(c->id);
	h->proto = IPPROTO_FRAGMENT;
	h->payload_len = rte_cpu_to_be_16((uint16_t)(len + sizeof(*e)));
}

/* Writes one piece; its buffer has room for it (rln_fragment checked). */
static void cut_piece(const struct rte_mbuf *m, struct rte_mbuf *piece, const struct cut *c, unsigned offset)
{
	unsigned len = RTE_MIN(c->step, c->data_len - offset);
	bool more = offset + len < c->data_len;
	uint8_t *to = (uint8_t *)rte_pktmbuf_append(piece, (uint16_t)(c->head_len + len));
	uint8_t *data = to + c->head_len;
	const void *from;

	memcpy(to, rte_pktmbuf_mtod(m, const void *), c->l2_len + c->ip_len);
	if (c->v6)
		head_v6((struct rte_ipv6_hdr *)(to + c->l2_len), c, offset, len, more);
	else
		head_v4((struct rte_ipv4_hdr *)(to + c->l2_len), c, offset, len, more);
	from = rte_pktmbuf_read(m, c->l2_len + c->ip_len + offset, len, data);
	if (from != data)
		memcpy(data, from, len);
	*rln_pkt(piece) = *rln_pkt((struct rte_mbuf *)(uintptr_t)m);
}

unsigned rln_fragment(struct rln_net *net, unsigned port, struct rte_mbuf *m, struct rte_mbuf *out[RLN_FRAGMENTS_OUT])
{
	struct cut c;
	unsigned n = plan(net, port, m, &c);

	if (n > RLN_FRAGMENTS_OUT || rte_pktmbuf_data_room_size(net->shared->pool) < RTE_PKTMBUF_HEADROOM + c.head_len + c.step) {
		rln_net_drop(net, m, RLN_C_TXDROP_TOO_BIG);
		return 0;
	}
	if (rte_pktmbuf_alloc_bulk(net->shared->pool, out, n) < 0) {
		rln_net_drop(net, m, RLN_C_TXDROP_NO_MBUF);
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		cut_piece(m, out[i], &c, i * c.step);
	rln_counts_add(net->counts, RLN_C_OUT_PACKETS, n - 1); /* the whole was counted as one */
	rte_pktmbuf_free(m);
	return n;
}
