"""Asks how often another seed, precision or number of threads changes a verdict: `python bench/stability.py RUN WORK`.

RUN is the folder of a finished run of the preset laptop, for its data, classifier and baselines (`bench/seed_spread.py
--keep RUN` makes one). Trains gan, for 4 epochs, and vae with ten seeds, in bfloat16 and float32, on one and on two
threads, and compares them: each seed alone, and five seeds together. WORK keeps what was computed, so that the command
may be interrupted. Writes reference/stability.csv: for each verdict the answer that most runs give, and in how many.
"""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import yaml
from end_to_end import ROOT, about

sys.path.append(str(ROOT))
from pipeline.analysis.gates import COPYING, NOISY, failed, gates
from pipeline.analysis.seed_spread import read_spreads
from pipeline.analysis.summary import by_draw, trainings
from pipeline.analysis.verdicts import outcomes, verdicts
from pipeline.core import artifacts
from pipeline.core.params import Compute, Params, Samples, resolve
from pipeline.evaluation import scores as evaluation
from pipeline.stages import label, measure, sample, train

MODELS = {"gan": "gan", "vae": "vae"}
SHORTER = {"gan": {"epochs": 4}, "vae": {}}
SEEDS = range(10)
CONDITIONS = [(precision, threads) for precision in ("bfloat16", "float32") for threads in (1, 2)]
TOGETHER = [range(5), range(5, 10)]  # the seeds of one comparison, if it has several
Condition = tuple[str, int]
DECIDING = (evaluation.extrapolation, evaluation.balls)  # the scores of features that may decide a verdict


def settings() -> Params:
    """Return the settings of the preset laptop."""
    return resolve(yaml.safe_load((ROOT / "params.yaml").read_text()) | {"preset": "laptop"})


def place(work: Path, condition: Condition, model: str, seed: int) -> Path:
    """Return the folder of one training."""
    return work / f"{condition[0]}-{condition[1]}" / model / str(seed)


def score(run: Path, work: Path, condition: Condition, model: str, seed: int) -> None:
    """Train one model, draw from it, and measure the samples; nothing if that was done."""
    params, folder = settings(), place(work, condition, model, seed)
    if (folder / "scores.csv").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    samples = Samples(count=params.samples.count, draws=1)
    shared = {"dataset_file": run / "data/images.npz", "classifier_file": run / "checkpoints/classifier.safetensors"}
    train.main(
        name=model,
        family=MODELS[model],
        settings=params.models[model].overrides | SHORTER[model],
        compute=Compute(device="cpu", precision=condition[0], threads=condition[1]),
        seed=seed,
        dataset_file=shared["dataset_file"],
        resume_file=folder / "resume",
        checkpoint_file=folder / "model.safetensors",
        history_file=folder / "history.csv",
        diagnostics_file=folder / "diagnostics.csv",
        snapshots_file=folder / "snapshots.npz",
        record_file=folder / "record.json",
    )
    sample.main(
        samples=samples,
        seed=seed,
        checkpoint_file=folder / "model.safetensors",
        samples_file=folder / "samples.npz",
    )
    label.main(
        classifier_file=shared["classifier_file"],
        samples_file=folder / "samples.npz",
        labels_file=folder / "labels.csv",
    )
    evaluation.FEATURE_SCORES = DECIDING  # the others would take twice as long
    measure.main(
        samples=samples,
        labels=params.labels,
        source=model,
        seed=seed,
        **shared,
        reference_file=run / "results/reference.npz",
        samples_file=folder / "samples.npz",
        labels_file=folder / "labels.csv",
        scores_file=folder / "scores.csv",
        details_file=folder / "details.npz",
        record_file=folder / "record.json",
    )
    for name in ("snapshots.npz", "samples.npz", "details.npz", "diagnostics.csv", "history.csv", "labels.csv"):
        (folder / name).unlink()


def scores(run: Path, work: Path, condition: Condition, seeds: range) -> pd.DataFrame:
    """Return the scores of both models with these seeds, and of the baselines."""
    table = artifacts.read_table(run / "results/metrics.csv")
    models = artifacts.read_json(run / "results/metrics.json")
    baselines = table[~table["model"].isin([*models]) | (table["model"] == "test_images")]
    own = [
        artifacts.read_table(place(work, condition, model, seed) / "scores.csv") for model in MODELS for seed in seeds
    ]
    return pd.concat([baselines, *own], ignore_index=True)


def measured(work: Path, condition: Condition, seeds: range) -> bool:
    """Return whether both models were measured with all of these seeds."""
    return all((place(work, condition, model, seed) / "scores.csv").exists() for model in MODELS for seed in seeds)


def answers(metrics: pd.DataFrame) -> dict[str, str]:
    """Return every verdict of one comparison."""
    spreads = read_spreads(artifacts.read_table(ROOT / "reference" / "seed_spread.csv"))
    tested = gates(trainings(by_draw(metrics)), list(MODELS))
    said = {answer.question: answer.outcome for answer in outcomes(verdicts(metrics, MODELS, spreads))}
    for gate, model in itertools.product((NOISY, COPYING), MODELS):
        said[f"{gate}: {model}"] = "fails" if model in failed(tested, gate) else "passes"
    return said


def table(run: Path, work: Path) -> Iterator[dict[str, object]]:
    """Yield, for one seed and for five, each verdict, its most frequent answer, and in how many runs it was given."""
    for seeds in ([range(seed, seed + 1) for seed in SEEDS], TOGETHER):
        ready = [(condition, each) for condition in CONDITIONS for each in seeds if measured(work, condition, each)]
        runs = [answers(scores(run, work, *each)) for each in ready]
        for verdict in runs[0]:
            counts = Counter(said.get(verdict, "not compared") for said in runs)
            answer, agree = counts.most_common(1)[0]
            yield {
                "verdict": verdict,
                "seeds": len(seeds[0]),
                "answer": answer,
                "runs": len(runs),
                "agree": agree,
                "others": json.dumps({name: count for name, count in counts.items() if name != answer}),
            }


def write(run: Path, work: Path) -> None:
    """Write the table of all comparisons that were measured so far."""
    made = about("")
    found = pd.DataFrame(table(run, work)).assign(commit=made["commit"], hardware=made["hardware"], date=made["date"])
    artifacts.write_table(ROOT / "reference" / "stability.csv", found)
    print(found.to_string(index=False))


if __name__ == "__main__":
    run, work = (Path(argument).resolve() for argument in sys.argv[1:3])
    for threads, workers in ((1, 2), (2, 1)):  # two trainings of two threads would wait for each other
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            todo = [
                pool.submit(score, run, work, condition, model, seed)
                for seed in SEEDS
                for condition in CONDITIONS
                for model in MODELS
                if condition[1] == threads
            ]
            for job in todo:
                job.result()
    write(run, work)
