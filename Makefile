# `make` alone lists the targets: the text behind ## is what it shows.
.DEFAULT_GOAL := help
.PHONY: help setup setup-airflow setup-mlflow setup-site run taxi airflow image test test-long test-beam test-cluster test-kubeflow lint check coverage mutants bench bench-serving bench-quality docs pictures site lock pins clean
SHELL := /bin/sh
BIN := .venv/bin
# Bytecode is kept, whatever the shell says: hundreds of processes would compile the same files.
TESTS := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Make the environment .venv from the locked requirements
	@sh requirements/install.sh pipeline

setup-airflow:  ## Make the environment .venv-airflow, in which Airflow is alone
	@sh requirements/install.sh airflow

setup-mlflow:  ## Make the environment .venv-mlflow: an MLflow server for the tests
	@sh requirements/install.sh mlflow

setup-site:  ## Make the environment .venv-site, which builds the documentation as a site
	@sh requirements/install.sh site

run: setup  ## Run the pipeline on the casting data, to a pushed model
	@$(BIN)/beltline run

taxi: setup  ## Run the same pipeline on the Chicago taxi trips that TFX brings along
	@test -f build/taxi/taxi.csv || $(BIN)/python -m beltline.data.taxi -o build/taxi/taxi.csv
	@test -f build/taxi/pipeline.yaml || \
		$(BIN)/beltline init build/taxi/taxi.csv --label big_tip -o build/taxi
	@$(BIN)/beltline run -f build/taxi/pipeline.yaml

airflow: setup setup-airflow  ## Start Airflow on 127.0.0.1, with the casting pipeline in it
	@$(BIN)/beltline compile airflow -o build/airflow/casting
	@sh deploy/airflow/start.sh

image:  ## Build the image with Docker (VARIANT=gpu: with the CUDA libraries; VARIANT=serving: the server)
	@sh deploy/image.sh

test: setup setup-airflow setup-mlflow setup-site  ## Run all tests but the longest
	$(TESTS) -m "not long and not cluster and not beam" $(PYTEST)

test-long: setup setup-airflow  ## Run the tests that each take minutes, before a release
	$(TESTS) -m long $(PYTEST)

test-beam: setup  ## Run the tests of Beam's engines: 30 kills on Dask, Prism (needs Go, which builds it once)
	@sh tests/engines/prism.sh
	PATH="$$PWD/build/prism:$$PATH" $(BIN)/python -m pytest -m beam $(PYTEST)

test-cluster: setup  ## Run the tests on Kubernetes: KUBECONFIG's cluster, or one made here (as root)
	@sh tests/cluster/run.sh $(PYTEST)

test-kubeflow: setup  ## Run the tests that need Kubeflow's own backend, on a cluster of kind
	@sh tests/backend/run.sh $(PYTEST)

lint: setup  ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint setup-airflow  ## Check what needs no pipeline: style, types, layers, unit tests
	$(TESTS) -m "not slow and not cluster" -q

coverage: setup setup-airflow  ## Print which lines the fast tests run
	$(TESTS) -m "not slow and not cluster" -q $(PYTEST) --cov

mutants: setup  ## Break the gates, pushes and splits line by line; list what no test notices
	rm -rf mutants
	$(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

bench: setup  ## Compare the speed with stock TFX's: benchmarks/RESULTS.md (an hour)
	@$(BIN)/python -m benchmarks.speed -o benchmarks/RESULTS.md

bench-serving: setup  ## Compare the REST server with direct calls and BentoML (needs wrk; 4 minutes)
	@$(BIN)/python -m benchmarks.serving -o benchmarks/RESULTS.md

bench-quality: setup  ## Compare the default model with gradient boosting on many tables (hours)
	@sh requirements/install.sh bench-quality
	@PYTHONPATH=build/quality/packages $(BIN)/python -m benchmarks.quality -o benchmarks/RESULTS.md

docs: setup  ## Write docs/settings.md from the settings themselves
	$(BIN)/python -m beltline.pipeline.settings.page > docs/settings.md

pictures: setup setup-site  ## Make the pictures of the documentation (needs Chromium; 3 minutes)
	@PATH="$$PWD/$(BIN):$$PATH" .venv-site/bin/python deploy/site/pictures.py

site: setup-site  ## Build the documentation as a site: build/site/index.html
	@NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict -f deploy/site/mkdocs.yml

lock:  ## Lock the requirements again, at today's newest versions that fit
	sh requirements/lock.sh

pins: setup  ## Pin images and actions by digest, where their registries can be reached
	@$(BIN)/python deploy/pins.py

clean:  ## Remove the environments and everything that was built (not your runs)
	rm -rf .venv .venv-airflow .venv-mlflow .venv-site .venv-tools build mutants src/beltline.egg-info .mypy_cache .ruff_cache .pytest_cache
