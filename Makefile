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

PKGS := libdpdk libosip2 libsrtp2 spandsp yaml-0.1 openssl
DPDK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum -Wno-error=switch-enum
ALL_CFLAGS := -std=gnu11 $(WARN) -fPIC -fno-common -I. -D_GNU_SOURCE -DRLN_VERSION='"$(VERSION)"' $(DPDK_CFLAGS) $(CFLAGS)
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lrte_net_ring -lm -lpthread
ALLOC := -ljemalloc

ifeq ($(SAN),asan)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DRLN_PLAIN_MALLOC
LDFLAGS += -fsanitize=address,undefined
ALLOC :=
else ifeq ($(SAN),tsan)
ALL_CFLAGS += -fsanitize=thread -DRLN_PLAIN_MALLOC -DRTE_USE_C11_MEM_MODEL
LDFLAGS += -fsanitize=thread
ALLOC :=
endif

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
	@rm -f $$@
	ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# --start-group: session and dpdk_app meet in ringlane.h's start call, the one body right of its header.
link = $(CC) $(LDFLAGS) -o $@ $(1) -Wl,--start-group $(2) -Wl,--end-group $(LIBS) $(ALLOC)

# --- unit tests: tests/unit/<room>_<module>_test.c --------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/*_test.c)
unit_room = $(firstword $(foreach r,dpdk_app session config lcore rtp sip,$(if $(filter $(r)_%,$(1)),$(r))))
UNIT := $(patsubst tests/unit/%.c,%,$(UNIT_SRC))

define unit
$(BUILD)/unit/$(1): $(BUILD)/tests/unit/$(1).o $(call archives,$(if $(filter session,$(call unit_room,$(1))),dpdk_app,$(call unit_room,$(1))))
	@mkdir -p $$(@D)
	$$(call link,$$<,$$(filter %.a,$$^)) -lcmocka
endef
$(foreach u,$(UNIT),$(eval $(call unit,$(u))))

# One room's units, or all: make unit-sip, make unit
run_unit = @set -e; for t in $(1); do echo "== $$t"; RUNTIME_DIRECTORY=$$(mktemp -d) $$t; done
define unit_target
.PHONY: unit-$(1)
unit-$(1): $(foreach u,$(filter $(1)_%,$(UNIT)),$(BUILD)/unit/$(u))
	$$(call run_unit,$$^)
endef
$(foreach r,$(ROOMS),$(eval $(call unit_target,$(r))))
.PHONY: unit all
unit: $(foreach u,$(UNIT),$(BUILD)/unit/$(u))
	$(call run_unit,$^)

all: $(foreach r,$(ROOMS),$(call archive,$(r)))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
