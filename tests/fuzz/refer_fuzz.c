/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as the words of a transfer: Refer-To, Replaces, Event's parameters, a message fragment. Refused, or understood within
 * bounds; and a Replaces that is written again into a Refer-To is read back as it was.
 */
#include <stdlib.h>

#include "sip/refer_to.h"
#include "sip/sipfrag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const struct rln_text *t, struct rln_slice s)
{
	check((size_t)s.off + s.len < t->len && t->buf[s.off + s.len] == '\0');
	for (unsigned i = 0; i < s.len; i++)
		check((uint8_t)t->buf[s.off + i] >= ' ' && t->buf[s.off + i] != 0x7f);
}

static void refer_to(struct rln_span value)
{
	static char buf[8192];
	struct rln_refer_to out;
	struct rln_text t;
	int rc;

	rln_text_init(&t, buf, sizeof(buf));
	rc = rln_refer_to_parse(&out, &t, value);
	check(rc == 0 || rc == -400 || rc == -416 || rc == -501);
	if (rc != 0 || t.full)
		return;
	check(t.len <= value.len + 2); /* what a block is made for */
	check_text(&t, out.uri);
	check_text(&t, out.replaces);
}

static bool is_same(struct rln_span a, struct rln_span b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static bool is_text(struct rln_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.s[i] < ' ' || s.s[i] == 0x7f)
			return false;
	return true;
}

static void replaces(struct rln_span value)
{
	static char line[32768], buf[32768];
	struct rln_replaces in, out;
	struct rln_refer_to back;
	struct rln_text t, b;

	if (rln_replaces_parse(&in, value) != 0 || !is_text(in.call_id))
		return;
	rln_text_init(&t, line, sizeof(line));
	rln_refer_to_build(&t, rln_span_of("sip:a@h"), &in);
	rln_text_init(&b, buf, sizeof(buf));
	check(!t.full && rln_refer_to_parse(&back, &b, (struct rln_span){line + 10, t.len - 12}) == 0);
	check(rln_replaces_parse(&out, (struct rln_span){buf + back.replaces.off, back.replaces.len}) == 0);
	check(is_same(in.call_id, out.call_id) && is_same(in.to_tag, out.to_tag) && is_same(in.from_tag, out.from_tag));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rln_span text = {(const char *)data, size}, value;
	uint16_t status;

	if (size == 0 || size > 4096)
		return 0;
	refer_to(text);
	replaces(text);
	check(rln_param_head(text).len <= size);
	if (rln_param_find(text, "id", &value))
		check(value.s >= text.s && value.s + value.len <= text.s + text.len);
	status = rln_sipfrag_parse(text.s, text.len);
	check(status == 0 || (status >= 100 && status <= 699));
	return 0;
}
