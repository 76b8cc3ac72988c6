import base64
import io
import json
import re
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from plotted import details, outputs, plot_images_of

from pipeline.analysis.alarms import RULES, Alarm, Trained
from pipeline.core import artifacts
from pipeline.figures import (
    classifier,
    comparison,
    diagnostics,
    grids,
    labels,
    latent,
    losses,
    networks,
    perfect_discriminator,
    snapshots,
    style,
)
from pipeline.models.bayes_net import BayesNet
from pipeline.models.common.checkpoint import write_model
from pipeline.stages import (
    plot_classifier,
    plot_comparison,
    plot_exhibit,
    plot_latent,
    plot_observations,
    plot_perfect_discriminator,
    plot_training,
)

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
            **{"D_real": np.exp(-real), "D_fake": 1 - np.exp(-fake), "D_right": rng.random(steps)},
            "generator_loss": 1 + rng.random(steps),
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


def trained(checks=10, dimensions=0, seed=0):
    """A GAN's training, ten steps a check; with the KL of some dimensions as if it had a code too."""
    rng = np.random.default_rng(seed)
    parts = [("gradient", f"{network}.{layer}") for network in ("discriminator", "generator") for layer in (0, 2)]
    parts += [("update", part) for _, part in parts]
    parts += [("saturating", "generator"), ("nonsaturating", "generator"), ("change", "samples")]
    parts += [("distance", "samples"), *(("kl", str(dimension)) for dimension in range(dimensions))]
    rows = [(10 * (check + 1), *part, 0.1 + rng.random()) for check in range(checks) for part in parts]
    table = pd.DataFrame(rows, columns=["step", "quantity", "part", "value"])
    steps = np.repeat(table["step"].unique(), 10)
    shares = pd.DataFrame({"step": steps, "label": np.tile(range(10), checks), "share": 0.1})
    return Trained(history(10 * checks), table, shares)


def experiment(scale=1.0):
    step = np.arange(151)
    gradients = {"saturating": scale * 10.0 ** (-step / 30), "nonsaturating": scale * (1 + step / 15)}
    return pd.DataFrame({"step": step, "D_fake": 0.5 * 10.0 ** (-step / 25), **gradients})


ALARMS = [Alarm(rule.__name__.replace("_", " "), 30, 60, False, "moved 0.1") for rule in RULES]


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
        "diagnostics": diagnostics.diagnostics(trained(), ALARMS),
        "code": diagnostics.diagnostics(trained(dimensions=128), []),
        "snapshots": snapshots.snapshots(np.arange(1, 13), np.stack([images(8)] * 12), 2.0),
        "perfect_discriminator": perfect_discriminator.gradients([experiment(), experiment(2)]),
        "gan": networks.diagram([GENERATOR, DISCRIMINATOR]),
        "vae": networks.diagram([ENCODER, DECODER]),
        "other": networks.diagram([dict(GENERATOR, name="flow"), ENCODER, DECODER]),
        "codes": latent.codes(rng.normal(size=(500, 2)), rng.integers(0, classes, 500), names),
        "confusion": classifier.confusion(rng.integers(0, 9, (classes, classes)), names),
        "reliability": classifier.reliability(BINS),
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
    assert b"<dc:date>" not in style.svg(classifier.reliability(BINS))


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
    drawn = style.svg(classifier.reliability(BINS)).decode()
    light, dark = drawn.split("@media (prefers-color-scheme:dark)")
    for colour, (variable, in_the_dark) in style.THEME.items():
        assert f"--{variable}:{colour}" in light and f"--{variable}:{in_the_dark}" in dark
    assert "text{fill:currentColor" in drawn
    assert f"svg{{color:{style.INK}" in light and f"svg{{color:{style.INK_DARK}" in dark


def test_a_colour_outside_the_palette_is_refused():
    figure = classifier.reliability(BINS)
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
        assert contrast(ink, mixed(classifier.WRONG, page, classifier.STRONGEST)) >= 4.5
        assert contrast(ink, mixed(classifier.RIGHT, page, 0.45)) >= 4.5
        blue = (style.BLUE, style.THEME[style.BLUE][1])[theme]
        assert contrast(page, blue) >= 4.5
        for opacity in comparison.OPACITIES[1:]:
            assert contrast(ink, mixed(blue, page, opacity)) >= 4.5


