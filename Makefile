# Everything that needs more than two lines lives in setup/. `make` alone prints the targets.

NAME ?=
NODE ?=
LAB ?=
ENGINE ?=
IN_LAB = $(if $(LAB),--lab '$(LAB)')
WIRELAB := .venv/bin/wirelab

.DEFAULT_GOAL := help
.PHONY: help scenario lesson web up check down reset shell logs test unit bench docs clean
.PHONY: coverage sampled truth endurance engines

help: ## Print this list
	@echo "usage: make TARGET [NAME=scenario] [NODE=node] [LAB=lab]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

scenario: ## Start the lab NAME, run its checks, and leave it running:  make scenario NAME=basic
	@setup/venv run
	@$(WIRELAB) run '$(NAME)' $(IN_LAB)

lesson: ## Start or continue the lesson of the lab NAME:  make lesson NAME=basic
	@setup/venv run
	@$(WIRELAB) learn '$(NAME)' $(IN_LAB) || [ $$? = 1 ] # 1: not done yet, which is no error of make

web: ## Show the lab NAME in the browser, until Ctrl-C
	@setup/venv run
	@$(WIRELAB) web '$(NAME)' $(IN_LAB)

up: ## Start the lab NAME, or repair it
	@setup/venv run
	@$(WIRELAB) up '$(NAME)' $(IN_LAB)

check: ## Run the checks of the lab NAME
	@setup/venv run
	@$(WIRELAB) check '$(NAME)' $(IN_LAB)

down: ## Remove the lab NAME
	@setup/venv run
	@$(WIRELAB) down '$(NAME)' $(IN_LAB)

reset: ## Remove the lab NAME with all its data, and start it again
	@setup/venv run
	@$(WIRELAB) reset '$(NAME)' $(IN_LAB)

shell: ## Open a shell in NODE of the lab NAME (without NODE: in its client)
	@setup/venv run
	@$(WIRELAB) shell '$(NAME)' $(IN_LAB) $(if $(NODE),'$(NODE)')

logs: ## Print the log of NODE of the lab NAME (without NODE: of all nodes)
	@setup/venv run
	@$(WIRELAB) logs '$(NAME)' $(IN_LAB) $(if $(NODE),'$(NODE)')

test: ## Run the tests on a real engine, of most modules a third; a skipped test fails the run
	@setup/venv test
	@setup/test

unit: ## Check format, lint and types, and run the quick tests that need no engine
	@setup/venv test
	@setup/unit

coverage: ## Run all tests that need no engine, and print which lines they run
	@setup/venv test
	@setup/unit --coverage

sampled: ## Run each table whole of which make test runs a sample, in parts
	@setup/venv test
	@ENGINE='$(ENGINE)' setup/long sampled

truth: ## Test all verdicts, in parts; call it until it prints done
	@setup/venv test
	@ENGINE='$(ENGINE)' setup/long truth

endurance: ## Repeat up, down and SIGKILL some hundred times, in parts
	@setup/venv test
	@ENGINE='$(ENGINE)' setup/long endurance

engines: ## Test one engine, in parts:  make engines ENGINE=unix:///path/to/docker.sock
	@setup/venv test
	@ENGINE='$(ENGINE)' setup/long engines

bench: ## Measure speed and memory, and print the table
	@setup/venv test
	@setup/with-engine setup/bench

docs: ## Build the documentation as a site in build/site
	@setup/venv docs
	@setup/docs/build

clean: ## Remove what wirelab made: labs, images, private engine, state, .venv
	@setup/clean
