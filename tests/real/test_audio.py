#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Speech over real SIP and RTP: two ringlane processes, baresip both ways, IPv6, VLAN; waveforms are compared, tshark counts beside us."""
import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import baresip_folder  # noqa: E402
from harness import BUILD, SPEECH, check, config, lose, main, sh, test  # noqa: E402
from waveform import go_first, same, speech  # noqa: E402

HERE = Path(__file__).parent
ALICE, BOB = SPEECH / 'demo-congrats.wav', SPEECH / 'demo-instruct.wav'


def two_ringlanes(w):
    a, b = w.host(), w.host()
    w.veth(a, b, 'ra', 'rb')
    for h, n in ((a, 'ra'), (b, 'rb')):
        sh('sysctl', '-qw', f'net.ipv6.conf.{n}.disable_ipv6=1', ns=h)
    return a, b


def exchange(w, conf_a, conf_b, target, codec='pcmu', args=()):
    """B serves: plays its speech and records; A calls, plays and records. Both files must hold the other's speech."""
    a, b = two_ringlanes(w)
    sa, sb = speech(w, ALICE, 'alice.wav'), speech(w, BOB, 'bob.wav')
    routes = f'routes:\n  - {{match: bob, app: play, file: "{sb}", loop: 0, record: "{w.dir}/bob-heard.wav"}}\n'
    server = w.ringlane(conf_b + routes, ns=b)
    call = w.ringlane(conf_a, ns=a, ready=None,
                      args=('call', target, '--play', sa, '--record', w.dir / 'alice-heard.wav', '--duration', 7, '--json', w.dir / 'call.json', *args))
    call.ok(40)
    check(server.stop() == 0, server.tail())
    same(sa, w.dir / 'bob-heard.wav', codec)
    same(sb, w.dir / 'alice-heard.wav', codec)


@test
def audio_two_ringlanes(w):
    exchange(w, config('ra', '198.18.0.1/24'), config('rb', '198.18.0.3/24'), 'sip:bob@198.18.0.3')


@test
def audio_pcma(w):
    exchange(w, config('ra', '198.18.0.1/24', more='rtp: {codecs: [PCMA]}\n'), config('rb', '198.18.0.3/24'), 'sip:bob@198.18.0.3', codec='pcma')


@test
def audio_ipv6(w):
    exchange(w, config('ra', '2001:db8::1/64'), config('rb', '2001:db8::3/64'), 'sip:bob@[2001:db8::3]')


@test
def audio_vlan(w):
    exchange(w, config('ra', '198.18.0.1/24', port='vlan: 42'), config('rb', '198.18.0.3/24', port='vlan: 42'), 'sip:bob@198.18.0.3')


@test
def audio_ptimes(w):
    """10, 30, 40 and 60 ms packets, both ways."""
    for ptime in (10, 30, 40, 60):
        more = f'rtp: {{ptime_ms: {ptime}}}\n'
        d = w.dir / f'p{ptime}'
        d.mkdir()
        exchange(w, config('ra', '198.18.0.1/24', more=more), config('rb', '198.18.0.3/24', more=more), 'sip:bob@198.18.0.3')
        for p in w.procs:
            p.stop()
        for h in w.hosts:
            h.holder.stdin.close()
            h.holder.wait()
        w.hosts.clear()


@test
def audio_two_workers(w):
    more = 'runtime: {workers: 2}\n'
    exchange(w, config('ra', '198.18.0.1/24').replace('workers: 1', 'workers: 2'), config('rb', '198.18.0.3/24').replace('workers: 1', 'workers: 2'),
             'sip:bob@198.18.0.3')


@test
def audio_example(w):
    """examples/peer_audio.c, unchanged, on both sides."""
    a, b = two_ringlanes(w)
    sa, sb = speech(w, ALICE, 'alice.wav'), speech(w, BOB, 'bob.wav')
    prog = BUILD / 'examples/peer_audio'
    bob = w.run(prog, 'bob', sb, w.dir / 'bob-heard.wav', ns=b, name='bob',
                env={'RINGLANE_CONFIG': str(w.file('b.yaml', config('rb', '198.18.0.3/24'))), 'RUNTIME_DIRECTORY': str(w.dir)})
    bob.expect('waiting', 20)
    alice = w.run(prog, 'alice', sa, w.dir / 'alice-heard.wav', 'bob@198.18.0.3', ns=a, name='alice',
                  env={'RINGLANE_CONFIG': str(w.file('a.yaml', config('ra', '198.18.0.1/24', prefix='pa'))), 'RUNTIME_DIRECTORY': str(w.dir)})
    alice.ok(40)
    bob.ok(40)
    same(sa, w.dir / 'bob-heard.wav')
    same(sb, w.dir / 'alice-heard.wav')


