#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make bench: ringlane beside its peers, in one run, as ratios; nothing else may run on the machine meanwhile.

Each part prints its figures and what they are compared with, and adds to bench/results/<time>.json (with the machine). Parts:
  micro   nanoseconds of single operations, some as a ratio to the bare thing below them
  echo    10,000 G.711 legs turned round in real time over memif: loss
  turn    the same legs as fast as they go, against testpmd's 5tswap with the same generator, device and frame
  calls   set-up and tear-down over veth: CPU per call beside SIPp's -sn uas; set-up times; memory
  rate    set-up and tear-down over memif: the rate, set-up times, memory
  tap     set-up to ACTIVE with the embedded default (TAP), beside SIPp's -sn uas
  failed  how long after its cause (486, ICMP) an application learns that its call failed
  churn   5,000 calls with their packets over memif, held and resumed by 500 re-INVITEs a second: events, packets, the control lcore's time
Run one or several: bench/run.py echo turn. --quick: short runs, figures that prove nothing.
A figure that is worse than its stored baseline (bench/baseline.json, see baseline.py) by more than the spread fails the run, with its name.
--baseline: runs the parts three times (--runs N) and stores what they gave as the baseline.
"""
import csv
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / 'tests/real'), str(TOP / 'bench')]
import baseline  # noqa: E402
from harness import BUILD, RINGLANE, World, check, config, nothing_left, sh, telemetry  # noqa: E402

GEN = BUILD / 'ringlane-gen'
STORED = TOP / 'bench/baseline.json'
QUICK = '--quick' in sys.argv
CLOCK = os.sysconf('SC_CLK_TCK')
result = {'machine': {}, 'parts': {}}


def machine():
    cpu = re.search(r'model name\s*: (.*)', Path('/proc/cpuinfo').read_text()).group(1)
    huge = re.search(r'HugePages_Total:\s*(\d+)', Path('/proc/meminfo').read_text()).group(1)
    return {'cpu': cpu, 'cpus': os.cpu_count(), 'kernel': platform.release(), 'hugepages': int(huge),
            'dpdk': sh('pkg-config', '--modversion', 'libdpdk').strip(), 'gcc': sh('gcc', '-dumpfullversion').strip(),
            'commit': sh('git', '-C', TOP, 'rev-parse', '--short', 'HEAD').strip(), 'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}


def say(part, name, value, against=None, ratio=None, target=None, ok=None, key=None, figure=None, better='less'):
    """One row. `key`: the name under which its baseline is stored, of the ratio or else of `figure`."""
    row = {'value': value, 'against': against, 'ratio': ratio, 'target': target, 'met': ok}
    if key:
        row.update(key=key, figure=ratio if figure is None else figure, better=better)
    result['parts'].setdefault(part, {})[name] = row
    text = f'  {name:44} {value}'
    if against is not None:
        text += f'   against {against}'
    if ratio is not None:
        text += f'   ratio {ratio:.2f}'
    if target is not None:
        text += f'   (target {target}: {"met" if ok else "MISSED"})'
    print(text, flush=True)


# ---- processes ----

def gen_start(w, device, *args, ns=None, cpu=0, **kw):
    return w.run(GEN, '--no-huge', '--no-shconf', '-m', 512, '--no-pci', '--file-prefix', f'gen{len(w.procs)}', '--lcores', f'0@{cpu}', '--vdev', device, '--', *args,
                 ns=ns, env={'RUNTIME_DIRECTORY': str(w.dir)}, name='gen', **kw)


def figures_of(p, timeout=300):
    """The JSON line that a program prints before it ends."""
    p.wait(timeout)
    line = next((x for x in p.lines if x and x.startswith('{')), None)
    check(line, f'{p.name} says nothing:\n{p.tail()}')
    return json.loads(line)


def gen(*args, **kw):
    """One run of the generator."""
    return figures_of(gen_start(*args, **kw))


def memif_server(w, name, calls=10000, more='', control=0):
    text = f'''runtime: {{prefix: b{os.getpid()}, workers: 1, control_cpu: {control}, worker_cpus: [1], memory_mb: 1024}}
idle: {{sleep_max_us: 100}}
ports:
  - {{name: m0, device: "net_memif0,role=server,id=0,socket={name}", addresses: [198.18.0.1/24], mac: "02:72:6c:00:00:01"}}
limits: {{calls: {calls}}}
rtp: {{port_min: 10000, port_max: 59999}}
log: {{level: warning}}
routes: [{{match: "*", app: echo}}]
{more}'''
    return w.ringlane(text, args=('serve',))


def memif_client(name):
    return f'net_memif0,role=client,id=0,socket={name}'


def rss_kb(p):
    return int(re.search(r'VmRSS:\s*(\d+)', Path(f'/proc/{p.p.pid}/status').read_text()).group(1))


def lcore_cpu(server):
    """Thread CPU time (kernel included) of each lcore, weighted by the share of its time in turns that found work, s."""
    total = 0.0
    for lcore in telemetry(server, '/ringlane/lcores').values():
        busy, idle, cpu = lcore['busy_ns'], lcore['idle_ns'], lcore['cpu_ns']
        total += cpu * busy / max(1, busy + idle)
    return total / 1e9


def process_cpu(pid):
    f = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(f[11]) + int(f[12])) / CLOCK


# ---- parts ----

# What an operation rests on, measured by the same program in the same run.
BARE = {'event_hop': 'ring_hop_bare', 'publish_deliver': 'ring_bare', 'rtp_consumed': 'bench_make_and_free', 'rtp_turned': 'bench_make_and_free',
        'rtp_bridged': 'bench_make_and_free', 'rtp_bridged_pcmu_to_pcma': 'bench_make_and_free'}
MOST_NS = {'machine_step': 300, 'event_hop': 2000}  # control to worker and back


def part_micro(w):
    for prog in sorted((BUILD / 'micro').glob('*')):
        if not os.access(prog, os.X_OK) or prog.suffix:
            continue
        out = subprocess.run([prog], capture_output=True, text=True, timeout=300, env={**os.environ, 'RUNTIME_DIRECTORY': str(w.dir)}).stdout
        for line in out.splitlines():
            if line.startswith('{'):
                row = json.loads(line)
                result['parts'].setdefault('micro', {})[row.get('name', row.get('bench', '?'))] = row
                print('  ' + line)
    rows = result['parts']['micro']
    for name, most in MOST_NS.items():
        median = rows[name]['median']
        rows[name].update(target=f'<= {most}', met=isinstance(median, (int, float)) and median <= most)
        print(f'  {name}: {median} ns (target <= {most}: {"met" if rows[name]["met"] else "MISSED"})')
    for name, bare in BARE.items():
        if all(isinstance(rows[x]['median'], (int, float)) for x in (name, bare)):  # a hop needs two CPUs
            rows[name].update(key=name, figure=rows[name]['median'] / rows[bare]['median'], better='less', bare=bare)
            print(f'  {name}: {rows[name]["figure"]:.2f} of {bare}')


def part_echo(w):
    legs, seconds = (500, 5) if QUICK else (10000, 60)
    server = memif_server(w, 'rln-echo', legs + 100)
    before = rss_kb(server)
    r = gen(w, memif_client('rln-echo'), 'echo', '--legs', legs, '--rate', legs * 50, '--seconds', seconds)
    say('echo', f'{legs} legs, {seconds} s, packets sent', r['sent'])
    say('echo', 'packets lost', r['lost'], target=0, ok=r['lost'] == 0, key='lost', figure=r['lost'])
    say('echo', 'sent and received, packets/s', f'{r["sent_pps"]} / {r["received_pps"]}')
    grown = round((rss_kb(server) - before) / legs, 2)
    say('echo', 'memory growth with the calls up, kB per call', grown, target='<= 16', ok=grown <= 16, key='memory_kb_per_call', figure=grown)
    server.stop(timeout=60)


def testpmd(w, name):
    p = w.run('dpdk-testpmd', '--no-huge', '--no-shconf', '-m', 512, '--no-pci', '--file-prefix', 'testpmd', '--lcores', '0@0,1@1', '--vdev',
              f'net_memif0,role=server,id=0,socket={name}', '--', '--forward-mode=5tswap', '--no-lsc-interrupt', '--stats-period', 0, '--auto-start',
              '--port-topology=loop', '--total-num-mbufs=16384', stdin=subprocess.PIPE, env={'RUNTIME_DIRECTORY': str(w.dir)}, name='testpmd')
    p.expect('Port 0:', 20)
    return p


def part_turn(w):
    legs, seconds, runs = (500, 2, 1) if QUICK else (10000, 6, 5)
    ours, theirs = [], []
    for k in range(runs):
        server = memif_server(w, f'rln-turn{k}', legs + 100)
        ours.append(gen(w, memif_client(f'rln-turn{k}'), 'echo', '--legs', legs, '--rate', 0, '--seconds', seconds)['received_pps'])
        server.stop(timeout=60)
        pmd = testpmd(w, f'pmd-turn{k}')
        theirs.append(gen(w, memif_client(f'pmd-turn{k}'), 'echo', '--raw', '--peer-mac', '02:00:00:00:00:01', '--legs', legs, '--rate', 0, '--seconds', seconds)['received_pps'])
        pmd.p.kill()
        pmd.wait()
    mine, his = statistics.median(ours), statistics.median(theirs)
    say('turn', f'legs turned, packets/s (median of {runs}: {min(ours)}..{max(ours)})', mine, f'testpmd 5tswap {his} ({min(theirs)}..{max(theirs)})', mine / his,
        '>= 0.40', mine / his >= 0.40, key='rate_ratio', better='more')


def on_veth(w):
    a, b = w.host(), w.host()
    w.veth(a, b, 'rl', 'g')
    for h, n in ((a, 'rl'), (b, 'g')):
        sh('sysctl', '-qw', f'net.ipv6.conf.{n}.disable_ipv6=1', ns=h)
    return a, b


SHORT = 'sip: {max_transactions: 1000000, max_dialogs: 600000}\n'


def part_calls(w):
    rate, seconds = (500, 5) if QUICK else (5000, 80)
    # CPU per call: the same generator, rate and wire for both.
    a, b = on_veth(w)
    text = config(more=f'limits: {{calls: 20000}}\nlog: {{level: warning}}\nroutes: [{{match: "*", app: echo}}]\n{SHORT}', prefix=f'b{os.getpid()}')
    server = w.ringlane(text.replace('workers: 1', 'workers: 1, memory_mb: 1024'), ns=a)
    cpu = lcore_cpu(server)
    r = gen(w, 'net_af_packet0,iface=g,framecnt=4096', 'calls', '--rate', rate, '--seconds', seconds, ns=b)
    per_call = (lcore_cpu(server) - cpu) / max(1, r['done']) * 1e6
    bad = r['failed'] + r['refused'] + r['skipped'] + r['open']
    say('calls', f'veth: {rate} calls/s for {seconds} s, calls that failed', bad, target=0, ok=bad == 0, key='failed', figure=bad)
    say('calls', 'veth: retransmissions by the generator', r['retransmitted'])
    first = rss_kb(server)
    half = gen(w, 'net_af_packet0,iface=g,framecnt=4096', 'calls', '--rate', rate // 2, '--seconds', seconds // 3, ns=b)
    say('calls', f'veth: set-up p99 at {rate // 2} calls/s, us', half['setup_us']['p99'], target='< 5000', ok=half['setup_us']['p99'] < 5000)
    say('calls', 'veth: memory after the first and the second load, kB', f'{first} / {rss_kb(server)}')
    server.stop(timeout=60)
    a, b = on_veth(w) if not w.hosts[2:] else (w.hosts[2], w.hosts[3])
    sh('ip', 'addr', 'add', '198.18.0.1/24', 'dev', 'rl', ns=a)
    sipp_rate, sipp_seconds = (rate, seconds // 3)
    uas = w.run('sipp', '-sn', 'uas', '-nostdin', '-nd', '-i', '198.18.0.1', '-l', 100000, ns=a, name='sipp')
    sipp = gen(w, 'net_af_packet0,iface=g,framecnt=4096', 'calls', '--rate', sipp_rate, '--seconds', sipp_seconds, ns=b)
    sipp_per_call = process_cpu(uas.p.pid) / max(1, sipp['done']) * 1e6
    uas.p.kill()
    say('calls', 'CPU per call, us', round(per_call, 1), f'SIPp -sn uas {sipp_per_call:.1f} ({sipp["done"]} of {sipp["started"]} calls)', per_call / sipp_per_call,
        '<= 1.00', per_call <= sipp_per_call, key='cpu_ratio')


def part_rate(w):
    rate, seconds = (1000, 5) if QUICK else (10000, 80)
    server = memif_server(w, 'rln-calls', 20000, SHORT)  # control shares CPU 0 with the generator, which yields when it has nothing to do
    first = None
    r = gen(w, memif_client('rln-calls'), 'calls', '--rate', rate, '--seconds', seconds)
    bad = r['failed'] + r['refused'] + r['skipped'] + r['open']
    say('rate', f'memif: {rate} calls/s for {seconds} s, calls that failed', bad, target=0, ok=bad == 0, key='failed', figure=bad)
    say('rate', 'memif: retransmissions by the generator', r['retransmitted'])
    first = rss_kb(server)
    r = gen(w, memif_client('rln-calls'), 'calls', '--rate', rate // 2, '--seconds', seconds // 3)
    say('rate', f'memif: set-up p99 at {rate // 2} calls/s, us', r['setup_us']['p99'], target='< 5000', ok=r['setup_us']['p99'] < 5000)
    second = rss_kb(server)
    say('rate', 'memif: memory after the first and the second load, kB', f'{first} / {second}', target='flat within 5 %', ok=second < first * 1.05,
        key='memory_second_to_first', figure=second / first)
    server.stop(timeout=90)


def sipp_uac(w, ns, name, rate, calls):
    """SIPp's own uac against 198.18.0.1: INVITE to 200, p99 and mean in ms; failed calls; retransmissions. Its clock has steps of a tick of the
    kernel, 4 ms here: over thousands of calls they cancel in the mean, not in the p99."""
    folder = w.dir / name
    folder.mkdir()
    stat = folder / 'stat.csv'
    p = w.run('sipp', '-sn', 'uac', '-nostdin', '-nd', '-i', '198.18.0.2', '-s', 'echo', '-r', rate, '-m', calls, '-l', 100000, '-trace_rtt', '-rtt_freq', 100,
              '-trace_stat', '-stf', stat, '198.18.0.1', ns=ns, cwd=folder, name=name)
    p.wait(calls / rate + 60)
    times = sorted(float(line.split(';')[1]) for f in folder.glob('*_rtt.csv') for line in f.read_text().splitlines() if line[:1].isdigit())
    check(len(times) > calls * 0.9, f'SIPp timed {len(times)} of {calls} calls:\n{p.tail()}')
    last = list(csv.DictReader(stat.open(), delimiter=';'))[-1]
    return times[int(len(times) * 0.99)], statistics.mean(times), calls - int(last['SuccessfulCall(C)']), int(last['Retransmissions(C)'])


def part_tap(w):
    rate, calls = (200, 1000) if QUICK else (1000, 20000)
    host, run = w.host(), w.dir / 'tap'
    run.mkdir()
    server = w.run(RINGLANE, 'serve', ns=host, env={'RUNTIME_DIRECTORY': str(run), 'RINGLANE_CONFIG': ''}, name='ringlane')  # no file: the embedded default
    server.runtime = run
    server.expect('ready', 20)
    p99, mean, failed, again = sipp_uac(w, host, 'uac-tap', rate, calls)
    setup = telemetry(server, '/ringlane/setup')['incoming']
    check(setup['calls'] >= calls - failed, f'{setup["calls"]} calls in the histogram')
    nothing_left(server)
    a, b = w.host(), w.host()
    w.veth(a, b, 'u', 'g')
    for h, name, address in ((a, 'u', '198.18.0.1/24'), (b, 'g', '198.18.0.2/24')):
        sh('ip', 'addr', 'add', address, 'dev', name, ns=h)
    uas = w.run('sipp', '-sn', 'uas', '-nostdin', '-nd', '-i', '198.18.0.1', '-l', 100000, ns=a, name='uas')
    his_p99, his_mean, his_failed, his_again = sipp_uac(w, b, 'uac-uas', rate, calls)
    uas.p.kill()
    say('tap', f'{calls} calls at {rate} calls/s, calls that failed', failed, f'SIPp {his_failed}', target=0, ok=failed == 0, key='failed', figure=failed)
    say('tap', 'retransmissions by SIPp', again, f'SIPp {his_again}')
    say('tap', 'INVITE received to ACTIVE, p50 / p99 / max, us', f'{setup["p50_us"]} / {setup["p99_us"]} / {setup["max_us"]}', target='p99 < 10000',
        ok=setup['p99_us'] < 10000)
    say('tap', 'INVITE to 200 as SIPp sees it, p99 by steps of 4 ms', p99, f'SIPp -sn uas over veth {his_p99}')
    say('tap', 'INVITE to 200 as SIPp sees it, mean, ms', round(mean, 2), f'SIPp -sn uas over veth {his_mean:.2f}', mean / his_mean)  # no baseline: SIPp's clock moves by 4 ms


def part_failed(w):
    calls, rate = (200, 100) if QUICK else (5000, 500)
    ours, theirs = w.wire()
    sh('sysctl', '-qw', 'net.ipv4.icmp_ratemask=0', ns=theirs)  # an ICMP for every call, not six and then one a second
    conf = w.file('failed.yaml', config(prefix=f'b{os.getpid()}', more=f'limits: {{calls: 5000}}\nlog: {{level: error}}\n{SHORT}').replace('workers: 1', 'workers: 1, memory_mb: 1024'))
    for how, cause in (('refused', '486 received'), ('closed', 'ICMP received')):
        run = w.dir / how
        run.mkdir()
        if how == 'refused':
            w.run('sipp', '-sf', TOP / 'tests/real/sipp/uas_busy.xml', '-nostdin', '-nd', '-i', '198.18.0.2', '-l', 100000, ns=theirs, name='uas')
        p = w.run(BUILD / 'bench-failed', 'rl', '198.18.0.2', how, calls, rate, ns=ours, env={'RINGLANE_CONFIG': str(conf), 'RUNTIME_DIRECTORY': str(run)}, name='failed')
        r = figures_of(p)
        check(r['measured'] > calls * 0.9, f'too few calls measured: {r}')
        us, bad = r['us'], r['not_told'] + r['without_cause'] + r['before_cause'] + r['events_lost']
        say('failed', f'{cause}: {calls} calls at {rate} calls/s, not told, or told without or before the cause', bad, f'{r["unanswered"]} that the peer did not answer',
            target=0, ok=bad == 0, key=f'{how}_bad', figure=bad)
        say('failed', f'{cause}, to the event FAILED: p50 / p99 / max, us', f'{us["p50"]} / {us["p99"]} / {us["max"]}', target='max < 50000', ok=0 <= us['max'] < 50000)


def busy_shares(before, after):
    """Control's busy share of the time between two answers of /ringlane/lcores, and of what it did not sleep of it."""
    d = {k: after['control'][k] - before['control'][k] for k in ('busy_ns', 'idle_ns', 'sleep_ns')}
    awake = d['busy_ns'] + d['idle_ns']
    return d['busy_ns'] / (awake + d['sleep_ns']), d['busy_ns'] / awake


