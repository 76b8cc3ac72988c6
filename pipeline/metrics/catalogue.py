"""Collect all declared metrics, in the order of the questions, the primary scores of each first."""

from typing import get_args

from pipeline.metrics import (
    bins,
    birthday,
    clipped,
    frechet,
    kernel,
    labels,
    likelihood,
    neighbours,
    network_scores,
    novelty,
    prd,
    sharpness,
    two_sample,
    vendi,
)
from pipeline.metrics.base import Metric, Question

MODULES = (
    *(frechet, kernel, neighbours, clipped, two_sample, network_scores),
    *(prd, vendi, bins, birthday),
    labels,
    *(novelty, sharpness, likelihood),
)
CATALOGUE: dict[str, Metric] = {
    metric.name: metric
    for question in get_args(Question)
    for metric in sorted(
        (each for module in MODULES for each in module.METRICS), key=lambda each: each.role != "primary"
    )
    if metric.question == question
}
