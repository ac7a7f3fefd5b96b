# `make` lists what there is to make. Each target is a short script in scripts/.

# The stages of the work whose recordings our fixture reproduces (conformance/replay/stages.json).
STAGES ?= main,engine,framework,auth,rest,recovery
export STAGES

.DEFAULT_GOAL := help
.PHONY: help run cluster test check build rust lint fmt replay compare interop browser faults sqlmap tools bench micro fuzz churn deny clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the chat on http://localhost:3030 (another port: PORT=8080; another file: CHAT_DB=...)
	@scripts/run.sh

cluster: ## Three chats, Redis (CHAT_BUS=nats: NATS) and a balancer on one machine; prints the address
	@scripts/cluster.sh

test: ## Lint, Rust tests, replay, JavaScript clients, browser: what CI runs
	@scripts/test.sh

check: ## Does it compile? The fastest answer
	@cargo check --workspace --all-targets

build: ## Build fixture and chat, optimised without link-time optimisation
	@scripts/build.sh

lint: ## Formatting, clippy, documentation: no warnings
	@scripts/lint.sh

rust: ## Tests of the crates (with cargo-nextest, where it is installed)
	@scripts/rust-tests.sh

replay: ## Play the recordings against the fixture (STAGES=main,engine; FIXTURE=command; ARGS='--only REGEX')
	@scripts/replay.sh $(ARGS)

compare: ## The same thousands of questions to Feathers and to the fixture (ARGS='--only queries')
	@scripts/compare.sh $(ARGS)

interop: ## The JavaScript clients against the fixture (FIXTURE="node conformance/feathers/fixture.mjs": the original)
	@scripts/interop.sh

browser: ## The chat in Chromium
	@scripts/browser.sh

faults: ## Kill nodes, brokers and networks beneath real clients (CLUSTER_CLIENTS=1000 CLUSTER_SECONDS=30)
	@scripts/faults.sh

sqlmap: ## sqlmap against the SQL stores over REST, five minutes: it must find nothing (ARGS='--level 5')
	@scripts/sqlmap.sh $(ARGS)

tools: ## Tests of the replayer and the bench runner
	@scripts/tools.sh

bench: ## Measure against the peers; writes bench/RESULTS.md (a first look: ARGS=--quick)
	@scripts/bench.sh $(ARGS)

micro: ## Time codec, dispatch and fan-out one by one (ARGS=dispatch)
	@scripts/micro.sh $(ARGS)

fuzz: ## Fuzz what clients send, a minute each (SECONDS_EACH=600 FUZZER=session); needs cargo-fuzz
	@scripts/fuzz.sh

churn: ## 100,000 connections that end badly and as many damaged recordings; memory stays flat (CONNECTIONS=, MUTANTS=)
	@scripts/churn.sh

fmt: ## Format the Rust code
	@cargo fmt --all

deny: ## Licences, advisories and sources of the dependencies (needs cargo-deny)
	@cargo deny check

clean: ## Remove what was built and installed, not the chat's database
	@cargo clean
	@rm -rf conformance/node_modules examples/chat/node_modules bench/peers/node_modules bench/peers/feathers-knex/node_modules bench/loadgen/target bench/plots/target bench/peers/*/target fuzz/target
