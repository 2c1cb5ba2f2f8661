/* SPDX-License-Identifier: BSD-3-Clause */
/* Route look-up and the names of a route's files. The table is at most RLN_CONFIG_ROUTES rows and asked once per call: a walk. */
#include "config/route.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

const struct rln_config_route *rln_config_route_find(const struct rln_config *config, const char *user)
{
	for (unsigned i = 0; i < config->routes_n; i++)
		if (fnmatch(config->routes[i].match, user, 0) == 0)
			return &config->routes[i];
	return NULL;
}

const char *rln_config_uri_user(const char *uri, char *out, size_t size)
{
	const char *colon = strpbrk(uri, ":<");
	const char *end;
	size_t len;

	out[0] = 0;
	if (colon && *colon == '<')
		colon = strchr(colon, ':');
	if (!colon)
		return out;
	end = strpbrk(++colon, "@>?");
	if (!end || *end != '@')
		return out;
	len = strcspn(colon, ":;@");
	if (len >= size)
		return out;
	memcpy(out, colon, len);
	out[len] = 0;
	return out;
}

struct out { /* a text that grows up to its room */
	char *p, *end;
};

static int put(struct out *o, const char *text, size_t len)
{
	if ((size_t)(o->end - o->p) <= len)
		return -ENAMETOOLONG;
	memcpy(o->p, text, len);
	o->p += len;
	*o->p = 0;
	return 0;
}

/* A name that came off the wire: it stays one plain component of a path. */
static int put_safe(struct out *o, const char *text)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-@";
	int rc = 0;

	for (const char *p = text; *p && rc == 0; p++)
		rc = put(o, strchr(safe, *p) && !(p == text && *p == '.') ? p : "_", 1);
	return rc;
}

/* "{user}" at `p` to its value; NULL for a name that we do not know. */
static const char *value_of(const char *p, size_t len, const struct rln_route_names *names)
{
	const struct {
		const char *name, *value;
	} known[] = {{"{user}", names->user}, {"{from}", names->from}, {"{call}", names->call}, {"{time}", names->time}};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && memcmp(known[i].name, p, len) == 0)
			return known[i].value ? known[i].value : "";
	return NULL;
}

/* A name inside a URI: what has a meaning there does not come from the wire. */
static int put_user(struct out *o, const char *text)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,%";
	int rc = 0;

	for (const char *p = text; *p && rc == 0; p++)
		if (strchr(safe, *p))
			rc = put(o, p, 1);
	return rc;
}

/* `pattern` with each {name} that stands in it written by `put_name`. */
static int expand(
	struct out *o, const char *pattern, const struct rln_route_names *names, int (*put_name)(struct out *o, const char *text))
{
	int rc = 0;

	while (rc == 0 && *pattern) {
		size_t len = strcspn(pattern, "{");
		const char *close, *value;

		rc = put(o, pattern, len);
		pattern += len;
		if (rc || !*pattern)
			break;
		close = strchr(pattern, '}');
		value = close ? value_of(pattern, (size_t)(close + 1 - pattern), names) : NULL;
		rc = value ? put_name(o, value) : -EINVAL;
		pattern = close ? close + 1 : "";
	}
	return rc;
}

int rln_config_route_path(char *out, size_t size, const char *folder, const char *pattern, const struct rln_route_names *names)
{
	struct out o = {out, out + size};
	int rc = size ? 0 : -ENAMETOOLONG;

	if (rc == 0 && *pattern != '/') {
		rc = put(&o, folder, strlen(folder));
		if (rc == 0 && *folder)
			rc = put(&o, "/", 1);
	}
	return rc ? rc : expand(&o, pattern, names, put_safe);
}

int rln_config_route_target(char *out, size_t size, const char *pattern, const struct rln_route_names *names)
{
	struct out o = {out, out + size};

	if (strstr(pattern, "{call}") || strstr(pattern, "{time}"))
		return -EINVAL;
	return size ? expand(&o, pattern, names, put_user) : -ENAMETOOLONG;
}
