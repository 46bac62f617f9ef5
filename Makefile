# keyreeve. `make` or `make help` says what there is to do. It needs Go and git; the rest it builds, or says.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

GO       ?= go
PKG      ?= ./...
ARGS     ?=
LINT     ?= on
FUZZTIME ?= 20s
# How long one package's tests may take, on two cores with the race detector.
TIMEOUT  ?= 25m
# How many packages are built and tested at once; Go's own choice is the number of cores that it may use.
JOBS     ?=

GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION       := v0.12.0
# The version is in the path: a new one is built, an old one is left alone.
GOLANGCI_LINT := $(CURDIR)/.bin/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint
GOFUMPT       := $(CURDIR)/.bin/gofumpt-$(GOFUMPT_VERSION)/gofumpt

# The same line as in Dockerfile: the same sources make the same bytes.
GOBUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags='-s -w -buildid='
GOTEST  := $(GO) test $(if $(JOBS),-p $(JOBS)) -timeout $(TIMEOUT)

.PHONY: help
help: ## this list
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  with PKG=./webhook/... for some packages, ARGS='--exit' for the demo, JOBS=1, LINT=off, FUZZTIME=5m"

# Vet and lint come first, so that the last lines are the tests' own; a finding doesn't keep the tests from running.
.PHONY: test
test: ## vet, lint, and every test with the race detector; what the machine lacks is installed or said to be skipped
	@.ci/prepare tests
	@race=-race; [ "$$($(GO) env CGO_ENABLED)" = 1 ] || race=; \
	failed=; \
	if [ -z "$${KEYREEVE_TEST_POSTGRES:-}" ]; then \
		dir=$$(mktemp -d); trap ".ci/postgres stop $$dir" EXIT; \
		if url=$$(.ci/postgres start "$$dir"); then export KEYREEVE_TEST_POSTGRES="$$url"; \
		else .ci/prepare skip "tests on PostgreSQL" "no server could be started; KEYREEVE_TEST_POSTGRES may name one, such as postgres://postgres@localhost/postgres"; fi; \
	fi; \
	echo "== go vet $(PKG)"; $(GO) vet $(PKG) || failed="$$failed vet"; \
	if [ "$(LINT)" = off ]; then .ci/prepare skip lint "LINT=off"; else $(MAKE) lint || failed="$$failed lint"; fi; \
	[ -z "$$race" ] || [ "$(PKG)" != ./... ] || { \
		echo "== go test: the bot killed at each point, and every story shuffled, without the race detector, under which they take ten times as long"; \
		$(GOTEST) -vet=off -run 'TestKilledBetweenSteps|TestStoriesShuffled' ./cmd/keyreeve || failed="$$failed kill"; }; \
	echo "== go test $$race $(PKG)"; $(GOTEST) -vet=off $$race $(PKG) || failed="$$failed test"; \
	if [ -n "$$failed" ]; then echo "make test: failed:$$failed" >&2; exit 1; fi

.PHONY: lint
lint: $(GOLANGCI_LINT) $(GOFUMPT) ## golangci-lint, with the fences between the packages, and gofumpt
	@echo "== gofumpt $(GOFUMPT_VERSION)"; unformatted=$$($(GOFUMPT) -l .); \
	if [ -n "$$unformatted" ]; then printf 'not formatted, run make fmt:\n%s\n' "$$unformatted" >&2; exit 1; fi
	@echo "== golangci-lint $(GOLANGCI_LINT_VERSION)"; $(GOLANGCI_LINT) run $(PKG)

.PHONY: fmt
fmt: $(GOFUMPT) ## format all Go files
	@$(GOFUMPT) -l -w .

.PHONY: build
build: ## the program, as ./keyreeve: static, and the same bytes each time
	$(GOBUILD) -o keyreeve ./cmd/keyreeve

.PHONY: demo
demo: ## the whole story on a simulated GitHub (ARGS=--exit ends by itself)
	@$(GO) run ./cmd/keyreeve demo $(ARGS)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (20s)
	@$(GO) test -list '^Fuzz' $(PKG) | \
	awk '/^Fuzz/ {t[n++] = $$1} /^(ok|\?|FAIL)/ {for (i = 0; i < n; i++) print $$2, t[i]; n = 0}' | \
	while read -r package target; do \
		echo "== $$target $$package"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null; \
	done

.PHONY: bench
bench: ## each benchmark once
	@$(GO) test -run '^$$' -bench . -benchmem $(PKG) | { grep -v -e 'no test files' -e '^PASS$$' || true; }

.PHONY: bench-owners
bench-owners: ## CODEOWNERS beside hmarr/codeowners, into docs/benchmarks.md
	$(GO) test ./approvals -run '^$$' -bench BenchmarkOwnersAgainstOracle -benchtime 1x -write-benchmarks

.PHONY: bench-log
bench-log: ## the log with a million entries, into docs/benchmarks.md
	$(GO) test ./internal/store -run TestLogAtSize -count=1 -timeout 30m -v -write-benchmarks

.PHONY: bench-scan
bench-scan: ## the search of a whole history against git cat-file, into docs/benchmarks.md (ARGS='-corpus DIR -corpus-name NAME')
	$(GO) test ./scanners/bench -count 1 -run TestAgainstCatFile -v -args -write-benchmarks $(ARGS)

.PHONY: contract
contract: ## trim GitHub's REST description afresh (needs npm; ARGS='-version X' or a file)
	$(GO) run ./internal/hub/contract/trim $(ARGS)

.PHONY: golden
golden: ## write the golden files anew: read the difference before you commit it
	@grep -rlE 'flag\.Bool\("update"' --include='*_test.go' . | xargs -n 1 dirname | sort -u | \
	while read -r package; do $(GO) test "$$package" -update </dev/null; done
	@git status --short -- '*.golden' '*testdata*'

.PHONY: images
images: ## the pictures of the pages, from the demo (needs chromium, an emoji font and ImageMagick)
	@docs/images/make.sh

.PHONY: cover
cover: ## what the tests run, as coverage.html
	@$(GOTEST) -coverpkg=./... -coverprofile=coverage.out $(PKG)
	@$(GO) tool cover -html=coverage.out -o coverage.html
	@$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: clean
clean: ## remove what make made
	rm -rf .bin keyreeve coverage.out coverage.html

$(GOLANGCI_LINT):
	@echo "== building golangci-lint $(GOLANGCI_LINT_VERSION) into .bin, once; this takes minutes"
	@GOBIN=$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

$(GOFUMPT):
	@echo "== building gofumpt $(GOFUMPT_VERSION) into .bin, once"
	@GOBIN=$(@D) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
