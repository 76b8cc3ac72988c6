"""Asks how often another training gives the same verdict: `python bench/stability.py FOLDER [RUN ...]`.

Compares gan and vae of the laptop preset in four clones in the folder: ten seeds in bfloat16 with one thread, and five
of them with two threads, in float32, and in float32 with two threads. There is one draw of each. What is finished there
is not run again. Each RUN is the folder of another finished run with several seeds, such as
`bench/seed_spread.py --keep RUN` makes. Each seed is compared alone, and five seeds at a time, with the baselines of
its run.

Writes reference/stability.csv: for each verdict the answer that most comparisons give, and how many do.
"""

import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from end_to_end import ENVIRONMENT, ROOT, about
from seed_spread import cloned

sys.path.append(str(ROOT))
from pipeline.analysis.gates import COPYING, NOISY, failed, gates
from pipeline.analysis.seed_spread import read_spreads
from pipeline.analysis.summary import by_draw, trainings
from pipeline.analysis.verdicts import outcomes, verdicts
from pipeline.core import artifacts

MODELS = {"gan": "gan", "vae": "vae"}
TOGETHER = 5  # seeds of one comparison, if it has several
REFERENCE = ROOT / "reference"
WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}  # two threads on a busy machine do not spin


SETTINGS = (("bfloat16", 1, 10), ("bfloat16", 2, 5), ("float32", 1, 5), ("float32", 2, 5))  # precision, threads, seeds


def run(folder: Path, precision: str, threads: int, seeds: int) -> Path:
    """Run the comparison with these settings in a folder of its own, unless it is finished, and return that folder."""
    clone = folder / f"{precision}-{threads}"
    changed = {
        "seeds": list(range(seeds)),
        "compute": {"precision": precision, "threads": threads},
        "samples": {"draws": 1},
    }
    cloned(clone, "laptop", changed, only=["gan", "vae"])
    command = ["snakemake", "--cores", "2", "results/metrics.csv", "results/metrics.json"]
    subprocess.run(command, cwd=clone, env=ENVIRONMENT | WAITING, check=True, stdout=sys.stderr)
    return clone


def comparisons(run: Path, together: int) -> Iterator[pd.DataFrame]:
    """Yield the scores of the baselines and of so many seeds of both models, until the seeds are used up."""
    table = artifacts.read_table(run / "results" / "metrics.csv")
    trained = table[table["model"].isin(list(MODELS))]
    others = list(artifacts.read_json(run / "results" / "metrics.json"))
    baselines = table[~table["model"].isin(others) | (table["model"] == "test_images")]
    seeds = sorted(trained["seed"].unique())
    for start in range(0, len(seeds) - together + 1, together):
        yield pd.concat([baselines, trained[trained["seed"].isin(seeds[start : start + together])]])


def answers(metrics: pd.DataFrame) -> dict[str, str]:
    """Return every verdict of one comparison."""
    spreads = read_spreads(artifacts.read_table(REFERENCE / "seed_spread.csv"))
    tested = gates(trainings(by_draw(metrics)), list(MODELS))
    said = {answer.question: answer.outcome for answer in outcomes(verdicts(metrics, MODELS, spreads))}
    for gate, model in itertools.product((NOISY, COPYING), MODELS):
        said[f"{gate}: {model}"] = "fails" if model in failed(tested, gate) else "passes"
    return said


def table(runs: Sequence[Path]) -> Iterator[dict[str, object]]:
    """Yield, for one seed and for five, each verdict, its most frequent answer, and how many comparisons gave it."""
    for together in (1, TOGETHER):
        found = [answers(metrics) for run in runs for metrics in comparisons(run, together)]
        for verdict in found[0]:
            counts = Counter(said.get(verdict, "not compared") for said in found)
            answer, agree = counts.most_common(1)[0]
            others = {name: count for name, count in counts.items() if name != answer}
            row = {"verdict": verdict, "seeds": together, "answer": answer, "runs": len(found), "agree": agree}
            yield row | {"others": json.dumps(others)}


if __name__ == "__main__":
    made = about("")
    made_here, *others = [Path(argument).resolve() for argument in sys.argv[1:]]
    runs = [run(made_here, *settings) for settings in SETTINGS]
    found = pd.DataFrame(table([*runs, *others]))
    kept = {"commit": made["commit"], "hardware": made["hardware"], "date": made["date"]}
    artifacts.write_table(REFERENCE / "stability.csv", found.assign(**kept))
    print(found.to_string(index=False))
