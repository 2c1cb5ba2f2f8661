/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a user can set, as plain data: one struct per room, fixed sizes, no pointers, so a configuration is copied by
 * assignment and has nothing to free. schema.def is the list of keys with their bounds and defaults; parse.h fills this,
 * check.h judges it. Owner: whoever holds it; constant once the lcores run.
 *
 * This room stands left of lcore/, so addresses and codecs have types of their own here, with the same bytes and numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config_apps.h"

#define RLN_CONFIG_PORTS       8  /* as RLN_NET_PORTS */
#define RLN_CONFIG_PORT_ADDRS  16 /* local addresses of one port; all ports: RLN_CONFIG_ADDRS */
#define RLN_CONFIG_ADDRS       64
#define RLN_CONFIG_PORT_ROUTES 16 /* static routes of one port; all ports, gateways included: RLN_CONFIG_NET_ROUTES */
#define RLN_CONFIG_NET_ROUTES  32
#define RLN_CONFIG_HOSTS       64
#define RLN_CONFIG_REGISTRATIONS 16
#define RLN_CONFIG_WORKERS     32 /* as RLN_WORKERS_MAX */
#define RLN_CONFIG_CODECS      4

struct rln_config_ip { /* the bytes of rln_addr.ip: network order, IPv4 mapped; all zero = not set */
	uint8_t b[16];
};

struct rln_config_prefix {
	struct rln_config_ip ip;
	uint8_t len; /* 0..128; IPv4 lengths count 96 more, as rln_net_prefix */
};

enum rln_config_hugepages { RLN_HUGEPAGES_AUTO, RLN_HUGEPAGES_ON, RLN_HUGEPAGES_OFF };
enum rln_config_idle_mode { RLN_IDLE_ADAPTIVE, RLN_IDLE_POLL };
enum rln_config_checksum { RLN_CHECKSUM_FULL, RLN_CHECKSUM_PARTIAL_OK };
enum rln_config_codec { RLN_CONFIG_PCMU = 1, RLN_CONFIG_PCMA = 2 }; /* numbers of enum rln_codec (lcore/types.h) */
enum rln_config_level { RLN_CONFIG_ERROR, RLN_CONFIG_WARNING, RLN_CONFIG_INFO, RLN_CONFIG_DEBUG }; /* of enum rln_log_level */
enum rln_config_trace { RLN_TRACE_OFF, RLN_TRACE_ON, RLN_TRACE_MESSAGES };
enum rln_config_reliable { RLN_CONFIG_RELIABLE_OFF, RLN_CONFIG_RELIABLE_SUPPORTED, RLN_CONFIG_RELIABLE_REQUIRED }; /* of enum rln_reliable_mode */
enum rln_config_colour { RLN_COLOUR_AUTO, RLN_COLOUR_ON, RLN_COLOUR_OFF };

#define RLN_CPU_AUTO (-1)

struct rln_config_runtime {
	uint8_t hugepages;                        /* enum rln_config_hugepages */
	bool telemetry;                           /* DPDK's telemetry socket */
	uint16_t workers;                         /* 0 = auto: one per CPU beyond the first, at least one */
	int16_t main_cpu, control_cpu;            /* RLN_CPU_AUTO: chosen at start */
	uint16_t worker_cpus_n;                   /* 0 = auto */
	uint16_t worker_cpus[RLN_CONFIG_WORKERS]; /* worker k runs on worker_cpus[k % n] */
	uint32_t memory_mb;                       /* ceiling of packet memory; 0 = auto: from the limits */
	char prefix[RLN_CONFIG_NAME];             /* EAL file prefix; also names the telemetry socket and the lock */
	char eal_args[RLN_CONFIG_PATH];           /* further EAL arguments, separated by blanks */
};

struct rln_config_idle {
	uint8_t mode;     /* enum rln_config_idle_mode; POLL never sleeps */
	uint32_t spin_us; /* as rln_idle_cfg of lcore/loop.h */
	uint32_t sleep_min_us, sleep_max_us, sleep_quiet_us;
};

struct rln_config_net_route {
	struct rln_config_prefix to;
	struct rln_config_ip via;
};

struct rln_config_port {
	char name[RLN_CONFIG_NAME];   /* ours, for logs and telemetry */
	char device[RLN_CONFIG_PATH]; /* "net_tap0,iface=rl0", "0000:03:00.0,args", see device.h */
	uint16_t addresses_n;
	struct rln_config_prefix addresses[RLN_CONFIG_PORT_ADDRS];
	struct rln_config_ip host_address; /* tap: given to the kernel's side, with the prefix length of the address on its net */
	struct rln_config_ip gateway4, gateway6;
	uint16_t routes_n;
	struct rln_config_net_route routes[RLN_CONFIG_PORT_ROUTES];
	uint16_t vlan;      /* 0 = untagged */
	uint16_t mtu;       /* bytes of IP; 0 = the device's own, at most 1500 */
	uint16_t queues;    /* 0 = auto: one per worker, as far as the device has them */
	uint16_t mbuf_room; /* data room of a packet buffer in bytes, headroom not counted; 0 = auto */
	uint8_t checksum;   /* enum rln_config_checksum */
	bool mac_set;
	uint8_t mac[6];
};

