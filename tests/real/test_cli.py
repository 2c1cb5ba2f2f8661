#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program as a person meets it: preflight on a real kernel, whose mends are carried out, and `serve` from start to stop."""
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import RINGLANE, Failed, check, config, main, sh, telemetry, test  # noqa: E402


def ringlane(w, *args, ns=None, code=None, timeout=30):
    """Runs the program to its end: (exit code, output)."""
    run = w.dir / f'cli{len(list(w.dir.iterdir()))}'
    run.mkdir()
    r = subprocess.run((ns.enter if ns else []) + [str(RINGLANE), *map(str, args)], cwd=w.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=timeout, env={**os.environ, 'RUNTIME_DIRECTORY': str(run)})
    if code is not None:
        check(r.returncode == code, f'ringlane {" ".join(map(str, args))}: exit {r.returncode}, not {code}\n{r.stdout}')
    return r.returncode, r.stdout


def mended(w, conf, ns, problem):
    """The finding whose text matches is there, its mend is a command, and after that command it is gone."""
    out = ringlane(w, 'check', '-c', conf, ns=ns)[1]
    m = re.search(problem + r'.*\n\s+mend: (.*)', out)
    check(m, f'no finding «{problem}» with a mend in:\n{out}')
    sh('sh', '-c', re.split(r'; or ', m.group(1))[0], ns=ns)
    out = ringlane(w, 'check', '-c', conf, ns=ns)[1]
    check(not re.search(problem, out), f'«{m.group(1)}» did not mend it:\n{out}')


OPTIONS = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.connect((sys.argv[1], 5060))
for i in range(int(sys.argv[2])):
    me = '%s:%d' % s.getsockname()
    s.send((f'OPTIONS sip:echo@{sys.argv[1]} SIP/2.0\\r\\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{i}x{me}\\r\\nMax-Forwards: 70\\r\\n'
            f'From: <sip:t@{me}>;tag=a{i}\\r\\nTo: <sip:echo@{sys.argv[1]}>\\r\\nCall-ID: {i}@{me}\\r\\nCSeq: 1 OPTIONS\\r\\nContent-Length: 0\\r\\n\\r\\n').encode())
    print(s.recv(2000).decode().split('\\r\\n')[0])
"""


def answers(h, times=1):
    """The appliance answers SIP from the kernel's end, ARP and all."""
    out = sh('/usr/bin/python3', '-c', OPTIONS, '198.18.0.1', times, ns=h)
    check(out.splitlines() == ['SIP/2.0 200 OK'] * times, out)


def pair(w):
    """Both ends of a veth in one host, offload on, as the kernel makes it."""
    h = w.host()
    sh('ip', 'link', 'add', 'ra', 'type', 'veth', 'peer', 'name', 'rb', ns=h)
    sh('ip', 'link', 'set', 'rb', 'up', ns=h)
    return h, w.file('a.yaml', config('ra', '198.18.0.1/24', more='routes: [{match: echo, app: echo}]\n'))


@test
def cli_check_interface_down(w):
    h, conf = pair(w)
    ringlane(w, 'check', '-c', conf, ns=h, code=1)
    mended(w, conf, h, r'FAIL\s+port ra\s+interface ra is down')
    ringlane(w, 'check', '-c', conf, ns=h, code=0)


@test
def cli_closed_descriptor(w):
    """A closed 0, 1 or 2 is not given to a device, where it would receive what is printed."""
    h, conf = pair(w)
    sh('ip', 'link', 'set', 'ra', 'up', ns=h)
    p = w.run('sh', '-c', 'exec "$0" serve -c "$1" <&-', RINGLANE, conf, ns=h, env={'RUNTIME_DIRECTORY': str(w.dir)})
    p.expect('is ready', 20)
    check(os.readlink(f'/proc/{p.p.pid}/fd/0') == '/dev/null', 'descriptor 0 was closed and became something else')
    p.stop()


