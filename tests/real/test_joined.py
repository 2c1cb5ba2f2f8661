#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Routes that join calls: a bridge passes hold, digits, re-INVITE and early media through; a queue finds an agent; a menu hears keys."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clients import BARESIP, LINPHONE, RINGLANE, SIPP, Baresip, Linphone, lan, without_kernel  # noqa: E402
from harness import SPEECH, check, config, main, nothing_left, sh, test  # noqa: E402
from scene import ack, answer, await_request, call_back, finish, invite, receive, refused_ack, ringing, sdp, start, wait_for_port  # noqa: E402
from waveform import go_first, same, speech  # noqa: E402
from wire import SDP, Wire  # noqa: E402


def served(w, more, *addresses):
    ours, *theirs = lan(w, *addresses)
    return w.ringlane(config(more=more), ns=ours, args=('serve', '--trace')), *theirs


@test
def joined_bridge_clients(w):
    """baresip reaches linphone through us: its hold, its resume and its digit arrive there, and either side's end ends both."""
    server, bare, lin = served(w, f'routes:\n  - {{match: out, app: bridge, to: ["sip:lin@{LINPHONE}"]}}\n', BARESIP, LINPHONE)
    b, p = Baresip(w, bare), Linphone(w, lin, auto=True)
    b.do('dial', f'sip:out@{RINGLANE}')
    b.expect('CALL_ESTABLISHED')
    p.expect('Media streams established')
    server.expect('-> BRIDGED')
    b.do('hold')
    p.expect('paused by')
    b.do('resume')
    p.expect('Media streams established')
    b.do('sndcode', '5')
    p.expect('Receiving tone 5')
    p.do('terminate')
    b.expect('CALL_CLOSED')
    nothing_left(server)


@test
def joined_bridge_speech(w):
    """What either side says through the bridge the other one records: the samples are compared."""
    server, _, caller, callee = served(w, f'routes:\n  - {{match: out, app: bridge, to: ["sip:bob@{SIPP}"]}}\n', BARESIP, LINPHONE, SIPP)
    without_kernel(caller, callee)
    sa, sb = speech(w, SPEECH / 'demo-congrats.wav', 'alice.wav', 3), speech(w, SPEECH / 'demo-instruct.wav', 'bob.wav', 3)
    late = w.dir / 'late.wav'
    sh('sox', sa, late, 'pad', 1, 0)  # said once; the caller's leg is up a moment before the two are joined
    bob = w.ringlane(config('k', f'{SIPP}/24', more=f'routes:\n  - {{match: bob, app: play, file: "{sb}", loop: 0, record: "{w.dir}/bob-heard.wav"}}\n'),
                     ns=callee)
    w.ringlane(config('k', f'{LINPHONE}/24'), ns=caller, ready=None,
               args=('call', f'sip:out@{RINGLANE}', '--play', late, '--record', w.dir / 'alice-heard.wav', '--duration', 8)).ok(40)
    server.expect('-> BRIDGED')
    nothing_left(server)
    check(bob.stop() == 0, bob.tail())
    same(sa, w.dir / 'bob-heard.wav')
    same(sb, w.dir / 'alice-heard.wav')


