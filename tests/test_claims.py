"""Claims on runs of which it is known what they show."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.neighbors import KNeighborsClassifier

from pipeline.analysis import vanishing
from pipeline.analysis.claim_inputs import Inputs, NotInThisRun, clear_confidence, loss_correlation, neighbour_hits
from pipeline.analysis.claims import OPEN, REFUTED, SUPPORTED, Claim, Finding, judge_claims
from pipeline.analysis.paper_claims import CLAIMS
from pipeline.analysis.summary import summarise
from pipeline.analysis.vanishing import orders_lost
from pipeline.analysis.verdicts import verdicts
from pipeline.core import artifacts
from pipeline.core.params import Samples
from pipeline.metrics.proportions import wilson
from pipeline.report.training_health import beaten
from pipeline.stages import check_claims, compare

GAN = {"epochs": 200, "latent": 128, "lr": 2e-4, "loss": "nonsaturating"}
VAE = {"epochs": 5, "latent": 2, "lr": 1e-3}
FAMILIES = {
    "gan": ("gan", GAN),
    "gan_saturating": ("gan", GAN | {"loss": "saturating", "epochs": 2}),
    "vae": ("vae", VAE),
}

# What the paper would have found: the sharpness ratio, the shares of ambiguous digits and of those unlike any.
SCORES = {
    "gan": (0.95, 0.20, 0.05),
    "vae": (0.10, 0.40, 0.05),
    "gan_saturating": (7.0, 0.0, 1.0),
    "test_images": (1.0, 0.02, 0.01),
    "blurred": (0.08, 0.05, 0.01),
}
METRICS = ("sharpness_ratio", "conformal_ambiguous", "conformal_unlike")
SEEDS = range(5)


def scores(model: str, values: Sequence[float], seeds: Sequence[int] = SEEDS) -> Iterator[dict[str, Any]]:
    """Two draws of each seed; means of seeds spread a little."""
    for metric, value in zip(METRICS, values, strict=True):
        for seed in seeds:
            for draw in (0, 1):
                space = "pixels" if metric == "sharpness_ratio" else None
                row = {"model": model, "seed": seed, "set": "images", "draw": draw, "metric": metric, "space": space}
                yield {**row, "value": value + 0.001 * seed + 0.0005 * draw, "n": 100}
                yield {**row, "metric": "share", "space": None, "label": draw, "value": 0.5, "n": 100}
    for seed in seeds:
        for draw in (0, 1):
            row = {"model": model, "seed": seed, "set": "images", "draw": draw, "metric": "fd_percent", "n": 100}
            distance = 10 * values[1] + 0.01 * seed + 0.001 * draw
            yield {**row, "space": "random_1", "value": distance}
            yield {**row, "space": "classifier", "value": distance + 100}


def alarms(*kinds: str) -> pd.DataFrame:
    return pd.DataFrame({"kind": list(kinds), "first": 1, "last": 2, "lasting": True, "evidence": ""})


def record(family: str, config: Mapping[str, Any], seconds: float, seen: int) -> dict[str, Any]:
    return {"family": family, "config": dict(config), "seconds": seconds, "images_seen": seen}


def run(seeds: Sequence[int] = SEEDS, **changed: Sequence[float]) -> Inputs:
    """A run that shows what the paper says, but for the scores that are `changed`."""
    rows = [
        row
        for model, values in (SCORES | changed).items()
        for row in scores(model, values, [0] if model in ("test_images", "blurred") else seeds)
    ]
    columns = ["model", "seed", "set", "draw", "metric", "space", "label", "value", "n"]
    metrics = pd.DataFrame(rows, columns=pd.Index(columns))
    gradient = pd.DataFrame(
        {"step": [0, 150], "D_fake": [0.5, 1e-6], "saturating": [0.1, 1e-5], "nonsaturating": [1, 10]}
    )
    return Inputs(
        metrics=metrics,
        summary=summarise(metrics),
        verdicts=verdicts(metrics, list(FAMILIES)),
        records={
            name: {
                seed: record(
                    *about, seconds=20 + seed if name == "vae" else 400 + seed, seen=3 if name == "vae" else 12
                )
                for seed in seeds
            }
            for name, about in FAMILIES.items()
        },
        alarms={
            "gan": {seed: alarms() for seed in seeds},
            "gan_saturating": {seed: alarms("vanishing gradient", "frozen generator") for seed in seeds},
            "vae": {seed: alarms() for seed in seeds},
        },
        gradients={"gan": {seed: gradient for seed in seeds}},
        confidence={name: {seed: np.array([0.995, 0.996]) for seed in seeds} for name in FAMILIES},
        correlations={"gan": {seed: -0.4 + 0.01 * seed for seed in seeds}},
        neighbours={"vae": {seed: (750 + seed, 1000) for seed in seeds}},
    )


def judged(inputs: Inputs) -> pd.DataFrame:
    """The table, by what each claim is about."""
    return judge_claims(CLAIMS, inputs).set_index(
        pd.Index([claim.finding.__name__ + "_" + claim.roles[0] for claim in CLAIMS])
    )


AS_THE_PAPER_SAYS = {
    "sharper_gan": SUPPORTED,
    "blurry_vae": SUPPORTED,
    "realistic_gan": SUPPORTED,
    "recognised_gan": SUPPORTED,
    "recognised_vae": SUPPORTED,
    "equally_recognised_gan": SUPPORTED,
    "longer_gan": SUPPORTED,
    "longer_per_image_gan": SUPPORTED,
    "harder_gan": OPEN,
    "vanishes_gan": SUPPORTED,
    "often_vanishes_gan_saturating": SUPPORTED,
    "no_stop_gan": SUPPORTED,
    "no_help_gan": REFUTED,
    "meaningful_vae": SUPPORTED,
}


def test_a_run_that_shows_what_the_paper_says_supports_it_and_says_by_which_numbers() -> None:
    found = judged(run())
    assert found["verdict"].to_dict() == AS_THE_PAPER_SAYS
    assert found["number"].to_dict() == pytest.approx({
        "sharper_gan": 0.85, "blurry_vae": 0.10225, "realistic_gan": 1,
        "recognised_gan": 1 - 0.25 - 0.0045, "recognised_vae": 1 - 0.45 - 0.0045, "equally_recognised_gan": 0,
        "longer_gan": math.exp(np.log(np.arange(400, 405)).mean() - np.log(np.arange(20, 25)).mean()),
        "longer_per_image_gan": math.exp(np.log(np.arange(400, 405)).mean() - np.log(np.arange(20, 25)).mean()) / 4,
        "harder_gan": 0, "vanishes_gan": 4, "often_vanishes_gan_saturating": 1, "no_stop_gan": -0.38,
        "no_help_gan": 0.2, "meaningful_vae": 0.752,
    })  # fmt: skip
    assert (found["lower"].dropna() <= found["number"].loc[found["lower"].notna()]).all()
    assert found["lower"].isna().sum() == 1  # of a count of scores
    assert (found["survives"] == "").all() and found["note"].str.len().gt(0).all()
    assert list(judge_claims(CLAIMS, run()).columns) == [
        "name", "claim", "section", "measure", "rule", "number", "lower", "upper", "unit", "verdict", "note", "survives"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "changed", "verdict"),
    [
        ("sharper_gan", {"gan": (0.05, 0.2, 0.05), "vae": (0.9, 0.4, 0.05)}, REFUTED),
        ("sharper_gan", {"gan": (0.1, 0.2, 0.05)}, OPEN),  # equal
        ("sharper_gan", {"gan": (7.0, 0.2, 0.05)}, OPEN),  # specks
        ("blurry_vae", {"vae": (0.98, 0.4, 0.05)}, REFUTED),
        ("blurry_vae", {"vae": (0.899, 0.4, 0.05)}, OPEN),
        ("recognised_gan", {"gan": (0.95, 0.5, 0.2)}, REFUTED),
        ("recognised_gan", {"gan": (0.95, 0.51, 0.0015)}, OPEN),
        ("no_help_gan", {"vae": (0.1, 0.2, 0.05)}, SUPPORTED),
        ("no_help_gan", {"vae": (0.1, 0.21, 0.05)}, OPEN),
    ],
)
def test_other_scores_give_another_verdict(claim: str, changed: Mapping[str, Sequence[float]], verdict: str) -> None:
    assert judged(run(**changed)).loc[claim, "verdict"] == verdict


def test_a_difference_of_sharpness_within_the_spread_of_real_images_decides_nothing() -> None:
    inputs = run()
    real = (inputs.metrics["model"] == "test_images") & (inputs.metrics["metric"] == "sharpness_ratio")
    for half, verdict in ((0.5, SUPPORTED), (0.7, OPEN)):
        spread = inputs.metrics["value"].where(~real, 1 - half + 2 * half * inputs.metrics["draw"])
        changed = replace(inputs, metrics=inputs.metrics.assign(value=spread))
        assert judged(changed).loc["sharper_gan", "verdict"] == verdict


def test_what_is_more_realistic_follows_from_the_verdicts() -> None:
    inputs = run()
    for decided, verdict in (("vae", REFUTED), ("", OPEN)):
        tests = inputs.verdicts.assign(decided=decided)
        assert judged(replace(inputs, verdicts=tests)).loc["realistic_gan", "verdict"] == verdict
    backwards = verdicts(inputs.metrics, ["vae", "gan"])
    assert judged(replace(inputs, verdicts=backwards)).loc["realistic_gan", "number"] == 1


def test_clear_digits_may_be_recognised_unequally() -> None:
    inputs = run()
    for other, verdict in ((0.97, REFUTED), (0.9845, OPEN)):
        of_vae = {seed: np.array([other, other + 0.001 * seed]) for seed in SEEDS}
        changed = replace(inputs, confidence={**inputs.confidence, "vae": of_vae})
        assert judged(changed).loc["equally_recognised_gan", "verdict"] == verdict
    none = replace(inputs, confidence={**inputs.confidence, "vae": dict.fromkeys(SEEDS, np.empty(0))})
    assert judged(none).loc["equally_recognised_gan", "note"] == "One of the two drew no clear digit."


@pytest.mark.parametrize(
    ("seconds", "verdict"), [([30, 40, 50, 60, 70], SUPPORTED), ([20, 40], OPEN), ([20, 24], REFUTED)]
)
def test_a_longer_training_is_longer_with_each_seed(seconds: Sequence[float], verdict: str) -> None:
    inputs = run()
    of_gan = {seed: record("gan", GAN, second, 3) for seed, second in enumerate(seconds)}
    of_vae = {seed: record("vae", VAE, 20, 3) for seed in SEEDS}
    found = judged(replace(inputs, records={"gan": of_gan, "vae": of_vae})).loc["longer_gan"]
    assert found["verdict"] == verdict
    assert (found["lower"], found["upper"]) == pytest.approx((min(seconds) / 20, max(seconds) / 20))


@pytest.mark.parametrize(("raised", "verdict"), [({"gan": 5}, SUPPORTED), ({"vae": 5}, REFUTED), ({"gan": 3}, OPEN)])
def test_alarms_are_compared_by_fishers_exact_test(raised: Mapping[str, int], verdict: str) -> None:
    inputs = run()
    found = {
        model: {seed: alarms("mode collapse") if seed < raised.get(model, 0) else alarms() for seed in SEEDS}
        for model in ("gan", "vae")
    }
    row = judged(replace(inputs, alarms=found)).loc["harder_gan"]
    assert row["verdict"] == verdict and row["number"] == raised.get("gan", 0) / 5
    assert (row["lower"], row["upper"]) == wilson(raised.get("gan", 0), 5)
    assert "varies by 1% of its mean for gan and" in row["note"]


def experiment(taken: float, left: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"step": [0, 150], "D_fake": [0.5, taken], "saturating": [0.1, left], "nonsaturating": [1.0, 10.0]}
    )


@pytest.mark.parametrize(("left", "verdict"), [((1e-5, 1e-4), SUPPORTED), ((0.05, 0.2), REFUTED), ((1e-5, 0.05), OPEN)])
def test_a_gradient_vanishes_if_each_discriminator_that_won_took_it(left: tuple[float, float], verdict: str) -> None:
    of_gan = {seed: experiment(1e-6, value) for seed, value in enumerate(left)}
    fresh = {"gan": of_gan | {2: experiment(0.4, 0.3)}}
    found = judged(replace(run(), gradients=fresh)).loc["vanishes_gan"]
    orders = [math.log10(0.1 / value) for value in left]
    assert found["verdict"] == verdict and found["number"] == pytest.approx(np.mean(orders))
    assert (found["lower"], found["upper"]) == pytest.approx((min(orders), max(orders)))
    assert found["note"].startswith("The fresh discriminator won in 2 of 3 experiments. The range")
    assert "−log D(G(z)) fell by -1.0 there" in found["note"]


def test_a_generator_that_nobody_beat_leaves_it_open_and_a_control_that_was_beaten_decides_it() -> None:
    gradients = {"gan": {0: experiment(0.4, 0.1)}}
    found = judged(replace(run(), gradients=gradients)).loc["vanishes_gan"]
    assert found["verdict"] == OPEN and math.isnan(found["number"])
    control = gradients | {"gan_saturating": {0: experiment(1e-7, 1e-6)}}
    found = judged(replace(run(), gradients=control)).loc["vanishes_gan"]
    assert found["verdict"] == SUPPORTED and found["number"] == pytest.approx(5) and math.isnan(found["lower"])


def test_a_loss_that_follows_quality_would_tell_when_to_stop() -> None:
    inputs = run()
    for rho, verdict in ((0.9, REFUTED), (0.5, OPEN)):
        tells = {"gan": {seed: rho + 0.01 * (seed - 2) for seed in SEEDS}}
        assert judged(replace(inputs, correlations=tells)).loc["no_stop_gan", "verdict"] == verdict
    still = replace(inputs, correlations={"gan": {0: math.nan}})
    assert judged(still).loc["no_stop_gan", "verdict"] == OPEN


def test_codes_without_meaning_refute_it() -> None:
    for hits, verdict in ((120, REFUTED), (498, OPEN)):
        codes = {"vae": {seed: (hits + seed, 1000) for seed in SEEDS}}
        assert judged(replace(run(), neighbours=codes)).loc["meaningful_vae", "verdict"] == verdict


def test_one_seed_decides_what_its_draws_can_and_says_so() -> None:
    found = judged(run(seeds=[3]))
    of_this_training = ["sharper_gan", "blurry_vae", "recognised_gan", "no_help_gan", "meaningful_vae"]
    assert found.loc[of_this_training, "verdict"].tolist() == [SUPPORTED] * 3 + [REFUTED, SUPPORTED]
    assert found.loc[of_this_training, "note"].str.contains("In this one training").all()
    assert found.loc[["harder_gan", "no_stop_gan", "often_vanishes_gan_saturating"], "verdict"].eq(OPEN).all()
    assert found.loc["realistic_gan", "note"].endswith("In this one training each.")


def test_a_run_without_the_papers_models_decides_nothing_about_them() -> None:
    inputs = run()
    found = judged(replace(inputs, records={"gan": inputs.records["gan"]}))
    about_gan = ["recognised_gan", "vanishes_gan", "no_stop_gan"]
    assert found.loc[about_gan, "verdict"].eq(SUPPORTED).all()
    rest = found.drop(about_gan)
    assert rest["verdict"].eq(OPEN).all() and rest["number"].isna().all()
    assert rest["note"].str.match("This run has no model named (vae|gan_saturating).").all()


def test_what_was_not_measured_is_said() -> None:
    inputs = run()
    bare = replace(
        inputs, metrics=inputs.metrics[:0], verdicts=inputs.verdicts[:0],
        alarms={}, gradients={}, confidence={}, correlations={}, neighbours={},
    )  # fmt: skip
    found = judged(bare).drop(["longer_gan", "longer_per_image_gan"])
    assert found["verdict"].eq(OPEN).all() and found["number"].isna().all()
    assert found.loc["blurry_vae", "note"] == "The metric sharpness_ratio was not measured for vae."
    assert found.loc["vanishes_gan", "note"] == "This run has no experiment with a fresh discriminator of gan."


def test_the_verdict_is_tried_with_variants_that_differ_in_latent_size_and_epochs_only() -> None:
    others = {"vae_16": (0.97, 0.4, 0.05), "vae_slow": (0.1, 0.4, 0.05), "gan_2": (0.9, 0.1, 0.05)}
    inputs = run(**others)
    records = dict(inputs.records)
    records["vae_16"] = {0: record("vae", VAE | {"latent": 16, "epochs": 200}, 420, 120)}
    records["vae_slow"] = {0: record("vae", VAE | {"latent": 16, "lr": 1e-5}, 20, 3)}
    records["gan_2"] = {0: record("gan", GAN | {"latent": 2}, 300, 12)}
    found = judged(replace(inputs, records=records))["survives"]
    assert found["sharper_gan"] == f"the same with gan_2; {REFUTED} with vae_16"
    assert found["blurry_vae"] == f"{REFUTED} with vae_16"
    assert found["longer_gan"] == f"the same with gan_2; {REFUTED} with vae_16"
    assert found["meaningful_vae"] == f"{OPEN} with vae_16" and found["often_vanishes_gan_saturating"] == ""


def test_confidence_is_that_in_clear_digits_draw_by_draw() -> None:
    labels = pd.DataFrame({
        "set": ["images"] * 6 + ["observations"] * 2,
        "index": [0, 1, 2, 3, 4, 5, 0, 1],
        "kind": ["clear", "ambiguous", "clear", "clear", "unlike", "ambiguous", "clear", "clear"],
        "confidence": [0.9, 0.1, 1.0, 0.8, 0.2, 0.3, 0.0, 0.0],
    })  # fmt: skip
    assert clear_confidence(labels, 3).tolist() == pytest.approx([0.95, 0.8])
    assert clear_confidence(labels, 2).tolist() == pytest.approx([0.9, 0.9])
    assert clear_confidence(labels[labels["kind"] != "clear"], 3).tolist() == []


def test_the_correlation_of_loss_and_labels_is_scipys() -> None:
    rng = np.random.default_rng(0)
    steps = np.arange(5, 101, 5)
    shares = rng.dirichlet(np.ones(3), len(steps))
    history = pd.DataFrame({"step": range(1, 104), **dict(zip("xyz", rng.normal(size=(3, 103)), strict=True))})
    table = pd.DataFrame([
        {"step": step, "label": label, "share": row[label]}
        for step, row in zip(steps, shares, strict=True) for label in range(3)
    ])  # fmt: skip
    real = pd.Series([0.2, 0.3, 0.5])
    loss = (history["x"] + history["y"]).to_numpy()[:100].reshape(20, 5).mean(1)
    distance = np.abs(shares - real.to_numpy()).sum(1) / 2
    theirs = spearmanr(loss, distance).statistic
    assert loss_correlation(history, ["x", "y"], table, real) == pytest.approx(theirs, rel=1e-12)
    assert math.isnan(loss_correlation(history.assign(x=1.0), ["x"], table, real))
    assert math.isnan(loss_correlation(history, ["x"], table[table["step"] < 15], real))


def test_neighbours_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    codes = rng.normal(size=(200, 2)) + labels[:, None]
    model = KNeighborsClassifier(2).fit(codes, labels)
    second = model.kneighbors(codes, return_distance=False)[:, 1]
    assert neighbour_hits(codes, labels) == ((labels[second] == labels).sum(), 200)


def write(folder: Path, inputs: Inputs) -> dict[str, list[Path]]:
    """Write what the two stages read. Returns the files of the second by the names of its parameters."""
    rng = np.random.default_rng(0)
    many = ("record", "alarm", "gradient", "label", "history", "snapshot_label", "latent")
    files: dict[str, list[Path]] = {f"{kind}_files": [] for kind in many}
    for (model, seed), rows in inputs.metrics.groupby(["model", "seed"], sort=False):
        artifacts.write_table(folder / f"scores/{model}/{seed}.csv", rows.assign(lower=None, upper=None, digest=None))

    def put(kind: str, path: str, content: pd.DataFrame | Mapping[str, Any]) -> None:
        write = artifacts.write_table if isinstance(content, pd.DataFrame) else artifacts.write_json
        write(folder / path, content)
        files[f"{kind}_files"].append(folder / path)

    for model, seeds in inputs.records.items():
        for seed, about in seeds.items():
            put("record", f"training/{model}/{seed}.json", {**about, "objectives": {"generator": ["x"]}})
            put("alarm", f"alarms/{model}/{seed}.csv", inputs.alarms[model][seed])
            labels = pd.DataFrame({"set": "images", "index": range(200), "kind": "clear", "confidence": 0.99})
            put("label", f"labels/{model}/{seed}.csv", labels)
            if model == "gan":
                put("gradient", f"perfect_discriminator/{model}/{seed}.csv", inputs.gradients[model][seed])
                history = pd.DataFrame({"step": range(1, 9), "x": np.arange(8.0)})
                put("history", f"history/{model}/{seed}.csv", history)
                steps = [{"step": 2 * k, "label": label, "share": 0.5 + (label - 0.5) * k / 5}
                         for k in range(1, 5) for label in (0, 1)]  # fmt: skip
                put("snapshot_label", f"snapshot_labels/{model}/{seed}.csv", pd.DataFrame(steps))
            if model == "vae":
                codes = np.concatenate([rng.normal(0, 1, (50, 2)), rng.normal(9, 1, (50, 2))])
                path = folder / f"latent/{model}/{seed}.npz"
                artifacts.write_arrays(path, codes=codes, labels=np.repeat([0, 1], 50))
                files["latent_files"].append(path)
    return files


def written(folder: Path) -> dict[str, Path]:
    """Return where `compare` writes, by the names of its parameters."""
    return {f"{name}_file": folder / name for name in ("table", "summary", "verdicts", "ranks", "selection")}


SAMPLES = Samples(count=100, draws=2)


def test_both_stages_read_and_write_their_files(tmp_path: Path) -> None:
    given, out = write(tmp_path, run()), written(tmp_path)
    compare.main(score_files=sorted(tmp_path.glob("scores/*/*.csv")), models=list(FAMILIES), **out)
    check_claims.main(
        samples=SAMPLES,
        metrics_file=out["table_file"],
        summary_file=out["summary_file"],
        verdicts_file=out["verdicts_file"],
        claims_file=tmp_path / "claims",
        **given,
    )
    found = pd.read_csv(tmp_path / "claims").set_index(pd.Index(list(AS_THE_PAPER_SAYS)))
    # Here the loss rises as the labels get less balanced.
    assert found["verdict"].to_dict() == AS_THE_PAPER_SAYS | {"no_stop_gan": REFUTED}
    assert found.loc["meaningful_vae", "number"] == 1 and found.loc["no_stop_gan", "number"] == 1
    assert len(pd.read_csv(out["ranks_file"])) == 3 * 5
    selection = artifacts.read_json(out["selection_file"])
    assert set(selection) == {*FAMILIES, "test_images"} and set(selection["gan"]) == {"fd_percent", "sharpness_ratio"}
    assert selection["gan"]["fd_percent"] == pytest.approx(2.0205)


def test_draws_are_cut_by_the_setting_whatever_other_numbers_of_images_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two-sample test has n = 102 for draws of 101 images: half of each side, rounded up."""
    given, out = write(tmp_path, run()), written(tmp_path)
    compare.main(score_files=sorted(tmp_path.glob("scores/*/*.csv")), models=list(FAMILIES), **out)
    cut: list[int] = []
    monkeypatch.setattr(check_claims, "clear_confidence", lambda table, count: cut.append(count) or np.zeros(2))
    check_claims.main(
        samples=Samples(count=101, draws=2),
        metrics_file=out["table_file"],
        summary_file=out["summary_file"],
        verdicts_file=out["verdicts_file"],
        claims_file=tmp_path / "claims",
        **given,
    )
    assert set(cut) == {101}