@test
def cli_check_checksum_offload(w):
    h, conf = pair(w)
    sh('ip', 'link', 'set', 'ra', 'up', ns=h)
    mended(w, conf, h, r'warn\s+port ra\s+ra is a veth and its other end rb leaves UDP checksums unfinished')
    partial = w.file('b.yaml', config('ra', port='checksum: partial_ok', more='routes: []\n'))
    sh('ethtool', '-K', 'rb', 'tx', 'on', ns=h)
    check('veth' not in ringlane(w, 'check', '-c', partial, ns=h)[1], 'partial_ok accepts such packets: nothing to warn of')


@test
def cli_check_checksum_of_a_peer_elsewhere(w):
    ours, _ = w.wire()
    out = ringlane(w, 'check', '-c', w.file('a.yaml', config(more='routes: []\n')), ns=ours)[1]
    check(re.search(r'warn\s+port rl\s+rl is a veth whose other end is in another namespace', out), out)


@test
def cli_check_kernel_has_our_address(w):
    h, conf = pair(w)
    sh('ip', 'link', 'set', 'ra', 'up', ns=h)
    sh('ip', 'addr', 'add', '198.18.0.1/24', 'dev', 'rb', ns=h)
    mended(w, conf, h, r'FAIL\s+port ra\s+the kernel has 198.18.0.1 too, on rb')


@test
def cli_check_no_interface(w):
    out = ringlane(w, 'check', '-c', w.file('a.yaml', config('nope', more='routes: []\n')), ns=w.host(), code=1)[1]
    check(re.search(r'FAIL\s+port nope\s+there is no interface nope', out), out)


@test
def cli_check_tap_exists(w):
    h = w.host()
    sh('ip', 'tuntap', 'add', 'dev', 'rl0', 'mode', 'tap', ns=h)
    conf = w.file('a.yaml', 'routes: []\n')
    mended(w, conf, h, r'FAIL\s+port rl0\s+interface rl0 exists already')
    ringlane(w, 'check', '-c', conf, ns=h, code=0)


@test
def cli_check_folders(w):
    conf = w.file('a.yaml', 'media: {recordings: deep/rec}\nroutes: [{match: r, app: record, record: r.wav}]\n')
    out = ringlane(w, 'check', '-c', conf, ns=w.host(), code=1)[1]
    m = re.search(r'FAIL\s+recordings\s.*\n\s+mend: (.*)', out)
    check(m, out)
    subprocess.run(m.group(1), shell=True, cwd=w.dir, check=True)
    ringlane(w, 'check', '-c', conf, ns=w.host(), code=0)


@test
def cli_wrong_configuration(w):
    conf = w.file('bad.yaml', 'sip:\n  prot: 5060\nrtp: {codecs: [G729]}\n')
    for verb in (['serve'], ['call', 'sip:x@198.18.0.2'], ['check'], ['config', 'print']):
        out = ringlane(w, *verb, '-c', conf, code=2)[1]
        check(f"{conf}:2:3: found unknown key 'prot', expected a key of sip; did you mean 'port'?" in out, out)
        check(f"{conf}:3:16: rtp.codecs: found 'G729', expected PCMU or PCMA" in out, out)
        check('EAL' not in out, f'refused before anything is started:\n{out}')
    ringlane(w, 'config', 'check', conf, code=2)


@test
def cli_pages(w):
    default = ringlane(w, 'config', 'default', code=0)[1]
    check(ringlane(w, 'config', 'check', w.file('default.yaml', default), code=0)[1].endswith('in order\n'), 'the default is refused')
    check(re.match(r'ringlane \d+\.\d+\.\d+\n$', ringlane(w, '--version', code=0)[1]), 'version')
    text = ringlane(w, '--help', code=0)[1]
    for word in ('serve', 'call', 'check', 'config', '--play', '--record', 'runtime', 'routes'):
        check(word in text, f'--help says nothing of {word}')
    man = w.file('ringlane.1', ringlane(w, 'help', 'man', code=0)[1])
    warnings = subprocess.run(['groff', '-man', '-ww', '-Tutf8', str(man)], capture_output=True, text=True).stderr
    check(not warnings, warnings)


