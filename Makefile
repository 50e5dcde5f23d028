# tenantproof. `make` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

LAB := kind-configs/lab
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
PROBE_IMAGE := tenantproof/probe:$(VERSION)
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
SCRIPTS := .ci/run benches/run-all benches/observe benches/identity tests/run-all tests/soak kind-configs/demo kind-configs/lab kind-configs/story/apply kind-configs/story/aws/apply \
  $(wildcard kind-configs/lib/*.sh kind-configs/tests/*.sh)
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

.PHONY: help
help: ## List what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: ## Set everything up, prove the sample tenancy on a real local cluster, leave the reports in reports/out
	@kind-configs/demo

.PHONY: test
test: ## Set everything up and run every test
	@tests/run-all

.PHONY: quick
quick: ## The tests that need no cluster
	@cargo test

.PHONY: lint
lint: ## Format, clippy, and the licences of dependencies
	@cargo fmt --check
	cargo clippy --lib --bins -- -D warnings
	cargo clippy --tests --benches -- -D warnings -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic -A clippy::print_stderr
	cargo clippy --no-default-features --bin tenantproof-probe -- -D warnings
	if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources
	else echo "SKIPPED: cargo deny, which is not installed (cargo install cargo-deny)"; fi
	if command -v shellcheck >/dev/null; then shellcheck -x --source-path=SCRIPTDIR $(SCRIPTS)
	else echo "SKIPPED: shellcheck, which is not installed"; fi

.PHONY: probe
probe: ## Build the probe: one small static binary
	@RUSTFLAGS='-C target-feature=+crt-static' cargo build --quiet --profile probe --no-default-features \
	  --bin tenantproof-probe --target $(HOST)

.PHONY: probe-image
probe-image: probe ## Build the image that holds the probe and nothing else
	@tar -c Dockerfile -C $(TARGET_DIR)/$(HOST)/probe tenantproof-probe | \
	  DOCKER_BUILDKIT=0 docker build --quiet --tag $(PROBE_IMAGE) - 2>/dev/null >/dev/null
	docker image inspect --format 'image $(PROBE_IMAGE), {{.Size}} bytes' $(PROBE_IMAGE)

.PHONY: bench
bench: ## Measure speed and size; the figures in docs/performance.md come from here
	@benches/run-all

.PHONY: soak
soak: ## Repeat what only shows over time: many runs in a row on every lab
	@tests/soak

.PHONY: down
down: ## Remove the local clusters
	@$(LAB) down --all
