# `make` alone lists the targets: the text behind ## is what it shows.
.DEFAULT_GOAL := help
.PHONY: help setup run taxi test check docs lock clean
SHELL := /bin/sh
BIN := .venv/bin

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Make the environment .venv from the locked requirements
	@sh requirements/install.sh

run: setup  ## Run the pipeline on the casting data, to a pushed model
	@$(BIN)/beltline run

taxi: setup  ## Run the same pipeline on the Chicago taxi trips that TFX brings along
	@test -f build/taxi/taxi.csv || $(BIN)/python -m data.taxi -o build/taxi/taxi.csv
	@test -f build/taxi/pipeline.yaml || \
		$(BIN)/beltline init build/taxi/taxi.csv --label big_tip -o build/taxi
	@$(BIN)/beltline run -f build/taxi/pipeline.yaml

test: setup  ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup  ## Check what needs no pipeline: style, types, layers, unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile -q

docs: setup  ## Write docs/settings.md from the settings themselves
	$(BIN)/python -m pipeline.settings_page > docs/settings.md

lock:  ## Lock the requirements again, at today's newest versions that fit
	sh requirements/lock.sh

clean:  ## Remove the environment and everything that was built (not your runs)
	rm -rf .venv .venv-tools build beltline.egg-info .mypy_cache .ruff_cache .pytest_cache
