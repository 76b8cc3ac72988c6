"""The figures of what is missing and what is copied: do they show the numbers that they are handed?"""

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image
from plotted import details, labels_of, outputs, plot_images_of

from pipeline.core import artifacts
from pipeline.figures import curves, style
from pipeline.figures.bins import bins
from pipeline.figures.nearest import Pairs, choose, nearest, times
from pipeline.metrics.sharpness import ROUNDING
from pipeline.stages import plot_comparison

LIMIT = 110_000  # bytes of an SVG of fifteen models
MANY = [f"model_{index}" for index in range(15)]


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


def texts(svg: bytes) -> list[str]:
    """The text that an SVG shows."""
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()).strip() for text in root.iter("{http://www.w3.org/2000/svg}text")]


def pictures(svg: bytes) -> list[np.ndarray]:
    """The grey levels (h, w) of every picture in an SVG."""
    found = re.findall(r"data:image/png;base64,([^\"]+)", svg.decode())
    opened = [Image.open(io.BytesIO(base64.b64decode(each))).convert("RGBA") for each in found]
    return [np.asarray(each)[..., 0].astype(int) for each in opened]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


# The nearest training images.


def test_the_first_samples_and_the_nearest_are_chosen() -> None:
    index, distance = np.array([7, 3, 9, 1, 5]), np.array([4.0, 2.0, 6.0, 1.0, 3.0])
    table = choose(index, distance, real=np.array([1.0, 2.0, 30.0]), count=2)
    assert table.to_dict("list") == {
        "chosen": ["first", "first", "nearest", "nearest"],
        "sample": [0, 1, 3, 1],
        "training_image": [7, 3, 1, 3],
        "distance": [4.0, 2.0, 1.0, 2.0],
        "times_real": [2.0, 1.0, 0.5, 1.0],
    }


def test_where_real_images_are_copies_any_distance_is_infinitely_larger() -> None:
    table = choose(np.array([0, 1]), np.array([0.0, 1.0]), real=np.zeros(3))
    assert table["times_real"].tolist() == [0, np.inf, 0, np.inf]


@pytest.mark.parametrize("ratio, text", [(0.0, "0.00"), (0.974, "0.97"), (9.99, "9.99"), (12.4, "12"), (np.inf, "∞")])
def test_ratios_are_written_short(ratio: float, text: str) -> None:
    assert times(ratio) == text


@pytest.mark.parametrize("count", [10, 3])
def test_each_sample_stands_above_its_training_image(count: int) -> None:
    samples, training = images(count), images(count, 1)
    drawn = style.svg(nearest([Pairs("In pixels", samples, training, np.linspace(0.5, 1.5, count))]))
    (sheet,) = pictures(drawn)
    for place in range(count):
        left = place * 30
        assert np.abs(sheet[:28, left : left + 28] - samples[place]).max() <= 5
        assert np.abs(sheet[30:58, left : left + 28] - training[place]).max() <= 5
    ratios = [f"{ratio:.2f}" for ratio in np.linspace(0.5, 1.5, count)]
    assert texts(drawn) == ["In pixels", "sample", "training", "× real", *ratios]


# Bins.


def test_bins_are_drawn_in_order_with_the_extremes_below() -> None:
    z = np.array([0.5, -8.0, 3.0, -1.0, -2.5, 12.0])
    train, fake = np.full(6, 0.1), np.array([0.1, 0.02, 0.2, 0.09, 0.05, 0.53])
    centres = np.arange(6, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2) * 40
    figure = bins(centres, train, fake, z)
    bars = [
        [float(np.asarray(path.vertices)[1, 1]) for path in collection.get_paths()]
        for collection in figure.axes[0].collections
    ]
    colours = [to_hex(collection.get_edgecolor()[0]) for collection in figure.axes[0].collections]  # pyright: ignore
    assert dict(zip(colours, bars, strict=True)) == {
        style.BLUE: [-8.0, -2.5],
        style.MUTED: [-1.0, 0.5],
        style.VERMILLION: [3.0, 12.0],
    }
    svg = style.svg(figure)
    assert [round(float(np.median(picture)) / 40) for picture in pictures(svg)] == [1, 4, 3, 5, 2, 0]
    ratios = [text for text in texts(svg) if text.endswith(" ×")]
    assert ratios == ["0.20 ×", "0.50 ×", "0.90 ×", "5.30 ×", "2.00 ×", "1.00 ×"]
    assert [text for text in texts(svg) if text.startswith("z ")][:2] == ["z −8.0", "z −2.5"]


def test_bins_on_one_side_only_have_no_pictures_on_the_other() -> None:
    svg = style.svg(bins(images(5), np.full(5, 0.2), np.full(5, 0.2), np.array([0, 0, 0, -1.0, 0])))
    assert len(pictures(svg)) == 1


