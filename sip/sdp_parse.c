/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SDP text to a plain description (RFC 4566, RFC 8866). Pure: no state, no allocation, nothing of the text is kept.
 *
 * A line parser of our own, not libosip2's: that one makes some forty heap objects for a common offer (they would be freed again
 * a few lines later), keeps every attribute, and cannot tell an absent connection from a broken one. What a media line and its
 * attributes mean for us fits in a screen, and costs no allocation that could fail.
 *
 * Strict where guessing would misdirect audio (v=, o=, c=, m= must be right), deaf to everything else: an unknown line or
 * attribute, or a known one with a value out of range, is as if it were not there.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sip/sdp.h"

struct span {
	const char *s;
	size_t n;
};

/* What holds for the session until a media line says otherwise. */
struct parser {
	struct rln_sdp *sdp;
	struct rln_sdp_media *media; /* NULL before the first m= */
	struct rln_addr session_addr, addr[RLN_SDP_MEDIA];
	bool has_session_addr, has_addr[RLN_SDP_MEDIA], has_direction[RLN_SDP_MEDIA], has_rtcp_addr[RLN_SDP_MEDIA];
	bool has_origin;
	uint8_t session_direction;
};

/* The text up to `separator`, which is eaten; the whole rest when there is none. */
static struct span cut(struct span *rest, char separator)
{
	const char *at = rest->n ? memchr(rest->s, separator, rest->n) : NULL;
	struct span head = {rest->s, at ? (size_t)(at - rest->s) : rest->n};
	size_t eaten = head.n + (at ? 1 : 0);

	rest->s += eaten;
	rest->n -= eaten;
	return head;
}

/* The next word; runs of blanks count as one, which some peers write. */
static struct span word(struct span *rest)
{
	struct span w;

	do {
		w = cut(rest, ' ');
	} while (w.n == 0 && rest->n > 0);
	return w;
}

static bool is(struct span a, const char *text)
{
	return a.n == strlen(text) && strncasecmp(a.s, text, a.n) == 0;
}

/* Decimal digits, at least one, the value capped at `cap`; false for anything else. */
static bool number(struct span a, uint64_t cap, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < a.n; i++) {
		unsigned digit = (unsigned)a.s[i] - '0';

		if (digit > 9)
			return false;
		v = v > (cap - digit) / 10 ? cap : v * 10 + digit;
	}
	*out = v;
	return a.n > 0;
}

static bool number_below(struct span a, uint64_t limit, uint64_t *out)
{
	return number(a, limit, out) && *out < limit;
}

static bool copy_word(char *out, size_t size, struct span w)
{
	if (w.n == 0 || w.n >= size)
		return false;
	memcpy(out, w.s, w.n);
	out[w.n] = '\0';
	return true;
}

/* o=<username> <id> <version> IN IP4 <address>. Numbers beyond 64 bits are capped: they are only compared. */
static int parse_origin(struct parser *p, struct span value)
{
	struct span user = word(&value), id = word(&value), version = word(&value), net = word(&value);
	struct span type = word(&value), addr = word(&value);

	if (p->has_origin || p->media || user.n == 0 || net.n == 0 || type.n == 0 || addr.n == 0)
		return -EBADMSG;
	if (!number(id, UINT64_MAX, &p->sdp->origin_id) || !number(version, UINT64_MAX, &p->sdp->origin_version))
		return -EBADMSG;
	p->has_origin = true;
	return 0;
}

/*
 * "IN IP4 192.0.2.1", with "/ttl" for multicast. An address that we cannot use (a name, multicast, another network) leaves
 * all zeroes, which no IPv4 or usable IPv6 address is: the stream is refused, not the message.
 */
static int parse_address(struct span value, struct rln_addr *out)
{
	struct span net = word(&value), type = word(&value), addr = word(&value), host = cut(&addr, '/');

	memset(out, 0, sizeof(*out));
	if (net.n == 0 || type.n == 0 || host.n == 0)
		return -EBADMSG;
	if (!is(net, "IN") || rln_addr_parse(out, host.s, host.n) != 0 || rln_addr_is_v4(out) != is(type, "IP4"))
		memset(out, 0, sizeof(*out));
	else if (rln_addr_is_v4(out) ? (out->ip[12] & 0xf0) == 0xe0 : out->ip[0] == 0xff)
		memset(out, 0, sizeof(*out));
	return 0;
}

