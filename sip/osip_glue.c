/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libosip2's part in a parse: the syntax of Via and of the parameters behind a name-addr. Header by header and not
 * osip_message_parse(), which gives up on the whole message for one bad header (so nobody could be answered), refuses
 * unknown authentication schemes, copies every header and the body, and unescapes URIs. Its trace stays off: it prints
 * nothing.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "lcore/heap.h"
#include "sip/message_priv.h"

/*
 * osip's memory: chunks of lcore/heap that go back as a whole when the parse is over. osip makes a dozen objects for one
 * header, loses some of them when an allocation fails, and does not always say that one did: so nothing can leak, and
 * `starved` knows. Of one thread, since osip's allocator is global.
 */
#define CHUNK 2048

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[] __attribute__((aligned(16)));
};

static __thread struct chunk *chunks;
static __thread bool starved;

static void *allocate(size_t size)
{
	size_t need = (size + 31) & ~(size_t)15; /* 16 for the size, which realloc asks for */
	size_t room = need > CHUNK ? need : CHUNK;
	struct chunk *c = chunks;
	size_t *p;

	if (!c || c->size - c->used < need) {
		c = rln_alloc(sizeof(*c) + room);
		if (!c) {
			starved = true;
			return NULL;
		}
		*c = (struct chunk){.next = chunks, .size = room};
		chunks = c;
	}
	p = (size_t *)(c->data + c->used);
	c->used += need;
	*p = size;
	return p + 2;
}

static void *reallocate(void *old, size_t size)
{
	size_t had = old ? ((size_t *)old)[-2] : 0;
	void *p = allocate(size);

	if (p && had)
		memcpy(p, old, had < size ? had : size);
	return p;
}

static void release(void *p)
{
	(void)p;
}

/* The end of a parse: nothing of osip's is in use any more. Was an allocation refused? */
static bool release_all(void)
{
	bool was = starved;

	while (chunks) {
		struct chunk *c = chunks;

		chunks = c->next;
		rln_free(c);
	}
	starved = false;
	return was;
}

static void init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	osip_set_allocators(allocate, reallocate, release);
	parser_init();
}

void rln_sip_parser_init(void)
{
	init();
}

/* A text for osip out of our block. NUL stands behind it until give_back(); one inside (a quoted pair may hold it, RFC
 * 4475 3.1.1.2) is masked in a copy. */
struct borrowed {
	char *text, *end;
	char behind;
};

static bool borrow(struct rln_view *view, struct borrowed *b, const char *s, size_t len)
{
	struct rln_slice copy;

	b->text = (char *)(uintptr_t)s; /* in our own block, which nobody else knows yet */
	if (memchr(s, 0, len)) {
		copy = rln_view_put(view, s, len);
		if (view->out.full)
			return false;
		b->text = view->out.buf + copy.off;
		for (size_t i = 0; i < len; i++)
			b->text[i] = b->text[i] ? b->text[i] : '?';
	}
	b->end = b->text + len;
	b->behind = *b->end;
	*b->end = 0;
	return true;
}

static void give_back(struct borrowed *b)
{
	*b->end = b->behind;
}

/* Value of a parameter; len 0 when it is absent or has none. */
static struct rln_slice param(struct rln_view *view, osip_list_t *params, const char *name, bool *found)
{
	osip_generic_param_t *p = NULL;

	osip_generic_param_get_byname(params, (char *)(uintptr_t)name, &p); /* osip forgot the const */
	if (found)
		*found = p != NULL;
	return p && p->gvalue ? rln_view_put(view, p->gvalue, strlen(p->gvalue)) : (struct rln_slice){0, 0};
}

static int port_of(const char *s, uint16_t *port)
{
	unsigned n = 0;

	*port = 0;
	for (; *s >= '0' && *s <= '9' && n <= UINT16_MAX; s++)
		n = n * 10 + (unsigned)(*s - '0');
	if (*s || n == 0 || n > UINT16_MAX)
		return -EBADMSG;
	*port = (uint16_t)n;
	return 0;
}

/* Which transport stands there does not matter to who came by UDP, and another version's sender wants an answer too (RFC
 * 4475 3.1.2.16). */
