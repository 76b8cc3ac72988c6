import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline import artifacts
from pipeline.data import Dataset
from pipeline.figures import comparison, grids, judge, labels, latent, losses, networks, style
from pipeline.stages import draw_classifier, draw_comparison, draw_draws, draw_latent, draw_samples, draw_training

DIGITS = [str(digit) for digit in range(10)]
OBJECTIVES = {"discriminator": ["real_loss", "fake_loss"], "generator": ["generator_loss"]}
LIMIT = 60_000  # bytes of an SVG


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


def probabilities(count, classes=10, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.1), count)


def history(steps=470, seed=0):
    rng = np.random.default_rng(seed)
    step = np.arange(1, steps + 1)
    real, fake = 0.5 + rng.random(steps), 0.4 + rng.random(steps)
    return pd.DataFrame(
        {
            **{"step": step, "epoch": step / 235, "real_loss": real, "fake_loss": fake},
            **{"D_real": np.exp(-real), "D_fake": 1 - np.exp(-fake), "generator_loss": 1 + rng.random(steps)},
        }
    )


def linear(name, into, out, activation="ReLU", dropout=0.0):
    size = {"in": into, "out": out, "output": [out], "parameters": into * out + out}
    return {"name": name, "kind": "Linear", **size, "activation": activation, "dropout": dropout}


def network(name, *layers):
    parameters = sum(layer["parameters"] for layer in layers)
    ends = {"input": [layers[0]["in"]], "output": layers[-1]["output"]}
    return {"name": name, "parameters": parameters, **ends, "layers": list(layers)}


GENERATOR = network("generator", linear("Input", 128, 256), linear("Output", 256, 784, "Tanh"))
DISCRIMINATOR = network("discriminator", linear("Input", 784, 256, dropout=0.3), linear("Output", 256, 1))
ENCODER = network(
    "encoder",
    linear("Input", 784, 256),
    linear("Output 1", 256, 2, "none"),
    linear("Output 2", 256, 2, "none"),
)
DECODER = network("decoder", linear("Input", 2, 784, "Sigmoid (in the loss)"))
BINS = pd.DataFrame(
    {
        "lower": [0.4, 0.8],
        "upper": [0.6, 1.0],
        "confidence": [0.5, 0.9],
        "accuracy": [0.6, 0.88],
        "count": [7, 1931],
    }
)


def named(count):
    """Class names: digits, or long ones where there are other than ten."""
    return DIGITS if count == 10 else [f"Ankle boot {index}" for index in range(count)]


def every_figure(classes=10):
    rng, names = np.random.default_rng(0), named(classes)
    sampled, p = images(50), probabilities(50, classes)
    even = np.full(classes, 1 / classes)
    return {
        "labelled": grids.labelled(sampled, p.argmax(1), p.max(1), names),
        "ambiguous": grids.ambiguous(sampled, p, names),
        "classes": labels.classes(even, even / 2, even * 1.1, even, names),
        "losses": losses.losses([history()], OBJECTIVES),
        "gan": networks.diagram([GENERATOR, DISCRIMINATOR]),
        "vae": networks.diagram([ENCODER, DECODER]),
        "other": networks.diagram([dict(GENERATOR, name="flow"), ENCODER, DECODER]),
        "codes": latent.codes(rng.normal(size=(500, 2)), rng.integers(0, classes, 500), names),
        "confusion": judge.confusion(rng.integers(0, 9, (classes, classes)), names),
        "reliability": judge.reliability(BINS),
        "sharpness": comparison.sharpness({"gan": rng.random(99), "test_images": rng.random(99)}),
        "confidence": comparison.confidence({"gan": rng.random(99), "test_images": rng.random(99)}),
    }


def texts(figure):
    """The text that an SVG of the figure shows."""
    root = ElementTree.fromstring(style.svg(figure))
    return ["".join(text.itertext()).strip() for text in root.iter("{http://www.w3.org/2000/svg}text")]