@test
def joined_bridge_sipp(w):
    """A refusal, new offers from either side and the end go through to the other side."""
    routes = ''.join(f'  - {{match: {name}, app: bridge, to: ["sip:x@{SIPP}:{port}"]}}\n' for name, port in (('out', 6000), ('none', 6010)))
    server, bare, theirs = served(w, 'routes:\n' + routes, BARESIP, SIPP)
    b = Baresip(w, bare)
    def offered(direction, back, version):
        return [await_request('INVITE', body=f'a={direction}'), answer(200, sdp(back, version), tag=None, retrans=True), await_request('ACK')]

    callee = start(w, theirs, 'callee', [await_request('INVITE'), answer(200, sdp(), retrans=True), await_request('ACK'),
                                         *offered('sendonly', 'recvonly', 2), *offered('sendrecv', 'sendrecv', 3),
                                         call_back('INVITE', 1, sdp('sendonly', 4)), receive(100, maybe=True), receive(200, body='a=recvonly'),
                                         call_back('ACK', 1), call_back('BYE', 2), receive(200)], local=SIPP, port=6000)
    refuser = start(w, theirs, 'refuser', [await_request('INVITE'), answer(486), await_request('ACK')], local=SIPP, port=6010)
    wait_for_port(theirs, 6000)
    wait_for_port(theirs, 6010)
    b.do('dial', f'sip:none@{RINGLANE}')
    b.expect('CALL_CLOSED', param='486')
    finish(refuser)
    b.do('dial', f'sip:out@{RINGLANE}')
    b.expect('CALL_ESTABLISHED')
    server.expect('-> BRIDGED')
    b.do('hold')
    server.expect('new_state=HELD', lane='held')
    b.do('resume')
    b.expect('CALL_CLOSED')
    finish(callee)
    nothing_left(server)


@test
def joined_early_media_and_cancel(w):
    """The called side's early media is heard by the caller, who gives up: so do we."""
    server, bare, theirs = served(w, f'routes:\n  - {{match: out, app: bridge, to: ["sip:x@{SIPP}:5070"]}}\n', BARESIP, SIPP)
    b, wire = Baresip(w, bare), Wire(theirs)
    b.do('dial', f'sip:out@{RINGLANE}')
    called = wire.receive('INVITE')
    wire.answer(called, 183, body=SDP)
    b.expect('CALL_PROGRESS')
    b.do('hangup')
    wire.answer(wire.receive('CANCEL'), 200)
    wire.answer(called, 487)
    wire.receive('ACK')
    nothing_left(server)


QUEUE = f'''
routes: [{{match: sales, app: queue, queue: sales}}]
queues:
  - {{name: sales, agents: ["sip:bare@{BARESIP}"], max_waiting: 1, music: "{SPEECH}/demo-congrats.wav", agent_ring_s: 20}}
'''


@test
def joined_queue(w):
    """The first caller waits while the agent's phone rings, a second one is refused; then the agent answers."""
    server, bare, theirs = served(w, QUEUE, BARESIP, SIPP)
    b = Baresip(w, bare, answer='manual')
    caller = start(w, theirs, 'caller', [invite(), ringing(), receive(200), ack(), await_request('BYE'), answer(200, tag=None)], local=SIPP, port=6000,
                   target=RINGLANE, user='sales')
    b.expect('CALL_INCOMING')
    finish(start(w, theirs, 'full', [invite(), ringing(), receive(486), refused_ack()], local=SIPP, port=6010, target=RINGLANE, user='sales'))
    b.do('accept')
    b.expect('CALL_ESTABLISHED')
    server.expect('-> BRIDGED')
    b.do('hangup')
    finish(caller)
    nothing_left(server)


MENU = f'''
routes: [{{match: menu, app: menu, menu: main}}]
menus:
  - name: main
    prompt: "{SPEECH}/demo-congrats.wav"
    timeout_s: 5
    digits: {{'1': {{bridge: "sip:lin@{LINPHONE}"}}, '9': {{play: "{SPEECH}/activated.wav", hangup: on}}}}
'''


@test
def joined_menu(w):
    """A key during the prompt: 9 plays a file and hangs up, 1 joins the caller with linphone."""
    server, bare, lin = served(w, MENU, BARESIP, LINPHONE)
    b, p = Baresip(w, bare), Linphone(w, lin, auto=True)
    b.do('dial', f'sip:menu@{RINGLANE}')
    b.expect('CALL_ESTABLISHED')
    server.expect('PLAY_AUDIO')
    b.do('sndcode', '9')
    b.expect('CALL_CLOSED')
    b.do('dial', f'sip:menu@{RINGLANE}')
    b.expect('CALL_ESTABLISHED')
    server.expect('PLAY_AUDIO')
    b.do('sndcode', '1')
    p.expect('Media streams established')
    server.expect('-> BRIDGED')
    b.do('hangup')
    p.expect('ended')
    nothing_left(server)


go_first()
sys.exit(main())
