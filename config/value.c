/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place where a text becomes a value of each type of schema.def, and back. Values live in the caller's struct. */
#include "config/schema.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- addresses ---- */

int rln_config_ip_parse(struct rln_config_ip *out, const char *text, size_t len)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char z[INET6_ADDRSTRLEN];
	struct rln_config_ip ip;

	if (len >= sizeof(z) || memchr(text, 0, len))
		return -EINVAL;
	memcpy(z, text, len);
	z[len] = 0;
	if (inet_pton(AF_INET, z, ip.b + 12) == 1)
		memcpy(ip.b, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, z, ip.b) != 1 || rln_config_ip_is_v4(&ip))
		return -EINVAL; /* ::ffff:198.18.0.1 is not a way to write an IPv4 address here */
	*out = ip;
	return 0;
}

int rln_config_prefix_parse(struct rln_config_prefix *out, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	struct rln_config_prefix p;
	unsigned bits = 0, max;

	if (!slash || rln_config_ip_parse(&p.ip, text, (size_t)(slash - text)))
		return -EINVAL;
	len -= (size_t)(slash + 1 - text);
	if (len == 0 || len > 3)
		return -EINVAL;
	for (size_t i = 1; i <= len; i++) {
		if (slash[i] < '0' || slash[i] > '9')
			return -EINVAL;
		bits = bits * 10 + (unsigned)(slash[i] - '0');
	}
	max = rln_config_ip_is_v4(&p.ip) ? 32 : 128;
	if (bits > max)
		return -EINVAL;
	p.len = (uint8_t)(bits + 128 - max);
	*out = p;
	return 0;
}

const char *rln_config_ip_text(const struct rln_config_ip *ip, char buf[RLN_CONFIG_IP_TEXT])
{
	if (rln_config_ip_is_v4(ip))
		inet_ntop(AF_INET, ip->b + 12, buf, RLN_CONFIG_IP_TEXT);
	else
		inet_ntop(AF_INET6, ip->b, buf, RLN_CONFIG_IP_TEXT);
	return buf;
}

const char *rln_config_prefix_text(const struct rln_config_prefix *p, char buf[RLN_CONFIG_IP_TEXT])
{
	size_t len = strlen(rln_config_ip_text(&p->ip, buf));

	snprintf(buf + len, RLN_CONFIG_IP_TEXT - len, "/%u", rln_config_ip_is_v4(&p->ip) ? p->len - 96u : p->len);
	return buf;
}

