# make: install what is needed, run the whole comparison, say where the report is.

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: all site-single test walk torture ladder lint format golden screenshots lock clean

all: $(VENV)/installed
	snakemake --cores 4
	@echo "The report: $(CURDIR)/site/index.html"

# The whole report in one file, to mail.
site-single: $(VENV)/installed
	snakemake --cores 4
	python -m pipeline.stages.bundle --site site --into report.html
	@echo "The report in one file: $(CURDIR)/report.html"

test: $(VENV)/installed lint
	python tests/browser.py
	pytest -n 2 --dist loadfile --no-loadscope-reorder

# The two tools used at random for longer than `make test` can afford.
walk: $(VENV)/installed
	pytest tests/test_rebuilds.py -k random_walk --walks 4 --steps 16 --timeout 7200

# The metrics tried on images with known damage, at full size: results/figures/comparison/ladder.svg and .csv.
ladder: $(VENV)/installed
	snakemake --cores 4 draw_ladder

# A training killed more often than `make test` can afford.
torture: $(VENV)/installed
	pytest tests/test_resume.py -k random_moments --kills 200 --timeout 7200

lint: $(VENV)/installed
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile
	pyright
	lint-imports

format: $(VENV)/installed
	ruff check --fix .
	ruff format .
	snakefmt Snakefile

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

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("Python 3.11 to 3.13 is needed; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	touch $@