static int parse_connection(struct parser *p, struct span value)
{
	unsigned index = p->sdp->media_n - 1u;

	if (!p->media) {
		p->has_session_addr = true;
		return parse_address(value, &p->session_addr);
	}
	if (p->has_addr[index])
		return 0; /* several c= lines are for layered multicast; the first one counts */
	p->has_addr[index] = true;
	return parse_address(value, &p->addr[index]);
}

/* Static payload types of RFC 3551 that are ours; a=rtpmap overrides. */
static void add_payload(struct rln_sdp_media *m, struct span format)
{
	uint64_t type;
	struct rln_sdp_payload *pt;

	if (m->payloads_n == RLN_SDP_PAYLOADS || !number_below(format, 128, &type))
		return;
	pt = &m->payload[m->payloads_n++];
	pt->payload_type = (uint8_t)type;
	pt->codec = type == 0 ? RLN_CODEC_PCMU : type == 8 ? RLN_CODEC_PCMA : RLN_CODEC_NONE;
	pt->clock_rate = type == 0 || type == 8 ? 8000 : 0;
}

/* Formats as they stood, cut at a word's end when there are more than we can give back. */
static void keep_formats(struct rln_sdp_media *m, struct span formats)
{
	size_t len = 0;

	for (struct span w = word(&formats); w.n > 0; w = word(&formats)) {
		add_payload(m, w);
		if (len + (len > 0) + w.n >= sizeof(m->formats))
			continue;
		if (len > 0)
			m->formats[len++] = ' ';
		memcpy(m->formats + len, w.s, w.n);
		len += w.n;
	}
	m->formats[len] = '\0';
}

/* m=<media> <port>[/<count>] <proto> <formats> */
static int parse_media(struct parser *p, struct span value)
{
	struct span media = word(&value), ports = word(&value), proto = word(&value), port = cut(&ports, '/');
	struct rln_sdp_media *m;
	uint64_t number_;

	if (p->sdp->media_n == RLN_SDP_MEDIA)
		return -E2BIG;
	m = p->media = &p->sdp->media[p->sdp->media_n++];
	if (!copy_word(m->media, sizeof(m->media), media) || !copy_word(m->proto, sizeof(m->proto), proto))
		return -EBADMSG;
	if (!number_below(port, 65536, &number_))
		return -EBADMSG;
	m->port = (uint16_t)number_;
	keep_formats(m, value);
	if (m->formats[0] == '\0')
		return -EBADMSG;
	m->is_audio = is(media, "audio") && is(proto, "RTP/AVP");
	return 0;
}

/* "<type> <encoding>/<clock>[/<channels>]" */
static void parse_rtpmap(struct rln_sdp_media *m, struct span value)
{
	struct span type = word(&value), map = word(&value), name = cut(&map, '/'), clock = cut(&map, '/');
	uint64_t number_, rate;
	bool mono = map.n == 0 || is(map, "1");

	if (!number_below(type, 128, &number_) || !number_below(clock, UINT32_MAX, &rate))
		return;
	for (unsigned i = 0; i < m->payloads_n; i++) {
		struct rln_sdp_payload *pt = &m->payload[i];

		if (pt->payload_type != number_)
			continue;
		pt->clock_rate = (uint32_t)rate;
		pt->is_telephone_event = is(name, "telephone-event");
		pt->codec = RLN_CODEC_NONE;
		if (mono && rate == 8000)
			pt->codec = is(name, "PCMU") ? RLN_CODEC_PCMU : is(name, "PCMA") ? RLN_CODEC_PCMA : RLN_CODEC_NONE;
	}
}

/* Milliseconds; a fraction is cut off, and a time that no packet of ours could have is not kept. */
static void parse_ms(uint8_t *out, struct span value)
{
	struct span whole = cut(&value, '.');
	uint64_t ms;

	if (number_below(whole, 256, &ms))
		*out = (uint8_t)ms;
}

/* RFC 3605: "<port>" or "<port> IN IP4 <address>" */
static void parse_rtcp(struct parser *p, struct span value)
{
	struct span port = word(&value);
	struct rln_addr addr = {{0}, 0};
	uint64_t number_;

	if (!number_below(port, 65536, &number_) || number_ == 0)
		return;
	if (value.n > 0 && (parse_address(value, &addr) != 0 || rln_addr_is_any(&addr)))
		return;
	p->has_rtcp_addr[p->sdp->media_n - 1] = value.n > 0;
	p->media->rtcp = addr;
	p->media->rtcp.port = (uint16_t)number_;
}

