# SPDX-License-Identifier: BSD-3-Clause
# ringlane. The targets that people type:
#   make          the library and the programs            make demo   real calls through the embedded default
#   make test     every test                              make run    the server stays up and says how to call it
#   make bench    figures, as ratios against peers         make lint   structure, formatting, stale generated pages
#   make install  PREFIX=/usr/local DESTDIR=
# SAN=asan|tsan builds with sanitizers, CC=clang with the other compiler; each has a build folder of its own.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VERSION := 0.1.0
CC := gcc
SAN ?=
PREFIX ?= /usr/local
BUILD ?= build/$(notdir $(CC))$(if $(SAN),-$(SAN))

PKGS := libdpdk libosip2 yaml-0.1 libcrypto
DPDK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))
# Sanitizers look at behaviour, not at speed: half the time of a test run is compiling for them. gold links three times as fast as ld.
CFLAGS ?= $(if $(SAN),-O1 -g1,-O2 -g)
GOLD := $(shell command -v ld.gold)
LDFLAGS ?= $(if $(GOLD),-fuse-ld=gold)
WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla
ALL_CFLAGS := -std=gnu11 $(WARN) -fPIC -fno-common -I. -D_GNU_SOURCE -DRLN_VERSION='"$(VERSION)"' $(DPDK_CFLAGS) $(CFLAGS)
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lrte_net_ring -lm -lpthread
ALLOC := -ljemalloc

ifeq ($(SAN),asan)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DRLN_PLAIN_MALLOC
LDFLAGS += -fsanitize=address,undefined
ALLOC :=
else ifeq ($(SAN),fuzz)
ALL_CFLAGS += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DRLN_PLAIN_MALLOC
LDFLAGS += -fsanitize=address,undefined
ALLOC :=
else ifeq ($(SAN),tsan)
ALL_CFLAGS += -fsanitize=thread -DRLN_PLAIN_MALLOC -DRTE_USE_C11_MEM_MODEL
LDFLAGS += -fsanitize=thread
ALLOC :=
endif

# V=1 shows the commands.
Q := $(if $(V),,@)
quiet = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

