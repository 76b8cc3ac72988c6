"""Compute all scores of one draw of samples."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.data.dataset import Dataset
from pipeline.evaluation.protocol import Halves, halves, stream
from pipeline.evaluation.reference import Reference, vectors
from pipeline.metrics import bins, birthday, clipped, frechet, kernel, neighbours, novelty, prd, two_sample, vendi
from pipeline.metrics import labels as of_labels
from pipeline.metrics.clusters import cells
from pipeline.metrics.inputs import TooFew
from pipeline.metrics.proportions import shares, wilson
from pipeline.metrics.sharpness import laplacian_variance, radial_spectrum, spectrum_distance

Row = dict[str, Any]
Details = dict[str, np.ndarray]
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Draw:
    """Hold independent samples of one source, with all that scores need of them."""

    images: np.ndarray  # (n, 28, 28) uint8
    labels: pd.DataFrame  # n rows: label, confidence, disagreement, kind, p_0, p_1, ...
    features: Mapping[str, np.ndarray]  # (n, d) for each feature space
    nearest: Mapping[str, novelty.Nearest]  # the training image nearest to each, for each space of novelty
    alike: birthday.Alike  # which of the images count as one
    number: int  # of the draw: 0, 1, ...
    are_test: bool = False  # these are the test images themselves


def evaluate(
    draw: Draw, data: Dataset, reference: Reference, ambiguous_below: float, tell: Tell
) -> tuple[list[Row], Details]:
    """Return all scores of one draw, and the curves and neighbours that figures show.

    Args:
        draw: the samples.
        data: the real images.
        reference: what scores need of the real images.
        ambiguous_below: the confidence below which the classifier counts as unsure.
        tell: is called with a message for each score that needs more samples.

    Returns:
        Rows with metric, space, label, value, lower, upper, n, digest, where a score has them; arrays by name.
    """
    pairs = halves(len(draw.images), len(data.test_images), draw.number, draw.are_test)
    details: Details = {}
    rows: list[Row] = []
    if not (draw.are_test and draw.number):  # the test images as a whole are the same in each draw
        rows += label_rows(draw.labels, data, ambiguous_below)
        rows += sharpness_rows(draw.images, data.test_images, details)
        rows += bin_rows(draw, reference, details)
        rows += support_rows(draw)
    for space in reference.features:
        rows += feature_rows(space, draw, reference, pairs, details, tell)
    for space in reference.training:
        rows += novelty_rows(space, draw, reference, pairs, details, tell)
    return rows, details


def label_rows(table: pd.DataFrame, data: Dataset, ambiguous_below: float) -> Iterator[Row]:
    """Yield the scores of the labels that the classifier predicts for n samples."""
    labels, confidence, n = table["label"].to_numpy(), table["confidence"].to_numpy(), len(table)
    classes = len(data.class_names)
    counts, trained = np.bincount(labels, minlength=classes), np.bincount(data.train_labels, minlength=classes)
    found, expected = shares(labels, classes), shares(data.train_labels, classes)
    for label, count in enumerate(counts):
        yield {"metric": "share", "label": label, **proportion(count, n)}
    yield {"metric": "label_distance", "value": of_labels.total_variation(found, expected), "n": n}
    yield {"metric": "label_js", "value": of_labels.jensen_shannon(found, expected), "n": n}
    yield {"metric": "label_p", "value": of_labels.g_test(counts, trained), "n": n}
    yield {"metric": "missing_modes", "value": len(of_labels.missing_modes(found, expected)), "n": n}
    probabilities = table[[f"p_{label}" for label in range(classes)]].to_numpy()
    yield {"metric": "classifier_score", "value": of_labels.classifier_score(probabilities), "n": n}
    yield {"metric": "confidence", **mean(confidence)}
    yield {"metric": "ambiguous", **proportion((confidence < ambiguous_below).sum(), n)}
    yield {"metric": "conformal_ambiguous", **proportion((table["kind"] == "ambiguous").sum(), n)}
    yield {"metric": "conformal_unlike", **proportion((table["kind"] == "unlike").sum(), n)}
    yield {"metric": "disagreement", **mean(table["disagreement"].to_numpy())}


def sharpness_rows(images: np.ndarray, real: np.ndarray, details: Details) -> Iterator[Row]:
    """Yield the sharpness, its ratio to that of real images, and the distance of the power spectra."""
    row, of_real = mean(laplacian_variance(images)), laplacian_variance(real).mean()
    yield {"metric": "sharpness", "space": "pixels", **row}
    ratio = {key: value if key == "n" else value / of_real for key, value in row.items()}
    yield {"metric": "sharpness_ratio", "space": "pixels", **ratio}
    details["spectrum"] = radial_spectrum(images)
    distance = spectrum_distance(details["spectrum"], radial_spectrum(real))
    yield {"metric": "spectrum_distance", "space": "pixels", "value": distance, "n": len(images)}


def bin_rows(draw: Draw, reference: Reference, details: Details) -> Iterator[Row]:
    """Yield the scores of the bins, and keep the test of each bin for its figure."""
    found = bins.compare_bins(reference.bins, vectors(draw.images))
    details |= {"bins_z": found.z, "bins_train": found.train, "bins_fake": found.fake}
    for metric, value in (("ndb", found.different), ("bins_js", found.divergence)):
        yield {"metric": metric, "space": "pixels", "value": value, "n": len(draw.images)}


def support_rows(draw: Draw) -> Iterator[Row]:
    """Yield the estimates of the support size. Without a repetition, the value is the lower bound."""
    found = birthday.support_size(draw.alike, stream(draw.number, "support", "pixels"))
    for metric, value in (("support", found.by_birthday), ("support_by_pairs", found.by_pairs)):
        shown = found.at_least if value is None else value
        yield {"metric": metric, "space": "pixels", "value": shown, "lower": found.at_least, "n": len(draw.images)}


def feature_rows(
    space: str,
    draw: Draw,
    reference: Reference,
    pairs: Halves,
    details: Details,
    tell: Tell,
) -> Iterator[Row]:
    """Yield the scores of samples against test images in one feature space: means over the two halves."""
    x, y = reference.features[space], draw.features[space]
    about = {"space": space, "n": len(pairs[0][0]), "digest": reference.digests[space]}
    labels = draw.labels["label"].to_numpy()
    compared = [Pair(x[real], y[fake], reference.labels[real], labels[fake]) for real, fake in pairs]
    for scores in FEATURE_SCORES:
        rng = stream(draw.number, scores.__name__, space)
        try:
            found = [scores(pair, rng) for pair in compared]
        except TooFew as few:
            tell(f"{space}, {scores.__name__.replace('_', ' ')}: {few}")
            continue
        for name in found[0]:
            both = np.mean(np.array([values[name] for values in found]), axis=0)
            if both.ndim:
                details[f"{name}/{space}"] = both
            else:
                yield {"metric": name, "value": float(both), **about}
    yield {"metric": "kd", **kernel_distance(compared, draw.are_test), **about}


@dataclass(frozen=True, eq=False)
class Pair:
    """Hold real and fake features, (n, d) each, and their predicted labels (n,)."""

    real: np.ndarray
    fake: np.ndarray
    real_labels: np.ndarray
    fake_labels: np.ndarray


Scores = dict[str, float | np.ndarray]  # an array is a curve


def moments(pair: Pair, _: np.random.Generator) -> Scores:
    """Return the Fréchet distance, in percent of the real variance."""
    real = frechet.moments(pair.real)
    distance = frechet.frechet_distance(real, frechet.moments(pair.fake))
    return {"fd_percent": frechet.percent(distance, real)}


def extrapolation(pair: Pair, rng: np.random.Generator) -> Scores:
    """Return the Fréchet distance for infinitely many samples, and the points that its line was fitted to."""
    real = frechet.moments(pair.real)
    line = frechet.frechet_infinity(real, pair.fake, rng)
    return {
        "fd_infinity_percent": frechet.percent(line.value, real),
        "fd_sizes": line.sizes,
        "fd_distances": np.array([frechet.percent(distance, real) for distance in line.distances]),
    }


def balls(pair: Pair, _: np.random.Generator) -> Scores:
    """Return the scores from nearest neighbours: precision, recall, density, coverage, and the two-sample test."""
    found = neighbours.neighbourhoods(pair.real, pair.fake)
    return {
        "precision": neighbours.precision(found),
        "recall": neighbours.recall(found),
        "density": neighbours.density(found),
        "coverage": neighbours.coverage(found),
        "clipped_density": clipped.clipped_density(found),
        "clipped_coverage": clipped.clipped_coverage(found),
        "nearest_neighbour_accuracy": two_sample.one_nearest_neighbour(found).accuracy,
    }


def precision_recall_curve(pair: Pair, rng: np.random.Generator) -> Scores:
    """Return the PRD curve and its two F scores."""
    curve = prd.prd(pair.real, pair.fake, rng)
    return {
        **{"prd_precision": curve.f(1 / 8), "prd_recall": curve.f(8.0)},
        **{"curve_precision": curve.precision, "curve_recall": curve.recall},
    }


def diversity(pair: Pair, _: np.random.Generator) -> Scores:
    """Return the Vendi score within classes, as a ratio to that of real images."""
    real, fake = (
        vendi.vendi_by_class(x, labels) for x, labels in ((pair.real, pair.real_labels), (pair.fake, pair.fake_labels))
    )
    return {"vendi_ratio": vendi.vendi_ratio(fake, real)}


FEATURE_SCORES = (moments, extrapolation, balls, precision_recall_curve, diversity)


def kernel_distance(pairs: list[Pair], are_test: bool) -> Row:
    """Return the mean over both pairs, with a 95 % interval from the variance of the U statistic if that is above 0."""
    found = [kernel.kernel_distance(*kernel.standardised(pair.real, pair.fake)) for pair in pairs]
    value = float(np.mean([each.value for each in found]))
    # The mean of two independent comparisons has half the variance. The halves of the test images, compared both ways,
    # are a single comparison.
    variance = float(np.mean([each.variance for each in found])) / (1 if are_test else len(found))
    half = 1.96 * math.sqrt(variance) if variance > 0 else math.nan
    return {"value": value, "lower": value - half, "upper": value + half}


def novelty_rows(
    space: str, draw: Draw, reference: Reference, pairs: Halves, details: Details, tell: Tell
) -> Iterator[Row]:
    """Yield the novelty scores: how near the samples come to the training images."""
    training = reference.training[space]
    samples = vectors(draw.images) if space == "pixels" else draw.features[space]
    nearest = draw.nearest[space]
    details |= {f"nearest_index/{space}": nearest.index, f"nearest_distance/{space}": nearest.distance}
    about = {"space": space} | ({"digest": reference.digests[space]} if space in reference.digests else {})
    yield {
        "metric": "authenticity",
        "value": novelty.authenticity(nearest, training.own),
        **about,
        "n": len(samples),
    }
    cell = cells(samples, training.centres)
    try:
        found = [
            novelty.copying(training.test[real], training.test_cells[real], nearest.distance[fake], cell[fake])
            for real, fake in pairs
        ]
    except TooFew as few:
        tell(f"{space}: {few}")
    else:
        yield {"metric": "copying", "value": float(np.mean(found)), **about, "n": len(pairs[0][0])}


def proportion(count: np.integer | int, n: int) -> Row:
    """Return a share of n with its 95 % Wilson interval."""
    lower, upper = wilson(int(count), n)
    return {"value": count / n, "lower": lower, "upper": upper, "n": n}


def mean(values: np.ndarray) -> Row:
    """Return a mean with its 95 % confidence interval for large n."""
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    middle = values.mean()
    return {"value": middle, "lower": middle - half, "upper": middle + half, "n": len(values)}
