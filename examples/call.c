/* SPDX-License-Identifier: BSD-3-Clause */
/* A call in less than five lines: call TARGET. Calls, waits until it is answered, hangs up. */
#include <ringlane.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: call user@host\n");
		return 2;
	}
	/* snippet */
	struct rln_peer *alice = rln_peer_new("alice", 5060);
	struct rln_call *call = rln_peer_call(alice, argv[1]);
	int rc = rln_call_wait_for_state(call, RLN_STATE_ACTIVE, 20000);
	rln_call_hangup(call);
	/* end */
	printf("%s\n", rc == 0 ? "answered" : rln_error_text(rc));
	rln_call_free(call);
	rln_peer_free(alice);
	return rc == 0 ? 0 : 1;
}
