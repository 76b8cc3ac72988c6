"""Write numbers in one way in the whole report, with their units."""

import math
from collections.abc import Sequence
from typing import Literal

import pandas as pd

Unit = Literal["", "%", "s", "x", "distance", "nats", "points", "score", "bytes"]
THIN = "\u202f"  # narrow no-break space
POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | int | None, unit: Unit = "") -> str:
    """Return a number as the report writes it; a missing one becomes a dash."""
    if value is None or pd.isna(value):
        return "\N{EN DASH}"
    return written(value, unit).replace("-", "\N{MINUS SIGN}")


def written(value: float | int, unit: Unit) -> str:
    """Return a number with its unit, before minus signs are replaced."""
    match unit:
        case "%":
            return percent(value)
        case "s":
            return duration(value)
        case "x":
            return f"{value:.2f}" if value < 10 else f"{value:.0f}"
        case "distance":
            return f"{value:.3f}"
        case "nats":
            return f"{value:.2f}{THIN}nats" if abs(value) < 10 else f"{value:.1f}{THIN}nats"
        case "points":
            return f"{100 * value:+.1f}{THIN}points"
        case "score":
            return score(value)
        case "bytes":
            return f"{value / 1e9:.2f}{THIN}GB"
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"


def score(value: float | int) -> str:
    """Return a number of unknown size with three significant digits.

    Thousands are separated by commas; very small numbers have a power of ten.
    """
    if value == 0:
        return "0"
    if abs(value) >= 999.5:
        text = f"{value:,.0f}"
    elif abs(value) < 0.000995:
        digits, power = f"{value:.1e}".split("e")
        text = f"{digits}{THIN}·{THIN}10{str(int(power)).translate(POWERS)}"
    else:
        decimals = 2 - math.floor(math.log10(abs(float(f"{value:.3g}"))))
        text = f"{value:.{min(decimals, 4)}f}"
    return text


def percent(share: float | int) -> str:
    """Return a share in per cent, with more decimals if fewer would round it to 0 or 100."""
    for decimals in (1, 2, 3):
        text = f"{100 * share:.{decimals}f}"
        if share in (0, 1) or float(text) not in (0, 100):
            break
    return f"{text}{THIN}%"


def duration(seconds: float | int) -> str:
    """Return a time in seconds, minutes or hours, whichever is easiest to read."""
    if seconds < 10:
        return f"{seconds:.1f}{THIN}s"
    if seconds < 59.5:
        return f"{seconds:.0f}{THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest:02d}{THIN}s"
    return f"{minutes // 60:,}{THIN}h {minutes % 60:02d}{THIN}min"


def orders(falls: Sequence[float]) -> str:
    """Say by how many orders of magnitude something fell or rose, over the seeds."""
    low, high = round(min(falls), 1), round(max(falls), 1)
    if low < 0 < high:
        return f"went from a fall by {high} to a rise by {-low} orders of magnitude, by seed"
    word, (least, most) = ("fell", (low, high)) if high > 0 else ("rose", (abs(high), abs(low)))
    return f"{word} by {least if least == most else f'{least} to {most}'} orders of magnitude"


def setting(value: object) -> str:
    """Return a value of params.yaml as one would write it by hand."""
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(setting(each) for each in value)
    return str(value)
