/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of our devices: interfaces, locks, sockets of memif, drop counters, fds to wait on. owner: main thread, but for the wait. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "lcore/net/net.h"

/* Brings an interface up and gives it host_address with the prefix length of our address on that net. 0 or -errno. */
int rln_kernel_if_up(const char *iface, const struct rln_config_port *cfg);
/* A lock on using an interface by one kind of driver; it goes with the process, and holds in its network namespace. A descriptor, or -EADDRINUSE and others. */
int rln_kernel_if_lock(const char *kind, const char *iface);
void rln_kernel_if_unlock(int lock);
/* Packets toward us that the kernel dropped on this interface (its receive, or for a tap its send side); 0 when it does not say. */
uint64_t rln_kernel_if_dropped(const char *iface, bool on_send);
/* A memif socket file that nobody listens on is removed: it would make the next start fail. */
void rln_kernel_if_unlink_stale(const char *device);

/* Waits on the tap queues of one worker; freed with rln_free(). */
struct rln_port_wait *rln_kernel_if_wait_create(const struct rln_net_shared *net, unsigned worker);
