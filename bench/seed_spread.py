"""Measures how much scores vary between seeds: `python bench/seed_spread.py [--preset laptop] [--models gan vae]`.

Trains the models of a preset with five seeds in a fresh clone, and writes reference/seed_spread.csv: a row for each
family and score. Rows of other families are kept. With `--keep FOLDER` the run stays in that folder.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml
from end_to_end import ENVIRONMENT, ROOT, about

sys.path.append(str(ROOT))
from pipeline.analysis.seed_spread import measured_spreads
from pipeline.analysis.summary import by_draw, trainings
from pipeline.core import artifacts
from pipeline.core.params import merge, resolve

SEEDS = [0, 1, 2, 3, 4]
TABLE = ROOT / "reference" / "seed_spread.csv"


def cloned(folder: Path, preset: str, changed: dict[str, object], only: Sequence[str] = ()) -> None:
    """Clone the project into a folder, and change settings of the preset; a clone that is there stays as it is.

    Only some of its models may be kept.
    """
    if folder.exists():
        return
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    settings["preset"] = preset
    settings["presets"][preset] = merge(settings["presets"][preset], changed)
    for section in (settings, settings["presets"][preset]):
        section["models"] = {name: of for name, of in section["models"].items() if not only or name in only}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def measure(folder: Path, preset: str, only: Sequence[str]) -> pd.DataFrame:
    """Run the comparison in a folder, and return the spread of each score between seeds."""
    cloned(folder, preset, {"seeds": SEEDS, "metrics": {"random_networks": 1, "sensitivity": True}}, only)
    models = resolve(yaml.safe_load((folder / "params.yaml").read_text())).models
    families = {name: model.family for name, model in models.items()}
    targets = ["results/metrics.csv", "results/figures/comparison/sensitivity.csv", "site/index.html"]
    subprocess.run(["snakemake", "--cores", "4", *targets], cwd=folder, env=ENVIRONMENT, check=True, stdout=sys.stderr)
    found = measured_spreads(trainings(by_draw(artifacts.read_table(folder / "results/metrics.csv"))), families)
    made = about("")
    commit = subprocess.check_output(["git", "rev-parse", "--short=12", "HEAD"], cwd=folder, text=True).strip()
    return found.assign(preset=preset, commit=commit, hardware=made["hardware"], date=made["date"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--models", nargs="*", default=[], help="only these models of the preset")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = measure((given.keep or Path(temporary) / "clone").resolve(), given.preset, given.models)
    before = artifacts.read_table(TABLE)
    table = pd.concat([before[~before["family"].isin(found["family"])], found]).sort_values(
        ["family", "metric", "space"], kind="stable"
    )
    artifacts.write_table(TABLE, table)
