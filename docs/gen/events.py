#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes docs/events.md: the event catalogue with who makes and who takes each kind, and the counters.

What a kind is comes from lcore/event.def; where it is made and taken is looked up in the sources, and a kind that is LIVE and has
no producer, no consumer or no test in the simulation fails the page, and so `make lint`. So does a command of session/commands.c
that nothing but tests gives: what only a test can publish is not observed in the running product.
"""
import re
import sys
from pathlib import Path

ROW = re.compile(r'^X\((\w+), (\w+), (\w+), ([\w ]+), (RETRY|COUNT), (BLOCK|PLAIN), (LIVE|LATER), "(.*)"\)$', re.M)
COUNTER = re.compile(r'^X\((\w+), (\w+), "(.*)"\)$', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
CATEGORY = re.compile(r'X\((\w+), "(\w+)"\)')
# A kind's name in a source is its making, unless it is asked for, compared, waited for or listed.
NOT_MADE = re.compile(r'(case\s+|[=!]=\s*|\[|wait\w*\([^;]*|figures\([^;]*|event_info\([^;]*|find\w*\([^;]*)$')
# Who owns a category's handler: files, and whether each kind must be named there.
TAKERS = {'S2D': ('sip/dialog_hub*.c', True), 'T2D': ('sip/dialog_hub*.c', True), 'D2T': ('sip/*.c', True),
          'S2M': ('session/media*.c', True), 'M2R': ('session/media*.c', True), 'R2M': ('session/media*.c', True),
          'D2S': ('session/fsm.def', False), 'M2S': ('session/fsm.def', False), 'A2S': ('session/fsm.def', False),
          'S2A': ('session/subscribers.c', False)}
# Kinds that go by no bus: a tap's ring takes them to its reader (R39).
TAPPED = {'SEND_RTP_PACKET': 'session/tap.c', 'RTP_PACKET_RECEIVED': 'session/tap.c'}
GROUPS = {'RX': 'received', 'HANDOFF_IN': 'taken from another worker', 'HANDOFF_OUT': 'handed to another worker', 'EATEN': 'consumed',
          'DROP': 'dropped', 'OUT': 'built', 'SENT': 'sent', 'TXDROP': 'dropped on sending', 'OTHER': 'outside the ledger'}

faults = []


def sources(*patterns):
    return {str(p): COMMENT.sub('', p.read_text()) for pattern in patterns for p in sorted(Path('.').glob(pattern))}


def makers(kind, texts):
    """Files that make a kind."""
    found = []
    for path, text in texts.items():
        for m in re.finditer(rf'\bRLN_EV_{kind}\b', text):
            line = text[text.rfind('\n', 0, m.start()) + 1:m.start()]
            if not NOT_MADE.search(line) and path not in found:
                found.append(path)
    return found


def takers(kind, category):
    if kind in TAPPED:
        return [TAPPED[kind]]
    pattern, is_named = TAKERS[category]
    texts = sources(pattern)
    if not is_named:
        return list(texts)
    case = re.compile(rf'(case\s+RLN_EV_{kind}\s*:|\[RLN_EV_{kind}\]|==\s*RLN_EV_{kind}\b)')
    return [p for p, t in texts.items() if case.search(t)]


def tests(kind):
    """Simulation tests that look at a kind; the catalogue's, which checks every field, first."""
    found = []
    for path, text in sources('tests/sim/*_test.c', 'tests/sim/catalogue_*.c').items():
        name = 'sim/' + ('catalogue' if '/catalogue_' in path else Path(path).name[:-len('_test.c')])
        if name in found:
            continue
        if re.search(rf'\bCHECK\({kind},', text):
            found.insert(0, name)
        elif re.search(rf'\b(RLN_EV_{kind}\b|STEP\({kind},)', text):
            found.append(name)
    return found


def events():
    rows = ROW.findall(Path('lcore/event.def').read_text())
    code = sources('rtp/*.c', 'sip/*.c', 'session/*.c', 'session/apps/*.c')
    code = {p: t for p, t in code.items() if not re.search(r'session/(api|event_wait)', p)}
    names = dict(CATEGORY.findall(Path('lcore/event.h').read_text()))
    for category, name in names.items():
        print(f'\n## {name}\n\n| kind | made by | taken by | when a ring is full | block | seen by | meaning |\n|---|---|---|---|---|---|---|')
        for kind, cat, _, _, full, block, status, text in rows:
            if cat != category:
                continue
            made, taken, seen = makers(kind, code), takers(kind, cat), tests(kind)
            if status == 'LIVE':
                for what, where in (('makes', made), ('takes', taken), ('tests', seen)):
                    if not where:
                        faults.append(f'{kind} is LIVE, and nothing {what} it')
            else:
                made = ['*nothing yet*']
            print(f'| {kind} | {", ".join(made)} | {", ".join(taken)} | {"waits" if full == "RETRY" else "dropped, counted"} | '
                  f'{"yes" if block == "BLOCK" else ""} | {", ".join(seen[:3])} | {text} |')


COMMANDS = 'session/commands.c'
FUNCTION = re.compile(r'^(static )?[\w ]+?[ *](\w+)\([^;{}]*\)\n\{\n(.*?)^\}', re.S | re.M)


def commands():
    """Each function of COMMANDS that leads to an event has a caller in the product, or has one that has."""
    text = COMMENT.sub('', Path(COMMANDS).read_text())
    bodies = {m[2]: m[3] for m in FUNCTION.finditer(text)}
    product = sources('session/*.c', 'session/*/*.c', 'dpdk_app/*.c')
    product.pop(COMMANDS)
    called = set(re.findall(r'\b(\w+)\(', ''.join(product.values())))
    reached = set(bodies) & called
    while True:
        more = {name for inside in reached for name in bodies if re.search(rf'\b{name}\(', bodies[inside])} - reached
        if not more:
            break
        reached |= more
    for name in sorted(set(bodies) - reached):
        faults.append(f'{COMMANDS}: {name}() is called by tests alone')
    if not bodies:
        faults.append(f'{COMMANDS}: no function was found')


def counters():
    print('\n# Counters\n\nPer worker: received + taken = consumed + dropped + handed + inside, and built = sent + dropped on sending + inside. Read them '
          'with\n`dpdk-telemetry.py -f ringlane` and `/ringlane/counters`.\n\n| counter | group | meaning |\n|---|---|---|')
    for name, group, text in COUNTER.findall(Path('lcore/count.def').read_text()):
        print(f'| {name.lower()} | {GROUPS[group]} | {text} |')


def main():
    print('# Events\n\nWritten by `make docs` from `lcore/event.def`, `lcore/count.def` and the sources. `ringlane trace` and `--trace` show every '
          'event with the one\nthat caused it. A kind *waits* in its publisher\'s backlog when a ring is full, or is *dropped, counted*. What the machine '
          'takes (`session/fsm.def`)\ncomes through `session/session_hub.c`; what applications take goes to each subscriber\'s own ring, and the media kinds '
          'of session_to_application\npass the machine first. SEND_RTP_PACKET and RTP_PACKET_RECEIVED stand on a tap\'s own ring alone.')
    events()
    commands()
    counters()
    for fault in faults:
        print(f'events.py: {fault}', file=sys.stderr)
    return 1 if faults else 0


sys.exit(main())
