"""The classifier reaches its accuracy on the real test set, and its probabilities mean what they say."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from contract import digits
from scipy.special import entr
from torch.nn.functional import cross_entropy
from workspace import toy_images

from pipeline.core import artifacts
from pipeline.core.compute import choose
from pipeline.core.params import Classifier as Config
from pipeline.core.params import Compute
from pipeline.core.shapes import as_images, as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.evaluation import classifier
from pipeline.evaluation.classifier import read_classifier
from pipeline.metrics.calibration import adaptive_calibration_error, calibration_error
from pipeline.stages import label as labelling
from pipeline.stages import train_classifier
from pipeline.stages.find_alarms import label_shares

ARITHMETIC = choose(Compute(device="cpu", precision="auto", threads=1))
LOOSE = Config(members=1, epochs=2, batch_size=10, lr=1e-3)


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def ensemble(members: int, classes: int = 3, boldness: float = 1.0) -> classifier.Ensemble:
    """Networks as they are before training, whose last weights are multiplied."""
    torch.manual_seed(0)
    made = [classifier.Classifier(classes) for _ in range(members)]
    with torch.no_grad():
        for member in made:
            member.head.weight *= boldness
            member.head.bias *= boldness
    return classifier.Ensemble(made).eval()


@pytest.mark.slow
def test_two_are_right_on_99_2_percent_of_the_real_test_set_and_calibrated(mnist: Dataset) -> None:
    pixels, labels = torch.from_numpy(mnist.train_images), torch.from_numpy(mnist.train_labels)
    told: list[classifier.Progress] = []
    config = Config(members=2, epochs=3, batch_size=128, lr=4e-3)
    model = classifier.train_ensemble(10, pixels, labels, config, ARITHMETIC, told.append)
    train_classifier.set_thresholds(model, pixels, labels)
    test = torch.from_numpy(mnist.test_images)
    probabilities = classifier.logits_of(model, test).softmax(1).numpy()
    correct = probabilities.argmax(1) == mnist.test_labels
    assert correct.mean() >= 0.992
    assert calibration_error(probabilities.max(1), correct) < 0.01
    assert adaptive_calibration_error(probabilities.max(1), correct) < 0.01
    assert [(p.member, p.epoch) for p in told] == [(m, e) for m in (0, 1) for e in (1, 2, 3)]
    assert told[-1].accuracy > 0.985

    strict, loose = train_classifier.conformal(probabilities, mnist.test_labels, model.thresholds.tolist())
    # The test images were written by others than those of the calibration.
    assert strict["coverage"] == pytest.approx(0.95, abs=0.015) and loose["coverage"] == pytest.approx(0.998, abs=0.002)
    assert strict["several"] == 0 and strict["empty"] > 0.02
    table, mixed = labelling.label(model, test[:2000]), labelling.label(model, test[:2000] // 2 + test[2000:4000] // 2)
    assert (table["kind"] == "clear").mean() > 0.85 and (mixed["kind"] == "ambiguous").mean() > 0.5
    assert table["disagreement"].mean() < mixed["disagreement"].mean() / 5


def test_two_learn_toy_images_and_how_often_their_labels_are_wrong() -> None:
    """What takes three epochs of MNIST in small. An eighth of the labels is drawn anew, two thirds of these wrongly."""
    images, true = toy_images(2400, seed=0)
    rng = np.random.default_rng(1)
    given = np.where(rng.random(2400) < 1 / 8, rng.integers(0, 3, 2400), true)
    pixels, labels = torch.from_numpy(images[:1800]), torch.from_numpy(given[:1800])
    told: list[classifier.Progress] = []
    config = Config(members=2, epochs=2, batch_size=64, lr=4e-3)
    model = classifier.train_ensemble(3, pixels, labels, config, ARITHMETIC, told.append)
    train_classifier.set_thresholds(model, pixels, labels)
    test = torch.from_numpy(images[1800:])
    probabilities = classifier.logits_of(model, test).softmax(1).numpy()
    assert (probabilities.argmax(1) == true[1800:]).mean() > 0.99
    correct = probabilities.argmax(1) == given[1800:]
    assert probabilities.max(1).mean() == pytest.approx(1 - 1 / 12, abs=0.04)
    assert calibration_error(probabilities.max(1), correct) < 0.06
    assert adaptive_calibration_error(probabilities.max(1), correct) < 0.08
    assert [(p.member, p.epoch) for p in told] == [(m, e) for m in (0, 1) for e in (1, 2)]
    strict, loose = train_classifier.conformal(probabilities, given[1800:], model.thresholds.tolist())
    assert strict["coverage"] == pytest.approx(0.95, abs=0.04) and loose["coverage"] == 1
    table, mixed = labelling.label(model, test), labelling.label(model, test[:300] // 2 + test[1:301] // 2)
    assert table["confidence"].mean() > mixed["confidence"].mean() + 0.05
    assert table["disagreement"].mean() < mixed["disagreement"].mean() / 1.5


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_the_temperature_undoes_logits_that_are_too_bold_or_too_shy(factor: float) -> None:
    pixels, model, changed = noise(5000), ensemble(1, boldness=30), ensemble(1, boldness=30 * factor)
    odds = classifier.logits_of(model, pixels).softmax(1)
    labels = torch.multinomial(odds, 1, generator=torch.Generator().manual_seed(0)).squeeze(1)
    classifier.calibrate(changed, pixels, labels)
    assert changed.temperature.item() == pytest.approx(factor, rel=0.1)


@pytest.mark.parametrize("members", [1, 3])
def test_calibration_lowers_the_cross_entropy_and_no_near_temperature_is_better(members: int) -> None:
    pixels, model = noise(600), ensemble(members, boldness=150)
    said = classifier.logits_of(model, pixels).argmax(1)
    labels = torch.where(torch.arange(600) % 4 == 0, torch.arange(600) % 3, said)

    def loss(temperature: float) -> float:
        model.temperature.fill_(temperature)
        return cross_entropy(classifier.logits_of(model, pixels), labels).item()

    classifier.calibrate(model, pixels, labels)
    best = model.temperature.item()
    assert loss(best) < loss(1) - 0.01
    assert loss(best) <= min(loss(best * 0.97), loss(best * 1.03))


def test_an_ensemble_of_one_says_what_its_member_says() -> None:
    pixels, model = noise(50), ensemble(1, boldness=20)
    member = model.members[0]
    assert isinstance(member, classifier.Classifier)
    alone = classifier.logits_of(member, pixels)
    torch.testing.assert_close(classifier.logits_of(model, pixels).softmax(1), alone.softmax(1))
    model.temperature.fill_(1.7)
    torch.testing.assert_close(classifier.logits_of(model, pixels).softmax(1), (alone / 1.7).softmax(1))
    assert labelling.label(model, pixels)["disagreement"].max() < 1e-6


def test_probabilities_are_averaged_not_logits() -> None:
    """A member that is sure beats one that is not, but only by half: as logits it would win altogether."""
    pixels, model = noise(20), ensemble(2)
    with torch.no_grad():
        for member, bias in zip(model.members, ([20.0, 0, 0], [0.0, 0, 2]), strict=True):
            assert isinstance(member, classifier.Classifier)
            member.head.weight.zero_()
            member.head.bias.copy_(torch.tensor(bias))
    other = np.exp([0.0, 0, 2]) / np.exp([0.0, 0, 2]).sum()
    expected = (np.array([1, 0, 0]) + other) / 2
    np.testing.assert_allclose(classifier.logits_of(model, pixels).softmax(1)[0].numpy(), expected, atol=1e-6)
    row = labelling.label(model, pixels).iloc[0]
    np.testing.assert_allclose(row[["p_0", "p_1", "p_2"]].astype(float), expected, atol=1e-6)
    information = entr(expected).sum() - entr(other).sum() / 2
    assert row["disagreement"] == pytest.approx(information, abs=1e-6)
    model.temperature.fill_(2.0)
    tempered = np.sqrt(expected) / np.sqrt(expected).sum()
    np.testing.assert_allclose(classifier.logits_of(model, pixels).softmax(1)[0].numpy(), tempered, atol=1e-6)
    assert labelling.label(model, pixels)["disagreement"][0] == pytest.approx(information, abs=1e-6)


def test_the_members_differ_and_their_seeds_are_0_1_2() -> None:
    pixels, labels = noise(60), torch.arange(60) % 3
    many = classifier.train_ensemble(3, pixels, labels, LOOSE.model_copy(update={"members": 3}), ARITHMETIC, print)
    again = classifier.train_ensemble(3, pixels, labels, LOOSE.model_copy(update={"members": 3}), ARITHMETIC, print)
    one = classifier.train_ensemble(3, pixels, labels, LOOSE, ARITHMETIC, print)
    assert all(torch.equal(many.state_dict()[name], again.state_dict()[name]) for name in many.state_dict())
    ours, theirs = one.members.state_dict(), many.members.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    heads = [theirs[f"{member}.head.weight"] for member in range(3)]
    assert not torch.equal(heads[0], heads[1]) and not torch.equal(heads[1], heads[2])
    torch.manual_seed(2)
    third = classifier.Classifier(3)
    classifier.train(third, pixels, labels, LOOSE, ARITHMETIC, 2, print)
    assert torch.equal(third.head.weight, heads[2])


def test_the_features_are_the_first_members_and_are_stored_once() -> None:
    model = ensemble(2)
    found = model.features(as_images(noise(4)))
    assert found.shape == (4, 128) and model.classes == 3
    member = model.members[0]
    assert isinstance(member, classifier.Classifier)
    torch.testing.assert_close(member.head(found), member(as_images(noise(4))))
    assert {name.split(".")[0] for name in model.state_dict()} == {"members", "temperature", "thresholds"}


def test_the_last_sixth_is_not_trained_on() -> None:
    """Labels of the held-out images may be anything: the weights stay the same."""
    pixels, labels = noise(120), torch.arange(120) % 3
    other = labels.clone()
    other[100:] = 0
    one, two = (
        classifier.train_ensemble(3, pixels, y, LOOSE, ARITHMETIC, print).members.state_dict() for y in (labels, other)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("count", [6, 12, 60, 61, 67, 60_000])
def test_each_training_image_has_one_use(count: int) -> None:
    fit, tempering, judging = (torch.arange(count)[part].tolist() for part in classifier.parts(count))
    assert sorted([*fit, *tempering, *judging]) == list(range(count))
    assert len(fit) == count - count // 6 and fit == list(range(len(fit)))
    assert 0 <= len(tempering) - len(judging) <= 1


def test_the_halves_of_the_held_out_images_are_alike_in_whatever_order_they_come() -> None:
    _, *halves = classifier.parts(60_000)
    for half in halves:
        for period in (2, 3, 4, 10):  # MNIST has two groups of writers by turns
            assert np.bincount(half % period) / len(half) == pytest.approx([1 / period] * period, abs=0.02)
        assert half.float().mean() == pytest.approx(55_000, abs=100)


def calibrated(labels: torch.Tensor, pixels: torch.Tensor) -> tuple[float, list[float]]:
    model = classifier.train_ensemble(3, pixels, labels, LOOSE, ARITHMETIC, print)
    train_classifier.set_thresholds(model, pixels, labels)
    return model.temperature.item(), model.thresholds.tolist()


def test_the_temperature_is_of_one_half_of_the_held_out_images_and_the_thresholds_of_the_other() -> None:
    """Other labels of one half move what is chosen on it; the thresholds' half does not move the temperature."""
    pixels, labels = noise(600), torch.arange(600) % 3
    temperature, thresholds = calibrated(labels, pixels)
    _, tempering, judging = classifier.parts(600)
    one, other = labels.clone(), labels.clone()
    one[tempering] = 0
    other[judging] = 0
    assert calibrated(one, pixels)[0] != temperature
    assert calibrated(other, pixels)[0] == temperature and calibrated(other, pixels)[1] != thresholds