def test_scores_from_different_networks_are_refused_by_the_stage(tmp_path: Path) -> None:
    for model, rows in run().metrics.groupby("model"):
        artifacts.write_table(tmp_path / f"{model}.csv", rows.assign(digest=f"of {model}"))
    with pytest.raises(ValueError, match="pixels: expected features of one network"):
        compare.main(score_files=[*tmp_path.glob("*.csv")], models=list(FAMILIES), **written(tmp_path))


def test_the_second_stage_runs_without_the_models_of_the_paper(tmp_path: Path) -> None:
    inputs = run()
    for name, table in (("m", inputs.metrics), ("s", inputs.summary), ("v", inputs.verdicts)):
        artifacts.write_table(tmp_path / name, table)
    none = {kind: [] for kind in write(tmp_path / "unused", inputs)}
    check_claims.main(
        samples=SAMPLES,
        metrics_file=tmp_path / "m",
        summary_file=tmp_path / "s",
        verdicts_file=tmp_path / "v",
        claims_file=tmp_path / "c",
        **none,
    )
    assert set(pd.read_csv(tmp_path / "c")["verdict"]) == {OPEN}


def test_the_engine_judges_any_claims() -> None:
    """Each for itself: what is not measured, or not trained, leaves its own claim open."""

    def trained(inputs: Inputs, model: str) -> Finding:
        return Finding(SUPPORTED, "", float(len(inputs.records[model])))

    def unknown(inputs: Inputs, model: str) -> Finding:
        raise NotInThisRun(f"Nobody measured {model}.")

    texts = {"claim": "c", "section": "1", "measure": "m", "rule": "r", "unit": ""}
    found = judge_claims(
        [
            Claim(**texts, roles=("gan",), finding=trained),
            Claim(**texts, roles=("gan",), finding=unknown),
            Claim(**texts, roles=("other",), finding=trained),
        ],
        run(),
    )
    assert found["name"].tolist() == ["trained", "unknown", "trained"]
    assert found["verdict"].tolist() == [SUPPORTED, OPEN, OPEN]
    assert found["note"].tolist() == ["", "Nobody measured gan.", "This run has no model named other."]
    assert found["number"].iloc[0] == 5 and found["number"].iloc[1:].isna().all()


