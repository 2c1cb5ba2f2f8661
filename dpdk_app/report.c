/* SPDX-License-Identifier: BSD-3-Clause */
/* The report of `ringlane call`. One call gets a page, several get a line each and a sum. */
#include "dpdk_app/report.h"

#include <string.h>

double rln_report_loss_percent(const struct rln_call_statistics *s)
{
	uint64_t expected = s->packets_received + s->lost;

	return expected ? 100.0 * (double)s->lost / (double)expected : 0;
}

/* "12.3 ms", or "-" for a time that was not reached. */
static const char *ms(double value, char buf[24])
{
	if (value < 0)
		snprintf(buf, 24, "-");
	else
		snprintf(buf, 24, "%.1f ms", value);
	return buf;
}

static void print_media(FILE *out, const struct rln_call_statistics *s)
{
	char local[RLN_ADDR_TEXT], remote[RLN_ADDR_TEXT], a[24], b[24];

	fprintf(out, "  media        %s, %s <-> %s, round trip %s\n", rln_codec_name(s->codec), rln_addr_text(&s->local, local),
		rln_addr_text(&s->remote, remote), ms(s->round_trip_ms, a));
	fprintf(out, "               %10s  %16s  %9s  %9s  %8s  %10s\n", "packets", "lost", "reordered", "duplicate", "late",
		"jitter");
	fprintf(out, "  received     %10lu  %8lu (%.2f%%)  %9lu  %9lu  %8lu  %10s\n", (unsigned long)s->packets_received,
		(unsigned long)s->lost, rln_report_loss_percent(s), (unsigned long)s->reordered, (unsigned long)s->duplicate,
		(unsigned long)s->late, ms(s->jitter_ms, a));
	fprintf(out, "  sent         %10lu  %8u (peer)  %9s  %9s  %8s  %10s\n", (unsigned long)s->packets_sent, s->peer_lost, "",
		"", "", ms(s->peer_jitter_ms, b));
}

static void print_page(FILE *out, const struct rln_call_result *c)
{
	char a[24], b[24];

	fprintf(out, "call to %s\n", c->target);
	fprintf(out, "  result       %s\n", c->end_text);
	if (c->answered)
		fprintf(out, "  set-up       %s to the answer, first audio %s after it, up for %.1f s\n", ms(c->setup_ms, a),
			ms(c->first_audio_ms, b), c->duration_ms / 1000);
	if (c->has_media)
		print_media(out, &c->statistics);
	if (*c->digits)
		fprintf(out, "  digits       %s\n", c->digits);
	if (c->played)
		fprintf(out, "  played       %s\n", c->played);
	if (*c->recorded) {
		fprintf(out, "  recorded     %s, %.1f s", c->recorded, c->recorded_ms / 1000.0);
		if (c->recorded_gap_ms)
			fprintf(out, " (%u ms of it silence: nothing came, or the disk was late)", c->recorded_gap_ms);
		fprintf(out, "\n");
	}
}

static void print_list(FILE *out, const struct rln_call_result *calls, unsigned n)
{
	unsigned answered = 0;
	uint64_t received = 0, lost = 0, sent = 0;
	char a[24], b[24], c[24];

	fprintf(out, "%4s  %10s  %11s  %10s  %10s  %10s  %8s  %10s  %s\n", "call", "set-up", "first audio", "duration", "sent",
		"received", "lost", "jitter", "result");
	for (unsigned i = 0; i < n; i++) {
		const struct rln_call_result *r = &calls[i];
		const struct rln_call_statistics *s = &r->statistics;

		fprintf(out, "%4u  %10s  %11s  %8.1f s  %10lu  %10lu  %8lu  %10s  %s\n", i + 1, ms(r->setup_ms, a),
			ms(r->first_audio_ms, b), r->answered ? r->duration_ms / 1000 : 0, (unsigned long)s->packets_sent,
			(unsigned long)s->packets_received, (unsigned long)s->lost, ms(r->has_media ? s->jitter_ms : -1, c),
			r->end_text);
		answered += r->answered;
		sent += s->packets_sent;
		received += s->packets_received;
		lost += s->lost;
	}
	fprintf(out, "%u of %u calls answered, %lu packets sent, %lu received, %lu lost\n", answered, n, (unsigned long)sent,
		(unsigned long)received, (unsigned long)lost);
}

