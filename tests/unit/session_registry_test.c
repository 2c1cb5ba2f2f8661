/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry and the session manager: every direction, mapping anew, stale ids, ids reserved by callers, memory that runs out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lcore/count.h"
#include "lcore/heap.h"
#include "session/placement.h"
#include "session/registry.h"
#include "session/session.h"

#define SESSIONS 8
#define WORKERS  2

static struct rln_registry *registry;
static struct rln_placement *placement;
static struct rln_session_manager *manager;

static int setup(void **state)
{
	struct rln_registry_cfg cfg = {SESSIONS, 16, 4, WORKERS};
	struct rln_placement_cfg place = {WORKERS, 20000, 20999, 4};
	struct rln_session_manager_cfg man = {.sessions = SESSIONS, .stock = 4};

	(void)state;
	assert_int_equal(rln_registry_create(&registry, &cfg), 0);
	assert_int_equal(rln_placement_create(&placement, &place), 0);
	man.registry = registry;
	man.placement = placement;
	assert_int_equal(rln_session_manager_create(&manager, &man), 0);
	return 0;
}

static int teardown(void **state)
{
	struct rln_registry_figures left;

	(void)state;
	rln_registry_figures(registry, &left);
	assert_int_equal(left.sessions + left.dialogs + left.legs, 0);
	rln_session_manager_destroy(manager);
	assert_int_equal(rln_placement_legs(placement, 0) + rln_placement_legs(placement, 1), 0);
	rln_placement_destroy(placement);
	rln_registry_destroy(registry);
	return 0;
}

static struct rln_session_id session_id(uint32_t slot, uint32_t generation)
{
	return (struct rln_session_id){rln_id_make(RLN_ID_SESSION, 1, slot, generation)};
}

static struct rln_dialog_id dialog_id(uint32_t slot, uint32_t generation)
{
	return (struct rln_dialog_id){rln_id_make(RLN_ID_DIALOG, 0, slot, generation)};
}

static struct rln_media_id media_id(unsigned worker, uint32_t slot, uint32_t generation)
{
	return (struct rln_media_id){rln_id_make(RLN_ID_MEDIA, worker, slot, generation)};
}

static void bad_sizes_are_refused(void **state)
{
	struct rln_registry_cfg bad[] = {{0, 1, 1, 1}, {1, 0, 1, 1}, {1, 1, 0, 1}, {1, 1, 1, 0}, {RLN_ID_SLOT_MAX + 1, 1, 1, 1}};
	struct rln_session_manager_cfg man = {.registry = registry, .placement = placement};
	struct rln_session_manager *m = NULL;
	struct rln_registry *r = NULL;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rln_registry_create(&r, &bad[i]), -EINVAL);
	assert_int_equal(rln_session_manager_create(&m, &man), -EINVAL);
	man.sessions = 4;
	man.placement = NULL;
	assert_int_equal(rln_session_manager_create(&m, &man), -EINVAL);
	assert_null(r);
	assert_null(m);
}

static void memory_that_runs_out_is_told(void **state)
{
	struct rln_registry_cfg cfg = {SESSIONS, 16, 4, WORKERS};
	struct rln_session_manager_cfg man = {.registry = registry, .placement = placement, .sessions = 4};
	struct rln_session_manager *m = NULL;
	struct rln_registry *r = NULL;
	int64_t before = rln_heap_live_count();

	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		rln_heap_fail_nth(n);
		assert_int_equal(rln_registry_create(&r, &cfg), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
	for (unsigned n = 1; n <= 4; n++) {
		rln_heap_fail_nth(n);
		assert_int_equal(rln_session_manager_create(&m, &man), -ENOMEM);
		assert_int_equal(rln_heap_fail_nth(0), 1);
	}
	assert_int_equal(rln_heap_live_count(), before);
	rln_registry_destroy(NULL);
	rln_session_manager_destroy(NULL);
}

static void each_id_finds_the_others(void **state)
{
	struct rln_session_id s = session_id(3, 7);
	struct rln_registry_entry e;

	(void)state;
	assert_int_equal(rln_registry_add(registry, s, RLN_ROLE_UAS), 0);
	assert_int_equal(rln_registry_map_dialog(registry, s, dialog_id(9, 2)), 0);
	assert_int_equal(rln_registry_map_media(registry, s, media_id(1, 2, 5)), 0);
	assert_int_equal(rln_registry_set_state(registry, s, RLN_STATE_PROCEEDING), 0);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t ids[] = {s.v, dialog_id(9, 2).v, media_id(1, 2, 5).v};

		assert_true(rln_registry_find(registry, ids[i], &e));
		assert_int_equal(e.session.v, s.v);
		assert_int_equal(e.dialog.v, dialog_id(9, 2).v);
		assert_int_equal(e.media.v, media_id(1, 2, 5).v);
		assert_int_equal(e.state, RLN_STATE_PROCEEDING);
		assert_int_equal(e.role, RLN_ROLE_UAS);
	}
	assert_int_equal(rln_registry_session_of_dialog(registry, dialog_id(9, 2)).v, s.v);
	assert_int_equal(rln_registry_session_of_media(registry, media_id(1, 2, 5)).v, s.v);
	rln_registry_remove(registry, s);
	assert_false(rln_registry_find(registry, s.v, &e));
	assert_false(rln_registry_find(registry, dialog_id(9, 2).v, &e));
	assert_int_equal(rln_registry_session_of_media(registry, media_id(1, 2, 5)).v, 0);
	rln_registry_remove(registry, s); /* again: nothing */
}

