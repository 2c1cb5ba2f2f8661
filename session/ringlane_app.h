/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Part of ringlane.h: call applications, handlers that run inside the engine. They decide on calls and act on what becomes of
 * them. ringlane's own applications (session/apps/) are handlers of this interface and reach the engine by nothing else; so is a
 * plug-in that `ringlane serve` loads (`routes: - {match: "7*", app: plugin, file: /opt/x.so}`), and what rln_app_start() installs.
 *
 * Threads: every function of a handler runs on the control lcore, one at a time, so it needs no lock of its own; it must not block,
 * not even for a file. A call of over 1 ms is counted (HANDLER_SLOW) and named in the log. create() and destroy() of a plug-in run
 * on the main thread while no lcore does. The operations of a host may be called from the handler's functions and nowhere else.
 *
 * Ownership: texts that a function receives or gets are valid until it returns, but for those of options(), name(), caller() and
 * called() and create()'s `options`, which live as long as the host, the call and the plug-in. What data() keeps is the handler's own; it frees it when
 * SESSION_TERMINATED comes. That event comes exactly once for each call that on_incoming_invite did not reject, that on_given took
 * and that make_call placed; also for those that are left when the engine stops, before on_stop.
 *
 * Operations are commands, published behind what is being handled: they return 0 when they are on their way, -ENOBUFS when a ring
 * is full, -EINVAL for a wrong argument and -EPIPE once the engine stops. What came of one tells an event: STATE_CHANGED,
 * MEDIA_EVENT, COMMAND_REJECTED or SESSION_TERMINATED.
 */
#pragma once

#include "session/ringlane_handler.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RLN_HANDLER_ABI    1u /**< of everything in this header; another number is refused */
#define RLN_HANDLER_TIMERS 4u /**< numbers 0..3, for each call and for the handler itself */

struct rln_host;

/** How much a line of a handler matters. */
enum rln_host_log { RLN_HOST_ERROR, RLN_HOST_WARNING, RLN_HOST_INFO, RLN_HOST_DEBUG };

/** Texts are copied; all zero but `to` will do. */
struct rln_host_call {
	const char *to;             /**< URI; "sip:" may be absent */
	const char *from;           /**< URI; NULL: our own address */
	const char *headers;        /**< whole lines with CRLF, or NULL */
	struct rln_session_id near; /**< on the worker of this call, so that the two can be bridged; {0}: wherever there is room */
};

/** The engine's side. `host` is the first argument of each operation; `call` may be any session of the process. */
struct rln_host_ops {
	uint32_t abi;  /**< RLN_HANDLER_ABI */
	uint32_t size; /**< sizeof(struct rln_host_ops) */

	/* ---- an incoming call that is not answered yet ---- */
	int (*accept)(struct rln_host *host, struct rln_session_id call); /**< 200 OK */
	int (*ring)(struct rln_host *host, struct rln_session_id call);   /**< 180 Ringing, of a call that DEFER left quiet */
	int (*reject)(struct rln_host *host, struct rln_session_id call, uint16_t code); /**< 400..699 */

	/* ---- any call ---- */
	int (*hangup)(struct rln_host *host, struct rln_session_id call); /**< BYE, CANCEL or 486, as its state asks */
	int (*hold)(struct rln_host *host, struct rln_session_id call); /**< our hold */
	int (*resume)(struct rln_host *host, struct rln_session_id call); /**< the end of our hold */
	int (*transfer)(struct rln_host *host, struct rln_session_id call, const char *target); /**< REFER, blind */
	/** `loops` times, 0: until stopped. A file that plays is replaced. Relative paths stand in media.prompts. */
	int (*play)(struct rln_host *host, struct rln_session_id call, const char *path, uint32_t loops);
	int (*stop_play)(struct rln_host *host, struct rln_session_id call); /**< ends the playing */
	int (*record)(struct rln_host *host, struct rln_session_id call, const char *path, unsigned channels); /**< WAV, 1 or 2 */
	int (*stop_record)(struct rln_host *host, struct rln_session_id call); /**< ends the recording */
	/** 0-9 * # A-D, at most 64, each that long: 40 to 4000, 0 stands for 100. */
	int (*send_dtmf)(struct rln_host *host, struct rln_session_id call, const char *digits, uint16_t duration_ms);

	/* ---- two calls ---- */
	/** A new call, this handler's: its events follow. {0}: no room, or `to` is not an address. */
	struct rln_session_id (*make_call)(struct rln_host *host, const struct rln_host_call *request);
	/** Joins two calls: both up, or `call` unanswered and `other` in early media. STATE_CHANGED to BRIDGED, or COMMAND_REJECTED. */
	int (*bridge)(struct rln_host *host, struct rln_session_id call, struct rln_session_id other);
	int (*unbridge)(struct rln_host *host, struct rln_session_id call); /**< parts it from the other one */
	/** Gives one of this handler's calls to the handler of that name ("queue:sales", "menu:main", "bridge"): its on_given() is
	 * asked with `text`, and from then on it has the call's events. 0; -ENOENT: no such name; what on_given() answered. */
	int (*give)(struct rln_host *host, struct rln_session_id call, const char *name, const char *text);

