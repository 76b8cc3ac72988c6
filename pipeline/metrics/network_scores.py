"""Compute the scores of networks trained for a test: the classifier two-sample test (C2ST), and CAS."""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from pipeline.metrics.base import BLURS, REPEATS, Metric
from pipeline.metrics.inputs import check_equal_counts
from pipeline.metrics.proportions import wilson

METRICS = (
    Metric(
        name="c2st_accuracy",
        title="Accuracy of a network that tells fake from real",
        question="fidelity",
        space="pixels",
        better=0.5,
        formula=r"\frac{1}{2}\bigl(P[f(x)<0]+P[f(y)>0]\bigr)",
        source="Lopez-Paz & Oquab, 2017",
        sees=(*BLURS, "noise", "threshold", "shift", "half_one_class", *REPEATS, "mean_of_two"),
        blind=("copies",),
        needs_training=True,
    ),
    Metric(
        name="c2st_gap",
        title="Log odds between fake and real of that network (nats)",
        question="fidelity",
        space="pixels",
        better="lower",
        formula=r"E\,f(y)-E\,f(x)",
        source="after Lopez-Paz & Oquab, 2017; the logits as a statistic: Cheng & Cloninger, 2022",
        sees=(
            *(*BLURS, "noise", "threshold", "shift"),
            *("missing_class", "half_one_class", *REPEATS, "mean_of_two", "part_noise"),
        ),
        blind=("copies",),
        needs_training=True,
    ),
    Metric(
        name="label_fidelity",
        title="Label fidelity: predicted as asked for",
        question="labels",
        space="labels",
        better="higher",
        formula=r"P\bigl[\arg\max_y p(y\mid x_c)=c\bigr]",
        source="GAN-test of Shmelkov et al., 2018",
        needs_training=True,
    ),
    Metric(
        name="cas",
        title="Accuracy on real images after training on samples",
        question="labels",
        space="labels",
        better="higher",
        formula=r"P\bigl[\hat y_{\mathrm{samples}}(x)=y\bigr]",
        source="Ravuri & Vinyals, 2019",
        needs_training=True,
    ),
)


@dataclass(frozen=True)
class C2st:
    """Hold the result of the C2ST on held-out images."""

    accuracy: float  # 0.5 by guessing
    lower: float  # 95 % (Wilson), for this network; another training gives another interval
    upper: float
    p: float  # probability of this accuracy or a higher one by guessing (binomial, one-sided)
    gap: float  # nats; still grows when the accuracy is 1
    n: int  # held-out images of both kinds


def c2st_scores(real: np.ndarray, fake: np.ndarray) -> C2st:
    """Return the scores of the classifier two-sample test (Lopez-Paz & Oquab, 2017).

    Args:
        real: (n,) log odds of being fake, for held-out real images.
        fake: (n,) the same for held-out fakes.

    Raises:
        ValueError: for empty sets, or sets of unequal size, where always guessing the larger one beats 1/2.
    """
    check_equal_counts(len(real), len(fake), "the two-sample test by a network")
    if not len(real):
        raise ValueError("the two-sample test by a network: expected images that were held out, found none")
    right, n = int((real < 0).sum() + (fake > 0).sum()), len(real) + len(fake)
    p = float(bdtrc(right - 1, n, 0.5))  # P(at least this many right) by guessing
    return C2st(right / n, *wilson(right, n), p, float(fake.mean() - real.mean()), n)


def accuracy(given: np.ndarray, found: np.ndarray) -> tuple[float, float, float]:
    """Return the share of labels (n,) that agree, with its 95 % confidence interval (Wilson).

    `label_fidelity` compares requested with predicted labels. `cas` compares the labels of real images with the
    predictions of a network that was trained on samples.

    Raises:
        ValueError: for unequal numbers of labels, or none.
    """
    if given.shape != found.shape or given.ndim != 1 or not len(given):
        raise ValueError(f"expected two arrays (n,) of labels, found {given.shape} and {found.shape}")
    right = int((given == found).sum())
    return right / len(given), *wilson(right, len(given))
