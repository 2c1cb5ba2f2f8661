#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make lint: the structure that docs/architecture.md promises, checked on the sources.

Arrows between rooms, include cycles, fences around third-party headers, headers that compile alone, sizes, sleeps in tests,
symbols that hot objects may not need, experimental DPDK calls, SPDX lines. Prints what is wrong, then the event kinds that
nothing raises yet; exit 1 when anything is wrong. `lint.py BUILD_DIR CC CFLAGS...`
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOMS = ['config', 'lcore', 'rtp', 'sip', 'session', 'dpdk_app']
MAY = {'config': {'config'}, 'lcore': {'config', 'lcore'}, 'rtp': {'config', 'lcore', 'rtp'}, 'sip': {'config', 'lcore', 'sip'},
       'session': {'config', 'lcore', 'rtp', 'sip', 'session'}, 'dpdk_app': set(ROOMS)}
# Header pattern -> the one file (or private header and the files that may see it) that includes it.
FENCES = {r'<osip': {'sip/osip_glue.c', 'sip/osip_priv.h'}, r'<srtp': {'rtp/crypto.c'}, r'<spandsp': {'rtp/dsp.c'},
          r'<openssl/': {'lcore/secure.c'}, r'<yaml': {'config/parse.c'}, r'<jemalloc': {'lcore/heap.c'}, r'<rte_cryptodev': {'rtp/crypto_dev.c'},
          r'<opus': {'rtp/codec_opus.c'}, r'<rte_telemetry': {'dpdk_app/telemetry.c'}}
# Worker-side objects: what they may never call.
HOT = ['rtp/pipeline', 'rtp/stage_rx', 'rtp/stage_tx', 'rtp/packet', 'rtp/seq', 'rtp/codec', 'rtp/dtmf', 'rtp/tone', 'rtp/rtcp',
       'rtp/player', 'rtp/recorder', 'rtp/file_client',
       'lcore/net/net', 'lcore/net/eth', 'lcore/net/ipv4', 'lcore/net/ipv6', 'lcore/net/udp', 'lcore/net/flow']
COLD_CALLS = re.compile(r'^(malloc|calloc|realloc|free|rln_alloc|rln_zalloc|rln_free|rln_log_at|printf|fprintf|write|read|open|close|'
                        r'pthread_mutex_\w+|nanosleep|usleep|poll|select|time|clock_gettime|gettimeofday)$')
SLEEP = re.compile(r'\b(sleep|usleep|nanosleep|rte_delay_\w+)\s*\(|^\s*sleep [0-9.]|time\.sleep')
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)

wrong = []


def files(tops, ends):
    for top in tops:
        for root, _, names in os.walk(top):
            for n in sorted(names):
                if n.endswith(ends):
                    yield os.path.join(root, n)


def arrows():
    graph = {}
    for p in files(ROOMS, ('.c', '.h', '.def')):
        room, text = p.split('/')[0], Path(p).read_text()
        if 'SPDX-License-Identifier: BSD-3-Clause' not in text.split('\n')[0]:
            wrong.append(f'{p}:1: no SPDX line')
        for inc in INCLUDE.findall(text):
            if not os.path.exists(inc):
                wrong.append(f'{p}: includes "{inc}", which does not name a room\'s file')
                continue
            graph.setdefault(p, set()).add(inc)
            if inc.split('/')[0] not in MAY[room]:
                wrong.append(f'{p}: arrow the wrong way, includes {inc}')
        for pattern, owners in FENCES.items():
            if re.search(r'^\s*#\s*include\s*' + pattern, text, re.M) and p not in owners:
                wrong.append(f'{p}: {pattern.strip("<")} is fenced, only {", ".join(sorted(owners))} may include it')
        if 'ALLOW_EXPERIMENTAL_API' in text:
            wrong.append(f'{p}: experimental DPDK interfaces are not used here')
    cycle(graph)
    return graph


def applications():
    """The built-in applications see what any handler sees; apps.c and plugin.c alone join them to the engine."""
    for p in files(['session/apps'], ('.c', '.h')):
        for inc in INCLUDE.findall(Path(p).read_text()):
            ok = re.match(r'config/|lcore/|session/ringlane|session/apps/', inc) and inc not in ('lcore/bus.h', 'lcore/wheel.h')
            if not ok and not (inc == 'session/host.h' and os.path.basename(p) in ('apps.c', 'apps.h', 'plugin.c')):
                wrong.append(f'{p}: an application on the public interface, yet it includes {inc}')


