# make demo   shows the main job: no root, no service, nothing left behind
# make test   runs all tests; as root on Debian it first installs what they talk to

# The linter's cache remembers paths: one of its own for each checkout.
export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/lint-cache

TIMEOUT   ?= 10m
TESTFLAGS ?=
BENCH     ?= .
FUZZTIME  ?= 30s

.PHONY: help build build-pkcs11 demo test test-pkcs11 race lint fmt bench fuzz packages clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 16

build: ## bin/keyman
	CGO_ENABLED=0 go build -trimpath -o bin/keyman ./cmd/keyman

build-pkcs11: ## bin/keyman with PKCS#11 tokens; needs a C compiler
	CGO_ENABLED=1 go build -tags pkcs11 -trimpath -o bin/keyman ./cmd/keyman

demo: build ## a negotiation with CRL checking, then one with a revoked peer
	bin/keyman demo

test: ## all tests; TESTFLAGS are flags for go test
	script/bootstrap
	go test -timeout $(TIMEOUT) $(TESTFLAGS) ./...

test-pkcs11: ## the tests of tokens, with a C compiler
	script/bootstrap tools
	CGO_ENABLED=1 go vet -tags pkcs11 ./keystore/pkcs11 ./ike ./cmd/keyman
	CGO_ENABLED=1 go test -tags pkcs11 -timeout $(TIMEOUT) $(TESTFLAGS) ./keystore/pkcs11
	CGO_ENABLED=1 go test -tags pkcs11 -timeout $(TIMEOUT) $(TESTFLAGS) -run 'Token|TestScript/token' ./ike ./cmd/keyman

race: ## all tests with the race detector
	script/bootstrap tools
	go test -race -timeout $(TIMEOUT) $(TESTFLAGS) ./...

lint: ## golangci-lint, formatting, go.mod, shellcheck
	script/bootstrap tools
	bin/tools/golangci-lint run ./...
	bin/tools/golangci-lint fmt --diff ./...
	go mod tidy -diff
	shellcheck script/* packaging/*.sh .ci/run

fmt: ## gofmt
	gofmt -w .

bench: ## phase 1, key databases and revocation lists beside others, then all benchmarks that BENCH matches
	BENCH='$(BENCH)' script/bench

fuzz: ## each fuzz target for FUZZTIME
	script/fuzz $(FUZZTIME)

packages: ## a Debian and an RPM package, in bin/packages
	script/bootstrap tools
	script/packages

clean: ## removes bin
	rm -rf bin
