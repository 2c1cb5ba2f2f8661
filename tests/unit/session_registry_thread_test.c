/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lookups from other threads while the control lcore writes (R184): what a reader finds was mapped at one moment, whole; and ids are reserved by
 * several threads at once without giving one twice. Meant for SAN=tsan, too.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "session/placement.h"
#include "session/registry.h"

#define SESSIONS 4
#define TURNS    60000u
#define WANTED   20000u
#define READERS  2
#define IDS      2000u

static struct rln_registry *registry;
static uint32_t done, writing, seen;

/* Every id of one turn carries the turn's generation, so a torn entry shows. */
static uint64_t id_of(enum rln_id_type type, uint32_t slot, uint32_t generation)
{
	return rln_id_make(type, 0, slot, generation);
}

static bool is_whole(const struct rln_registry_entry *e)
{
	uint32_t generation = rln_id_generation(e->session.v);

	if (e->dialog.v && rln_id_generation(e->dialog.v) != generation)
		return false;
	if (e->media.v && rln_id_generation(e->media.v) != generation)
		return false;
	return e->state == RLN_STATE_IDLE || e->state == generation % RLN_STATE_COUNT;
}

static void *reader(void *arg)
{
	uint32_t turn = 1;
	uintptr_t torn = 0;

	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		struct rln_registry_entry e;
		enum rln_id_type type = (enum rln_id_type)(RLN_ID_SESSION + turn % 3);
		uint32_t now = __atomic_load_n(&writing, __ATOMIC_RELAXED), slot = turn++ % SESSIONS;

		/* generations near the writer's: most are stale, which must only ever find nothing */
		for (uint32_t g = now > 8 ? now - 8 : 1; g < now + 2; g++) {
			if (!rln_registry_knows(registry, id_of(type, slot, g), &e))
				continue;
			__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
			torn += !is_whole(&e) || rln_id_generation(e.session.v) != g;
		}
	}
	return (void *)torn;
}

static void lookups_are_whole_during_churn(void **state)
{
	struct rln_registry_cfg cfg = {SESSIONS, SESSIONS, SESSIONS, 1};
	struct rln_registry_figures left;
	pthread_t threads[READERS];
	uint32_t g;

	(void)state;
	done = seen = 0;
	assert_int_equal(rln_registry_create(&registry, &cfg), 0);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, NULL), 0);
	/* until the readers have met enough of what is being changed; threads share CPUs as they may */
	for (g = 1; g <= TURNS || __atomic_load_n(&seen, __ATOMIC_RELAXED) < WANTED; g++) {
		struct rln_session_id s = {id_of(RLN_ID_SESSION, g % SESSIONS, g)};

		__atomic_store_n(&writing, g, __ATOMIC_RELAXED);
		assert_int_equal(rln_registry_add(registry, s, RLN_ROLE_UAC), 0);
		assert_int_equal(
			rln_registry_map_dialog(registry, s, (struct rln_dialog_id){id_of(RLN_ID_DIALOG, g % SESSIONS, g)}), 0);
		assert_int_equal(
			rln_registry_map_media(registry, s, (struct rln_media_id){id_of(RLN_ID_MEDIA, g % SESSIONS, g)}), 0);
		assert_int_equal(rln_registry_set_state(registry, s, (enum rln_call_state)(g % RLN_STATE_COUNT)), 0);
		if (g % 3)
			rln_registry_remove(registry, s);
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < READERS; i++) {
		void *torn;

		pthread_join(threads[i], &torn);
		assert_null(torn);
	}
	for (uint32_t slot = 0; slot < SESSIONS; slot++) {
		for (uint32_t back = 1; back <= 16; back++)
			rln_registry_remove(registry, (struct rln_session_id){id_of(RLN_ID_SESSION, slot, g - back)});
	}
	rln_registry_figures(registry, &left);
	assert_int_equal(left.sessions + left.dialogs + left.legs, 0);
	rln_registry_destroy(registry);
}

static struct rln_session_manager *manager;
static uint64_t taken[READERS][IDS];

static void *taker(void *arg)
{
	uint64_t *mine = arg;

	for (uint32_t n = 0; n < IDS;) {
		struct rln_session_id id = rln_session_manager_reserve(manager);

		if (!id.v)
			continue; /* until control's next turn */
		if (n % 7 == 3) {
			rln_session_manager_unreserve(manager, id);
			__atomic_store_n(&mine[n++], 0, __ATOMIC_RELEASE);
			continue;
		}
		__atomic_store_n(&mine[n++], id.v, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void ids_are_given_once(void **state)
{
	struct rln_registry_cfg cfg = {64, 64, 64, 1};
	struct rln_placement_cfg place = {1, 20000, 20999, 64};
	struct rln_session_manager_cfg man = {.sessions = 64, .stock = 16};
	struct rln_placement *placement;
	pthread_t threads[READERS];
	uint32_t at[READERS] = {0}, used = 0;

	(void)state;
	assert_int_equal(rln_registry_create(&registry, &cfg), 0);
	assert_int_equal(rln_placement_create(&placement, &place), 0);
	man.registry = registry;
	man.placement = placement;
	assert_int_equal(rln_session_manager_create(&manager, &man), 0);
	memset(taken, 0xff, sizeof(taken));
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, taker, taken[i]), 0);
	while (at[0] + at[1] < READERS * IDS) { /* the control lcore: makes each session and removes it */
		rln_session_manager_refill(manager);
		for (unsigned i = 0; i < READERS; i++) {
			uint64_t id = at[i] < IDS ? __atomic_load_n(&taken[i][at[i]], __ATOMIC_ACQUIRE) : UINT64_MAX;

			if (id == UINT64_MAX)
				continue;
			at[i]++;
			if (id == 0)
				continue;
			assert_non_null(rln_session_manager_create_session(
				manager, (struct rln_session_id){id})); /* twice would be NULL */
			assert_true(rln_session_manager_remove_session(manager, (struct rln_session_id){id}));
			used++;
		}
	}
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_true(used > IDS);
	assert_int_equal(rln_session_manager_in_use(manager), 0);
	rln_session_manager_destroy(manager);
	rln_placement_destroy(placement);
	rln_registry_destroy(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_are_whole_during_churn),
		cmocka_unit_test(ids_are_given_once),
	};

	return cmocka_run_group_tests_name("session_registry_thread", tests, NULL, NULL);
}
