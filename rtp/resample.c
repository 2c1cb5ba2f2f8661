/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Polyphase low-pass. With g = gcd(rate, 8000), 8000 = L g and rate = M g: output k lies k M / L input samples in, so there are
 * L phases, each a filter of its own, centred on the output. The prototype is a sinc of 3.7 kHz under a Kaiser window; its length
 * follows from the transition of 3.4 to 4 kHz and 70 dB (Kaiser's formula: N = (A - 8) / (2.285 dw)). Each phase is scaled to
 * a gain of exactly 1 at 0 Hz, so a level does not ripple with the phase.
 *
 * History is a window of the last `taps` inputs, moved down once per HOP inputs.
 */
#include "rtp/resample.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "lcore/heap.h"

#define OUT_RATE       8000u
#define RATE_MAX       192000u
#define PHASES_MAX     1000u
#define TAPS_MAX       2048u
#define CUTOFF_HZ      3700.0
#define TRANSITION_HZ  600.0
#define ATTENUATION_DB 70.0
#define KAISER_BETA    6.755 /* 0.1102 (70 - 8.7) */
#define HOP            1024u

struct rln_resample {          /* owner: the file thread */
	uint32_t phases, step; /* L and M */
	uint32_t taps, half;   /* taps = 2 half */
	uint32_t phase;        /* of the next output: its time is (origin + half - 1) + phase / L inputs into the history */
	uint32_t skip;         /* inputs still to pass before it */
	uint32_t have;         /* inputs in the history that are not passed */
	float *filter;         /* [phase][tap] */
	float history[TAPS_MAX + HOP];
};

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* Modified Bessel function of order 0, by its series. */
static double bessel0(double x)
{
	double sum = 1, term = 1;

	for (int k = 1; term > 1e-12 * sum; k++) {
		term *= (x / (2 * k)) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

static double prototype(double at, double half, uint32_t rate)
{
	double x = 2 * M_PI * CUTOFF_HZ / rate * at, edge = at / half;

	if (fabs(edge) >= 1)
		return 0;
	return (fabs(x) < 1e-9 ? 1 : sin(x) / x) * bessel0(KAISER_BETA * sqrt(1 - edge * edge)) / bessel0(KAISER_BETA);
}

/* Tap t of a phase weighs the input half - 1 - t before the output's own input, less the phase's fraction. */
static void filter_make(struct rln_resample *r, uint32_t rate)
{
	for (uint32_t p = 0; p < r->phases; p++) {
		double fraction = (double)p / r->phases, sum = 0;

		for (uint32_t t = 0; t < r->taps; t++)
			sum += prototype((double)t - (r->half - 1) - fraction, r->half, rate);
		for (uint32_t t = 0; t < r->taps; t++)
			r->filter[p * r->taps + t] =
				(float)(prototype((double)t - (r->half - 1) - fraction, r->half, rate) / sum);
	}
}

int rln_resample_create(struct rln_resample **out, uint32_t rate)
{
	struct rln_resample *r;
	uint32_t g = gcd(rate, OUT_RATE);

	if (rate < OUT_RATE || rate > RATE_MAX || OUT_RATE / g > PHASES_MAX)
		return -EINVAL;
	r = rln_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->phases = OUT_RATE / g;
	r->step = rate / g;
	r->half = (uint32_t)ceil((ATTENUATION_DB - 8) / (2.285 * 2 * M_PI * TRANSITION_HZ / rate) / 2) + 1;
	r->taps = 2 * r->half;
	r->filter = rln_alloc((size_t)r->phases * r->taps * sizeof(float));
	if (!r->filter || r->taps > TAPS_MAX) {
		rln_resample_destroy(r);
		return -ENOMEM;
	}
	filter_make(r, rate);
	rln_resample_reset(r);
	*out = r;
	return 0;
}

void rln_resample_destroy(struct rln_resample *r)
{
	if (!r)
		return;
	rln_free(r->filter);
	rln_free(r);
}

void rln_resample_reset(struct rln_resample *r)
{
	/* Before the first input stand half - 1 zeros, so that output 0 lies on input 0. */
	memset(r->history, 0, sizeof(r->history));
	r->have = r->half - 1;
	r->phase = r->skip = 0;
}

static int16_t output(const struct rln_resample *r, const float *history)
{
	const float *f = r->filter + (size_t)r->phase * r->taps;
	float sum[4] = {0}, v;

	for (uint32_t t = 0; t + 4 <= r->taps; t += 4)
		for (uint32_t k = 0; k < 4; k++)
			sum[k] += f[t + k] * history[t + k];
	for (uint32_t t = r->taps & ~3u; t < r->taps; t++)
		sum[0] += f[t] * history[t];
	v = rintf(sum[0] + sum[1] + sum[2] + sum[3]);
	return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
}

static void advance(struct rln_resample *r)
{
	r->phase += r->step;
	r->skip += r->phase / r->phases;
	r->phase %= r->phases;
}

/* Fills the history from the input; returns inputs taken. */
static size_t refill(struct rln_resample *r, const int16_t *in, size_t n)
{
	size_t room = TAPS_MAX + HOP - r->have;

	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++)
		r->history[r->have + i] = in ? in[i] : 0;
	r->have += (uint32_t)n;
	return n;
}

size_t rln_resample_run(struct rln_resample *r, const int16_t *in, size_t in_n, size_t *taken, int16_t *out, size_t room)
{
	size_t given = 0;

	*taken = 0;
	for (;;) {
		uint32_t at = 0;
		size_t n = refill(r, in ? in + *taken : NULL, in_n - *taken);

		*taken += n;
		while (given < room && at + r->skip + r->taps <= r->have) {
			at += r->skip;
			r->skip = 0;
			out[given++] = output(r, r->history + at);
			advance(r);
		}
		/* What the next output does not need goes; a skip may be longer than the history. */
		n = r->skip < r->have - at ? r->skip : r->have - at;
		at += (uint32_t)n;
		r->skip -= (uint32_t)n;
		r->have -= at;
		memmove(r->history, r->history + at, r->have * sizeof(float));
		if (given == room || *taken == in_n)
			return given;
	}
}

uint64_t rln_resample_length(uint64_t frames, uint32_t rate)
{
	return (frames * OUT_RATE + rate - 1) / rate;
}
