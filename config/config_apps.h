/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of config.h: what answers calls (routes, queues, menus, plug-ins), and the sizes of texts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RLN_CONFIG_ROUTES      64
#define RLN_CONFIG_TARGETS     4  /* of a bridge, tried in order */
#define RLN_CONFIG_QUEUES      16
#define RLN_CONFIG_AGENTS      32 /* of a queue */
#define RLN_CONFIG_ANNOUNCE    8
#define RLN_CONFIG_MENUS       16
#define RLN_CONFIG_KEYS        16 /* of a menu */
#define RLN_CONFIG_DIGITS      9  /* bytes of one key, NUL included */
#define RLN_CONFIG_NAME        32 /* bytes, NUL included */
#define RLN_CONFIG_TEXT        128
#define RLN_CONFIG_PATH        256

enum rln_config_app {
	RLN_ROUTE_ECHO,
	RLN_ROUTE_PLAY,
	RLN_ROUTE_RECORD,
	RLN_ROUTE_TONE,
	RLN_ROUTE_REJECT,
	RLN_ROUTE_BRIDGE,
	RLN_ROUTE_QUEUE,
	RLN_ROUTE_MENU,
	RLN_ROUTE_PLUGIN,
};
enum rln_config_strategy { RLN_QUEUE_RING_ALL, RLN_QUEUE_ROUND_ROBIN, RLN_QUEUE_LONGEST_IDLE, RLN_QUEUE_LINEAR };

struct rln_config_route {             /* user part of a request URI to an application; the first match wins */
	char match[RLN_CONFIG_TEXT];  /* shell pattern: * ? [abc] */
	uint8_t app;                  /* enum rln_config_app */
	char file[RLN_CONFIG_PATH];   /* WAV to play (play), under media.prompts unless absolute; shared object (plugin) */
	char record[RLN_CONFIG_PATH]; /* WAV to write (record: required; echo, play, tone: optional), see route.h for {names} */
	bool stereo;                  /* record both directions: left received, right sent */
	uint32_t loop;                /* times to play; 0 = until hang-up; after the last one the call is hung up */
	uint16_t tone_hz;
	uint16_t code;    /* SIP status of reject */
	uint32_t ring_ms; /* ring this long before the answer; 0 = answer at once */
	uint16_t to_n;    /* bridge: who is called, in order until one answers; {user} and {from} as in record */
	char to[RLN_CONFIG_TARGETS][RLN_CONFIG_TEXT];
	uint32_t to_ring_s;  /* bridge: each of them rings this long */
	bool keep_from;      /* bridge: they see the caller's address */
	char queue[RLN_CONFIG_NAME], menu[RLN_CONFIG_NAME]; /* name of one of queues, menus */
	char options[RLN_CONFIG_PATH];                      /* plugin: handed to it as it is */
};

struct rln_config_handler { /* a plug-in that takes every call, in place of the routes; plugin "": none */
	char plugin[RLN_CONFIG_PATH], options[RLN_CONFIG_PATH];
	char folder[RLN_CONFIG_PATH]; /* relative names of shared objects start here */
};

struct rln_config_queue {
	char name[RLN_CONFIG_NAME];
	uint16_t agents_n, announce_n;
	char agents[RLN_CONFIG_AGENTS][RLN_CONFIG_TEXT]; /* SIP URIs */
	uint8_t strategy;                                /* enum rln_config_strategy */
	char music[RLN_CONFIG_PATH];                     /* WAV, "" = silence */
	char announce[RLN_CONFIG_ANNOUNCE][RLN_CONFIG_TEXT];
	uint32_t announce_every_s;
	bool position;           /* say the caller's place: digits/N.wav */
	uint32_t max_waiting;
	uint32_t timeout_s;      /* waiting longer: fallback; 0 = never */
	char fallback[RLN_CONFIG_TEXT]; /* SIP URI to bridge to, "" = hang up */
	uint32_t agent_ring_s, wrap_up_s, retry_s;
};

struct rln_config_action { /* what a menu does; at most one of those that lead away, behind a file or not */
	char digits[RLN_CONFIG_DIGITS]; /* the key that asks for it */
	char play[RLN_CONFIG_TEXT];
	char queue[RLN_CONFIG_NAME], menu[RLN_CONFIG_NAME];
	char bridge[RLN_CONFIG_TEXT], transfer[RLN_CONFIG_TEXT];
	bool hangup;
};

struct rln_config_menu {
	char name[RLN_CONFIG_NAME];
	char prompt[RLN_CONFIG_PATH];
	bool barge_in;             /* a digit stops the prompt; otherwise digits count when it has ended */
	uint32_t timeout_s;        /* without a digit behind the prompt */
	uint32_t digit_timeout_ms; /* between two digits of one key */
	uint32_t retries;          /* the prompt again, this many times */
	char invalid[RLN_CONFIG_TEXT]; /* WAV before the prompt comes again for a wrong key, "" = none */
	uint8_t max_digits;        /* 0 = as the longest key */
	uint16_t digits_n;
	struct rln_config_action digits[RLN_CONFIG_KEYS];
	struct rln_config_action on_timeout; /* after the retries; empty = hang up */
};