def test_the_thresholds_are_the_quantiles_of_the_calibrated_scores() -> None:
    pixels, labels, model = noise(6600), torch.arange(6600) % 3, ensemble(2, boldness=20)
    model.temperature.fill_(1.5)
    train_classifier.set_thresholds(model, pixels, labels)
    _, _, judging = classifier.parts(6600)
    held, true = pixels[judging], labels[judging]
    found = np.sort(1 - classifier.logits_of(model, held).softmax(1).double()[range(len(true)), true].numpy())
    # 550 scores: the ceil(551 * .95) = 524th and the ceil(551 * .998) = 550th of them.
    assert len(found) == 550 and model.thresholds.tolist() == [found[523], found[549]]


@pytest.mark.parametrize("members", [1, 2])
def test_the_stage_writes_what_the_others_read(
    members: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels, labels = as_pixels(digits(400)).numpy(), np.arange(400) % 3
    data = Dataset(pixels[:300], labels[:300], pixels[300:], labels[300:], ["a", "b", "c"])
    write_dataset(tmp_path / "images.npz", data)
    train_classifier.main(
        classifier=LOOSE.model_copy(update={"members": members}),
        compute=Compute(device="cpu", precision="float32", threads=1),
        dataset_file=tmp_path / "images.npz",
        checkpoint_file=tmp_path / "c.safetensors",
        summary_file=tmp_path / "s.json",
        confusion_file=tmp_path / "x.csv",
        reliability_file=tmp_path / "r.csv",
        history_file=tmp_path / "h.csv",
    )
    assert f"classifier {members}/{members}: epoch 2/2" in capsys.readouterr().out
    history = pd.read_csv(tmp_path / "h.csv")
    assert history["member"].tolist() == [m for m in range(members) for _ in range(2)]

    model, test = read_classifier(tmp_path / "c.safetensors"), torch.from_numpy(data.test_images)
    assert len(model.members) == members
    probabilities = classifier.logits_of(model, test).softmax(1).numpy()
    correct = probabilities.argmax(1) == data.test_labels
    found = artifacts.read_json(tmp_path / "s.json")
    assert found["accuracy"] == correct.mean() and found["members"] == members
    assert found["parameters"] == members * (found["parameters"] // members)
    each = classifier.opinions(model, test).argmax(2).numpy() == data.test_labels
    assert found["member_accuracy"] == pytest.approx(each.mean(axis=1).tolist())
    strict, loose = found["conformal"]
    assert [strict["alpha"], loose["alpha"]] == [0.05, 0.002]
    assert [strict["threshold"], loose["threshold"]] == model.thresholds.tolist() and loose["threshold"] == 1
    true = probabilities.astype(np.float64)[np.arange(100), data.test_labels]
    assert strict["coverage"] == pytest.approx((1 - true <= strict["threshold"]).mean())
    assert (loose["coverage"], loose["empty"], loose["several"]) == (1, 0, 1)  # 25 images are too few for .002

    table = labelling.label(model, test)
    assert [*table] == ["index", "label", "confidence", "disagreement", "kind", "p_0", "p_1", "p_2"]
    np.testing.assert_allclose(table[["p_0", "p_1", "p_2"]], probabilities, atol=1e-6)
    assert set(table["kind"]) == {"ambiguous"} and (table["disagreement"].max() > 1e-4) == (members > 1)
    shares = label_shares(model, np.array([5, 9]), np.stack([data.test_images[:9], data.test_images[9:18]]))
    assert len(shares) == 6 and shares.groupby("step")["share"].sum().tolist() == pytest.approx([1, 1])


def test_the_kinds_of_the_table_are_those_of_the_stored_thresholds() -> None:
    model = ensemble(1, classes=2)
    with torch.no_grad():
        member = model.members[0]
        assert isinstance(member, classifier.Classifier)
        member.head.weight.zero_()
        member.head.bias.copy_(torch.tensor([math.log(0.9), math.log(0.1)]))
    expected = {(0.05, 0.2): "unlike", (0.2, 0.5): "clear", (0.2, 0.95): "ambiguous", (1.0, 1.0): "ambiguous"}
    for pair, kind in expected.items():
        model.thresholds.copy_(torch.tensor(pair))
        assert set(labelling.label(model, noise(3))["kind"]) == {kind}


def test_the_table_says_the_same_whatever_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pixels = ensemble(2, boldness=20), noise(25)
    whole = labelling.label(model, pixels)
    monkeypatch.setattr(classifier, "BATCH", 10)
    pd.testing.assert_frame_equal(labelling.label(model, pixels), whole, rtol=1e-4, atol=1e-6)


def test_shifts_keep_the_size_and_move_by_up_to_two_pixels() -> None:
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 14, 14] = 1
    rng = torch.Generator().manual_seed(0)
    found = {tuple(np.argwhere(classifier.shifted(image, rng)[0, 0].numpy() == 1)[0]) for _ in range(500)}
    assert found == {(y, x) for y in range(12, 17) for x in range(12, 17)}


def test_it_takes_any_number_of_classes() -> None:
    assert ensemble(2, classes=100)(as_images(noise(2))).shape == (2, 100)
