"""The paper's claims, each with a measure, a rule that was fixed before, and what this run says of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from pipeline.evidence import Inputs, NotInThisRun, contrast, estimate, of, side
from pipeline.metrics.proportions import wilson
from pipeline.metrics.uncertainty import Interval, seed_interval
from pipeline.summary import FLOOR, seed_means
from pipeline.verdicts import outcomes

Verdict = Literal["supported", "refuted", "not decided by this run"]
SUPPORTED: Verdict = "supported"
REFUTED: Verdict = "refuted"
OPEN: Verdict = "not decided by this run"

CLEARLY = 0.1  # a sharpness ratio this far from 1 is not that of real images
LONGER = 1.25  # a ratio of times that the load of a machine does not explain
ORDERS = 2.0  # a gradient that lost so many powers of ten has vanished
WON = 0.01  # of the fakes: a discriminator that takes fewer for real has won
TELLS = 0.5  # a rank correlation from which on a loss says something
EQUAL = 0.01  # a difference of shares that does not matter
LEVEL = 0.05
FAIR = {"latent", "epochs"}  # settings in which the paper gave its two models unequal chances
SMALLEST = float(np.finfo(np.float32).tiny)  # for a norm that is zero
COLUMNS = (
    *("name", "claim", "section", "measure", "rule"),
    *("number", "lower", "upper", "unit", "verdict", "note", "survives"),
)


@dataclass(frozen=True)
class Finding:
    """What a run says of a claim. No number where there is nothing to measure."""

    verdict: Verdict
    note: str
    number: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Claim:
    """One statement of the paper in our words."""

    claim: str
    section: str  # of the paper
    measure: str
    rule: str
    unit: Literal["", "%", "x"]
    roles: tuple[str, ...]  # the models that it is about, by the paper's names
    finding: Callable[..., Finding]  # of the inputs, and a model for each role


def claims(inputs: Inputs) -> pd.DataFrame:
    """Judge every claim of the paper.

    Each interval is a 95 % one: over seeds where each model concerned has several, else over the draws of the one
    training, and then the note says so. Each claim is judged for itself, without an adjustment for their number.

    Returns:
        name (what the claim is judged by; the claims that are made of both models share one), claim, section, measure,
        rule, number, lower, upper, unit (`%` for a share of 1, `x` for a ratio, or empty), verdict (supported, refuted,
        or not decided by this run), note, survives. The last says what becomes of the verdict with each variant that
        differs from the paper's model in nothing but its latent size and epochs in its place; it is empty where a run
        has none.
    """
    rows = []
    for claim in CLAIMS:
        found = judge(claim, inputs, claim.roles)
        shown = {name: getattr(claim, name) for name in ("claim", "section", "measure", "rule", "unit")}
        name = claim.finding.__name__
        rows.append({"name": name, **shown, **vars(found), "survives": survives(claim, inputs, found.verdict)})
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    return table.astype({"number": float, "lower": float, "upper": float})


def judge(claim: Claim, inputs: Inputs, models: Sequence[str]) -> Finding:
    """The finding with these models in the claim's roles."""
    for model in models:
        if model not in inputs.records:
            return Finding(OPEN, f"This run has no model named {model}.")
    try:
        return claim.finding(inputs, *models)
    except NotInThisRun as lack:
        return Finding(OPEN, str(lack))


def survives(claim: Claim, inputs: Inputs, verdict: Verdict) -> str:
    """The verdict with each fair variant in the place of one of the paper's models, in words."""
    said = []
    for place, role in enumerate(claim.roles):
        for variant in variants(inputs.records, role):
            other = judge(claim, inputs, [*claim.roles[:place], variant, *claim.roles[place + 1 :]]).verdict
            said.append(f"{'the same' if other == verdict else other} with {variant}")
    return "; ".join(said)