def test_an_svg_is_an_image_with_a_title():
    root = ElementTree.fromstring(style.svg(classifier.reliability(BINS)))
    assert root.get("role") == "img"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Reliability of the classifier's confidence"


def test_no_id_of_an_svg_is_used_twice_and_none_needs_quoting():
    for name, figure in every_figure().items():
        ids = [element.get("id") for element in ElementTree.fromstring(style.svg(figure)).iter() if element.get("id")]
        assert len(set(ids)) == len(ids) and not any(" " in each for each in ids), name


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
    blocks = [total[start : start + 8].mean() for start in range(0, 1230, 8)]  # 1230 / 160, rounded up
    np.testing.assert_allclose(lines["discriminator: real + fake"], blocks)
    assert len(blocks) <= losses.POINTS


def test_the_band_of_one_seed_is_the_extremes_of_each_block():
    told = history(1230)
    summed = losses.summary([told], ["generator_loss"])
    first = told["generator_loss"][:8]
    assert (summed["low"][0], summed["high"][0]) == (first.min(), first.max())
    assert summed["step"][0] == 4.5


def test_the_band_of_several_seeds_is_the_extremes_of_their_means():
    told = [history(1230, seed) for seed in range(5)]
    summed = losses.summary(told, ["generator_loss"])
    means = [one["generator_loss"][:8].mean() for one in told]
    np.testing.assert_allclose(summed.loc[0, ["low", "mean", "high"]], [min(means), np.mean(means), max(means)])


def test_short_histories_are_drawn_whole():
    told = history(470)
    figure = losses.losses([told], OBJECTIVES)
    np.testing.assert_array_equal(drawn_lines(figure, 0)["generator"], told["generator_loss"])
    watched = drawn_lines(figure, 1)
    assert list(watched) == ["D(x)", "D(G(z))", "judged right"]
    np.testing.assert_array_equal(watched["D(G(z))"], told["D_fake"])
    np.testing.assert_array_equal(watched["judged right"], told["D_right"])
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
    root = ElementTree.fromstring(style.svg(figure))
    heights = {(text.text or "").strip(): float(text.get("y", 0)) for text in root.iter() if text.get("y")}
    for above, below in (("40000", "iteration"), ("iteration", "175"), ("175", "epoch")):
        assert heights[above] + 9 < heights[below]  # points: no text lies on another
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


def test_what_is_logged_beside_a_gans_losses_shares_one_line_of_names():
    names = {"D(x)", "D(G(z))", "judged right"}
    root = ElementTree.fromstring(style.svg(losses.losses([history()], OBJECTIVES)))
    written = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if (text.text or "").strip() in names]
    assert len(written) == 3 and len({text.get("y") for text in written}) == 1


def panel(figure, title):
    (found,) = (axes for axes in figure.axes if axes.get_title(loc="left") == title)
    return found


def lines_of(axes):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}


def test_the_gradient_of_a_network_is_that_of_all_its_layers():
    told = trained()
    layers = told.of("gradient")
    drawn = lines_of(panel(diagnostics.diagnostics(told, []), "norm of the gradient"))
    assert list(drawn) == ["discriminator", "generator"]
    np.testing.assert_allclose(drawn["generator"], np.hypot(layers["generator.0"], layers["generator.2"]))


def test_the_step_of_a_network_is_a_band_over_its_layers():
    told = trained()
    layers = told.of("update")[["discriminator.0", "discriminator.2"]]
    axes = panel(diagnostics.diagnostics(told, []), "step / weights, by layer")
    np.testing.assert_allclose(lines_of(axes)["discriminator"], layers.mean(axis=1))
    corners = axes.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == layers.min(axis=None) and corners[:, 1].max() == layers.max(axis=None)


def test_a_layer_can_be_a_whole_network():
    told = trained()
    told.checks["part"] = told.checks["part"].replace({"generator.0": "generator", "generator.2": "generator_2.0"})
    figure = diagnostics.diagnostics(told, [])
    for title, quantity in (("norm of the gradient", "gradient"), ("step / weights, by layer", "update")):
        drawn, layers = lines_of(panel(figure, title)), told.of(quantity)
        assert list(drawn) == ["discriminator", "generator", "generator_2"]
        np.testing.assert_array_equal(drawn["generator"], layers["generator"])
        np.testing.assert_array_equal(drawn["generator_2"], layers["generator_2.0"])


