# make demo and make test are the two commands of the README. Everything they need is installed by this file.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TEMPL   := $(GO) tool -modfile=tools/go.mod templ
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint
# Tests that the race detector makes too slow: they run without it. What they run is raced by the others.
UNRACED := ^(TestEveryNumberIsTheJournals|TestEveryQueryKeepsItsBudget)$$
NPM_OK  := node_modules/.package-lock.json

.PHONY: help demo run build test test-go test-browser check bench bench-queries bench-viewers faults fuzz generate current vendor browser screens clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n",$$1,$$2}' Makefile

demo: build ## the server, fed by a simulated convention night; prints a sign-in link
	@scripts/demo

run: build ## the server on the embedded engine in ./data, no simulated data
	@bin/warroom serve

build: $(NPM_OK) ## bin/warroom
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/warroom ./cmd/warroom

test: $(NPM_OK) browser current test-go test-browser ## every test: race detector, real engine, real browser

test-go: $(NPM_OK)
	$(GO) vet ./...
	$(GO) test -race -timeout 20m -skip '$(UNRACED)' ./...
	$(GO) test -run '$(UNRACED)' ./cmd/warroom ./scale

test-browser: build browser
	node --test --test-concurrency=1 browser/*.test.mjs

check: current ## formatting, vet and the linters
	$(LINT) run ./...

current: ## is the generated and vendored code what its sources make?
	@scripts/current

bench: build ## the figures: ratios against their peer in the same run
	@scripts/bench

bench-queries: $(NPM_OK) ## what every board asks the engine, at full size, against its budget; DATA=folder keeps what was filled
	@scripts/bench-queries

bench-viewers: build ## what viewers cost, 5,000 beside a plain hub and 19,000 before the real board
	@scripts/bench-viewers

faults: $(NPM_OK) ## power cuts, kills, full disks … many times, beside other log libraries; as root, ONLY=powercut picks some
	@scripts/faults

fuzz: ## every fuzz target for FUZZTIME (default 20s) each
	@scripts/fuzz $(or $(FUZZTIME),20s)

generate: $(NPM_OK) ## templ components and the vendored browser libraries
	$(TEMPL) generate
	node scripts/vendor.mjs

screens: build browser ## docs/screens: pictures of every board with a simulated night; ONLY=traffic draws some
	@node scripts/screens.mjs

browser: ## a Chromium for the browser tests, unless there is one
	@scripts/browser

clean: ## everything that was built, not your data
	rm -rf bin demo-data demo-data.lock node_modules

$(NPM_OK): package.json package-lock.json
	npm ci --no-audit --no-fund
	@scripts/engine
	@touch $@
