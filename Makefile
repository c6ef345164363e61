# make run    build and start the server; prints its URL and, at the first start, an API key
# make test   everything that must hold: format, lints, unit and black-box tests
# make lint   format and lints only
# make fmt    format the sources
# make bench  one million rows through HTTP, measured; takes about 15 minutes
# make bench-full   1k to 10M rows, the same work on other systems (from PyPI), and the plots; takes hours and 40 GB of disk

# In CI the clone is thrown away: built dependencies are kept outside.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(HOME)/.cache/evalset/target
endif
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

.PHONY: run test lint fmt bench bench-full
.DEFAULT_GOAL := run

# ARGS="--listen 127.0.0.1:9000" reaches the program. `exec`: signals go to it, not to make's shell.
run:
	@cargo build --release -p evalset
	@exec $(TARGET)/release/evalset serve $(ARGS)

test:
	@tests/run

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

fmt:
	cargo fmt --all

# ARGS="--rows 5000 --quick" is a check of the benchmark itself.
bench:
	@cargo build --quiet --release -p evalset -p evalset-bench
	@$(TARGET)/release/evalset-bench --write bench/RESULTS.md $(ARGS)

# SCALE and PEERS name the numbers of rows, ONLY some of the systems: make bench-full SCALE= PEERS=1k,10k ONLY=phoenix
SCALE ?= 1k,10k,50k,100k,1M,10M
PEERS ?= 1k,10k,50k
bench-full:
	@cargo build --quiet --release -p evalset -p evalset-bench
	@if [ -n "$(SCALE)" ]; then $(TARGET)/release/evalset-bench --binary $(TARGET)/release/evalset --scale $(SCALE) \
		--results bench/results/scale.jsonl --write bench/RESULTS.md $(ARGS); fi
	@if [ -n "$(PEERS)" ]; then EVALSET_BIN=$(TARGET)/release/evalset python3 bench/peers/run.py --scale $(PEERS) --only "$(ONLY)"; fi
	@python3 bench/figures.py
