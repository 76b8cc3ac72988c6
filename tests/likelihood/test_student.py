"""A student of samples, on images of two kinds of stripes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.core import artifacts
from pipeline.core.params import Samples
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.likelihood.protocol import inked
from pipeline.likelihood.student import student_nats
from pipeline.stages import student


def stripes(count: int, seed: int, noise: float = 0.05) -> Tensor:
    """Images (count, 28, 28) with stripes that lie or stand, in which some pixels are wrong."""
    rng = torch.Generator().manual_seed(seed)
    lying = (torch.arange(28)[:, None] // 4 % 2).expand(28, 28)
    kinds = torch.stack([lying, lying.T])[torch.randint(2, (count,), generator=rng)]
    wrong = torch.rand(count, 28, 28, generator=rng) < noise
    return (255 * (kinds ^ wrong.long())).byte()


def test_a_student_of_real_images_expects_them_and_one_of_others_does_not() -> None:
    ink = inked(stripes(200, 1))
    real, noisy = (student_nats(stripes(400, 2, noise), ink) for noise in (0.05, 0.2))
    entropy = -784 * (0.05 * np.log(0.05) + 0.95 * np.log(0.95)) + np.log(2)
    assert real == pytest.approx(-entropy, abs=45) and noisy < real - 25


def test_a_student_of_few_different_images_expects_only_those() -> None:
    few = stripes(4, 3).repeat(100, 1, 1)
    assert student_nats(few, inked(stripes(200, 1))) < student_nats(stripes(400, 3), inked(stripes(200, 1))) - 50


def test_the_stage_scores_each_draw_and_real_images_half_against_half(tmp_path) -> None:
    data = Dataset(stripes(60, 1).numpy(), np.zeros(60, int), stripes(100, 2).numpy(), np.zeros(100, int), ["a"])
    write_dataset(tmp_path / "data.npz", data)
    artifacts.write_arrays(tmp_path / "samples.npz", images=stripes(200, 3).numpy())
    artifacts.write_arrays(tmp_path / "test.npz", images=data.test_images)
    found = {}
    for source, file in (("vae", "samples.npz"), ("test_images", "test.npz")):
        student.main(
            samples=Samples(count=100, draws=2),
            source=source,
            seed=0,
            dataset_file=tmp_path / "data.npz",
            samples_file=tmp_path / file,
            scores_file=tmp_path / "scores.csv",
        )
        found[source] = artifacts.read_table(tmp_path / "scores.csv")
    for table in found.values():
        assert table["metric"].tolist() == ["student_nats"] * 2 and table["draw"].tolist() == [0, 1]
        assert (table["n"] == 50).all() and table["value"].nunique() == 2
    assert found["vae"]["value"].mean() == pytest.approx(found["test_images"]["value"].mean(), rel=0.2)
