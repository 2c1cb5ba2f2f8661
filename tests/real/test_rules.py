#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of RFC 3261 and its extensions, against SIPp and against messages made by hand."""
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import SIPP, lan  # noqa: E402
from harness import check, config, main, nothing_left, test  # noqa: E402
from scene import (REFUSED, ROUTES, Called, ack, answer, answer_invite, await_request, call_back, callers, cancel, invite, receive,  # noqa: E402
                   refused_ack, request, ringing, sdp)
from wire import SDP, Wire, challenge, is_authorized  # noqa: E402

OK = dict(retrans=True)
INVITED = [await_request('INVITE')]
ANSWERED = [answer(200, sdp(), **OK), await_request('ACK')]
ANSWERED_LATER = [answer_invite(200, sdp(), **OK), await_request('ACK')]
THEIR_BYE = [call_back('BYE', 1), receive(200)]
BYE = [request('BYE', 9), receive(200)]
CALL = [invite(), ringing(), receive(200), ack()]
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


# ---- reliable provisional responses (RFC 3262) ----

def prack(cseq, rack='[$rseq] 1 INVITE', body=''):
    return request('PRACK', cseq, body, f'RAck: {rack}')


RELIABLE = 'sip: {reliable_provisionals: supported, t1_ms: 50, t2_ms: 400}\n'
TAKE_RSEQ = dict(Require='100rel', take={'rseq': 'RSeq'})


@test
def rules_prack_ours(w):
    """Their reliable responses get our PRACKs, in order, a repeated one another PRACK; early media begins with the first."""
    def rack(n):
        return await_request('PRACK', RAck=f'{n} [0-9]+ INVITE')

    c = Called(w, {
        'two': [await_request('INVITE', Supported='100rel'), answer(183, sdp(), 'Require: 100rel', 'RSeq: 7'), rack(7), answer(200, tag=None),
                answer_invite(180, '', 'Require: 100rel', 'RSeq: 8'), rack(8), answer(200, tag=None),
                answer_invite(200, retrans=True), await_request('ACK')] + THEIR_BYE,
        'gap': [await_request('INVITE', Supported='100rel'), answer(183, sdp(), 'Require: 100rel', 'RSeq: 7'), rack(7), answer(200, tag=None),
                answer_invite(180, '', 'Require: 100rel', 'RSeq: 9'), answer_invite(180, '', 'Require: 100rel', 'RSeq: 8'), rack(8), answer(200, tag=None),
                answer_invite(200, retrans=True), await_request('ACK')] + THEIR_BYE,
        'unreliable': INVITED + [answer(183, sdp())] + ANSWERED + THEIR_BYE,
    }, more=RELIABLE)
    c.ended(two='REMOTE', gap='REMOTE', unreliable='REMOTE')


@test
def rules_prack_theirs(w):
    """Our 180 is reliable when they require or support it: it comes again until their PRACK; one that names another is refused; without any, 504."""
    reliable = [receive(100, maybe=True), receive(180, **TAKE_RSEQ)]
    callers(w, {
        'required': ('short', [invite(1, None, 'Require: 100rel')] + reliable + [prack(2), receive(200), receive(200), ack()] + BYE),
        'supported': ('short', [invite(1, None, 'Supported: 100rel')] + reliable + [prack(2), receive(200), receive(200), ack()] + BYE),
        'wrong': ('ring', [invite(1, None, 'Require: 100rel')] + reliable + [prack(2, '[$rseq] 9 INVITE'), receive(481), prack(3), receive(200),
                           cancel(), receive(200), receive(487), refused_ack()]),
        'never': ('ring', [invite(1, None, 'Require: 100rel')] + reliable + [receive(504), refused_ack()]),
        'unsupported': ('short', [invite(), ringing(100), receive(180), receive(200), ack()] + BYE),
    }, more=RELIABLE)


# ---- session timers (RFC 4028) ----

TIMED = 'sip: {session_expires_s: 1800, min_se_s: 90}\n'


@test
def rules_session_timer_bounds(w):
    """422 of theirs is met with a longer interval, twice at most; an interval below ours is refused with 422 and our Min-SE."""
    def too_small(least):
        return [answer(422, '', f'Min-SE: {least}'), await_request('ACK')]

    c = Called(w, {
        'once': [await_request('INVITE', Session_Expires='1800', Supported='timer')] + too_small(3600)
        + [await_request('INVITE', Session_Expires='3600', Min_SE='3600'),
           answer(200, sdp(), 'Session-Expires: 3600;refresher=uas', 'Require: timer', **OK), await_request('ACK')] + THEIR_BYE,
        'ever': INVITED + too_small(3600) + INVITED + too_small(7200) + INVITED + too_small(9000),
    }, more=TIMED)
    c.ended(once='REMOTE', ever='REFUSED.*422')


