"""Asks how often another training gives the same verdict: `python bench/stability.py RUN [RUN ...]`.

A RUN is the folder of a finished run with several seeds, such as `bench/seed_spread.py --keep RUN` makes; runs may
differ in precision, threads or machine. Each seed is compared alone, and five seeds at a time, with the baselines of
its run. Writes reference/stability.csv: for each verdict on gan and vae the answer that most comparisons give, and how
many do.
"""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from end_to_end import ROOT, about

sys.path.append(str(ROOT))
from pipeline.analysis.gates import COPYING, NOISY, failed, gates
from pipeline.analysis.seed_spread import read_spreads
from pipeline.analysis.summary import by_draw, trainings
from pipeline.analysis.verdicts import outcomes, verdicts
from pipeline.core import artifacts

MODELS = {"gan": "gan", "vae": "vae"}
TOGETHER = 5  # seeds of one comparison, if it has several
REFERENCE = ROOT / "reference"


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
    found = pd.DataFrame(table([Path(argument).resolve() for argument in sys.argv[1:]]))
    kept = {"commit": made["commit"], "hardware": made["hardware"], "date": made["date"]}
    artifacts.write_table(REFERENCE / "stability.csv", found.assign(**kept))
    print(found.to_string(index=False))