def pixels(png):
    """Grey levels (h, w) and opacity (h, w) of a PNG."""
    rgba = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    return rgba[..., 0].astype(int), rgba[..., 3]


def luminance(colour):
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear_channels = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear_channels @ (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_bytes_are_the_same_each_time():
    first, second = every_figure(), every_figure()
    assert {name: style.svg(figure) for name, figure in first.items()} == {
        name: style.svg(figure) for name, figure in second.items()
    }
    assert grids.samples(images(100)) == grids.samples(images(100))


def test_no_date_of_the_drawing_is_kept():
    assert b"<dc:date>" not in style.svg(judge.reliability(BINS))


@pytest.mark.parametrize("seeds", [1, 5])
def test_long_histories_stay_small(seeds):
    drawn = style.svg(losses.losses([history(47_000, seed) for seed in range(seeds)], OBJECTIVES))
    assert 10_000 < len(drawn) < LIMIT


def test_every_figure_stays_small():
    sizes = {name: len(style.svg(figure)) for name, figure in every_figure().items()}
    assert max(sizes.values()) < LIMIT, sizes


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_every_colour_follows_the_theme(classes):
    for name, figure in every_figure(classes).items():
        root = ElementTree.fromstring(style.svg(figure))
        for element in root.iter():
            if element.tag.endswith("}style"):
                continue
            for key, value in element.attrib.items():
                if key in ("style", "fill", "stroke", "color"):
                    found = set(re.findall(r"(?:fill|stroke|color): ?([^;]+)", value)) if key == "style" else {value}
                    assert all(v in ("none", "currentColor") or v.startswith("var(--") for v in found), (
                        name,
                        value,
                    )
            if element.tag.endswith("}text"):
                assert "font:" not in element.get("style", "") and "family" not in element.get("style", "")


def test_the_style_sheet_gives_every_variable_in_both_themes():
    drawn = style.svg(judge.reliability(BINS)).decode()
    light, dark = drawn.split("@media (prefers-color-scheme:dark)")
    for colour, (variable, in_the_dark) in style.THEME.items():
        assert f"--{variable}:{colour}" in light and f"--{variable}:{in_the_dark}" in dark
    assert "text{fill:currentColor" in drawn
    assert f"svg{{color:{style.INK}" in light and f"svg{{color:{style.INK_DARK}" in dark


def test_a_colour_outside_the_palette_is_refused():
    figure = judge.reliability(BINS)
    figure.axes[0].plot((0, 1), (1, 0), color="#123456")
    with pytest.raises(KeyError, match="#123456"):
        style.svg(figure)


def test_colours_stand_out_from_both_pages():
    for colour in style.SERIES:
        assert contrast(colour, style.PAPER) >= 3
        assert contrast(style.THEME[colour][1], style.PAPER_DARK) >= 3
    for colour in style.CLASSES:
        assert contrast(colour, style.PAPER) >= 3 and contrast(colour, style.PAPER_DARK) >= 3, colour


def test_text_is_legible_on_both_pages():
    assert contrast(style.INK, style.PAPER) >= 4.5 and contrast(style.INK_DARK, style.PAPER_DARK) >= 4.5
    assert contrast(style.MUTED, style.PAPER) >= 4.5
    assert contrast(style.THEME[style.MUTED][1], style.PAPER_DARK) >= 4.5


def mixed(colour, page, opacity):
    """What a colour looks like through which the page shows."""
    channels = [[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in (colour, page)]
    return "#" + "".join(f"{round(opacity * a + (1 - opacity) * b):02x}" for a, b in zip(*channels, strict=True))


def test_text_on_tinted_cells_and_bars_is_legible():
    pages = ((style.PAPER, style.INK, 0), (style.PAPER_DARK, style.INK_DARK, 1))
    for page, ink, theme in pages:
        assert contrast(ink, mixed(judge.WRONG, page, judge.STRONGEST)) >= 4.5
        assert contrast(ink, mixed(judge.RIGHT, page, 0.45)) >= 4.5
        blue = (style.BLUE, style.THEME[style.BLUE][1])[theme]
        assert contrast(page, blue) >= 4.5
        for opacity in comparison.OPACITIES[1:]:
            assert contrast(ink, mixed(blue, page, opacity)) >= 4.5


def test_an_svg_is_an_image_with_a_title():
    root = ElementTree.fromstring(style.svg(judge.reliability(BINS)))
    assert root.get("role") == "img"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Reliability of the classifier's confidence"


def test_the_grid_shows_every_pixel_and_transparent_gaps():
    drawn = images(100)
    grey, opacity = pixels(grids.samples(drawn))
    assert grey.shape == (2 * 289, 2 * 289)
    assert (grey[::2, ::2] == grey[1::2, 1::2]).all()
    grey, opacity = grey[::2, ::2], opacity[::2, ::2]
    for index, image in enumerate(drawn):
        top, left = index // 10 * 29, index % 10 * 29
        assert np.abs(grey[top : top + 28, left : left + 28] - image).max() <= 255 / 30 / 2 + 1
        assert (opacity[top : top + 28, left : left + 28] == 255).all()
    assert (opacity[28::29] == 0).all() and (opacity[:, 28::29] == 0).all()


def test_a_grid_of_fewer_samples_ends_early():
    grey, opacity = pixels(grids.samples(images(13)))
    assert grey.shape == (2 * 57, 2 * 289)
    assert (opacity[2 * 29 :, 2 * 3 * 29 :] == 0).all()


def test_the_manifold_has_no_gaps():
    grid = images(400).reshape(20, 20, 28, 28)
    grey, opacity = pixels(latent.manifold(grid))
    assert (opacity == 255).all()
    assert np.abs(grey - grid.transpose(0, 2, 1, 3).reshape(560, 560)).max() <= 255 / 30 / 2 + 1


def test_labels_stand_in_the_order_of_the_samples():
    drawn, predicted, sure = images(50), np.arange(50) % 10, np.linspace(0.3, 1, 50)
    shown = texts(grids.labelled(drawn, predicted, sure, DIGITS))
    assert shown[::2] == [str(index % 10) for index in range(40)]
    assert shown[1] == "30 %" and shown[79] == "86 %"


def test_captions_stand_below_their_tiles():
    axes = grids.labelled(images(40), np.zeros(40, int), np.ones(40), DIGITS).axes[0]
    left = axes.images[0].get_extent()[0]
    row = axes.get_ylim()[0] / 5
    for index, text in enumerate(axes.texts[::2]):
        x, y = text.get_position()
        assert x == pytest.approx(left + 14 + index % 8 * 35)
        assert 28 < y - index // 8 * row < row


def test_labelled_tiles_show_the_pixels_of_the_samples():
    drawn = images(3)
    svg = style.svg(grids.labelled(drawn, np.zeros(3, int), np.ones(3), DIGITS)).decode()
    found = re.search(r"data:image/png;base64,([^\"]+)", svg)
    assert found
    grey, opacity = pixels(base64.b64decode(found[1]))
    for place, image in enumerate(drawn):
        tile = grey[:28, place * 35 : place * 35 + 28]
        assert np.abs(tile - image).max() <= 255 / 30 / 2 + 1
    assert (opacity[:28, 28:35] == 0).all()


def test_the_ambiguous_figure_shows_the_least_certain_with_two_labels():
    p = np.full((30, 10), 0.001)
    for row in range(30):  # the later the less certain
        p[row, row % 10], p[row, (row + 3) % 10] = 0.95 - row / 100, 0.042 + row / 100
    shown = texts(grids.ambiguous(images(30), p, DIGITS))
    order = range(29, 17, -1)
    assert shown[::2] == [f"{row % 10}: {95 - row} %" for row in order]
    assert shown[1::2] == [f"{(row + 3) % 10}: {round(4.2 + row)} %" for row in order]


def test_the_ambiguous_figure_shows_the_images_it_names():
    p = np.full((5, 2), 0.5)
    p[:, 0] = (0.9, 0.6, 0.8, 0.55, 0.7)
    p[:, 1] = 1 - p[:, 0]
    drawn = np.repeat(np.arange(5, dtype=np.uint8) * 51, 784).reshape(5, 28, 28)
    svg = style.svg(grids.ambiguous(drawn, p, ["no", "yes"])).decode()
    found = re.search(r"data:image/png;base64,([^\"]+)", svg)
    assert found
    grey, _ = pixels(base64.b64decode(found[1]))
    assert np.allclose(grey[14, 14 + 37 * np.arange(5)], np.array([3, 1, 4, 2, 0]) * 51, atol=5)


def test_no_probability_is_called_certain():
    assert [grids.percent(p) for p in (0.997, 0.99, 0.5, 0.004)] == ["> 99 %", "99 %", "50 %", "< 1 %"]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_fewer_samples_than_places_are_all_shown(count):
    p = probabilities(count)
    assert len(texts(grids.labelled(images(count), p.argmax(1), p.max(1), DIGITS))) == 2 * count
    assert len(texts(grids.ambiguous(images(count), p, DIGITS))) == 2 * count


def drawn_lines(figure, panel):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in figure.axes[panel].get_lines()}


def test_losses_are_the_block_means_of_the_objectives_sums():
    told = history(1230)
    lines = drawn_lines(losses.losses([told], OBJECTIVES), 0)
    assert list(lines) == ["discriminator: real + fake", "generator"]
    total = (told["real_loss"] + told["fake_loss"]).to_numpy()
    blocks = [total[start : start + 7].mean() for start in range(0, 1230, 7)]  # 1230 / 200, rounded up
    np.testing.assert_allclose(lines["discriminator: real + fake"], blocks)
    assert len(blocks) <= losses.POINTS


def test_the_band_of_one_seed_is_the_extremes_of_each_block():
    told = history(1230)
    summed = losses.summary([told], ["generator_loss"])
    first = told["generator_loss"][:7]
    assert (summed["low"][0], summed["high"][0]) == (first.min(), first.max())
    assert summed["step"][0] == 4


def test_the_band_of_several_seeds_is_the_extremes_of_their_means():
    told = [history(1230, seed) for seed in range(5)]
    summed = losses.summary(told, ["generator_loss"])
    means = [one["generator_loss"][:7].mean() for one in told]
    np.testing.assert_allclose(summed.loc[0, ["low", "mean", "high"]], [min(means), np.mean(means), max(means)])


def test_short_histories_are_drawn_whole():
    told = history(470)
    figure = losses.losses([told], OBJECTIVES)
    np.testing.assert_array_equal(drawn_lines(figure, 0)["generator"], told["generator_loss"])
    np.testing.assert_array_equal(drawn_lines(figure, 1)["D_fake"], told["D_fake"])
    assert "every iteration" in texts(figure)


def test_a_single_objective_is_split_into_its_terms():
    told = history()[["step", "epoch"]].assign(reconstruction=100.0, kl=np.linspace(0, 6, 470))
    figure = losses.losses([told], {"model": ["reconstruction", "kl"]})
    shown = [list(drawn_lines(figure, panel)) for panel in range(3)]
    assert shown == [["reconstruction + kl"], ["reconstruction"], ["kl"]]
    np.testing.assert_allclose(drawn_lines(figure, 0)["reconstruction + kl"], told["reconstruction"] + told["kl"])


def test_both_iterations_and_epochs_can_be_read():
    figure = losses.losses([history(47_000)], OBJECTIVES)
    assert {"iteration", "epoch", "40000", "175"} <= set(texts(figure))
    axes = figure.axes[-1]
    (epochs,) = axes.child_axes
    np.testing.assert_allclose(
        epochs.transData.transform((175, 0))[0], axes.transData.transform((175 * 235, 0))[0], rtol=1e-3
    )


@pytest.mark.parametrize("value", [0.0, -0.7, 5.0])
def test_a_constant_history_is_drawn_inside_its_axis(value):
    told = history().assign(real_loss=value, fake_loss=0.0, generator_loss=value)
    figure = losses.losses([told], OBJECTIVES)
    low, high = figure.axes[0].get_ylim()
    assert low < value < high
    assert "discriminator: real + fake" in texts(figure)


def test_a_history_of_one_step_can_be_drawn():
    assert style.svg(losses.losses([history(1)], OBJECTIVES))


def test_diagrams_say_sizes_activations_and_dropout():
    shown = texts(networks.diagram([GENERATOR, DISCRIMINATOR]))
    for text in ("128 → 256", "256 → 784", "Tanh", "dropout 0.3", "noise z", "real images", "real or fake?"):
        assert text in shown
    assert shown.count("dropout 0.3") == 1


def test_heads_stand_side_by_side_and_lead_to_a_sample():
    shown = texts(networks.diagram([DECODER, ENCODER]))
    for text in ("mean: 2", "log-variance: 2", "sample z", "Sigmoid", "(in the loss)"):
        assert text in shown


def test_trapezoids_are_as_wide_as_their_layers():
    figure = networks.diagram([network("flow", linear("Input", 100, 400), linear("Output", 400, 25))])
    corners = [np.ptp(patch.get_path().vertices[:, 0]) for patch in figure.axes[0].patches[:2]]
    assert corners == pytest.approx([networks.WIDE - networks.GAP, networks.WIDE - networks.GAP])
    last = figure.axes[0].patches[1].get_path().vertices
    assert last[2, 0] - last[3, 0] == pytest.approx(networks.WIDE / 4)  # the root of 25 / 400


def test_unknown_networks_are_not_linked():
    shown = texts(networks.diagram([dict(GENERATOR, name="flow")]))
    assert "flow" in shown and "input" in shown and "noise z" not in shown


def test_convolutions_say_their_shapes_and_kinds():
    layer = {**linear("Input", 1, 64), "kind": "Conv2d", "output": [64, 14, 14]}
    shown = texts(networks.diagram([{**network("critic", layer), "input": [1, 28, 28]}]))
    assert "Conv2d" in shown and "64\N{MULTIPLICATION SIGN}14\N{MULTIPLICATION SIGN}14" in shown


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_shares_are_drawn_beside_the_reference(classes):
    shares = np.random.default_rng(1).dirichlet(np.ones(classes))
    reference = np.full(classes, 1 / classes)
    lower, upper = 0.7 * shares, np.minimum(1.1 * shares, 1)
    figure = labels.classes(shares, lower, upper, reference, named(classes))
    axes = figure.axes[0]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], shares)
    (marks,) = (line for line in axes.get_lines() if line.get_label() == "training data")
    np.testing.assert_allclose(marks.get_xdata(), reference)
    whiskers = axes.collections[0].get_segments()
    np.testing.assert_allclose([segment[:, 0] for segment in whiskers], np.c_[lower, upper])
    assert set(named(classes)) <= set(texts(figure))