@test
def rules_session_timer_refused(w):
    callers(w, {
        'below': ('echo', [invite(1, None, 'Supported: timer', 'Session-Expires: 60'), ringing(100), receive(422, Min_SE='90'), refused_ack()]),
        'agreed': ('echo', [invite(1, None, 'Supported: timer', 'Session-Expires: 120;refresher=uac'), ringing(),
                            receive(200, Session_Expires='120;refresher=uac', Require='timer'), ack()] + BYE),
        'unasked': ('echo', CALL + BYE),
    }, more=TIMED)


@test
def rules_session_refresh(w):
    """We refresh at half of the interval, by UPDATE where the peer knows it, else by re-INVITE; a peer that does not refresh as agreed loses the call.
    The intervals are shorter than the RFC's least, which binds proxies and callees, so that nobody has to wait."""
    def agreed(who, *more):
        return INVITED + [answer(200, sdp(), f'Session-Expires: 4;refresher={who}', 'Require: timer', *more, **OK), await_request('ACK')]

    again = 'Session-Expires: 4;refresher=uac'
    c = Called(w, {
        'update': agreed('uac', 'Allow: INVITE, ACK, BYE, UPDATE')
        + [await_request('UPDATE', Session_Expires='4'), answer(200, '', again, 'Require: timer', tag=None)] + THEIR_BYE,
        'reinvite': agreed('uac', 'Allow: INVITE, ACK, BYE')
        + [await_request('INVITE', Session_Expires='4', body='m=audio'), answer(200, sdp(), again, 'Require: timer', tag=None, **OK),
           await_request('ACK')] + THEIR_BYE,
        'never': agreed('uas') + OUR_BYE,
    })
    c.ended(update='REMOTE', reinvite='REMOTE', never='TIMEOUT')


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
def rules_our_directions(w):
    """Our re-INVITE with each direction, by rln_call_update(): what the peer agrees to is told; a refusal changes nothing."""
    def offered(ours, theirs, version):
        return [await_request('INVITE', body=f'a={ours}'), answer(200, sdp(theirs, version), tag=None, **OK), await_request('ACK')]

    directions = [('recvonly', 'sendonly', 1), ('sendonly', 'recvonly', 2), ('inactive', 'inactive', 0), ('sendrecv', 'sendrecv', 3)]
    c = Called(w, {
        'moves': INVITED + ANSWERED + [step for n, (ours, theirs, _) in enumerate(directions) for step in offered(ours, theirs, n + 2)] + OUR_BYE,
        'refused': INVITED + ANSWERED + [await_request('INVITE', body='a=inactive'), answer(488, tag=None), await_request('ACK')] + OUR_BYE,
    })
    for name in c.names:
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'negotiated {name} 5000', 3)
    for ours, _, told in directions:
        c.drive.do(f'update moves {ours}')
        c.drive.do('negotiated moves 5000', told)
    c.drive.do('update refused inactive')
    c.drive.expect('CALL_STATE_CHANGED.*488', lane='refused')
    for name in c.names:
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'hangup {name}')
    c.ended(moves='NORMAL', refused='NORMAL')


