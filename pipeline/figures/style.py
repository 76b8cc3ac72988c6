"""Define the style of every figure and its bytes: SVG that follows the reader's theme, and PNG of exact pixels.

An SVG keeps its text as text, with sizes for both large and small screens. A figure is 538 px wide if there is room. If
a phone shows it 350 px wide, its text still has about 9 px.
"""

import base64
import io
import math
import re
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from PIL import Image

WIDTH = 5.6  # inches: 538 CSS pixels
SMALL, NORMAL = 9.5, 10.5  # points
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

TIGHT = {"borderaxespad": 0.1, "columnspacing": 1.1, "handlelength": 1.7, "handletextpad": 0.5}  # of a legend

# Colours of the page and of its text, in the light and the dark theme.
PAPER, PAPER_DARK = "#ffffff", "#15181c"
INK, INK_DARK = "#1b1f24", "#e6e8eb"
MUTED, GRID = "#59616c", "#e1e4e8"

# Okabe and Ito's colours, darkened if they are too faint on white.
BLUE, VERMILLION, GREEN, PURPLE, OCHRE = "#0072b2", "#d55e00", "#00805d", "#b0508a", "#a87400"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, OCHRE)
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 3)))

# Colour of the light theme, used in code -> its CSS variable, and its value in the dark theme.
THEME = {
    PAPER: ("paper", PAPER_DARK),
    MUTED: ("muted", "#a7afb9"),
    GRID: ("grid", "#30363d"),
    BLUE: ("blue", "#56b4e9"),
    VERMILLION: ("vermillion", "#ff8c42"),
    GREEN: ("green", "#2fc79b"),
    PURPLE: ("purple", "#e391c4"),
    OCHRE: ("ochre", "#f0b93a"),
}

# Colours of rasterised points, which cannot follow the theme: each is visible on both pages.
CLASSES = (
    *("#0072b2", "#d55e00", "#009e73", "#c9649d", "#8a6d00"),
    *("#3d97d6", "#8e5b4a", "#7a5fd0", "#7f8a2c", "#c8374a"),
)

LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # used for the layout; it is wider than the fonts of the readers' systems
    "font.size": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.titlelocation": "left",
    "axes.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": NORMAL,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.5,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.04,
    "image.composite_image": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "figures",
}
look = matplotlib.rc_context(LOOK)  # decorates each function that plots

SHEET = (
    "svg{{color:{ink};{light}}}"
    "@media (prefers-color-scheme:dark){{svg{{color:{ink_dark};{dark}}}}}"
    "text{{fill:currentColor;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}}"
    "[id^=halo] text{{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}}"
).format(
    ink=INK,
    ink_dark=INK_DARK,
    light=";".join(f"--{name}:{light}" for light, (name, _) in THEME.items()),
    dark=";".join(f"--{name}:{dark}" for name, dark in THEME.values()),
)


@look
def svg(figure: Figure) -> bytes:
    """Return the figure as a themed SVG, with the same bytes each time; its label becomes the title.

    If the gid of an artist begins with `halo`, its text has an outline in the colour of the page.

    Raises:
        KeyError: a colour has no value in the dark theme.
    """
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    needless = r"<metadata>.*?</metadata>|<!DOCTYPE.*?>|<!--.*?-->"
    text = re.sub(needless, "", buffer.getvalue(), flags=re.DOTALL)
    text = re.sub(r"#[0-9a-f]{6}\b", lambda match: themed(match[0]), text)
    text = re.sub(r'style="font: (?:(\d+) )?([\d.]+)px [^;"]*', fontless, text)
    text = re.sub(r"font-family: [^;\"]*;\s*", "", text)
    text = re.sub(r'(?<=<g) id="(?!halo)[^"]*"| transform="rotate\(-0 [^"]*"', "", text)
    text = re.sub(r' ([xy])="(-?\d+\.\d+)"', lambda match: f' {match[1]}="{shortened(match[2])}"', text)
    text = re.sub(r' d="([^"]*)"', lambda match: f' d="{shortened(match[1])}"', text)
    text = re.sub(r"(?<=data:image/png;base64,)[^\"]+", lambda match: compact(match[0]), text)
    head = f"<title>{escape(str(figure.get_label()))}</title><style>{SHEET}</style>"
    text = re.sub(r"<svg ([^>]*)>", lambda match: f'<svg role="img" {match[1]}>{head}', text, count=1)
    return re.sub(r"\s*\n\s*", "\n", text).encode()