def variants(records: Mapping[str, Mapping[int, Mapping[str, Any]]], model: str) -> list[str]:
    """Models of the same family with another latent size or other epochs, and all else equal."""
    if model not in records:
        return []
    about = {name: next(iter(seeds.values())) for name, seeds in records.items()}
    mine = about[model]
    return [
        name
        for name, other in about.items()
        if name != model and other["family"] == mine["family"] and differing(mine["config"], other["config"]) <= FAIR
    ]


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> set[str]:
    """The settings that two configurations do not share."""
    return {key for key in {*a, *b} if a.get(key) != b.get(key)}


def either(sign: int) -> Verdict:
    """Above speaks for the claim, below against it."""
    return SUPPORTED if sign > 0 else REFUTED if sign < 0 else OPEN


def equal(gap: Interval, margin: float) -> Verdict:
    """Supported if the interval lies within the margin around 0, refuted if it lies outside."""
    above, below = side(gap, -margin), side(gap, margin)
    return SUPPORTED if above > 0 > below else REFUTED if above == below != 0 else OPEN


def measured(interval: Interval, verdict: Verdict, note: str) -> Finding:
    """A finding whose number is the mean of an interval."""
    return Finding(verdict, note, interval.mean, interval.lower, interval.upper)


def sharper(inputs: Inputs, gan: str, vae: str) -> Finding:
    of_gan, of_vae = inputs.draws(gan, "sharpness_ratio"), inputs.draws(vae, "sharpness_ratio")
    gap, where = contrast(of_gan, of_vae)
    means = seed_means(of_gan).mean(), seed_means(of_vae).mean()
    note = f"{gan} {means[0]:.2f}, {vae} {means[1]:.2f}, real images 1.{where}"
    if max(means) > 1 + CLEARLY:
        return measured(gap, OPEN, f"{note} Above 1 specks count as sharpness: this cannot tell crisp from noisy.")
    spread = inputs.spread("sharpness_ratio")
    above, below = side(gap, spread), side(gap, -spread)
    return measured(gap, either(above if above == below else 0), note)


def blurry(inputs: Inputs, vae: str) -> Finding:
    ratio, where = estimate(inputs.draws(vae, "sharpness_ratio"))
    rulers = inputs.summary[(inputs.summary["metric"] == "sharpness_ratio") & (inputs.summary["set"] == "images")]
    blurred = rulers.loc[rulers["model"] == "blurred", "value"]
    beside = f" Real images blurred by one pixel have {blurred.iloc[0]:.2f}." if len(blurred) else ""
    return measured(ratio, either(-side(ratio, 1 - CLEARLY)), f"Real images have 1.{beside}{where}")


def realistic(inputs: Inputs, gan: str, vae: str) -> Finding:
    answers = outcomes(inputs.verdicts)
    both = answers["a"].isin([gan, vae]) & answers["b"].isin([gan, vae])
    answers = answers[both & (answers["question"] == "fidelity")]
    if not len(answers):
        raise NotInThisRun(f"No score of fidelity compares {gan} with {vae}.")
    answer = answers.iloc[0]
    for_gan, for_vae = (answer["for_a"], answer["for_b"])[:: 1 if answer["a"] == gan else -1]
    scores = for_gan + for_vae + answer["open"]
    where = "" if answer["basis"] == "seeds" else " In this one training each."
    note = (
        f"Of {scores} scores {for_gan} are better for {gan} and {for_vae} for {vae}; the rest are not separable.{where}"
    )
    return Finding(either((answer["outcome"] == gan) - (answer["outcome"] == vae)), note, for_gan / scores)


def recognised(inputs: Inputs, model: str) -> Finding:
    share, where = estimate(inputs.clear(model))
    real = float(seed_means(inputs.clear(FLOOR)).mean())
    note = f"Real digits: {100 * real:.1f} %. Whether a label is right cannot be known, as samples have none.{where}"
    return measured(share, either(side(share, real / 2)), note)


