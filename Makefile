# Each target is one script; the first that runs installs everything. Any Python from 3.11 on works.
PYTHON ?= python3
RUN = .venv/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help setup dev test faults clients agents bill key keys key-rotate key-revoke bench compare soak check format tables lock deploy wrangler smoke

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

setup: ## install the pinned tools into .venv, node_modules and .dev
	@$(PYTHON) scripts/setup.py

dev: setup ## run the gateway at http://localhost:8787; settings as NAME=value, PORT=8787
	@PYTHONPATH=src exec $(RUN) scripts.dev.run

test: setup ## run everything: lint, types, unit tests, the suite on every runtime, a deploy dry run
	@exec $(RUN) scripts.suite

faults: setup ## run every simulator fault on every runtime, and print one table
	@PYTHONPATH=src exec $(RUN) scripts.faults

clients: setup ## run real clients (OpenAI's, Anthropic's, OpenRouter's, coding agents, others) against the gateway; writes the README's table
	@PYTHONPATH=src exec $(RUN) scripts.clients

agents: setup ## run Claude Code and Codex against failing models, with and without the gateway; writes docs/coding-agents.md's tables
	@PYTHONPATH=src exec $(RUN) scripts.agents.run

bill: setup ## ten thousand requests, with faults, cut streams and clients that leave: the ledger against their bill
	@BILL_REQUESTS=10000 exec $(RUN) pytest -q -s -p no:cacheprovider tests/e2e/test_bill.py --runtime pyodide-314

key: setup ## make a key for a caller, in the gateway at URL or in keys.json: NAME=app1 BUDGET_DAY=2 MODELS=… URL=…
	@PYTHONPATH=src exec $(RUN) scripts.keys.run key

keys: setup ## list the keys of the gateway at URL, or of keys.json
	@PYTHONPATH=src exec $(RUN) scripts.keys.run keys

key-rotate: setup ## give a key a new token: NAME=app1 URL=… VALID_FOR_S=3600
	@PYTHONPATH=src exec $(RUN) scripts.keys.run key-rotate

key-revoke: setup ## revoke a key: NAME=app1 URL=…
	@PYTHONPATH=src exec $(RUN) scripts.keys.run key-revoke

bench: setup ## compare the gateway with pass-through Workers, and time core calls; REQUESTS=400 ROUNDS=7 PART=http|core ONLY=messages
	@PYTHONPATH=src exec $(RUN) bench

compare: setup ## compare with LiteLLM's and Portkey's gateways, into docs/comparison.md; PART=behaviour|costs
	@PYTHONPATH=src exec $(RUN) bench.compare

soak: setup ## send many requests, with faults and clients that leave: nothing may grow; REQUESTS=100000
	@PYTHONPATH=src exec $(RUN) bench.soak

check: setup ## lint, types and unit tests only
	@exec $(RUN) scripts.suite --quick

format: setup ## format the Python code
	@$(RUN) ruff check --fix-only -q . && $(RUN) ruff format .

tables: setup ## rewrite the tables that the documents take from the code
	@PYTHONPATH=src exec $(RUN) scripts.tables

lock: setup ## rewrite the requirement files with hashes, and package-lock.json
	@exec $(RUN) scripts.lock

deploy: setup ## deploy everything to Cloudflare and test it: ENV=staging, DRY_RUN=1, ARGS=--no-smoke
	@PYTHONPATH=src exec $(RUN) scripts.deploy.run $(if $(ENV),--env="$(ENV)") $(if $(DRY_RUN),--dry-run) $(ARGS)

wrangler: setup ## run Cloudflare's tool with the pinned Node: ARGS="rollback --env="
	@exec $(RUN) scripts.wrangler $(ARGS)

smoke: setup ## test a running gateway, safely and at almost no cost: URL=https://…
	@PYTHONPATH=src exec $(RUN) scripts.smoke "$(URL)"