@test
def rules_our_late_offer(w):
    """We call without an offer: their 200 makes it, our ACK answers, and audio flows both ways; a reliable 183 makes it, our PRACK answers; one of no
    use to us gets its ACK, and a BYE (RFC 3261 13.2.1, RFC 3262 5)."""
    invited = [await_request('INVITE', Content_Length=' *0')]
    scenes = {
        'ack': invited + [answer(200, sdp(), **OK), await_request('ACK', body='m=audio [1-9][0-9]* RTP/AVP')] + OUR_BYE,
        'prack': invited + [answer(183, sdp(), 'Require: 100rel', 'RSeq: 7'), await_request('PRACK', RAck='7', body='m=audio [1-9][0-9]* RTP/AVP'),
                            answer(200, tag=None), answer_invite(200, retrans=True), await_request('ACK', Content_Length=' *0')] + OUR_BYE,
        'useless': invited + [answer(200, sdp(formats='18'), **OK), await_request('ACK', Content_Length=' *0')] + OUR_BYE,
    }
    c = Called(w, scenes, others=scenes, args=('-rtp_echo',))
    for i, name in enumerate(c.names):
        c.drive.do(f'late {name} sip:x@{SIPP}:{6000 + 10 * i}')
    for name in ('ack', 'prack'):
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'media {name} 5000')
        c.drive.do(f'hangup {name}')
    c.ended(ack='NORMAL', prack='NORMAL', useless='MEDIA')


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
    """302: the contact of the highest q has the call, also when it sends it on; no usable contact, or a ring of them, ends it. One that is busy, or has
    no phone, makes room for the next (8.1.3.4), but not one that speaks for everybody (6xx)."""
    def moved(contact):
        return INVITED + [answer(302, '', contact=contact), await_request('ACK')]

    c = Called(w, {
        'moved': moved(f'<sip:a@{SIPP}:9>;q=0.2, <sip:b@{SIPP}:6010>;q=0.9'),
        'again': moved(f'<sip:c@{SIPP}:6020>'),
        'last': INVITED + ANSWERED + THEIR_BYE,
        'nowhere': moved('<mailto:x@example.com>'),
        'ring': moved(f'<sip:x@{SIPP}:6040>'),
        'search': moved(f'<sip:d@{SIPP}:6070>;q=0.3, <sip:e@{SIPP}:9>;q=0.7, <sip:f@{SIPP}:6060>;q=0.9'),
        'busy': INVITED + [answer(180), answer(486), await_request('ACK')],
        'found': INVITED + ANSWERED + THEIR_BYE,
        'declined': moved(f'<sip:g@{SIPP}:6070>;q=0.3, <sip:h@{SIPP}:6090>;q=0.9'),
        'declines': INVITED + [answer(603), await_request('ACK')],
    }, others=('again', 'last', 'busy', 'found', 'declines'))
    c.ended(moved='REMOTE', nowhere='REFUSED.*302', ring='REFUSED.*302', search='REMOTE', declined='REFUSED.*603')


# ---- digest (RFC 7616, 8760) ----

DIGESTS = [(None, None), ('MD5', 'auth'), ('MD5-sess', 'auth'), ('MD5', 'auth-int'), ('SHA-256', 'auth'), ('SHA-256', 'auth,auth-int'),
           ('SHA-256-sess', 'auth-int')]


@test
def rules_digest(w):
    """Every algorithm and protection, computed here anew; a stale nonce; an unknown algorithm before a known one."""
    ours, theirs = lan(w, SIPP)
    wire = Wire(theirs)
    users = [f'u{i}' for i in range(len(DIGESTS))]
    registrations = ''.join(f'  - {{uri: "sip:{u}@{wire.me}", user: {u}, password: "{u}:secret", realm: ringlane.test}}\n' for u in users)
    server = w.ringlane(config(more='registrations:\n' + registrations), ns=ours)
    nonce = dict.fromkeys(users, 'n1')
    bound = set()

    def serve(until):
        while bound != until:
            m = wire.receive('REGISTER', timeout=10)
            user = re.search(r'sip:(\w+)@', m['To']).group(1)
            algorithm, qop = DIGESTS[users.index(user)]
            asked = challenge(algorithm=algorithm, qop=qop, nonce=nonce[user])
            if not m['Authorization']:
                unknown = ['WWW-Authenticate: ' + challenge(algorithm='SHA-512-256', nonce='x')] if user == 'u4' else []
                wire.answer(m, 401, *unknown, f'WWW-Authenticate: {asked}')
                continue
            if user == 'u1' and nonce[user] == 'n1':
                is_authorized(m, 'Authorization', user, f'{user}:secret', algorithm, qop)
                nonce[user] = 'n2'
                wire.answer(m, 401, 'WWW-Authenticate: ' + challenge(algorithm=algorithm, qop=qop, nonce='n2', stale=True))
                continue
            is_authorized(m, 'Authorization', user, f'{user}:secret', algorithm, qop, nonce[user])
            wire.answer(m, 200, f'Contact: {m["Contact"].split(";expires")[0]};expires=600')
            gone = m['Expires'] == '0' or 'expires=0' in m['Contact']
            bound.difference_update([user]) if gone else bound.add(user)

    serve(set(users))
    server.p.send_signal(signal.SIGTERM)
    serve(set())
    nothing_left(server, told=True)


sys.exit(main())
