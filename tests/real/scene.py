# SPDX-License-Identifier: BSD-3-Clause
"""SIPp scenarios in short: lists of steps, made into the file that SIPp reads, and run.

The caller's side: invite(), request(), ack(), and receive() for responses. The called side: await_request(), answer(), and
call_back() for requests of its own. sdp() is a body. Each step is the XML of one SIPp command.
"""
import os
import re
import time
from pathlib import Path

from clients import RINGLANE, SIPP, lan
from harness import Failed, check, config, nothing_left

REFUSED = -4099  # RLN_EREFUSED
OFFER = '''v=0
o=sipp 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 {address}
t=0 0
m=audio {port} RTP/AVP {formats}
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a={direction}'''


def sdp(direction='sendrecv', version=1, address='[media_ip]', port='[media_port]', formats='0 8 101'):
    return OFFER.format(direction=direction, version=version, address=address, port=port, formats=formats)


def _message(lines, body, kind='application/sdp'):
    return '\n'.join(lines + ([f'Content-Type: {kind}'] if body else []) + ['Content-Length: [len]', '', body or ''])


def _send(text, retrans):
    return f'<send{" retrans=" + chr(34) + "500" + chr(34) if retrans else ""}><![CDATA[\n{text}\n]]></send>'


# ---- the caller ----

def _branch_of(cseq):
    return f'z9hG4bK[pid]-[call_number]-{cseq}'


def request(method, cseq, body='', *more, to='[peer_tag_param]', branch=None, kind='application/sdp', uri='sip:[service]@[remote_ip]:[remote_port]',
            retrans=None, from_tag='[pid]t[call_number]'):
    """A request of the caller, within the dialog unless `to` says otherwise. An INVITE's branch follows from its number, for its CANCEL and ACK."""
    branch = branch or (_branch_of(cseq) if method == 'INVITE' else '[branch]')
    return _send(_message([f'{method} {uri} SIP/2.0', f'Via: SIP/2.0/UDP [local_ip]:[local_port];branch={branch}',
                           f'From: <sip:sipp@[local_ip]:[local_port]>;tag={from_tag}', f'To: <sip:[service]@[remote_ip]:[remote_port]>{to}',
                           'Call-ID: [call_id]', f'CSeq: {cseq} {method}', 'Contact: <sip:sipp@[local_ip]:[local_port]>', 'Max-Forwards: 70', *more],
                          body, kind), method != 'ACK' if retrans is None else retrans)


def invite(cseq=1, body=None, *more, **kw):
    return request('INVITE', cseq, sdp() if body is None else body, *more, to='' if cseq == 1 else '[peer_tag_param]', **kw)


def ack(cseq=1, body='', **kw):
    return request('ACK', cseq, body, **kw)


def refused_ack(cseq=1, **kw):
    """ACK of a refusal: the INVITE's transaction ends with it."""
    return request('ACK', cseq, **{'branch': _branch_of(cseq), **kw})


def cancel(cseq=1):
    return request('CANCEL', cseq, to='', branch=_branch_of(cseq))


def receive(code, maybe=False, take=(), **has):
    """A response; has: a header's name (_ for -) or `body`, and the pattern that must be found in it. take: variable -> header that it keeps."""
    acts = ''.join(_check(name, pattern) for name, pattern in has.items()) + ''.join(keep(take[v], v) for v in take)
    inside = f'<action>{acts}</action>' if acts else ''
    return f'<recv response="{code}"{" optional=" + chr(34) + "true" + chr(34) if maybe else ""}>{inside}</recv>'


def ringing(*codes):
    """Provisional responses that may come."""
    return ''.join(receive(c, maybe=True) for c in codes or (100, 182, 180))


_names = 0


def _check(name, pattern):
    global _names
    _names += 1
    where = 'search_in="msg"' if name == 'body' else f'search_in="hdr" header="{name.replace("_", "-")}:"'
    pattern = pattern.replace('&', '&amp;').replace('"', '&quot;').replace('<', '&lt;')
    return f'<ereg regexp="{pattern}" {where} check_it="true" assign_to="c{_names}"/>'


def keep(header, name, pattern='.*'):
    return f'<ereg regexp="{pattern}" search_in="hdr" header="{header}:" assign_to="{name}"/>'


def pause(ms):
    return f'<pause milliseconds="{ms}"/>'


# ---- the called ----

def await_request(method, maybe=False, **has):
    """A request; the first INVITE's From and CSeq stay known for call_back() and answer()."""
    acts = ''.join(_check(name, pattern) for name, pattern in has.items())
    if method == 'INVITE':
        acts += keep('From', 'caller') + keep('CSeq', 'icseq') + keep('Via', 'ivia')
    inside = f'<action>{acts}</action>' if acts else ''
    return f'<recv request="{method}"{" optional=" + chr(34) + "true" + chr(34) if maybe else ""} rrs="true">{inside}</recv>'


