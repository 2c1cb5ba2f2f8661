/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine as applications may read it (R134, R135): registry, state table, and the entrance for a transport of their own. */
#include <errno.h>
#include <string.h>

#include "session/actions.h"
#include "session/api_priv.h"
#include "session/coord_priv.h"
#include "session/fsm.h"
#include "sip/message.h"

/* ---- registry ---- */

const struct rln_registry *rln_coordinator_registry(const struct rln_coordinator *c)
{
	return c->api->coord ? rln_coord_registry(c->api->coord) : NULL;
}

static void fill(struct rln_call_info *out, const struct rln_registry_entry *e)
{
	*out = (struct rln_call_info){.session = e->session,
		.dialog = e->dialog,
		.media = e->media,
		.state = (enum rln_call_state)e->state,
		.role = (enum rln_call_role)e->role};
}

int rln_registry_lookup(const struct rln_registry *registry, uint64_t id, struct rln_call_info *out)
{
	struct rln_registry_entry e;

	if (!registry || !rln_registry_find(registry, id, &e))
		return -ENOENT;
	fill(out, &e);
	return 0;
}

size_t rln_registry_list(const struct rln_registry *registry, struct rln_call_info *out, size_t max)
{
	struct rln_registry_entry e;
	uint32_t cursor = 0;
	size_t n = 0;

	while (registry && n < max && rln_registry_next(registry, &cursor, &e))
		fill(&out[n++], &e);
	return n;
}

/* ---- state table ---- */

const struct rln_machine *rln_coordinator_machine(const struct rln_coordinator *c)
{
	return c->api->coord ? c->api->coord->machine : NULL;
}

static void fill_row(struct rln_machine_row *out, const struct rln_row *row, enum rln_call_state state)
{
	*out = (struct rln_machine_row){.verdict = (enum rln_machine_verdict)row->kind,
		.guard = row->guard ? rln_guard_name(row->guard) : "",
		.returns = row->kind == RLN_ROW_GO && row->next == RLN_NEXT_RETURN,
		.next = row->kind == RLN_ROW_GO && row->next < RLN_STATE_COUNT ? (enum rln_call_state)row->next : state,
		.code = row->code,
		.why = row->why ? row->why : ""};
	for (unsigned i = 0; i < RLN_MACHINE_NAMES && row->kind == RLN_ROW_GO && row->actions[i]; i++)
		out->actions[i] = rln_action_name(row->actions[i]);
}

_Static_assert(RLN_MACHINE_NAMES >= RLN_ROW_ACTIONS, "every action has room");
_Static_assert(RLN_VERDICT_GO == (int)RLN_ROW_GO && RLN_VERDICT_IGNORE == (int)RLN_ROW_IGNORE &&
		       RLN_VERDICT_REJECT == (int)RLN_ROW_REJECT && RLN_VERDICT_DEFER == (int)RLN_ROW_DEFER,
	"one meaning");

size_t rln_machine_rows(const struct rln_machine *machine, enum rln_call_state state, enum rln_call_role role,
	const struct rln_event *event, struct rln_machine_row *out, size_t max)
{
	const struct rln_row *rows[16];
	enum rln_column column = rln_column_of(event);
	size_t n;

	if (!machine || column == RLN_COL_NONE || state >= RLN_STATE_COUNT || role >= RLN_ROLE_COUNT)
		return 0;
	n = rln_table_cell(rln_table(), state, column, role, rows, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < n && i < max && i < sizeof(rows) / sizeof(rows[0]); i++)
		fill_row(&out[i], rows[i], state);
	return n;
}

/* ---- a transport of the application's own ---- */

static struct rln_slice put(char *data, size_t *at, const char *text)
{
	struct rln_slice slice = {(uint16_t)*at, (uint16_t)(text ? strlen(text) : 0)};

	if (!text)
		return (struct rln_slice){0, 0};
	memcpy(data + *at, text, slice.len + 1u);
	*at += slice.len + 1u;
	return slice;
}

