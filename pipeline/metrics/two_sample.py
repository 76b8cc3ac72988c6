"""Run the nearest-neighbour test: can real and fake samples be told apart?"""

from dataclasses import dataclass

import numpy as np

from pipeline.metrics.base import REPEATS, Metric
from pipeline.metrics.inputs import check_equal_counts
from pipeline.metrics.neighbours import TIE, Neighbourhoods

METRICS = (
    Metric(
        name="nearest_neighbour_accuracy",
        title="Accuracy of the nearest-neighbour test",
        question="fidelity",
        space="features",
        better=0.5,
        formula=r"\frac{1}{2}\bigl(P[\mathrm{NN}(x)\in X\setminus x]+P[\mathrm{NN}(y)\in Y\setminus y]\bigr)",
        source="Lopez-Paz & Oquab, 2017; its two halves: Xu et al., 2018",
        sees=("blur", "pca_50", "pca_20", "shift", *REPEATS, "mean_of_two"),
        blind=("copies",),
    ),
)


@dataclass(frozen=True)
class TwoSample:
    """Hold the accuracy of the leave-one-out nearest neighbour; a tie counts as half."""

    accuracy: float  # .5 if the sets are indistinguishable, 1 if they are separate, below .5 if fakes are copies
    real: float  # on real samples: high if fakes are far from many of them
    fake: float  # on fakes: high if they are crowded together, or far from real samples


def one_nearest_neighbour(found: Neighbourhoods) -> TwoSample:
    """Return the leave-one-out accuracy of the nearest neighbour as a two-sample test (Lopez-Paz & Oquab, 2017).

    Raises:
        ValueError: for sets of unequal size, which alone would shift the accuracy.
    """
    check_equal_counts(len(found.real_to_real), len(found.fake_to_fake), "the nearest-neighbour test")

    def right(own: np.ndarray, other: np.ndarray) -> float:
        tie = np.abs(own - other) <= TIE * np.maximum(own, other)
        return float(np.where(tie, 0.5, own < other).mean())

    real, fake = right(found.real_to_real, found.real_to_fake), right(found.fake_to_fake, found.fake_to_real)
    return TwoSample((real + fake) / 2, real, fake)