BARESIP_ZERO = 2  # baresip's mu-law table decodes the two zeros as +2 and -2


def baresip(w, ns, wav, answer, *args, local='198.18.0.2'):
    d = w.dir / 'baresip'
    baresip_folder(d, local, f'<sip:bare@{local}>;regint=0;answermode={answer};audio_codecs=PCMU', wav, more=f'module sndfile.so\nsnd_path {d}\n')
    p = w.run('baresip', '-4', '-f', d, '-s', *args, ns=ns, cwd=d)
    p.expect('baresip is ready', 10)
    return p, d


def heard_by_baresip(d):
    files = sorted(d.glob('dump-*dec.wav'))
    check(files, f'baresip recorded nothing: {[x.name for x in d.iterdir()]}')
    return files[0]


@test
def audio_baresip_calls_us(w):
    ours, theirs = w.wire()
    sa, sb = speech(w, ALICE, 'alice.wav'), speech(w, BOB, 'bob.wav')
    server = w.ringlane(config(more=f'routes:\n  - {{match: bob, app: play, file: "{sb}", loop: 0, record: "{w.dir}/heard.wav"}}\n'), ns=ours)
    p, d = baresip(w, theirs, sa, 'manual', '-t', '10', '-e', '/dial sip:bob@198.18.0.1')
    p.wait(30)
    check(server.stop() == 0, server.tail())
    same(sa, w.dir / 'heard.wav', least=0.97)
    same(sb, heard_by_baresip(d), least=0.97, tolerance=BARESIP_ZERO)


@test
def audio_we_call_baresip(w):
    ours, theirs = w.wire()
    sa, sb = speech(w, ALICE, 'alice.wav'), speech(w, BOB, 'bob.wav')
    p, d = baresip(w, theirs, sb, 'auto', '-t', '20')
    w.ringlane(config(), ns=ours, ready=None, args=('call', 'sip:bare@198.18.0.2', '--play', sa, '--record', w.dir / 'heard.wav', '--duration', 7)).ok(40)
    p.stop()
    same(sb, w.dir / 'heard.wav', least=0.97)
    same(sa, heard_by_baresip(d), least=0.97, tolerance=BARESIP_ZERO)


@test
def audio_tshark_agrees(w):
    """A capture of a call with exact losses: tshark's loss and packet counts are ours, its jitter's range holds ours."""
    ours, router, theirs = w.routed()
    lose(router, '--sport', '22000:22099', every=50, first=20)
    sb = speech(w, BOB, 'bob.wav')
    cap = w.run('tcpdump', '--immediate-mode', '-i', 'rl', '-U', '-w', w.dir / 'cap.pcap', 'udp', ns=ours)
    cap.expect('listening on', 10)
    p, d = baresip(w, theirs, sb, 'auto', '-t', '20', local='198.18.1.2')
    w.ringlane(config(port='gateway4: 198.18.0.254'), ns=ours, ready=None, args=('call', 'sip:bare@198.18.1.2', '--duration', 8, '--json', w.dir / 'call.json')).ok(40)
    p.stop()
    cap.stop(signal.SIGINT)
    mine = json.loads((w.dir / 'call.json').read_text())
    rows = sh('tshark', '-r', w.dir / 'cap.pcap', '-d', 'udp.port==22000-22099,rtp', '-q', '-z', 'rtp,streams').splitlines()
    stream = next(x.split() for x in rows if '198.18.1.2' in x.split()[2:3])
    # start end src port dst port ssrc payload pkts lost (pct) mindelta meandelta maxdelta minjitter meanjitter maxjitter
    pkts, lost = int(stream[8]), int(stream[9])
    least, _, most = (float(x) for x in [x for x in stream if x != 'X'][-3:])
    rx = mine['calls'][0]['receive']
    check(rx['packets'] == pkts, f'packets: ours {rx["packets"]}, tshark {pkts}\n{" ".join(stream)}')
    check(rx['lost'] == lost and lost > 0, f'lost: ours {rx["lost"]}, tshark {lost}')
    # Ours is J at the end (RFC 3550 A.8), in whole units of 125 us; tshark prints the range it went through.
    check(least - 0.25 <= rx['jitter_ms'] <= most + 0.25, f'jitter: ours {rx["jitter_ms"]}, tshark {least} to {most}')


go_first()
sys.exit(main())
