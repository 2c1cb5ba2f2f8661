#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Calls through Kamailio, which puts itself into their route: registered clients call us, and we call them by their registered names."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import BACK, BARESIP, HELD, KAMAILIO, LINPHONE, RINGLANE, Baresip, Linphone, kamailio, lan  # noqa: E402
from harness import check, config, main, nothing_left, test  # noqa: E402
from scene import ack, answer, await_request, finish, invite, receive, ringing, start  # noqa: E402

ECHO = 'routes:\n  - {match: echo, app: echo}\n'


def registered_baresip(w, k, ns, **kw):
    b = Baresip(w, ns, domain=KAMAILIO, account=';regint=60;auth_pass=secret', **kw)
    k.expect('REGISTER bare saved')
    return b


def registered_linphone(w, k, ns, **kw):
    lin = Linphone(w, ns, **kw)
    lin.do(f'register sip:lin@{KAMAILIO} sip:{KAMAILIO} secret')
    k.expect('REGISTER lin saved')
    return lin


@test
def kamailio_baresip_calls_us(w):
    """It holds, resumes and sends a digit in a call whose every request takes the recorded route."""
    ours, kam, bare = lan(w, KAMAILIO, BARESIP)
    server = w.ringlane(config(more=ECHO), ns=ours, args=('serve', '--trace'))
    k = kamailio(w, kam, AUTH_REGISTER=True)
    b = registered_baresip(w, k, bare)
    b.do('dial', f'sip:echo@{KAMAILIO}')
    b.expect('CALL_ESTABLISHED')
    k.expect('in a dialog: ACK')
    b.do('hold')
    server.expect(HELD)
    b.do('resume')
    server.expect(BACK)
    k.expect('in a dialog: INVITE')
    b.do('sndcode', '5')
    server.expect('DTMF_DETECTED .*digit="5"')
    b.do('hangup')
    server.expect('SESSION_TERMINATED .*reason=REMOTE')
    k.expect('in a dialog: BYE')
    nothing_left(server)


@test
def kamailio_linphone_calls_us(w):
    ours, kam, lin = lan(w, KAMAILIO, LINPHONE)
    server = w.ringlane(config(more=ECHO), ns=ours, args=('serve', '--trace'))
    k = kamailio(w, kam, AUTH_REGISTER=True)
    p = registered_linphone(w, k, lin)
    p.do(f'call sip:echo@{KAMAILIO}', 'Media streams established')
    k.expect('in a dialog: ACK')
    p.do('pause', 'is now paused')
    server.expect(HELD)
    p.do('resume')
    server.expect(BACK)
    k.expect('in a dialog: INVITE')
    p.do('5')
    server.expect('DTMF_DETECTED .*digit="5"')
    p.do('terminate')
    server.expect('SESSION_TERMINATED .*reason=REMOTE')
    k.expect('in a dialog: BYE')
    nothing_left(server)


@test
def kamailio_we_call_the_registered(w):
    """Our ACK and BYE take the route that Kamailio recorded; our address of record is known to it by name alone."""
    ours, kam, bare, lin = lan(w, KAMAILIO, BARESIP, LINPHONE)
    k = kamailio(w, kam, AUTH_REGISTER=True)
    b, p = registered_baresip(w, k, bare), registered_linphone(w, k, lin, auto=True)
    for user, ended in (('bare', lambda: b.expect('CALL_CLOSED')), ('lin', lambda: p.expect('ended'))):
        call = w.ringlane(config(), ns=ours, ready=None, args=('call', f'sip:{user}@{KAMAILIO}', '--duration', 1))
        check(call.wait(20) == 0 and 'NORMAL' in call.text(), call.tail())
        for method in ('ACK', 'BYE'):
            k.expect(f'in a dialog: {method} -> sip:{user}')
        ended()


