#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""baresip and linphone at the other end of the wire: hold from either side, digits, without anything in between."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import BACK, BARESIP, HELD, LINPHONE, Baresip, Linphone, lan  # noqa: E402
from harness import check, config, main, nothing_left, test  # noqa: E402


def our_call(w, ours, user, address):
    return w.ringlane(config(), ns=ours, args=('call', f'sip:{user}@{address}', '--trace'), ready='(new_state=|-> )ACTIVE')


def over(call, how):
    check(call.wait(20) == 0 and how in call.text(), call.tail())


@test
def clients_baresip_holds_our_call(w):
    ours, bare = lan(w, BARESIP)
    b = Baresip(w, bare)
    call = our_call(w, ours, 'bare', BARESIP)
    b.expect('CALL_ESTABLISHED')
    call.expect('MEDIA_FLOW_ESTABLISHED')
    b.do('hold')
    call.expect(HELD)
    b.do('resume')
    call.expect(BACK)
    b.do('sndcode', '7')
    call.expect('DTMF_DETECTED .*digit="7"')
    b.do('hangup')
    over(call, 'REMOTE')


@test
def clients_linphone_holds_our_call(w):
    ours, lin = lan(w, LINPHONE)
    p = Linphone(w, lin, auto=True)
    call = our_call(w, ours, 'lin', LINPHONE)
    p.expect('Media streams established')
    p.do('pause', 'is now paused')
    call.expect(HELD)
    p.do('resume')
    call.expect(BACK)
    p.do('7')
    call.expect('DTMF_DETECTED .*digit="7"')
    p.do('terminate')
    over(call, 'REMOTE')


@test
def clients_we_hold(w):
    """Our hold, resume and digits, with both of them in one process; each says what it noticed."""
    ours, bare, lin = lan(w, BARESIP, LINPHONE)
    b, p = Baresip(w, bare), Linphone(w, lin, auto=True)
    drive = w.drive(ours, config())
    for user, address in (('bare', BARESIP), ('lin', LINPHONE)):
        drive.do(f'call {user} sip:{user}@{address}')
    for user in ('bare', 'lin'):
        drive.do(f'wait {user} ACTIVE 5000')
        drive.do(f'media {user} 5000')
        drive.do(f'hold {user}')
        drive.do(f'wait {user} ON_HOLD 5000')
    p.expect('has been paused by')
    for user in ('bare', 'lin'):
        drive.do(f'resume {user}')
        drive.do(f'wait {user} ACTIVE 5000')
        drive.do(f'dtmf {user} 159')
    p.expect('Media streams established')
    for digit in '159':
        b.expect('CALL_DTMF_START', param=digit)
        p.expect(f'Receiving tone {digit}')
    for user in ('bare', 'lin'):
        drive.do(f'hangup {user}')
        drive.do(f'wait {user} OVER 5000')
    nothing_left(drive)


@test
def clients_linphone_keys_by_info(w):
    """linphone as it is where the network has no telephone-event: its keys come by INFO."""
    ours, lin = lan(w, LINPHONE)
    p = Linphone(w, lin, auto=True, info=True)
    call = our_call(w, ours, 'lin', LINPHONE)
    p.expect('Media streams established')
    p.do('7')
    call.expect('DTMF_RECEIVED .*7')
    p.do('terminate')
    over(call, 'REMOTE')


sys.exit(main())