def equally_recognised(inputs: Inputs, gan: str, vae: str) -> Finding:
    sides = [[draws for draws in of(inputs.confidence, model, "labels") if len(draws)] for model in (gan, vae)]
    if not all(sides):
        raise NotInThisRun("One of the two drew no clear digit.")
    of_gan, of_vae = sides
    gap, where = contrast(of_gan, of_vae)
    means = [100 * seed_means(draws).mean() for draws in (of_gan, of_vae)]
    note = (
        f"{gan} {means[0]:.2f} %, {vae} {means[1]:.2f} %.{where} Nearly so by construction: a digit is called clear "
        "where the predictor is sure. How often it is right, labels of the samples would have to say."
    )
    return measured(gap, equal(gap, EQUAL), note)


def longer(inputs: Inputs, gan: str, vae: str) -> Finding:
    return ratio_of_times(inputs, gan, vae, lambda record: record["seconds"])


def longer_per_image(inputs: Inputs, gan: str, vae: str) -> Finding:
    return ratio_of_times(inputs, gan, vae, lambda record: record["seconds"] / record["images_seen"])


def ratio_of_times(inputs: Inputs, gan: str, vae: str, time: Callable[[Mapping[str, Any]], float]) -> Finding:
    of_gan, of_vae = (of(inputs.records, model, "training") for model in (gan, vae))
    ratios = np.array([time(a) / time(b) for a in of_gan for b in of_vae])
    seen = [records[0]["images_seen"] for records in (of_gan, of_vae)]
    note = f"{gan} saw {seen[0]:,} images, {vae} {seen[1]:,}.{range_shown(ratios)}"
    verdict = SUPPORTED if ratios.min() > LONGER else REFUTED if ratios.max() <= LONGER else OPEN
    return Finding(verdict, note, float(np.exp(np.log(ratios).mean())), *extremes(ratios))


def extremes(values: np.ndarray) -> tuple[float | None, float | None]:
    """The least and the greatest; of a single value none."""
    return (float(values.min()), float(values.max())) if len(values) > 1 else (None, None)


def range_shown(values: np.ndarray) -> str:
    return " The range is from the least to the greatest." if len(values) > 1 else ""


def harder(inputs: Inputs, gan: str, vae: str) -> Finding:
    raised = [[len(table) > 0 for table in of(inputs.alarms, model, "diagnosis")] for model in (gan, vae)]
    (of_gan, gans), (of_vae, vaes) = ((sum(each), len(each)) for each in raised)
    p = float(np.asarray(fisher_exact([[of_gan, gans - of_gan], [of_vae, vaes - of_vae]]))[1])
    apart = int(np.sign(of_gan / gans - of_vae / vaes)) if p <= LEVEL else 0
    note = (
        f"Alarms in {of_gan} of {gans} trainings of {gan}, in {of_vae} of {vaes} of {vae}.{spreads(inputs, gan, vae)} "
        "This is of one setting each; how many must be tried, a sweep over the settings of both would have to say."
    )
    return Finding(either(apart), note, of_gan / gans, *wilson(of_gan, gans))


def spreads(inputs: Inputs, gan: str, vae: str) -> str:
    """How far the Fréchet distance varies between seeds, in words; nothing with one seed."""
    table = inputs.summary
    rows = table[(table["metric"] == "fd_percent") & (table["space"] == "random") & (table["set"] == "images")]
    shares = (rows["sd_seeds"] / rows["value"]).set_axis(rows["model"]).dropna()
    known = [f"{shares[model]:.0%} of its mean for {model}" for model in (gan, vae) if model in shares]
    return f" Between seeds the Fréchet distance varies by {' and '.join(known)}." if known else ""


