#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes docs/dialog-interface.md ("dialog") or docs/media-interface.md ("media"): direct calls down, events up (R19, R146-R149).

The calls and what is said of them come from the headers, the events from lcore/event.def, their fields from
lcore/event_payload.h; only the rules that stand in no header are written here.
"""
import re
import sys
import textwrap
from pathlib import Path

ROW = re.compile(r'^X\((\w+), (\w+), (\w+), ([\w ]+), (RETRY|COUNT), (BLOCK|PLAIN), (LIVE|LATER), "(.*)"\)$', re.M)
# A comment, a prototype with what follows it on its line, or an empty line, which ends a comment's reach.
PIECE = re.compile(r'(?P<comment>/\*.*?\*/)|(?P<proto>^(?:struct |enum |const |unsigned )*[a-z]\w*[ *]+\w+\([^;{}]*\)[^;{}]*;)(?P<tail>[ \t]*/\*.*?\*/)?'
                   r'|(?P<gap>\n[ \t]*\n)', re.S | re.M)
PAYLOAD = re.compile(r'^struct (rln_ev_\w+) \{ (.*?) \};', re.M)


def words(comment):
    """A comment as running text; its list items stay lines."""
    lines = [re.sub(r'^\s*/?\*+/?\s?|\s*\*/\s*$', '', line).rstrip() for line in comment.strip().split('\n')]
    out = ''
    for line in lines:
        item = re.match(r'\s*- ', line)
        out += ('\n' if item or not line else ' ' if out and not out.endswith('\n') else '') + line.strip()
    return out.strip()


def say(text):
    """Running text in lines of 150 columns; list items and paragraphs stay apart."""
    print('\n'.join(textwrap.fill(line, 150, subsequent_indent='  ' if line.startswith('- ') else '', break_long_words=False, break_on_hyphens=False)
                    for line in text.split('\n')))


def prototypes(path, pattern):
    """(prototype, comment) of a header's functions whose name matches; neighbours share the comment above them."""
    text, found, last = Path(path).read_text(), [], ''
    for m in PIECE.finditer(text):
        if m['comment']:
            last = words(m['comment'])
        elif m['gap'] is not None:
            last = ''
        elif re.search(rf'\b{pattern}\(', m['proto']):
            proto = re.sub(r'\s*__attribute__\(\(\w+\)\)', '', re.sub(r'\s+', ' ', m['proto']))
            found.append((proto, words(m['tail']) if m['tail'] else last))
    return found


def header_comment(path):
    return re.search(r'\*/\n/\*\n(.*?)\*/', Path(path).read_text(), re.S).group(1)


def part(comment, begin):
    """The paragraph of a header's comment that begins so, as a list or text."""
    lines = [re.sub(r'^ \* ?', '', line) for line in comment.split('\n')]
    text = '\n'.join(lines)
    at = text.index(begin)
    return words('/*' + text[at:].split('\n\n')[0] + '*/')


def print_calls(calls):
    """Calls that share what is said of them stand together."""
    groups = []
    for proto, text in calls:
        if groups and text and groups[-1][1] == text:
            groups[-1][0].append(proto)
        else:
            groups.append(([proto], text))
    for protos, text in groups:
        print('\n```c\n' + '\n'.join(protos) + '\n```')
        if text:
            say('\n' + text)


def fields(payload, payloads):
    """Names of a payload's fields; what stands in the block in italics."""
    names = []
    for decl in payloads[payload.split()[-1]].split(';'):
        m = re.match(r'\s*((?:struct )?\w+) (.*)', re.sub(r'/\*.*?\*/', '', decl).strip())
        if not m or m[1] == 'rln_block_ref':
            continue
        for name in m[2].split(','):
            name = re.sub(r'\[.*', '', name.strip())
            if name != 'spare':
                names.append(f'*{name}*' if m[1] == 'struct rln_slice' else name)
    return ', '.join(names)


def print_events(category, title, text):
    payloads = dict(PAYLOAD.findall(re.sub(r'\n(?!struct|enum|/\*)', ' ', Path('lcore/event_payload.h').read_text())))
    say(f'\n## {title}\n\n{text}')
    print('\n| kind | fields | when a ring is full | meaning |\n|---|---|---|---|')
    for kind, cat, _, payload, full, _, status, meaning in ROW.findall(Path('lcore/event.def').read_text()):
        if cat == category:
            later = '' if status == 'LIVE' else ' (*not yet*)'
            print(f'| {kind}{later} | {fields(payload, payloads)} | {"waits" if full == "RETRY" else "dropped, counted"} | {meaning} |')


def commands():
    """The direct calls that the machine's actions and guards may use: struct rln_dialog_commands."""
    table = re.search(r'struct rln_dialog_commands \{(.*?)\n\};', Path('session/layers.h').read_text(), re.S).group(1)
    calls = re.findall(r'\(\*(\w+)\)\((const )?void \*arg', table)
    return [n for n, const in calls if not const], [n for n, const in calls if const]


def handler():
    """What the session layer calls for what comes up: struct rln_dialog_event_handler."""
    text = Path('session/layers.h').read_text()
    functions = re.search(r'struct rln_dialog_event_handler \{(.*?)\n\};', text, re.S).group(1)
    return [(name, kind.upper()) for name, kind in re.findall(r'\(\*(\w+)\)\(.*const struct rln_event \*(\w+)\)', functions)]