def test_codes_of_five_dimensions_are_projected():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(300, 5)) * (1, 1, 9, 1, 3)
    plane, (across, up) = latent.projected(means, np.zeros(300, int))
    assert abs(np.corrcoef(plane[:, 0], means[:, 2])[0, 1]) > 0.99
    assert abs(np.corrcoef(plane[:, 1], means[:, 4])[0, 1]) > 0.95
    np.testing.assert_allclose(plane.var(axis=0), np.linalg.eigvalsh(np.cov(means.T, bias=True))[:-3:-1])
    assert across.startswith("first principal component (8") and up.startswith("second principal component (")


def test_codes_of_one_dimension_are_spread_by_class():
    plane, names = latent.projected(np.arange(4.0)[:, None], np.array([0, 1, 0, 1]))
    assert plane.tolist() == [[0, 0], [1, 1], [2, 0], [3, 1]] and names == ("z", "class")


def test_each_class_is_named_near_its_codes():
    means = np.repeat([[0.0, 0.0], [8.0, 8.0]], 50, axis=0) + np.random.default_rng(0).normal(size=(100, 2))
    figure = latent.codes(means, np.repeat([0, 1], 50), ["no", "yes"])
    placed = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert np.allclose(placed["no"], (0, 0), atol=1) and np.allclose(placed["yes"], (8, 8), atol=1)
    assert b"halo-0" in style.svg(figure)


