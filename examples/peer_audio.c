/* SPDX-License-Identifier: BSD-3-Clause */
/* Two people talk: peer_audio NAME SAY.wav HEAR.wav [TARGET]. With a target it calls, without one it waits to be called. */
#include <ringlane.h>
#include <stdio.h>

static int talk(struct rln_call *call, const char *say, const char *hear)
{
	struct rln_event ev;

	if (rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 20000) != 0 ||
		rln_call_start_recording(call, hear, RLN_FORMAT_WAV, 1) != 0 || rln_call_wait_for_media(call, 10000) != 0 ||
		rln_call_play(call, say, 1) != 0 ||
		rln_call_wait_for_event(call, RLN_EV_AUDIO_PLAYBACK_FINISHED, 120000, &ev) != 0) {
		fprintf(stderr, "%s\n", rln_call_end_text(call));
		return 1;
	}
	rln_call_wait_for_event(call, RLN_EV_SESSION_TERMINATED, 3000, &ev); /* the other may still be talking */
	rln_call_hangup(call);
	return rln_call_wait_for_state(call, RLN_STATE_TERMINATED, 5000) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct rln_peer *peer;
	struct rln_call *call;
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: peer_audio name say.wav hear.wav [target]\n");
		return 2;
	}
	peer = rln_peer_new(argv[1], 5060);
	if (!peer) {
		perror("peer_audio");
		return 1;
	}
	printf("%s\n", argc > 4 ? "calling" : "waiting for a call");
	fflush(stdout);
	call = argc > 4 ? rln_peer_call(peer, argv[4]) : rln_incoming_accept(rln_peer_get_incoming_call(peer, 30000));
	rc = call ? talk(call, argv[2], argv[3]) : 1;
	rln_call_free(call);
	rln_peer_free(peer);
	return rc;
}