def test_many_networks_are_drawn_as_one():
    told = trained()
    names = {
        f"{network}.{layer}": f"{network}{layer}.0" for network in ("discriminator", "generator") for layer in (0, 2)
    }
    told.checks["part"] = told.checks["part"].replace(names)
    figure = diagnostics.diagnostics(told, [])
    norms = lines_of(panel(figure, "norm of the gradient"))
    np.testing.assert_allclose(norms["all layers"], told.of("gradient").pow(2).sum(axis=1).pow(0.5))
    assert len(norms) == len(lines_of(panel(figure, "step / weights, by layer"))) == 1


def test_both_losses_and_the_samples_are_drawn_as_measured():
    told = trained()
    figure = diagnostics.diagnostics(told, [])
    drawn = lines_of(panel(figure, "norm of the generator’s gradient, by its loss"))
    np.testing.assert_array_equal(drawn["saturating"], told.of("saturating")["generator"])
    np.testing.assert_array_equal(drawn["non-saturating"], told.of("nonsaturating")["generator"])
    change = lines_of(panel(figure, "change of the samples / their norm"))
    np.testing.assert_array_equal(change["samples"], told.of("change")["samples"])
    distance = panel(figure, "distance between samples / between real images")
    np.testing.assert_array_equal(lines_of(distance)["samples"], told.of("distance")["samples"])
    assert [1, 1] in [list(line.get_ydata()) for line in distance.get_lines()]  # real images
    fakes = lines_of(panel(figure, "D(G(z)), the mean over fakes"))
    np.testing.assert_array_equal(fakes["D(G(z))"], told.history["D_fake"])


def test_labels_are_told_by_their_entropy_and_the_largest_share():
    shares = pd.DataFrame({"step": np.repeat([10, 20, 30], 4), "label": [0, 1, 2, 3] * 3})
    shares["share"] = [0.25] * 4 + [0.5, 0.5, 0, 0] + [1, 0, 0, 0]
    told = trained()
    drawn = lines_of(panel(diagnostics.diagnostics(Trained(told.history, told.checks, shares), []), "predicted labels"))
    np.testing.assert_allclose(drawn["entropy (1: equal)"], [1, 0.5, 0], atol=1e-12)
    np.testing.assert_allclose(drawn["largest share"], [0.25, 0.5, 1])


def test_each_of_two_dimensions_has_a_line_and_of_many_the_quantiles():
    two = trained(dimensions=2)
    drawn = lines_of(panel(diagnostics.diagnostics(two, []), "KL by dimension"))
    assert list(drawn) == ["z₁", "z₂"]
    np.testing.assert_array_equal(drawn["z₂"], two.of("kl")["1"])
    many = trained(dimensions=128)
    table = many.of("kl")
    axes = panel(diagnostics.diagnostics(many, []), "KL by dimension")
    drawn = lines_of(axes)
    np.testing.assert_array_equal(drawn["largest"], table.max(axis=1))
    np.testing.assert_array_equal(drawn["smallest"], table.min(axis=1))
    np.testing.assert_allclose(drawn["middle half"], table.median(axis=1))
    corners = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.max() == table.quantile(0.75, axis=1).max() and corners.min() == table.quantile(0.25, axis=1).min()


def test_a_model_without_a_quantity_has_no_panel_of_it():
    told = trained()
    told = Trained(
        told.history[["step", "epoch"]], told.checks.query("quantity in ('gradient', 'update')"), told.shares
    )
    titles = [axes.get_title(loc="left") for axes in diagnostics.diagnostics(told, []).axes]
    assert titles == ["norm of the gradient", "step / weights, by layer", "predicted labels"]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_panel_that_shades_and_names_its_alarms(rule):
    kind = rule.__name__.replace("_", " ")
    alarms = [Alarm(kind, 30, 60, False, "moved 0.1"), Alarm(kind, 80, 90, False, "moved 0.1")]
    figure = diagnostics.diagnostics(trained(dimensions=2), alarms)
    shaded = [axes for axes in figure.axes if axes.patches]
    assert shaded
    for axes in shaded:
        assert [(span.get_x(), span.get_x() + span.get_width()) for span in axes.patches] == [(30, 60), (80, 90)]
        assert [text.get_text() for text in axes.texts].count(f"alarm: {kind}") == 1
        highest = max(np.max(line.get_ydata()) for line in axes.get_lines())
        (_, curves), (_, top) = axes.transScale.transform([(1, highest), (1, axes.get_ylim()[1])])
        (_, bottom) = axes.transScale.transform((1, axes.get_ylim()[0]))
        assert top - curves > 0.2 * (top - bottom)  # room for the name
    assert not any(axes.patches for axes in diagnostics.diagnostics(trained(dimensions=2), []).axes)


