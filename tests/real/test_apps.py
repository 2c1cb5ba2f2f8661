#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Call applications against SIPp: bridges, queues, menus, a plug-in, and the examples that are handlers in programs of their own."""
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import LINPHONE, RINGLANE, SIPP, lan, without_kernel  # noqa: E402
from harness import BUILD, SPEECH, check, config, main, nothing_left, sh, telemetry, test  # noqa: E402
from scene import (ack, answer, await_request, finish, invite, pause, receive, refused_ack, request, ringing, sdp, start,  # noqa: E402
                   wait_for_port)
from waveform import go_first, same, speech  # noqa: E402

AGENT = 5070
PROVISIONAL = (100, 180, 182, 183)


def hangs_up(after_ms=500):
    """A caller that talks for a while."""
    return [invite(), ringing(*PROVISIONAL), receive(200), ack(), pause(after_ms), request('BYE', 2), receive(200)]


def is_hung_up(*between):
    """A caller that waits for our BYE."""
    return [invite(), ringing(*PROVISIONAL), receive(200), ack(), *between, await_request('BYE'), answer(200, tag='')]


def takes_a_call():
    return [await_request('INVITE'), answer(180), answer(200, sdp()), await_request('ACK'), await_request('BYE'), answer(200)]


def called(w, ns, steps, port=AGENT, name='called', calls=1):
    p = start(w, ns, name, steps, local=SIPP, port=port, calls=calls)
    wait_for_port(ns, port)
    return p


def calls(w, ns, steps, user, target='198.18.0.1', name='caller', port=6000):
    return start(w, ns, name, steps, local=SIPP, port=port, target=target, user=user)


def example(w, ns, name, settings, *args, ready):
    """One of our examples as a program; its configuration is its last argument."""
    run = w.dir / f'run-{name}'
    run.mkdir()
    p = w.run(BUILD / 'examples' / name, *args, w.file(f'{name}.yaml', settings), ns=ns, env={'RUNTIME_DIRECTORY': str(run)}, name=name)
    p.runtime = run
    p.expect(ready, 20)
    return p


@test
def apps_bridge_passes_answer_and_refusal(w):
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=f'routes:\n  - {{match: "6*", app: bridge, to: "sip:{{user}}@{SIPP}:{AGENT}"}}\n'), ns=ours)
    agent = called(w, theirs, takes_a_call())
    finish(calls(w, theirs, hangs_up(), '601'))
    finish(agent)
    agent = called(w, theirs, [await_request('INVITE'), answer(486), await_request('ACK')], name='busy')
    finish(calls(w, theirs, [invite(), ringing(*PROVISIONAL), receive(486), refused_ack()], '602', name='refused', port=6010))
    finish(agent)
    nothing_left(server)


@test
def apps_queue_calls_its_agent(w):
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=f'''
routes: [{{match: sales, app: queue, queue: sales}}]
queues: [{{name: sales, agents: ["sip:ann@{SIPP}:{AGENT}"], music: "{SPEECH}/demo-congrats.wav", position: on}}]
'''), ns=ours)
    agent = called(w, theirs, takes_a_call(), calls=2)
    finish(calls(w, theirs, hangs_up(), 'sales'))
    finish(calls(w, theirs, hangs_up(), 'sales', name='second', port=6010))
    finish(agent)
    figures = telemetry(server, '/ringlane/queues')['sales']
    check(figures['entered'] == 2 and figures['answered'] == 2 and figures['waiting'] == 0, str(figures))
    nothing_left(server)


