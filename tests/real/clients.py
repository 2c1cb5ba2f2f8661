# SPDX-License-Identifier: BSD-3-Clause
"""Other people's programs, driven: Kamailio (registrar, proxy), baresip by its control port, linphonec by its standard input.

One Ethernet joins them: `lan()` makes a host for each, bridged by Kamailio's host. A command returns when the client has taken it;
what it leads to is an event or a line that the test waits for.
"""
import ctypes
import json
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

from harness import Failed, check, sh

HERE = Path(__file__).parent
RINGLANE, KAMAILIO, BARESIP, LINPHONE, SIPP, LINPHONE2 = ('198.18.0.' + x for x in '123456')
# What the trace says when the peer holds, and when it has resumed.
HELD = r'MEDIA_STREAM_STATE_CHANGED .*new_state=HELD direction=INBOUND'
BACK = r'MEDIA_STREAM_STATE_CHANGED .*new_state=(READY|FLOWING) direction=BIDIRECTIONAL'
CLONE_NEWNET = 0x40000000


def socket_in(host, kind=socket.SOCK_STREAM):
    """A socket that belongs to a host's namespace: made by a thread that went there, and ended there."""
    made = []

    def make():
        with open(f'/proc/{host.pid}/ns/net') as ns:
            if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), CLONE_NEWNET):
                made.append(OSError(ctypes.get_errno(), 'setns'))
            else:
                made.append(socket.socket(socket.AF_INET, kind))

    t = threading.Thread(target=make)
    t.start()
    t.join()
    if isinstance(made[0], Exception):
        raise made[0]
    return made[0]


def lan(w, *addresses):
    """ringlane's host, and a kernel host for each address, on one bridge in the first of them: (ours, host, ...)."""
    ours, hosts = w.host(), [w.host() for _ in addresses]
    bridge = hosts[0]
    sh('ip', 'link', 'add', 'k', 'type', 'bridge', 'forward_delay', 0, 'mcast_snooping', 0, ns=bridge)
    sh('ethtool', '-K', 'k', 'tx', 'off', ns=bridge)
    sh('ip', 'link', 'set', 'k', 'up', ns=bridge)
    for i, (h, name) in enumerate([(ours, 'rl')] + [(h, 'k') for h in hosts[1:]]):
        w.veth(bridge, h, f'b{i}', name)
        sh('ip', 'link', 'set', f'b{i}', 'master', 'k', ns=bridge)
    sh('sysctl', '-qw', 'net.ipv6.conf.rl.disable_ipv6=1', ns=ours)
    for h, a in zip(hosts, addresses):
        sh('ip', 'addr', 'add', f'{a}/24', 'dev', 'k', ns=h)
        sh('ip', 'route', 'add', 'default', 'dev', 'k', ns=h)  # linphone takes its own address from the way to the world
    return ours, *hosts


def without_kernel(*hosts):
    """The wire of these hosts is a ringlane's: their kernels have no address on it any more, and say nothing."""
    for h in hosts:
        sh('ip', 'addr', 'flush', 'dev', 'k', ns=h)
        sh('sysctl', '-qw', 'net.ipv6.conf.k.disable_ipv6=1', ns=h)


def kamailio(w, ns, address=KAMAILIO, **defines):
    """Kamailio, ready; defines are those of kamailio.cfg."""
    d = w.dir / f'kamailio{len(w.procs)}'
    d.mkdir()
    defines = {'LISTEN': f'udp:{address}:5060', 'RINGLANE': f'"{RINGLANE}"', **defines}
    flags = [x for key, value in defines.items() for x in ('-A', f'{key}={value}' if value is not True else key)]
    p = w.run('kamailio', '-f', HERE / 'kamailio.cfg', '-DD', '-E', '-m', 32, '-M', 4, '-w', d, '-Y', d, '-P', d / 'pid', *flags, ns=ns)
    p.expect('kamailio is ready', 15)
    return p


def tone(folder):
    """A minute of 440 Hz, as clients without a microphone say it."""
    sh('sox', '-n', '-r', 8000, '-c', 1, '-b', 16, folder / 'tone.wav', 'synth', 60, 'sine', 440, 'vol', 0.5)
    return folder / 'tone.wav'


BARESIP_CONFIG = '''
poll_method epoll
sip_listen {address}:5060
net_interface {address}
call_local_timeout 30
call_max_calls 8
audio_source aufile,{source}
audio_player aubridge,sink
audio_alert aubridge,alert
audio_level no
audio_txmode thread
audio_buffer 20-160
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
rtp_ports 22000-22099
rtcp_mux no
jitter_buffer_delay 1-10
rtp_stats yes
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
statmode_default off
menu_bell no
ringback_disabled yes
'''