def test_a_zero_lies_at_the_foot_of_a_log_axis():
    told = trained()
    told.checks.loc[told.checks["quantity"] == "gradient", "value"] = 0.0
    told.checks.loc[(told.checks["quantity"] == "change") & (told.checks["step"] > 50), "value"] = 0.0
    figure = diagnostics.diagnostics(told, [])
    for title, last in (("norm of the gradient", 10), ("change of the samples / their norm", 5)):
        axes = panel(figure, title)
        for values in lines_of(axes).values():
            assert (values[-last:] == axes.get_ylim()[0]).all() and (values[:-last] > axes.get_ylim()[0]).all()
    assert style.svg(figure)


def test_a_training_of_one_check_is_drawn_as_points():
    figure = diagnostics.diagnostics(trained(1, dimensions=2), [])
    assert {line.get_marker() for line in panel(figure, "KL by dimension").get_lines()} == {"o"}
    assert style.svg(figure)


def test_many_checks_are_drawn_by_their_medians():
    told = trained(1000)
    figure = diagnostics.diagnostics(told, ALARMS)
    drawn = lines_of(panel(figure, "change of the samples / their norm"))["samples"]
    np.testing.assert_allclose(drawn, np.median(told.of("change")["samples"].to_numpy().reshape(100, 10), axis=1))
    assert any("median of 10 diagnostics" in text for text in texts(figure))
    assert len(style.svg(figure)) < LIMIT


def test_ticks_of_a_log_axis_are_few_and_round():
    assert style.ticks(1e-6, 20.0) == [1e-6, 1e-4, 1e-2, 1]
    assert style.ticks(0.3, 40.0) == [1, 10]
    assert style.ticks(1.1, 4.8) == [1.5, 2, 3, 4]
    for low in np.geomspace(1e-7, 1e3, 101):
        for ratio in (2.25, 5, 20, 1e3, 1e9):
            found = style.ticks(low, low * ratio)
            assert 2 <= len(found) <= 4 and low <= found[0] < found[-1] <= low * ratio
    assert [style.power(value) for value in (1e-5, 0.001, 0.5, 200.0, 1e6)] == ["10⁻⁵", "0.001", "0.5", "200", "10⁶"]


def test_snapshots_show_the_same_samples_at_each_moment_with_its_time():
    seen = np.stack([images(10, seed) for seed in range(100)])
    figure = snapshots.snapshots(10 * np.arange(1, 101), seen, 40.0)
    assert texts(figure)[:4] == ["epoch 0.2", "step 10", "epoch 0.5", "step 20"]
    assert texts(figure)[-2:] == ["epoch 25.0", "step 1,000"]
    found = re.search(r"data:image/png;base64,([^\"]+)", style.svg(figure).decode())
    assert found
    grey, opacity = pixels(base64.b64decode(found[1]))
    assert grey.shape == (8 * 29 - 1, 8 * 29 - 1)
    for row, moment in enumerate(snapshots.moments(100)):
        for column in range(8):
            tile = grey[row * 29 : row * 29 + 28, column * 29 : column * 29 + 28]
            assert np.abs(tile - seen[moment, column]).max() <= 255 / 30 / 2 + 1
    assert (opacity[28::29] == 0).all()


def test_each_pixel_of_a_snapshot_is_two_by_two():
    figure = snapshots.snapshots(np.arange(1, 9), np.stack([images(8)] * 8), 1.0)
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    width, height = figure.get_size_inches() * grids.PIXELS_PER_INCH
    assert width == 2 * right and height == 2 * (bottom - top) and right - left == 8 * 29 - 1


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 10, 25, 100])
def test_moments_are_the_first_the_last_and_some_between(count):
    chosen = snapshots.moments(count)
    assert len(chosen) == min(count, 8) and chosen[0] == 0 and chosen[-1] == count - 1
    assert (np.diff(chosen) > 0).all()