static bool is_protocol(const osip_via_t *via, const char *value)
{
	size_t blanks = strspn(value, " ");
	const char *behind = value + blanks + 3;

	if (strncasecmp(value + blanks, "SIP", 3) != 0 || behind[strspn(behind, " ")] != '/')
		return false;
	return rln_sip_is_token(via->version, strlen(via->version)) && rln_sip_is_token(via->protocol, strlen(via->protocol));
}

static int take_via(struct rln_view *view, osip_via_t *via, const char *value)
{
	struct rln_sip_msg *msg = view->msg;
	uint16_t start = (uint16_t)view->out.len;
	bool is_v6 = strchr(via->host, ':') != NULL;

	if (!is_protocol(via, value) || via->host[0] == 0 || strpbrk(via->host, " <>\"@,;?"))
		return -EBADMSG;
	if (via->port && port_of(via->port, &msg->via_port) < 0)
		return -EBADMSG;
	if (strcmp(via->version, "2.0") != 0)
		rln_view_fault(view, 400, "Bad Via Version");
	rln_text_printf(&view->out, is_v6 ? "[%s]" : "%s", via->host);
	msg->via_host = (struct rln_slice){start, (uint16_t)(view->out.len - start)};
	rln_text_add(&view->out, "", 1);
	start = (uint16_t)view->out.len;
	rln_text_printf(&view->out, is_v6 ? "[%s]" : "%s", via->host);
	if (via->port)
		rln_text_printf(&view->out, ":%s", via->port);
	msg->sent_by = (struct rln_slice){start, (uint16_t)(view->out.len - start)};
	rln_text_add(&view->out, "", 1);
	return 0;
}

static int take_via_params(struct rln_view *view, osip_via_t *via)
{
	struct rln_sip_msg *msg = view->msg;
	struct rln_slice rport;

	msg->branch = param(view, &via->via_params, "branch", NULL);
	msg->via_maddr = param(view, &via->via_params, "maddr", NULL);
	msg->via_received = param(view, &via->via_params, "received", NULL);
	rport = param(view, &via->via_params, "rport", &msg->has_rport);
	if (view->out.full || !rport.len)
		return 0;
	return port_of(rln_sip_text(msg, rport), &msg->via_rport);
}

static int parse_via(struct rln_view *view, const char *value)
{
	osip_via_t *via = NULL;
	int rc = -EBADMSG;

	if (osip_via_init(&via) == OSIP_SUCCESS && osip_via_parse(via, value) == OSIP_SUCCESS && !starved)
		rc = take_via(view, via, value);
	if (rc == 0)
		rc = take_via_params(view, via);
	view->no_memory |= release_all();
	return rc;
}

int rln_osip_via(struct rln_view *view, const char *value, size_t len)
{
	struct borrowed b;
	char *params;
	int rc;

	if (!borrow(view, &b, value, len))
		return -EBADMSG;
	rc = parse_via(view, b.text);
	params = strchr(b.text, ';');
	if (rc == 0 && params && !rln_sip_params_are_sound(params, strlen(params)))
		rc = -EBADMSG;
	if (rc < 0 && params && !view->no_memory) { /* who sent it may be known all the same */
		*params = 0;
		parse_via(view, b.text);
		*params = ';';
	}
	give_back(&b);
	return rc;
}

static int parse_params(struct rln_view *view, const char *value, struct rln_slice *tag)
{
	osip_from_t *from = NULL;
	int rc = -EBADMSG;

	if (osip_from_init(&from) == OSIP_SUCCESS && osip_from_parse(from, value) == OSIP_SUCCESS && !starved)
		rc = 0;
	if (rc == 0 && tag)
		*tag = param(view, &from->gen_params, "tag", NULL);
	view->no_memory |= release_all();
	return rc;
}

int rln_osip_params(struct rln_view *view, const char *params, size_t len, struct rln_slice *tag)
{
	struct borrowed b;
	size_t start = view->out.len;
	int rc;

	if (len == 0)
		return 0;
	if (!rln_sip_params_are_sound(params, len))
		return -EBADMSG;
	/* osip has no call for parameters alone. The address before them, taken apart already, is a stand-in: osip knows
	 * few schemes. */
	rln_text_add(&view->out, "<sip:x@x.x>", 11);
	rln_text_add(&view->out, params, len);
	rln_text_add(&view->out, "", 1);
	if (view->out.full || !borrow(view, &b, view->out.buf + start, 11 + len))
		return -EBADMSG;
	rc = parse_params(view, b.text, tag);
	give_back(&b);
	return rc;
}