def test_labels_in_one_place_are_moved_apart():
    room = np.array([0.2, 0.1])
    moved = latent.apart(np.full((4, 2), 0.5), room)
    for one in range(4):
        for other in range(one):
            assert (np.abs(moved[one] - moved[other]) >= 0.95 * room).any()


def test_names_without_room_are_left_out():
    points = np.array([[0, 0], [0.05, 0.05], [0.05, 0.3], [0.5, 0]])
    assert latent.roomy(points, np.array([0.2, 0.1])) == [0, 2, 3]


def test_errors_are_tinted_by_the_log_of_their_count():
    counts = np.array([[90, 1, 0], [10, 80, 100], [0, 0, 99]])
    opacity = judge.tinted(counts)[..., 3]
    assert opacity[0, 2] == 0 and opacity[1, 2] == pytest.approx(judge.STRONGEST)
    assert judge.FAINTEST < opacity[0, 1] < opacity[1, 0] < opacity[1, 2]
    halfway = judge.FAINTEST + (judge.STRONGEST - judge.FAINTEST) * np.log(11) / np.log(101)
    assert opacity[1, 0] == pytest.approx(halfway)


def test_counts_are_written_where_they_fit():
    counts = np.array([[941, 7], [0, 952]])
    shown = texts(judge.confusion(counts, ["no", "yes"]))
    assert {"941", "952", "7"} <= set(shown) and "0" not in shown
    crowded = texts(judge.confusion(np.full((100, 100), 3), named(100)))
    assert "3" not in crowded and len(crowded) < 60