def test_the_gradients_of_every_seed_are_drawn_and_named_once():
    figure = perfect_discriminator.gradients([experiment(), experiment(3)])
    above, below = figure.axes
    norms = [line.get_ydata() for line in above.get_lines()]
    for drawn, (table, column) in zip(
        norms,
        [(experiment(scale), column) for column in ("saturating", "nonsaturating") for scale in (1, 3)],
        strict=True,
    ):
        np.testing.assert_allclose(drawn, table[column])
    assert [text.get_text() for text in above.get_legend().get_texts()] == ["saturating", "non-saturating"]
    assert len(below.get_lines()) == 2 and above.get_yscale() == below.get_yscale() == "log"
    np.testing.assert_allclose(below.get_lines()[0].get_ydata(), experiment()["D_fake"])


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
    opacity = classifier.tinted(counts)[..., 3]
    assert opacity[0, 2] == 0 and opacity[1, 2] == pytest.approx(classifier.STRONGEST)
    assert classifier.FAINTEST < opacity[0, 1] < opacity[1, 0] < opacity[1, 2]
    halfway = classifier.FAINTEST + (classifier.STRONGEST - classifier.FAINTEST) * np.log(11) / np.log(101)
    assert opacity[1, 0] == pytest.approx(halfway)


def test_counts_are_written_where_they_fit():
    counts = np.array([[941, 7], [0, 952]])
    shown = texts(classifier.confusion(counts, ["no", "yes"]))
    assert {"941", "952", "7"} <= set(shown) and "0" not in shown
    crowded = texts(classifier.confusion(np.full((100, 100), 3), named(100)))
    assert "3" not in crowded and len(crowded) < 60


def test_true_classes_are_rows():
    figure = classifier.confusion(np.array([[9, 7], [0, 8]]), ["no", "yes"])
    (seven,) = (text for text in figure.axes[0].texts if text.get_text() == "7")
    assert seven.get_position() == (1, 0) and figure.axes[0].get_ylabel() == "true"
    assert figure.axes[0].yaxis_inverted()


def test_reliability_tells_the_count_of_each_bin():
    figure = classifier.reliability(BINS)
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


