"""The latent space of an autoencoder: what it decodes to, where the test images lie in it, what lies between two."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.figures import style
from pipeline.figures.grids import abridged, tiles

DOTS_PER_INCH = 120  # of the rasterized points
MOST = 6000  # points: more only cover each other
APART = 6  # pixels between an image and what is decoded
MANY = 20  # classes up to which each is named; of more, those whose names do not overlap


def manifold(images: np.ndarray) -> bytes:
    """A PNG of decoded codes (rows, columns, 28, 28) u8, tile beside tile."""
    return style.png(tiles(images.reshape(-1, *images.shape[2:]), images.shape[1], (0, 0)), scale=1)


def interpolations(ends: np.ndarray, between: np.ndarray) -> bytes:
    """A PNG with a row for each pair of images (p, 2, 28, 28) u8, between them what is decoded (p, k, 28, 28) u8."""
    left, middle, right = (
        tiles(images.reshape(-1, *images.shape[2:]), images.shape[1], (1, 1))
        for images in (ends[:, :1], between, ends[:, 1:])
    )
    gap = np.ma.MaskedArray(np.zeros((len(middle), APART), np.uint8), mask=True)
    return style.png(np.ma.concatenate([left, gap, middle, gap, right], axis=1), scale=2)


@style.look
def codes(means: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The codes' means (m, latent), coloured by class (m,), each class named near its median."""
    plane, (across, up) = projected(means.astype(float), labels)
    size = (style.WIDTH, 0.92 * style.WIDTH)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained", label="Codes of the test images")
    axes = figure.subplots()
    shown = slice(None, None, -(-len(plane) // MOST))
    colours = np.array(style.CLASSES)[labels[shown] % len(style.CLASSES)]
    axes.scatter(*plane[shown].T, s=3, c=colours, linewidths=0, rasterized=True, antialiased=False)
    axes.set(xlabel=across, ylabel=up)

    present = np.unique(labels)
    medians = np.array([np.median(plane[labels == label], axis=0) for label in present])
    points = 8 if len(class_names) > MANY else 12
    names = [abridged(class_names[int(label)], 11) for label in present]
    # the space that the longest name needs, as a part of the axes
    room = np.array([max(map(len, names)) * 0.72 + 0.4, 1.3]) * points / 72 / (0.88 * style.WIDTH)
    limits = np.array([axes.get_xlim(), axes.get_ylim()])
    low, extent = limits[:, 0], np.ptp(limits, axis=1)
    places = (medians - low) / extent
    if len(present) <= MANY:
        places, named = apart(places, room), range(len(present))
    else:
        named = roomy(places, room)
    for at in named:
        text = {"ha": "center", "va": "center", "weight": "bold", "size": points, "in_layout": False}
        x, y = low + extent * places[at]
        axes.text(x, y, names[at], **text, gid=f"halo-{at}")
    return figure


def projected(means: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Codes (m, latent) as points of a plane (m, 2), and what its axes are."""
    if means.shape[1] == 1:
        return np.column_stack([means[:, 0], labels]), ("z", "class")
    if means.shape[1] == 2:
        return means, ("z₁", "z₂")
    left, singular, _ = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    signs = np.sign(left[np.abs(left).argmax(axis=0), range(left.shape[1])])  # which an SVD leaves open
    shares = 100 * singular**2 / max(np.sum(singular**2), 1e-12)
    across, up = (
        f"{which} principal component ({share:.0f} % of the variance)"
        for which, share in zip(("first", "second"), shares[:2], strict=True)
    )
    return (left * singular * signs)[:, :2], (across, up)


def roomy(points: np.ndarray, room: np.ndarray) -> list[int]:
    """Which of the points (k, 2), taken in turn, lie `room` (2,) from those before in either direction."""
    kept: list[int] = []
    for index, point in enumerate(points):
        if (np.abs(points[kept] - point) >= room).any(axis=1).all():
            kept.append(index)
    return kept


def apart(points: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Points (k, 2) moved as little as keeps each pair `room` (2,) apart in one direction or the other."""
    moved, order = points.copy(), np.arange(len(points))
    turn = np.sign(order[:, None] - order)[..., None]  # (k, k, 1): which way to go from the same place
    for _ in range(200):
        gaps = moved[:, None] - moved[None]  # (k, k, 2)
        lacking = room - np.abs(gaps)
        clash = (lacking > 0).all(axis=-1) & ~np.eye(len(points), dtype=bool)
        if not clash.any():
            break
        way = np.where(gaps == 0, turn, np.sign(gaps))
        shorter = lacking / room == (lacking / room).min(axis=-1, keepdims=True)
        moved += (0.26 * way * lacking * shorter * clash[..., None]).sum(axis=1)
    return moved
