"""The tests that train a network, against accuracies that are known, and the stages that ask them of samples."""

from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from contract import FLOAT32
from scipy.stats import binom, norm
from workspace import toy_images

from pipeline.analysis.sensitivity import SEEN, excess
from pipeline.core import artifacts
from pipeline.core.params import Compute, Samples
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.evaluation import network_tests
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.network_tests import RATE, c2st, labels_learned_from
from pipeline.metrics.base import BASELINE_OF
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.metrics.network_scores import C2st, accuracy, c2st_scores
from pipeline.stages import c2st as c2st_stage
from pipeline.stages import cas as cas_stage

COMPUTE = Compute(device="cpu", precision="float32", threads=1)
SAMPLES = Samples(count=100, draws=2)


def grey(means: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Images (n, 28, 28) of one grey each: a Gaussian of unit variance around each mean, in steps of 1/20."""
    levels = 128 + 20 * (means + rng.standard_normal(len(means)))
    return torch.from_numpy(
        np.broadcast_to(levels.round().clip(0, 255)[:, None, None], (len(means), 28, 28)).astype("u1")
    )


def test_two_gaussians_are_told_apart_as_well_as_bayes_does_and_no_better() -> None:
    rng, delta = np.random.default_rng(0), 1.5
    real, fake = (grey(np.full(3000, mean), rng) for mean in (0.0, delta))
    found = c2st_scores(*c2st(real, fake, FLOAT32, 0))
    best = norm.cdf(delta / 2)
    assert found.n == 3000 and best - 0.03 < found.accuracy < best + 3 * (best * (1 - best) / 3000) ** 0.5
    assert found.lower < best < found.upper + 0.02 and found.p < 1e-100
    # The log odds are delta times the distance from the middle: their means are delta^2 apart.
    assert found.gap == pytest.approx(delta**2, rel=0.15)


def test_images_of_one_distribution_are_told_apart_by_chance_only() -> None:
    """Sixty tests at once: a network that learned its images by heart knows nothing of others."""
    rng = np.random.default_rng(0)
    found = []
    for seed in range(60):
        real, fake = (torch.from_numpy(rng.integers(0, 256, (100, 28, 28), np.uint8)) for _ in range(2))
        found.append(c2st_scores(*c2st(real, fake, FLOAT32, seed)))
    right = sum(round(each.accuracy * each.n) for each in found)
    assert abs(norm.ppf(binom.cdf(right, 6000, 0.5))) < 3.3
    assert sum(each.p < 0.05 for each in found) <= binom.ppf(0.999, 60, 0.05)
    assert sum(each.lower <= 0.5 <= each.upper for each in found) >= binom.ppf(0.001, 60, 0.95)


def test_images_that_are_repeated_are_recognised() -> None:
    rng = np.random.default_rng(0)
    real, few = (torch.from_numpy(rng.integers(0, 256, (n, 28, 28), np.uint8)) for n in (400, 10))
    found = c2st_scores(*c2st(real, few.repeat(40, 1, 1), FLOAT32, 0))
    assert found.accuracy > 0.9


def test_a_test_follows_its_seed_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    real, fake = (torch.from_numpy(rng.integers(0, 256, (50, 28, 28), np.uint8)) for _ in range(2))
    torch.manual_seed(1)
    first = c2st(real, fake, FLOAT32, 3)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again, other = c2st(real, fake, FLOAT32, 3), c2st(real, fake, FLOAT32, 4)
    assert torch.equal(state, torch.get_rng_state())
    for one, same, another in zip(first, again, other, strict=True):
        assert one.shape == (25,) and np.array_equal(one, same) and not np.array_equal(one, another)


def test_sets_that_size_alone_would_tell_apart_are_refused() -> None:
    images = torch.zeros(5, 28, 28, dtype=torch.uint8)
    with pytest.raises(
        ValueError, match="expected as many fake images as real ones, at least 2 of each; found 4 and 5"
    ):
        c2st(images, images[:4], FLOAT32, 0)
    with pytest.raises(ValueError, match="found 1 and 1"):
        c2st(images[:1], images[:1], FLOAT32, 0)
    with pytest.raises(ValueError, match="expected as many fake samples as real ones, found 2 and 3"):
        c2st_scores(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="held out, found none"):
        c2st_scores(np.zeros(0), np.zeros(0))


def test_the_numbers_of_a_test_are_those_of_its_log_odds() -> None:
    found = c2st_scores(np.array([-1.0, -2.0, 3.0]), np.array([1.0, -1.0, 2.0]))
    assert (found.accuracy, found.n) == (4 / 6, 6)
    assert found.p == pytest.approx((15 + 6 + 1) / 64) and found.gap == pytest.approx(2 / 3)
    z2 = norm.ppf(0.975) ** 2
    middle, half = (4 + z2 / 2) / (6 + z2), (z2 * (8 / 6 + z2 / 4)) ** 0.5 / (6 + z2)
    assert (found.lower, found.upper) == pytest.approx((middle - half, middle + half))


@pytest.mark.parametrize("dead", [1, 3])
def test_a_network_that_says_the_same_of_all_images_is_trained_again_at_half_the_rate(
    dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, whole = [], network_tests.trained_at

    def trained_at(rate: float, *rest) -> network_tests.Network:
        rates.append(rate)
        network = whole(rate, *rest)
        if len(rates) <= dead:  # as after a step so large that no unit is ever positive again
            torch.nn.init.constant_(network[-3].bias, -1e6)
        return network

    monkeypatch.setattr(network_tests, "trained_at", trained_at)
    rng = np.random.default_rng(0)
    real, fake = (grey(np.full(1500, mean), rng) for mean in (0.0, 4.0))
    if dead == 3:
        with pytest.raises(ArithmeticError, match="expected logits that differ between images; found the same"):
            c2st(real, fake, FLOAT32, 0)
        assert rates == [RATE, RATE / 2, RATE / 4]
        return
    assert c2st_scores(*c2st(real, fake, FLOAT32, 0)).accuracy > 0.9
    assert rates == [RATE, RATE / 2]


def test_a_network_learns_from_samples_what_bayes_knows_and_from_wrong_labels_the_wrong() -> None:
    rng, delta = np.random.default_rng(0), 2.0
    labels, test_labels = (torch.from_numpy(rng.integers(0, 2, n)) for n in (2000, 4000))
    samples, test = (grey(delta * each.numpy(), rng) for each in (labels, test_labels))
    best = norm.cdf(delta / 2)
    share, lower, upper = accuracy(test_labels.numpy(), labels_learned_from(samples, labels, test, 2, FLOAT32, 0))
    assert best - 0.03 < share < best + 3 * (best * (1 - best) / 4000) ** 0.5 and lower < share < upper
    wrong, _, _ = accuracy(test_labels.numpy(), labels_learned_from(samples, 1 - labels, test, 2, FLOAT32, 0))
    assert wrong == pytest.approx(1 - share, abs=0.02)


@pytest.mark.slow
def test_damage_to_digits_is_seen_beyond_what_tells_training_from_test_images(mnist: Dataset) -> None:
    """Of the corruptions that a thousand images of each kind are enough for; a run's sensitivity check tries all."""

    def told(baseline: str, seed: int) -> C2st:
        order = np.random.default_rng(seed).permutation(len(mnist.test_images))
        real = mnist.test_images[order[:1000]]
        fake = BASELINES[baseline](mnist, 1000, np.random.default_rng([1, seed]))
        return c2st_scores(*c2st(torch.from_numpy(real), torch.from_numpy(fake), FLOAT32, seed))

    copies = [told("train_copies", seed) for seed in range(3)]
    for corruption in ("blur_slight", "noise", "threshold", "shift", "distinct_100", "mean_of_two"):
        found = told(BASELINE_OF[corruption], 0)
        for name, of in (("c2st_accuracy", attrgetter("accuracy")), ("c2st_gap", attrgetter("gap"))):
            assert corruption in CATALOGUE[name].sees
            worse = excess(CATALOGUE[name], np.array([of(found)]), np.array([of(each) for each in copies]))
            assert worse > SEEN, f"{name} on {corruption}"


@pytest.mark.parametrize("corruption", ["blur", "noise", "threshold", "mean_of_two"])
def test_damage_to_toy_images_is_seen(corruption: str) -> None:
    """In small: what a run sees on digits, on shapes."""
    images, labels = toy_images(1600, seed=0)
    data = Dataset(images[:800], labels[:800], images[800:], labels[800:], ["a", "b", "c"])

    def told(baseline: str, seed: int) -> C2st:
        fake = BASELINES[baseline](data, 600, np.random.default_rng([1, seed]))
        real = data.test_images[np.random.default_rng(seed).permutation(800)[:600]]
        return c2st_scores(*c2st(torch.from_numpy(real), torch.from_numpy(fake), FLOAT32, seed))

    found, copies = told(BASELINE_OF[corruption], 0), told("train_copies", 0)
    assert found.accuracy > 0.75 > 0.65 > copies.accuracy and found.gap > 2 * abs(copies.gap)


def test_labels_that_cannot_be_compared_are_refused() -> None:
    assert accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))[0] == 0.75
    for given, found in ((np.zeros(2), np.zeros(3)), (np.zeros(0), np.zeros(0)), (np.zeros((2, 2)), np.zeros((2, 2)))):
        with pytest.raises(ValueError, match=r"expected two arrays \(n,\) of labels, found"):
            accuracy(given, found)


