# `just` lists the recipes; `just check` is what every commit passes.
set shell := ["bash", "-euo", "pipefail", "-c"]

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

members := "shared/alert-contracts shared/rule-language shared/service-runtime services/api-gateway services/alert-rule-engine services/alert-manager services/notification-service"
locals := "--no-emit-package alert-contracts --no-emit-package rule-language --no-emit-package service-runtime"
compile := "uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'just lock'"

# List the recipes.
help:
    @just --list

# Format, lint, types, imports, unit tests.
check: fmt lint types imports test

# Format every file in place.
fmt:
    ruff format -q .
    ruff check -q --fix-only .

# Lint without changing anything.
lint:
    ruff format --check -q .
    ruff check -q .
    python docs/generate_settings.py --check

# Write the pages that are made from code.
docs:
    python docs/generate_settings.py

# Strict mypy, member by member (two conftest.py in one call would clash).
types:
    for m in {{members}}; do mypy --no-error-summary $m; done
    MYPYPATH=integration-tests:deploy mypy --no-error-summary --explicit-package-bases integration-tests
    MYPYPATH=load-test:deploy mypy --no-error-summary --explicit-package-bases load-test
    MYPYPATH=deploy mypy --no-error-summary --explicit-package-bases deploy
    MYPYPATH=grafana mypy --no-error-summary --explicit-package-bases grafana

# The three rules of who may import whom.
imports:
    lint-imports

# Unit and contract tests on fakes.
test *args:
    pytest -q -m "not docker" {{args}}

# The contract suites on real Kafka, Postgres and Redis.
test-docker *args:
    pytest -q -m docker {{args}}

# Each fault of the rule engine alone, so many seeds, at 20 000 events/s; see integration-tests/.
faults seeds="3" *args:
    TOCSIN_FAULT_SEEDS={{seeds}} pytest -q -s integration-tests/faults/engine {{args}}

# So many seeds of both stages under virtual time, with faults: `just simulate 20 --first 100`.
simulate seeds="100" *args:
    cd integration-tests && python -m simulation --seeds {{seeds}} {{args}}

# Where each microsecond of the rule engine goes; more in load-test/engine/.
profile rules="10":
    load-test/engine/bench.sh profile --rules {{rules}} --events 1200000 --warm-up 300000

# The stack.
up:
    ./setup.sh up

down:
    ./setup.sh down

logs *service:
    ./setup.sh logs {{service}}

# Pin every dependency with its hashes again.
lock:
    {{compile}} {{locals}} --group dev --all-extras shared/*/pyproject.toml services/*/pyproject.toml -o requirements/dev.txt
    {{compile}} services/build-requirements.in -o requirements/build.txt
    {{compile}} deploy/native/requirements.in -o requirements/native.txt
    for s in services/*/; do s=$(basename $s); {{compile}} {{locals}} -c requirements/dev.txt services/$s/pyproject.toml -o requirements/$s.txt; done

# Install the locked development environment and every member, editable.
sync:
    test -d .venv || uv venv -q .venv
    uv pip sync -q --python .venv requirements/dev.txt
    uv pip install -q --python .venv --no-deps $(for m in {{members}}; do printf -- '-e %s ' $m; done)
