#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""SIPp (Debian's sip-tester) against the server and against `ringlane call`, over a veth pair. Zero unexpected messages."""
import csv
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from harness import SPEECH, check, config, lose, main, nothing_left, sh, telemetry, test  # noqa: E402

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


def sipp(w, ns, *args, user='echo', calls=1, timeout=40, target='198.18.0.1', local='198.18.0.2', name='sipp'):
    """One SIPp client run to its end; returns its final statistics."""
    stat = w.dir / f'{name}.csv'
    p = w.run('sipp', '-nostdin', '-nd', '-i', local, '-s', user, '-m', calls, '-timeout', f'{timeout}s', '-timeout_error',
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


@test
def sipp_uac_200_concurrent(w):
    server, _, theirs = serve(w)
    clean(sipp(w, theirs, '-sn', 'uac', '-r', 50, '-l', 200, '-d', 4000, calls=400, timeout=60), 400)
    setup = telemetry(server, '/ringlane/setup')
    check(setup['incoming']['calls'] == 400 and setup['outgoing'] == {'calls': 0}, setup)
    check(0 < setup['incoming']['p50_us'] <= setup['incoming']['p99_us'] <= setup['incoming']['max_us'], setup)
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


def text(value):
    return ('-m', 'string', '--algo', 'bm', '--string', value)


GATEWAY = 'gateway4: 198.18.0.254'


def lost_message(name, match, mine):
    """One message of a call is lost; retransmission carries the call through, and our counters say whose it was."""
    def run(w):
        ours, router, theirs = w.routed()
        server = w.ringlane(config(more=ROUTES, port=GATEWAY), ns=ours)
        lose(router, *match)
        clean(sipp(w, theirs, '-sn', 'uac', '-d', 1500, local='198.18.1.2'), 1)
        counters = telemetry(server, '/ringlane/counters')
        check(counters['sip_retransmit_out' if mine else 'sip_retransmit_in'] >= 1, f'no retransmission was counted: {counters}')
        nothing_left(server)
    run.__name__ = f'sipp_lost_{name}'
    test(run)


lost_message('ack', text('ACK sip:'), mine=True)            # our 200 comes again (RFC 3261 13.3.1.4)
lost_message('200', text('SIP/2.0 200 OK'), mine=True)      # the same, lost on its way
lost_message('bye_200', text('CSeq: 2 BYE') + ('-s', '198.18.0.1'), mine=False)  # their BYE comes again, and is answered the same


@test
def sipp_lost_invite(w):
    """Our first INVITE is lost: timer A sends it again."""
    ours, router, theirs = w.routed()
    lose(router, *text('INVITE sip:'))
    uas = w.run('sipp', '-sn', 'uas', '-nostdin', '-nd', '-i', '198.18.1.2', '-m', 1, '-timeout', '30s', '-timeout_error', ns=theirs, name='uas')
    call = w.ringlane(config(port=GATEWAY), ns=ours, args=('call', 'sip:x@198.18.1.2:5060', '--duration', 1), ready=None)
    check(call.wait(30) == 0 and 'NORMAL' in call.text(), call.tail())
    uas.ok(30)


@test
def sipp_big_invite(w):
    """An INVITE of 4 kB arrives in fragments and is answered. A TAP delivers the fragments as they are (af_packet would put them together for us)."""
    host = w.host()
    tap = os.access('/dev/net/tun', os.W_OK)
    if tap:
        server = w.ringlane(config(device='net_tap0', port='host_address: 198.18.0.2', more=ROUTES), ns=host)
    else:
        ours, host = w.wire()
        server = w.ringlane(config(device='net_af_packet0,framesz=16384,blocksz=16384,framecnt=256', more=ROUTES), ns=ours)
    clean(sipp(w, host, '-sf', XML / 'uac_big.xml', calls=5, name='uac_big'), 5)
    if tap:
        check(telemetry(server, '/ringlane/counters')['eaten_fragment'] >= 10, 'the INVITEs did not come in fragments')
    nothing_left(server)


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
    """Every fifth SIP packet of either side is lost: retransmissions carry the calls through (RFC 3261 17). One call after another, so that
    no call loses its ACK and its BYE: SIPp takes a repeated 200 of the INVITE for the one of its BYE and is content, and we would wait 64*T1."""
    ours, router, theirs = w.routed()
    server = w.ringlane(config(more=ROUTES, port=GATEWAY), ns=ours)
    lose(router, '--dport', 5060, every=5, first=2)
    clean(sipp(w, theirs, '-sn', 'uac', '-r', 20, '-l', 1, '-d', 200, '-p', 5060, calls=25, timeout=60, local='198.18.1.2'), 25)
    counters = telemetry(server, '/ringlane/counters')
    check(counters['sip_retransmit_out'] + counters['sip_retransmit_in'] >= 10, f'hardly a retransmission: {counters}')
    nothing_left(server)


@test
def sipp_10000_calls_leave_nothing(w):
    server, _, theirs = serve(w, more=ROUTES + 'sip: {t1_ms: 100, t2_ms: 800, t4_ms: 1000}\n')
    clean(sipp(w, theirs, '-sn', 'uac', '-r', 500, '-d', 0, calls=10000, timeout=90), 10000)
    nothing_left(server)


sys.exit(main())
