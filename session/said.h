/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of the media order (R155) that a session's application was told: the bits of rln_session.said. */
#pragma once

#define RLN_SAID_NEGOTIATED  1u
#define RLN_SAID_FLOW        2u
#define RLN_SAID_FIRST_FRAME 4u
#define RLN_SAID_CHANNELS    8u