static bool direction_of(struct span name, uint8_t *out)
{
	if (is(name, "sendrecv"))
		*out = RLN_MEDIA_BIDIRECTIONAL;
	else if (is(name, "sendonly"))
		*out = RLN_MEDIA_OUTBOUND;
	else if (is(name, "recvonly"))
		*out = RLN_MEDIA_INBOUND;
	else if (is(name, "inactive"))
		*out = RLN_MEDIA_INACTIVE;
	else
		return false;
	return true;
}

static void parse_attribute(struct parser *p, struct span value)
{
	struct span name = cut(&value, ':');
	uint8_t direction;

	if (direction_of(name, &direction)) {
		if (!p->media) {
			p->session_direction = direction;
		} else {
			p->media->direction = direction;
			p->has_direction[p->sdp->media_n - 1] = true;
		}
	}
	if (!p->media)
		return;
	if (is(name, "rtpmap"))
		parse_rtpmap(p->media, value);
	else if (is(name, "ptime"))
		parse_ms(&p->media->ptime_ms, value);
	else if (is(name, "maxptime"))
		parse_ms(&p->media->maxptime_ms, value);
	else if (is(name, "rtcp"))
		parse_rtcp(p, value);
}

static int parse_line(struct parser *p, char type, struct span value)
{
	switch (type) {
	case 'o':
		return parse_origin(p, value);
	case 'c':
		return parse_connection(p, value);
	case 'm':
		return parse_media(p, value);
	case 'a':
		parse_attribute(p, value);
		return 0;
	default:
		return 0;
	}
}

/* What the session level gives to a media line that did not say it; then the meaning of c=0.0.0.0 (RFC 3264 8.4). */
static int settle(struct parser *p, unsigned index)
{
	struct rln_sdp_media *m = &p->sdp->media[index];
	uint16_t rtcp_port = m->rtcp.port;
	struct rln_addr rtcp = m->rtcp;

	if (!p->has_addr[index] && !p->has_session_addr)
		return m->port ? -EBADMSG : 0; /* RFC 4566 5.7: each media line needs one, here or above */
	m->rtp = p->has_addr[index] ? p->addr[index] : p->session_addr;
	m->rtp.port = m->port;
	m->rtcp = p->has_rtcp_addr[index] ? rtcp : m->rtp;
	m->rtcp.port = rtcp_port ? rtcp_port : m->port && m->port < UINT16_MAX ? m->port + 1 : 0;
	if (!p->has_direction[index])
		m->direction = p->session_direction;
	if (rln_addr_is_any(&m->rtp)) {
		static const struct rln_addr zero = {{0}, 0};

		m->direction &= RLN_MEDIA_OUTBOUND; /* nothing is to be sent to it */
		/* "::" and an unusable address look alike: only IPv4 has this old way of holding. */
		m->is_audio = m->is_audio && !rln_addr_same_ip(&m->rtp, &zero);
	}
	return 0;
}

int rln_sdp_parse(struct rln_sdp *out, const char *text, size_t len)
{
	struct parser p = {.sdp = out, .session_direction = RLN_MEDIA_BIDIRECTIONAL};
	struct span rest = {text, len};
	bool first = true;
	int rc;

	memset(out, 0, sizeof(*out));
	while (rest.n > 0) {
		struct span line = cut(&rest, '\n');

		while (line.n > 0 && strchr("\r \t", line.s[line.n - 1]) && line.s[line.n - 1])
			line.n--; /* blanks too: some peers leave them behind a value */
		if (line.n == 0)
			continue; /* an empty line at the end is common */
		if (line.n < 2 || line.s[1] != '=' || memchr(line.s, '\0', line.n))
			return -EBADMSG;
		if (first && (line.s[0] != 'v' || line.n != 3 || line.s[2] != '0'))
			return -EBADMSG;
		first = false;
		rc = parse_line(&p, line.s[0], (struct span){line.s + 2, line.n - 2});
		if (rc != 0)
			return rc;
	}
	if (!p.has_origin)
		return -EBADMSG;
	for (unsigned i = 0; i < out->media_n; i++) {
		rc = settle(&p, i);
		if (rc != 0)
			return rc;
	}
	return 0;
}
