"""What the metrics say of themselves holds together."""

import importlib
import pkgutil
from dataclasses import replace

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
    assert list(dict.fromkeys(questions)) == ["fidelity", "coverage", "labels", "novelty", "sharpness"]
    assert questions == sorted(questions, key=list(dict.fromkeys(questions)).index)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=CATALOGUE)
def test_each_has_a_formula_that_can_be_set_a_source_and_something_it_sees(metric: Metric) -> None:
    assert "<math" in convert(metric.formula)
    assert metric.title and any(year.isdigit() for year in metric.source.replace(",", " ").replace(";", " ").split())
    assert metric.sees or (
        metric.space == "labels" and metric.needs_training
    )  # the corruptions have no labels that were asked for


def test_each_corruption_is_seen_by_some_metric_of_some_space() -> None:
    assert {corruption for metric in CATALOGUE.values() for corruption in metric.sees} == set(CORRUPTIONS)


def test_a_wrong_declaration_is_refused_with_a_sentence() -> None:
    for change, sentence in (
        ({"name": "two words"}, "must be an identifier, found 'two words'"),
        ({"sees": ("blurr",)}, "fd_percent: unknown corruptions: blurr"),
        ({"sees": ("blur",), "blind": ("blur",)}, "both seen and unseen: blur"),
    ):
        with pytest.raises(ValueError, match=sentence):
            replace(FD, **change)