bool rln_config_ip_same(const struct rln_config_ip *a, const struct rln_config_ip *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool rln_config_prefix_holds(const struct rln_config_prefix *p, const struct rln_config_ip *ip)
{
	unsigned whole = p->len / 8, rest = p->len % 8;

	if (rln_config_ip_is_v4(&p->ip) != rln_config_ip_is_v4(ip) || memcmp(p->ip.b, ip->b, whole) != 0)
		return false;
	return rest == 0 || ((p->ip.b[whole] ^ ip->b[whole]) >> (8 - rest)) == 0;
}

/* ---- text to value ---- */

static int number(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (len == 0 || len > 12)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	if (v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static void store(void *at, unsigned size, uint64_t v)
{
	if (size == 1)
		*(uint8_t *)at = (uint8_t)v;
	else if (size == 2)
		*(uint16_t *)at = (uint16_t)v;
	else
		*(uint32_t *)at = (uint32_t)v;
}

static uint64_t load(const void *at, unsigned size)
{
	return size == 1 ? *(const uint8_t *)at : size == 2 ? *(const uint16_t *)at : *(const uint32_t *)at;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static int put_uint(const struct rln_setting *s, void *at, const char *text, size_t len)
{
	uint64_t v = 0;
	int rc = 0;

	if (s->type != RLN_SET_AUTO_UINT || !is_word(text, len, "auto"))
		rc = number(text, len, s->min, s->max, &v);
	if (rc == 0)
		store(at, s->size, v);
	return rc;
}

static int put_bool(void *at, const char *text, size_t len)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = {{"on", true}, {"off", false}, {"yes", true}, {"no", false}, {"true", true}, {"false", false}};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(text, len, words[i].word)) {
			*(bool *)at = words[i].on;
			return 0;
		}
	return -EINVAL;
}

static int put_enum(const struct rln_setting *s, void *at, const char *text, size_t len)
{
	const char *p;
	size_t n;

	for (unsigned i = 0; (p = rln_setting_choice(s, i, &n)); i++)
		if (n == len && n && memcmp(p, text, n) == 0) {
			*(uint8_t *)at = (uint8_t)i;
			return 0;
		}
	return -EINVAL;
}

static int put_text(const struct rln_setting *s, char *at, const char *text, size_t len)
{
	if (len < s->min || len > s->max)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return -EINVAL;
	memset(at, 0, s->size);
	memcpy(at, text, len);
	return 0;
}

static int put_cpu(const struct rln_setting *s, void *at, const char *text, size_t len)
{
	uint64_t v;
	int rc = 0;

	if (is_word(text, len, "auto"))
		*(int16_t *)at = RLN_CPU_AUTO;
	else if ((rc = number(text, len, s->min, s->max, &v)) == 0)
		*(int16_t *)at = (int16_t)v;
	return rc;
}

static int put_ip(void *at, const char *text, size_t len)
{
	if (!is_word(text, len, "none"))
		return rln_config_ip_parse(at, text, len);
	memset(at, 0, sizeof(struct rln_config_ip));
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int put_mac(uint8_t *at, const char *text, size_t len)
{
	uint8_t mac[7] = {1};

	if (is_word(text, len, "auto")) {
		memset(at, 0, sizeof(mac));
		return 0;
	}
	if (len != 17)
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++) {
		int high = hex(text[i * 3]), low = hex(text[i * 3 + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
			return -EINVAL;
		mac[i + 1] = (uint8_t)(high << 4 | low);
	}
	if (mac[1] & 1 || memcmp(mac + 1, "\0\0\0\0\0", 6) == 0)
		return -EINVAL; /* a group address or none */
	memcpy(at, mac, sizeof(mac));
	return 0;
}

static int append(const struct rln_setting *s, void *base, const void *item)
{
	uint16_t *n = (uint16_t *)((char *)base + s->count_offset);
	char *at = (char *)base + s->offset;

	for (unsigned i = 0; i < *n; i++)
		if (memcmp(at + (size_t)i * s->size, item, s->size) == 0)
			return -EEXIST;
	if (*n == s->items)
		return -ENOSPC;
	memcpy(at + (size_t)*n * s->size, item, s->size);
	++*n;
	return 0;
}

/* "4" or "2-5"; "auto" empties the list. */
static int put_cpus(const struct rln_setting *s, void *base, const char *text, size_t len)
{
	const char *dash = memchr(text, '-', len);
	size_t head = dash ? (size_t)(dash - text) : len;
	uint64_t from, to;
	int rc = 0;

	if (is_word(text, len, "auto")) {
		rln_setting_clear(s, base);
		return 0;
	}
	if (number(text, head, s->min, s->max, &from) || (dash && number(dash + 1, len - head - 1, from, s->max, &to)))
		return -EINVAL;
	if (!dash)
		to = from;
	for (; from <= to && rc == 0; from++) {
		uint16_t cpu = (uint16_t)from;

		rc = append(s, base, &cpu);
	}
	return rc;
}

static int put_prefixes(const struct rln_setting *s, void *base, const char *text, size_t len)
{
	struct rln_config_prefix p;
	int rc = rln_config_prefix_parse(&p, text, len);

	return rc ? rc : append(s, base, &p);
}

static int put_enums(const struct rln_setting *s, void *base, const char *text, size_t len)
{
	uint8_t v;
	int rc = put_enum(s, &v, text, len);

	return rc ? rc : append(s, base, &v);
}

static int put_texts(const struct rln_setting *s, void *base, const char *text, size_t len)
{
	char item[RLN_CONFIG_PATH];
	int rc = put_text(s, item, text, len);

	return rc ? rc : append(s, base, item);
}

int rln_setting_put(const struct rln_setting *s, void *base, const char *text, size_t len)
{
	void *at = (char *)base + s->offset;

	switch ((enum rln_setting_type)s->type) {
	case RLN_SET_UINT:
	case RLN_SET_AUTO_UINT:
		return put_uint(s, at, text, len);
	case RLN_SET_BOOL:
	case RLN_SET_FLAG:
		return put_bool(at, text, len);
	case RLN_SET_ENUM:
		return put_enum(s, at, text, len);
	case RLN_SET_TEXT:
	case RLN_SET_SECRET:
		return put_text(s, at, text, len);
	case RLN_SET_CPU:
		return put_cpu(s, at, text, len);
	case RLN_SET_IP:
		return put_ip(at, text, len);
	case RLN_SET_PREFIX:
		return rln_config_prefix_parse(at, text, len);
	case RLN_SET_MAC:
		return put_mac(at, text, len);
	case RLN_SET_CPUS:
		return put_cpus(s, base, text, len);
	case RLN_SET_PREFIXES:
		return put_prefixes(s, base, text, len);
	case RLN_SET_ENUMS:
		return put_enums(s, base, text, len);
	case RLN_SET_TEXTS:
		return put_texts(s, base, text, len);
	}
	return -EINVAL;
}

void rln_setting_clear(const struct rln_setting *s, void *base)
{
	memset((char *)base + s->offset, 0, (size_t)s->size * s->items);
	*(uint16_t *)((char *)base + s->count_offset) = 0;
}

/* The items of "[a, b]" one by one; a default only, so it never fails on input. */
static void put_list(const struct rln_setting *s, void *base, const char *text)
{
	rln_setting_clear(s, base);
	text += *text == '[';
	while (*text && *text != ']') {
		size_t len = strcspn(text, ",]");

		(void)rln_setting_put(s, base, text, len);
		text += len;
		text += strspn(text, ", ");
	}
}

void rln_group_defaults(enum rln_group group, void *base)
{
	for (unsigned i = 0; i < rln_settings_n; i++) {
		const struct rln_setting *s = &rln_settings[i];

		if (s->group != group || !s->fallback)
			continue;
		if (rln_setting_is_list(s))
			put_list(s, base, s->fallback);
		else
			(void)rln_setting_put(s, base, s->fallback, strlen(s->fallback));
	}
	for (unsigned g = group + 1; g < RLN_GROUP_COUNT; g++)
		if (rln_groups[g].parent == group && rln_groups[g].items == 0)
			rln_group_defaults((enum rln_group)g, (char *)base + rln_groups[g].offset);
}

/* ---- value to text ---- */

/* "a, b or c" of "a|b|c". */
static void choices_text(const struct rln_setting *s, char *buf, size_t size)
{
	size_t used = 0, len;
	const char *p;

	buf[0] = 0;
	for (unsigned n = 0; (p = rln_setting_choice(s, n, &len)); n++)
		if (len && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%.*s",
				used == 0 ? ""
				: p[len]  ? ", "
					  : " or ",
				(int)len, p);
}

const char *rln_setting_expected(const struct rln_setting *s, bool item, char buf[RLN_SETTING_EXPECT])
{
	const size_t size = RLN_SETTING_EXPECT;
	char words[120];

	switch ((enum rln_setting_type)s->type) {
	case RLN_SET_UINT:
		snprintf(buf, size, "a number from %lu to %lu", (unsigned long)s->min, (unsigned long)s->max);
		break;
	case RLN_SET_AUTO_UINT:
	case RLN_SET_CPU:
		snprintf(buf, size, "auto or a number from %lu to %lu", (unsigned long)s->min, (unsigned long)s->max);
		break;
	case RLN_SET_BOOL:
	case RLN_SET_FLAG:
		snprintf(buf, size, "on or off");
		break;
	case RLN_SET_ENUM:
		choices_text(s, words, sizeof(words));
		snprintf(buf, size, "%s", words);
		break;
	case RLN_SET_TEXT:
	case RLN_SET_SECRET:
		snprintf(buf, size, "text of %lu to %lu bytes without control characters", (unsigned long)s->min,
			(unsigned long)s->max);
		break;
	case RLN_SET_IP:
		snprintf(buf, size, "%san IP address, e.g. 198.18.0.2 or 2001:db8::2", s->fallback ? "none or " : "");
		break;
	case RLN_SET_PREFIX:
		snprintf(buf, size, "an address with its prefix length, e.g. 203.0.113.0/24");
		break;
	case RLN_SET_MAC:
		snprintf(buf, size, "auto or the MAC address of one device, e.g. 02:00:00:00:00:01");
		break;
	case RLN_SET_CPUS:
		snprintf(buf, size, "%s",
			item ? "a CPU number or a range, e.g. 4-7" : "auto, or a list of CPU numbers and ranges, e.g. [2, 4-7]");
		break;
	case RLN_SET_PREFIXES:
		snprintf(buf, size, "%s",
			item ? "an address with its prefix length, e.g. 198.18.0.1/24"
			     : "a list of addresses with prefix length, e.g. [198.18.0.1/24]");
		break;
	case RLN_SET_TEXTS:
		snprintf(buf, size, "%s%lu to %lu bytes without control characters", item ? "text of " : "a list of texts of ",
			(unsigned long)s->min, (unsigned long)s->max);
		break;
	case RLN_SET_ENUMS:
		choices_text(s, words, sizeof(words));
		snprintf(buf, size, "%s%s", item ? "" : "a list of ", words);
		break;
	}
	return buf;
}

/* Words that YAML readers give a meaning, or text with characters that do: in quotes. */
static int print_text(const char *text, char *buf, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
	char quoted[2 * RLN_CONFIG_PATH + 3];
	char *q = quoted;

	if (*text && *text != '-' && text[strspn(text, plain)] == 0 && strcasecmp(text, "null") != 0)
		return snprintf(buf, size, "%s", text);
	*q++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			*q++ = '\'';
		*q++ = *text;
	}
	*q++ = '\'';
	*q = 0;
	return snprintf(buf, size, "%s", quoted);
}

/* A plain scalar that begins with ':' is not YAML inside [...], and one that ends with it would be a key. */
static int print_address(const char *text, char *buf, size_t size)
{
	const char *quote = *text == ':' || text[strlen(text) - 1] == ':' ? "'" : "";

	return snprintf(buf, size, "%s%s%s", quote, text, quote);
}

static int print_item(const struct rln_setting *s, const void *at, char *buf, size_t size)
{
	char text[RLN_CONFIG_IP_TEXT];
	const uint8_t *m = at;
	const char *p;
	size_t len = 0;

	switch ((enum rln_setting_type)s->type) {
	case RLN_SET_UINT:
	case RLN_SET_AUTO_UINT:
	case RLN_SET_CPUS:
		if (s->type == RLN_SET_AUTO_UINT && load(at, s->size) == 0)
			return snprintf(buf, size, "auto");
		return snprintf(buf, size, "%lu", (unsigned long)load(at, s->size));
	case RLN_SET_BOOL:
	case RLN_SET_FLAG:
		return snprintf(buf, size, "%s", *(const bool *)at ? "on" : "off");
	case RLN_SET_ENUM:
	case RLN_SET_ENUMS:
		p = rln_setting_choice(s, *m, &len);
		return snprintf(buf, size, "%.*s", (int)len, p ? p : "");
	case RLN_SET_TEXT:
	case RLN_SET_SECRET:
	case RLN_SET_TEXTS:
		return print_text(at, buf, size);
	case RLN_SET_CPU:
		if (*(const int16_t *)at == RLN_CPU_AUTO)
			return snprintf(buf, size, "auto");
		return snprintf(buf, size, "%d", *(const int16_t *)at);
	case RLN_SET_IP:
		return print_address(rln_config_ip_is_set(at) ? rln_config_ip_text(at, text) : "none", buf, size);
	case RLN_SET_PREFIX:
	case RLN_SET_PREFIXES:
		return print_address(rln_config_prefix_text(at, text), buf, size);
	case RLN_SET_MAC:
		if (!m[0])
			return snprintf(buf, size, "auto");
		return snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", m[1], m[2], m[3], m[4], m[5], m[6]);
	}
	return 0;
}

int rln_setting_print(const struct rln_setting *s, const void *base, char *buf, size_t size)
{
	const char *at = (const char *)base + s->offset;
	unsigned n;
	int used = 0;

	if (!rln_setting_is_list(s))
		return print_item(s, at, buf, size);
	n = *(const uint16_t *)((const char *)base + s->count_offset);
	if (n == 0 && s->type == RLN_SET_CPUS)
		return snprintf(buf, size, "auto");
	used = snprintf(buf, size, "[");
	for (unsigned i = 0; i < n && (size_t)used < size; i++) {
		used += snprintf(buf + used, size - (size_t)used, "%s", i ? ", " : "");
		if ((size_t)used < size)
			used += print_item(s, at + (size_t)i * s->size, buf + used, size - (size_t)used);
	}
	if ((size_t)used < size)
		used += snprintf(buf + used, size - (size_t)used, "]");
	return used;
}