def test_true_classes_are_rows():
    figure = judge.confusion(np.array([[9, 7], [0, 8]]), ["no", "yes"])
    (seven,) = (text for text in figure.axes[0].texts if text.get_text() == "7")
    assert seven.get_position() == (1, 0) and figure.axes[0].get_ylabel() == "true"
    assert figure.axes[0].yaxis_inverted()


def test_reliability_tells_the_count_of_each_bin():
    figure = judge.reliability(BINS)
    assert {"7", "1931"} <= set(texts(figure))
    np.testing.assert_allclose(drawn_lines(figure, 0)["classifier"], BINS["accuracy"])
    assert [bar.get_height() for bar in figure.axes[1].patches] == [7, 1931]


def test_densities_peak_where_the_images_lie():
    edges = np.geomspace(0.01, 1, 81)
    heights = comparison.density(np.full(50, 0.1), edges)
    assert heights.max() == 1 and edges[heights.argmax()] == pytest.approx(0.1, rel=0.06)
    assert heights[:20].max() == 0


def test_real_images_come_first_and_means_are_written():
    figure = comparison.sharpness({"gan": np.full(9, 0.25), "test_images": np.array([0.1, 0.3])})
    shown = texts(figure)
    assert shown.index("real test images") < shown.index("gan")
    assert shown.index("0.200") < shown.index("0.250")


