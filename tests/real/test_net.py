#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The IP stack against a kernel: echo and fragments of both families over tap and veth, refusals, lost neighbours, unfinished checksums."""
import errno
import os
import re
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import RINGLANE, check, config, main, sh, telemetry, test  # noqa: E402

OURS4, OURS6 = '198.18.0.1', '2001:db8::1'
ADDRESSES = f'{OURS4}/24, "{OURS6}/64"'


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ping(host, size, times=20):
    """Echo requests of random bytes; each answer must carry the same bytes, its checksum right."""
    v6 = ':' in host
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, 58 if v6 else 1) as s:
        for i in range(times):
            data, tail = os.urandom(size), struct.pack('>HH', os.getpid() & 0xffff, i)
            sent = struct.pack('>BBH', 128 if v6 else 8, 0, 0) + tail + data
            if not v6:
                sent = sent[:2] + struct.pack('>H', checksum(sent)) + sent[4:]
            s.sendto(sent, (host, 0))
            end = time.monotonic() + 5
            while True:
                s.settimeout(max(0.01, end - time.monotonic()))
                got = s.recv(65535)
                got = got if v6 else got[(got[0] & 15) * 4:]
                if got[0] == (129 if v6 else 0) and got[4:8] == tail:
                    break
            check(got[8:] == data, f'{host}: echo of {size} bytes came back changed')
            check(v6 or checksum(got) == 0, f'{host}: checksum of an echo reply')


def ask(host, filler=0):
    """OPTIONS by UDP, `filler` bytes longer than it need be; the status line of the answer."""
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((host, 5060))
        at = f'[{host}]' if ':' in host else host
        me = s.getsockname()
        me = f'[{me[0]}]:{me[1]}' if ':' in me[0] else f'{me[0]}:{me[1]}'
        s.send((f'OPTIONS sip:echo@{at} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{os.urandom(6).hex()}\r\nMax-Forwards: 70\r\n'
                f'From: <sip:t@{me}>;tag=a\r\nTo: <sip:echo@{at}>\r\nCall-ID: {os.urandom(6).hex()}@t\r\nCSeq: 1 OPTIONS\r\n'
                f'X-Filler: {"x" * filler}\r\nContent-Length: 0\r\n\r\n').encode())
        return s.recv(65535).decode().split('\r\n')[0]


def refused(host):
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((host, 9))
        s.send(b'x')
        try:
            s.recv(1)
        except ConnectionRefusedError:
            return
    check(False, f'{host}: an answer from a closed port')


def all_of_it(fragments):
    for host in (OURS4, OURS6):
        for size in (0, 56, 1400) + ((3000, 9000) if fragments else ()):
            ping(host, size)
        check(ask(host) == 'SIP/2.0 200 OK', f'{host}: OPTIONS')
        if fragments:
            check(ask(host, 4000) == 'SIP/2.0 200 OK', f'{host}: OPTIONS in fragments')
        refused(host)


def counters(server):
    return telemetry(server, '/ringlane/counters')


def ends_well(server):
    """Its own check of the packet ledger is a warning at the end."""
    check(server.stop() == 0, server.tail())
    check('ledger' not in server.text(), server.tail())


def here(w):
    """A veth between us (with addresses) and a host for ringlane."""
    other = w.host()
    w.veth(other, w.here, 'ra', 'rk')
    sh('sysctl', '-qw', 'net.ipv6.conf.ra.disable_ipv6=1', ns=other)
    sh('ip', 'addr', 'add', '198.18.0.2/24', 'dev', 'rk')
    sh('ip', 'addr', 'add', '2001:db8::2/64', 'dev', 'rk', 'nodad')
    return other