def answer(code, body='', *more, tag='[pid]u[call_number]', cseq='[last_CSeq:]', via='[last_Via:]', reason='Said so', kind='application/sdp',
           retrans=None, contact='<sip:[local_ip]:[local_port]>', to='[last_To:]'):
    """A response to the request that came last. A 2xx to an INVITE is sent again until its ACK (retrans)."""
    to += f';tag={tag}' if tag else ''
    return _send(_message([f'SIP/2.0 {code} {reason}', via, '[last_From:]', to, '[last_Call-ID:]', cseq, f'Contact: {contact}', *more], body, kind),
                 bool(retrans))


def answer_invite(code, body='', *more, **kw):
    """A response to the INVITE, although another request came since."""
    return answer(code, body, *more, cseq='CSeq:[$icseq]', via='Via:[$ivia]', to='To: <sip:x@[local_ip]:[local_port]>', **kw)


def call_back(method, cseq, body='', *more, tag='[pid]u[call_number]', kind='application/sdp', branch='[branch]', retrans=None):
    """A request of the called side within the dialog."""
    return _send(_message([f'{method} [next_url] SIP/2.0', f'Via: SIP/2.0/UDP [local_ip]:[local_port];branch={branch}',
                           f'From: <sip:x@[local_ip]:[local_port]>;tag={tag}', 'To:[$caller]', 'Call-ID: [call_id]', f'CSeq: {cseq} {method}',
                           'Contact: <sip:[local_ip]:[local_port]>', 'Max-Forwards: 70', *more], body, kind),
                 method != 'ACK' if retrans is None else retrans)


# ---- running ----

def xml(name, steps):
    text = '\n'.join(steps)
    # SIPp refuses a variable that is set and never used.
    names = sorted(set(re.findall(r'assign_to="(\w+)"', text)))
    used = f'<Reference variables="{",".join(names)}"/>' if names else ''
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{text}\n{used}\n</scenario>\n'


def start(w, ns, name, steps, *args, local, port, target=None, user='echo', calls=1, timeout=30):
    """SIPp with a scenario; it ends by itself after `calls` calls, with 0 when all went as written. target: it calls; else it is called."""
    p = w.run('sipp', '-sf', w.file(f'{name}.xml', xml(name, steps)), '-nostdin', '-nd', '-i', local, '-p', port, '-mp', port + 1000, '-s', user, '-m', calls,
              '-timeout', f'{timeout}s', '-timeout_error', '-trace_err', '-error_file', w.dir / f'{name}.err', *args, *([target] if target else []),
              ns=ns, cwd=w.dir, name=f'sipp {name}')
    p.errors = w.dir / f'{name}.err'
    return p


def wait_for_port(ns, port, timeout=10):
    """Until somebody has the UDP port. The kernel lists it, but tells nobody: look again after whoever else wants the CPU."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if f':{port:04X} ' in Path(f'/proc/{ns.pid}/net/udp').read_text():
            return
        os.sched_yield()
    raise Failed(f'nobody listens on UDP port {port}')


def finish(p, timeout=40):
    code = p.wait(timeout)
    check(code == 0, f'{p.name}: exit {code}\n{p.errors.read_text()[:4000] if p.errors.exists() else p.tail(25)}')


# ---- one side of ours, many scenarios beside one another ----

ROUTES = '''
routes:
  - {match: echo, app: echo}
  - {match: ring, app: echo, ring_ms: 20000}
  - {match: short, app: echo, ring_ms: 100}
'''


def callers(w, scenes, more=''):
    """A server, and beside one another the callers: name -> (user, steps). All end as written, and nothing is left."""
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=ROUTES + more), ns=ours, args=('serve', '--trace'))
    running = [start(w, theirs, name, steps, local=SIPP, port=6000 + 10 * i, target=RINGLANE, user=user)
               for i, (name, (user, steps)) in enumerate(scenes.items())]
    for p in running:
        finish(p)
    nothing_left(server)
    return server


class Called:
    """We call, each of them beside the others: name -> steps of the called side. Not those in `others`, to whom somebody else shows the way."""

    def __init__(self, w, scenes, more='', others=(), args=()):
        ours, theirs = lan(w, SIPP)
        self.drive = w.drive(ours, config(more=more))
        self.names = list(scenes)
        self.running = [start(w, theirs, name, steps, *args, local=SIPP, port=6000 + 10 * i) for i, (name, steps) in enumerate(scenes.items())]
        for i, name in enumerate(self.names):
            wait_for_port(theirs, 6000 + 10 * i)
        for i, name in enumerate(self.names):
            if name not in others:
                self.drive.do(f'call {name} sip:x@{SIPP}:{6000 + 10 * i}')

    def ended(self, **expected):
        """How each call ended, in words; then the peers must be content."""
        for name, text in expected.items():
            if self.drive.do(f'wait {name} OVER 20000', None) == REFUSED:  # a transfer was, on the way
                self.drive.do(f'wait {name} OVER 20000')
            self.drive.do(f'end {name}')
            got = self.drive.expect(f'^ended {name} (.*)', lane='ended').group(1)
            check(re.search(text, got), f'{name}: ended as «{got}», not «{text}»\n{self.drive.tail()}')
        for p in self.running:
            finish(p)
        nothing_left(self.drive)
