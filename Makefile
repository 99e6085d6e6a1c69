# Every recipe is one line. `make demo` and `make test` are all a newcomer needs: Python >= 3.11 and package registries.
.DEFAULT_GOAL := help
PY ?= python3
V := .venv/bin

help: ## list the recipes
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/ready: pyproject.toml hatch_build.py
	@$(PY) -c 'import sys; sys.exit("penstock needs Python 3.11 or newer: make PY=python3.12 …" if sys.version_info < (3, 11) else 0)' && $(PY) -m venv .venv && $(V)/pip install -q -e '.[dev]' && touch $@

demo: .venv/ready ## live events of this computer to a live chart, at the printed address
	@$(V)/penstock demo

# Many tests bound times on shared machines: what failed is tried once more by itself, a defect fails twice.
test: .venv/ready lint types ## lint, types, floors and all tests
	@$(V)/pytest || $(V)/pytest --last-failed --last-failed-no-failures=none

lint: .venv/ready ## ruff, the floors
	@$(V)/ruff check -q . && $(V)/ruff format -q --check . && $(V)/lint-imports --config pyproject.toml | tail -n 3

types: .venv/ready ## mypy, strict
	@$(V)/mypy

format: .venv/ready ## put every file into shape
	@$(V)/ruff format -q . && $(V)/ruff check -q --fix .

bench: .venv/ready ## beside real Kafka and a hand-written loop; JSON into bench/out/
	@$(V)/python -m bench

docs: .venv/ready ## write the generated tables of docs/ anew
	@$(V)/python -m penstock.cli.docs docs

compatibility: .venv/ready ## the clients' own test suites, on Kafka or RabbitMQ and on penstock
	@$(V)/python -m tests.compatibility.suites && $(V)/python -m tests.amqp.suites

differential: .venv/ready ## ask Apache Kafka and RabbitMQ every scenario anew, and write what they cover
	@$(V)/python -m tests.differential.page && $(V)/python -m tests.amqp.differential.page

kill: .venv/ready ## the long campaigns, see docs/campaigns.md: kills, torn writes, cuts, a million spoilt requests
	@$(V)/pytest -m slow -s --timeout=3600

.PHONY: help demo test lint types format bench docs compatibility differential kill
