# SPDX-License-Identifier: BSD-3-Clause
"""Stored baselines: what the figures of one run are held against.

Only figures that mean the same on another day have one: a ratio to a peer or to a bare reference measured in the same run, packets or events
lost, memory per call. bench/baseline.json holds, per part and figure, the median of N runs, their spread (most - least) and the direction that
is better. A figure that is worse than the median by more than the spread is a regression.
"""
import json
import statistics

FLOOR = 0.05  # of the median: a few runs that agree by chance, on a machine shared with others, do not make the next one wrong


def figures(parts):
    """{part: {key: (figure, better)}} of one run's result['parts']: the rows that say() was given a key for."""
    return {part: {row['key']: (row['figure'], row['better']) for row in rows.values() if isinstance(row, dict) and row.get('key')}
            for part, rows in parts.items()}


def make(runs):
    """The baseline of several runs: a list of result['parts']."""
    runs = [figures(r) for r in runs]
    parts = {}
    for part in runs[0]:
        for key, (_, better) in runs[0][part].items():
            values = [r[part][key][0] for r in runs]
            parts.setdefault(part, {})[key] = {'median': round(statistics.median(values), 4), 'spread': round(max(values) - min(values), 4), 'better': better}
    return parts


def regression(stored, figure):
    """How much worse than the stored figure, beyond its spread; 0 when it is not."""
    allowed = max(stored['spread'], FLOOR * abs(stored['median']))
    worse = figure - stored['median'] if stored['better'] == 'less' else stored['median'] - figure
    return max(0.0, worse - allowed)


def compare(stored, parts):
    """A line for each regression. A stored figure that a part no longer gives is one too: a check that is gone finds nothing."""
    found = []
    now = figures(parts)
    for part in parts:
        for key, old in stored.get(part, {}).items():
            if key not in now[part]:
                found.append(f'{part}: {key}: not measured, baseline {old["median"]}')
            elif regression(old, now[part][key][0]) > 0:
                found.append(f'{part}: {key}: {now[part][key][0]:.4g}, baseline {old["median"]:.4g}, spread {old["spread"]:.4g}, {old["better"]} is better')
    return found


def load(path):
    """{part: {key: stored}}; empty when there is no file."""
    return {part: of['figures'] for part, of in json.loads(path.read_text()).items()} if path.exists() else {}


def save(path, machine, runs, fresh):
    """Parts that were not run keep what they had."""
    old = json.loads(path.read_text()) if path.exists() else {}
    for part, keys in fresh.items():
        old[part] = {'machine': f'{machine["cpus"]} x {machine["cpu"]}', 'commit': machine['commit'], 'runs': runs, 'figures': keys}
    path.write_text(json.dumps(old, indent=1, sort_keys=True) + '\n')