@test
def cli_serve_tap_start_and_stop(w):
    """The embedded default on a TAP device: it says how to call it, ignores SIGHUP, ends on SIGTERM and leaves nothing."""
    h = w.host()
    s = w.ringlane('runtime: {prefix: tap}\nroutes: [{match: echo, app: echo}]\n', ns=h)
    check('sip:echo@198.18.0.1' in s.text(), s.tail())
    check('198.18.0.2' in sh('ip', '-br', 'addr', 'show', 'rl0', ns=h), 'the kernel\'s end has no address')
    answers(h, 3)
    s.p.send_signal(signal.SIGHUP)
    check(telemetry(s, '/ringlane/calls')['sessions'] == 0, 'sessions')
    check(telemetry(s, '/ringlane/log,debug')['level'] == 'debug', 'log level')
    check(s.stop() == 0, s.tail())
    check(re.search(r'in use at the end: .*', s.text()), s.tail())
    check(subprocess.run(h.enter + ['ip', 'link', 'show', 'rl0'], capture_output=True).returncode != 0, 'rl0 is still there')


@test
def cli_serve_twice(w):
    """A second server on the same interface is refused in words, and the first one goes on."""
    h = w.host()
    conf = 'runtime: {prefix: tap}\nroutes: [{match: echo, app: echo}]\n'
    first = w.ringlane(conf, ns=h)
    code, out = ringlane(w, 'serve', '-c', w.file('second.yaml', conf), ns=h)
    check(code == 1 and 'rl0' in out, f'exit {code}\n{out}')
    check(re.search(r'FAIL\s+port rl0\s+another ringlane runs on rl0', out), out)
    answers(h)
    check(first.stop() == 0, first.tail())


@test
def cli_serve_after_kill(w):
    """SIGKILL leaves nothing that blocks the next start."""
    h = w.host()
    conf = 'runtime: {prefix: tap}\nroutes: [{match: echo, app: echo}]\n'
    first = w.ringlane(conf, ns=h)
    first.stop(signal.SIGKILL)
    second = w.ringlane(conf, ns=h)
    answers(h)
    check(second.stop() == 0, second.tail())


@test
def cli_serve_is_quiet_when_idle(w):
    """Without calls a second passes with no line printed, the command thread asleep and the lcores mostly so."""
    s = w.ringlane('runtime: {prefix: tap, workers: 1}\nroutes: []\n', ns=w.host())
    s.expect('INFO +memory:', lane='log')  # another thread prints the log, perhaps only now

    def ticks(path):
        fields = Path(path).read_text().rsplit(') ', 1)[1].split()
        return int(fields[11]) + int(fields[12])
    process, thread = f'/proc/{s.p.pid}/stat', f'/proc/{s.p.pid}/task/{s.p.pid}/stat'
    before = ticks(process), ticks(thread)
    with s.changed:
        check(not s.changed.wait(1.0), f'an idle server prints:\n{s.tail()}')
    share = [(ticks(p) - b) / os.sysconf('SC_CLK_TCK') for p, b in zip((process, thread), before)]
    check(share[1] <= 0.02, f'the command thread used {share[1]:.0%} of a CPU')
    check(share[0] <= 0.5, f'the idle server used {share[0]:.0%} of a CPU')
    check(s.stop() == 0, s.tail())


def caller_and_server(w, routes):
    """Two hosts on a wire, a server with these routes on one: (caller's host, its configuration, the server)."""
    ours, theirs = w.host(), w.host()
    w.veth(ours, theirs, 'ra', 'rb')
    for h, n in ((ours, 'ra'), (theirs, 'rb')):
        sh('sysctl', '-qw', f'net.ipv6.conf.{n}.disable_ipv6=1', ns=h)
    server = w.ringlane(config('rb', '198.18.0.3/24', prefix='srv', more=f'routes: [{routes}]\n'), ns=theirs)
    return ours, w.file('caller.yaml', config('ra', '198.18.0.1/24', prefix='cal')), server


