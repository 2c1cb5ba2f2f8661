#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""SIPp (Debian's sip-tester) against the server and against `ringlane call`, over a veth pair. Zero unexpected messages."""
import csv
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from harness import SPEECH, check, config, main, sh, telemetry, test  # noqa: E402

XML = Path(__file__).parent / 'sipp'
ROUTES = f'''
routes:
  - {{match: echo, app: echo}}
  - {{match: busy, app: reject, code: 486}}
  - {{match: short, app: play, file: "{SPEECH}/activated.wav", loop: 1}}
  - {{match: ring, app: echo, ring_ms: 20000}}
'''


def serve(w, more=ROUTES, **kw):
    ours, theirs = w.wire()
    return w.ringlane(config(more=more, **kw), ns=ours), ours, theirs


def sipp(w, ns, *args, user='echo', calls=1, timeout=40, target='198.18.0.1', name='sipp'):
    """One SIPp client run to its end; returns its final statistics."""
    stat = w.dir / f'{name}.csv'
    p = w.run('sipp', '-nostdin', '-nd', '-i', '198.18.0.2', '-s', user, '-m', calls, '-timeout', f'{timeout}s', '-timeout_error',
              '-trace_stat', '-stf', stat, '-trace_err', '-error_file', w.dir / f'{name}.err', *args, target, ns=ns, cwd=w.dir)
    code = p.wait(timeout + 15)
    err = w.dir / f'{name}.err'
    check(code == 0, f'sipp: exit {code}\n{p.tail(25)}\n{err.read_text() if err.exists() else ""}')
    return last(stat)


def last(stat):
    rows = list(csv.DictReader(stat.open(), delimiter=';'))
    check(rows, f'{stat} has no rows')
    return rows[-1]


def clean(stats, calls):
    check(int(stats['SuccessfulCall(C)']) == calls, f'{stats["SuccessfulCall(C)"]} of {calls} calls')
    for key, value in stats.items():
        if key and key.startswith('Failed') and key.endswith('(C)'):
            check(int(value) == 0, f'{key} = {value}')


def nothing_left(server):
    """SIGTERM drains; the server says what was left in use, and that is nothing."""
    check(server.stop() == 0, f'server: exit {server.p.returncode}\n{server.tail()}')
    m = re.search(r'in use at the end: (.*)', server.text())
    check(m, f'the server does not say what is in use at the end:\n{server.tail()}')
    for what, n in re.findall(r'(\w+) (\d+)', m.group(1)):
        check(int(n) == 0, f'{n} {what} in use at the end')


@test
def sipp_uac_200_concurrent(w):
    server, _, theirs = serve(w)
    clean(sipp(w, theirs, '-sn', 'uac', '-r', 50, '-l', 200, '-d', 4000, calls=400, timeout=60), 400)
    nothing_left(server)


@test
def sipp_uas_called(w):
    ours, theirs = w.wire()
    w.run('sipp', '-sn', 'uas', '-nostdin', '-nd', '-i', '198.18.0.2', '-m', 20, '-timeout', '40s', ns=theirs, name='uas')
    call = w.ringlane(config(), ns=ours, args=('call', 'sip:x@198.18.0.2:5060', '--duration', 1, '--calls', 20), ready=None)
    call.ok(40)
    w.procs[0].ok(20)


def scenario(name, calls=1, user='echo', args=()):
    def run(w):
        server, _, theirs = serve(w)
        clean(sipp(w, theirs, '-sf', XML / f'{name}.xml', *args, user=user, calls=calls, name=name), calls)
        nothing_left(server)
    run.__name__ = f'sipp_{name}'
    test(run)


scenario('uac_cancel', user='ring', calls=10)
scenario('uac_reinvite', calls=10)
scenario('uac_late_offer', calls=10)
scenario('uac_late_ack')
scenario('uac_lost_bye', calls=10)
scenario('uac_wait_bye', user='short')
scenario('uac_busy', user='busy', calls=10)
scenario('uac_badext', calls=10)
scenario('uac_no_codec', calls=10)
scenario('uac_methods', calls=10)


def called(name, expect, *call_args, code):
    """SIPp answers by a scenario; `ringlane call` must end as expected and print why."""
    def run(w):
        ours, theirs = w.wire()
        uas = w.run('sipp', '-sf', XML / f'{name}.xml', '-nostdin', '-nd', '-i', '198.18.0.2', '-m', 1, '-timeout', '30s', '-timeout_error',
                    ns=theirs, name=name)
        call = w.ringlane(config(), ns=ours, args=('call', 'sip:x@198.18.0.2:5060', *call_args), ready=None)
        check(call.wait(40) == code, f'exit {call.p.returncode}\n{call.tail()}')
        check(re.search(expect, call.text()), f'no «{expect}» in:\n{call.tail()}')
        uas.ok(30)
    run.__name__ = f'sipp_{name}'
    test(run)


called('uas_bye', r'REMOTE', '--duration', 20, code=0)
called('uas_busy', r'486 Busy Here', '--duration', 5, code=1)
called('uas_ring', r'CANCELLED|487', '--duration', 2, '--ring', 1, code=1)
called('uas_lost_200', r'NORMAL', '--duration', 1, code=0)


@test
def sipp_nobody_there(w):
    """Timer B: a target that never answers is reported as TIMEOUT; T1 is shortened so that 64*T1 is 3.2 s."""
    ours, theirs = w.wire()
    sh('iptables', '-A', 'INPUT', '-p', 'udp', '--dport', 5060, '-j', 'DROP', ns=theirs)
    call = w.ringlane(config(more='sip: {t1_ms: 50, t2_ms: 400}\n'), ns=ours, args=('call', 'sip:x@198.18.0.2', '--duration', 5), ready=None)
    check(call.wait(30) == 1, f'exit {call.p.returncode}\n{call.tail()}')
    check('TIMEOUT' in call.text(), call.tail())


@test
def sipp_port_unreachable(w):
    """Nobody on the port: ICMP says so, and the call fails at once, not after 32 s."""
    ours, theirs = w.wire()
    call = w.ringlane(config(), ns=ours, args=('call', 'sip:x@198.18.0.2:5999', '--duration', 5), ready=None)
    check(call.wait(15) == 1, f'exit {call.p.returncode}\n{call.tail()}')
    check('NETWORK' in call.text(), call.tail())


@test
def sipp_lossy_wire(w):
    """Every fifth packet from SIPp is lost: retransmissions carry the calls through (RFC 3261 17)."""
    server, _, theirs = serve(w)
    sh('iptables', '-A', 'OUTPUT', '-p', 'udp', '--sport', 5060, '-m', 'statistic', '--mode', 'nth', '--every', 5, '-j', 'DROP', ns=theirs)
    clean(sipp(w, theirs, '-sn', 'uac', '-r', 20, '-d', 500, '-p', 5060, calls=50, timeout=60), 50)
    nothing_left(server)


@test
def sipp_10000_calls_leave_nothing(w):
    server, _, theirs = serve(w, more=ROUTES + 'sip: {t1_ms: 100, t2_ms: 800, t4_ms: 1000}\n')
    clean(sipp(w, theirs, '-sn', 'uac', '-r', 500, '-d', 0, calls=10000, timeout=90), 10000)
    nothing_left(server)


sys.exit(main())
