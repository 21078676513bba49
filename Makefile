# procession: `make test` is what the continuous integration runs; `make` lists everything.
# The Python to build the environment with: `make setup PYTHON=python3.13`.

PYTHON ?= python3
DATA ?= ../shared/conformance
STORES ?=
MINUTES ?= 1
SECONDS ?=
INSTANCES ?=
RECORDS ?=
BROKERS ?=
SEED ?=
RECORD ?=
ROUNDS ?=
PARTS ?=
# For camunda-python, a peer of the bench: the first that is Python 3.12 or newer.
NEWER_PYTHON ?= $(shell for each in python3.14 python3.13 python3.12 $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python); do \
    "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo "$$each"; break; }; done)

VENV := .venv
BENCH_VENV := .venv-bench
CAMUNDA_VENV := .venv-bench-camunda
BIN := $(VENV)/bin
PIP := -m pip --disable-pip-version-check --quiet
# The locked packages carry hashes; the package itself is linked into the environment with the locked build backend.
LINK := install --no-build-isolation --no-deps --editable .

NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# What the peers of the bench take beside its own environment.
PEERS := $(CAMUNDA_VENV)/.installed bench/peers/restate/node_modules/.installed bench/peers/operaton/build/.built
# Where no part is named all are measured, and a part that is none of ours names peers.
WANTED_PEERS := $(if $(filter-out memory sqlite postgres stages crowd bus,$(or $(PARTS),peers)),peers)
UI := src/procession/web/static/.built
# Folders too: a file that goes changes only them.
UI_SOURCES := $(wildcard ui/*.html ui/*.json ui/*.ts ui/.npmrc) $(shell find ui/src ui/public 2>/dev/null)

export PIP_ROOT_USER_ACTION := ignore
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help setup ui try-ui browser postgresql kafka demo demo-kafka test pictures check format bench peers bench-http bench-ui chaos chaos-records history history-postgres conformance lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## make or update .venv; quick when nothing is missing

ui: ## build the web application (needs Node 20.19 or newer); quick when nothing has changed
	@why=$$(scripts/can-build-ui.sh) || { echo "The web application cannot be built: $$why." >&2; exit 1; }
	@$(MAKE) --silent --no-print-directory $(UI)

# Everything else works without the web application; only the continuous integration insists.
try-ui:
	@if why=$$(scripts/can-build-ui.sh); then $(MAKE) --silent --no-print-directory $(UI); \
	elif [ "$$CI" = true ]; then echo "The web application cannot be built: $$why." >&2; exit 1; \
	else echo "The web application is not built: $$why. All else works."; fi

browser:
	@scripts/install-chromium.sh || [ "$$CI" != true ]

postgresql:
	@scripts/install-postgresql.sh || [ "$$CI" != true ]

kafka:
	@scripts/install-kafka.sh || [ "$$CI" != true ]

demo: setup try-ui ## start a server with sample processes, users, workers and an integration, on a SQLite file
	@$(BIN)/procession demo

demo-kafka: setup try-ui kafka ## the same with an Apache Kafka of its own as the bus (takes Java 17 and Maven)
	@$(BIN)/python -m tests.services.demo_kafka

test: setup check browser postgresql kafka ## check, then every test on two cores
	$(BIN)/python -m pytest -n 2 --dist worksteal

pictures: setup ui browser ## make the pictures of the tutorial again
	PROCESSION_SCREENSHOTS=docs/tutorial/pictures $(BIN)/python -m pytest tests/browser/test_tutorial.py

check: setup try-ui ## lint, format, types, and the import ladder; of the web application too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest tests/test_architecture.py
	@$(BIN)/python ui/api_types.py --check
	@if scripts/can-build-ui.sh >/dev/null; then cd ui && npm run --silent check; fi

format: setup ## put the code into its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BENCH_VENV)/.installed postgresql $(if $(filter bus,$(PARTS)),kafka) $(WANTED_PEERS) ## measure beside peers and limits; PARTS="memory sqlite postgres peers"
	$(BENCH_VENV)/bin/python bench/run.py $(PARTS) $(if $(ROUNDS),--rounds $(ROUNDS))

peers:
	@$(MAKE) --keep-going --silent --no-print-directory $(PEERS) || echo "What is missing above is left out of the tables."

bench-http: $(BENCH_VENV)/.installed ## measure the server beside a bare echo; PARTS="start push jobs" STORE=postgres
	$(BENCH_VENV)/bin/python bench/http/run.py $(PARTS) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(STORE),--$(STORE))

bench-ui: setup ui browser ## measure the web application in a browser; ROUNDS=3
	$(BIN)/python bench/ui.py $(if $(ROUNDS),--rounds $(ROUNDS))

chaos: setup postgresql ## let everything fail that can, for MINUTES=1 on each store, then check it; STORES=sqlite SEED=1 INSTANCES=10000 RECORD=FILE
	$(BIN)/python -m tests.chaos.run $(STORES) $(if $(SECONDS),--seconds $(SECONDS),--minutes $(MINUTES)) \
	    $(if $(INSTANCES),--instances $(INSTANCES)) $(if $(SEED),--seed $(SEED)) $(if $(RECORD),--record "$(RECORD)")

chaos-records: setup postgresql kafka ## RECORDS=50000 in and out while nodes and brokers fail, then count them; BROKERS=1 SEED=1 RECORD=FILE
	$(BIN)/python -m tests.chaos.records $(if $(RECORDS),--records $(RECORDS)) $(if $(BROKERS),--brokers $(BROKERS)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(RECORD),--record "$(RECORD)")

history: setup ## keep a database of this version, for later ones to open: a release does so
	$(BIN)/python tests/histories/make.py

history-postgres: setup postgresql ## the same on PostgreSQL
	$(BIN)/python tests/histories/make.py --postgres

conformance: setup ## run the public conformance data in DATA=../shared/conformance and print the scores
	@test -d "$(DATA)" || { echo "No conformance data in '$(DATA)'. Say where it is: make conformance DATA=FOLDER" >&2; exit 2; }
	$(BIN)/python tests/conformance/run.py "$(DATA)"

lock: setup ## work out requirements/*.txt again from requirements/*.in
	@for name in runtime dev bench; do $(call LOCK,$(BIN),$$name); done
	@$(MAKE) --silent --no-print-directory $(CAMUNDA_VENV)/.installed
	@$(call LOCK,$(CAMUNDA_VENV)/bin,bench-camunda)

define LOCK
echo "requirements/$(2).txt"; \
	env -u PIP_FIND_LINKS $(1)/pip-compile --quiet --no-config --generate-hashes --allow-unsafe --strip-extras \
	    --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	    --annotation-style=line --output-file=requirements/$(2).txt requirements/$(2).in || exit 1
endef

clean: ## remove everything that can be made again
	rm -rf $(VENV) $(BENCH_VENV) $(dir $(PEERS)) build dist ui/node_modules $(dir $(UI)) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements/dev.txt lists into $(VENV) …"
	@$(BIN)/python $(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python $(PIP) $(LINK)
	@touch $@

$(BENCH_VENV)/.installed: requirements/bench.txt pyproject.toml | $(BENCH_VENV)/bin/python
	@echo "Installing what requirements/bench.txt lists into $(BENCH_VENV) …"
	@$(BENCH_VENV)/bin/python $(PIP) install --require-hashes --requirement requirements/bench.txt
	@$(BENCH_VENV)/bin/python $(PIP) $(LINK)
	@touch $@

$(CAMUNDA_VENV)/.installed: requirements/bench-camunda.txt
	@test -n "$(NEWER_PYTHON)" || { echo "camunda-python needs Python 3.12 or newer, and none was found. Try: make NEWER_PYTHON=python3.13 ..." >&2; exit 1; }
	@echo "Installing what requirements/bench-camunda.txt lists into $(CAMUNDA_VENV) …"
	@$(NEWER_PYTHON) -m venv $(CAMUNDA_VENV)
	@$(CAMUNDA_VENV)/bin/python $(PIP) install --require-hashes --requirement requirements/bench-camunda.txt
	@touch $@

bench/peers/restate/node_modules/.installed: $(addprefix bench/peers/restate/,package.json package-lock.json .npmrc)
	@command -v npm >/dev/null || { echo "The server of Restate needs Node and npm." >&2; exit 1; }
	@echo "Installing what bench/peers/restate/package-lock.json lists …"
	@cd bench/peers/restate && $(NPM_CI) >/dev/null
	@touch $@

bench/peers/operaton/build/.built: $(addprefix bench/peers/operaton/,pom.xml OperatonBench.java)
	@command -v javac >/dev/null && command -v mvn >/dev/null || { echo "Operaton needs Java 17 or newer, and Maven." >&2; exit 1; }
	@echo "Building bench/peers/operaton …"
	@cd bench/peers/operaton && mvn --quiet --batch-mode compiler:compile dependency:build-classpath
	@touch $@

$(UI): ui/node_modules/.installed $(UI_SOURCES)
	@echo "Building the web application …"
	@cd ui && npm run --silent build -- --logLevel=warn
	@touch $@

ui/node_modules/.installed: ui/package-lock.json ui/package.json ui/.npmrc
	@echo "Installing what ui/package-lock.json lists into ui/node_modules …"
	@cd ui && $(NPM_CI) >/dev/null
	@touch $@

$(VENV)/bin/python $(BENCH_VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("procession needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(patsubst %/bin/python,%,$@)
