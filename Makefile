# `make` lists what there is to make.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made
WORKERS ?= auto
# What a person does from beginning to end: on real pods, in the demonstration and the tutorial, at the command line, with
# a release of the chart, and with more of real Rasa than `make test` starts, which is one story for each generation.
END_TO_END := tests/e2e tests/local/test_demonstration.py tests/local/test_cluster.py tests/local/test_installation.py \
	tests/tutorial tests/helm/test_installation.py tests/helm/test_life.py tests/manifests/test_kubectl.py \
	tests/integration/test_adopted_bucket.py tests/integration/test_ci_jobs.py \
	tests/integration/test_connections_by_tls.py tests/integration/test_live_job_elsewhere.py \
	tests/integration/test_live_promotions.py \
	tests/integration/test_plain_file_server.py tests/integration/test_promotion_cli.py \
	tests/integration/test_rasa_x_0_2.py tests/integration/test_real_actions.py \
	tests/integration/test_rejected_candidates.py tests/integration/test_rotation.py \
	tests/integration/test_shared_conversations.py tests/integration/test_training.py \
	tests/integration/test_verified_promotions.py tests/model_server/test_pulls_from_a_bucket.py \
	tests/rasa/test_rasa_pro_package.py
# What needs a licence of Rasa Pro.
LICENSED := tests/integration/test_licensed_rasa_pro.py
export PYTHON
# The tests start a hundred times what need not be compiled each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: environment ## Show the whole thing on a cluster of its own, until Ctrl-C; RASA=1 also talks to real Rasa
	@$(BIN)/python -m local demo --stay $(if $(filter-out 0,$(RASA)),--rasa,--no-rasa)

.PHONY: demo
demo: environment ## The same with real Rasa, and ends by itself: exit code 0 if every step was seen to happen
	@$(BIN)/python -m local demo --rasa

.PHONY: test
test: prepare ## Run all tests on all cores; ARGS='-k promotion -x' goes to pytest, WORKERS=0 takes one process
	@$(BIN)/pytest --numprocesses=$(WORKERS) --maxprocesses=4 --dist=loadgroup --no-loadscope-reorder \
	$(addprefix --ignore=,$(END_TO_END) $(LICENSED) tests/attacks) $(ARGS)

.PHONY: test-e2e
test-e2e: environment ## Run the end-to-end tests: real pods (in Docker's kind, else on a node of its own: Linux, root), demonstration, tutorial, commands, releases
	@$(BIN)/python -m tests.preparation --node
	@$(BIN)/pytest $(END_TO_END) --cluster-name=rasa-environments-e2e --durations=15 $(ARGS)

.PHONY: test-attacks
test-attacks: prepare ## Run the long attacks on the operator and the model server, on loopback; the short ones are part of `make test`
	@$(BIN)/pytest tests/attacks --numprocesses=$(WORKERS) --maxprocesses=2 --dist=loadfile $(ARGS)

.PHONY: test-chaos
test-chaos: prepare ## Run every fault at full length, kill the operator at every write, ten minutes of churn (about two hours); short forms are part of `make test`
	@$(BIN)/pytest tests/chaos --chaos=full --numprocesses=$(WORKERS) --maxprocesses=2 --dist=loadfile $(ARGS)

.PHONY: test-rasa-pro
test-rasa-pro: environment ## Install Rasa Pro and run it with the licence in RASA_LICENSE; without one, test only what needs none. RASA_PRO_BIN names another installation
	@$(BIN)/python -m tests.preparation --rasa-pro
	@$(BIN)/pytest tests/rasa/test_rasa_pro_package.py $(if $(RASA_LICENSE)$(RASA_PRO_LICENSE),$(LICENSED)) $(ARGS)

.PHONY: bench
bench: environment ## Measure the project against a peer in Go, ratios first; ARGS='--only creation --rounds 5' measures less
	@$(BIN)/python -m bench $(ARGS)

.PHONY: prepare
prepare: environment ## Make what the tests use and what takes minutes, once: the cluster's programs, Rasa, services
	@$(BIN)/python -m tests.preparation

.PHONY: check
check: environment ## Style, types, imports, generated files; that the tests load without a warning
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m rasa_environments.api.crd --check
	$(BIN)/python -m release.chart --check
	$(BIN)/python -m release.single_file --check
	$(BIN)/python -m release.argo_cd --check
	$(BIN)/python -m release.reference --check
	@$(MAKE) --no-print-directory docs
	$(BIN)/pytest --collect-only --quiet --quiet

.PHONY: format
format: environment ## Put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: generate
generate: environment ## Write what is made of other files: crds/, the chart, the single-file installation, the reference
	$(BIN)/python -m rasa_environments.api.crd
	$(BIN)/python -m release.chart
	$(BIN)/python -m release.single_file
	$(BIN)/python -m release.argo_cd
	$(BIN)/python -m release.reference

.PHONY: docs
docs: environment ## Make a site of docs/ in build/docs; whatever Sphinx warns of, a link to nowhere too, ends it
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going --quiet --builder html docs build/docs

.PHONY: plugin
plugin: environment ## Make dist/: `kubectl rasa` for krew and its manifest; URL=https://... says where it will be
	@$(BIN)/python -m release.plugin --base-url "$(URL)"

.PHONY: models
models: environment ## Train the sample models of each release of Rasa with the real thing
	$(BIN)/python -m local models

.PHONY: cluster
cluster: environment ## Start a cluster of its own, print its KUBECONFIG, until Ctrl-C; NODE=real runs its pods (root)
	@$(BIN)/python -m local up $(if $(NODE),--node $(NODE))

.PHONY: images
images: environment ## Build what pods run: the image of the operator, of Rasa and of the pause container
	@$(BIN)/python -m local images

COMPILE = env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL CUSTOM_COMPILE_COMMAND='make lock' \
	$(BIN)/pip-compile --quiet $(ARGS) --allow-unsafe --strip-extras --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.PHONY: lock
lock: environment ## Write requirements*.lock from pyproject.toml; ARGS=--upgrade takes newer versions
	$(COMPILE) --all-extras --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --output-file requirements-runtime.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --only-build-deps --build-deps-for wheel \
	--output-file requirements-build.lock pyproject.toml

.PHONY: environment
environment: $(STAMP) ## Make .venv from requirements.lock, which the other targets do as well

$(STAMP): requirements.lock pyproject.toml .ci/python-environment
	@.ci/python-environment $(VENV)
	@touch $@

.PHONY: clean
clean: ## Remove what was made in the checkout
	rm -rf $(VENV) build dist operator/*.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find bench local operator release tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: the programs and the Rasa in $${RASA_ENVIRONMENTS_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/rasa-environments}"