def part_churn(w):
    legs, changes, seconds = (500, 100, 5) if QUICK else (5000, 500, 60)
    server = memif_server(w, 'rln-churn', legs + 100, SHORT)
    p = gen_start(w, memif_client('rln-churn'), 'churn', '--legs', legs, '--rate', legs * 50, '--changes', changes, '--seconds', seconds)
    p.expect('churn begins', 120)
    before = telemetry(server, '/ringlane/lcores')
    p.expect('churn ends', seconds + 60)
    busy, awake = busy_shares(before, telemetry(server, '/ringlane/lcores'))
    r = figures_of(p)
    events = telemetry(server, '/ringlane/events')
    lost = {kind: e['published'] - e['delivered'] for kind, e in events.items() if e['published'] != e['delivered'] or e['dropped']}
    bad, late = r['reinvites'] - r['reinvites_answered'] + r['wrong_direction'], r['reinvites_late']
    say('churn', f'{legs} calls, {r["reinvites"]} re-INVITEs in {seconds} s: not answered as they must be; late by one that was open', f'{bad}; {late}',
        target='0; 0', ok=bad == late == 0, key='not_answered', figure=bad + late)
    say('churn', 're-INVITE to 200, p50 / p99 / max, us', '{p50} / {p99} / {max}'.format(**r['change_us']))
    say('churn', 'retransmissions by the generator', r['retransmitted'])
    full = telemetry(server, '/ringlane/counters')['txdrop_queue_full']  # the generator did not come to take them
    say('churn', f'of {r["sent"]} packets to the legs that are not held: lost', r['lost'], f'{full} found the queue to the generator full', target=0,
        ok=r['lost'] == 0, key='lost', figure=r['lost'])
    say('churn', f'of {sum(e["published"] for e in events.values())} events: not delivered', json.dumps(lost) if lost else 0, target=0, ok=not lost,
        key='events_lost', figure=sum(lost.values()))
    say('churn', 'control lcore busy, of the window', f'{busy:.2f}', target='< 0.70', ok=busy < 0.7)
    say('churn', 'control lcore busy, of what it did not sleep', f'{awake:.2f}')
    telemetry(server, '/ringlane/log,info')  # what is left is told at that level
    nothing_left(server)
    say('churn', 'in use at the end', 0, target=0, ok=True)


