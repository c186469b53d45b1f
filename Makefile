# The verbs of this repository, each one line. `make quickstart` and `make test` set up what they need.

SHELL := /bin/bash
PACKAGES := libopenblas-dev libsqlite3-dev libcurl4-openssl-dev gnuplot-nox pkg-config
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CONFIGURATION := release
ABENCH := .build/$(CONFIGURATION)/abench

.PHONY: help setup build test quickstart real-small bench format lint sizes clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:  ## install the system packages that are missing (Debian, Ubuntu)
	@command -v swift >/dev/null || { echo "no Swift toolchain on PATH: install Swift 6 from swift.org, then run make again" >&2; exit 1; }
	@missing=""; for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

build: setup  ## build abench (release) and put its path on the last line
	swift build -c $(CONFIGURATION) --product abench
	@echo "$(ABENCH)"

test: setup  ## build everything once, run all tests
	swift build -c $(CONFIGURATION) --build-tests
	swift test -c $(CONFIGURATION) --skip-build

quickstart: build  ## six methods on the model that ships with the repository; about a minute after the build
	$(ABENCH) run suites/quickstart.yaml

real-small: build  ## SmolLM2-135M and Qwen2.5-Coder-0.5B (needs ABENCH_MODELS and ABENCH_DATA)
	$(ABENCH) run suites/real-small.yaml

bench: build  ## kernels against their peak
	$(MAKE) -C Benchmarks

format:  ## rewrite sources in the house style
	swift format --in-place --recursive --parallel Sources Tests Package.swift

lint:  ## what `make format` would change
	swift format lint --recursive --parallel Sources Tests Package.swift

sizes:  ## lines per file, largest first; the budget is 400, the limit 600
	@git ls-files 'Sources/*.swift' 'Sources/*.c' 'Sources/*.h' 'Tests/*.swift' | xargs wc -l | sort -rn | head -40

clean:  ## remove build products
	rm -rf .build