def example_headers():
    """R14: an example sees the public header and nothing else of ours."""
    for p in files(['examples'], '.c'):
        for inc in re.findall(r'^\s*#\s*include\s*["<]((?:config|lcore|rtp|sip|session|dpdk_app|ringlane)[^">]*)[">]', Path(p).read_text(), re.M):
            if inc != 'ringlane.h':
                wrong.append(f'{p}: an application, yet it includes {inc}')


def places(pattern, tops, allowed, what):
    """Every match of the pattern stands in one of the allowed files, once in each."""
    seen = {}
    for p in files(tops, '.c'):
        for number, line in enumerate(Path(p).read_text().split('\n'), 1):
            if re.search(pattern, line):
                seen.setdefault(p, []).append(number)
    for p, lines in seen.items():
        if p not in allowed:
            wrong.append(f'{p}:{lines[0]}: {what}')
        elif len(lines) > 1:
            wrong.append(f'{p}:{lines[1]}: {what}, and there at one place')
    for p in allowed - seen.keys():
        wrong.append(f'{p}: tests/lint.py expects it to be where {what}')


def deciders():
    """R2, R8: the machine's file alone moves a session's state; a layer's hub alone publishes."""
    places(r'\bs->state = |\bsession->state = |session_of\([^)]*\)->state = ', ['session'], {'session/fsm.c'}, 'only the machine writes a session\'s state')
    places(r'\brln_bus_publish\(', [r for r in ROOMS if r != 'lcore'],
           {'sip/txn.c', 'sip/dialog_hub.c', 'session/session_hub.c', 'session/media.c'}, 'only a layer\'s hub publishes')


def catalogue():
    """R36, R209: the kinds of event.def are those that docs/acceptance.md names in R36 and R43 to R112, both ways."""
    rows = re.findall(r'^\| R(\d+) \| ([^|]*) \|', Path('docs/acceptance.md').read_text(), re.M)
    named = {k for n, what in rows if int(n) == 36 or 43 <= int(n) <= 112 for k in re.findall(r'\b[A-Z]{3,}(?:_[A-Z]+)+\b|\bEVALUATED\b', what)}
    kinds = set(re.findall(r'^X\((\w+),', Path('lcore/event.def').read_text(), re.M))
    for k in sorted(named ^ kinds):
        wrong.append(f'docs/acceptance.md, section 3: {k} is {"not in lcore/event.def" if k in named else "not named there"}')


def cycle(graph):
    state = {}

    def visit(p, path):
        if state.get(p) == 2 or p.endswith('.def'):
            return
        if state.get(p) == 1:
            wrong.append('include cycle: ' + ' -> '.join(path[path.index(p):] + [p]))
            return
        state[p] = 1
        for q in sorted(graph.get(p, ())):
            visit(q, path + [p])
        state[p] = 2

    for p in sorted(graph):
        visit(p, [])


def headers(cc, flags):
    def one(p):
        r = subprocess.run([cc, *flags, '-fsyntax-only', '-x', 'c', '-include', p, '/dev/null'], capture_output=True, text=True)
        return None if r.returncode == 0 else f'{p}: does not compile alone:\n{r.stderr.strip()[:400]}'

    with ThreadPoolExecutor(2) as pool:
        wrong.extend(x for x in pool.map(one, files(ROOMS, '.h')) if x)
    # The public ones as an application sees them: without our flags, as C11 and as C++.
    for p in sorted(str(h) for h in Path('session').glob('ringlane*.h')):
        for lang, std in (('c', '-std=c11'), ('c++', '-std=c++17')):
            r = subprocess.run([cc, '-x', lang, std, '-Wall', '-Wextra', '-Werror', '-I.', '-fsyntax-only', '-include', p, '/dev/null'],
                               capture_output=True, text=True)
            if r.returncode:
                wrong.append(f'{p} does not compile alone as {lang}:\n{r.stderr.strip()[:400]}')


PUBLIC = re.compile(r'^(?!typedef|struct \w+ \{|enum \w+ \{|#|/|\s|\}|extern|static)[\w \*]+?\b(rln_\w+)\(', re.M)


def documented():
    """Every public function has a comment of its own, right above it."""
    for p in sorted(str(h) for h in Path('session').glob('ringlane*.h')):
        lines = Path(p).read_text().split('\n')
        for i, line in enumerate(lines):
            m = PUBLIC.match(line)
            if m and not lines[i - 1].rstrip().endswith('*/'):
                wrong.append(f'{p}:{i + 1}: {m.group(1)}() has no comment')