def baresip_folder(d, address, account, source, more=''):
    """What baresip starts from, in a folder of its own: it says the file `source`; `more` ends its configuration."""
    d.mkdir()
    (d / 'config').write_text(BARESIP_CONFIG.format(address=address, source=source) + more)
    (d / 'accounts').write_text(f'{account};ptime=20\n')
    (d / 'contacts').write_text('')


class Baresip:
    """baresip 1.0 on an address of its own. account: further parameters of its account line, e.g. ;auth_pass=secret."""

    def __init__(self, w, ns, domain=BARESIP, account=';regint=0', answer='auto', address=BARESIP, name='bare'):
        d = w.dir / f'baresip{len(w.procs)}'
        baresip_folder(d, address, f'<sip:{name}@{domain}>;answermode={answer};audio_codecs=PCMU,PCMA{account}', d / 'tone.wav',
                       more='module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:4444\n')
        tone(d)
        self.proc = w.run('baresip', '-4', '-f', d, '-s', ns=ns, cwd=d)
        self.proc.expect('baresip is ready', 15)
        self.socket = socket_in(ns)
        self.socket.connect(('127.0.0.1', 4444))
        self.data, self.events, self.token = b'', [], 0

    def _message(self, end):
        """The next message of the control port; they are netstrings of JSON."""
        while True:
            m = re.match(rb'(\d+):', self.data)
            if m and len(self.data) > m.end() + int(m.group(1)):
                start, stop = m.end(), m.end() + int(m.group(1))
                text, self.data = self.data[start:stop], self.data[stop + 1:]
                return json.loads(text.decode(errors='replace'), strict=False)
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return None
            check(more, f'baresip closed its control port:\n{self.proc.tail()}')
            self.data += more

    def do(self, command, params='', timeout=10):
        """One command; the text of its answer."""
        self.token += 1
        text = json.dumps({'command': command, 'params': params, 'token': str(self.token)}).encode()
        self.socket.sendall(b'%d:%s,' % (len(text), text))
        end = time.monotonic() + timeout
        while True:
            m = self._message(end)
            check(m, f'baresip: no answer to {command} {params}\n{self.proc.tail()}')
            if m.get('response') and m.get('token') == str(self.token):
                check(m['ok'], f'baresip: {command} {params}: {m}')
                return m.get('data', '')
            self.events.append(m)

    def expect(self, kind, timeout=10, **fields):
        """The next event of a kind whose fields match the patterns; earlier ones of other kinds stay for other waits."""
        end = time.monotonic() + timeout
        at = 0
        while True:
            for i in range(at, len(self.events)):
                e = self.events[i]
                if e.get('type') == kind and all(re.search(p, str(e.get(k, ''))) for k, p in fields.items()):
                    return self.events.pop(i)
            at = len(self.events)
            m = self._message(end)
            if not m:
                raise Failed(f'baresip: no {kind} {fields} in {timeout} s; it told: {self.events}\n{self.proc.tail()}')
            self.events.append(m)


class Linphone:
    """linphonec 5.1 on an address of its own; it plays and records files, and says what happens to its calls in lines."""

    RC = '''
[sip]
sip_port=5060
sip_tcp_port=-1
sip_tls_port=-1
contact=sip:lin@{address}
use_ipv6=0
guess_hostname=0
register_only_when_network_is_up=0
auto_net_state_mon=0
media_encryption=none
inc_timeout=30
use_rfc2833={rfc2833}
use_info={info}
[net]
firewall_policy=0
mtu=1300
[rtp]
audio_rtp_port=45000-45099
audio_jitt_comp=60
[sound]
echocancellation=0
local_ring=
remote_ring=
[misc]
uuid=00000000-0000-4000-8000-000000000001
[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
[audio_codec_1]
mime=PCMA
rate=8000
channels=1
enabled=1
{more}
'''

    def __init__(self, w, ns, address=LINPHONE, auto=False, info=False, more=''):
        d = w.dir / f'linphone{len(w.procs)}'
        (d / '.local/share/linphone').mkdir(parents=True)
        rc = d / 'rc'
        rc.write_text(self.RC.format(address=address, rfc2833=int(not info), info=int(info), more=more))
        self.proc = w.run('linphonec', *(['-a'] if auto else []), '-c', rc, '-d', 0, ns=ns, cwd=d, stdin=subprocess.PIPE,
                          env={'HOME': str(d), 'XDG_DATA_HOME': str(d), 'XDG_CONFIG_HOME': str(d)})
        self.dir = d
        self.do('soundcard use files', 'Using wav files')
        self.do(f'play {tone(d)}')  # or it would send nothing

    def do(self, line, answer=None, timeout=10):
        """One command; waits for its answer when a pattern is given."""
        self.proc.say(line)
        return self.proc.expect(answer, timeout) if answer else None

    def expect(self, pattern, timeout=10):
        return self.proc.expect(pattern, timeout)
