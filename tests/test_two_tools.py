"""Snakemake and DVC over one DAG, on toy data: what each computes, records, refuses and leaves alone."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest
import yaml
from workspace import CLASSES, ENVIRONMENT, SNAKEMAKE, Workspace

from pipeline.core.names import SHOWN
from pipeline.metrics.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def spoiled(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One clone for what leaves it as it may be."""
    return finished.cloned(tmp_path_factory.mktemp("spoiled") / "clone")


def test_one_command_builds_the_site_and_both_tools_have_nothing_left_to_do(finished: Workspace) -> None:
    assert (finished.folder / "site" / "index.html").exists()
    assert finished.is_clean()
    assert finished.run("git", "status", "--porcelain") == ""


def test_the_table_of_metrics_is_complete(finished: Workspace) -> None:
    table = finished.metrics()
    assert set(table["model"]) == {"gan", "vae", *SHOWN}
    assert set(table[table["model"] == "vae"]["set"]) == {"images", "observations"}
    shares = table[(table["metric"] == "share") & (table["set"] == "images")].groupby(["model", "draw"])
    assert (shares["label"].count() == CLASSES).all()
    assert shares["value"].sum().to_list() == pytest.approx([1] * len(shares), abs=1e-4)
    draws = table[table["metric"] == "fd_percent"].groupby(["model", "set"])["draw"].nunique().to_dict()
    twice = {(model, "images"): 2 for model in ("gan", "vae", "test_images")}
    once = {(baseline, "images"): 1 for baseline in ("train_copies", "blurred", "noise", "gaussian", "centroids")}
    assert draws == twice | once | {("vae", "observations"): 1}
    of_networks = {name for name, metric in CATALOGUE.items() if metric.needs_training and metric.space == "labels"}
    few = {"fd_infinity_percent"}  # there are too few toy images
    assert {*CATALOGUE} - {*table["metric"]} == of_networks | few | {"level_nats"}  # no model here has grey levels
    real = table[(table["model"] == "test_images") & (table["metric"] == "sharpness_ratio")]
    assert real["value"].item() == 1
    summary = pd.read_csv(finished.folder / "results" / "summary.csv")
    assert {*summary["space"].dropna()} == {"pixels", "classifier", "random"}
    verdicts, claims = (pd.read_csv(finished.folder / "results" / f"{name}.csv") for name in ("verdicts", "claims"))
    assert set(verdicts["basis"]) == {"spread between seeds", "the same test images"} and len(claims) == 14
    selection = json.loads((finished.folder / "results" / "metrics.json").read_text())
    assert selection["gan"]["parameters"] == 2_953_745 and selection["vae"]["images_seen"] == 240


def test_dvc_yaml_covers_every_file_that_a_rule_reads_or_writes(finished: Workspace) -> None:
    stages = yaml.safe_load((finished.folder / "dvc.yaml").read_text())["stages"]

    def paths(stage: str, *sections: str) -> list[str]:
        listed = [entry for section in sections for entry in stages[stage].get(section, [])]
        return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in listed]

    def inside(file: str, folders: list[str]) -> bool:
        return any(file == folder or file.startswith(folder + "/") for folder in folders)

    stage_of = {"fetch": "data", "train_classifier": "classifier"}
    families = {
        *("train", "describe_networks", "find_alarms", "perfect_discriminator"),
        *("choose_labels", "sample", "make_baseline", "map_latent", "label"),
    }
    seen = set()
    for file in (finished.folder / ".snakemake" / "metadata").rglob("*"):
        if not file.is_file():
            continue
        record = json.loads(file.read_text())
        output = base64.b64decode(file.name).decode()
        stage = stage_of.get(record["rule"], "families" if record["rule"] in families else "report")
        outs = paths(stage, "outs", "metrics")
        assert inside(output, outs), f"dvc.yaml: {output} of rule {record['rule']} is no out of stage {stage}"
        for needed in record["input"]:
            assert inside(needed, [*paths(stage, "deps"), *outs]) or needed == "toy.npz", (
                f"dvc.yaml: {needed}, which rule {record['rule']} reads, is no dep of stage {stage}"
            )
        seen.add(record["rule"])
    assert {"train", "render", "fetch", "train_classifier", "map_latent"} <= seen


def test_a_clone_with_dvc_pull_has_nothing_to_do(planning: Workspace) -> None:
    assert planning.is_clean()
    assert "didn't change, skipping" in planning.run("dvc", "repro")


def test_results_without_their_records_are_refused_with_the_way_out(planning: Workspace) -> None:
    shutil.rmtree(planning.folder / ".snakemake" / "metadata")
    printed = planning.run(*SNAKEMAKE, fails=True)
    assert "dvc pull .snakemake/metadata" in printed and "rm -r" in printed
    planning.run("dvc", "pull", ".snakemake/metadata")
    assert planning.is_clean()


def test_linked_results_are_refused_with_the_way_out(planning: Workspace) -> None:
    planning.run("dvc", "config", "--local", "cache.type", "symlink")
    planning.run("dvc", "checkout", "--relink")
    assert "dvc config --local cache.type reflink,copy" in planning.run(*SNAKEMAKE, fails=True)
    planning.run("dvc", "config", "--local", "cache.type", "reflink,copy")
    planning.run("dvc", "checkout", "--relink")
    assert planning.is_clean()


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("models.vae.latnet", 2, "models.vae.latnet: unknown key; did you mean latent?"),
        ("models.glow", {}, "models.glow.family: expected a file of pipeline/models/"),
        ("data.dataset", "nowhere.npz", "nowhere.npz"),
    ],
)
def test_a_wrong_choice_is_told_by_both_tools_before_any_training(
    planning: Workspace, path: str, value: object, sentence: str
) -> None:
    before = planning.trained()
    planning.edit(path, value)
    assert sentence in planning.run(*SNAKEMAKE, fails=True)
    assert sentence in planning.run("dvc", "repro", fails=True)
    assert planning.trained() == before
    planning.run("git", "checkout", "params.yaml")


def test_a_killed_run_goes_on_without_being_unlocked(spoiled: Workspace) -> None:
    spoiled.run("git", "checkout", "params.yaml")
    spoiled.edit("models.vae.epochs", 400)
    running = subprocess.Popen(SNAKEMAKE, cwd=spoiled.folder, env=ENVIRONMENT, start_new_session=True)
    lock = spoiled.folder / ".snakemake" / "locks"
    patience = time.monotonic() + 60
    while not (lock.exists() and any(lock.iterdir())):
        assert time.monotonic() < patience and running.poll() is None
        time.sleep(0.1)
    time.sleep(3)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert any(lock.iterdir())
    spoiled.edit("models.vae.epochs", 2)
    spoiled.run("dvc", "repro")
    assert spoiled.record("vae")["config"]["epochs"] == 2
    assert spoiled.is_clean()


def test_a_failing_job_shows_its_reason_in_the_terminal(spoiled: Workspace) -> None:
    spoiled.run("git", "checkout", "params.yaml")
    spoiled.edit("models.vae.lr", 1e6)
    spoiled.edit("models.vae.epochs", 30)
    printed = spoiled.run(*SNAKEMAKE, fails=True)
    assert "became nan at step" in printed or "became inf at step" in printed
