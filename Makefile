# Each target is one thing to do; `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help run dev test test-sqlite test-postgres race cover fuzz lint fmt e2e test-tools lint-openapi openapi build secrets bench bench-compare \
	resource remove rename update-template hooks

# Gin's msgpack binding is 6 MB that a JSON API never uses.
export GOFLAGS := $(GOFLAGS) -tags=nomsgpack

# With cgo, Go would compile SQLite from C, which GORM's dialector imports and
# nothing uses.
export CGO_ENABLED := 0

# Debian keeps PostgreSQL's programs out of the way.
export PATH := $(PATH)$(addprefix :,$(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin))))

# A test that takes longer hangs; a busy machine may take long.
HUNG := 1h

LINT := go tool -modfile=tools/go.mod golangci-lint

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Run the API on http://127.0.0.1:8080 with SQLite
	go run .

dev: ## Run it, and again after each change
	go tool -modfile=tools/go.mod air

# Both at once: one of them waits where the other computes.
test: ## Run the tests, on PostgreSQL too where it is installed
	@if command -v initdb >/dev/null; then $(MAKE) --no-print-directory -j2 test-sqlite test-postgres; \
	else $(MAKE) --no-print-directory test-sqlite; echo "PostgreSQL is not installed: its tests are left out."; fi

# The packages that take longest begin first.
test-sqlite:
	go test -timeout=$(HUNG) $(TESTFLAGS) ./routes ./commands ./...

# TEST_DATABASE_URL may name a server; the scheme alone starts a private one.
test-postgres: ## Run the tests that have a database on PostgreSQL
	TEST_DATABASE_URL=$${TEST_DATABASE_URL:-postgres://} go test -timeout=$(HUNG) $(TESTFLAGS) ./routes ./commands ./database ./handlers

# The README's tests start programs, of which the detector would see nothing; of
# those that the others start, each would wait for a second before it ends.
race: ## Run the tests under the race detector (needs a C compiler)
	GORACE=atexit_sleep_ms=0 CGO_ENABLED=1 go test -timeout=$(HUNG) -race -skip='^TestReadme' ./routes ./commands ./...

cover: ## Write the tests' coverage to cover.out and say how much it is
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

# So many inputs rather than so long: at the end of a time, go test now and then
# takes its own deadline for a failure.
fuzz: ## Fuzz what strangers send, some ten seconds each
	go test -run='^$$' -fuzz=FuzzAuthorization -fuzztime=10000x ./routes
	go test -run='^$$' -fuzz=FuzzRefresh -fuzztime=10000x ./routes
	go test -run='^$$' -fuzz=FuzzLogin -fuzztime=5000x ./routes
	go test -run='^$$' -fuzz=FuzzFile -fuzztime=5000x -fuzzminimizetime=1x ./config

lint: ## Check the format and run the linters
	$(LINT) fmt --diff
	$(LINT) run ./...
	go -C tools tool golangci-lint run ./fork

fmt: ## Format the code
	$(LINT) fmt

e2e: ## Try /docs in Chromium, and a client generated from the document
	go -C tools/e2e test -v ./...

test-tools: ## Try the commands that make a fork, in copies of this one
	go -C tools test -count=1 -timeout=20m ./fork

lint-openapi: ## Lint the OpenAPI document (needs npx)
	REDOCLY_TELEMETRY=off npx --yes @redocly/cli@2.77.0 lint docs/openapi.json

openapi: ## Write the OpenAPI document to docs/openapi.json
	go run . openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

build: ## Build bin/latchkey, one static file
	go build -trimpath -ldflags='-s -w' -o bin/latchkey .

secrets: build ## Make the secrets that compose.yaml hands out
	mkdir -m 700 secrets
	bin/latchkey secret > secrets/jwt_secret
	bin/latchkey secret > secrets/database_password
	echo "postgres://latchkey:$$(cat secrets/database_password)@database/latchkey" > secrets/database_url

bench: ## Measure against a bare Gin route and raw bcrypt
	go -C bench run .

bench-compare: ## Compare the hot functions with another commit's: base=main
	git worktree add -q --force --detach bin/base $(base)
	for round in 1 2 3 4 5 6; do \
		go -C bin/base/bench test -run='^$$' -bench=. -skip=Remembered -benchtime=200ms . >> bin/base.txt; \
		go -C bench test -run='^$$' -bench=. -skip=Remembered -benchtime=200ms . >> bin/here.txt; \
	done; git worktree remove --force bin/base
	go -C bench tool benchstat base=../bin/base.txt here=../bin/here.txt; rm bin/base.txt bin/here.txt

resource: ## Add a resource: name=task fields="title:string:required done:bool due_at:time?" access=owner|shared|admin
	@go -C tools run ./fork resource
	@$(MAKE) --no-print-directory -s openapi

remove: ## Take a resource, or an optional part, out: name=note, oauth, docs or backup
	@go -C tools run ./fork remove
	@go mod tidy
	@$(MAKE) --no-print-directory -s openapi

rename: ## Make the project yours: module=github.com/me/shop
	@go -C tools run ./fork rename

update-template: ## Take the template's later changes: upstream=URL, the first time
	go -C tools run ./fork update

hooks: ## Lint and test before each git push
	git config core.hooksPath tools/hooks