def test_the_page_of_a_model_and_the_claim_go_by_the_same_experiments() -> None:
    """Both look at the experiments that the discriminator won; where it won none, the page shows them all."""
    of_gan = {0: experiment(1e-6, 1e-5), 1: experiment(0.4, 0.05), 2: experiment(0.002, 1e-4)}
    claim = judged(replace(run(), gradients={"gan": of_gan})).loc["vanishes_gan"]
    page = beaten(list(of_gan.values()))
    assert page.saturating == pytest.approx([4.0, 3.0]) and page.nonsaturating == pytest.approx([-1.0, -1.0])
    assert (page.won, page.experiments) == (2, 3)
    assert claim["number"] == pytest.approx(np.mean(page.saturating))
    assert (claim["lower"], claim["upper"]) == pytest.approx((min(page.saturating), max(page.saturating)))
    assert f"won in {page.won} of {page.experiments} experiments" in claim["note"]

    lost = [experiment(0.4, 0.05), experiment(0.3, 0.01)]
    page = beaten(lost)
    assert (page.won, page.experiments) == (0, 2)
    assert page.saturating == pytest.approx([math.log10(2), 1.0])
    claim = judged(replace(run(), gradients={"gan": dict(enumerate(lost))})).loc["vanishes_gan"]
    assert claim["verdict"] == OPEN and "won in 0 of 2 experiments" in claim["note"]


def test_a_gradient_that_is_zero_counts_as_the_smallest_number() -> None:
    assert orders_lost(pd.Series([1.0, 5.0, 0.0])) == pytest.approx(-math.log10(np.finfo(np.float32).tiny))
    assert orders_lost(pd.Series([0.0, 0.0])) == 0
    assert vanishing.won(experiment(0.0099, 1.0)) and not vanishing.won(experiment(0.01, 1.0))