/* The INVITE as the interceptor reads it: a parsed message with nothing in it but whom it is for. */
static int invite(const struct rln_coordinator *c, const struct rln_transport_event *event, struct rln_event *ev)
{
	size_t at = sizeof(struct rln_sip_msg);
	size_t size = at + strlen(event->from) + strlen(event->to) + (event->sdp ? strlen(event->sdp) : 0) + 4;
	struct rln_ev_incoming_call *call = &ev->incoming_call;
	struct rln_sip_msg *msg;

	if (size > UINT16_MAX)
		return -EINVAL;
	call->block = rln_block_alloc(size);
	msg = rln_block_data(call->block);
	if (!msg)
		return -ENOBUFS;
	memset(msg, 0, sizeof(*msg));
	msg->block = call->block;
	msg->local.port = c->port;
	msg->max_forwards = msg->expires = -1; /* absent */
	call->from = put((char *)msg, &at, event->from);
	call->to = put((char *)msg, &at, event->to);
	call->sdp_offer = put((char *)msg, &at, event->sdp);
	call->call_id = call->headers = put((char *)msg, &at, "");
	ev->kind = RLN_EV_INCOMING_CALL;
	if (rln_sip_uri_parse(&msg->request_uri, event->to, strlen(event->to)) != 0) {
		rln_block_release(call->block);
		return -EINVAL;
	}
	/* The parser's slices count from the URI's first byte. */
	msg->request_uri.text.off = (uint16_t)(msg->request_uri.text.off + call->to.off);
	msg->request_uri.user.off = (uint16_t)(msg->request_uri.user.off + call->to.off);
	msg->request_uri.host.off = (uint16_t)(msg->request_uri.host.off + call->to.off);
	return 0;
}

static enum rln_call_progress progress_of(uint16_t status, bool has_sdp)
{
	if (status == 100)
		return RLN_CALL_TRYING;
	if (status < 200)
		return has_sdp ? RLN_CALL_PROGRESS : RLN_CALL_RINGING;
	if (status < 400)
		return RLN_CALL_REDIRECTED;
	if (status == 401 || status == 407)
		return RLN_CALL_CHALLENGED;
	if (status == 422)
		return RLN_CALL_INTERVAL_TOO_SMALL;
	return status == 491 ? RLN_CALL_GLARE : RLN_CALL_REFUSED;
}

static int response(const struct rln_transport_event *event, struct rln_event *ev)
{
	rln_block_ref block = 0;
	struct rln_slice sdp = {0, 0};

	if (event->status < 100 || event->status > 699)
		return -EINVAL;
	if (event->sdp) {
		block = rln_block_from_text(event->sdp, strlen(event->sdp), &sdp);
		if (!block)
			return -ENOBUFS;
	}
	if (event->status / 100 == 2) {
		ev->kind = RLN_EV_CALL_ESTABLISHED;
		ev->call_established = (struct rln_ev_sdp){.block = block, .sdp = sdp};
	} else {
		ev->kind = RLN_EV_CALL_STATE_CHANGED;
		ev->call_state_changed = (struct rln_ev_call_state_changed){.block = block,
			.sdp = sdp,
			.status = event->status,
			.new_state = (uint8_t)progress_of(event->status, event->sdp != NULL)};
	}
	return 0;
}

int rln_coordinator_handle_transport_event(struct rln_coordinator *c, const struct rln_transport_event *event)
{
	struct rln_event ev = {.id = event->dialog.v};
	int rc = -EINVAL;

	if (!c->started)
		return -ENOTCONN;
	if (rln_id_type(event->dialog.v) != RLN_ID_DIALOG)
		return -EINVAL;
	if (event->kind == RLN_TRANSPORT_INCOMING_INVITE)
		rc = event->from && event->to ? invite(c, event, &ev) : -EINVAL;
	else if (event->kind == RLN_TRANSPORT_RESPONSE)
		rc = response(event, &ev);
	return rc == 0 ? rln_session_hub_publish_event(c->api->coord, &ev) : rc;
}
