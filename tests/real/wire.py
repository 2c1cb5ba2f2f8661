# SPDX-License-Identifier: BSD-3-Clause
"""SIP by hand over a UDP socket, for what other programs are too well behaved for, or do not know: malformed and stray messages, all kinds of
digest."""
import hashlib
import re
import socket

from clients import RINGLANE, SIPP, socket_in
from harness import check

SDP = f'v=0\n o=- 1 1 IN IP4 {SIPP}\ns=-\nc=IN IP4 {SIPP}\nt=0 0\nm=audio 7000 RTP/AVP 0\n'.replace('\n ', '\n')


class Message:
    def __init__(self, text):
        self.text = text
        head, _, self.body = text.partition('\r\n\r\n')
        lines = head.split('\r\n')
        self.first = lines[0]
        self.fields = [tuple(x.strip() for x in line.split(':', 1)) for line in lines[1:] if ':' in line]
        words = self.first.split()
        self.kind = words[1] if words[0] == 'SIP/2.0' else words[0]  # a status, or a method
        self.uri = '' if words[0] == 'SIP/2.0' else words[1]
        self.branch = re.search(r'branch=z9hG4bK([^;\s]*)', text).group(1)

    def __getitem__(self, name):
        return next((v for k, v in self.fields if k.lower() == name.lower()), '')


class Wire:
    """A UDP socket in a host."""

    def __init__(self, ns, address=SIPP, port=5070):
        self.s = socket_in(ns, socket.SOCK_DGRAM)
        self.s.bind((address, port))
        self.me = f'{address}:{port}'

    def send(self, text):
        self.s.sendto(text if isinstance(text, bytes) else text.replace('\n', '\r\n').encode(), (RINGLANE, 5060))

    def request(self, method, user, call, cseq, branch, to='', body='', more=''):
        """more: header lines, each with its end."""
        self.send(f'{method} sip:{user}@{RINGLANE} SIP/2.0\nVia: SIP/2.0/UDP {self.me};branch=z9hG4bK{branch}\nMax-Forwards: 70\n'
                  f'From: <sip:w@{self.me}>;tag=w\nTo: <sip:{user}@{RINGLANE}>{to}\nCall-ID: {call}\nCSeq: {cseq} {method}\nContact: <sip:w@{self.me}>\n'
                  + more + ('Content-Type: application/sdp\n' if body else '') + f'Content-Length: {len(body) + body.count(chr(10))}\n\n{body}')

    def stray(self, status, call, cseq, branch):
        """A response that nobody asked for."""
        self.send(f'SIP/2.0 {status} So\nVia: SIP/2.0/UDP {RINGLANE}:5060;branch=z9hG4bK{branch}\nFrom: <sip:ringlane@{RINGLANE}>;tag=r\n'
                  f'To: <sip:w@{self.me}>;tag=w\nCall-ID: {call}\nCSeq: {cseq}\nContact: <sip:w@{self.me}>\nContent-Length: 0\n\n')

    def answer(self, request, status, *more, body='', tag='w'):
        to = request['To'] + ('' if 'tag=' in request['To'] or not tag else f';tag={tag}')
        vias = [f'Via: {v}' for k, v in request.fields if k.lower() == 'via']
        same = [f'From: {request["From"]}', f'To: {to}', f'Call-ID: {request["Call-ID"]}', f'CSeq: {request["CSeq"]}']
        self.send('\n'.join([f'SIP/2.0 {status} So', *vias, *same, f'Contact: <sip:w@{self.me}>', *more, *(['Content-Type: application/sdp'] if body else []),
                             f'Content-Length: {len(body) + body.count(chr(10))}', '', body]))

    def receive(self, *kinds, timeout=5):
        """The next message; of these kinds, when some are given: others are passed over."""
        while True:
            self.s.settimeout(timeout)
            m = Message(self.s.recv(65535).decode())
            if not kinds or m.kind in kinds:
                return m


# ---- digest (RFC 2617, 7616, 8760), computed here independently ----

def challenge(realm='ringlane.test', nonce='n1', algorithm=None, qop=None, stale=False):
    return f'Digest realm="{realm}", nonce="{nonce}", opaque="op"' + (f', algorithm={algorithm}' if algorithm else '') + \
        (f', qop="{qop}"' if qop else '') + (', stale=true' if stale else '')


def is_authorized(message, header, user, password, algorithm=None, qop=None, nonce='n1', realm='ringlane.test'):
    """The request's digest is right; what is wrong with it otherwise."""
    field = message[header]
    check(field.startswith('Digest '), f'no {header} in:\n{message.text}')
    given = {k.lower(): v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', field)}
    h = (hashlib.sha256 if (algorithm or 'MD5').startswith('SHA-256') else hashlib.md5)
    hexed = lambda text: h(text.encode()).hexdigest()  # noqa: E731
    a1 = hexed(f'{user}:{realm}:{password}')
    if (algorithm or '').endswith('-sess'):
        a1 = hexed(f'{a1}:{nonce}:{given.get("cnonce")}')
    a2 = f'{message.kind}:{given["uri"]}' + (f':{hexed(message.body)}' if given.get('qop') == 'auth-int' else '')
    middle = f'{nonce}:{given.get("nc")}:{given.get("cnonce")}:{given.get("qop")}' if qop else nonce
    check(given['uri'] == message.uri, f'digest of {given["uri"]} in a request for {message.uri}')
    check(given['username'] == user and given['realm'] == realm and given['nonce'] == nonce and given.get('opaque') == 'op', field)
    check(given.get('algorithm', 'MD5') == (algorithm or 'MD5'), field)
    check(given.get('qop') in ((qop or '').split(',') if qop else [None]), field)
    check(given['response'] == hexed(f'{a1}:{middle}:{hexed(a2)}'), f'a wrong response: {field}')
