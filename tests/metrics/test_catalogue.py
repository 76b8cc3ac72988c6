"""What the metrics say of themselves holds together."""

import importlib
import pkgutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from latex2mathml.converter import convert

import pipeline.metrics
from pipeline.metrics.base import CORRUPTIONS, Metric
from pipeline.metrics.catalogue import CATALOGUE

FD = CATALOGUE["fd_percent"]


def test_the_catalogue_has_every_metric_that_a_module_declares_once() -> None:
    modules = [
        importlib.import_module(f"pipeline.metrics.{m.name}") for m in pkgutil.iter_modules(pipeline.metrics.__path__)
    ]
    declared = [metric for module in modules for metric in getattr(module, "METRICS", ())]
    assert sorted(m.name for m in declared) == sorted(CATALOGUE)
    assert all(CATALOGUE[m.name] is m for m in declared)


def test_each_question_is_asked_and_asked_together() -> None:
    questions = [metric.question for metric in CATALOGUE.values()]
    assert list(dict.fromkeys(questions)) == ["fidelity", "coverage", "sharpness", "likelihood", "novelty", "labels"]
    assert questions == sorted(questions, key=list(dict.fromkeys(questions)).index)
    for question in questions:
        leads = [metric.role == "primary" for metric in CATALOGUE.values() if metric.question == question]
        assert leads == sorted(leads, reverse=True)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=CATALOGUE)
def test_each_has_a_formula_that_can_be_set_a_source_and_something_it_sees(metric: Metric) -> None:
    assert "<math" in convert(metric.formula)
    assert metric.title and any(year.isdigit() for year in metric.source.replace(",", " ").replace(";", " ").split())
    if metric.scale == "nats":  # images of a source are not what it scores
        assert not (metric.sees or metric.blind or metric.prefers)
    else:
        # The corruptions have no labels that were asked for.
        assert metric.sees or (metric.space == "labels" and metric.needs_training)


def test_each_corruption_is_seen_by_some_metric_of_some_space() -> None:
    assert {corruption for metric in CATALOGUE.values() for corruption in metric.sees} == set(CORRUPTIONS)


def test_a_wrong_declaration_is_refused_with_a_sentence() -> None:
    for change, sentence in (
        ({"name": "two words"}, "must be an identifier, found 'two words'"),
        ({"sees": ("blurr",)}, "fd_percent: unknown corruptions: blurr"),
        ({"sees": ("blur",), "blind": ("blur",)}, "fd_percent: declared twice: blur"),
        ({"sees": ("blur",), "prefers": ("noise", "blur")}, "fd_percent: declared twice: blur"),
        ({"sees": ("blur", "blur")}, "fd_percent: declared twice: blur"),
        ({"prefers": ("blurr",)}, "fd_percent: unknown corruptions: blurr"),
        (
            {"role": "primary", "sees": (), "prefers": ("blur",)},
            r"a primary score must prefer no corruption .*prefers \('blur',\)",
        ),
        (
            {"role": "primary", "question": "labels"},
            "its question must be one of fidelity, coverage, sharpness, likelihood; found",
        ),
    ):
        with pytest.raises(ValueError, match=sentence):
            replace(FD, **change)


@pytest.mark.parametrize(
    ("role", "ranks"), [("primary", True), ("supporting", True), ("test", False), ("description", False)]
)
def test_only_primary_and_supporting_scores_rank(role: Any, ranks: bool) -> None:
    assert replace(FD, role=role).ranks == ranks


@pytest.mark.parametrize(
    ("better", "scale", "losses"),
    [
        ("lower", "linear", [0.5, 1, 4]),
        ("higher", "linear", [-0.5, -1, -4]),
        ("closer to real", "linear", [1.5, 1, 2]),  # real images have 2
        (1.0, "linear", [0.5, 0, 3]),
        ("lower", "log", np.log([0.5, 1, 4])),
        ("closer to real", "log", np.log([4, 2, 2])),
        (1.0, "log", np.log([2, 1, 4])),  # half is as far from 1 as double
    ],
)
def test_a_loss_is_on_the_scale_of_the_metric(better: Any, scale: Any, losses: list[float]) -> None:
    found = replace(FD, better=better, scale=scale).loss(np.array([0.5, 1, 4]), 2.0)
    assert found == pytest.approx(np.array(losses))


def test_a_p_value_counts_where_it_is_unusual_and_zero_has_a_logarithm() -> None:
    found = replace(FD, better="higher", scale="p value").loss(np.array([0.9, 0.06, 0.02]), 0.5)
    assert found == pytest.approx(np.array([-0.05, -0.05, -0.02]))
    assert np.isfinite(replace(FD, scale="log").loss(0.0, 1.0))
