"""The label predictor reaches its accuracy on the real test set, and its probabilities mean what they say."""

import numpy as np
import pytest
import torch

from pipeline import classifier
from pipeline.compute import choose
from pipeline.data import Dataset
from pipeline.metrics.calibration import calibration_error
from pipeline.params import Classifier as Config
from pipeline.params import Compute
from pipeline.shapes import as_images

ARITHMETIC = choose(Compute(device="cpu", precision="auto", threads=1))


def test_it_is_right_on_99_2_percent_of_the_real_test_set_and_calibrated(mnist: Dataset) -> None:
    torch.manual_seed(0)
    model = classifier.Classifier(10)
    pixels, labels = torch.from_numpy(mnist.train_images), torch.from_numpy(mnist.train_labels)
    told: list[classifier.Progress] = []
    classifier.train(model, pixels, labels, Config(epochs=5, batch_size=128, lr=4e-3), ARITHMETIC, 0, told.append)
    probabilities = classifier.logits_of(model, torch.from_numpy(mnist.test_images)).softmax(1).numpy()
    correct = probabilities.argmax(1) == mnist.test_labels
    assert correct.mean() >= 0.992
    assert calibration_error(probabilities.max(1), correct) < 0.01
    assert [p.epoch for p in told] == [1, 2, 3, 4, 5] and told[-1].accuracy > 0.985


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_the_temperature_undoes_logits_that_are_too_bold_or_too_shy(factor: float) -> None:
    torch.manual_seed(0)
    model = classifier.Classifier(3)
    pixels = torch.randint(0, 256, (5000, 28, 28), dtype=torch.uint8)
    with torch.no_grad():
        model.head.weight *= 30
    odds = classifier.logits_of(model, pixels).softmax(1)
    labels = torch.multinomial(odds, 1, generator=torch.Generator().manual_seed(0)).squeeze(1)
    with torch.no_grad():
        model.head.weight *= factor
        model.head.bias *= factor
    classifier.calibrate(model, pixels, labels)
    assert model.temperature.item() == pytest.approx(factor, rel=0.1)


def test_the_last_sixth_is_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels of the held-out images may be anything: the weights stay the same."""
    pixels = torch.randint(0, 256, (120, 28, 28), dtype=torch.uint8)
    labels = torch.arange(120) % 3
    other = labels.clone()
    other[100:] = 0
    weights = []
    for given in (labels, other):
        torch.manual_seed(0)
        model = classifier.Classifier(3)
        config = Config(epochs=2, batch_size=10, lr=1e-3)
        classifier.train(model, pixels, given, config, ARITHMETIC, 0, lambda progress: None)
        weights.append({k: v for k, v in model.state_dict().items() if k != "temperature"})
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_shifts_keep_the_size_and_move_by_up_to_two_pixels() -> None:
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 14, 14] = 1
    rng = torch.Generator().manual_seed(0)
    found = {tuple(np.argwhere(classifier.shifted(image, rng)[0, 0].numpy() == 1)[0]) for _ in range(500)}
    assert found == {(y, x) for y in range(12, 17) for x in range(12, 17)}


def test_it_takes_any_number_of_classes() -> None:
    assert classifier.Classifier(100)(as_images(torch.zeros(2, 28, 28, dtype=torch.uint8))).shape == (2, 100)
