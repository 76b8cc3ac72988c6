"""Judges claims: each has a measure, a rule that was fixed before the run, and a verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from pipeline.analysis.claim_inputs import Inputs, NotInThisRun, side
from pipeline.analysis.uncertainty import Interval

Verdict = Literal["supported", "refuted", "not decided by this run"]
SUPPORTED: Verdict = "supported"
REFUTED: Verdict = "refuted"
OPEN: Verdict = "not decided by this run"

CONFOUNDERS = {"latent", "epochs"}  # settings in which the paper gave its two models unequal chances
COLUMNS = (
    *("name", "claim", "section", "measure", "rule"),
    *("number", "lower", "upper", "unit", "verdict", "note", "survives"),
)


@dataclass(frozen=True)
class Finding:
    """What a run says of a claim. No number where there is nothing to measure."""

    verdict: Verdict
    note: str
    number: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Claim:
    """One statement of the paper in our words."""

    claim: str
    section: str  # of the paper
    measure: str
    rule: str
    unit: Literal["", "%", "x"]
    roles: tuple[str, ...]  # the models that it is about, by the paper's names
    finding: Callable[..., Finding]  # of the inputs, and a model for each role


def judge_claims(claims: Sequence[Claim], inputs: Inputs) -> pd.DataFrame:
    """Judge every claim.

    Each interval is a 95 % one: over seeds where each model concerned has several, else over the draws of the one
    training, and then the note says so. Each claim is judged for itself, without an adjustment for their number.

    Returns:
        name (what the claim is judged by; the claims that are made of both models share one), claim, section, measure,
        rule, number, lower, upper, unit (`%` for a share of 1, `x` for a ratio, or empty), verdict (supported, refuted,
        or not decided by this run), note, survives. The last says what becomes of the verdict with each variant that
        differs from the paper's model in nothing but its latent size and epochs in its place; it is empty where a run
        has none.
    """
    rows = []
    for claim in claims:
        found = judge(claim, inputs, claim.roles)
        shown = {name: getattr(claim, name) for name in ("claim", "section", "measure", "rule", "unit")}
        name = claim.finding.__name__
        rows.append({"name": name, **shown, **vars(found), "survives": survives(claim, inputs, found.verdict)})
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    return table.astype({"number": float, "lower": float, "upper": float})


def judge(claim: Claim, inputs: Inputs, models: Sequence[str]) -> Finding:
    """The finding with these models in the claim's roles."""
    for model in models:
        if model not in inputs.records:
            return Finding(OPEN, f"This run has no model named {model}.")
    try:
        return claim.finding(inputs, *models)
    except NotInThisRun as lack:
        return Finding(OPEN, str(lack))


def survives(claim: Claim, inputs: Inputs, verdict: Verdict) -> str:
    """The verdict with each fair variant in the place of one of the paper's models, in words."""
    said = []
    for place, role in enumerate(claim.roles):
        for variant in variants(inputs.records, role):
            other = judge(claim, inputs, [*claim.roles[:place], variant, *claim.roles[place + 1 :]]).verdict
            said.append(f"{'the same' if other == verdict else other} with {variant}")
    return "; ".join(said)


def variants(records: Mapping[str, Mapping[int, Mapping[str, Any]]], model: str) -> list[str]:
    """Models of the same family with another latent size or other epochs, and all else equal."""
    if model not in records:
        return []
    about = {name: next(iter(seeds.values())) for name, seeds in records.items()}
    mine = about[model]
    return [
        name
        for name, other in about.items()
        if name != model
        and other["family"] == mine["family"]
        and differing(mine["config"], other["config"]) <= CONFOUNDERS
    ]


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> set[str]:
    """The settings that two configurations do not share."""
    return {key for key in {*a, *b} if a.get(key) != b.get(key)}


def either(sign: int) -> Verdict:
    """Above speaks for the claim, below against it."""
    return SUPPORTED if sign > 0 else REFUTED if sign < 0 else OPEN


def equal(gap: Interval, margin: float) -> Verdict:
    """Supported if the interval lies within the margin around 0, refuted if it lies outside."""
    above, below = side(gap, -margin), side(gap, margin)
    return SUPPORTED if above > 0 > below else REFUTED if above == below != 0 else OPEN


def measured(interval: Interval, verdict: Verdict, note: str) -> Finding:
    """A finding whose number is the mean of an interval."""
    return Finding(verdict, note, interval.mean, interval.lower, interval.upper)