# The stages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """Three classes of distinct greys, with noise so that no two images are alike."""
    rng = np.random.default_rng(0)
    labels = np.arange(500) % 3
    images = (60 * labels[:, None, None] + rng.integers(0, 60, (500, 28, 28))).astype(np.uint8)
    made = Dataset(images[:300], labels[:300], images[300:], labels[300:], ["a", "b", "c"])
    write_dataset(tmp_path / "data.npz", made)
    return made


def told(folder: Path, source: str, **sets: np.ndarray) -> pd.DataFrame:
    artifacts.write_arrays(folder / "s.npz", **sets)
    c2st_stage.main(
        samples=SAMPLES,
        compute=COMPUTE,
        source=source,
        seed=3,
        dataset_file=folder / "data.npz",
        samples_file=folder / "s.npz",
        scores_file=folder / "scores.csv",
    )
    return artifacts.read_table(folder / "scores.csv")


def test_each_draw_of_each_set_is_told_apart(data: Dataset, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (100, 28, 28), np.uint8)
    table = told(tmp_path, "it", images=np.concatenate([data.train_images[:100], noise]), observations=noise)
    assert table["metric"].tolist() == ["c2st_accuracy", "c2st_gap"] * 3
    assert table["set"].tolist() == ["images"] * 4 + ["observations"] * 2 and table["draw"].tolist() == [
        0,
        0,
        1,
        1,
        0,
        0,
    ]
    assert (table["n"] == 100).all() and (table["model"] == "it").all() and (table["seed"] == 3).all()
    assert (table["space"] == "pixels").all() and table["label"].isna().all() and table["digest"].isna().all()
    accuracy = table[table["metric"] == "c2st_accuracy"]
    assert abs(accuracy["value"].iloc[0] - 0.5) < 0.2 and (accuracy["value"].iloc[1:] > 0.75).all()
    assert (accuracy["lower"] < accuracy["value"]).all()
    assert table.loc[table["metric"] != "c2st_accuracy", "lower"].isna().all()


