/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configured network devices, brought up one by one and named in every error; what the IP stack must know of them goes into struct
 * rln_net_shared. owner: the main thread; constant while lcores run.
 */
#pragma once

#include "config/config.h"
#include "lcore/net/net.h"

struct rln_ports;

/*
 * Packet pool, devices, queues, addresses, routes and the rings between workers. `net` is filled but for owner_of. 0 or -errno, the reason
 * logged with the port's name; on failure everything is undone.
 */
int rln_ports_open(struct rln_ports **out, const struct rln_config *config, unsigned workers, struct rln_net_shared *net)
	__attribute__((warn_unused_result));
/* Stops and closes every device. After the lcores ended. Returns packet buffers that were still in use then: 0 (af_xdp's are not counted). */
unsigned rln_ports_close(struct rln_ports *ports);
/* Idle wait of a worker: until one of its tap queues has a packet, at most `us`. Devices without an fd: a plain sleep. */
struct rln_port_wait;
struct rln_port_wait *rln_ports_wait_of(struct rln_ports *ports, unsigned worker);
void rln_ports_wait(void *wait, uint32_t us);
/* Packets that the devices say they lost on receive: imissed, ierrors, rx_nombuf, and for tap and af_xdp the kernel's own drop counters. */
struct rln_port_losses {
	uint64_t imissed, ierrors, rx_nombuf, kernel_dropped;
};
void rln_ports_losses(const struct rln_ports *ports, unsigned port, struct rln_port_losses *out);
