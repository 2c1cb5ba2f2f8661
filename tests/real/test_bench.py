#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `make bench` makes of its figures: a figure that fell behind its baseline fails the run by name, and nothing else does. No bench runs here."""
import contextlib
import copy
import io
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'bench')]
import baseline  # noqa: E402
import run  # noqa: E402
from harness import check, main, test  # noqa: E402


def parts(rate=0.75, cpu=0.8, lost=0):
    """Figures as the parts of a run leave them."""
    run.result['parts'] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        run.say('turn', 'packets/s', 1, 'testpmd 2', rate, key='rate_ratio', better='more')
        run.say('turn', 'no baseline', rate * 1000)
        run.say('calls', 'CPU per call', 67, 'SIPp 84', cpu, key='cpu_ratio')
        run.say('calls', 'lost', lost, key='lost', figure=lost)
    return run.result['parts']


STORED = baseline.make([parts(0.70, 0.79), parts(0.75, 0.80), parts(0.80, 0.83)])


def verdict(found, failed=(), stored=None):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run.verdict(found, failed, STORED if stored is None else stored)
    return code, out.getvalue()


@test
def bench_a_baseline_is_median_and_spread(_):
    check(STORED['turn'] == {'rate_ratio': {'median': 0.75, 'spread': 0.1, 'better': 'more'}}, STORED)
    check(STORED['calls']['cpu_ratio'] == {'median': 0.8, 'spread': 0.04, 'better': 'less'}, STORED)
    check(STORED['calls']['lost'] == {'median': 0, 'spread': 0, 'better': 'less'}, STORED)


@test
def bench_within_the_spread_or_better_passes(_):
    for good in (parts(), parts(rate=0.66), parts(cpu=0.83), parts(rate=5, cpu=0.1)):
        check(verdict(good) == (0, ''), verdict(good))


@test
def bench_a_worse_figure_fails_by_name(_):
    for bad, name in ((parts(rate=0.64), 'turn: rate_ratio: 0.64, baseline 0.75, spread 0.1'), (parts(cpu=0.85), 'calls: cpu_ratio: 0.85'),
                      (parts(lost=1), 'calls: lost: 1')):
        code, text = verdict(bad)
        check(code == 1 and text.count('regression:') == 1 and name in text, (code, text))


@test
def bench_a_figure_that_is_gone_fails(_):
    found = copy.deepcopy(parts())
    del found['calls']['lost']
    code, text = verdict(found)
    check(code == 1 and 'calls: lost: not measured' in text, (code, text))
    only = {'turn': parts()['turn']}  # a part that was not asked for is not missed
    check(verdict(only) == (0, ''), verdict(only))


@test
def bench_without_a_baseline_nothing_is_compared(_):
    check(verdict(parts(rate=0.01), stored={}) == (0, ''), 'compared with nothing')
    check(verdict(parts(), failed=['turn'])[0] == 1, 'a part that failed')


@test
def bench_runs_of_one_value_allow_for_chance(_):
    stored = baseline.make([parts(cpu=0.80)])
    check(verdict(parts(cpu=0.83), stored=stored)[0] == 0 and verdict(parts(cpu=0.85), stored=stored)[0] == 1, stored)


@test
def bench_what_is_stored_is_what_is_read(w):
    path, machine = w.dir / 'baseline.json', {'cpu': 'x', 'cpus': 2, 'commit': 'abc'}
    baseline.save(path, machine, 3, {'turn': STORED['turn']})
    baseline.save(path, machine, 5, {'calls': STORED['calls']})  # the other part stays
    check(baseline.load(path) == STORED, path.read_text())
    check(baseline.load(w.dir / 'none.json') == {}, 'no file is no baseline')


@test
def bench_the_committed_baseline_is_of_parts_that_exist(_):
    text = run.STORED.read_text()
    for part, of in json.loads(text).items():
        check(part in run.PARTS and of['runs'] >= 1 and of['figures'], part)
        for key, stored in of['figures'].items():
            check(f"'{key}'" in (HERE.parents[1] / 'bench/run.py').read_text() or key.endswith('_bad'), f'{part}: {key}: run.py gives no such figure')
            check(stored['better'] in ('less', 'more') and stored['spread'] >= 0, stored)


sys.exit(main())