def test_the_test_images_are_told_from_themselves_one_half_against_the_other(data: Dataset, tmp_path: Path) -> None:
    table = told(tmp_path, "test_images", images=data.test_images)
    accuracy = table[table["metric"] == "c2st_accuracy"]
    assert accuracy["draw"].tolist() == [0, 1] and (accuracy["n"] == 100).all()
    assert (abs(accuracy["value"] - 0.5) < 0.2).all()
    assert table.loc[table["metric"] == "c2st_gap", "value"].nunique() == 2
    again = told(tmp_path, "test_images", images=data.test_images)
    pd.testing.assert_frame_equal(table, again)
    pairs = c2st_stage.compared(data.test_images, data.test_images, SAMPLES, are_test=True)
    halves = [np.concatenate(pair) for pair in pairs]
    assert all(len(np.unique(both.reshape(200, -1), axis=0)) == 200 for both in halves)
    assert not np.array_equal(*halves), "each draw should cut anew"


def learned(
    folder: Path, source: str, images: np.ndarray, predicted: np.ndarray, requested: Path | None = None
) -> pd.DataFrame:
    artifacts.write_arrays(folder / "s.npz", images=images)
    table = pd.DataFrame({"set": "images", "index": range(len(images)), "label": predicted})
    artifacts.write_table(folder / "l.csv", table)
    cas_stage.main(
        samples=SAMPLES,
        compute=COMPUTE,
        source=source,
        seed=3,
        dataset_file=folder / "data.npz",
        samples_file=folder / "s.npz",
        labels_file=folder / "l.csv",
        scores_file=folder / "scores.csv",
        requested_file=requested,
    )
    return artifacts.read_table(folder / "scores.csv")


