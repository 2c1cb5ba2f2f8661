#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every example, unchanged, against a real peer: SIPp, a ringlane that serves, or another example. And what the examples promise: their length."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from harness import BUILD, SPEECH, TOP, check, config, main, sh, test  # noqa: E402

SNIPPETS = {'call': 4, 'answer': 4}  # lines at most: less than five


def example(w, name, *args, ns=None, conf=None):
    """An example as a user starts it, with a configuration of the test's."""
    run = w.dir / f'run-{name}'
    run.mkdir(exist_ok=True)
    env = {'RINGLANE_CONFIG': str(w.file(f'{name}.yaml', conf)), 'RUNTIME_DIRECTORY': str(run)}
    return w.run(BUILD / 'examples' / name, *args, ns=ns, name=name, env=env)


def two_hosts(w):
    a, b = w.host(), w.host()
    w.veth(a, b, 'ra', 'rb')
    for h, n in ((a, 'ra'), (b, 'rb')):
        sh('sysctl', '-qw', f'net.ipv6.conf.{n}.disable_ipv6=1', ns=h)
    return a, b


def alice(name='a'):
    return config('ra', '198.18.0.1/24', prefix=f'ex{name}')


def bob(more=''):
    return config('rb', '198.18.0.3/24', more=more)


@test
def examples_are_as_short_as_they_say(w):
    for name, most in SNIPPETS.items():
        text = (TOP / 'examples' / f'{name}.c').read_text()
        body = re.search(r'/\* snippet \*/\n(.*?)\t/\* end \*/', text, re.S).group(1)
        lines = [x for x in body.splitlines() if x.strip()]
        check(0 < len(lines) <= most, f'{name}.c: {len(lines)} lines')
        check(all(x.count(';') == 1 for x in lines), f'{name}.c: one statement a line')


@test
def examples_say_how_to_use_them(w):
    for name in ('call', 'answer', 'uac_client', 'uas_server', 'quality_watch', 'peer_audio'):
        p = example(w, name, conf=alice())
        check(p.wait(10) == 2, f'{name}: exit {p.p.returncode}')
        check('usage:' in p.text(), p.tail())


@test
def example_call(w):
    """A phone that answers; one that refuses; nobody."""
    ours, theirs = w.wire()
    conf = config(prefix='excall')
    w.run('sipp', '-sn', 'uas', '-nostdin', '-nd', '-i', '198.18.0.2', '-m', 1, '-timeout', '30s', ns=theirs, name='uas')
    example(w, 'call', 'bob@198.18.0.2', ns=ours, conf=conf).ok(40).expect('answered')
    w.run('sipp', '-sf', Path(__file__).parent / 'sipp/uas_busy.xml', '-nostdin', '-nd', '-i', '198.18.0.2', '-m', 1, '-timeout', '30s', ns=theirs,
          name='busy')
    p = example(w, 'call', 'bob@198.18.0.2', ns=ours, conf=conf)
    check(p.wait(40) == 1, p.tail())
    p.expect('the call ended first')


@test
def example_answer(w):
    ours, theirs = w.wire()
    p = example(w, 'answer', 'bob', SPEECH / 'activated.wav', ns=ours, conf=config(prefix='exans'))
    w.run('sipp', '-sf', Path(__file__).parent / 'sipp/uac_wait_bye.xml', '-nostdin', '-nd', '-i', '198.18.0.2', '-s', 'bob', '-m', 1, '-timeout', '40s',
          '-timeout_error', '198.18.0.1', ns=theirs, name='sipp').ok(60)
    p.ok(40).expect('played')


@test
def example_client_and_server(w):
    """R206: the UAC/UAS pair, twenty calls at once."""
    a, b = two_hosts(w)
    server = example(w, 'uas_server', 20, ns=b, conf=bob())
    server.expect('ready', 30)
    client = example(w, 'uac_client', 'echo@198.18.0.3', 20, 2, ns=a, conf=alice())
    client.ok(60).expect('20 answered, 20 ended, 0 failed')
    server.ok(30).expect('20 established, 20 ended')


@test
def example_server_sipp(w):
    ours, theirs = w.wire()
    server = example(w, 'uas_server', 10, ns=ours, conf=config(prefix='exuas'))
    server.expect('ready', 30)
    w.run('sipp', '-sn', 'uac', '-nostdin', '-nd', '-i', '198.18.0.2', '-s', 'anybody', '-m', 10, '-r', 10, '-d', 500, '-timeout', '40s',
          '-timeout_error', '198.18.0.1', ns=theirs, name='sipp').ok(60)
    server.ok(30).expect('10 established, 10 ended')


@test
def example_client_sipp(w):
    ours, theirs = w.wire()
    w.run('sipp', '-sn', 'uas', '-nostdin', '-nd', '-i', '198.18.0.2', '-m', 5, '-timeout', '40s', ns=theirs, name='uas')
    example(w, 'uac_client', 'bob@198.18.0.2', 5, ns=ours, conf=config(prefix='exuac')).ok(60).expect('5 answered, 5 ended, 0 failed')


@test
def example_quality_watch(w):
    """Two updates, 5 s apart, of a call that an echo answers: nothing is lost on this wire."""
    a, b = two_hosts(w)
    w.ringlane(bob('routes:\n  - {match: echo, app: echo}\n'), ns=b)
    watch = example(w, 'quality_watch', 'echo@198.18.0.3', 2, ns=a, conf=alice('q'))
    for _ in range(2):
        watch.expect(r'MEDIA_QUALITY_UPDATE GOOD: loss 0\.00 %', 30)
    watch.ok(20)


if __name__ == '__main__':
    sys.exit(main())