def test_the_band_of_chance_is_seen_beside_very_large_z() -> None:
    z = np.append(np.full(99, -13.0), 260.0)
    axes = bins(images(100), np.full(100, 0.01), np.append(np.zeros(99), 1), z).axes[0]
    to_pixels = axes.transData.transform
    band = to_pixels((0, 1.96))[1] - to_pixels((0, -1.96))[1]
    assert band > 0.1 * axes.bbox.height


# Curves.


def prd_of(names: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """For each space, lines of (recall, precision) that differ."""
    points = np.linspace(0, 1, 101)
    return {
        space: {
            name: np.stack([points, (1 - points) * (1 - 0.05 * (place + start))], axis=1)
            for place, name in enumerate(["test_images", *names])
        }
        for start, space in enumerate(["classifier", "random networks"])
    }


def test_few_models_share_a_panel_for_each_space() -> None:
    found = prd_of(["gan", "vae"])
    figure = curves.precision_recall(found)
    assert titles(figure) == ["classifier", "random networks"]
    for axes, lines in zip(figure.axes, found.values(), strict=True):
        assert [line.get_label() for line in axes.lines] == ["real test images", "gan", "vae"]
        for line, points in zip(axes.lines, lines.values(), strict=True):
            assert np.array_equal(line.get_xydata(), points)
        assert len({line.get_color() for line in axes.lines}) == 3


def test_many_models_have_a_panel_each() -> None:
    found = prd_of(MANY)
    figure = curves.precision_recall(found)
    assert titles(figure) == MANY
    for axes, name in zip(figure.axes, MANY, strict=True):
        lines = {line.get_label(): line.get_xydata() for line in axes.lines}
        for space, curve in found.items():
            assert np.array_equal(lines[f"model, {space}"], curve[name][::2])
            assert np.array_equal(lines[f"real, {space}"], curve["test_images"][::2])


def test_without_curves_it_is_said_that_there_are_too_few_images() -> None:
    for figure in (curves.precision_recall({"classifier": {}}), curves.extrapolation({})):
        assert texts(style.svg(figure)) == ["Not measured: there are too few images for it."]


def test_a_line_leads_to_infinitely_many_samples() -> None:
    sizes = np.linspace(500, 5000, 15)
    figure = curves.extrapolation({"gan": (sizes, 4 + 600 / sizes), "test_images": (sizes, 500 / sizes - 0.1)})
    assert titles(figure) == ["real test images\n\N{MINUS SIGN}0.10 % at ∞", "gan\n4.00 % at ∞"]
    real, gan = figure.axes
    assert real.get_ylim()[0] < -0.1 and gan.get_ylim()[0] == 0
    assert gan.lines[1].get_xydata() == pytest.approx(np.array([[0, 4], [1 / 500, 5.2]]))


def test_spectra_are_drawn_over_that_of_real_images() -> None:
    ratios = {"gan": np.geomspace(1, 2, 20), "vae": np.geomspace(1, 0.01, 20)}
    (axes,) = curves.spectra(ratios, {"blurred": np.geomspace(1, 1e-4, 20)}).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["real test images", "blurred", "gan", "vae"]
    assert set(np.asarray(lines["real test images"].get_ydata()).tolist()) == {1}
    for name, ratio in ratios.items():
        assert np.array_equal(lines[name].get_xydata(), np.stack([np.arange(1, 21), ratio], axis=1))
    low, high = axes.get_ylim()
    assert low < 1e-4 and high > 2 and axes.get_yscale() == "log"


def test_fifteen_models_stay_small_and_all_are_named() -> None:
    sizes = np.linspace(500, 5000, 15)

    def draw() -> list[bytes]:
        figures = [
            curves.precision_recall(prd_of(MANY)),
            curves.extrapolation({name: (sizes, 4 + 600 / sizes) for name in ["test_images", *MANY]}),
            curves.spectra({name: np.geomspace(1, 2, 20) for name in MANY}, {"blurred": np.ones(20)}),
        ]
        return [style.svg(figure) for figure in figures]

    drawn = draw()
    for svg in drawn:
        assert len(svg) < LIMIT
        assert set(MANY) <= set(texts(svg))
    assert drawn == draw()


@pytest.mark.parametrize("count", [1, 5, 6])
def test_no_more_models_share_a_panel_than_there_are_colours(count: int) -> None:
    names = MANY[:count]
    panels = curves.spectra({name: np.ones(20) for name in names}, {}).axes
    assert len(panels) == (1 if count <= len(style.SERIES) else count)


# The stages.


def test_the_stage_draws_the_neighbours_that_were_measured(tmp_path: Path) -> None:
    training, samples, mine, real = images(40, 3), images(30, 4), details(0), details(1)
    centres = np.random.default_rng(0).random((8, 784)).astype(np.float32)
    plot_images_of(tmp_path, samples, labels_of(30, 2), training, mine, real, centres)
    out = tmp_path / "out"
    table = pd.read_csv(out / "nearest.csv")
    sizes = table.groupby(["space", "chosen"], sort=False).size()
    assert list(sizes.items()) == [
        ((space, end), 10) for space in ("pixels", "random_1") for end in ("first", "nearest")
    ]
    for space, part in table.groupby("space"):
        distance = mine[f"nearest_distance/{space}"]
        assert part["training_image"].tolist() == mine[f"nearest_index/{space}"][part["sample"]].tolist()
        assert part["times_real"].to_numpy() == pytest.approx(
            distance[part["sample"]] / np.median(real[f"nearest_distance/{space}"])
        )
        assert sorted(part.loc[part["chosen"] == "nearest", "distance"]) == pytest.approx(np.sort(distance)[:10])
    sheets = pictures((out / "nearest").read_bytes())
    assert len(sheets) == 4
    for row, sheet in enumerate(sheets):
        for place in range(10):
            shown, left = table.iloc[10 * row + place], place * 30
            assert np.abs(sheet[:28, left : left + 28] - samples[shown["sample"]]).max() <= 5
            assert np.abs(sheet[30:, left : left + 28] - training[shown["training_image"]]).max() <= 5
    parts = pd.read_csv(out / "bins.csv")
    assert parts["z"].to_numpy() == pytest.approx(mine["bins_z"])
    assert parts["fake"].to_numpy() == pytest.approx(mine["bins_fake"])
    rarest = pictures((out / "bins").read_bytes())[0]
    assert np.abs(rarest - 255 * centres[mine["bins_z"].argmin()].reshape(28, 28)).max() <= 6


def draw_all(folder: Path, sources: dict[str, dict[str, np.ndarray]]) -> None:
    """Run the stage on these details."""
    for source, arrays in sources.items():
        artifacts.write_arrays(folder / source / "0.npz", **arrays)
    artifacts.write_arrays(folder / "samples/test_images/0.npz", images=images(9))
    artifacts.write_table(folder / "labels/test_images/0.csv", labels_of(9))
    plot_comparison.main(
        sample_files=[folder / "samples/test_images/0.npz"],
        label_files=[folder / "labels/test_images/0.csv"],
        detail_files=[folder / source / "0.npz" for source in sources],
        **outputs(plot_comparison.main, folder),
    )


def test_the_stage_draws_the_curves_that_were_measured(tmp_path: Path) -> None:
    sources = {name: details(seed) for seed, name in enumerate(["gan", "vae", "test_images", "blurred"])}
    sources["vae"]["spectrum"][20] = 0.0
    draw_all(tmp_path, sources)

    points = pd.read_csv(tmp_path / "prd.csv")
    assert set(points["source"]) == {"gan", "vae", "test_images"}
    mine = points[(points["source"] == "gan") & (points["space"] == "random networks")]
    mean = (sources["gan"]["curve_recall/random_1"] + sources["gan"]["curve_recall/random_2"]) / 2
    assert mine["recall"].to_numpy() == pytest.approx(mean[::10])
    own = points[(points["source"] == "vae") & (points["space"] == "classifier")]
    assert own["precision"].to_numpy() == pytest.approx(sources["vae"]["curve_precision/classifier"][::10])

    line = pd.read_csv(tmp_path / "extrapolation.csv").query("source == 'gan'")
    assert line["samples"].tolist() == [500, 1000, 5000]
    assert line["fd_percent"].to_numpy() == pytest.approx([3.2, 3.1, 3.02])
    assert "real test images" in " ".join(texts((tmp_path / "extrapolation").read_bytes()))

    power = pd.read_csv(tmp_path / "spectrum.csv").query("source == 'vae'")
    assert power["cycles"].tolist() == list(range(1, 21))
    floored = np.maximum(sources["vae"]["spectrum"][1:], ROUNDING)
    assert power["times_real"].to_numpy() == pytest.approx(floored / sources["test_images"]["spectrum"][1:])
    shown = texts((tmp_path / "spectrum").read_bytes())
    assert {"gan", "vae", "real test images", "training images, blurred by one pixel"} <= set(shown)


def test_the_stage_draws_what_there_is_of_few_samples(tmp_path: Path) -> None:
    draw_all(tmp_path, {name: details(0, enough=False) for name in ("gan", "test_images", "blurred")})
    for curve in ("prd", "extrapolation"):
        assert pd.read_csv(tmp_path / f"{curve}.csv").empty
        assert texts((tmp_path / curve).read_bytes()) == ["Not measured: there are too few images for it."]
    assert len(pd.read_csv(tmp_path / "spectrum.csv")) == 60