void rln_report_print(FILE *out, const struct rln_call_result *calls, unsigned n)
{
	if (n == 1)
		print_page(out, calls);
	else
		print_list(out, calls, n);
}

/* ---- JSON ---- */

static void string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void key_string(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\": ", key);
	string(out, text);
}

/* A time, null when it was not reached. */
static void key_ms(FILE *out, const char *key, double value)
{
	if (value < 0)
		fprintf(out, "\"%s\": null", key);
	else
		fprintf(out, "\"%s\": %.3f", key, value);
}

static void json_media(FILE *out, const struct rln_call_statistics *s)
{
	char text[RLN_ADDR_TEXT];

	fprintf(out, ",\n     ");
	key_string(out, "codec", rln_codec_name(s->codec));
	fprintf(out, ", ");
	key_string(out, "local", rln_addr_text(&s->local, text));
	fprintf(out, ", ");
	key_string(out, "remote", rln_addr_text(&s->remote, text));
	fprintf(out, ", ");
	key_ms(out, "round_trip_ms", s->round_trip_ms);
	fprintf(out, ",\n     \"send\": {\"packets\": %lu, \"octets\": %lu, \"peer_lost\": %u, ", (unsigned long)s->packets_sent,
		(unsigned long)s->octets_sent, s->peer_lost);
	key_ms(out, "peer_jitter_ms", s->peer_jitter_ms);
	fprintf(out,
		"},\n     \"receive\": {\"packets\": %lu, \"octets\": %lu, \"lost\": %lu, \"loss_percent\": %.4f, \"reordered\": "
		"%lu, ",
		(unsigned long)s->packets_received, (unsigned long)s->octets_received, (unsigned long)s->lost,
		rln_report_loss_percent(s), (unsigned long)s->reordered);
	fprintf(out, "\"duplicate\": %lu, \"late\": %lu, ", (unsigned long)s->duplicate, (unsigned long)s->late);
	key_ms(out, "jitter_ms", s->jitter_ms);
	fprintf(out, "}");
}

static void json_call(FILE *out, const struct rln_call_result *c)
{
	fprintf(out, "    {");
	key_string(out, "target", c->target);
	fprintf(out, ", \"answered\": %s, ", c->answered ? "true" : "false");
	key_string(out, "state", rln_call_state_name(c->state));
	fprintf(out, ", ");
	key_string(out, "end", rln_end_reason_name(c->reason));
	fprintf(out, ", \"code\": %u, ", c->code);
	key_string(out, "text", c->end_text);
	fprintf(out, ",\n     ");
	key_ms(out, "setup_ms", c->setup_ms);
	fprintf(out, ", ");
	key_ms(out, "first_audio_ms", c->first_audio_ms);
	fprintf(out, ", ");
	key_ms(out, "duration_ms", c->duration_ms);
	if (c->has_media)
		json_media(out, &c->statistics);
	fprintf(out, ",\n     ");
	key_string(out, "digits", c->digits);
	if (c->played) {
		fprintf(out, ", ");
		key_string(out, "played", c->played);
	}
	if (*c->recorded) {
		fprintf(out, ", ");
		key_string(out, "recorded", c->recorded);
		fprintf(out, ", \"recorded_ms\": %u, \"recorded_gap_ms\": %u", c->recorded_ms, c->recorded_gap_ms);
	}
	fprintf(out, "}");
}

void rln_report_json(FILE *out, const struct rln_call_result *calls, unsigned n)
{
	fprintf(out, "{\"ringlane\": \"%s\",\n  \"calls\": [\n", RLN_VERSION);
	for (unsigned i = 0; i < n; i++) {
		json_call(out, &calls[i]);
		fprintf(out, "%s\n", i + 1 < n ? "," : "");
	}
	fprintf(out, "  ]}\n");
}
