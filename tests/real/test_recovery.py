#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The way of the audio is cut under a call and mended, or not: RTP_TIMEOUT, a re-INVITE, and the call goes on or ends with its reason.

SIP is not cut, so that the re-INVITE is answered and the call is ACTIVE again while nothing comes yet: what tells that the audio is back
are packets that are received.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import BARESIP, Baresip, lan  # noqa: E402
from harness import config, main, nothing_left, sh, test  # noqa: E402

CUT = ('OUTPUT', '-p', 'udp', '--sport', '22000:22099', '-j', 'DROP')


def cut_call(w):
    ours, bare = lan(w, BARESIP)
    Baresip(w, bare)
    drive = w.drive(ours, config(more='rtp: {rtp_timeout_s: 1, rtcp_interval_ms: 500}\nsip: {t1_ms: 50, t2_ms: 400}\n'))
    drive.do(f'call c sip:bare@{BARESIP}')
    drive.do('wait c ACTIVE 5000')
    drive.do('media c 5000')
    sh('iptables', '-A', *CUT, ns=bare)
    drive.expect('RTP_TIMEOUT')
    return drive, bare


def packets(drive):
    return int(drive.expect(r'RTP_STATISTICS_UPDATE .*packets_received=(\d+)').group(1))


def comes_again(drive):
    """The trace's figures, each half second: while the path is cut they stand, now the received ones rise again, twice in a row."""
    least, rises = packets(drive), 0
    while rises < 2:
        now = packets(drive)
        rises = rises + 1 if now > least else 0
        least = now


@test
def recovery_of_audio(w):
    drive, bare = cut_call(w)
    drive.expect('-> RECOVERING')
    drive.expect('REINVITE_ACKED|RTP_TIMEOUT')
    sh('iptables', '-D', *CUT, ns=bare)
    drive.do('wait c ACTIVE 5000')
    comes_again(drive)
    drive.do('hangup c')
    drive.do('wait c OVER 5000')
    nothing_left(drive)


@test
def recovery_fails(w):
    """Nothing gets through any more, SIP neither: the call ends as one whose media was lost."""
    drive, bare = cut_call(w)
    sh('iptables', '-A', 'INPUT', '-p', 'udp', '--dport', '5060', '-j', 'DROP', ns=bare)
    drive.do('wait c OVER 15000')
    drive.do('end c')
    drive.expect('^ended c MEDIA_LOST', lane='ended')
    nothing_left(drive)


sys.exit(main())