def test_from_copies_of_training_images_their_own_labels_are_learned(data: Dataset, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(300)[:200]
    predicted = data.train_labels[order].copy()
    predicted[:25] += 1
    table = learned(tmp_path, "train_copies", data.train_images[order], predicted)
    assert table["metric"].tolist() == ["label_fidelity", "cas"] * 2
    assert table["draw"].tolist() == [0, 0, 1, 1] and (table["n"] == 100).all() and table["space"].isna().all()
    fidelity, accuracy = table["value"].iloc[::2], table["value"].iloc[1::2]
    assert fidelity.tolist() == [0.75, 1.0] and (accuracy > 0.95).all()
    assert ((table["lower"] < table["value"]) & (table["value"] <= table["upper"])).all()


def test_from_samples_the_labels_are_learned_that_were_requested(data: Dataset, tmp_path: Path) -> None:
    wrong = (data.train_labels[:200] + 1) % 3
    artifacts.write_arrays(tmp_path / "a.npz", labels=wrong)
    images = data.train_images[:200]
    table = learned(tmp_path, "cvae", images, data.train_labels[:200], tmp_path / "a.npz")
    assert (table.loc[table["metric"] == "label_fidelity", "value"] == 0).all()
    assert (table.loc[table["metric"] == "cas", "value"] < 0.05).all()


def test_nothing_is_learned_from_the_test_images(data: Dataset, tmp_path: Path) -> None:
    table = learned(tmp_path, "test_images", data.test_images, data.test_labels)
    assert table["metric"].tolist() == ["label_fidelity"] and table["value"].tolist() == [1.0]
    assert table["n"].tolist() == [200]


def test_samples_without_known_labels_are_refused(data: Dataset, tmp_path: Path) -> None:
    images = data.train_images[:200].copy()
    images[:7] //= 2
    with pytest.raises(ValueError, match=r"images of the data set, whose labels are known; 7 of 200 are others\. Give"):
        learned(tmp_path, "gan", images, data.train_labels[:200])


def test_of_an_image_in_both_parts_the_source_says_which_label_it_has(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 28, 28), np.uint8)
    data = Dataset(images, np.array([0, 1, 2, 0]), images[::-1].copy(), np.array([5, 6, 7, 8]), list("abcdefghi"))
    assert cas_stage.known_labels(images, data, "train_copies", tmp_path).tolist() == [0, 1, 2, 0]
    assert cas_stage.known_labels(images, data, "test_images", tmp_path).tolist() == [8, 7, 6, 5]


def test_a_copy_of_the_other_part_is_no_copy(data: Dataset, tmp_path: Path) -> None:
    for source, images in (("test_images", data.train_images), ("train_copies", data.test_images)):
        with pytest.raises(ValueError, match=f"{len(images)} of {len(images)} are others"):
            cas_stage.known_labels(images, data, source, tmp_path)


def test_labels_of_other_images_are_refused(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a row for each of the 200 images"):
        artifacts.write_arrays(tmp_path / "s.npz", images=data.train_images[:200])
        labels = pd.DataFrame({"set": "images", "index": range(199), "label": 0})
        artifacts.write_table(tmp_path / "l.csv", labels)
        cas_stage.main(
            samples=SAMPLES,
            compute=COMPUTE,
            source="train_copies",
            seed=0,
            dataset_file=tmp_path / "data.npz",
            samples_file=tmp_path / "s.npz",
            labels_file=tmp_path / "l.csv",
            scores_file=tmp_path / "scores.csv",
        )
