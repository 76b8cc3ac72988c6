"""Judge claims: each has a measure, a rule that was fixed before the run, and a verdict."""

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

CONFOUNDERS = {"latent", "epochs"}  # settings that the paper did not keep equal between its two models
COLUMNS = (
    *("name", "claim", "section", "measure", "rule"),
    *("number", "lower", "upper", "unit", "verdict", "note", "survives"),
)


@dataclass(frozen=True)
class Finding:
    """Hold what a run says about a claim. There is no number if there was nothing to measure."""

    verdict: Verdict
    note: str
    number: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Claim:
    """Hold one statement of the paper, in our words."""

    claim: str
    section: str  # of the paper
    measure: str
    rule: str
    unit: Literal["", "%", "x"]
    roles: tuple[str, ...]  # the models of the claim, by the paper's names
    finding: Callable[..., Finding]  # takes the inputs and one model for each role


def judge_claims(claims: Sequence[Claim], inputs: Inputs) -> pd.DataFrame:
    """Judge every claim.

    Intervals are at 95 %. They are over seeds if each model concerned has several; otherwise over the draws of the one
    training run, and the note says so. Claims are judged one by one, without adjustment for their number.

    Returns:
        One row for each claim, with these columns:

        - name: the function that judges it; claims that are made about both models share one;
        - claim, section, measure, rule: its text;
        - number, lower, upper, unit: the result (`%` for a share of 1, `x` for a ratio, or empty);
        - verdict: supported, refuted, or not decided by this run;
        - note: what qualifies the result;
        - survives: the verdict if a model is replaced by a variant that differs only in latent size and epochs; empty
          if the run has no such variant.
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
    """Return the finding with these models in the roles of the claim."""
    for model in models:
        if model not in inputs.records:
            return Finding(OPEN, f"This run has no model named {model}.")
    try:
        return claim.finding(inputs, *models)
    except NotInThisRun as lack:
        return Finding(OPEN, str(lack))


def survives(claim: Claim, inputs: Inputs, verdict: Verdict) -> str:
    """Say in words how the verdict changes if a variant replaces one of the paper's models."""
    said = []
    for place, role in enumerate(claim.roles):
        for variant in variants(inputs.records, role):
            other = judge(claim, inputs, [*claim.roles[:place], variant, *claim.roles[place + 1 :]]).verdict
            said.append(f"{'the same' if other == verdict else other} with {variant}")
    return "; ".join(said)


def variants(records: Mapping[str, Mapping[int, Mapping[str, Any]]], model: str) -> list[str]:
    """Return the models of the same family that differ at most in the settings of `CONFOUNDERS`."""
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
    """Return the settings in which two configurations differ."""
    return {key for key in {*a, *b} if a.get(key) != b.get(key)}


def either(sign: int) -> Verdict:
    """Return SUPPORTED for a positive sign, REFUTED for a negative one, OPEN for 0."""
    return SUPPORTED if sign > 0 else REFUTED if sign < 0 else OPEN


def equal(gap: Interval, margin: float) -> Verdict:
    """Return SUPPORTED if the interval lies within (-margin, margin), REFUTED if it lies outside, else OPEN."""
    above, below = side(gap, -margin), side(gap, margin)
    return SUPPORTED if above > 0 > below else REFUTED if above == below != 0 else OPEN


def measured(interval: Interval, verdict: Verdict, note: str) -> Finding:
    """Return a finding whose number is the mean of an interval."""
    return Finding(verdict, note, interval.mean, interval.lower, interval.upper)
