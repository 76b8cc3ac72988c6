"""Judge the paper's claims: the text, measure and rule of each are stated next to the function that judges it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from pipeline.analysis import vanishing
from pipeline.analysis.claim_inputs import UNCLEAR, Inputs, NotInThisRun, contrast, estimate, of, side
from pipeline.analysis.claims import OPEN, REFUTED, SUPPORTED, Claim, Finding, either, equal, measured
from pipeline.analysis.summary import seed_means
from pipeline.analysis.uncertainty import Interval, seed_interval
from pipeline.analysis.vanishing import WON, orders_lost
from pipeline.analysis.verdicts import DRAWS, outcomes
from pipeline.core.names import BLURRED, TEST
from pipeline.metrics.proportions import wilson

CLEARLY = 0.1  # distance of a sharpness ratio from 1, beyond which images are not as sharp as real ones
LONGER = 1.25  # ratio of CPU seconds that the load of the machine cannot explain
ORDERS = 2.0  # powers of ten; a gradient that lost as many has vanished
TELLS = 0.5  # rank correlation above which a loss is informative
EQUAL = 0.01  # difference of shares below which it does not matter
LEVEL = 0.05  # significance level

CLAIMS: list[Claim] = []
"""All claims, in the order of their functions."""


def claim(**about: Any) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
    """Register a function as the judge of a claim, whose text is `about`; two claims may share one function."""

    def register(finding: Callable[..., Finding]) -> Callable[..., Finding]:
        CLAIMS.append(Claim(finding=finding, **about))
        return finding

    return register


@claim(
    claim="A GAN’s images are sharper than a VAE’s.",
    section="1.2, 4",
    measure="sharpness ratio of the GAN minus that of the VAE (variance of the Laplacian / that of real images)",
    rule=(
        "supported if the sharpness ratio is decided between the two, as for the verdicts, and that of the GAN is "
        "larger; refuted if it is decided and that of the VAE is larger; not decided if a ratio is above "
        f"{1 + CLEARLY:g}"
    ),
    unit="x",
    roles=("gan", "vae"),
)
def sharper(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Compare the sharpness ratios of a GAN and a VAE."""
    means = [float(seed_means(inputs.draws(model, "sharpness_ratio")).mean()) for model in (gan, vae)]
    note = f"{gan} {means[0]:.2f}, {vae} {means[1]:.2f}, real images 1."
    if max(means) > 1 + CLEARLY:
        note += " Above 1, crisp cannot be told from noisy, because specks count as sharp."
        return Finding(OPEN, note, means[0] - means[1])
    tests = compared(inputs, gan, vae)
    test = tests[tests["metric"] == "sharpness_ratio"]
    verdict = either(int(np.sign(means[0] - means[1]))) if test["decided"].any() else OPEN
    return Finding(verdict, f"{note}{only_draws(test)}", means[0] - means[1])


@claim(
    claim="A VAE’s images are blurry.",
    section="3.2, 4",
    measure="the VAE’s sharpness ratio",
    rule=f"supported if the interval lies below {1 - CLEARLY:g}, refuted if it lies above",
    unit="x",
    roles=("vae",),
)
def blurry(inputs: Inputs, vae: str) -> Finding:
    """Compare the sharpness ratio of a VAE with that of real images."""
    ratio, where = inputs.ratio(vae, "sharpness_ratio")
    baselines = inputs.summary[(inputs.summary["metric"] == "sharpness_ratio") & (inputs.summary["set"] == "images")]
    blurred = baselines.loc[baselines["model"] == BLURRED, "value"]
    beside = f" The ratio of real images blurred by one pixel is {blurred.iloc[0]:.2f}." if len(blurred) else ""
    return measured(ratio, either(-side(ratio, 1 - CLEARLY)), f"The ratio of real images is 1.{beside}{where}")