static void stale_ids_are_counted_and_find_nothing(void **state)
{
	struct rln_session_id s = session_id(0, 2);
	struct rln_registry_entry e;
	uint64_t before = rln_count_total(RLN_C_STALE_HANDLE);
	uint64_t stale[] = {session_id(0, 1).v, session_id(1, 2).v, dialog_id(4, 3).v, dialog_id(5, 4).v, media_id(0, 1, 1).v,
		media_id(1, 1, 2).v, session_id(SESSIONS, 1).v, dialog_id(16, 1).v, media_id(WORKERS, 0, 1).v,
		media_id(0, 4, 1).v, rln_id_make(RLN_ID_TXN, 0, 1, 1)};

	(void)state;
	assert_int_equal(rln_registry_add(registry, s, RLN_ROLE_UAC), 0);
	assert_int_equal(rln_registry_map_dialog(registry, s, dialog_id(4, 4)), 0);
	assert_int_equal(rln_registry_map_media(registry, s, media_id(0, 1, 2)), 0);
	for (unsigned i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
		assert_false(rln_registry_find(registry, stale[i], &e));
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), before + sizeof(stale) / sizeof(stale[0]));
	assert_false(rln_registry_find(registry, 0, &e)); /* none is not stale */
	assert_false(rln_registry_knows(registry, stale[0], &e));
	assert_int_equal(rln_count_total(RLN_C_STALE_HANDLE), before + sizeof(stale) / sizeof(stale[0]));
	rln_registry_remove(registry, s);
}

static void a_new_mapping_takes_the_old_ones_away(void **state)
{
	struct rln_session_id a = session_id(0, 1), b = session_id(1, 1);
	struct rln_registry_figures n;
	struct rln_registry_entry e;

	(void)state;
	rln_registry_add(registry, a, RLN_ROLE_UAC);
	rln_registry_add(registry, b, RLN_ROLE_UAC);
	assert_int_equal(rln_registry_map_dialog(registry, a, dialog_id(1, 1)), 0);
	assert_int_equal(rln_registry_map_dialog(registry, a, dialog_id(2, 1)), 0); /* a's old dialog is free */
	assert_int_equal(rln_registry_session_of_dialog(registry, dialog_id(1, 1)).v, 0);
	assert_int_equal(rln_registry_map_dialog(registry, b, dialog_id(2, 1)), 0); /* and a loses this one */
	assert_true(rln_registry_find(registry, a.v, &e));
	assert_int_equal(e.dialog.v, 0);
	assert_int_equal(rln_registry_session_of_dialog(registry, dialog_id(2, 1)).v, b.v);
	assert_int_equal(rln_registry_map_media(registry, a, media_id(0, 0, 1)), 0);
	assert_int_equal(rln_registry_map_media(registry, b, media_id(0, 0, 2)), 0); /* the slot's next leg */
	assert_int_equal(rln_registry_session_of_media(registry, media_id(0, 0, 1)).v, 0);
	rln_registry_figures(registry, &n);
	assert_int_equal(n.sessions, 2);
	assert_int_equal(n.dialogs, 1);
	assert_int_equal(n.legs, 1);
	assert_int_equal(rln_registry_add(registry, session_id(1, 2), RLN_ROLE_UAS), 0); /* b's slot again, b goes whole */
	assert_false(rln_registry_find(registry, b.v, &e));
	assert_int_equal(rln_registry_session_of_dialog(registry, dialog_id(2, 1)).v, 0);
	rln_registry_remove(registry, a);
	rln_registry_remove(registry, session_id(1, 2));
}

static void only_what_fits_is_mapped(void **state)
{
	struct rln_session_id s = session_id(0, 1);

	(void)state;
	assert_int_equal(rln_registry_map_dialog(registry, s, dialog_id(1, 1)), -ENOENT);
	assert_int_equal(rln_registry_map_media(registry, s, media_id(0, 1, 1)), -ENOENT);
	assert_int_equal(rln_registry_set_state(registry, s, RLN_STATE_ACTIVE), -ENOENT);
	assert_int_equal(rln_registry_add(registry, session_id(SESSIONS, 1), RLN_ROLE_UAC), -EINVAL);
	assert_int_equal(rln_registry_add(registry, s, RLN_ROLE_UAC), 0);
	assert_int_equal(rln_registry_map_dialog(registry, s, dialog_id(16, 1)), -EINVAL);
	assert_int_equal(rln_registry_map_dialog(registry, s, (struct rln_dialog_id){s.v}), -EINVAL);
	assert_int_equal(rln_registry_map_media(registry, s, media_id(0, 4, 1)), -EINVAL);
	assert_int_equal(rln_registry_map_media(registry, s, media_id(WORKERS, 0, 1)), -EINVAL);
	rln_registry_remove(registry, s);
}

