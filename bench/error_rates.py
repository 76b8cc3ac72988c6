"""Asks how often the rule of the verdicts is right, where the truth is known: `python bench/error_rates.py RUN`.

RUN is the folder of a finished run, as `bench/seed_spread.py --keep RUN` makes it. Simulates the scores of two models:
those of one are drawn around the mean scores of gan there, with the covariance between its seeds; those of the other
likewise, around scores that are the same, or worse by as much as a corruption changes the scores of real images. The
spread between seeds that the rule looks up is estimated from five more simulated seeds each time. Writes
reference/error_rates.csv.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from end_to_end import ROOT, about

sys.path.append(str(ROOT))
from pipeline.analysis.seed_spread import measured_spreads, read_spreads
from pipeline.analysis.summary import by_draw, mean, seed_means, trainings
from pipeline.analysis.verdicts import outcomes, verdicts
from pipeline.core import artifacts
from pipeline.core.names import COPIES, CORRUPTED, NOISE, TEST
from pipeline.metrics.base import BASELINE_OF, CONCERNS, Question
from pipeline.metrics.catalogue import CATALOGUE

DIFFERENCES: dict[Question, tuple[str, ...]] = {
    "fidelity": ("none", "blur_slight", "noise"),
    "coverage": ("none", "half_one_class", "missing_class"),
    "sharpness": ("none", "blur_slight", "noise"),
}
RUNS, KNOWN = 1000, 5  # simulated comparisons; seeds behind the spread that is looked up
MODELS = {"a": "one", "b": "another"}


class World:
    """Hold the scores of real trainings and baselines, from which those of simulated ones are drawn."""

    def __init__(self, run: Path, question: Question) -> None:
        corrupted = [artifacts.read_table(path) for path in run.glob(f"results/scores/{CORRUPTED}*/0.csv")]
        scores = artifacts.read_table(run / "results" / "metrics.csv")
        self.trained = trainings(by_draw(pd.concat([scores, *corrupted])))
        self.question = question
        self.keys = [
            score
            for score in self.trained
            if score.model == "gan"
            and score.set == "images"
            and score.metric in CATALOGUE
            and CATALOGUE[score.metric].question == question
            and CATALOGUE[score.metric].role == "primary"
        ]
        values = np.array([seed_means(self.trained[key]) for key in self.keys])
        self.mean, self.covariance = values.mean(axis=1), np.cov(values)

    def change(self, corruption: str) -> np.ndarray:
        """Return by how much a corruption changes each score of real images."""
        if corruption == "none":
            return np.zeros(len(self.keys))
        pairs = [
            [mean(self.trained, key._replace(model=name)) for name in (BASELINE_OF[corruption], COPIES)]
            for key in self.keys
        ]
        return np.diff(np.array(pairs, float)[:, ::-1]).squeeze(1)

    def table(self, rng: np.random.Generator, models: dict[str, np.ndarray], seeds: int) -> pd.DataFrame:
        """Return simulated scores of models with these mean scores, and those of the baselines as they are."""
        rows = []
        for model, means in models.items():
            for seed, values in enumerate(rng.multivariate_normal(means, self.covariance, seeds)):
                rows += [
                    (model, seed, key.metric, key.space, value) for key, value in zip(self.keys, values, strict=True)
                ]
        for key in self.keys:
            for name in (TEST, COPIES, NOISE):
                rows.append((name, 0, key.metric, key.space, mean(self.trained, key._replace(model=name))))
        table = pd.DataFrame(rows, columns=["model", "seed", "metric", "space", "value"])
        return table.assign(set="images", draw=0, label=np.nan, n=10_000)

    def rates(self, corruption: str, seeds: int) -> tuple[float, float]:
        """Return how often the better model is called better, and the worse one; either counts if they are equal."""
        rng = np.random.default_rng([seeds, *corruption.encode()])
        means = {"a": self.mean, "b": self.mean + self.change(corruption)}
        said = []
        for _ in range(RUNS):
            known = measured_spreads(trainings(by_draw(self.table(rng, means, KNOWN))), MODELS)
            found = verdicts(self.table(rng, means, seeds), MODELS, read_spreads(known))
            said += [each.outcome for each in outcomes(found) if each.question == self.question]
        right, wrong = (np.mean([each == model for each in said]) for model in "ab")
        return (0.0, right + wrong) if corruption == "none" else (right, wrong)


def table(run: Path) -> Iterator[dict[str, object]]:
    """Yield a row for each question, true difference and number of seeds."""
    for question, corruptions in DIFFERENCES.items():
        world = World(run, question)
        for corruption in corruptions:
            for seeds in (1, 3, 5):
                right, wrong = world.rates(corruption, seeds)
                row = {"question": question, "difference": corruption, "seeds": seeds, "runs": RUNS}
                print(row, right, wrong, flush=True)
                yield row | {"right": right, "wrong": wrong}


if __name__ == "__main__":
    assert set(DIFFERENCES) == set(CONCERNS)
    run = Path(sys.argv[1]).resolve()
    made = about("")
    found = pd.DataFrame(table(run)).assign(commit=made["commit"], hardware=made["hardware"], date=made["date"])
    artifacts.write_table(ROOT / "reference" / "error_rates.csv", found)