def vanishes(inputs: Inputs, gan: str) -> Finding:
    tables = of(inputs.gradients, gan, "experiment with a fresh discriminator")
    tables += list(inputs.gradients.get("gan_saturating", {}).values())
    won = [table for table in tables if table["D_fake"].iloc[-1] < WON]
    note = f"The fresh discriminator won in {len(won)} of {len(tables)} experiments."
    if not won:
        return Finding(OPEN, f"{note} More steps, or a weaker generator, would decide it.")
    minimax, other = (np.array([orders_lost(table[name]) for table in won]) for name in ("saturating", "nonsaturating"))
    note += f"{range_shown(minimax)} The gradient of -log D(G(z)) lost {other.mean():.1f} there (below 0: it grew)."
    verdict = SUPPORTED if minimax.min() >= ORDERS else REFUTED if minimax.max() < ORDERS else OPEN
    return Finding(verdict, note, float(minimax.mean()), *extremes(minimax))


def orders_lost(norms: pd.Series) -> float:
    """By how many powers of ten the last is below the first; negative if it is above."""
    first, last = (max(float(norm), SMALLEST) for norm in (norms.iloc[0], norms.iloc[-1]))
    return math.log10(first / last)


def often_vanishes(inputs: Inputs, saturating: str) -> Finding:
    dead, n = vanished(inputs, saturating)
    beside = "With -log D(G(z)) (gan): {} of {}.".format(*vanished(inputs, "gan")) if "gan" in inputs.alarms else ""
    lower, upper = wilson(dead, n)
    return Finding(either(side(Interval(dead / n, None, lower, upper), 0.5)), beside, dead / n, lower, upper)


def vanished(inputs: Inputs, model: str) -> tuple[int, int]:
    """How many trainings raised that alarm, and of how many."""
    tables = of(inputs.alarms, model, "diagnosis")
    return sum(bool((table["kind"] == "vanishing gradient").any()) for table in tables), len(tables)


def no_stop(inputs: Inputs, gan: str) -> Finding:
    known = [rho for rho in of(inputs.correlations, gan, "history") if not math.isnan(rho)]
    if not known:
        raise NotInThisRun(f"The loss of {gan}, or the labels of its samples, never moved.")
    rho = seed_interval(np.array(known))
    note = (
        "1 would say that the loss falls exactly as the labels of the samples get balanced. That is one side of "
        "quality; a Fréchet distance of each snapshot would decide more."
    )
    return measured(rho, either(-side(rho, TELLS)), note if rho.sd is not None else f"{note} One seed has no interval.")


def no_help(inputs: Inputs, gan: str, vae: str) -> Finding:
    draws = [inputs.draws(model, "conformal_ambiguous") for model in (gan, vae, FLOOR)]
    gap, where = contrast(draws[1], draws[0])
    means = [100 * seed_means(each).mean() for each in draws]
    note = f"{gan} {means[0]:.1f} %, {vae} {means[1]:.1f} %, real digits {means[2]:.1f} %.{where}"
    return measured(gap, equal(gap, max(EQUAL, inputs.spread("conformal_ambiguous"))), note)


def meaningful(inputs: Inputs, vae: str) -> Finding:
    hits = of(inputs.neighbours, vae, "codes")
    share, where = seed_interval(np.array([hit / n for hit, n in hits])), ""
    if len(hits) == 1:
        share, where = Interval(share.mean, None, *wilson(*hits[0])), " In this one training."
    latent = of(inputs.records, vae, "training")[0]["config"].get("latent")
    note = f"A code has {latent} numbers. Completing images from their codes is not measured.{where}"
    return measured(share, either(side(share, 0.5)), note)