# Rooms, left to right: a room's archive is linked with those left of it.
ROOMS := config lcore rtp sip session dpdk_app
PROGRAM_SRC := dpdk_app/main.c
sources = $(filter-out $(PROGRAM_SRC),$(wildcard $(1)/*.c $(1)/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
archive = $(BUILD)/lib$(1).a
left_config := config
left_lcore := lcore config
left_rtp := rtp lcore config
left_sip := sip lcore config
left_session := session sip rtp lcore config
left_dpdk_app := dpdk_app session sip rtp lcore config
archives = $(foreach r,$(left_$(1)),$(call archive,$(r)))

define room
$(call archive,$(1)): $(call objects,$(1))
	$(Q)rm -f $$@
	$$(call quiet,AR,$$@)ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# --start-group: session and dpdk_app meet in ringlane.h's start call, the one body right of its header.
link = $(call quiet,LINK,$@)$(CC) $(LDFLAGS) -o $@ $(1) -Wl,--start-group $(2) -Wl,--end-group $(LIBS) $(ALLOC)

# --- unit tests: tests/unit/<room>_<module>_test.c --------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/*_test.c)
unit_room = $(firstword $(foreach r,dpdk_app session config lcore rtp sip,$(if $(filter $(r)_%,$(1)),$(r))))
UNIT := $(patsubst tests/unit/%.c,%,$(UNIT_SRC))

# Tests of sessions run on a machine that notes which rows of fsm.def took events; not those that go everywhere and assert no effects.
noted_rows = $(if $(filter session_fsm_test session_walk_test session_explore_test,$(1)),,$(if $(filter session_%,$(1)),$(BUILD)/tests/unit/fsm_rows.o))
define unit
$(BUILD)/unit/$(1): $(BUILD)/tests/unit/$(1).o $(call noted_rows,$(1)) $(call archives,$(if $(filter session,$(call unit_room,$(1))),dpdk_app,$(call unit_room,$(1))))
	@mkdir -p $$(@D)
	$$(call link,$$(filter %.o,$$^),$$(filter %.a,$$^)) -lcmocka
endef
$(foreach u,$(UNIT),$(eval $(call unit,$(u))))
# What the whole run took is looked at in the end.
UNIT_ROWS := $(BUILD)/unit/rows
$(BUILD)/unit/no_row: $(BUILD)/tests/unit/no_row.o $(call archives,dpdk_app)
	@mkdir -p $(@D)
	$(call link,$<,$(filter %.a,$^)) -lcmocka

# One room's units, or all: make unit-sip, make unit
run_unit = @set -e; for t in $(1); do echo "== $$t"; RUNTIME_DIRECTORY=$$(mktemp -d) $$t; done
define unit_target
.PHONY: unit-$(1)
unit-$(1): $(foreach u,$(filter $(1)_%,$(UNIT)),$(BUILD)/unit/$(u))
	$$(call run_unit,$$^)
endef
$(foreach r,$(ROOMS),$(eval $(call unit_target,$(r))))
.PHONY: unit build-unit
build-unit: $(foreach u,$(UNIT),$(BUILD)/unit/$(u)) $(BUILD)/unit/no_row
unit: $(foreach u,$(UNIT),$(BUILD)/unit/$(u)) $(BUILD)/unit/no_row
	@rm -f $(UNIT_ROWS)
	@export UNIT_ROWS=$(UNIT_ROWS); set -e; for t in $(filter %_test,$^); do echo "== $$t"; RUNTIME_DIRECTORY=$$(mktemp -d) $$t; done
	@echo "== no_row"; $(BUILD)/unit/no_row $(UNIT_ROWS)

# --- simulation: the whole product in one process over ring ports ------------------------------------------------
# Tests read the bus's trace where the product reads it.
SIM_WRAP := -Wl,--wrap=rln_trace_read,--wrap=rln_trace_serve
SIM := $(patsubst tests/sim/%.c,%,$(wildcard tests/sim/*_test.c))
define sim
$(BUILD)/sim/$(1): $(BUILD)/tests/sim/$(1).o $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c %/no_producer.c,$(wildcard tests/sim/*.c))) $(call archives,dpdk_app)
	@mkdir -p $$(@D)
	$$(call link,$$(filter %.o,$$^) $$(SIM_WRAP),$$(filter %.a,$$^)) -lcmocka
endef
$(foreach t,$(SIM),$(eval $(call sim,$(t))))
# What the whole run produced is looked at in the end: each simulation leaves the kinds that its bus delivered.
SIM_OBSERVED := $(BUILD)/sim/observed
$(BUILD)/sim/no_producer: $(BUILD)/tests/sim/no_producer.o $(call archives,lcore)
	@mkdir -p $(@D)
	$(call link,$<,$(filter %.a,$^)) -lcmocka
.PHONY: sim build-sim
build-sim: $(foreach t,$(SIM),$(BUILD)/sim/$(t)) $(BUILD)/sim/no_producer
sim: $(foreach t,$(SIM),$(BUILD)/sim/$(t)) $(BUILD)/sim/no_producer
	@rm -f $(SIM_OBSERVED)
	@export SIM_OBSERVED=$(SIM_OBSERVED); set -e; for t in $(filter %_test,$^); do echo "== $$t"; RUNTIME_DIRECTORY=$$(mktemp -d) $$t; done
	@echo "== no_producer"; $(BUILD)/sim/no_producer $(SIM_OBSERVED)

# --- fuzz: tests/fuzz/<name>_fuzz.c; the corpus is replayed by every test run, fuzzing itself needs clang ---------
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz_room_net := lcore
fuzz_room_rtp := rtp
fuzz_room_rtcp := rtp
fuzz_room_wav := rtp
fuzz_room_sip := sip
fuzz_room_digest := sip
fuzz_room_sdp := sip
fuzz_room_dialog := sip
fuzz_room_refer := sip
fuzz_room_config := config
define fuzz
$(BUILD)/replay/$(1): $(BUILD)/tests/fuzz/$(1).o $(BUILD)/tests/fuzz/replay.o $(call archives,$(fuzz_room_$(1:_fuzz=)))
	@mkdir -p $$(@D)
	$$(call link,$$(filter %.o,$$^),$$(filter %.a,$$^))
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz,$(f))))
.PHONY: replay fuzz thread build-replay build-thread
build-replay: $(foreach f,$(FUZZ),$(BUILD)/replay/$(f))
replay: $(foreach f,$(FUZZ),$(BUILD)/replay/$(f))
	@set -e; for t in $^; do echo "== $$t"; RUNTIME_DIRECTORY=$$(mktemp -d) timeout 120 $$t tests/fuzz/corpus/$$(basename $$t _fuzz); done

# make fuzz TARGET=sip SECONDS_EACH=60: libFuzzer over the real sources; new inputs go to build/fuzz/corpus
TARGET ?= sip
SECONDS_EACH ?= 60
define libfuzzer
$(BUILD)/libfuzzer/$(1): $(BUILD)/tests/fuzz/$(1).o $(call archives,$(fuzz_room_$(1:_fuzz=)))
	@mkdir -p $$(@D)
	$$(call link,$$<,$$(filter %.a,$$^)) -fsanitize=fuzzer
endef
$(foreach f,$(FUZZ),$(eval $(call libfuzzer,$(f))))
fuzz:
	$(MAKE) CC=clang SAN=fuzz BUILD=build/fuzz build/fuzz/libfuzzer/$(TARGET)_fuzz
	@mkdir -p build/fuzz/corpus/$(TARGET)
	RUNTIME_DIRECTORY=$$(mktemp -d) build/fuzz/libfuzzer/$(TARGET)_fuzz -max_total_time=$(SECONDS_EACH) build/fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

# Tests with real threads; meant for SAN=tsan.
build-thread: $(foreach u,$(filter %_thread_test,$(UNIT)),$(BUILD)/unit/$(u))
thread: $(foreach u,$(filter %_thread_test,$(UNIT)),$(BUILD)/unit/$(u))
	$(call run_unit,$^)

# --- programs and library -------------------------------------------------------------------------------------
LIB_OBJ := $(foreach r,$(ROOMS),$(call objects,$(r)))
PROGRAM := $(BUILD)/ringlane
LIB_A := $(BUILD)/libringlane.a
LIB_SO := $(BUILD)/libringlane.so.$(VERSION)
EXAMPLES := $(patsubst examples/%.c,$(BUILD)/examples/%,$(filter-out examples/plugin.c,$(wildcard examples/*.c))) $(BUILD)/examples/plugin.so
TEST_PLUGINS := $(patsubst tests/plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard tests/plugins/*.c))
DRIVE := $(BUILD)/real/drive
GEN := $(BUILD)/ringlane-gen
FAILED := $(BUILD)/bench-failed
MICRO := $(patsubst bench/micro/%.c,$(BUILD)/micro/%,$(wildcard bench/micro/*.c))

$(PROGRAM): $(BUILD)/dpdk_app/main.o $(call archives,dpdk_app)
	$(call link,$<,$(filter %.a,$^))

$(LIB_A): $(LIB_OBJ)
	$(Q)rm -f $@
	$(call quiet,AR,$@)ar rcsD $@ $^

$(LIB_SO): $(LIB_OBJ) packaging/libringlane.map
	$(call quiet,LINK,$@)$(CC) $(LDFLAGS) -shared -Wl,-soname,libringlane.so.0 -Wl,--version-script,packaging/libringlane.map -o $@ $(LIB_OBJ) $(LIBS) $(ALLOC)

# Examples, and what drives tests with real peers, see what an installed application sees: <ringlane.h> and nothing else.
application = $(call quiet,CC,$<)$(CC) -std=c11 -Wall -Wextra -Werror $(CFLAGS) $(if $(SAN),$(filter -fsanitize%,$(ALL_CFLAGS))) -Isession -I. \
	$(LDFLAGS) -o $@ $< $(LIB_A) $(LIBS) $(ALLOC)
$(BUILD)/examples/%: examples/%.c $(LIB_A)
	@mkdir -p $(@D)
	$(application)

$(DRIVE): tests/real/drive.c $(LIB_A)
	@mkdir -p $(@D)
	$(application)

$(FAILED): bench/failed.c $(LIB_A)
	@mkdir -p $(@D)
	$(application)

# A plug-in sees the header and is linked with nothing of ringlane.
plugin = $(call quiet,CC,$<)$(CC) -std=c11 -Wall -Wextra -Werror $(CFLAGS) -shared -fPIC -Isession -I. -Wl,-z,defs -o $@ $<
$(BUILD)/examples/plugin.so: examples/plugin.c $(wildcard session/ringlane*.h)
	@mkdir -p $(@D)
	$(plugin)

$(BUILD)/plugins/%.so: tests/plugins/%.c $(wildcard session/ringlane*.h)
	@mkdir -p $(@D)
	$(plugin)

$(BUILD)/unit/session_plugin_test: | $(TEST_PLUGINS) $(BUILD)/examples/plugin.so

$(GEN): $(patsubst %.c,$(BUILD)/%.o,$(wildcard bench/gen/*.c))
	$(call quiet,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/micro/%: $(BUILD)/bench/micro/%.o $(call archives,dpdk_app)
	@mkdir -p $(@D)
	$(call link,$<,$(filter %.a,$^))

.PHONY: all lib programs
lib: $(LIB_A) $(LIB_SO)
programs: $(PROGRAM) $(EXAMPLES) $(DRIVE)
all: lib programs

# --- what people type --------------------------------------------------------------------------------------------
.PHONY: deps deps-test deps-bench demo run test bench lint docs install clean check-compilers
deps:
	@packaging/deps.sh ensure build
deps-test:
	@packaging/deps.sh ensure test
deps-bench:
	@packaging/deps.sh ensure bench

# The pkg-config answers above are made before deps runs, so what needs the packages is made by a second make.
demo: deps
	@packaging/deps.sh ensure demo
	@$(MAKE) --no-print-directory -j2 programs
	@tests/real/run.sh examples/demo.sh $(PROGRAM)

run: deps
	@$(MAKE) --no-print-directory -j2 programs
	@$(PROGRAM) serve

test: deps-test
	@tests/run.sh

bench: deps-bench
	@$(MAKE) --no-print-directory -j2 programs $(GEN) $(FAILED) $(MICRO)
	@bench/run.py

lint: deps-test
	@$(MAKE) --no-print-directory -j2 all
	@/usr/bin/python3 tests/lint.py $(BUILD) $(CC) $(ALL_CFLAGS)
	@$(MAKE) --no-print-directory docs DOCS_CHECK=1

$(BUILD)/docs/%: $(BUILD)/docs/gen/%.o $(call archives,dpdk_app)
	@mkdir -p $(@D)
	$(call link,$<,$(filter %.a,$^))

# Generated pages; with DOCS_CHECK=1 they are compared with what is checked in.
docs: $(PROGRAM) $(patsubst docs/gen/%.c,$(BUILD)/docs/%,$(wildcard docs/gen/*.c)) $(patsubst %,$(BUILD)/sim/%,$(filter flows%,$(SIM))) $(BUILD)/api/.made
	@docs/generate.sh $(BUILD) $(DOCS_CHECK)

# The public interface as HTML and manual pages, in build/ only; what is public and has no comment is an error.
$(BUILD)/api/.made: docs/Doxyfile $(wildcard session/ringlane*.h)
	@mkdir -p $(@D)
	$(call quiet,DOXY,$(@D)){ cat docs/Doxyfile; echo "OUTPUT_DIRECTORY=$(@D)"; echo "PROJECT_NUMBER=$(VERSION)"; } | doxygen -
	@touch $@

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/ringlane/lcore $(DESTDIR)$(PREFIX)/include/ringlane/session \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/doc/ringlane
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(LIB_A) $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(LIB_SO) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libringlane.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libringlane.so.0
	ln -sf libringlane.so.0 $(DESTDIR)$(PREFIX)/lib/libringlane.so
	install -m 644 session/ringlane.h $(DESTDIR)$(PREFIX)/include/ringlane/
	install -m 644 $(wildcard session/ringlane_*.h) $(DESTDIR)$(PREFIX)/include/ringlane/session/
	install -m 644 lcore/types.h lcore/id.h lcore/addr.h lcore/block.h lcore/event.h lcore/event_payload.h lcore/event.def $(DESTDIR)$(PREFIX)/include/ringlane/lcore/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' packaging/ringlane.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/ringlane.pc
	install -m 644 docs/ringlane.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	@if command -v doxygen > /dev/null; then $(MAKE) --no-print-directory $(BUILD)/api/.made && \
		install -d $(DESTDIR)$(PREFIX)/share/man/man3 && install -m 644 $(BUILD)/api/man/man3/rln_*.3 $(BUILD)/api/man/man3/ringlane*.3 $(DESTDIR)$(PREFIX)/share/man/man3/; \
		else echo "install: no doxygen here, so no manual pages of section 3"; fi
	install -m 644 README.md config/ringlane.yaml $(DESTDIR)$(PREFIX)/share/doc/ringlane/

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
