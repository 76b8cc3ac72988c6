# make: install what is needed, run the whole comparison, say where the report is.

PYTHON ?= python3
VENV := .venv
LOCKED := --no-deps --require-hashes --requirement requirements.lock
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check $(LOCKED)
UV := { command -v uv || $(VENV)/bin/pip install --quiet --disable-pip-version-check uv; } && uv pip install --compile-bytecode --python $(VENV) $(LOCKED)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: all site-single test test-all torture walk sensitivity seed-spread lint format golden screenshots lock clean

all: $(VENV)/installed
	snakemake --cores 4
	@echo "The report: $(CURDIR)/site/index.html"

# The whole report in one file, to mail.
site-single: $(VENV)/installed
	snakemake --cores 4
	python -m pipeline.stages.bundle --site-folder site --single-file report.html
	@echo "The report in one file: $(CURDIR)/report.html"

test: $(VENV)/installed lint
	python tests/browser.py
	pytest -n 2 --dist loadfile --no-loadscope-reorder

# Everything that there is to test.
test-all: test torture walk

# Trainings on the whole MNIST, and one that is killed two hundred times.
torture: $(VENV)/installed
	pytest -m slow -k "not random_walk" --timeout 7200
	pytest tests/test_resume.py -k random_moments --kills 200 --timeout 7200

# The two tools used at random.
walk: $(VENV)/installed
	pytest tests/test_rebuilds.py -m slow -k random_walk --walks 4 --steps 16 --timeout 7200

# The metrics tried on images with known corruptions: results/figures/comparison/sensitivity.svg and .csv.
sensitivity: $(VENV)/installed
	snakemake --cores 4 plot_sensitivity

# How much scores vary between five seeds of the preset laptop: reference/seed_spread.csv.
seed-spread: $(VENV)/installed
	python bench/seed_spread.py

lint: $(VENV)/installed
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	pyright
	lint-imports

format: $(VENV)/installed
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

# Write the expected pages of the site anew, after a change of the templates that was looked at.
golden: $(VENV)/installed
	PYTHONPATH=. python tests/test_site.py

# Every page of the site as it is, to look at, in screenshots/; the two in the README, in docs/.
screenshots: $(VENV)/installed
	python tests/screenshots.py

# The exact versions and hashes of everything, from the pins in pyproject.toml.
lock:
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --output-file requirements.lock --quiet

clean:
	rm -rf .snakemake checkpoints data/images.npz logs results resume site report.html

# uv installs several packages at once. Where it cannot be had, or fails, pip installs the same lock.
$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("Python 3.11 to 3.13 is needed; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)
	$(UV) || $(PIP)
	touch $@