HEAD = ('Written by `make docs` from `{}`. Direct calls go down only, events come up only (R5, R6). Fields in *italics* are texts in the event\'s '
        'block (`lcore/block.h`): they live while the event is handled. [events.md](events.md) says who makes and who takes each kind, '
        '[flows.md](flows.md) shows them at work.')


def dialog():
    tells, asks = commands()
    order = part(header_comment('sip/dialog.h'), 'What comes up, and in which order:')
    say('# Session and dialog\n\n' + HEAD.format('sip/dialog.h`, `session/layers.h` and `lcore/event.def'))
    say('\n## Who may call\n\nThe session layer on the control lcore, and nobody else: no lock, no other thread. The machine\'s actions and guards reach '
          'the dialog layer through `struct rln_dialog_commands` alone, so that tests put a double there; the coordinator fills it with the functions '
          'below and makes each of them visible to the trace (`make lint` finds one that is not). No call waits for the network, and none calls back: what '
          'comes of it is an event, delivered after the caller has returned.\n\nAn application never calls the dialog layer; it publishes commands '
          '(application_to_session) through `ringlane.h`.')
    say(f'\nActions may call: {", ".join(f"`{n}`" for n in tells)}.\n\nGuards may ask: {", ".join(f"`{n}`" for n in asks)}. A query changes nothing.')
    say('\n## Errors\n\nA call returns 0 or `-errno`; a dialog that is gone is `-ENOENT` or `-ENOTCONN` and nothing happens, a stale id never reaches '
          'another dialog (`lcore/id.h`). `-EINPROGRESS`: a request of either side is open, try again after its outcome. What fails later, on the wire, is '
          'an event: CALL_STATE_CHANGED with the SIP status, DIALOG_ERROR, CALL_TERMINATED. A failed action of the machine comes back to it as ACTION_FAILED.')
    say('\n## Order\n\nEvents of one dialog are delivered in the order in which they were published, and an event is handled to its end before the next '
          'one (R12). What a call publishes comes after the event that is being handled.\n\n' + order)
    print('\n## Direct calls down')
    print_calls(prototypes('sip/dialog.h', r'rln_dialog_\w+'))
    print_events('S2D', 'Events down: the call\'s intents',
                 'The machine publishes them; the dialog hub carries them out with the functions above (R5). The subject is the dialog.')
    print_events('D2S', 'Events up', 'The dialog hub publishes them; the session hub finds the session by the dialog and gives them to the machine. '
                 'The subject is the dialog; the machine passes some of them on to the application under the session\'s id.\n\n'
                 'What makes and ends a call has a typed receiver, `struct rln_dialog_event_handler`: the hub unpacks the event, once, and calls '
                 + ', '.join(f'`{name}` for {kind}' for name, kind in handler()) +
                 '. An incoming call goes from there to the interceptor, the others to the machine. It is the bus\'s other end and no second way: '
                 'nothing but the hub calls it.')


def media():
    say('# Session and media\n\n' + HEAD.format('session/media_ctl.h`, `session/media.h`, `rtp/leg_stats.h` and `lcore/event.def'))
    say('\n## Who may call\n\nA leg belongs to one worker and nobody else touches it. The media controller runs on the control lcore, is called by the '
          'machine\'s actions and guards only, and posts one typed command per call to the worker in the session\'s id; a command never waits. The '
          'media hub of each worker carries the commands out and publishes what came of them. The one thing that is read across lcores is a '
          'snapshot that the worker publishes (statistics). Samples move on audio channels and packets on data rings; neither carries control.')
    say('\n## Errors\n\nA call of the controller returns 0 or `-errno`: `-ENOTSUP` no stream that we can take, `-EBADMSG` not SDP, `-ENOBUFS` no block '
          'for the command. What fails on the worker is MEDIA_ERROR with its cause and errno, under the leg\'s id, or the session\'s while it has no '
          'leg yet. A command for a leg that is gone does nothing: its id names a generation.')
    say('\n## Order\n\nCommands of one session reach its worker in the order in which they were posted, and its events come back in the order in which they '
          'happened; what waits for a full ring keeps its place. MEDIA_SESSION_CREATED is the first event of a leg and MEDIA_STREAM_STOPPED the last. '
          'RTP_STREAM_* stand between a START, UPDATE or STOP command and its answer. A call\'s media tells the application in this order, each once: '
          'MEDIA_SESSION_READY, MEDIA_NEGOTIATED, MEDIA_FLOW_ESTABLISHED, FIRST_AUDIO_FRAME_RECEIVED, AUDIO_CHANNELS_READY (R155).')
    print('\n## Direct calls down: the controller')
    print_calls(prototypes('session/media_ctl.h', r'rln_media_\w+'))
    print('\n## Snapshots that the worker publishes')
    print_calls(prototypes('rtp/leg_stats.h', r'rln_\w+'))
    print_events('S2M', 'Commands down', 'Subject: the session until it has a leg (CREATE_MEDIA_SESSION), then the leg.')
    print_events('M2S', 'Events up', 'Published by the worker\'s media hub alone; subject as above.')
    print_events('S2A', 'Events for the application',
                 'The media kinds among them are raised by the worker and pass the machine, which gives them on in their turn under the session\'s id.')
    print_events('M2R', 'Inside the worker: media to RTP', 'Delivered on the worker itself, same types, same trace.')
    print_events('R2M', 'Inside the worker: RTP to media', 'Subject: the leg.')


{'dialog': dialog, 'media': media}[sys.argv[1]]()