def sizes():
    for p in files(ROOMS + ['bench'], ('.c', '.h')):
        lines = Path(p).read_text().split('\n')
        cap = 600 if p.endswith('.c') else 250
        if len(lines) > cap:
            wrong.append(f'{p}: {len(lines)} lines, the cap is {cap}')
        start = None
        for i, line in enumerate(lines):
            if start is None and line == '{':
                start = i
            elif line == '}' and start is not None:
                if i - start - 1 > 100:
                    wrong.append(f'{p}:{start + 1}: a function of {i - start - 1} lines, the cap is 100')
                start = None


def sleeps():
    for p in files(['tests', 'examples'], ('.c', '.h', '.sh', '.py')):
        if p == 'tests/lint.py':
            continue
        for i, line in enumerate(Path(p).read_text().split('\n'), 1):
            if SLEEP.search(line):
                wrong.append(f'{p}:{i}: sleeps; wait for an event with a timeout')


def hot(build):
    for stem in HOT:
        obj = Path(build) / (stem + '.o')
        if not obj.exists():
            wrong.append(f'{stem}: listed as hot in tests/lint.py, but {obj} is not there')
            continue
        for line in subprocess.run(['nm', '-u', obj], capture_output=True, text=True).stdout.split('\n'):
            name = line.split()[-1] if line.split() else ''
            if COLD_CALLS.match(name.split('@')[0]):
                wrong.append(f'{stem}.c: hot, yet it needs {name}')


def formatted():
    if os.environ.get('RLN_LINT_FORMAT', '1') == '0':
        return
    for p in files(ROOMS + ['tests', 'bench', 'examples'], ('.c',)):
        r = subprocess.run(['clang-format', '--dry-run', '-Werror', p], capture_output=True, text=True)
        if r.returncode:
            first = r.stderr.split('\n')[0]
            wrong.append(f'not as .clang-format has it: {first.split(" error:")[0]}')


def traced():
    """R10: each direct call of the session into the dialog layer is seen by the trace, where coordinator.c wraps it."""
    layers = Path('session/layers.h').read_text()
    table = re.search(r'struct rln_dialog_commands \{(.*?)\n\};', layers, re.S).group(1)
    wrapped = set(re.findall(r'\b(?:TELL|ASK)\([^,]+, "(\w+)"', Path('session/coordinator.c').read_text()))
    for name in re.findall(r'\(\*(\w+)\)\((?:const )?void \*arg', table):
        if name not in wrapped:
            wrong.append(f'session/coordinator.c: the direct call {name}() is not traced: wrap it in TELL or ASK')


def accepted():
    """docs/acceptance.md names tests that exist: `unit/file.test`, `sim/file.test`, `real/file`."""
    places = {'unit': 'tests/unit/{}_test.c', 'sim': 'tests/sim/{}_test.c', 'real': 'tests/real/{}.py'}
    for number, line in enumerate(Path('docs/acceptance.md').read_text().split('\n'), 1):
        for kind, name, test in re.findall(r'\b(unit|sim|real)/([a-z]\w*)(?:\.(\w+))?', line):
            path = Path(places[kind].format(name))
            found = path.exists() or bool(list(path.parent.glob(f'{name}_*_test.c')))
            if not found:
                wrong.append(f'docs/acceptance.md:{number}: {path} is not there')
            elif test and not (test.isupper() and f'X({test},' in Path('lcore/event.def').read_text()) and test not in path.read_text():
                wrong.append(f'docs/acceptance.md:{number}: {path} has no test {test}')


def later():
    text = Path('lcore/event.def').read_text()
    return re.findall(r'^X\((\w+), .*, LATER, ', text, re.M)


def main():
    build, cc, flags = sys.argv[1], sys.argv[2], sys.argv[3:]
    arrows()
    applications()
    example_headers()
    deciders()
    catalogue()
    headers(cc, flags)
    documented()
    sizes()
    sleeps()
    hot(build)
    traced()
    accepted()
    formatted()
    for w in wrong:
        print(f'lint: {w}')
    kinds = later()
    if kinds:
        print(f'lint: {len(kinds)} event kinds are declared LATER (nothing raises them yet): {", ".join(kinds)}')
    print(f'lint: {len(wrong)} findings')
    return 1 if wrong else 0


sys.exit(main())