@test
def apps_queue_plays_its_music(w):
    """The agent is busy, and the caller waits: it records the music on hold, from its end into its beginning again."""
    ours, theirs, caller = lan(w, SIPP, LINPHONE)
    without_kernel(caller)
    music = speech(w, SPEECH / 'demo-congrats.wav', 'music.wav', 3)
    server = w.ringlane(config(more=f'''
routes: [{{match: sales, app: queue, queue: sales}}]
queues: [{{name: sales, agents: ["sip:ann@{SIPP}:{AGENT}"], music: "{music}"}}]
'''), ns=ours)
    agent = called(w, theirs, [await_request('INVITE'), answer(486), await_request('ACK')])
    w.ringlane(config('k', f'{LINPHONE}/24'), ns=caller, ready=None,
               args=('call', f'sip:sales@{RINGLANE}', '--record', w.dir / 'heard.wav', '--duration', 8)).ok(40)
    finish(agent)
    twice = w.dir / 'twice.wav'
    sh('sox', music, music, twice)
    same(twice, w.dir / 'heard.wav')
    nothing_left(server)


@test
def apps_menu_without_a_key_ends(w):
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=f'''
routes: [{{match: main, app: menu, menu: main}}]
menus: [{{name: main, prompt: "{SPEECH}/activated.wav", timeout_s: 1, retries: 1, digits: {{"1": {{hangup}}}}}}]
'''), ns=ours)
    finish(calls(w, theirs, is_hung_up(), 'main'))
    nothing_left(server)


@test
def apps_plugin_answers_plays_and_hangs_up(w):
    ours, theirs = lan(w, SIPP)
    server = w.ringlane(config(more=f'''
routes: [{{match: hello, app: plugin, file: "{BUILD.resolve()}/examples/plugin.so", options: "{SPEECH}/activated.wav"}}]
'''), ns=ours)
    finish(calls(w, theirs, is_hung_up(), 'hello'))
    nothing_left(server)


@test
def apps_plugin_that_fails_refuses_the_start(w):
    ours, _ = lan(w, SIPP)
    plugins = BUILD.resolve() / 'plugins'
    for file, options, words in ((f'{plugins}/none.so', '', 'cannot be loaded: .*none.so: cannot open'),
                                 (f'{plugins}/no_plugin.so', '', "is no plug-in: it has no symbol rln_plugin"),
                                 (f'{plugins}/wrong_abi.so', '', 'is built for interface 2, expected 1'),
                                 (f'{BUILD.resolve()}/examples/plugin.so', '', 'the plug-in hello refuses: Invalid argument')):
        p = w.ringlane(config(more=f'routes:\n  - {{match: a, app: plugin, file: "{file}", options: "{options}"}}\n'), ns=ours, ready=None)
        check(p.wait(30) != 0, f'{file}: the server started')
        check(re.search(rf'ringlane\d+\.yaml:7:35: routes\[0\]\.file: .*{words}', p.text()), f'{file}:\n{p.tail()}')
    p = w.ringlane(config(more=f'handler:\n  plugin: "{plugins}/none.so"\n'), ns=ours, ready=None)
    check(p.wait(30) != 0 and re.search(r'ringlane\d+\.yaml:7:11: handler\.plugin: cannot be loaded', p.text()), p.tail())


@test
def apps_example_ivr(w):
    ours, theirs = lan(w, SIPP)
    p = example(w, ours, 'ivr', config(more=f'media: {{prompts: "{SPEECH}"}}\n'), ready='ready on port 5070')
    key = request('INFO', 2, 'Signal=#\r\nDuration=100', kind='application/dtmf-relay')
    finish(calls(w, theirs, is_hung_up(key, receive(200)), 'ivr', target='198.18.0.1:5070'))
    check(p.stop(signal.SIGTERM) == 0, p.tail())


@test
def apps_example_call_queue(w):
    ours, theirs = lan(w, SIPP)
    p = example(w, ours, 'call_queue', config(more=f'media: {{prompts: "{SPEECH}"}}\n'), f'sip:ann@{SIPP}:{AGENT}', ready='ready on port 5070')
    agent = called(w, theirs, takes_a_call())
    finish(calls(w, theirs, hangs_up(), 'queue', target='198.18.0.1:5070'))
    finish(agent)
    check(p.stop(signal.SIGTERM) == 0, p.tail())


go_first()
sys.exit(main())
