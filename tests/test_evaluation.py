"""The protocol of the scores: who is compared with whom, and that the numbers are the metrics' own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from workspace import toy_images

from pipeline.core import artifacts
from pipeline.core.params import Samples
from pipeline.data.dataset import Dataset
from pipeline.evaluation import scores
from pipeline.evaluation.classifier import Classifier, Ensemble
from pipeline.evaluation.features import RandomNetwork, digest, features_of, networks
from pipeline.evaluation.nearest import alike_images, nearest_images, twin_distances
from pipeline.evaluation.protocol import halves
from pipeline.evaluation.reference import Reference, from_arrays, learn, to_arrays, vectors
from pipeline.evaluation.scores import Draw, evaluate
from pipeline.metrics import frechet, kernel, neighbours, novelty, two_sample
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.metrics.labels import total_variation
from pipeline.stages.measure import check_networks, draws

CLASSES = 3
SPACE = "random_1"


@pytest.fixture(scope="module")
def data() -> Dataset:
    train_images, train_labels = toy_images(600, seed=1)
    test_images, test_labels = toy_images(601, seed=2)  # odd, so one image is in neither half
    return Dataset(train_images, train_labels, test_images, test_labels, ["a", "b", "c"])


@pytest.fixture(scope="module")
def reference(data: Dataset) -> Reference:
    network = RandomNetwork(1)
    train, test = (features_of(network, torch.from_numpy(x)) for x in (data.train_images, data.test_images))
    return learn(
        data,
        data.test_labels,
        {SPACE: test},
        {SPACE: digest(network)},
        {SPACE: train},
        own={
            "pixels": novelty.own_distances(vectors(data.train_images)),
            SPACE: novelty.own_distances(train),
        },
        twins=twin_distances(data.train_images, data.train_labels),
        seen={
            "pixels": novelty.nearest_training(vectors(data.train_images), vectors(data.test_images)).distance,
            SPACE: novelty.nearest_training(train, test).distance,
        },
    )


def drawn(
    images: np.ndarray,
    labels: np.ndarray,
    data: Dataset,
    reference: Reference,
    number: int = 0,
    are_test: bool = False,
) -> Draw:
    """A draw whose labels the classifier is sure of."""
    table = pd.DataFrame({"label": labels, "confidence": 0.97, "disagreement": 0.01, "kind": "clear"})
    sure = pd.DataFrame(np.where(np.eye(CLASSES)[labels] > 0, 0.97, 0.015)).add_prefix("p_")
    features = {SPACE: features_of(RandomNetwork(1), torch.from_numpy(images))}
    nearest = {
        "pixels": nearest_images(images, data.train_images),
        SPACE: novelty.nearest_training(reference.training[SPACE].samples, features[SPACE]),
    }
    alike = alike_images(images, reference.alike)
    return Draw(images, table.join(sure), features, nearest, alike, number, are_test)


def score(draw: Draw, data: Dataset, reference: Reference) -> pd.DataFrame:
    return pd.DataFrame(evaluate(draw, data, reference, 0.9, tell=lambda _: None)[0])


def value(rows: pd.DataFrame, metric: str, space: str | None = None) -> float:
    chosen = rows[(rows["metric"] == metric) & ((rows["space"] == space) if space else True)]
    assert len(chosen) == 1
    return float(chosen["value"].iloc[0])


def test_the_test_images_are_scored_one_half_against_the_other(data: Dataset, reference: Reference) -> None:
    test = drawn(data.test_images, data.test_labels, data, reference, are_test=True)
    (a, b), (c, d) = halves(601, 601, 0, are_test=True)
    assert (a == d).all() and (b == c).all() and not {*a} & {*b}
    rows = score(test, data, reference)
    x = reference.features[SPACE]
    found = neighbours.neighbourhoods(x[a], x[b])
    accuracy = two_sample.one_nearest_neighbour(found).accuracy
    both = [neighbours.precision(found), neighbours.recall(found)]
    assert value(rows, "nearest_neighbour_accuracy", SPACE) == pytest.approx(accuracy)
    assert value(rows, "precision", SPACE) == pytest.approx(np.mean(both))
    assert (rows.loc[rows["metric"] == "recall", "n"] == 300).all()


def test_scores_are_the_means_of_the_metrics_over_both_halves(data: Dataset, reference: Reference) -> None:
    draw = drawn(*toy_images(600, seed=3), data, reference)
    rows, x, y = score(draw, data, reference), reference.features[SPACE], draw.features[SPACE]
    percents, kernels = [], []
    for real, fake in halves(600, 601, 0, are_test=False):
        moments = frechet.moments(x[real])
        percents.append(frechet.percent(frechet.frechet_distance(moments, frechet.moments(y[fake])), moments))
        kernels.append(kernel.kernel_distance(*kernel.standardised(x[real], y[fake])).value)
    assert value(rows, "fd_percent", SPACE) == pytest.approx(np.mean(percents), rel=1e-12)
    assert value(rows, "kd", SPACE) == pytest.approx(np.mean(kernels), rel=1e-12)
    shares = np.bincount(draw.labels["label"], minlength=CLASSES) / 600
    trained = np.bincount(data.train_labels, minlength=CLASSES) / 600
    assert value(rows, "label_distance") == pytest.approx(total_variation(shares, trained))
    assert value(rows, "ambiguous") == 0 and value(rows, "conformal_ambiguous") == 0
    nearest = novelty.nearest_training(vectors(data.train_images), vectors(draw.images))
    own = novelty.own_distances(vectors(data.train_images))
    assert value(rows, "authenticity", "pixels") == novelty.authenticity(nearest, own)


def test_every_metric_of_samples_alone_is_scored_with_its_network(data: Dataset, reference: Reference) -> None:
    sentences: list[str] = []
    rows, details = evaluate(drawn(*toy_images(600, seed=3), data, reference), data, reference, 0.9, sentences.append)
    table = pd.DataFrame(rows)
    left_out = {"fd_infinity_percent"}  # 300 samples in 128 dimensions
    trained = {name for name, metric in CATALOGUE.items() if metric.needs_training}
    assert {*CATALOGUE} - {*table["metric"]} == left_out | trained
    assert sentences == ["random_1, extrapolation: fake: expected at least 512 samples, found 300"]
    in_space = table["space"] == SPACE
    assert (table.loc[in_space, "digest"] == digest(RandomNetwork(1))).all()
    assert table.loc[~in_space, "digest"].isna().all()
    assert details[f"nearest_index/{SPACE}"].shape == (600,) and details["spectrum"].ndim == 1
    assert details[f"curve_recall/{SPACE}"].shape == details[f"curve_precision/{SPACE}"].shape
    assert np.isfinite(table["value"]).all()


def test_copies_of_the_training_images_are_called_that(data: Dataset, reference: Reference) -> None:
    copies = score(drawn(data.train_images, data.train_labels, data, reference), data, reference)
    fresh = score(drawn(*toy_images(600, seed=3), data, reference), data, reference)
    for space in ("pixels", SPACE):
        assert value(copies, "authenticity", space) < 0.05 < 0.3 < value(fresh, "authenticity", space)
        assert value(copies, "copying", space) < -5 < value(fresh, "copying", space)


def test_whole_scores_of_the_test_images_are_not_repeated(data: Dataset, reference: Reference) -> None:
    later = score(drawn(data.test_images, data.test_labels, data, reference, number=1, are_test=True), data, reference)
    assert "fd_percent" in {*later["metric"]} and "label_js" not in {*later["metric"]}


def test_a_metric_that_draws_more_random_numbers_moves_no_other(
    data: Dataset, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = drawn(*toy_images(200, seed=5), data, reference)
    before = score(draw, data, reference)

    def wasteful(pair: scores.Pair, rng: np.random.Generator) -> scores.Scores:
        rng.random(1000)
        return moments(pair, rng)

    moments = scores.moments
    wasteful.__name__ = "moments"
    monkeypatch.setattr(scores, "moments", wasteful)
    pd.testing.assert_frame_equal(score(draw, data, reference), before)


def test_scoring_twice_gives_the_same_numbers(data: Dataset, reference: Reference) -> None:
    draw = drawn(*toy_images(200, seed=5), data, reference)
    pd.testing.assert_frame_equal(score(draw, data, reference), score(draw, data, reference))


def test_a_reference_survives_its_file(tmp_path: Path, data: Dataset, reference: Reference) -> None:
    artifacts.write_arrays(tmp_path / "reference.npz", **to_arrays(reference))
    back = from_arrays(artifacts.read_arrays(tmp_path / "reference.npz"))
    draw = drawn(*toy_images(200, seed=5), data, reference)
    pd.testing.assert_frame_equal(score(draw, data, back), score(draw, data, reference))


def test_a_reference_of_other_networks_is_refused(tmp_path: Path, reference: Reference) -> None:
    check_networks({SPACE: RandomNetwork(1)}, reference, tmp_path)
    with pytest.raises(ValueError, match=r"in the space random_1; found those of .* Delete it and run again"):
        check_networks({SPACE: RandomNetwork(2)}, reference, tmp_path)


def test_draws_follow_each_other_in_the_samples(data: Dataset, reference: Reference) -> None:
    images, labels = toy_images(300, seed=6)
    given = (images, pd.DataFrame({"label": labels}), {SPACE: RandomNetwork(1)}, data, reference)
    found = list(draws(*given, Samples(count=100, draws=3), are_test=False))
    assert [draw.number for draw in found] == [0, 1, 2]
    assert (found[1].images == images[100:200]).all() and (found[1].labels["label"] == labels[100:200]).all()
    part = {"pixels": vectors(images[100:200]), SPACE: found[1].features[SPACE]}
    training = {"pixels": vectors(data.train_images), SPACE: reference.training[SPACE].samples}
    for space, samples in part.items():
        expected = novelty.nearest_training(training[space], samples)
        np.testing.assert_allclose(found[1].nearest[space].distance, expected.distance, rtol=1e-5)
    assert found[1].alike.degree.tolist() == alike_images(images[100:200], reference.alike).degree.tolist()
    whole = list(draws(*given, Samples(count=100, draws=2), are_test=True))
    assert [len(draw.images) for draw in whole] == [300, 300] and [draw.number for draw in whole] == [0, 1]


def test_random_networks_depend_on_their_seed_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = RandomNetwork(1)
    assert (torch.get_rng_state() == before).all()
    torch.manual_seed(6)
    assert digest(RandomNetwork(1)) == digest(one) != digest(RandomNetwork(2))


def test_the_spaces_are_the_classifier_and_untrained_networks() -> None:
    torch.manual_seed(0)
    spaces = networks(Ensemble([Classifier(CLASSES), Classifier(CLASSES)]), 2)
    assert list(spaces) == ["classifier", "random_1", "random_2"]
    pixels = torch.from_numpy(toy_images(20, seed=0)[0])
    assert all(features_of(network, pixels).shape == (20, 128) for network in spaces.values())
