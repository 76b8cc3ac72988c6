"""What Snakemake and DVC compute again after a change, on toy data: as much as it asks for, and no less."""

import json
import os
import random
from pathlib import Path

import pytest
from workspace import SNAKEMAKE, Workspace

from pipeline.core import params

OF_ALL = ["plot_comparison", "compare", "check_claims", "render", "all"]


def test_a_changed_rate_retrains_that_model_only_and_an_experiment_records_it(clone: Workspace) -> None:
    before = clone.trained()
    clone.edit("models.gan.lr", 0.001)
    of_a_gan = [
        *("train", "describe_networks", "sample", "label", "measure", "c2st", "find_alarms", "average_losses"),
        *("perfect_discriminator", "plot_perfect_discriminator", "plot_training", "plot_images"),
        *("likelihood", "student", "complete", "plot_completions"),
    ]
    assert clone.planned() == dict.fromkeys([*of_a_gan, *OF_ALL], 1)
    clone.run("git", "checkout", "params.yaml")
    clone.run("dvc", "exp", "run", "--name", "faster", "--set-param", "models.gan.lr=0.001")
    after = clone.trained()
    assert [name for name in after if after[name] != before[name]] == ["gan/0.safetensors"]
    assert clone.record("gan")["config"]["lr"] == 0.001
    assert clone.is_clean()
    changed = json.loads(clone.run("dvc", "metrics", "diff", "--json"))["results/metrics.json"]
    assert changed and all(name.startswith("gan.") and numbers["diff"] for name, numbers in changed.items())
    plotted = json.loads(clone.run("dvc", "plots", "show", "--json"))
    assert {"results/curves/gan.csv", "results/curves/vae.csv"} <= {name.split("::")[-1] for name in plotted["data"]}


def test_an_edit_of_a_template_a_title_or_code_recomputes_what_it_decides(planning: Workspace) -> None:
    with open(planning.folder / "site_templates" / "base.html.jinja", "a") as opened:
        opened.write("{# edited #}\n")
    assert planning.planned() == {"render": 1, "all": 1}
    planning.edit("report.title", "Another <title>")
    assert planning.planned() == {"render": 1, "all": 1}
    planning.run("git", "checkout", ".")
    for file, rules in {
        "pipeline/models/vae.py": {"train", "sample", "map_latent", "describe_networks", "render"},
        "pipeline/metrics/vendi.py": {"measure", "compare"},
        "pipeline/figures/film.py": {"plot_training"},
        "pipeline/core/artifacts.py": set(),  # it carries values and decides none
        "pipeline/analysis/alarms.py": {"find_alarms"},
    }.items():
        with open(planning.folder / file, "a") as opened:
            opened.write("# edited\n")
        planned = planning.planned()
        assert rules <= planned.keys(), file
        assert planned.get("train", 0) == int(file == "pipeline/models/vae.py"), file
        planning.run("git", "checkout", ".")
    assert planning.planned() == {}


def test_a_seed_is_one_number_and_a_setting_concerns_what_it_is_of(planning: Workspace) -> None:
    planning.edit("seeds", [0, 1])
    planned = planning.planned()
    assert planned["train"] == 2 and "fetch" not in planned and "train_classifier" not in planned
    planning.run("git", "checkout", ".")
    planning.edit("samples.count", 120)
    planned = planning.planned()
    assert planned["sample"] == 2 and "train" not in planned
    planning.run("git", "checkout", ".")
    planning.edit("models.gan.epochs", 2)
    assert planning.planned()["train"] == 1
    planning.run("git", "checkout", ".")


def test_a_variant_is_one_line_and_a_title_a_render(clone: Workspace) -> None:
    before = clone.trained()
    clone.edit("models.small_vae", {"family": "vae", "epochs": 1, "latent": 3})
    clone.edit("report.title", "Another <title>")
    clone.run(*SNAKEMAKE)
    after = clone.trained()
    assert {name for name in after if after[name] != before.get(name)} == {"small_vae/0.safetensors"}
    assert (clone.folder / "site" / "models" / "small_vae.html").exists()
    assert "Another &lt;title&gt;" in (clone.folder / "site" / "index.html").read_text()
    assert clone.is_clean()


def walk_edits(clone: Workspace, rng: random.Random) -> None:
    """One random edit of what may be edited."""
    match rng.randrange(7):
        case 0:
            clone.edit("models.gan.lr", rng.choice([1e-4, 2e-4, 4e-4]))
        case 1:
            clone.edit("models.vae.epochs", rng.choice([1, 2]))
        case 2:
            clone.edit("seeds", rng.choice([[0], [0, 1], [1]]))
        case 3:
            clone.edit("samples.count", rng.choice([100, 120]))
        case 4:
            clone.edit("report.title", f"Title {rng.randrange(100)}")
        case 5:
            file = rng.choice(
                ["pipeline/models/vae.py", "pipeline/stages/measure.py", "site_templates/index.html.jinja"]
            )
            with open(clone.folder / file, "a") as opened:
                opened.write("{# c #}\n" if file.endswith("jinja") else "# c\n")
        case 6:
            files = [f for f in (clone.folder / "results").rglob("*") if f.is_file()]
            os.utime(rng.choice(files))


def walk_step(clone: Workspace, rng: random.Random) -> None:
    """Bring everything up to date with one tool, the other, or both in part."""
    match rng.randrange(3):
        case 0:
            clone.run(*SNAKEMAKE)
        case 1:
            clone.run("dvc", "repro")
        case 2:
            clone.run(*SNAKEMAKE, "families")
            clone.run("dvc", "repro")
    if clone.planned() == {} and "up to date" not in clone.run("dvc", "status"):
        clone.run("dvc", "repro")  # Snakemake had nothing to do, so its hook did not record


@pytest.mark.slow
def test_a_random_walk_never_leaves_a_stale_result(
    finished: Workspace, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for walk in range(pytestconfig.getoption("walks")):
        rng = random.Random(walk)
        clone = finished.cloned(tmp_path / str(walk))
        for _ in range(pytestconfig.getoption("steps")):
            for _ in range(rng.randint(1, 2)):
                walk_edits(clone, rng)
            walk_step(clone, rng)
            assert clone.is_clean()
            agree(clone)


def agree(clone: Workspace) -> None:
    """Every result says that it was made with the present parameters."""
    asked = params.resolve(clone.params())
    for name, model in asked.models.items():
        for seed in asked.seeds:
            record = clone.record(name, seed)
            assert {key: record["config"][key] for key in model.overrides} == model.overrides
            assert record["seed"] == seed
    table = clone.metrics()
    models = table[table["model"] != "test_images"]
    assert set(models["seed"]) == set(asked.seeds)
    assert set(models[models["metric"] == "share"]["n"]) == {asked.samples.count}
    assert asked.report.title in (clone.folder / "site" / "index.html").read_text()