def themed(colour: str) -> str:
    """Return the CSS value that follows the theme, for a colour of the light theme; black is ink."""
    return "currentColor" if colour in (INK, "#000000") else f"var(--{THEME[colour][0]})"


def fontless(match: re.Match[str]) -> str:
    """Return size and weight of a font without its family, which the style sheet sets."""
    weight = f"font-weight: {match[1]}; " if match[1] else ""
    return f'style="{weight}font-size: {match[2]}px'


def shortened(path: str) -> str:
    """Return a path with two decimals (of a point) and no unnecessary spaces."""
    rounded = re.sub(r"-?\d+\.\d+", lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), path)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", rounded).strip()


def compact(encoded: str) -> str:
    """Return a base64 PNG with a palette instead of four channels, if it has few enough colours."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA"))
    colours, indices = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > 256:
        return encoded
    image = Image.fromarray(indices.reshape(pixels.shape[:2]).astype(np.uint8), "P")
    image.putpalette(colours[:, :3].tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, transparency=colours[:, 3].tobytes())
    return base64.b64encode(buffer.getvalue()).decode()


def log_axis(axes: Axes, values: np.ndarray) -> float:
    """Set a logarithmic y axis that fits the values above zero; return its lower limit, where zeros are plotted."""
    above = values[np.isfinite(values) & (values > 0)]
    low, high = (above.min() / 1.5, above.max() * 1.5) if above.size else (0.1, 10.0)
    axes.set_ylim(low, high)  # before the scale, which would otherwise warn that it finds no limits
    axes.set_yscale("log")
    axes.set_yticks(ticks(low, high), [power(tick) for tick in ticks(low, high)])
    axes.yaxis.set_minor_locator(NullLocator())
    return float(low)


def ticks(low: float, high: float) -> list[float]:
    """Return two to four round values within the limits of a log axis: powers of ten if there are two."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for parts in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        found = [part * 10.0**exponent for exponent in exponents for part in parts]
        found = [value for value in found if low <= value <= high]
        if len(found) > 1:
            break
    return found[:: -(-len(found) // 4)]


def power(value: float) -> str:
    """Return a tick label of a log axis: 0.01, 1 or 200, but 10⁻⁵."""
    exponent = round(math.log10(value))
    if -3 <= exponent <= 3 or not math.isclose(value, 10.0**exponent):
        return f"{value:g}"
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


LEVELS = 31  # of grey in a PNG; one more palette entry is for the transparent gaps


def png(pixels: np.ndarray, scale: int, levels: int = LEVELS) -> bytes:
    """Return a PNG of grey pixels (h, w) u8, each enlarged to `scale` x `scale`; masked pixels are transparent."""
    filled = np.ma.filled(quantised(pixels, levels), levels)
    image = Image.fromarray(filled.repeat(scale, axis=0).repeat(scale, axis=1), "P")
    greys = np.rint(np.linspace(0, 255, levels)).astype(np.uint8)
    image.putpalette(np.append(greys, 0).astype(np.uint8).repeat(3).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, transparency=levels)
    return buffer.getvalue()


def quantised(pixels: np.ndarray, levels: int = LEVELS) -> np.ma.MaskedArray:
    """Return grey pixels (h, w) u8 as `levels` levels from 0, u8; the mask is kept."""
    nearest = np.rint(np.ma.getdata(pixels) / 255 * (levels - 1)).astype(np.uint8)
    return np.ma.masked_array(nearest, np.ma.getmaskarray(pixels))
