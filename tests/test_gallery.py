"""The galleries and what was requested of conditional models: tables and pictures against the arrays behind them."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plotted import details, labels_of, plot_images_of

from pipeline.core import artifacts
from pipeline.figures import classifier, gallery
from pipeline.figures.style import LEVELS, svg
from pipeline.stages import plot_requested


def test_tiles_are_the_first_images_by_label_and_from_sure_to_unsure() -> None:
    labels = labels_of(900)
    found = gallery.tiles(labels.sample(frac=1, random_state=0))
    assert sorted(found["index"]) == list(range(400))
    keys = list(zip(found["label"], -found["confidence"], found["index"], strict=True))
    assert keys == sorted(keys)
    for row in found.to_dict("records"):
        source = labels.loc[row["index"]]
        probabilities = source[[f"p_{k}" for k in range(4)]].to_numpy(float)
        assert (row["label"], row["kind"]) == (source["label"], source["kind"])
        assert row["confidence"] == round(source["confidence"], 4)
        assert row["second"] != row["label"] and row["second_probability"] == round(probabilities[row["second"]], 4)
        assert probabilities[row["second"]] == np.delete(probabilities, row["label"]).max()
    assert found["place"].tolist() == list(range(400))


def test_other_sets_of_a_source_have_no_tiles() -> None:
    labels = pd.concat([labels_of(30).assign(set="observations", label=3), labels_of(20)])
    assert len(gallery.tiles(labels)) == 20


def test_more_than_ten_classes_keep_their_numbers() -> None:
    labels = labels_of(50, classes=12)
    for row in gallery.tiles(labels).to_dict("records"):
        found = labels.loc[row["index"], [f"p_{k}" for k in range(12)]].to_numpy(float)
        assert row["second"] != row["label"] and found[row["second"]] == np.delete(found, row["label"]).max()


@pytest.mark.parametrize("count", [1, 37, 900])
def test_a_sheet_holds_the_images_in_the_order_of_its_table(tmp_path: Path, count: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    training = np.zeros((40, 28, 28), np.uint8)
    plot_images_of(tmp_path, images, labels_of(count), training, details(0, samples=count), details(1))
    table = pd.read_csv(tmp_path / "out/gallery.csv")
    shown = np.asarray(Image.open(tmp_path / "out/gallery").convert("RGBA"))
    assert len(table) == min(count, 400)
    assert shown.shape[:2] == (29 * -(-len(table) // 20) - 1, 579)
    covered = np.zeros(shown.shape[:2], int)
    for row in table.to_dict("records"):
        tile = (slice(row["top"], row["top"] + 28), slice(row["left"], row["left"] + 28))
        covered[tile] += 1
        difference = np.abs(shown[tile][..., 0].astype(int) - images[row["index"]])
        assert difference.max() <= 255 / (LEVELS - 1) / 2 + 1
    assert covered.max() == 1
    assert ((shown[..., 3] > 0) == (covered > 0)).all()


def test_a_sheet_of_strokes_is_small() -> None:
    """Real digits take 50 kB; these have about as much ink, with as soft an edge."""
    y, x = np.mgrid[:28, :28]
    angles = np.random.default_rng(2).uniform(0, np.pi, 400)[:, None, None]
    distance = np.abs((x - 13.5) * np.cos(angles) + (y - 13.5) * np.sin(angles))
    strokes = np.clip(255 * (2 - distance), 0, 255) * (np.hypot(x - 13.5, y - 13.5) < 10)
    assert len(gallery.sheet(strokes.astype(np.uint8), np.arange(400))) < 80_000


def test_the_classes_that_were_requested_are_the_rows(tmp_path: Path) -> None:
    requested, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 2, 1, 2, 2, 1])
    artifacts.write_arrays(tmp_path / "requested.npz", labels=requested)
    labels = pd.DataFrame({"set": "images", "index": range(6), "label": predicted})
    both = pd.concat([labels.assign(set="observations", label=1), labels])
    artifacts.write_table(tmp_path / "labels.csv", both)
    artifacts.write_json(tmp_path / "summary.json", {"class_names": ["cat", "dog", "eel"]})

    def plot() -> None:
        plot_requested.main(
            summary_file=tmp_path / "summary.json",
            requested_file=tmp_path / "requested.npz",
            labels_file=tmp_path / "labels.csv",
            requested_table=tmp_path / "requested.csv",
            requested_picture=tmp_path / "requested.svg",
        )

    plot()
    counts = pd.read_csv(tmp_path / "requested.csv").set_index(["requested", "predicted"])["count"].to_dict()
    assert {pair: count for pair, count in counts.items() if count} == {
        (0, 0): 1,
        (0, 2): 1,
        (1, 1): 1,
        (2, 2): 2,
        (2, 1): 1,
    }
    table = np.array([[1, 0, 1], [0, 1, 0], [0, 1, 2]])
    assert (tmp_path / "requested.svg").read_bytes() == svg(classifier.requested(table, ["cat", "dog", "eel"]))

    artifacts.write_arrays(tmp_path / "requested.npz", labels=requested[:5])
    with pytest.raises(ValueError, match=r"a row for each of the 5 images.*found 6 rows"):
        plot()


def test_the_matrix_says_what_its_rows_are() -> None:
    counts = np.array([[5, 1], [0, 7]])
    for figure, rows in (
        (classifier.requested(counts, ["a", "b"]), "requested"),
        (classifier.confusion(counts, ["a", "b"]), "true"),
    ):
        (axes,) = figure.axes
        assert (axes.get_ylabel(), axes.get_xlabel()) == (rows, "predicted")
        written = {text.get_position(): text.get_text() for text in axes.texts}
        assert written == {(0, 0): "5", (1, 0): "1", (1, 1): "7"}  # column, row


def test_the_same_images_give_the_same_sheet() -> None:
    images = np.random.default_rng(3).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    sheets = [gallery.sheet(images, np.arange(30)) for _ in range(2)]
    assert sheets[0] == sheets[1] and Image.open(io.BytesIO(sheets[0])).mode == "P"