	/* ---- time ---- */
	uint64_t (*now_ms)(struct rln_host *host); /**< a clock that never goes back */
	/** on_timer(call, number) once, after that time; starts again when it runs. {0}: the handler's own timers. A call's timers
	 * end with it. 0, -EINVAL (number), -ENOENT (not a call of this handler). */
	int (*start_timer)(struct rln_host *host, struct rln_session_id call, unsigned number, uint32_t after_ms);
	void (*stop_timer)(struct rln_host *host, struct rln_session_id call, unsigned number); /**< void when it does not run */

	/* ---- what is known ---- */
	enum rln_call_state (*state)(struct rln_host *host, struct rln_session_id call); /**< TERMINATED when there is none (yet) */
	void (*set_data)(struct rln_host *host, struct rln_session_id call, void *data); /**< a pointer beside a call of this handler */
	void *(*data)(struct rln_host *host, struct rln_session_id call); /**< what set_data() left, NULL: nothing */
	const char *(*caller)(struct rln_host *host, struct rln_session_id call); /**< URI of the caller, "" when unknown */
	const char *(*called)(struct rln_host *host, struct rln_session_id call); /**< request URI that came in, or the target */
	const char *(*options)(struct rln_host *host); /**< the config's text for this handler, "" when there is none */
	const char *(*name)(struct rln_host *host); /**< of this handler */
	/** A field of an event's block, NUL-terminated; "" when absent. */
	const char *(*text)(struct rln_host *host, const struct rln_event *event, struct rln_slice field);
	/** One line; call {0}: about none. Rate-limited. */
	void (*log)(struct rln_host *host, struct rln_session_id call, enum rln_host_log level, const char *text);
};

/** The engine's; a handler uses ops and nothing else of it. */
struct rln_host {
	const struct rln_host_ops *ops; /**< what it can be asked for */
};

/** What a handler is. Any function may be NULL: no INVITE decision means 404, no on_given means -ENOTSUP. */
struct rln_handler {
	uint32_t abi; /**< RLN_HANDLER_ABI */
	void *arg;    /**< first argument of each function */
	/** Asked once for each new INVITE that is for this handler (R138). DEFER takes time; the call sends 182 meanwhile. */
	struct rln_decision (*on_incoming_invite)(void *arg, struct rln_host *host, const struct rln_invite_details *invite);
	/** Another handler gives a call that exists, answered or not. 0: it is this one's now; negative: the giver keeps it. */
	int (*on_given)(void *arg, struct rln_host *host, struct rln_session_id call, const char *text);
	/** Every event of its calls with the session's id: session_to_application, and what the machine passes on of the layers
	 * below (CALL_STATE_CHANGED, DTMF_DETECTED, DTMF_RECEIVED ...). The event's block is not the handler's. */
	void (*on_event)(void *arg, struct rln_host *host, const struct rln_event *event);
	void (*on_timer)(void *arg, struct rln_host *host, struct rln_session_id call, unsigned number); /**< of start_timer() */
	/** No call is left and none will come. On the main thread after the lcores ended, or on that of rln_app_stop() while they run on. */
	void (*on_stop)(void *arg, struct rln_host *host);
};

/** What a plug-in exports: `const struct rln_plugin rln_plugin = {...};` in a shared object that links nothing of ringlane. */
struct rln_plugin {
	uint32_t abi; /**< RLN_HANDLER_ABI */
	const char *name; /**< for the log */
	/** Fills *handler; `options` is the config's text. 0 or -errno, which refuses the start. */
	int (*create)(struct rln_handler *handler, const char *options);
	/** After on_stop, once for each create() that succeeded; NULL: nothing to do. */
	void (*destroy)(struct rln_handler *handler);
};
#define RLN_PLUGIN_SYMBOL "rln_plugin" /**< its name there */

/* ---- a handler in a program of one's own: any thread, after or before the runtime started (then it starts with all defaults) ---- */

/** Where a handler of a program's own takes its calls; texts are copied. */
struct rln_app_options {
	const char *name;    /**< user part of our address; its calls come from it */
	uint16_t port;       /**< SIP port; 0: the config's */
	bool any_user;       /**< takes INVITEs for any user part */
	const char *options; /**< what options() gives, NULL: "" */
};

struct rln_app;
/** The struct is copied; what arg points to lives until rln_app_stop(). NULL with errno: EADDRINUSE (name and port are taken),
 * EINVAL, ENOMEM, ENOSPC (64 peers), ETIMEDOUT (the engine does not turn), EPIPE (the runtime stopped), or why the runtime did not start. */
struct rln_app *rln_app_start(const struct rln_app_options *options, const struct rln_handler *handler);
/** Hangs up its calls, waits until they have ended (5 s), calls on_stop. 0; RLN_ETIMEDOUT: calls are left, and arg may still be used.
 * The runtime may stop with it: as rln_peer_free() says. */
int rln_app_stop(struct rln_app *app);

#ifdef __cplusplus
}
#endif