struct rln_config_host {
	char name[RLN_CONFIG_TEXT]; /* as it stands in a URI; compared without case */
	struct rln_config_ip address;
};

struct rln_config_sip {
	uint16_t port;
	char name[RLN_CONFIG_NAME];   /* user part of our own address */
	char domain[RLN_CONFIG_TEXT]; /* host part of From; empty = the local address */
	char user_agent[RLN_CONFIG_TEXT];
	uint32_t t1_ms, t2_ms, t4_ms; /* RFC 3261 17.1.1.1 */
	uint32_t max_transactions, max_dialogs;
	uint32_t retry_after_s; /* in a 503 */
	uint8_t accept_transfers; /* REFER of the peers of routed calls */
	uint32_t session_expires_s, min_se_s; /* RFC 4028; 0: we ask for no session timer */
	uint8_t reliable_provisionals;        /* enum rln_config_reliable */
	uint16_t hosts_n;
	struct rln_config_host hosts[RLN_CONFIG_HOSTS];
};

struct rln_config_rtp {
	uint16_t port_min, port_max; /* even RTP, odd RTCP; port_max is the last RTCP port */
	uint16_t codecs_n;
	uint8_t codecs[RLN_CONFIG_CODECS]; /* enum rln_config_codec, best first */
	uint8_t ptime_ms, loss_limit_pct; /* the limit: R84; 0 = off */
	uint8_t telephone_event;          /* payload type that we offer; 0 = off */
	uint32_t rtcp_interval_ms;
	uint32_t quality_interval_ms;                /* R81; 0 = off */
	uint32_t rtp_timeout_s, first_rtp_timeout_s; /* R85; 0 = off */
	bool latching;                               /* symmetric RTP: send to where packets come from */
	uint32_t latch_timeout_ms;                   /* a latched source may be replaced only after this long without packets from it */
};

struct rln_config_media {
	char recordings[RLN_CONFIG_PATH]; /* relative names of recordings start here */
	char prompts[RLN_CONFIG_PATH];    /* relative names of files to play start here */
	uint32_t file_blocks;             /* buffers of each worker, 8 kB; two for a recording */
};

struct rln_config_limits {
	uint32_t calls;            /* at once */
	uint32_t calls_per_second; /* new calls that are admitted; 0 = no limit */
	uint32_t ring_timeout_s;   /* 480 after ringing this long */
	uint32_t transfer_timeout_s;
};

struct rln_config_log {
	uint8_t level;  /* enum rln_config_level */
	uint8_t colour; /* enum rln_config_colour */
	uint8_t trace;  /* enum rln_config_trace: every event with its cause */
};

struct rln_config_registration { /* the server's own address of record at somebody's registrar */
	char uri[RLN_CONFIG_TEXT];
	char registrar[RLN_CONFIG_TEXT]; /* URI or host[:port]; empty = the host of uri */
	char user[64], password[128];    /* answers to challenges, of REGISTER and of the server's calls; empty = none */
	char realm[RLN_CONFIG_TEXT];     /* calls: the realm that they are for; empty = the host of uri */
	char contact[RLN_CONFIG_TEXT];   /* URI; empty = our address and port */
	uint32_t expires_s;
};

struct rln_config {
	struct rln_config_runtime runtime;
	struct rln_config_idle idle;
	struct rln_config_sip sip;
	struct rln_config_rtp rtp;
	struct rln_config_media media;
	struct rln_config_limits limits;
	struct rln_config_log log;
	struct rln_config_handler handler;
	uint16_t ports_n, routes_n, queues_n, menus_n, registrations_n;
	struct rln_config_port ports[RLN_CONFIG_PORTS];
	struct rln_config_route routes[RLN_CONFIG_ROUTES];
	struct rln_config_queue queues[RLN_CONFIG_QUEUES];
	struct rln_config_menu menus[RLN_CONFIG_MENUS];
	struct rln_config_registration registrations[RLN_CONFIG_REGISTRATIONS];
};

/* ---- what other rooms ask of it; config/schema.c, parse.c, device.c, route.c ---- */

/* The embedded default: what holds when no file says otherwise. */
void rln_config_defaults(struct rln_config *out);

static inline bool rln_config_ip_is_set(const struct rln_config_ip *ip)
{
	static const struct rln_config_ip none = {{0}};

	return __builtin_memcmp(ip, &none, sizeof(none)) != 0;
}

static inline bool rln_config_ip_is_v4(const struct rln_config_ip *ip)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return __builtin_memcmp(ip->b, mapped, sizeof(mapped)) == 0;
}
