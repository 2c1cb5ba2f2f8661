/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session hub (R25): handler of dialog_to_session, media_to_session, session_to_application and application_to_session on
 * the control lcore, and the session layer's one publisher. It turns a dialog's or leg's id into the session's by the registry
 * and feeds the machine; it decides nothing.
 *
 * An event of 3.2, 3.6 or 3.9 with a session's id is one that the machine shows to the application: it goes to the subscribers.
 * (The exceptions are the answers to CREATE_MEDIA_SESSION, which come before the leg has an id.)
 */
#pragma once

#include "lcore/event.h"

struct rln_coord;

/* An event toward the dialog layer or a worker; -EINVAL when its category is another. */
int rln_session_hub_send_to_dialog(struct rln_coord *coord, struct rln_event *ev);
int rln_session_hub_send_to_media(struct rln_coord *coord, struct rln_event *ev);
