# SPDX-License-Identifier: BSD-3-Clause
"""Real peers in network namespaces that the test makes and removes itself.

run.sh puts this process into namespaces of its own (user namespace too, when not root). Here `host()` adds further ones, joined
by veth pairs; each is held by a process that waits on a pipe and goes when we go. Nothing here sleeps: every wait is on a line
of output, a socket or an exit, with a timeout.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get('BUILD', TOP / 'build/gcc'))
RINGLANE = BUILD / 'ringlane'
SPEECH = Path('/usr/share/asterisk/sounds/en_US_f_Allison')


def config(iface='rl', addresses='198.18.0.1/24', device='net_af_packet0', port='', more='', prefix=None):
    """A configuration on one port; `port` adds keys to it, `more` adds top-level keys."""
    lines = [f'runtime: {{prefix: "{prefix or "t" + str(os.getpid())}", workers: 1, telemetry: on}}', 'ports:', f'  - name: {iface}',
             f'    device: "{device},iface={iface}"', f'    addresses: [{addresses}]'] + [f'    {x}' for x in port.splitlines()]
    return '\n'.join(lines) + '\n' + more


def lose(router, *match, every=1000, first=0):
    """On a router: the packet number `first` of those that match, and every `every`-th after it, is lost."""
    sh('iptables', '-A', 'FORWARD', '-p', 'udp', *match, '-m', 'statistic', '--mode', 'nth', '--every', every, '--packet', first, '-j', 'DROP', ns=router)


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def sh(*args, ns=None, **kw):
    """Runs a command to its end; raises with its output when it fails."""
    cmd = [str(a) for a in args]
    if ns:
        cmd = ns.enter + cmd
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=kw.pop('timeout', 30), **kw)
    if r.returncode:
        raise Failed(f'{" ".join(cmd)}: exit {r.returncode}\n{r.stdout}{r.stderr}')
    return r.stdout


class Proc:
    """A process whose output is read as it comes, so that a test can wait for a line."""

    def __init__(self, cmd, ns=None, env=None, cwd=None, name=None, stdin=subprocess.DEVNULL):
        self.cmd = (ns.enter if ns else []) + [str(c) for c in cmd]
        self.name = name or Path(str(cmd[0])).name
        self.lines = []
        self.at = {}
        self.changed = threading.Condition()
        self.p = subprocess.Popen(self.cmd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
                                  env={**os.environ, **(env or {})}, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for raw in self.p.stdout:
            with self.changed:
                self.lines.append(raw.decode(errors='replace').rstrip('\n'))
                self.changed.notify_all()
        self.p.wait()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def expect(self, pattern, timeout=10.0, lane=''):
        """The first match in a line not looked at before in this lane; fails when the process ends or the time is over."""
        rx = re.compile(pattern)
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                while self.at.setdefault(lane, 0) < len(self.lines):
                    line = self.lines[self.at[lane]]
                    if line is None:
                        raise Failed(f'{self.name} ended before «{pattern}»:\n{self.tail()}')
                    self.at[lane] += 1
                    m = rx.search(line)
                    if m:
                        return m
                if not self.changed.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    raise Failed(f'{self.name}: no «{pattern}» in {timeout} s:\n{self.tail()}')

    def say(self, line):
        """A line to its standard input."""
        self.p.stdin.write(line.encode() + b'\n')
        self.p.stdin.flush()

    def do(self, command, result=0, timeout=15.0):
        """A command of drive.c, and what must come of it."""
        self.say(command)
        got = int(self.expect(f'^done {re.escape(command)}: (-?[0-9]+)', timeout, lane='done').group(1))
        check(result is None or got == result, f'{self.name}: {command}: {got}, not {result}\n{self.tail()}')
        return got

    def wait(self, timeout=30.0):
        try:
            code = self.p.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGKILL)
            raise Failed(f'{self.name} still runs after {timeout} s:\n{self.tail()}') from None
        self.reader.join(5)
        return code

    def ok(self, timeout=30.0):
        code = self.wait(timeout)
        check(code == 0, f'{self.name}: exit {code}\n{self.tail()}')
        return self

    def stop(self, sig=signal.SIGTERM, timeout=15.0):
        if self.p.poll() is None:
            self.p.send_signal(sig)
            try:
                self.p.wait(timeout)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
                raise Failed(f'{self.name} did not end {timeout} s after signal {sig}:\n{self.tail()}') from None
        self.reader.join(5)
        return self.p.returncode

    def text(self):
        with self.changed:
            return '\n'.join(x for x in self.lines if x is not None)

    def tail(self, n=40):
        return '\n'.join(f'  | {x}' for x in self.lines[-n:] if x is not None)


class Host:
    """A network namespace; the harness's own one has pid None."""

    def __init__(self, pid=None, holder=None):
        self.pid, self.holder = pid, holder
        self.enter = ['nsenter', '-t', str(pid), '-n'] if pid else []


