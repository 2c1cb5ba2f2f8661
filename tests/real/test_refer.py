#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""REFER (RFC 3515), INFO (RFC 6086, application/dtmf-relay) and OPTIONS against SIPp, message by message."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import SIPP, lan  # noqa: E402
from harness import check, config, main, test  # noqa: E402
from scene import REFUSED, Called, ack, answer, await_request, call_back, callers, invite, receive, request, ringing, sdp, start, wait_for_port  # noqa: E402

INVITED = [await_request('INVITE')]
ANSWERED = [answer(200, sdp(), retrans=True), await_request('ACK')]
THEIR_BYE = [call_back('BYE', 9), receive(200)]
OUR_BYE = [await_request('BYE'), answer(200, tag=None)]
BYE = [request('BYE', 9), receive(200)]
CALL = [invite(), ringing(), receive(200), ack()]


@test
def refer_info_theirs(w):
    """Keys by INFO in both spellings; a body of another type is refused, the call goes on."""
    def info(cseq, body, kind):
        return request('INFO', cseq, body, kind=kind)

    server = callers(w, {
        'info': ('echo', CALL + [info(2, 'Signal=5\nDuration=160\n', 'application/dtmf-relay'), receive(200), info(3, '6', 'application/dtmf'), receive(200),
                                 info(4, 'hello', 'text/plain'), receive(415)] + BYE),
    })
    for digit in '56':
        server.expect(f'DTMF_RECEIVED .*{digit}')


@test
def refer_info_ours(w):
    """A peer without telephone-event gets our keys by INFO, one after the other's answer; one that knows no INFO ends nothing."""
    def key(digit, code=200):
        return [await_request('INFO', body=f'Signal= ?{digit}'), answer(code, tag=None)]

    plain = [answer(200, sdp(formats='0'), retrans=True), await_request('ACK')]
    c = Called(w, {
        'three': INVITED + plain + key(1) + key(5) + key(9) + THEIR_BYE,
        'unknown': INVITED + plain + key(1, 415) + OUR_BYE,
    })
    for name, keys in (('three', '159'), ('unknown', '1')):
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'dtmf {name} {keys}')
    c.drive.expect('SIP/2.0 415')
    c.drive.do('hangup unknown')
    c.ended(three='REMOTE', unknown='NORMAL')


def notify(cseq, status, state):
    return [call_back('NOTIFY', cseq, f'SIP/2.0 {status}\n', 'Event: refer', f'Subscription-State: {state}', kind='message/sipfrag;version=2.0'), receive(200)]


@test
def refer_ours(w):
    """Our REFER and what becomes of it: done, refused at once, failed later, its subscription ended without a word, its dialog gone."""
    refer = await_request('REFER', Refer_To=f'sip:y@{SIPP}', Referred_By='sip:ringlane@')
    taken = INVITED + ANSWERED + [refer, answer(202, tag=None)]
    c = Called(w, {
        'done': taken + notify(1, '100 Trying', 'active;expires=60') + notify(2, '200 OK', 'terminated;reason=noresource') + OUR_BYE,
        'declined': INVITED + ANSWERED + [refer, answer(603, tag=None)] + OUR_BYE,
        'failed': taken + notify(1, '180 Ringing', 'active') + notify(2, '486 Busy Here', 'terminated;reason=noresource') + OUR_BYE,
        'silent': taken + notify(1, '100 Trying', 'terminated;reason=timeout') + OUR_BYE,
        'gone': INVITED + ANSWERED + [refer, answer(481, tag=None), await_request('BYE'), answer(481, tag=None)],
    })
    for name in c.names:
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'blind {name} sip:y@{SIPP}')
    for name in ('declined', 'failed', 'silent'):
        c.drive.do(f'wait {name} OVER 10000', REFUSED)
        c.drive.do(f'hangup {name}')
    c.ended(done='NORMAL', declined='NORMAL', failed='NORMAL', silent='NORMAL', gone='TIMEOUT')


