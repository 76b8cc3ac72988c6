"""The sensitivity in small: known damage to images, which each metric sees or does not, as it declares.

The images are rows of 32 pixels with three strokes, at places that make the class. That is enough for each corruption to
exist, in features of a random network, as it does for digits.
"""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from pipeline.metrics import (
    bins,
    birthday,
    clipped,
    conformal,
    frechet,
    kernel,
    labels,
    neighbours,
    novelty,
    prd,
    proportions,
    sharpness,
    two_sample,
    vendi,
)
from pipeline.metrics.catalogue import CATALOGUE

ALONE = {name: metric for name, metric in CATALOGUE.items() if not metric.needs_training}  # of samples alone
WIDTH, N, CLASSES, FLOORS = 32, 1000, 10, 10


class World:
    """Images (n, 32) uint8 of ten classes, their features, and a predictor of their labels."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.places = rng.uniform(3, WIDTH - 4, (CLASSES, 3))
        self.layers = rng.normal(0, 1, (WIDTH, 96)) / 2, rng.normal(0, 0.3, 96), rng.normal(0, 1, (96, 16)) / 7
        self.train, self.train_labels = self.draw(1, 4000)
        self.real, _ = self.draw(2, N)
        self.predictor = LinearDiscriminantAnalysis().fit(self.train / 255, self.train_labels)
        self.members = [
            LinearDiscriminantAnalysis().fit(self.train[i::2] / 255, self.train_labels[i::2]) for i in (0, 1)
        ]
        held_out, true = self.draw(7, 4000)
        scores = conformal.scores(self.predictor.predict_proba(held_out / 255), true)
        # It is wrong on a tenth: as on digits, one set is wrong more often, the other less often.
        self.thresholds = [conformal.threshold(scores, alpha) for alpha in (0.3, 0.04)]
        self.own = novelty.own_distances(self.train)
        self.bins = bins.fit_bins(self.train, rng, 40)
        self.alike = birthday.duplicate_distance(self.train, self.train_labels)

    def draw(self, seed: int, n: int, of: int = CLASSES) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        classes = rng.permutation(np.arange(n) % of)
        centres = self.places[classes] + rng.normal(0, 0.8, (n, 3))
        width, ink = rng.uniform(0.5, 1.1, (n, 3)), rng.uniform(0.6, 1.1, (n, 3))
        strokes = ink * np.exp(-(((np.arange(WIDTH)[:, None, None] - centres) / width) ** 2) / 2)
        return (255 * np.clip(strokes.max(axis=2).T, 0, 1)).round().astype(np.uint8), classes

    def features(self, images: np.ndarray) -> np.ndarray:
        first, offset, second = self.layers
        return np.maximum((images / 255) @ first + offset, 0) @ second

    def corrupted(self, corruption: str) -> np.ndarray:
        rng = np.random.default_rng(3)
        x, _ = self.draw(4, N)
        mean = self.train.mean(axis=0)
        components = np.linalg.svd(self.train - mean, full_matrices=False)[2]
        found = {
            "copies": lambda: self.train[np.argsort(self.train_labels, kind="stable")[:: len(self.train) // N]],
            "blur_slight": lambda: gaussian_filter1d(x.astype(float), 0.6),
            "blur": lambda: gaussian_filter1d(x.astype(float), 1.2),
            "pca_50": lambda: (x - mean) @ components[:14].T @ components[:14] + mean,
            "pca_20": lambda: (x - mean) @ components[:4].T @ components[:4] + mean,
            "noise": lambda: x + rng.normal(0, 40, x.shape),
            "threshold": lambda: (x > 127) * 255,
            "shift": lambda: np.roll(x, 3, axis=1),
            "missing_class": lambda: self.draw(5, N, 9)[0],
            "half_one_class": lambda: np.where(np.arange(N)[:, None] < N // 2, x, self.draw(6, N, 1)[0]),
            "distinct_100": lambda: np.repeat(x[: N // 20], 20, axis=0),
            "distinct_1000": lambda: np.repeat(x[: N // 4], 4, axis=0),
            "mean_of_two": lambda: x / 2 + x[rng.permutation(N)] / 2,
            "part_noise": lambda: np.where(np.arange(N)[:, None] < N // 10, rng.integers(256, size=x.shape), x),
        }[corruption]()
        return np.clip(found, 0, 255).round().astype(np.uint8)


@cache
def world() -> World:
    return World()


@cache
def values(corruption: str) -> dict[str, float]:
    """All scores of a corruption; of new real draws for a corruption that is a number."""
    w, rng = world(), np.random.default_rng(0)
    images = w.draw(100 + int(corruption), N)[0] if corruption.isdigit() else w.corrupted(corruption)
    real, fake = w.features(w.real), w.features(images)
    moments, found = frechet.moments(real), neighbours.neighbourhoods(real, fake)
    curve, compared = prd.prd(real, fake, rng), bins.compare_bins(w.bins, images)
    near, test = novelty.nearest_training(w.train, images), novelty.nearest_training(w.train, w.real)
    support, one = birthday.support_size(images, w.alike, rng), np.zeros(N, int)
    p = w.predictor.predict_proba(images / 255)
    kinds = conformal.kinds(p, *w.thresholds)
    members = np.stack([member.predict_proba(images / 255) for member in w.members])
    predicted, expected = p.argmax(axis=1), np.full(CLASSES, 1 / CLASSES)
    shares = proportions.shares(predicted, CLASSES)
    by_class = vendi.vendi_by_class(fake, predicted)
    real_by_class = vendi.vendi_by_class(real, w.predictor.predict(w.real / 255))
    rows, real_rows = images[:, None], w.real[:, None]
    spectra = [sharpness.radial_spectrum(x) for x in (rows, real_rows)]
    return {
        "fd_percent": frechet.percent(frechet.frechet_distance(moments, frechet.moments(fake)), moments),
        "fd_infinity_percent": frechet.percent(frechet.frechet_infinity(moments, fake, rng).value, moments),
        "kd": kernel.kernel_distance(*kernel.standardised(real, fake)).value,
        "precision": neighbours.precision(found),
        "recall": neighbours.recall(found),
        "density": neighbours.density(found),
        "coverage": neighbours.coverage(found),
        "clipped_density": clipped.clipped_density(found),
        "clipped_coverage": clipped.clipped_coverage(found),
        "nearest_neighbour_accuracy": two_sample.one_nearest_neighbour(found).accuracy,
        "prd_precision": curve.f(1 / 8),
        "prd_recall": curve.f(8.0),
        "vendi_ratio": vendi.vendi_ratio(by_class, real_by_class),
        "ndb": compared.different,
        "bins_js": compared.divergence,
        "support": support.by_birthday or support.at_least or 1,
        "support_by_pairs": support.by_pairs or support.at_least or 1,
        "label_distance": labels.total_variation(shares, expected),
        "label_js": labels.jensen_shannon(shares, expected),
        "label_p": labels.g_test(np.bincount(predicted, minlength=CLASSES), np.full(CLASSES, 6000)),
        "missing_modes": float(len(labels.missing_modes(shares, expected))),
        "classifier_score": labels.classifier_score(p),
        "ambiguous": float((p.max(axis=1) < 0.9).mean()),
        "conformal_ambiguous": float((kinds == "ambiguous").mean()),
        "conformal_unlike": float((kinds == "unlike").mean()),
        "disagreement": float(conformal.mutual_information(members).mean()),
        "authenticity": novelty.authenticity(near, w.own),
        "copying": novelty.copying(test.distance, one, near.distance, one),
        "sharpness_ratio": float(np.divide(*(sharpness.laplacian_variance(x).mean() for x in (rows, real_rows)))),
        "spectrum_distance": sharpness.spectrum_distance(*spectra),
    }


def excess(name: str, corruption: str) -> float:
    """As of the sensitivity of a run; here real images are new draws."""
    floors = np.array([values(str(i))[name] for i in range(FLOORS)])
    return sensitivity.excess(CATALOGUE[name], np.array([values(corruption)[name]]), floors)


def pairs(side: str) -> list[tuple[str, str]]:
    return [(name, corruption) for name, metric in ALONE.items() for corruption in getattr(metric, side)]


def test_every_metric_of_samples_alone_is_tried() -> None:
    assert set(values("0")) == set(ALONE)


@pytest.mark.parametrize(("name", "corruption"), pairs("sees"))
def test_a_metric_gets_worse_on_what_it_sees(name: str, corruption: str) -> None:
    assert excess(name, corruption) > sensitivity.UNSEEN


@pytest.mark.parametrize(("name", "corruption"), pairs("blind"))
def test_a_metric_does_not_get_worse_on_what_it_is_blind_to(name: str, corruption: str) -> None:
    assert excess(name, corruption) < sensitivity.SEEN


def test_new_real_draws_are_what_the_numbers_say_they_are() -> None:
    found = {name: np.mean([values(str(i))[name] for i in range(FLOORS)]) for name in values("0")}
    assert found["density"] == pytest.approx(1, abs=0.06)
    assert found["coverage"] == pytest.approx(neighbours.expected_coverage(N, N, 5), abs=0.02)
    assert found["nearest_neighbour_accuracy"] == pytest.approx(0.5, abs=0.04)
    assert found["clipped_density"] > 0.92 and found["clipped_coverage"] > 0.9
    assert found["vendi_ratio"] == pytest.approx(1, abs=0.03) and abs(found["copying"]) < 3
    assert found["fd_infinity_percent"] < found["fd_percent"] < 2 and abs(found["kd"]) < 0.05
    assert found["ndb"] < 0.15 and found["sharpness_ratio"] == pytest.approx(1, abs=0.03)
    assert found["missing_modes"] == 0 and found["label_p"] > 0.05
