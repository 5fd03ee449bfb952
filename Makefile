# `make` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run dev test test-postgres race cover lint fmt e2e lint-openapi openapi build secrets \
	resource migration remove rename own update-template hooks

# Without Gin's msgpack binding, which a JSON API does not use, the program is 6 MB
# smaller.
export GOFLAGS := $(GOFLAGS) -tags=nomsgpack

# Without cgo the program is one static file, and the container has no C library.
export CGO_ENABLED := 0

# A go.work of another project would hide the modules of this one.
export GOWORK := off

# Debian installs PostgreSQL's programs outside the PATH.
export PATH := $(PATH)$(addprefix :,$(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin))))

# A test that takes longer hangs. The limit is long for busy machines.
TEST_TIMEOUT := 1h

# The path of a tool. go tool -modfile would refuse a vendor folder, which has no tools.
tool = "$$(go -C tools tool -n $(1))"
LINT := $(call tool,golangci-lint)

# Says how many packages of a program will be compiled, if it takes long.
announce = @stale=$$(go -C $(1) list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' $(2) | grep -c .); [ $$stale -lt 50 ] || \
	echo "Compiling $$stale packages of $(3): this takes minutes, but only once."

# The folder of this project in its repository, with a / at the end if it is not the root.
PREFIX = $$(git rev-parse --show-prefix)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Run the API on http://127.0.0.1:8080 with SQLite
	$(call announce,.,.,the API)
	go run .

dev: ## Run the API, and restart it after each change
	$(call announce,.,.,the API)
	$(call tool,air)

# Both databases are tested at the same time, because tests often wait. A larger heap
# saves a tenth of the time. The slowest packages start first.
test: export GOGC := 400
test: ## Run the tests, also on PostgreSQL if it is installed
	@command -v initdb >/dev/null || echo "PostgreSQL is not installed: its tests are skipped."
	TEST_DATABASE_URL=$$(command -v initdb >/dev/null && echo both) go test -timeout=$(TEST_TIMEOUT) $(TESTFLAGS) ./...
# <!-- template -->
	TEST_DATABASE_URL=$$(command -v initdb >/dev/null && echo both) go -C kit test -timeout=$(TEST_TIMEOUT) $(TESTFLAGS) ./...
# <!-- /template -->

# TEST_DATABASE_URL may be the URL of a server. postgres:// starts a private one.
test-postgres: ## Run the tests with a database on PostgreSQL
	TEST_DATABASE_URL=$${TEST_DATABASE_URL:-postgres://} go test -timeout=$(TEST_TIMEOUT) $(TESTFLAGS) ./...

# <!-- template -->
.PHONY: test-pooler test-upgrade fuzz
test-pooler: ## Run the database's tests behind PgBouncer in transaction mode
	TEST_DATABASE_URL=pooler go -C kit test -timeout=$(TEST_TIMEOUT) $(TESTFLAGS) ./database

test-upgrade: ## Roll three replicas from another commit to this one under load: from=HEAD^
	git worktree add -q --force --detach bin/before $(or $(from),HEAD^)
	go -C "bin/before/$(PREFIX)" build -o "$$PWD/bin/latchkey-before" . || failed=1; git worktree remove --force bin/before; exit $$failed
	TEST_DATABASE_URL=postgres:// TEST_UPGRADE_FROM="$$PWD/bin/latchkey-before" go test -count=1 -timeout=$(TEST_TIMEOUT) -run=Upgraded ./tests

# <!-- /template -->

# Tests are skipped that do one thing after the other for long.
# atexit_sleep_ms=0 saves one second for each program that other tests start. make test
# runs go vet already.
race: ## Run the tests under the race detector (needs a C compiler)
	GORACE=atexit_sleep_ms=0 CGO_ENABLED=1 go test -timeout=$(TEST_TIMEOUT) -race -vet=off -skip='RefusesEveryBad|WorksBehindAProxy|Dashboard' $(TESTFLAGS) $$(go list ./... | grep -v /readme)
# <!-- template -->
	GORACE=atexit_sleep_ms=0 CGO_ENABLED=1 go -C kit test -timeout=$(TEST_TIMEOUT) -race -vet=off -skip='PeriodicJobsRunOnce' $(TESTFLAGS) ./database ./jobs ./password ./revocable ./server # where many act at the same time
# <!-- /template -->

cover: ## Write the tests' coverage to cover.out and print the total
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

# <!-- template -->
# -test.fuzz runs the binary of the other tests. go test -fuzz would know which inputs
# reach new code, but compiles every package again for that, which takes minutes. The
# time is a number of inputs, because with a duration a test sometimes reports its own
# deadline as a failure.
fuzz = go $(4) test -run='^$$' ./$(1) -args -test.fuzzcachedir="$$PWD/bin/fuzz" -test.fuzzminimizetime=1x -test.fuzz='^$(2)$$' -test.fuzztime=$(3)x

fuzz: ## Fuzz the input of unknown clients, some seconds each
	$(call fuzz,tests,FuzzAuthorization,20000)
	$(call fuzz,tests,FuzzRefresh,20000)
	$(call fuzz,tests,FuzzLogin,20000)
	$(call fuzz,settings,FuzzFile,2000,-C kit)

# <!-- /template -->
lint: ## Check the format and run the linters
	$(call announce,tools,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,the linter)
	$(LINT) fmt --diff
	$(LINT) run ./...
	go -C tools tool golangci-lint run ./fork
# <!-- template -->
	lint=$(LINT); cd kit && "$$lint" run ./...
# <!-- /template -->

fmt: ## Format the code
	$(LINT) fmt

# <!-- template -->
.PHONY: pictures
pictures: ## Take the pictures of README in Chromium
	PICTURES=true go -C tools/e2e test -count=1 -run='TestPictures$$' .

# <!-- /template -->
e2e: ## Test pages in Chromium, and a client generated from the document
	go -C tools/e2e test -v ./...

# <!-- template -->
.PHONY: test-tools
test-tools: ## Test the commands for forks, in copies of this repository
	go -C tools test -count=1 -timeout=20m -parallel=4 ./fork

# <!-- /template -->
lint-openapi: ## Lint the OpenAPI document (needs npx)
	REDOCLY_TELEMETRY=off npx --yes @redocly/cli@2.77.0 lint docs/openapi.json
	npx --yes @stoplight/spectral-cli@6.16.3 lint --ruleset tools/spectral.yaml --fail-severity=warn docs/openapi.json

openapi: ## Write the OpenAPI document to docs/openapi.json
	go run . openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

build: ## Build bin/latchkey, one static file
	go build -trimpath -buildvcs=$(if $(shell git rev-parse HEAD 2>/dev/null),auto,false) -ldflags='-s -w' -o bin/latchkey .

secrets: build ## Make the secrets that compose.yaml uses
	mkdir -m 700 secrets
	bin/latchkey secret > secrets/jwt_secret
	bin/latchkey secret > secrets/database_password
	echo "postgres://latchkey:$$(cat secrets/database_password)@database/latchkey" > secrets/database_url
	chmod 644 secrets/* # for the user of the container; on this machine, their folder is closed to others

# <!-- bench -->
.PHONY: bench bench-compare
bench: ## Compare with a bare Gin route and raw bcrypt
	go -C bench run .

bench-compare: ## Compare the benchmarks with those of another commit: base=main
	git worktree add -q --force --detach bin/base $(base)
	for round in 1 2 3 4 5 6; do \
		go -C "bin/base/$(PREFIX)bench" test -run='^$$' -bench=. -skip=Remembered -benchtime=200ms . >> bin/base.txt; \
		go -C bench test -run='^$$' -bench=. -skip=Remembered -benchtime=200ms . >> bin/here.txt; \
	done; git worktree remove --force bin/base
	go -C bench tool benchstat base=../bin/base.txt here=../bin/here.txt; rm bin/base.txt bin/here.txt

# <!-- /bench -->
resource: ## Add a resource: name=task fields="title:string:required done:bool due_at:time?" access=owner|shared|admin part=todo
	@go -C tools run ./fork resource
	@$(MAKE) --no-print-directory -s openapi

migration: ## Begin a migration: name=add_phone
	@go -C tools run ./fork migration

remove: ## Remove resources and optional parts: name="task line_item"; without a name, list the parts
	@go -C tools run ./fork remove

rename: ## Make the project yours: module=github.com/me/shop, without="part part" or only="part"
	@go -C tools run ./fork rename

own: ## Copy a package of the kit, to change it: package=throttle
	@go -C tools run ./fork own
	@go mod tidy
	@if [ -d vendor ]; then go mod vendor; fi
	go build ./...

update-template: ## Merge the template's new changes: upstream=URL, the first time
	go -C tools run ./fork update

hooks: ## Test before each git push
	git config core.hooksPath "$(PREFIX)tools/hooks"
