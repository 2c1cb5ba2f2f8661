/* SPDX-License-Identifier: BSD-3-Clause */
/* An answer in less than five lines: answer NAME FILE.wav. Waits to be called as NAME, answers, plays the file, hangs up. */
#include <ringlane.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: answer name file.wav\n");
		return 2;
	}
	/* snippet */
	struct rln_peer *bob = rln_peer_new(argv[1], 5060);
	struct rln_call *call = rln_incoming_accept(rln_peer_get_incoming_call(bob, 30000));
	int rc = rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 10000);
	rln_call_play(call, argv[2], 1);
	/* end */
	if (rc == 0)
		rc = rln_call_wait_for_event(call, RLN_EV_AUDIO_PLAYBACK_FINISHED, 60000, NULL);
	printf("%s\n", rc == 0 ? "played" : rln_error_text(rc));
	rln_call_free(call);
	rln_peer_free(bob);
	return rc == 0 ? 0 : 1;
}
