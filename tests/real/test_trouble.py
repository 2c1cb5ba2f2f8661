#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Peers that do what they may not, or do it at the worst moment. Nothing is ever left in use."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import SIPP, lan  # noqa: E402
from harness import check, config, main, nothing_left, telemetry, test  # noqa: E402
from scene import (ROUTES, Called, ack, answer, answer_invite, await_request, call_back, callers, cancel, invite, receive, refused_ack, request,  # noqa: E402
                   ringing, sdp)
from wire import SDP, Wire  # noqa: E402

BYE = [request('BYE', 9), receive(200)]
CALL = [invite(), ringing(), receive(200), ack()]


@test
def trouble_bye_in_every_state(w):
    """The caller's BYE while it rings, before its ACK, in a call, on hold, and a second one after the first."""
    callers(w, {
        'ringing': ('ring', [invite(), ringing(100), receive(180), request('BYE', 2), receive(200), receive(487), refused_ack()]),
        'before_ack': ('echo', [invite(), ringing(), receive(200), request('BYE', 2), receive(200)]),
        'active': ('echo', CALL + BYE),
        'held': ('echo', CALL + [invite(2, sdp('sendonly', 2)), ringing(), receive(200, body='a=recvonly'), ack(2)] + BYE),
        'twice': ('echo', CALL + BYE + [request('BYE', 10), receive(481)]),
    })


CANCEL = [cancel(), receive(200), receive(487), refused_ack()]


@test
def trouble_requests_out_of_turn(w):
    """What may not come then: CANCEL after the answer and of nothing, a merged INVITE, a second one before the answer, old sequence numbers,
    strange tags, no ACK at all."""
    callers(w, {
        'cancel_answered': ('echo', [invite(), ringing(), receive(200), cancel(), receive(200), ack()] + BYE),
        'cancel_nothing': ('echo', [cancel(), receive(481)]),
        'merged': ('ring', [invite(), ringing(100), receive(180), invite(branch='[branch]'), ringing(100), receive(482), refused_ack(branch='[branch-3]'),
                            cancel(), receive(200), receive(487), refused_ack()]),
        'second_offer': ('ring', [invite(), ringing(100), receive(180), invite(2, sdp(version=2)), ringing(100), receive(500, Retry_After='[0-9]'),
                                  refused_ack(2), cancel(), receive(200), receive(487), refused_ack()]),
        'old_cseq': ('echo', [invite(5), ringing(), receive(200), ack(5), request('BYE', 3), receive(500)] + BYE),
        'strange_tag': ('echo', CALL + [request('BYE', 2, from_tag='nobody'), receive(481)] + BYE),
        'no_ack': ('echo', [invite(), ringing(), receive(200), await_request('BYE'), answer(200, tag=None)]),
        'unanswered': ('ring', [invite(), ringing(100), receive(180)] + CANCEL),
    }, more='sip: {t1_ms: 50, t2_ms: 400}\n')


@test
def trouble_offers(w):
    """Hold in all its spellings, an offer that comes late, one that we cannot take: the call goes on."""
    def reoffer(body, has, cseq=2):
        return [invite(cseq, body), ringing(), receive(200, body=has), ack(cseq)]

    callers(w, {
        'sendonly': ('echo', CALL + reoffer(sdp('sendonly', 2), 'a=recvonly') + reoffer(sdp('sendrecv', 3), 'a=sendrecv', 3) + BYE),
        'inactive': ('echo', CALL + reoffer(sdp('inactive', 2), 'a=inactive') + reoffer(sdp('sendrecv', 3), 'a=sendrecv', 3) + BYE),
        'recvonly': ('echo', CALL + reoffer(sdp('recvonly', 2), 'a=sendonly') + BYE),
        'zero': ('echo', CALL + reoffer(sdp('sendrecv', 2, address='0.0.0.0'), 'a=(recvonly|inactive)') + reoffer(sdp('sendrecv', 3), 'a=sendrecv', 3) + BYE),
        'late': ('echo', [invite(1, ''), ringing(), receive(200, body='m=audio'), ack(1, sdp())]
                 + [invite(2, ''), ringing(), receive(200, body='m=audio'), ack(2, sdp('sendrecv', 2))] + BYE),
        'useless': ('echo', CALL + [invite(2, sdp(version=2, formats='18')), ringing(), receive(488), refused_ack(2)] + BYE),
        'disabled': ('echo', CALL + [invite(2, sdp(version=2, port=0)), ringing(), receive(488), refused_ack(2)] + BYE),
        'update': ('echo', CALL + [request('UPDATE', 2, sdp('sendonly', 2)), receive(200, body='a=recvonly')] + BYE),
    })


