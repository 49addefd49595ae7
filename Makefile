# SPDX-License-Identifier: MIT
# Thin aliases over CMake, ctest and npm. Everything is built in build/. See `make help`.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 20

# scripts/setup puts a newer Node here where the system's is too old (Ubuntu 22.04).
export PATH := $(CURDIR)/build/tools/node/bin:$(PATH)
export JOBS

.PHONY: all run test sim interop stress bench bench-sctp fuzz install clean help
.NOTPARALLEL:

all:
	@scripts/setup build web
	@scripts/build-web
	@scripts/build dev
	@echo "Built: build/wrd, libraries in build/, browser client in web/dist/. Next: make run"

run: all
	@$(MAKE) --no-print-directory -C example run

test:
	@scripts/setup build web test
	@scripts/build-web
	@scripts/build dev -DWRD_REQUIRE_TESTS=ON
	@scripts/build asan -DWRD_REQUIRE_TESTS=ON
	@scripts/build tsan -DWRD_REQUIRE_TESTS=ON
	@scripts/test

# SEED=n, SEEDS=n or WAN=1, as scripts/sim says.
sim:
	@WRD_SKIP_BROWSERS=1 WRD_SKIP_INTEROP=1 scripts/setup build test
	@scripts/build dev -DWRD_REQUIRE_TESTS=ON
	@SEED="$(SEED)" SEEDS="$(SEEDS)" WAN="$(WAN)" scripts/sim

interop:
	@WRD_SKIP_BROWSERS=1 scripts/setup build test
	@scripts/build dev -DWRD_REQUIRE_TESTS=ON
	@tests/interop/run-long

# SECONDS=n of each kind of flood.
stress:
	@WRD_SKIP_BROWSERS=1 WRD_SKIP_INTEROP=1 scripts/setup build web test
	@scripts/build dev -DWRD_REQUIRE_TESTS=ON
	@tests/stress/run-long $(SECONDS)

# PEERS= leaves the peers out, PEERS='str0m pion' takes those; CHART=1 draws docs/performance.svg.
PEERS ?= original str0m pion webrtc-rs libdatachannel
bench:
	@scripts/setup build bench
	@scripts/build dev
	@[ -z "$(PEERS)" ] || bench/peers/build-servers build/bench $(PEERS)
	@bench/run --only "$(PEERS)" $(if $(CHART),--chart docs/performance.svg)
	@for program in build/bench/bench_*; do \
		[ -x "$$program" ] || { echo "bench/ has no benchmarks yet"; continue; }; \
		echo "== $$program"; "$$program" || exit 1; \
	done

# Beside foreign stacks, where they can be had.
bench-sctp:
	@scripts/setup build
	@scripts/build dev
	@bench/peers/build build/bench
	build/bench/bench_sctp
	build/bench/bench_link

fuzz:
	@scripts/setup build fuzz
	@scripts/build fuzz
	@scripts/fuzz $(FUZZ_SECONDS)

# As root or with a PREFIX that you own; honours DESTDIR. Build as yourself first with `make`.
install:
	@scripts/setup build
	@scripts/build release -DCMAKE_INSTALL_PREFIX="$(PREFIX)"
	@cmake --install build/release

clean:
	rm -rf build web/dist

help:
	@echo "make           installs what is missing, builds the libraries, build/wrd and the browser client"
	@echo "make run       the same, then runs the example: an echo server and its page"
	@echo "make test      every test: unit, sanitizers, fences, browsers, foreign peers, install, README"
	@echo "make sim       random scenes in virtual time: SEEDS=n many, SEED=n replays one, WAN=1 wide-area paths"
	@echo "make interop   SCTP, channels and messages with peers by others, at length"
	@echo "make stress    floods, ten thousand clients and sudden deaths, at length: SECONDS=n a kind of flood"
	@echo "make bench     the server beside its ceiling and other servers, then every benchmark: PEERS= fewer, CHART=1"
	@echo "make bench-sctp  SCTP beside usrsctp and dcsctp"
	@echo "make fuzz      each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds"
	@echo "make install   headers, libraries, wrd to PREFIX=$(PREFIX) (DESTDIR too)"
	@echo "make clean     removes build/ and web/dist/"