@test
def refer_ours_attended(w):
    """Our REFER with Replaces names the device that we consulted, by its Contact, and not the name that we called: that may ring others."""
    hold = [await_request('INVITE', body='a=sendonly'), answer(200, sdp('recvonly', 2), tag=None, retrans=True), await_request('ACK')]
    c = Called(w, {
        'held': INVITED + ANSWERED + hold + [await_request('REFER', Refer_To=f'<sip:desk@{SIPP}:6010[?]Replaces='), answer(202, tag=None)]
        + notify(1, '200 OK', 'terminated;reason=noresource') + OUR_BYE,
        'target': INVITED + [answer(200, sdp(), retrans=True, contact='<sip:desk@[local_ip]:[local_port]>'), await_request('ACK')] + OUR_BYE,
    }, others=('target',))
    c.drive.do('wait held ACTIVE 5000')
    c.drive.do(f'consult held sip:x@{SIPP}:6010 target')
    c.drive.do('wait target ACTIVE 5000')
    c.drive.expect('REINVITE_ACKED')
    c.drive.do('complete held')
    c.ended(held='NORMAL', target='NORMAL')


def their_refer(target):
    """Once our hold shows that the call is up for us, too."""
    return [await_request('INVITE', body='a=sendonly'), answer(200, sdp('recvonly', 2), tag=None, retrans=True), await_request('ACK'),
            call_back('REFER', 1, '', f'Refer-To: <{target}>', 'Referred-By: <sip:x@sipp>'), receive(202)]


@test
def refer_theirs(w):
    """We are referred: NOTIFY tells of the new call, how it ends included; a REFER to nobody or to no phone is refused."""
    def told(status, state):
        return [await_request('NOTIFY', body=f'SIP/2.0 {status}', Event='refer', Subscription_State=state), answer(200, tag=None)]

    c = Called(w, {
        'good': INVITED + ANSWERED + their_refer(f'sip:y@{SIPP}:6010') + told(100, 'active') + told(200, 'terminated') + OUR_BYE,
        'target': [await_request('INVITE', Referred_By='sip:x@sipp')] + ANSWERED + THEIR_BYE,
        'busy': INVITED + ANSWERED + their_refer(f'sip:y@{SIPP}:6030') + told(100, 'active') + told(486, 'terminated') + THEIR_BYE,
        'engaged': INVITED + [answer(486), await_request('ACK')],
        'useless': INVITED + ANSWERED + [call_back('REFER', 1, '', 'Refer-To: <http://example.com/>'), receive(416)] + THEIR_BYE,
        'none': INVITED + ANSWERED + [call_back('REFER', 1), receive(400)] + THEIR_BYE,
    }, others=('target', 'engaged'))
    for name in ('good', 'busy'):
        c.drive.do(f'wait {name} ACTIVE 5000')
        c.drive.do(f'hold {name}')
    c.drive.do('transferred good next 5000')
    c.drive.do('wait next OVER 5000')
    c.ended(good='NORMAL', busy='REMOTE', useless='REMOTE', none='REMOTE')


@test
def refer_ping(w):
    """`ringlane ping`: OPTIONS out; 200 and a refusal are answers, with their time; silence is none."""
    ours, theirs = lan(w, SIPP)
    for i, code in enumerate((200, 486)):
        start(w, theirs, f'options{code}', [await_request('OPTIONS'), answer(code)], local=SIPP, port=6000 + 10 * i)
        wait_for_port(theirs, 6000 + 10 * i)
        ping = w.ringlane(config(), ns=ours, ready=None, args=('ping', f'sip:x@{SIPP}:{6000 + 10 * i}'))
        check(ping.wait(20) == 0, ping.tail())
        check(re.search(rf'{code}.*ms', ping.text()), ping.tail())
    ping = w.ringlane(config(), ns=ours, ready=None, args=('ping', f'sip:x@{SIPP}:6999'))
    check(ping.wait(20) == 1, ping.tail())


sys.exit(main())
