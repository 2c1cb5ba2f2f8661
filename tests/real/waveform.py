# SPDX-License-Identifier: BSD-3-Clause
"""Compares a recording with its source: not the file's size but the samples.

match(source, recorded) finds by FFT correlation where the source starts in the recording and says which share of the source's samples
is there again exactly (after the codec that carried them), how the level differs in dB, and whether the pitch is the same.
"""
import contextlib
import os
import wave
from pathlib import Path

import numpy as np

from harness import check, sh


def load(path):
    with wave.open(str(path), 'rb') as w:
        a = np.frombuffer(w.readframes(w.getnframes()), '<i2').astype(np.int32)
        return a.reshape(-1, w.getnchannels()), w.getframerate()


def ulaw(x):
    """ITU-T G.711 mu-law, there and back (16-bit linear)."""
    sign = x < 0
    m = np.minimum(np.abs(x), 32635) + 132
    e = np.floor(np.log2(m)).astype(int) - 7
    q = (m >> (e + 3)) & 15
    y = (((q << 3) + 132) << e) - 132
    return np.where(sign, -y, y)


def alaw(x):
    """ITU-T G.711 A-law, there and back (16-bit linear)."""
    positive = x >= 0
    m = np.where(positive, x, -x - 1) >> 3
    m = np.minimum(m, 4095)
    e = np.maximum(np.floor(np.log2(np.maximum(m, 1))).astype(int) - 4, 0)
    q = np.where(m < 32, m >> 1, (m >> np.maximum(e, 1)) & 15)
    y = np.where(m < 32, (q << 4) + 8, ((q << 4) + 0x108) << (np.maximum(e, 1) - 1))
    return np.where(positive, y, -y)


CODECS = {'pcmu': ulaw, 'pcma': alaw, 'none': lambda x: x}


def match(source, recorded, codec='pcmu', channel=0, seconds=None, tolerance=0):
    """`seconds`: look for the source's first seconds only (the call was shorter)."""
    src, rate = load(source)
    got, rate_got = load(recorded)
    if rate != rate_got:
        return {'exact': 0.0, 'why': f'rate {rate_got}, source {rate}'}
    want = CODECS[codec](src[:int(seconds * rate) if seconds else None, 0])
    got = got[:, channel]
    n = 1 << int(np.ceil(np.log2(len(want) + len(got))))
    corr = np.fft.irfft(np.fft.rfft(got.astype(float), n) * np.conj(np.fft.rfft(want.astype(float), n)), n)
    at = int(np.argmax(corr))
    at -= n if at >= len(got) else 0
    lo, hi = max(0, -at), min(len(want), len(got) - at)
    x, y = want[lo:hi], got[lo + at:hi + at]
    same = int(np.sum(np.abs(x - y) <= tolerance)) if hi > lo else 0
    px, py = float(np.mean(x.astype(float) ** 2)) if hi > lo else 0.0, float(np.mean(y.astype(float) ** 2)) if hi > lo else 0.0
    return {
        'exact': same / len(want),
        'offset_ms': at * 1000 / rate,
        'level_db': 10 * np.log10(py / px) if px > 0 and py > 0 else float('-inf'),
        'overlap_s': (hi - lo) / rate,
    }



def go_first():
    """Samples are compared here, not the machine's load: a worker that stands still for ten packets passes over them
    (RTP_TICKS_SKIPPED), and the recording has a pause. What we start from now on goes before what runs beside us, where we may ask for it."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def speech(w, source, name, seconds=5):
    """The first seconds of a prompt, as the test's own file."""
    out = w.dir / name
    sh('sox', source, '-r', 8000, '-c', 1, '-b', 16, out, 'trim', 0, seconds)
    return out


def same(source, recorded, codec='pcmu', channel=0, least=0.99, tolerance=0):
    m = match(source, recorded, codec, channel, tolerance=tolerance)
    check(m['exact'] >= least and abs(m['level_db']) < 0.1, f'{Path(recorded).name}: {m}')