def test_stages_plot_what_their_parameters_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    confusions = []
    drawn = classifier.confusion
    monkeypatch.setattr(
        classifier, "confusion", lambda counts, names: confusions.append(counts) or drawn(counts, names)
    )
    digits = np.arange(40) % 10
    p = probabilities(40)
    table = pd.DataFrame(p).add_prefix("p_")
    table = table.assign(label=p.argmax(1), confidence=p.max(1), kind="clear", index=range(40), set="images")
    found = details(0, samples=40)
    for source in ("vae", "test_images", "blurred"):
        artifacts.write_arrays(tmp_path / f"samples/{source}/3.npz", images=images(40), observations=images(40))
        artifacts.write_table(tmp_path / f"labels/{source}/3.csv", table)
        artifacts.write_arrays(tmp_path / f"details/{source}/3.npz", **found)
    artifacts.write_table(tmp_path / "history.csv", history())
    told = trained()
    artifacts.write_table(tmp_path / "diagnostics.csv", told.checks)
    artifacts.write_table(tmp_path / "snapshot_labels.csv", told.shares)
    artifacts.write_table(tmp_path / "alarms.csv", pd.DataFrame([asdict(alarm) for alarm in ALARMS]))
    artifacts.write_arrays(tmp_path / "snapshots.npz", steps=np.array([235, 470]), images=np.stack([images(9)] * 2))
    artifacts.write_table(tmp_path / "gradients.csv", experiment())
    artifacts.write_json(tmp_path / "record.json", {"objectives": OBJECTIVES})
    artifacts.write_json(tmp_path / "networks.json", {"networks": [GENERATOR, DISCRIMINATOR]})
    artifacts.write_json(tmp_path / "summary.json", {"class_names": ["no", "yes"]})
    pairs = {"true": [0, 0, 1, 1], "predicted": [0, 1, 0, 1], "count": [941, 7, 0, 952]}
    artifacts.write_table(tmp_path / "confusion.csv", pd.DataFrame(pairs))
    artifacts.write_table(tmp_path / "reliability.csv", BINS)
    grid, codes = images(400).reshape(20, 20, 28, 28), np.random.default_rng(0).normal(size=(40, 2))
    ends = {"ends": images(20).reshape(10, 2, 28, 28), "end_labels": np.stack([digits[:10], digits[1:11]], 1)}
    between = images(110).reshape(10, 11, 28, 28)
    latents = {"manifold": grid, "codes": codes, "labels": digits, "quantiles": np.linspace(-2, 2, 20)}
    artifacts.write_arrays(tmp_path / "latent.npz", **latents, **ends, between=between)
    out = tmp_path / "out"

    plot_images_of(tmp_path, images(40), table, images(40), found, found)  # writes data.npz too
    plot_observations.main(samples_file=tmp_path / "samples/vae/3.npz", picture_file=out / "observations")
    plot_training.main(
        networks_file=tmp_path / "networks.json",
        history_files=[tmp_path / "history.csv"] * 2,
        record_file=tmp_path / "record.json",
        diagnostics_file=tmp_path / "diagnostics.csv",
        snapshot_labels_file=tmp_path / "snapshot_labels.csv",
        alarms_file=tmp_path / "alarms.csv",
        snapshots_file=tmp_path / "snapshots.npz",
        **outputs(plot_training.main, out),
    )
    plot_perfect_discriminator.main(
        gradient_files=[tmp_path / "gradients.csv"] * 2, picture_file=out / "perfect_discriminator"
    )
    plot_latent.main(
        latent_file=tmp_path / "latent.npz",
        dataset_file=tmp_path / "data.npz",
        about_file=out / "latent.json",
        **outputs(plot_latent.main, out),
    )
    plot_classifier.main(
        summary_file=tmp_path / "summary.json",
        confusion_file=tmp_path / "confusion.csv",
        reliability_file=tmp_path / "reliability.csv",
        **outputs(plot_classifier.main, out),
    )
    plot_comparison.main(
        sample_files=[tmp_path / f"samples/{source}/3.npz" for source in ("vae", "test_images")],
        label_files=[tmp_path / f"labels/{source}/3.csv" for source in ("vae", "test_images")],
        detail_files=[tmp_path / f"details/{source}/3.npz" for source in ("vae", "test_images", "blurred")],
        **outputs(plot_comparison.main, out),
    )
    assert sorted(path.name for path in out.iterdir()) == sorted(
        "ambiguous bins bins.csv classes codes confidence confusion diagnostics extrapolation extrapolation.csv film"
        " film.csv gallery gallery.csv interpolations labels latent.json losses manifold nearest nearest.csv networks"
        " observations perfect_discriminator prd prd.csv reliability samples sharpness snapshots spectrum"
        " spectrum.csv".split()
    )
    assert "mean of 2 seeds" in (out / "losses").read_text()
    assert "alarm: frozen generator" in (out / "diagnostics").read_text()
    assert "epoch 2.0" in (out / "snapshots").read_text()
    assert "one line for each seed" in (out / "perfect_discriminator").read_text()
    assert confusions[0].tolist() == [[941, 7], [0, 952]]


# Exhibits --------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The checkpoint of a tree over the pixels."""
    model = BayesNet(BayesNet.Config(trees=2, steps=1))
    pixels = torch.rand(60, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    model.fit(pixels, torch.Generator().manual_seed(0), lambda *told: None)
    write_model(tmp_path / "tree.safetensors", model, "bayes_net", {"seed": "0"})
    return tmp_path / "tree.safetensors"


@pytest.mark.parametrize(("exhibit", "size"), [("parts", (450, 224)), ("drawing", (534, 714))])
def test_an_exhibit_is_a_picture_with_a_text(tree: Path, tmp_path: Path, exhibit: str, size: tuple[int, int]) -> None:
    picture, about = tmp_path / "exhibit.png", tmp_path / "exhibit.json"
    plot_exhibit.main(exhibit=exhibit, checkpoint_file=tree, picture_file=picture, about_file=about)
    with Image.open(picture) as opened:
        assert opened.size == size
    assert sorted(json.loads(about.read_text())) == ["caption", "title"]


def test_an_exhibit_that_a_model_lacks_is_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a BayesNet has no exhibit 'film'\. Ask for one that it has"):
        plot_exhibit.main(exhibit="film", checkpoint_file=tree, picture_file=tmp_path / "a", about_file=tmp_path / "b")
