"""Choose what the page on the paper shows: what the paper prints, in its order, beside this run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Any, get_args

import pandas as pd

from pipeline.report.formatting import Unit
from pipeline.report.pages.index import Run
from pipeline.report.pages.model import ModelView


@dataclass(frozen=True)
class Printed:
    """Hold a table of the paper, with rows of layer, inputs, outputs and activation."""

    title: str
    model: str
    network: str
    rows: Sequence[tuple[str, int, int, str]]


TABLES = {
    1: Printed(
        "Generator",
        "gan",
        "generator",
        (
            ("Input", 128, 256, "LeakyReLU"),
            ("Hidden 1", 256, 512, "LeakyReLU"),
            ("Hidden 2", 512, 1024, "LeakyReLU"),
            ("Output", 1024, 784, "TanH"),
        ),
    ),
    2: Printed(
        "Discriminator",
        "gan",
        "discriminator",
        (
            ("Input", 784, 1024, "LeakyReLU"),
            ("Hidden 1", 1024, 512, "LeakyReLU"),
            ("Hidden 2", 512, 256, "LeakyReLU"),
            ("Output", 256, 1, "Sigmoid"),
        ),
    ),
    3: Printed(
        "Encoder",
        "vae",
        "encoder",
        (
            ("Input", 784, 512, "ReLU"),
            ("Hidden 1", 512, 256, "ReLU"),
            ("Output 1", 256, 2, "none"),
            ("Output 2", 256, 2, "none"),
        ),
    ),
    4: Printed(
        "Decoder",
        "vae",
        "decoder",
        (
            ("Input", 2, 256, "ReLU"),
            ("Hidden 1", 256, 512, "ReLU"),
            ("Output", 512, 784, "Sigmoid"),
        ),
    ),
}

SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "gan": {"epochs": 200, "batch_size": 256, "lr": 0.0002, "dropout": 0.3},
    "vae": {"epochs": 5, "batch_size": 100},
}


@dataclass(frozen=True)
class Compared:
    """Hold one value as the paper prints it and as this run has it."""

    name: str
    printed: Any
    here: Any
    agrees: bool


@dataclass(frozen=True)
class ComparedTable:
    """Hold a table of the paper beside the network of this run; `rows` is None if the run has no such network."""

    title: str
    model: str
    rows: Sequence[Compared] | None


@dataclass(frozen=True)
class Claim:
    """Hold a claim of the paper and the verdict of this run. All texts are plain."""

    name: str  # the function that judges it
    claim: str
    section: str
    measure: str
    rule: str
    number: float | None
    lower: float | None
    upper: float | None
    unit: str
    verdict: str
    note: str
    survives: str

    @property
    def written(self) -> Unit:
        """Return the unit in which its number is formatted; "score" if its own unit has no format."""
        return next((unit for unit in get_args(Unit) if unit and unit == self.unit), "score")


NUMBERS = ("number", "lower", "upper")
TEXTS = tuple(field.name for field in fields(Claim) if field.name not in NUMBERS)


@dataclass(frozen=True)
class PaperPage:
    """Hold the paper beside this run. A role is None if the run has no model of that name."""

    run: Run
    claims: Sequence[Claim]
    fairness: bool  # whether any claim was also judged on models that are more alike
    tables: Mapping[int, ComparedTable]
    schedules: Mapping[str, Sequence[Compared]]
    gan: ModelView | None
    saturating: ModelView | None
    vae: ModelView | None


def paper_page(run: Run, models: Sequence[ModelView], claims: pd.DataFrame) -> PaperPage:
    """Look up the models by the paper's roles, and compare what is printed with this run."""
    roles = {model.name: model for model in models}
    listed = claims_of(claims)
    return PaperPage(
        run=run,
        claims=listed,
        fairness=any(claim.survives for claim in listed),
        tables={number: compare_table(table, roles.get(table.model)) for number, table in TABLES.items()},
        schedules={
            name: compare_schedule(printed, roles[name]) for name, printed in SCHEDULES.items() if name in roles
        },
        gan=roles.get("gan"),
        saturating=roles.get("gan_saturating"),
        vae=roles.get("vae"),
    )


def claims_of(table: pd.DataFrame) -> list[Claim]:
    """Return the rows of claims.csv; a missing number is None."""
    numbers = table[list(NUMBERS)].astype(object)
    values = table[list(TEXTS)].join(numbers.where(numbers.notna(), None))
    rows: list[dict[str, Any]] = [{str(key): value for key, value in row.items()} for row in values.to_dict("records")]
    return [Claim(**row) for row in rows]


def compare_table(printed: Printed, model: ModelView | None) -> ComparedTable:
    """Place each printed layer beside the layer at the same position in this run."""
    networks = {network["name"]: network for network in model.networks} if model else {}
    if printed.network not in networks:
        return ComparedTable(printed.title, printed.model, None)
    layers = networks[printed.network]["layers"]
    rows = [compare_layer(row, layer) for row, layer in zip_longest(printed.rows, layers)]
    return ComparedTable(printed.title, printed.model, rows)


def compare_layer(row: tuple[str, int, int, str] | None, layer: Mapping[str, Any] | None) -> Compared:
    """Compare a layer by inputs, outputs and activation; it does not matter where the activation is applied."""
    name, printed = (row[0], row[1:]) if row else (layer["name"] if layer else "", None)
    here = (layer["in"], layer["out"], layer["activation"]) if layer else None
    if not printed or not here:
        return Compared(name, printed, here, False)
    agrees = here[:2] == printed[:2] and here[2].casefold().startswith(printed[2].casefold())
    return Compared(name, printed, here, agrees)


def compare_schedule(printed: Mapping[str, Any], model: ModelView) -> list[Compared]:
    """Place each printed setting beside that of this run."""
    here = {key: model.settings.get(key) for key in printed}
    return [Compared(key, value, here[key], here[key] == value) for key, value in printed.items()]
