"""params.yaml: what is accepted, and the sentence for what is not."""

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml
from conftest import ROOT

from pipeline.core import families, params
from pipeline.models.common.loading import family_class


@pytest.fixture
def raw() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def put(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = deepcopy(raw)
    *above, last = path.split(".")
    section = changed
    for key in above:
        section = section[key]
    section[last] = value
    return changed


@pytest.mark.parametrize("preset", ["laptop", "tour", "paper", "full"])
def test_every_shipped_preset_is_valid_and_so_is_each_model_in_it(raw: dict[str, Any], preset: str) -> None:
    resolved = params.resolve(put(raw, "preset", preset))
    for name, model in resolved.models.items():
        params.check(family_class(model.family).Config, model.overrides, f"models.{name}")
    assert {"gan", "gan_saturating", "vae"} <= set(resolved.models)


def test_the_paper_preset_is_the_papers_own_schedule(raw: dict[str, Any]) -> None:
    resolved = params.resolve(put(raw, "preset", "paper"))
    configs = {name: family_class(m.family).Config(**m.overrides).model_dump() for name, m in resolved.models.items()}
    assert len(resolved.seeds) >= 5 and resolved.samples.count == 10_000
    assert configs["gan"] == family_class("gan").Config().model_dump()
    assert configs["vae"] == family_class("vae").Config().model_dump()
    assert (configs["gan"]["epochs"], configs["gan"]["batch_size"], configs["gan"]["lr"]) == (200, 256, 2e-4)
    assert (configs["vae"]["epochs"], configs["vae"]["batch_size"]) == (5, 100)
    assert configs["gan_saturating"]["loss"] == "saturating"


def test_the_preset_is_laid_over_the_sections_and_its_changes_are_listed(raw: dict[str, Any]) -> None:
    resolved = params.resolve(raw)
    assert resolved.models["gan"].overrides["epochs"] == raw["presets"]["laptop"]["models"]["gan"]["epochs"]
    assert resolved.models["gan"].overrides["batch_size"] == raw["models"]["gan"]["batch_size"]
    listed = params.changes(raw)
    assert listed["models.gan.epochs"] == (200, resolved.models["gan"].overrides["epochs"])
    assert listed["seeds"] == ([0, 1, 2, 3, 4], [0])
    assert params.changes(put(raw, "preset", "paper")) == {}


def test_a_list_replaces_a_list_and_a_section_is_merged() -> None:
    assert params.merge({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}}
    assert params.merge({"models": {"gan": None}}, {"models": {"gan": {"epochs": 1}}}) == {
        "models": {"gan": {"epochs": 1}}
    }


def test_a_family_is_the_name_by_default(raw: dict[str, Any]) -> None:
    resolved = params.resolve(put(raw, "models", {"vae": None, "small": {"family": "vae", "latent": 3}}))
    assert {name: (m.family, m.overrides) for name, m in resolved.models.items() if name != "gan"} == {
        "vae": ("vae", {}),
        "small": ("vae", {"latent": 3}),
    }


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("preset", "laptpo", "preset: expected one of laptop, tour, paper, full; found 'laptpo'"),
        ("presets.laptop", 3, "presets.laptop: expected sections as above; found 3"),
        ("compute.device", "gpu", "compute.device: expected 'auto', 'cpu' or 'cuda'; found 'gpu'"),
        ("compute.thread", 2, "compute.thread: unknown key; did you mean threads?"),
        ("compute.colour", 2, "compute.colour: unknown key; known here: device, precision, threads, cuda_graphs."),
        ("presets.laptop.classifier.members", 0, "classifier.members: expected a number greater than 0; found 0"),
        ("classifier.lr", -1, "classifier.lr: expected a number greater than 0; found -1"),
        ("classifier.batch_size", "many", "classifier.batch_size: expected a valid integer"),
        ("sample", {}, "sample: unknown key; did you mean samples?"),
        ("samples.count", 3, "samples.count: expected a number greater than or equal to 100; found 3"),
        ("presets.laptop.seeds", [], "seeds: "),
        ("presets.laptop.seeds", [1, 1], "seeds: expected seeds that all differ; found [1, 1]"),
        ("presets.laptop.seeds", [-1], "seeds.0: expected a number greater than or equal to 0; found -1"),
        ("models", {"Gan!": {"family": "gan"}}, "models.Gan!: "),
        ("models.wgan", {}, "models.wgan.family: expected a file of pipeline/models/, one of "),
        ("models.vae", 3, "models.vae: expected "),
        ("models.classifier", {"family": "gan"}, "models.classifier: expected another name"),
        ("data", None, "data: expected "),
        ("report.title", "", "report.title: "),
    ],
)
def test_a_wrong_value_gets_a_sentence(raw: dict[str, Any], path: str, value: Any, message: str) -> None:
    with pytest.raises(params.ParamsError, match=re.escape("params.yaml: " + message)):
        params.resolve(put(raw, path, value))


def test_a_missing_section_gets_a_sentence(raw: dict[str, Any]) -> None:
    del raw["labels"]
    with pytest.raises(params.ParamsError, match=r"params\.yaml: labels: expected a value; found none"):
        params.resolve(raw)


def test_all_wrong_values_are_told_at_once(raw: dict[str, Any]) -> None:
    wrong = put(put(raw, "presets.laptop.classifier.members", -1), "classifier.batch_size", 0)
    with pytest.raises(params.ParamsError) as caught:
        params.resolve(wrong)
    assert "classifier.members" in str(caught.value) and "classifier.batch_size" in str(caught.value)


@pytest.mark.parametrize("name", families.names())
def test_a_family_refuses_an_unknown_key_by_its_path(name: str) -> None:
    with pytest.raises(params.ParamsError, match=r"params\.yaml: models\.mine\.batchsize: unknown key"):
        params.check(family_class(name).Config, {"batchsize": 3}, "models.mine")
