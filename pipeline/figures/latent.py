"""Plot the latent space of an autoencoder: decoded images, the codes of the test images, and interpolations."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.figures import style
from pipeline.figures.grids import abridged, tiles

DOTS_PER_INCH = 120  # resolution of the rasterised points
MOST = 6000  # largest number of points: more would only overlap
APART = 6  # pixels between a test image and the decoded ones
MANY = 20  # classes; if there are more, only names that do not overlap are shown


def manifold(images: np.ndarray) -> bytes:
    """Return a PNG of decoded codes (rows, columns, 28, 28) u8, without gaps."""
    return style.png(tiles(images.reshape(-1, *images.shape[2:]), images.shape[1], (0, 0)), scale=1)


def interpolations(ends: np.ndarray, between: np.ndarray) -> bytes:
    """Return a PNG with a row for each pair of images (p, 2, 28, 28) u8 and decoded ones between (p, k, 28, 28) u8."""
    left, middle, right = (
        tiles(images.reshape(-1, *images.shape[2:]), images.shape[1], (1, 1))
        for images in (ends[:, :1], between, ends[:, 1:])
    )
    gap = np.ma.MaskedArray(np.zeros((len(middle), APART), np.uint8), mask=True)
    return style.png(np.ma.concatenate([left, gap, middle, gap, right], axis=1), scale=2)


@style.look
def codes(means: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Plot the posterior means (m, latent) of images, coloured by class (m,), with each class name near its median."""
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
    # Space that the longest name needs, as a share of the axes.
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
    """Return codes (m, latent) as points of a plane (m, 2), and the names of its axes.

    With more than two dimensions, these are the first two principal components.
    """
    if means.shape[1] == 1:
        return np.column_stack([means[:, 0], labels]), ("z", "class")
    if means.shape[1] == 2:
        return means, ("z₁", "z₂")
    left, singular, _ = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    signs = np.sign(left[np.abs(left).argmax(axis=0), range(left.shape[1])])  # the sign is arbitrary in an SVD
    shares = 100 * singular**2 / max(np.sum(singular**2), 1e-12)
    across, up = (
        f"{which} principal component ({share:.0f} % of the variance)"
        for which, share in zip(("first", "second"), shares[:2], strict=True)
    )
    return (left * singular * signs)[:, :2], (across, up)


def roomy(points: np.ndarray, room: np.ndarray) -> list[int]:
    """Return the indices of points (k, 2) that lie at least `room` (2,) from all earlier ones in one direction."""
    kept: list[int] = []
    for index, point in enumerate(points):
        if (np.abs(points[kept] - point) >= room).any(axis=1).all():
            kept.append(index)
    return kept


def apart(points: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Return points (k, 2), moved as little as needed so that each pair is `room` (2,) apart in one direction."""
    moved, order = points.copy(), np.arange(len(points))
    turn = np.sign(order[:, None] - order)[..., None]  # (k, k, 1): direction for points at the same place
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