@test
def net_tap(w):
    sh('ip', 'link', 'set', 'lo', 'up')
    s = w.ringlane(config('rl0', ADDRESSES, 'net_tap0', 'host_address: 198.18.0.2').replace('workers: 1', 'workers: 2'))
    sh('ip', 'addr', 'add', '2001:db8::2/64', 'dev', 'rl0', 'nodad')
    all_of_it(fragments=True)
    c = counters(s)
    check(c['eaten_fragment'] > 0 and c['drop_udp_port'] == 2 and c['drop_ip_checksum'] == 0, c)
    ends_well(s)


@test
def net_af_packet(w):
    """One queue for two workers: frames change hands both ways. No fragments: the kernel joins and then cuts them."""
    other = here(w)
    s = w.ringlane(config('ra', ADDRESSES).replace('workers: 1', 'workers: 2'), ns=other)
    all_of_it(fragments=False)
    check(counters(s)['udp_checksum_partial'] == 0, 'a checksum was unfinished')
    ends_well(s)


@test
def net_partial_checksums(w):
    """The kernel leaves UDP checksums to a device that veth is not: refused as it stands, accepted where the port says so."""
    other = here(w)
    sh('ethtool', '-K', 'rk', 'tx', 'on')
    s = w.ringlane(config('ra', ADDRESSES, port='checksum: partial_ok'), ns=other)
    all_of_it(fragments=False)
    check(counters(s)['udp_checksum_partial'] > 0, 'no checksum was unfinished')
    ends_well(s)
    s = w.ringlane(config('ra', ADDRESSES), ns=other)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.sendto(b'x', (OURS4, 5060))
    ping(OURS4, 56, 1)  # comes behind it
    check(counters(s)['drop_udp_checksum'] > 0, 'an unfinished checksum was accepted')
    ends_well(s)


@test
def net_af_xdp(w):
    """Fragments reach us as they are; needs BPF, so root outside of a user namespace."""
    if Path('/proc/self/uid_map').read_text().split()[:2] != ['0', '0'] or '4294967295' not in Path('/proc/self/uid_map').read_text():
        print('        net_af_xdp: not root of the machine, left out', flush=True)
        return
    other = here(w)
    s = w.ringlane(config('ra', ADDRESSES, 'net_af_xdp0'), ns=other)
    all_of_it(fragments=True)
    ends_well(s)


@test
def net_second_on_one_tap(w):
    conf = config('rl0', ADDRESSES, 'net_tap0', 'host_address: 198.18.0.2')
    s = w.ringlane(conf)
    run = w.dir / 'second'
    run.mkdir()
    r = subprocess.run([RINGLANE, 'serve', '-c', w.file('second.yaml', conf)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=30, env={**os.environ, 'RUNTIME_DIRECTORY': str(run)})
    check(r.returncode != 0 and 'another ringlane already has rl0' in r.stdout + r.stderr, f'exit {r.returncode}\n{r.stdout}{r.stderr}')
    ping(OURS4, 56)
    ends_well(s)


def failed_call(w, other, target, error):
    """The call ends by the network's own answer, not by a timer of SIP (ETIMEDOUT)."""
    call = w.ringlane(config('ra', ADDRESSES), ns=other, ready=None, args=('call', target, '--duration', 5, '--trace'))
    check(call.wait(30) != 0, f'{target}: the call succeeded\n{call.tail()}')
    check(re.search(rf'TRANSPORT_ERROR transaction_id=\S+ error={error}\b', call.text()), f'{target}: it did not fail by error {error}\n{call.tail()}')


@test
def net_unreachable(w):
    """A refused port ends a call at once, a silent neighbour after three questions; neither waits for SIP's 32 s."""
    other = here(w)
    failed_call(w, other, 'sip:bob@198.18.0.2:5061', errno.ECONNREFUSED)
    failed_call(w, other, 'sip:bob@[2001:db8::2]:5061', errno.ECONNREFUSED)
    failed_call(w, other, 'sip:bob@198.18.0.77', errno.EHOSTUNREACH)


if __name__ == '__main__':
    sys.exit(main())