def test_blank_images_have_a_sharpness():
    assert "0.000" in texts(comparison.sharpness({"gan": np.zeros(9), "test_images": np.full(9, 0.2)}))


def test_shares_of_confidence_are_those_between_the_bounds():
    parts = comparison.shares({"gan": np.array([0.2, 0.5, 0.7, 0.9, 0.99, 1, 1, 1])})
    assert parts.tolist() == [[1 / 8, 2 / 8, 1 / 8, 4 / 8]]
    assert comparison.part_names() == ["< 50 %", "50 to 90 %", "90 to 99 %", "≥ 99 %"]


def test_fifteen_models_are_all_named():
    values = {f"model_number_{index}": np.random.default_rng(index).random(99) for index in range(15)}
    for figure in (comparison.sharpness(values), comparison.confidence(values)):
        assert set(values) <= set(texts(figure)) and len(style.svg(figure)) < LIMIT


def test_stages_draw_what_their_flags_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    confusions = []
    drawn = judge.confusion
    monkeypatch.setattr(judge, "confusion", lambda counts, names: confusions.append(counts) or drawn(counts, names))
    p = probabilities(40)
    table = pd.DataFrame(p, columns=[f"p_{label}" for label in range(10)])
    table = table.assign(label=p.argmax(1), confidence=p.max(1), index=range(40), set="images")
    share = pd.DataFrame({"label": range(10), "value": 0.1, "lower": 0.08, "upper": 0.12})
    metrics = share.assign(model="vae", seed=3, set="images", metric="share", n=40)
    digits = np.arange(40) % 10
    dataset = Dataset(images(40), digits, images(40), digits, DIGITS)
    artifacts.write_dataset(tmp_path / "images.npz", dataset)
    for model in ("vae", "test_images"):
        artifacts.write_arrays(tmp_path / f"samples/{model}/3.npz", images=images(40), draws=images(40))
        artifacts.write_table(tmp_path / f"labels/{model}/3.csv", table)
    artifacts.write_table(tmp_path / "metrics.csv", metrics)
    artifacts.write_table(tmp_path / "history.csv", history())
    artifacts.write_json(tmp_path / "training.json", {"objectives": OBJECTIVES})
    artifacts.write_json(tmp_path / "networks.json", {"networks": [GENERATOR, DISCRIMINATOR]})
    artifacts.write_json(tmp_path / "summary.json", {"class_names": ["no", "yes"]})
    pairs = {"true": [0, 0, 1, 1], "predicted": [0, 1, 0, 1], "count": [941, 7, 0, 952]}
    artifacts.write_table(tmp_path / "confusion.csv", pd.DataFrame(pairs))
    artifacts.write_table(tmp_path / "reliability.csv", BINS)
    grid, codes = images(400).reshape(20, 20, 28, 28), np.random.default_rng(0).normal(size=(40, 2))
    artifacts.write_arrays(tmp_path / "latent.npz", manifold=grid, codes=codes, labels=digits)

    def flags(text):
        """Flags with values; every `@name` is a file of the folder."""
        return [str(tmp_path / word[1:]) if word.startswith("@") else word for word in text.split()]

    draw_samples.main(
        flags(
            "--model vae --seed 3 --dataset @images.npz --samples @samples/vae/3.npz"
            " --labels @labels/vae/3.csv --metrics @metrics.csv"
            " --grid @out/samples.png --labelled @out/labels.svg --ambiguous @out/ambiguous.svg"
            " --classes @out/classes.svg"
        )
    )
    draw_draws.main(flags("--samples @samples/vae/3.npz --draws @out/draws.png"))
    draw_training.main(
        flags(
            "--networks @networks.json --history @history.csv @history.csv --training @training.json"
            " --losses-figure @out/losses.svg --networks-figure @out/networks.svg"
        )
    )
    draw_latent.main(
        flags("--latent @latent.npz --dataset @images.npz --manifold @out/manifold.png --codes @out/codes.svg")
    )
    draw_classifier.main(
        flags(
            "--summary @summary.json --confusion @confusion.csv --reliability @reliability.csv"
            " --confusion-figure @out/confusion.svg --reliability-figure @out/reliability.svg"
        )
    )
    draw_comparison.main(
        flags(
            "--samples @samples/vae/3.npz @samples/test_images/3.npz"
            " --labels @labels/vae/3.csv @labels/test_images/3.csv"
            " --sharpness @out/sharpness.svg --confidence @out/confidence.svg"
        )
    )
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == sorted(
        "ambiguous.svg classes.svg codes.svg confidence.svg confusion.svg draws.png labels.svg losses.svg"
        " manifold.png networks.svg reliability.svg samples.png sharpness.svg".split()
    )
    assert "mean of 2 seeds" in (tmp_path / "out/losses.svg").read_text()
    assert confusions[0].tolist() == [[941, 7], [0, 952]]