@test
def trouble_called(w):
    """The called side's BYE in every state, its 200 after our CANCEL, several 200s of one INVITE, early media of two branches."""
    ok = dict(retrans=True)
    c = Called(w, {
        'bye_early': [await_request('INVITE'), answer(180), call_back('BYE', 1), receive(200), await_request('CANCEL'), answer(200), answer_invite(487),
                      await_request('ACK')],
        'bye_at_once': [await_request('INVITE'), answer(200, sdp()), await_request('ACK'), call_back('BYE', 1), receive(200)],
        'bye_crossing': [await_request('INVITE'), answer(200, sdp(), **ok), await_request('ACK'), await_request('BYE'), call_back('BYE', 1),
                         receive(200), answer(200, tag=None, cseq='CSeq: 1 BYE')],
        'late_200': [await_request('INVITE'), answer(180), await_request('CANCEL'), answer(200), answer_invite(200, sdp(), **ok), await_request('ACK'),
                     await_request('BYE'), answer(200, tag=None)],
        'forked': [await_request('INVITE'), answer(200, sdp(), tag='one'), await_request('ACK', To='tag=one'), answer_invite(200, sdp(), tag='two'),
                   await_request('ACK', To='tag=two'), await_request('BYE', To='tag=two'), answer(200, tag=None),
                   call_back('BYE', 1, tag='one'), receive(200)],
        'early_forks': [await_request('INVITE'), answer(183, sdp(), tag='one'), answer(183, sdp(), tag='two'), answer(180, tag='three'),
                        answer(200, sdp(), tag='two', **ok), await_request('ACK', To='tag=two'), await_request('BYE', To='tag=two'), answer(200, tag=None)],
        'repeated': [await_request('INVITE'), answer(200, sdp()), await_request('ACK'), answer_invite(200, sdp()), await_request('ACK'),
                     answer_invite(200, sdp()), await_request('ACK'), call_back('BYE', 1), receive(200)],
    })
    for name in ('bye_crossing', 'early_forks'):
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'hangup {name}')
    c.drive.do('wait late_200 CALLING 5000')
    c.drive.do('hangup late_200')
    c.ended(bye_early='REMOTE', bye_at_once='REMOTE', bye_crossing='NORMAL|REMOTE', late_200='CANCELLED', forked='REMOTE', early_forks='NORMAL',
            repeated='REMOTE')


def finals(wire, branches):
    """branch -> final status, once each of them has one."""
    got = {}
    while len(got) < branches:
        m = wire.receive()
        if int(m.kind) >= 200:
            check(got.setdefault(m.branch, m.kind) == m.kind, f'{m.branch}: {got[m.branch]} and then {m.kind}')
    return got


@test
def trouble_invite_storm(w):
    """One INVITE on 401 ways, each twice: one call, 400 times 482 (RFC 3261 8.2.2.2), and every copy the same answer."""
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=ROUTES + 'sip: {t1_ms: 50, t2_ms: 400}\n'), ns=ours)
    wire = Wire(theirs)
    wire.request('INVITE', 'ring', 'storm@w', 1, 's0', body=SDP)
    wire.receive('180')
    for first in range(1, 401, 50):  # in bursts, of which a socket holds all answers
        copies = [f's{i}' for i in range(first, first + 50)]
        for branch in copies * 2:
            wire.request('INVITE', 'ring', 'storm@w', 1, branch, body=SDP)
        got = finals(wire, len(copies))
        check(set(got.values()) == {'482'} and 's0' not in got, got)
        for branch in copies:
            wire.request('ACK', 'ring', 'storm@w', 1, branch, to=';tag=x')
    check(telemetry(server, '/ringlane/calls')['sessions'] == 1, 'more than one call')
    wire.request('CANCEL', 'ring', 'storm@w', 1, 's0')
    wire.receive('487')
    wire.request('ACK', 'ring', 'storm@w', 1, 's0')
    nothing_left(server)


@test
def trouble_responses_from_nowhere(w):
    """Responses to what was never asked, also with the names of a call that is up, and what is no SIP: counted; the call goes on."""
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=ROUTES), ns=ours)
    wire = Wire(theirs)
    wire.request('INVITE', 'echo', 'real@w', 1, 'real', body=SDP)
    tag = re.search(r';tag=\w+', wire.receive('200')['To']).group(0)
    wire.request('ACK', 'echo', 'real@w', 1, 'ack', to=tag)
    for n, status in enumerate((100, 180, 183, 200, 202, 302, 401, 487, 491, 503, 603)):
        wire.stray(status, 'real@w', '1 INVITE', 'real')
        wire.stray(status, f'nowhere{n}@w', '1 INVITE', f'nowhere{n}')
        wire.stray(status, 'real@w', '2 BYE', f'bye{n}')
    for text in (b'\0' * 500, b'SIP/2.0 ', b'SIP/2.0 200 OK\r\n\r\n', b'INVITE sip:echo@198.18.0.1 SIP/2.0\r\n' * 40, os.urandom(1200), b'\r\n\r\n', b''):
        wire.send(text)
    wire.request('OPTIONS', 'echo', 'after@w', 1, 'after')
    while (got := wire.receive()).branch != 'after':
        check(not got.kind.isdigit() or int(got.kind) >= 400, f'answered to nonsense: {got.text}')
    check(got.kind == '200', got.text)
    counters = telemetry(server, '/ringlane/counters')
    check(counters['sip_stray_response'] >= 30 and counters['sip_malformed'] >= 3, counters)
    check(telemetry(server, '/ringlane/calls')['sessions'] == 1, 'the call is gone')
    wire.request('BYE', 'echo', 'real@w', 2, 'bye', to=tag)
    check(wire.receive('200').branch == 'bye', 'BYE')
    nothing_left(server)


sys.exit(main())