PARTS = {'micro': part_micro, 'echo': part_echo, 'turn': part_turn, 'calls': part_calls, 'rate': part_rate, 'tap': part_tap, 'failed': part_failed,
         'churn': part_churn}


def run_parts(chosen):
    """Fills result['parts']; the names of those that failed."""
    failed = []
    result['parts'] = {}
    for name in chosen:
        print(f'{name}:', flush=True)
        w = World(f'bench-{name}')
        try:
            PARTS[name](w)
        except Exception as e:  # one part's failure does not hide the others' figures
            failed.append(name)
            result['parts'].setdefault(name, {})['error'] = str(e)
            print(f'  FAILED: {e}')
        finally:
            w.close()
    return failed


def save():
    out = TOP / 'bench/results'
    out.mkdir(exist_ok=True)
    path = out / f'{result["machine"]["time"].replace(":", "")}{"-quick" if QUICK else ""}.json'
    path.write_text(json.dumps(result, indent=1) + '\n')
    print(f'saved: {path.relative_to(TOP)}')


def verdict(parts, failed, stored):
    """Prints what missed its target and what fell behind its baseline; the exit code."""
    for part, rows in parts.items():
        for name, row in rows.items():
            if isinstance(row, dict) and row.get('met') is False:
                print(f'target missed: {part}: {name}')
    regressions = baseline.compare(stored, parts)
    for line in regressions:
        print(f'regression: {line}')
    return 1 if failed or regressions else 0


def store(chosen, runs):
    several = []
    for k in range(runs):
        print(f'run {k + 1} of {runs}')
        if run_parts(chosen):
            return 1
        several.append(result['parts'])
    save()
    baseline.save(STORED, result['machine'], runs, baseline.make(several))
    print(f'saved: {STORED.relative_to(TOP)}')
    return 0


def main():
    chosen = [a for a in sys.argv[1:] if a in PARTS] or list(PARTS)
    result['machine'] = machine()
    print(json.dumps(result['machine']))
    if '--baseline' in sys.argv:
        check(not QUICK, 'a quick run is no baseline')
        return store(chosen, int(sys.argv[sys.argv.index('--runs') + 1]) if '--runs' in sys.argv else 3)
    failed = run_parts(chosen)
    save()
    return verdict(result['parts'], failed, {} if QUICK else baseline.load(STORED))


if __name__ == '__main__':
    if os.environ.get('RLN_BENCH_IN') != '1':  # namespaces of our own first
        os.environ['RLN_BENCH_IN'] = '1'
        os.execv(str(TOP / 'tests/real/run.sh'), ['run.sh', '/usr/bin/python3', __file__, *sys.argv[1:]])
    sys.exit(main())
