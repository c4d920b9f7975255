# Ladle: two commands do everything, `make run` and `make test`; each installs and builds what is missing.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test tsan soak bench fuzz install uninstall deb format lint prepare prepare-test clean

CONFIGURATION ?= release
SWIFT_FLAGS := -c $(CONFIGURATION) --explicit-target-dependency-import-check error
BIN := .build/$(CONFIGURATION)
SOURCES := $(shell find Package.swift Sources -type f 2>/dev/null)
# Apart from the others, which fill all cores with encoders: sockets and their deadlines are real here.
MEDIA_TESTS := ^(Base|RTP|RTCP|STUN|ORTC|SDP|SRTP|ICE|DTLS|Protoo|SCTP|Negotiation|Congestion|SFU|FuzzTargets|MediaPlane)Tests
# Where `make run` listens; TLS=1: by https and wss, with a certificate of its own making.
PORT ?= 4443
TLS ?=
PREFIX ?= /usr/local

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(BIN)/.built ## Start the gateway, ingest the test source into room "demo" and record it; TLS=1: by https
	@exec $(BIN)/ladle demo --port $(PORT) $(if $(TLS),--tls-self-signed)

test: prepare-test ## Build everything once, in release, and run every test
	swift build $(SWIFT_FLAGS) --build-tests
	swift test -c $(CONFIGURATION) --skip-build --filter "$(MEDIA_TESTS)"
	swift test -c $(CONFIGURATION) --skip-build --skip "$(MEDIA_TESTS)"

tsan: prepare-test ## Run the tests of the media floors under the thread sanitizer (minutes)
	LADLE_ROOMS=SFU,MediaPlane swift test --sanitize=thread --scratch-path .build-tsan --filter "MediaPlaneTests"

soak: prepare-test ## A thousand pipelines, started and killed at any moment (minutes)
	LADLE_ROOMS=SystemTests swift build $(SWIFT_FLAGS) --build-tests
	LADLE_ROOMS=SystemTests LADLE_SOAK_CYCLES=1000 swift test -c $(CONFIGURATION) --skip-build --filter "Start and kill"

bench: $(if $(QUICK),,$(BIN)/.built) ## Measure waiting times and the cost per forwarded packet (minutes; QUICK=1: one); BASELINE=DIR compares
	cd Benchmarks && LADLE_FLOORS=6 swift build -c release --disable-build-manifest-caching --scratch-path ../.build-bench
	@Benchmarks/run $(CURDIR)/$(BIN) "$(QUICK)" "$(BASELINE)"

fuzz: ## Look for input that breaks a parser or the engine, FUZZ_SECONDS (60) for each target; see Fuzz/README.md
	@Fuzz/run

install: $(BIN)/.built ## Install programs, service and documentation below PREFIX (/usr/local); DESTDIR stages it
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" packaging/install $(BIN)

deb: $(BIN)/.built ## Make a Debian package in this folder, for `apt install ./ladle_*.deb`
	@packaging/deb $(BIN)

uninstall: ## Take away what was installed; settings and recordings stay
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" packaging/install --uninstall

format: ## Format the sources
	swift format format -i -r -p Package.swift Sources Tests $(wildcard $(foreach package,Benchmarks Fuzz,$(package)/Package.swift $(package)/Sources))

lint: ## Say what `make format` would change or can't
	swift format lint -s -r -p Package.swift Sources Tests $(wildcard $(foreach package,Benchmarks Fuzz,$(package)/Package.swift $(package)/Sources))

clean: ## Forget what was built
	rm -rf .build .build-bench .build-fuzz .build-tsan

prepare:
	@packaging/prepare build

prepare-test:
	@packaging/prepare build test

# Builds only when a source is newer, so that a second `make run` starts at once.
$(BIN)/.built: $(SOURCES)
	@packaging/prepare build
	swift build $(SWIFT_FLAGS)
	@touch $@