@test
def cli_call_files(w):
    """--play alone lasts as long as the file; --record in stereo; files that cannot be used are said at once."""
    ours, conf, s = caller_and_server(w, '{match: tone, app: tone, tone_hz: 440}')
    sh('sox', '-n', '-r', 8000, '-c', 1, '-b', 16, w.dir / 'play.wav', 'synth', '1.5', 'sine', '300')
    w.file('junk.wav', 'this is no WAV file at all, whatever its name says')
    out = ringlane(w, 'call', 'sip:tone@198.18.0.3', '-c', conf, '-p', 'play.wav', '-r', 'both.wav', '-s', ns=ours, code=0)[1]
    check(re.search(r'up for 1\.[4-9] s', out), out)
    length = float(sh('soxi', '-D', w.dir / 'both.wav'))
    check(1.3 <= length <= 2.0 and sh('soxi', '-c', w.dir / 'both.wav').strip() == '2', f'{length} s\n{out}')
    for args, words in ((['-p', 'nope.wav'], 'nope.wav: No such file'), (['-r', 'nowhere/r.wav'], 'nowhere/r.wav: No such file'),
                        (['-p', 'junk.wav'], 'junk.wav: ')):
        out = ringlane(w, 'call', 'sip:tone@198.18.0.3', '-c', conf, *args, ns=ours, code=1)[1]
        check(words in out, out)
    check(s.stop() == 0, s.tail())


@test
def cli_call_interrupted(w):
    """Ctrl-C hangs up: BYE when it is answered, CANCEL while it rings, and the report still comes."""
    ours, conf, s = caller_and_server(w, '{match: tone, app: tone}, {match: ring, app: echo, ring_ms: 60000}')
    for user, up, end in (('tone', r'STATE_CHANGED \*\* .* -> ACTIVE \*\*', 'NORMAL: we hung up'), ('ring', 'new_state=RINGING', 'CANCELLED')):
        p = w.run(RINGLANE, 'call', f'sip:{user}@198.18.0.3', '-c', conf, '--trace', ns=ours, env={'RUNTIME_DIRECTORY': str(w.dir)})
        p.expect(up, 10)
        p.stop(signal.SIGINT)
        check(p.p.returncode == (0 if user == 'tone' else 1), p.tail())
        check(end in p.text(), p.tail())
    check(telemetry(s, '/ringlane/calls')['sessions'] == 0, 'the server still has a call')
    check(s.stop() == 0, s.tail())


@test
def cli_call_many_at_once(w):
    ours, conf, s = caller_and_server(w, '{match: tone, app: tone}')
    ringlane(w, 'call', 'sip:tone@198.18.0.3', '-c', conf, '-d', 1, '-n', 50, '-r', 'many.wav', '-j', 'many.json', ns=ours, code=0)
    calls = json.loads((w.dir / 'many.json').read_text())['calls']
    check(len(calls) == 50 and all(c['answered'] and c['end'] == 'NORMAL' and c['receive']['lost'] == 0 for c in calls), calls)
    check(len(list(w.dir.glob('many-*.wav'))) == 50 and len({c['local'] for c in calls}) == 50, 'a file and a port for each')
    check(s.stop() == 0, s.tail())