static void an_id_is_reserved_before_its_session_exists(void **state)
{
	struct rln_session_id id = rln_session_manager_reserve(manager);
	struct rln_session *s;

	(void)state;
	assert_int_equal(rln_id_type(id.v), RLN_ID_SESSION);
	assert_null(rln_session_manager_get_session(manager, id));
	s = rln_session_manager_create_session(manager, id);
	assert_non_null(s);
	assert_null(rln_session_manager_create_session(manager, id)); /* once */
	assert_ptr_equal(rln_session_manager_get_session(manager, id), s);
	assert_int_equal(rln_session_manager_register_session(manager, s), 0);
	assert_int_equal(rln_session_manager_update_session_state(manager, id, RLN_STATE_CALLING), 0);
	assert_int_equal(rln_session_manager_in_use(manager), 1);
	assert_true(rln_session_manager_remove_session(manager, id));
	assert_false(rln_session_manager_remove_session(manager, id));
	assert_null(rln_session_manager_get_session(manager, id));
	assert_null(rln_session_manager_create_session(manager, id)); /* stale */
	assert_int_equal(rln_session_manager_in_use(manager), 0);
}

static void a_retired_id_never_comes_again(void **state)
{
	struct rln_session_id id = rln_session_manager_reserve(manager), next;

	(void)state;
	assert_true(rln_session_manager_retire(manager, id));
	assert_false(rln_session_manager_retire(manager, id));
	assert_null(rln_session_manager_create_session(manager, id));
	assert_int_equal(rln_session_manager_refill(manager), 1);
	next = rln_session_manager_reserve(manager);
	assert_int_equal(rln_id_slot(next.v), rln_id_slot(id.v));
	assert_int_not_equal(next.v, id.v);
	assert_non_null(rln_session_manager_create_session(manager, next));
	assert_false(rln_session_manager_retire(manager, next)); /* it is a session's now */
	assert_true(rln_session_manager_remove_session(manager, next));
}

static void workers_take_turns(void **state)
{
	unsigned n[WORKERS] = {0};
	struct rln_session_id ids[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		ids[i] = rln_session_manager_reserve(manager);
		n[rln_id_shard(ids[i].v)]++;
	}
	assert_int_equal(n[0], 2);
	assert_int_equal(n[1], 2);
	for (unsigned i = 0; i < 4; i++)
		rln_session_manager_unreserve(manager, ids[i]);
}

static void the_stock_empties_and_refills(void **state)
{
	struct rln_session_id ids[SESSIONS];
	uint32_t cursor = 0;
	unsigned n;

	(void)state;
	for (n = 0; n < 4; n++)
		ids[n] = rln_session_manager_reserve(manager);
	assert_int_equal(rln_session_manager_reserve(manager).v, 0); /* the stock is 4 */
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(rln_session_manager_refill(manager), 4);
	for (; n < SESSIONS; n++)
		ids[n] = rln_session_manager_reserve(manager);
	assert_int_equal(rln_session_manager_refill(manager), 0);
	for (n = 0; n < SESSIONS; n++)
		assert_non_null(rln_session_manager_create_session(manager, ids[n]));
	assert_int_equal(rln_session_manager_reserve(manager).v, 0);
	assert_int_equal(errno, ENOSPC);
	for (n = 0; rln_session_manager_next(manager, &cursor); n++)
		;
	assert_int_equal(n, SESSIONS);
	for (n = 0; n < SESSIONS; n++)
		assert_true(rln_session_manager_remove_session(manager, ids[n]));
	assert_int_equal(rln_session_manager_refill(manager), 4);
}

static void generations_never_repeat_soon(void **state)
{
	uint64_t seen[64];

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct rln_session_id id;

		rln_session_manager_refill(manager);
		id = rln_session_manager_reserve(manager);
		assert_non_null(rln_session_manager_create_session(manager, id));
		rln_session_manager_remove_session(manager, id);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(seen[j], id.v);
		seen[i] = id.v;
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(bad_sizes_are_refused),
		T(memory_that_runs_out_is_told),
		T(each_id_finds_the_others),
		T(stale_ids_are_counted_and_find_nothing),
		T(a_new_mapping_takes_the_old_ones_away),
		T(only_what_fits_is_mapped),
		T(an_id_is_reserved_before_its_session_exists),
		T(a_retired_id_never_comes_again),
		T(workers_take_turns),
		T(the_stock_empties_and_refills),
		T(generations_never_repeat_soon),
	};

	return cmocka_run_group_tests_name("session_registry", tests, NULL, NULL);
}
