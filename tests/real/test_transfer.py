#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Transfers with baresip (blind only: 1.0 knows no Replaces) and linphone, with us in every role, progress reports included."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import BARESIP, LINPHONE, LINPHONE2, RINGLANE, SIPP, Baresip, Linphone, lan  # noqa: E402
from harness import config, main, nothing_left, test  # noqa: E402
from scene import REFUSED, answer, await_request, finish, start, wait_for_port  # noqa: E402


def phones(w):
    """baresip and linphone, both of which take calls, and where we are."""
    ours, bare, lin = lan(w, BARESIP, LINPHONE)
    return ours, Baresip(w, bare), Linphone(w, lin, auto=True)


def linphones(w, auto=True):
    """Two of them, and where we are; auto: the first one takes calls too."""
    ours, lin, lin2 = lan(w, LINPHONE, LINPHONE2)
    return ours, Linphone(w, lin, auto=auto), Linphone(w, lin2, auto=True, address=LINPHONE2)


def up(drive, name, target):
    drive.do(f'call {name} sip:{target}')
    drive.do(f'wait {name} ACTIVE 5000')


def over(drive, name, how='NORMAL'):
    drive.do(f'wait {name} OVER 10000')
    drive.do(f'end {name}')
    drive.expect(f'^ended {name} {how}', lane='ended')


# ---- we transfer ----

@test
def transfer_ours_blind(w):
    """baresip is sent to linphone, and linphone to baresip, both having been called by us."""
    ours, b, p = phones(w)
    drive = w.drive(ours, config())
    up(drive, 'one', f'bare@{BARESIP}')
    drive.do(f'blind one sip:lin@{LINPHONE}')
    over(drive, 'one')
    drive.expect('TRANSFER_DONE')
    p.expect('Media streams established')
    p.do('terminate')
    b.expect('CALL_CLOSED', peeruri='lin')
    up(drive, 'two', f'lin@{LINPHONE}')
    drive.do(f'blind two sip:bare@{BARESIP}')
    over(drive, 'two')
    b.expect('CALL_ESTABLISHED', peeruri='lin')
    nothing_left(drive)


@test
def transfer_ours_attended(w):
    """linphone is held, another linphone consulted; then the first calls it in place of us (Replaces)."""
    ours, a, b = linphones(w)
    drive = w.drive(ours, config())
    up(drive, 'held', f'lin@{LINPHONE}')
    drive.do(f'consult held sip:lin@{LINPHONE2} consultation')
    drive.do('wait consultation ACTIVE 5000')
    a.expect('paused by')
    drive.do('complete held')
    over(drive, 'held')
    over(drive, 'consultation', 'REMOTE')  # the target's BYE: the first one's INVITE has replaced it
    b.expect('Media streams established')
    a.expect('Media streams established')
    nothing_left(drive)


@test
def transfer_ours_refused(w):
    """The target is busy: linphone reports it, and the call with it goes on."""
    ours, lin, theirs = lan(w, LINPHONE, SIPP)
    a = Linphone(w, lin, auto=True)
    busy = start(w, theirs, 'busy', [await_request('INVITE'), answer(486), await_request('ACK')], local=SIPP, port=6000)
    drive = w.drive(ours, config())
    up(drive, 'c', f'lin@{LINPHONE}')
    wait_for_port(theirs, 6000)
    drive.do(f'blind c sip:x@{SIPP}:6000')
    drive.do('wait c OVER 10000', REFUSED)
    finish(busy)
    drive.expect('TRANSFER_FAILED')
    drive.do('hangup c')
    over(drive, 'c')
    a.expect('ended')
    nothing_left(drive)


# ---- we are transferred ----

@test
def transfer_theirs_blind(w):
    """baresip sends us to linphone; linphone sends us to baresip. We call as we are told and report how it goes."""
    ours, b, p = phones(w)
    drive = w.drive(ours, config())
    up(drive, 'one', f'bare@{BARESIP}')
    b.expect('CALL_ESTABLISHED')
    b.do('transfer', f'sip:lin@{LINPHONE}')
    drive.expect('TRANSFER_REQUESTED')
    drive.do('transferred one next 5000')
    drive.do('wait next ACTIVE 5000')
    p.expect('Media streams established')
    over(drive, 'one', 'REMOTE|NORMAL')
    p.do(f'transfer sip:bare@{BARESIP}')
    drive.do('transferred next last 5000')
    drive.do('wait last ACTIVE 5000')
    b.expect('CALL_ESTABLISHED')
    drive.do('hangup last')
    over(drive, 'last')
    over(drive, 'next', 'REMOTE|NORMAL')
    nothing_left(drive)


@test
def transfer_theirs_attended(w):
    """linphone talks to us and to another linphone, and joins us: we call that one with Replaces."""
    ours, a, b = linphones(w)
    drive = w.drive(ours, config())
    up(drive, 'first', f'lin@{LINPHONE}')
    a.expect('Media streams established')
    a.do('pause', 'is now paused')
    a.do(f'call sip:lin@{LINPHONE2}', 'Media streams established')
    a.do('transfer 1 --to-call 2')
    drive.expect('TRANSFER_REQUESTED .*Replaces|TRANSFER_REQUESTED .*ATTENDED')
    drive.do('transferred first second 5000')
    drive.do('wait second ACTIVE 5000')
    b.expect(f'sip:ringlane@{RINGLANE}')
    over(drive, 'first', 'REMOTE|NORMAL')
    drive.do('hangup second')
    over(drive, 'second')
    nothing_left(drive)


# ---- we are the target ----

@test
def transfer_target_attended(w):
    """linphone has consulted us and sends its other party: an INVITE with Replaces takes the place of the consultation."""
    ours, a, b = linphones(w, auto=False)
    server = w.ringlane(config(more='routes:\n  - {match: echo, app: echo}\n'), ns=ours, args=('serve', '--trace'))
    a.do(f'call sip:lin@{LINPHONE2}', 'Media streams established')
    a.do('pause', 'is now paused')
    a.do(f'call sip:echo@{RINGLANE}', 'Media streams established')
    a.do('transfer 1 --to-call 2')
    b.expect(f'sip:echo@{RINGLANE}')
    b.expect('Media streams established')
    server.expect('SESSION_TERMINATED')
    b.do('terminate')
    nothing_left(server)


@test
def transfer_target_blind(w):
    """linphone sends baresip to us, and baresip sends linphone."""
    ours, b, p = phones(w)
    server = w.ringlane(config(more='routes:\n  - {match: echo, app: echo}\n'), ns=ours, args=('serve', '--trace'))
    b.do('dial', f'sip:lin@{LINPHONE}')
    b.expect('CALL_ESTABLISHED')
    p.expect('Media streams established')
    p.do(f'transfer sip:echo@{RINGLANE}')
    b.expect('CALL_ESTABLISHED', peeruri='echo')
    server.expect('-> ACTIVE')
    b.do('hangup')
    server.expect('SESSION_TERMINATED')
    p.expect('ended')
    b.do('dial', f'sip:lin@{LINPHONE}')
    b.expect('CALL_ESTABLISHED', peeruri='lin')
    p.expect('Media streams established')
    b.do('transfer', f'sip:echo@{RINGLANE}')
    p.expect(f'Media streams established with .*echo@{RINGLANE}')
    server.expect('-> ACTIVE')
    p.do('terminate')
    nothing_left(server)


sys.exit(main())