@test
def cli_call_report_and_trace(w):
    """A call to our own server: the table, the JSON, and a ladder in which every event names its cause."""
    ours, conf, s = caller_and_server(w, '{match: tone, app: tone, tone_hz: 440}, {match: no, app: reject, code: 603}')
    out = ringlane(w, 'call', 'sip:tone@198.18.0.3', '-c', conf, '-d', 1, '--json', 'call.json', '--trace', ns=ours, code=0)[1]
    check(re.search(r'received\s+\d+', out) and 'NORMAL' in out, out)
    check(re.search(r'^ +1 +\d+\.\d{3} \|.*-->\|.* +\d+ <- \d+ +CALL_ESTABLISHED', out, re.M), out)
    call = json.loads((w.dir / 'call.json').read_text())['calls'][0]
    check(call['answered'] and call['codec'] == 'PCMU' and call['remote'].startswith('198.18.0.3:'), call)
    check(40 <= call['receive']['packets'] <= 60 and call['receive']['lost'] == 0, call)
    check(900 <= call['duration_ms'] <= 1500 and call['setup_ms'] < 500 and call['first_audio_ms'] < 100, call)
    out = ringlane(w, 'call', 'sip:no@198.18.0.3', '-c', conf, ns=ours, code=1)[1]
    check('603' in out, out)
    out = ringlane(w, 'call', 'sip:nobody@198.18.0.3', '-c', conf, ns=ours, code=1)[1]
    check('404' in out, out)
    out = ringlane(w, 'call', 'sip:a@unknown.example', '-c', conf, ns=ours, code=1)[1]
    check("'unknown.example' is no address and not in sip.hosts" in out and 'EAL' not in out, out)
    named = w.file('named.yaml', conf.read_text() + 'sip: {domain: caller.example, hosts: [{name: pbx.example, address: 198.18.0.3}]}\n')
    out = ringlane(w, 'call', 'sip:tone@pbx.example', '-c', named, '-d', 0.5, '-f', 'me', '-t', ns=ours, code=0)[1]
    check('from="sip:me@caller.example"' in out, out)
    check(s.stop() == 0, s.tail())


@test
def cli_trace(w):
    """`ringlane trace` beside a running server: the next call, the one that fits, and every way in which it cannot be."""
    ours, conf, s = caller_and_server(w, '{match: tone, app: tone}, {match: other, app: echo}')
    served = str(next(w.dir.glob('ringlane*.yaml')))
    env = {'RUNTIME_DIRECTORY': str(s.runtime)}
    both = [w.run(RINGLANE, 'trace', 'next', '-c', served, env=env), w.run(RINGLANE, 'trace', 'to=other', '-v', '-c', served, env=env)]
    for p in both:
        p.expect('waiting for the call', 10)
    for user in ('tone', 'other'):
        ringlane(w, 'call', f'sip:{user}@198.18.0.3', '-c', conf, '-d', 0.3, ns=ours, code=0)
    for p, user in zip(both, ('tone', 'other')):
        p.expect('the call is over after', 10)
        check(p.p.wait(10) == 0, p.tail())
        steps = ['SIP_MESSAGE_RECEIVED INVITE', r'\.\.\| .* dialog\.send_response\(180\)', r'\*\* IDLE -> PROCEEDING \*\*', 'RTP_STREAM_STARTED',
                 'SIP_MESSAGE_RECEIVED BYE', r'application\.closed\(\)']
        check(re.search('.*'.join(steps), p.text(), re.S) and len(re.findall('RECEIVED INVITE', p.text())) == 1, p.text())
        check(f'INVITE sip:{user}@' in p.text() and ('| Call-ID: ' in p.text()) == (user == 'other'), p.text())
    check(ringlane(w, 'trace', '-d', 0.2, '-c', served, code=1)[1].startswith('ringlane: no server runs here'), 'another run folder')
    for bad, why in (('nobody', 'expected next, id=ID'), ('id=7', 'id= expects an id'), ('from=', 'from= expects a part')):
        check(why in ringlane(w, 'trace', bad, '-c', served, code=2)[1], bad)
    p = w.run(RINGLANE, 'trace', '-c', served, env=env)
    p.expect('waiting for the call', 10)
    p.stop(signal.SIGINT)
    check(p.p.returncode == 0, p.tail())
    p = w.run(RINGLANE, 'trace', '-c', served, env=env)
    p.expect('waiting for the call', 10)
    check(s.stop() == 0, s.tail())
    check(p.p.wait(10) == 0, p.tail())  # the server went first


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Failed as e:
        sys.exit(str(e))
