/* SPDX-License-Identifier: BSD-3-Clause */
/* Construction of the dialog layer and calls in one step; see dialog_api.h. */
#include "sip/dialog_api.h"

#include <errno.h>

#include "sip/dialog_priv.h"

struct rln_dialogs *rln_dialog_api_new(
	struct rln_transport *transactions, const struct rln_dialogs_cfg *config, struct rln_bus *bus)
{
	struct rln_dialogs_cfg cfg = *config;
	struct rln_dialogs *dialogs = NULL;
	int rc;

	cfg.transport = transactions;
	cfg.bus = bus;
	rc = rln_dialogs_create(&dialogs, &cfg);
	if (rc != 0)
		errno = -rc;
	return dialogs;
}

int rln_dialog_set_transport(struct rln_dialogs *dialogs, struct rln_transport *transport)
{
	if (rln_dialogs_in_use(dialogs) > 0)
		return -EBUSY;
	dialogs->cfg.transport = transport;
	dialogs->txns = rln_transport_txns(transport);
	return 0;
}

struct rln_dialog_id rln_dialog_send_invite_with_details(struct rln_dialogs *dialogs, const struct rln_dialog_call *call)
{
	struct rln_dialog_id id = rln_dialog_create(dialogs, call->from, call->to);
	int rc = 0;

	if (!id.v)
		return id;
	if (call->local_port)
		rc = rln_dialog_set_local_port(dialogs, id, call->local_port);
	if (rc == 0)
		rc = rln_dialog_send_invite(dialogs, id, call->sdp, call->headers);
	if (rc == 0)
		return id;
	rln_dialog_release(dialogs, id);
	errno = -rc;
	return (struct rln_dialog_id){0};
}

struct rln_dialog_id rln_dialog_make_call(struct rln_dialogs *dialogs, const char *from, const char *to, const char *sdp)
{
	return rln_dialog_send_invite_with_details(dialogs, &(struct rln_dialog_call){.from = from, .to = to, .sdp = sdp});
}