@claim(
    claim="A GAN’s images are more realistic than a VAE’s.",
    section="4",
    measure="share of the primary scores of “Do they look real?” that are decided for the GAN",
    rule="supported if the verdict on that question is for the GAN, refuted if it is for the VAE",
    unit="%",
    roles=("gan", "vae"),
)
def realistic(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Take the verdict on fidelity."""
    tests = compared(inputs, gan, vae)
    answer = next((each for each in outcomes(tests) if each.question == "fidelity"), None)
    if answer is None or not len(answer.primary):
        raise NotInThisRun(f"No primary score of fidelity compares {gan} with {vae}.")
    for_gan, for_vae = ((answer.primary["decided"] == model).sum() for model in (gan, vae))
    note = (
        f"Of {len(answer.primary)} primary scores, {for_gan} are decided for {gan} and {for_vae} for {vae}."
        f"{only_draws(answer.primary)}"
    )
    verdict = either((answer.outcome == gan) - (answer.outcome == vae))
    return Finding(verdict, note, for_gan / len(answer.primary))


def compared(inputs: Inputs, a: str, b: str) -> pd.DataFrame:
    """Return the rows of the verdicts table on two models, in either order.

    Raises:
        NotInThisRun: one of them failed, so that they were not compared.
    """
    tests = inputs.verdicts[inputs.verdicts["a"].isin([a, b]) & inputs.verdicts["b"].isin([a, b])]
    if not len(tests):
        raise NotInThisRun(f"{a} and {b} were not compared: one of them is no better than noise.")
    return tests


def only_draws(tests: pd.DataFrame) -> str:
    """Return the sentence that qualifies tests of one training each; empty for others."""
    return " In this one training each, by their draws." if (tests["basis"] == DRAWS).any() else ""


@claim(
    claim="Most digits of a VAE are predicted as what they are.",
    section="3.2",
    measure="share of clear digits: exactly one label is possible, by thresholds calibrated on real digits",
    rule="supported if the interval lies above half of the share of real digits, refuted if it lies below",
    unit="%",
    roles=("vae",),
)
@claim(
    claim="Most digits of a GAN are predicted as what they are.",
    section="3.1",
    measure="share of clear digits: exactly one label is possible, by thresholds calibrated on real digits",
    rule="supported if the interval lies above half of the share of real digits, refuted if it lies below",
    unit="%",
    roles=("gan",),
)
def recognised(inputs: Inputs, model: str) -> Finding:
    """Compare the share of clear digits of a model with that of real digits."""
    share, where = estimate(inputs.clear(model), inputs.sd_seeds(model, *UNCLEAR))
    real = float(seed_means(inputs.clear(TEST)).mean())
    note = f"Real digits: {100 * real:.1f} %. Samples have no true label, so a prediction cannot be checked.{where}"
    return measured(share, either(side(share, real / 2)), note)


@claim(
    claim="Digits that are clear to the eye are predicted equally well for both.",
    section="4",
    measure="mean calibrated confidence in clear digits, of the GAN minus that of the VAE",
    rule=f"supported if the interval lies within {100 * EQUAL:g} percentage point of 0, refuted if it lies outside",
    unit="%",
    roles=("gan", "vae"),
)
def equally_recognised(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Compare the confidence in clear digits between two models."""
    sides = [[draws for draws in of(inputs.confidence, model, "labels") if len(draws)] for model in (gan, vae)]
    if not all(sides):
        raise NotInThisRun("One of the two drew no clear digit.")
    of_gan, of_vae = sides
    gap, where = contrast(of_gan, of_vae)
    means = [100 * seed_means(draws).mean() for draws in (of_gan, of_vae)]
    note = (
        f"{gan} {means[0]:.2f} %, {vae} {means[1]:.2f} %.{where} This is nearly so by construction: a digit is called "
        "clear if the classifier is sure. How often it is right cannot be known without labels of the samples."
    )
    return measured(gap, equal(gap, EQUAL), note)


@claim(
    claim="A GAN takes longer to train.",
    section="2.1",
    measure="CPU seconds of training, of the GAN / of the VAE",
    rule=(
        f"supported if every training run of the GAN took more than {LONGER:g} times as long as every one of the VAE, "
        "refuted if none did"
    ),
    unit="x",
    roles=("gan", "vae"),
)
def longer(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Compare the training times of a GAN and a VAE."""
    return ratio_of_times(inputs, gan, vae, lambda record: record["cpu_seconds"])


@claim(
    claim="It takes longer because two networks need to be trained.",
    section="2.1",
    measure="CPU seconds of training per image seen, of the GAN / of the VAE, so that epochs do not matter",
    rule=(
        f"supported if every training run of the GAN took more than {LONGER:g} times as long as every one of the VAE, "
        "refuted if none did"
    ),
    unit="x",
    roles=("gan", "vae"),
)
def longer_per_image(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Compare the training times per image of a GAN and a VAE."""
    return ratio_of_times(inputs, gan, vae, lambda record: record["cpu_seconds"] / record["images_seen"])


def ratio_of_times(inputs: Inputs, gan: str, vae: str, time: Callable[[Mapping[str, Any]], float]) -> Finding:
    """Judge the ratios of the times of each training run of the GAN to each of the VAE."""
    of_gan, of_vae = (of(inputs.records, model, "training") for model in (gan, vae))
    ratios = np.array([time(a) / time(b) for a in of_gan for b in of_vae])
    seen = [records[0]["images_seen"] for records in (of_gan, of_vae)]
    note = f"{gan} saw {seen[0]:,} images, {vae} {seen[1]:,}.{range_shown(ratios)}"
    verdict = SUPPORTED if ratios.min() > LONGER else REFUTED if ratios.max() <= LONGER else OPEN
    return Finding(verdict, note, float(np.exp(np.log(ratios).mean())), *extremes(ratios))


def extremes(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return the smallest and the largest value; None for both if there is a single value."""
    return (float(values.min()), float(values.max())) if len(values) > 1 else (None, None)


def range_shown(values: np.ndarray) -> str:
    """Return the sentence that explains a range; empty for a single value."""
    return " The range is from the smallest value to the largest." if len(values) > 1 else ""


@claim(
    claim="A GAN is harder to tune.",
    section="2.1",
    measure="share of the GAN’s training runs that raised an alarm",
    rule=(
        f"supported if this share is larger than the VAE’s (Fisher’s exact test, p at most {LEVEL:g}), refuted if it "
        "is smaller"
    ),
    unit="%",
    roles=("gan", "vae"),
)
def harder(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Compare the shares of training runs with an alarm between a GAN and a VAE."""
    raised = [[len(table) > 0 for table in of(inputs.alarms, model, "diagnosis")] for model in (gan, vae)]
    (of_gan, gans), (of_vae, vaes) = ((sum(each), len(each)) for each in raised)
    p = float(np.asarray(fisher_exact([[of_gan, gans - of_gan], [of_vae, vaes - of_vae]]))[1])
    apart = int(np.sign(of_gan / gans - of_vae / vaes)) if p <= LEVEL else 0
    note = (
        f"Alarms in {of_gan} of {gans} training runs of {gan} and {of_vae} of {vaes} of {vae}."
        f"{spreads(inputs, gan, vae)} Each model has one setting here; a sweep over settings would say more."
    )
    return Finding(either(apart), note, of_gan / gans, *wilson(of_gan, gans))


def spreads(inputs: Inputs, gan: str, vae: str) -> str:
    """Say how far the Fréchet distance varies between seeds; return an empty text with one seed."""
    table = inputs.summary
    rows = table[(table["metric"] == "fd_percent") & (table["space"] == "random") & (table["set"] == "images")]
    shares = (rows["sd_seeds"] / rows["value"]).set_axis(rows["model"]).dropna()
    known = [f"{shares[model]:.0%} of its mean for {model}" for model in (gan, vae) if model in shares]
    return f" Between seeds the Fréchet distance varies by {' and '.join(known)}." if known else ""


@claim(
    claim="If the discriminator is too good, the generator’s gradient vanishes.",
    section="1.2",
    measure="orders of magnitude by which the gradient of log(1 − D(G(z))) falls while a fresh discriminator learns",
    rule=(
        f"in the experiments that the discriminator won (it took under {100 * WON:g} % of fakes for real): supported "
        f"if each gradient fell by at least {ORDERS:g}, refuted if none did"
    ),
    unit="",
    roles=("gan",),
)
def vanishes(inputs: Inputs, gan: str) -> Finding:
    """Judge how far the generator's gradient falls against a fresh discriminator."""
    tables = of(inputs.gradients, gan, "experiment with a fresh discriminator")
    tables += list(inputs.gradients.get("gan_saturating", {}).values())
    won = [table for table in tables if vanishing.won(table)]
    note = f"The fresh discriminator won in {len(won)} of {len(tables)} experiments."
    if not won:
        return Finding(OPEN, f"{note} More steps, or a weaker generator, would decide it.")
    minimax, other = (np.array([orders_lost(table[name]) for table in won]) for name in ("saturating", "nonsaturating"))
    note += f"{range_shown(minimax)} The gradient of −log D(G(z)) fell by {other.mean():.1f} there (below 0: it grew)."
    verdict = SUPPORTED if minimax.min() >= ORDERS else REFUTED if minimax.max() < ORDERS else OPEN
    return Finding(verdict, note, float(minimax.mean()), *extremes(minimax))


@claim(
    claim="In training, the generator often runs into a vanishing gradient.",
    section="2.1",
    measure="share of training runs with the loss log(1 − D(G(z))) that raised the alarm “vanishing gradient”",
    rule="supported if the interval lies above a half, refuted if it lies below",
    unit="%",
    roles=("gan_saturating",),
)
def often_vanishes(inputs: Inputs, saturating: str) -> Finding:
    """Judge how often training with the saturating loss raises the alarm."""
    dead, n = vanished(inputs, saturating)
    beside = "With −log D(G(z)) (gan): {} of {}.".format(*vanished(inputs, "gan")) if "gan" in inputs.alarms else ""
    lower, upper = wilson(dead, n)
    return Finding(either(side(Interval(dead / n, None, lower, upper), 0.5)), beside, dead / n, lower, upper)


def vanished(inputs: Inputs, model: str) -> tuple[int, int]:
    """Return how many training runs raised the alarm, and how many there are."""
    tables = of(inputs.alarms, model, "diagnosis")
    return sum(bool((table["kind"] == "vanishing gradient").any()) for table in tables), len(tables)


@claim(
    claim="A loss does not tell when to stop.",
    section="3",
    measure=(
        "rank correlation, over the course of a training run, between the generator’s loss and the label distance "
        "(total variation between the predicted labels of its samples and of real images)"
    ),
    rule=f"supported if the interval lies below {TELLS:g}, refuted if it lies above",
    unit="",
    roles=("gan",),
)
def no_stop(inputs: Inputs, gan: str) -> Finding:
    """Judge whether the generator's loss follows the distance of the labels."""
    known = [rho for rho in of(inputs.correlations, gan, "history") if not math.isnan(rho)]
    if not known:
        raise NotInThisRun(f"The loss of {gan}, or the labels of its samples, never moved.")
    rho = seed_interval(np.array(known))
    note = (
        "A correlation of 1 would mean that the loss falls exactly as the labels approach those of real images. That "
        "is only one aspect of quality; a Fréchet distance for each snapshot would decide more."
    )
    return measured(rho, either(-side(rho, TELLS)), note if rho.sd is not None else f"{note} One seed has no interval.")


@claim(
    claim="A classifier is no help in comparing the two.",
    section="4",
    measure="share of ambiguous digits (several labels are possible), of the VAE minus that of the GAN",
    rule=(
        f"supported if the interval lies within {100 * EQUAL:g} percentage point of 0 (or within the standard "
        "deviation between draws of real digits, if that is larger); refuted if it lies outside: the share then "
        "separates the two"
    ),
    unit="%",
    roles=("gan", "vae"),
)
def no_help(inputs: Inputs, gan: str, vae: str) -> Finding:
    """Compare the shares of ambiguous digits of two models."""
    draws = [inputs.draws(model, "conformal_ambiguous") for model in (gan, vae, TEST)]
    known = [inputs.sd_seeds(model, "conformal_ambiguous") for model in (vae, gan)]
    gap, where = contrast(draws[1], draws[0], known)
    means = [100 * seed_means(each).mean() for each in draws]
    note = f"{gan} {means[0]:.1f} %, {vae} {means[1]:.1f} %, real digits {means[2]:.1f} %.{where}"
    return measured(gap, equal(gap, max(EQUAL, inputs.spread("conformal_ambiguous"))), note)


@claim(
    claim="A VAE’s latent space has a meaning.",
    section="1.2, 4",
    measure="share of test images whose nearest neighbour in the latent space is of the same class",
    rule="supported if the interval lies above a half, refuted if it lies below",
    unit="%",
    roles=("vae",),
)
def meaningful(inputs: Inputs, vae: str) -> Finding:
    """Judge how often nearest neighbours in the latent space share a class."""
    hits = of(inputs.neighbours, vae, "codes")
    share, where = seed_interval(np.array([hit / n for hit, n in hits])), ""
    if len(hits) == 1:
        share, where = Interval(share.mean, None, *wilson(*hits[0])), " In this one training."
    latent = of(inputs.records, vae, "training")[0]["config"].get("latent")
    note = f"A code has {latent} numbers. Completing images from codes is not measured.{where}"
    return measured(share, either(side(share, 0.5)), note)