class World:
    """One test's namespaces, processes and files; everything goes at exit, every link of this namespace with it."""

    def __init__(self, name):
        if os.environ.get('RLN_OUTER_NET', '') in ('', os.readlink('/proc/self/ns/net')):
            sys.exit('this would take down the links of the machine: tests/real/run.sh python3 ...')
        self.name = name
        self.dir = Path(tempfile.mkdtemp(prefix=f'ringlane-{name}-'))
        self.procs, self.hosts = [], []
        self.here = Host()

    def host(self):
        # `cat` waits on our pipe: when we end, however that is, it ends, and the namespace with it.
        p = subprocess.Popen(['unshare', '--net', 'sh', '-c', 'ip link set lo up; echo up; exec cat'],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        check(p.stdout.readline() == b'up\n', 'no network namespace can be made here')
        h = Host(p.pid, p)
        self.hosts.append(h)
        return h

    def veth(self, a, b, name_a, name_b):
        """A veth pair with an end in each host, up, without addresses of the kernel's own making, checksums complete."""
        sh('ip', 'link', 'add', name_a, 'type', 'veth', 'peer', 'name', name_b)
        for h, n in ((a, name_a), (b, name_b)):
            if h.pid:
                sh('ip', 'link', 'set', n, 'netns', h.pid)
            sh('ethtool', '-K', n, 'tx', 'off', ns=h)
            sh('ip', 'link', 'set', n, 'up', ns=h)

    def wire(self, kernel_addr='198.18.0.2/24', kernel_addr6=None):
        """ringlane's host and a kernel host on one wire: (ours, theirs); our end is veth `rl`, theirs `k` with an address."""
        ours, theirs = self.host(), self.host()
        self.veth(ours, theirs, 'rl', 'k')
        sh('sysctl', '-qw', 'net.ipv6.conf.rl.disable_ipv6=1', ns=ours)
        sh('ip', 'addr', 'add', kernel_addr, 'dev', 'k', ns=theirs)
        if kernel_addr6:
            sh('ip', 'addr', 'add', kernel_addr6, 'dev', 'k', 'nodad', ns=theirs)
        return ours, theirs

    def routed(self):
        """ringlane's host, a router that can lose packets without the sender knowing, and a kernel host 198.18.1.2: (ours, router, theirs)."""
        ours, router, theirs = self.host(), self.host(), self.host()
        self.veth(ours, router, 'rl', 'r0')
        self.veth(router, theirs, 'r1', 'k')
        sh('sysctl', '-qw', 'net.ipv6.conf.rl.disable_ipv6=1', ns=ours)
        sh('sysctl', '-qw', 'net.ipv4.ip_forward=1', ns=router)
        sh('ip', 'addr', 'add', '198.18.0.254/24', 'dev', 'r0', ns=router)
        sh('ip', 'addr', 'add', '198.18.1.254/24', 'dev', 'r1', ns=router)
        sh('ip', 'addr', 'add', '198.18.1.2/24', 'dev', 'k', ns=theirs)
        sh('ip', 'route', 'add', 'default', 'via', '198.18.1.254', ns=theirs)
        return ours, router, theirs

    def run(self, *cmd, ns=None, **kw):
        p = Proc(cmd, ns=ns, **kw)
        self.procs.append(p)
        return p

    def file(self, name, text):
        p = self.dir / name
        p.write_text(text)
        return p

    def ringlane(self, config, ns=None, args=('serve',), ready='ready', **kw):
        """A ringlane of its own run directory; returns when it says that it is ready."""
        n = len(self.procs)
        conf = self.file(f'ringlane{n}.yaml', config)
        run = self.dir / f'run{n}'
        run.mkdir()
        p = self.run(RINGLANE, *args, '-c', conf, ns=ns, env={'RUNTIME_DIRECTORY': str(run)}, name=f'ringlane{n}', **kw)
        p.runtime = run
        if ready:
            p.expect(ready, 20)
        return p

    def drive(self, ns, settings, name='ringlane', port=5060):
        """An application of ours (drive.c), whose commands are lines."""
        n = len(self.procs)
        run = self.dir / f'run{n}'
        run.mkdir()
        p = self.run(BUILD / 'real/drive', name, port, ns=ns, stdin=subprocess.PIPE, name=f'drive{n}',
                     env={'RINGLANE_CONFIG': str(self.file(f'drive{n}.yaml', settings)), 'RUNTIME_DIRECTORY': str(run)})
        p.runtime = run
        p.expect('drive is ready', 20)
        return p

    def keep(self, where):
        where.mkdir(parents=True, exist_ok=True)
        for i, p in enumerate(self.procs):
            (where / f'{i}-{p.name.replace(" ", "-")}').write_text(p.text())
        for f in self.dir.iterdir():
            if f.is_file():
                shutil.copy(f, where)

    def close(self):
        for p in reversed(self.procs):
            with contextlib.suppress(Exception):
                p.stop(timeout=20)
        for h in self.hosts:
            h.holder.stdin.close()
            h.holder.wait()
        for link in sh('ip', '-o', 'link').splitlines():
            name = link.split(':')[1].strip().split('@')[0]
            if name != 'lo' and not name.startswith('sit'):
                subprocess.run(['ip', 'link', 'del', name], capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)


def telemetry(server, command):
    """One command on DPDK's telemetry socket of a ringlane (what dpdk-telemetry.py does)."""
    path = next(iter(server.runtime.rglob('dpdk_telemetry.v2')), None)
    check(path, f'{server.name} has no telemetry socket under {server.runtime}')
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(10)
        s.connect(str(path))
        s.recv(4096)
        s.send(command.encode())
        return json.loads(s.recv(1 << 20))[command.split(',')[0]]


def nothing_left(server, told=False):
    """SIGTERM (a drive: its quit), unless it was told before, drains; the program says what was left in use, and that is nothing."""
    if server.p.stdin and not told:
        server.say('quit')
    code = server.wait() if server.p.stdin or told else server.stop()
    check(code == 0, f'{server.name}: exit {code}\n{server.tail()}')
    m = re.search(r'in use at the end: (.*)', server.text())
    check(m, f'the server does not say what is in use at the end:\n{server.tail()}')
    for what, n in re.findall(r'(\w+) (\d+)', m.group(1)):
        check(int(n) == 0, f'{n} {what} in use at the end')


TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


def main():
    """Runs the tests whose names contain an argument (all without arguments); the last line counts."""
    passed = failed = 0
    for fn in TESTS:
        if sys.argv[1:] and not any(a in fn.__name__ for a in sys.argv[1:]):
            continue
        began = time.monotonic()
        w = World(fn.__name__)
        try:
            fn(w)
            passed += 1
            print(f'ok      {fn.__name__} ({time.monotonic() - began:.1f} s)', flush=True)
        except Exception as e:
            failed += 1
            print(f'FAILED  {fn.__name__} ({time.monotonic() - began:.1f} s): {e}', flush=True)
            if not isinstance(e, Failed):
                traceback.print_exc()
            for p in w.procs:
                print(f'  --- {p.name}: {" ".join(p.cmd)}\n{p.tail()}', flush=True)
            if os.environ.get('KEEP'):  # a folder for everything that was printed and written
                w.keep(Path(os.environ['KEEP'], fn.__name__))
        finally:
            w.close()
    print(f'{passed} passed, {failed} failed', flush=True)
    return 1 if failed or not passed else 0