@test
def kamailio_blind_transfer(w):
    """Three registered users: we call bare and send it to lin. REFER, its NOTIFYs and the new call all pass Kamailio."""
    ours, kam, bare, lin = lan(w, KAMAILIO, BARESIP, LINPHONE)
    k = kamailio(w, kam, AUTH_REGISTER=True)
    b, p = registered_baresip(w, k, bare), registered_linphone(w, k, lin, auto=True)
    drive = w.drive(ours, config())
    drive.do(f'register sip:{KAMAILIO} alice secret')
    k.expect('REGISTER alice saved', lane='alice')
    drive.do(f'call c sip:bare@{KAMAILIO}')
    drive.do('wait c ACTIVE 5000')
    b.expect('CALL_ESTABLISHED')
    drive.do(f'blind c sip:lin@{KAMAILIO}')
    k.expect('in a dialog: REFER -> sip:bare')
    k.expect('INVITE lin -> sip:lin', lane='lin')
    k.expect('in a dialog: NOTIFY', lane='notify')
    drive.expect('TRANSFER_DONE')
    drive.do('wait c OVER 5000')
    drive.do('end c')
    drive.expect('^ended c NORMAL', lane='ended')
    p.expect('Media streams established')
    b.expect('CALL_ESTABLISHED', peeruri='lin')
    p.do('terminate')
    b.expect('CALL_CLOSED', peeruri='lin')
    nothing_left(drive)
    k.expect('REGISTER alice removed', lane='alice')


@test
def kamailio_refuses(w):
    """A name that nobody registered: its 404 is reported as it came."""
    ours, kam = lan(w, KAMAILIO)
    kamailio(w, kam)
    call = w.ringlane(config(), ns=ours, ready=None, args=('call', f'sip:nobody@{KAMAILIO}', '--duration', 1))
    check(call.wait(20) == 1 and '404' in call.text(), call.tail())


# ---- we register ----

def registered_us(password='secret'):
    return f'''
registrations:
  - {{uri: "sip:alice@{KAMAILIO}", user: alice, password: {password}, realm: ringlane.test}}
routes:
  - {{match: alice, app: echo}}
  - {{match: out, app: bridge, to: ["sip:bare@{KAMAILIO}"], keep_from: off}}
'''


@test
def kamailio_registers_us(w):
    """Digest, refresh in time, a call to our name and one of ours that is challenged (407), and our name is taken back at the end."""
    ours, kam, bare = lan(w, KAMAILIO, BARESIP)
    k = kamailio(w, kam, AUTH_REGISTER=True, AUTH_INVITE=True, MAX_EXPIRES=6)
    b = registered_baresip(w, k, bare)
    server = w.ringlane(config(more=registered_us()), ns=ours, args=('serve', '--trace'))
    k.expect('REGISTER alice challenged', lane='alice')
    k.expect('REGISTER alice saved', lane='alice')
    caller = start(w, kam, 'caller', [invite(), ringing(), receive(200), ack(), await_request('BYE'), answer(200, tag=None)], local=KAMAILIO, port=6000,
                   target=RINGLANE, user='out')
    b.expect('CALL_ESTABLISHED')
    k.expect('INVITE bare challenged')
    k.expect('INVITE bare ->')
    b.do('hangup')
    finish(caller)
    b.do('dial', f'sip:alice@{KAMAILIO}')
    b.expect('CALL_ESTABLISHED')
    b.do('hangup')
    k.expect('REGISTER alice refreshed', lane='alice')
    nothing_left(server)
    k.expect('REGISTER alice removed', lane='alice')


@test
def kamailio_digests(w):
    """Without qop as of old, and SHA-256. (auth-int is in test_rules.py: Kamailio offers it and refuses a right answer.)"""
    ours, kam = lan(w, KAMAILIO)
    for qop, algorithm in (('0', 'MD5'), ('1', 'SHA-256')):
        k = kamailio(w, kam, AUTH_REGISTER=True, QOP=f'"{qop}"', ALGORITHM=f'"{algorithm}"')
        server = w.ringlane(config(more=registered_us()), ns=ours)
        k.expect('REGISTER alice saved')
        nothing_left(server)
        k.expect('REGISTER alice removed')
        k.stop()


@test
def kamailio_wrong_password(w):
    """Refused twice: no third attempt at once, and the log says which registration failed and why."""
    ours, kam = lan(w, KAMAILIO)
    k = kamailio(w, kam, AUTH_REGISTER=True)
    server = w.ringlane(config(more=registered_us('wrong')), ns=ours)
    k.expect('REGISTER alice challenged')
    k.expect(r'REGISTER alice challenged \(-2\)')  # Kamailio: the password is wrong
    server.expect(f'alice@{KAMAILIO}.*401')
    nothing_left(server)
    check('saved' not in k.text() and k.text().count('REGISTER alice') == 2, k.tail())


sys.exit(main())
