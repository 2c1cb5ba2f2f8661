#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of RFC 3261 and its extensions, against SIPp and against messages made by hand."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import SIPP, lan  # noqa: E402
from harness import check, config, main, nothing_left, test  # noqa: E402
from scene import REFUSED, ROUTES, Called, answer, answer_invite, await_request, call_back, receive, sdp  # noqa: E402
from wire import SDP, Wire  # noqa: E402

OK = dict(retrans=True)
INVITED = [await_request('INVITE')]
ANSWERED = [answer(200, sdp(), **OK), await_request('ACK')]
ANSWERED_LATER = [answer_invite(200, sdp(), **OK), await_request('ACK')]
THEIR_BYE = [call_back('BYE', 1), receive(200)]
OUR_BYE = [await_request('BYE'), answer(200, tag=None)]


@test
def rules_early_media(w):
    """183 with a description, then a 200 with the same; with none; 180 after it."""
    c = Called(w, {
        'same': INVITED + [answer(183, sdp()), answer(180)] + ANSWERED + THEIR_BYE,
        'once': INVITED + [answer(183, sdp()), answer(200, retrans=True), await_request('ACK')] + THEIR_BYE,
        'refused': INVITED + [answer(183, sdp()), answer(486), await_request('ACK')],
    })
    c.drive.expect('CALLING -> EARLY_MEDIA', lane='early')
    c.ended(same='REMOTE', once='REMOTE', refused='REFUSED.*486')
    check(c.drive.text().count('-> EARLY_MEDIA') == 3, 'early media')


# ---- glare and other answers to our offers (RFC 3261 14) ----

@test
def rules_our_offers(w):
    """Our hold: crossed by theirs (491 both ways, later again), refused (the call goes on), answered by 481 or not at all (it does not)."""
    reoffer = [await_request('INVITE', body='a=sendonly')]
    c = Called(w, {
        'glare': INVITED + ANSWERED + reoffer + [call_back('INVITE', 1, sdp('sendonly', 2), retrans=False), receive(100, maybe=True), receive(491),
                                                 call_back('ACK', 1, branch='[branch-3]'), answer_invite(491, tag=None), await_request('ACK')]
        + reoffer + [answer(200, sdp('recvonly', 2), tag=None, **OK), await_request('ACK')] + OUR_BYE,
        'refused': INVITED + ANSWERED + reoffer + [answer(488, tag=None), await_request('ACK')] + OUR_BYE,
        'gone': INVITED + ANSWERED + reoffer + [answer(481, tag=None), await_request('ACK'), await_request('BYE'), answer(481, tag=None)],
        'mute': INVITED + ANSWERED + reoffer + [await_request('BYE'), answer(200, tag=None)],
    }, more='sip: {t1_ms: 50, t2_ms: 400}\n')
    for name in c.names:
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'hold {name}')
    c.drive.do('wait refused ON_HOLD 5000', REFUSED)
    c.drive.do('wait glare ON_HOLD 8000')
    for name in ('glare', 'refused'):
        c.drive.do(f'hangup {name}')
    c.ended(glare='NORMAL', refused='NORMAL', gone='TIMEOUT', mute='TIMEOUT')


@test
def rules_updates(w):
    """Their UPDATE before they answered: without an offer it is fine in every state, with one it crosses ours (491); after it, it is a new offer."""
    def update(cseq, offer, code, **has):
        return [call_back('UPDATE', cseq, offer), receive(code, **has)]

    c = Called(w, {
        'ringing': INVITED + [answer(180)] + update(1, '', 200) + update(2, sdp(version=2), 491)
        + ANSWERED_LATER + update(3, sdp('sendonly', 3), 200, body='a=recvonly') + update(4, '', 200) + [call_back('BYE', 9), receive(200)],
    })
    c.ended(ringing='REMOTE')


@test
def rules_replaces(w):
    """RFC 3891: in place of a call that is up; of none, of an ended one, of two, of one that may only be early."""
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=ROUTES), ns=ours, args=('serve', '--trace'))
    wire = Wire(theirs)

    def asked(call, replaces, code):
        wire.request('INVITE', 'echo', call, 1, call, body=SDP, more=''.join(f'Replaces: {r}\n' for r in replaces))
        m = wire.receive(str(code))
        wire.request('ACK', 'echo', call, 1, call if code >= 300 else f'{call}ack', to=';' + m['To'].split('>;')[1])
        return re.search(r'tag=(\w+)', m['To']).group(1)

    first = f'first@w;to-tag={asked("first@w", [], 200)};from-tag=w'
    server.expect('-> ACTIVE')
    asked('none@w', ['nobody@w;to-tag=a;from-tag=b'], 481)
    asked('two@w', [first, first], 400)
    asked('early@w', [f'{first};early-only'], 486)
    tag = asked('second@w', [first], 200)
    bye = wire.receive('BYE')
    check(bye['Call-ID'] == 'first@w', bye.text)
    wire.answer(bye, 200)
    server.expect('SESSION_TERMINATED')
    wire.request('BYE', 'echo', 'second@w', 2, 'bye', to=f';tag={tag}')
    wire.receive('200')
    nothing_left(server)


@test
def rules_redirected(w):
    """302: the contact of the highest q has the call, also when it sends it on; no usable contact, or a ring of them, ends it."""
    def moved(contact):
        return INVITED + [answer(302, '', contact=contact), await_request('ACK')]

    c = Called(w, {
        'moved': moved(f'<sip:a@{SIPP}:9>;q=0.2, <sip:b@{SIPP}:6010>;q=0.9'),
        'again': moved(f'<sip:c@{SIPP}:6020>'),
        'last': INVITED + ANSWERED + THEIR_BYE,
        'nowhere': moved('<mailto:x@example.com>'),
        'ring': moved(f'<sip:x@{SIPP}:6040>'),
    }, others=('again', 'last'))
    c.ended(moved='REMOTE', nowhere='REFUSED.*302', ring='REFUSED.*302')


sys.exit(main())