CLAIMS = (
    Claim(
        "A GAN’s images are sharper than a VAE’s.",
        "1.2, 4",
        "the GAN’s sharpness ratio less the VAE’s: variance of the Laplacian over that of real images",
        "supported if the interval lies above 0 by more than the spread of real images, refuted if below; not decided "
        f"if a ratio is above {1 + CLEARLY:g}",
        "x",
        ("gan", "vae"),
        sharper,
    ),
    Claim(
        "A VAE’s images are blurry.",
        "3.2, 4",
        "the VAE’s sharpness ratio",
        f"supported if the interval lies below {1 - CLEARLY:g}, refuted if above",
        "x",
        ("vae",),
        blurry,
    ),
    Claim(
        "A GAN’s images are more realistic than a VAE’s.",
        "4",
        "the share of scores of fidelity that are decided for the GAN",
        "supported if the GAN is better in at least one and worse in none, refuted if the VAE is",
        "%",
        ("gan", "vae"),
        realistic,
    ),
    *(
        Claim(
            f"Most digits of a {kind} are predicted as what they are.",
            section,
            "the share of clear digits: one label fits them, by thresholds that hold for real digits",
            "supported if the interval lies above half of the share among real digits, refuted if below",
            "%",
            (model,),
            recognised,
        )
        for kind, model, section in (("GAN", "gan", "3.1"), ("VAE", "vae", "3.2"))
    ),
    Claim(
        "Digits that are clear to the eye are predicted equally well for both.",
        "4",
        "the calibrated confidence in clear digits, the GAN’s less the VAE’s",
        f"supported if the interval lies within {100 * EQUAL:g} percentage point of 0, refuted if outside",
        "%",
        ("gan", "vae"),
        equally_recognised,
    ),
    Claim(
        "A GAN takes longer to train.",
        "2.1",
        "seconds of a training, the GAN’s over the VAE’s",
        f"supported if every training of the GAN took more than {LONGER:g} times as long as every one of the VAE, "
        "refuted if none did",
        "x",
        ("gan", "vae"),
        longer,
    ),
    Claim(
        "It takes longer because two networks need to be trained.",
        "2.1",
        "seconds for each image seen, the GAN’s over the VAE’s: without the difference in epochs",
        f"supported if every training of the GAN took more than {LONGER:g} times as long as every one of the VAE, "
        "refuted if none did",
        "x",
        ("gan", "vae"),
        longer_per_image,
    ),
    Claim(
        "A GAN is harder to tune.",
        "2.1",
        "the share of the GAN’s trainings that raised an alarm",
        f"supported if more of its trainings did than of the VAE’s (Fisher’s exact test, p at most {LEVEL:g}), refuted "
        "if fewer",
        "%",
        ("gan", "vae"),
        harder,
    ),
    Claim(
        "If the discriminator is too good, the generator’s gradient vanishes.",
        "1.2",
        "orders of magnitude that the gradient of log(1 - D(G(z))) loses while a fresh discriminator learns",
        f"of the experiments in which it won (under {100 * WON:g} % of fakes taken for real): supported if each "
        f"gradient lost at least {ORDERS:g}, refuted if none did",
        "",
        ("gan",),
        vanishes,
    ),
    Claim(
        "In training, the generator often runs into a vanishing gradient.",
        "2.1",
        "the share of trainings with the loss log(1 - D(G(z))) that raised this alarm",
        "supported if the interval lies above a half, refuted if below",
        "%",
        ("gan_saturating",),
        often_vanishes,
    ),
    Claim(
        "A loss does not tell when to stop.",
        "3",
        "rank correlation, over the course of a training, of the generator’s loss and the distance of the labels of "
        "its samples from those of real images",
        f"supported if the interval lies below {TELLS:g}, refuted if above",
        "",
        ("gan",),
        no_stop,
    ),
    Claim(
        "A label predictor is no help in comparing the two.",
        "4",
        "the share of ambiguous digits (several labels fit them), the VAE’s less the GAN’s",
        f"supported if the interval lies within {100 * EQUAL:g} percentage point of 0 (or the spread of real digits, "
        "if that is more); refuted if it lies outside, as it then separates the two",
        "%",
        ("gan", "vae"),
        no_help,
    ),
    Claim(
        "A VAE’s latent space has a meaning.",
        "1.2, 4",
        "for how many test images the one with the nearest code is of the same class",
        "supported if the interval lies above a half, refuted if below",
        "%",
        ("vae",),
        meaningful,
    ),
)
