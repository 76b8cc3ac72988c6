"""Define and check the sections of params.yaml: what may be chosen, within which bounds, and what a preset changes."""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    field_validator,
)

from pipeline.core import families
from pipeline.core.names import CORRUPTED, SHOWN

S = TypeVar("S", bound=BaseModel)
RESERVED = (
    *("classifier", "comparison"),  # folders beside those of the models, in results/
    *SHOWN,
)


class ParamsError(ValueError):
    """Signal an impossible value in params.yaml; the message says where, what was expected and what was found."""


class Section(BaseModel):
    """Hold a section of params.yaml, which cannot be changed and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Data(Section):
    """Choose the data set."""

    dataset: str = Field(min_length=1)  # mnist | fashion-mnist | path of a folder or an .npz


class Compute(Section):
    """Choose where and how precisely networks are trained."""

    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    threads: PositiveInt
    cuda_graphs: bool = False


class Classifier(Section):
    """Choose the size and the training of the classifier."""

    members: PositiveInt
    epochs: PositiveInt
    batch_size: PositiveInt
    lr: float = Field(gt=0)


class Samples(Section):
    """Choose how many samples each model draws."""

    count: int = Field(ge=100)  # of one draw
    draws: PositiveInt


class Labels(Section):
    """Choose when the classifier counts as unsure."""

    ambiguous_below: float = Field(gt=0, le=1)


class Metrics(Section):
    """Choose the feature spaces, and whether the sensitivity of the metrics is checked."""

    random_networks: PositiveInt
    sensitivity: bool


class Likelihood(Section):
    """Choose the cost of a likelihood that only sampling gives: that of a decoder with more than two numbers."""

    images: PositiveInt  # test images
    chains: PositiveInt  # for each image
    steps: Annotated[int, Field(ge=10)]  # temperatures of a chain


class Report(Section):
    """Choose the title of the report."""

    title: str = Field(min_length=1)


class Model(BaseModel):
    """Hold one compared model: its family, and what differs from that family's defaults."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    family: str

    @field_validator("family")
    @classmethod
    def has_a_file(cls, family: str) -> str:
        """Refuse a family without a file."""
        if family not in families.names():
            raise ValueError(
                f"a file of pipeline/models/, one of {', '.join(families.names())}"
                f" (for a new family write pipeline/models/{family}.py)"
            )
        return family

    @property
    def overrides(self) -> dict[str, Any]:
        """Return what differs from the family's defaults."""
        return dict(self.model_extra or {})


def free(name: str) -> str:
    """Refuse a model name that has another meaning in the results."""
    if name in RESERVED or name.startswith(CORRUPTED):
        raise ValueError("another name: this one has a meaning of its own in the results")
    return name


ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(free)]


class Params(Section):
    """Hold params.yaml with its preset applied."""

    preset: str
    data: Data
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(min_length=1)
    compute: Compute
    classifier: Classifier
    models: dict[ModelName, Model] = Field(min_length=1)
    samples: Samples
    labels: Labels
    metrics: Metrics
    likelihood: Likelihood
    report: Report

    @field_validator("models", mode="before")
    @classmethod
    def family_is_the_name_by_default(cls, listed: Any) -> Any:
        """Set the family of a model to its name where none is given."""
        if not isinstance(listed, Mapping):
            return listed
        return {
            name: {"family": name, **(settings or {})} if isinstance(settings, Mapping | None) else settings
            for name, settings in listed.items()
        }

    @field_validator("seeds")
    @classmethod
    def seeds_differ(cls, seeds: list[int]) -> list[int]:
        """Refuse a seed that is listed twice."""
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds that all differ")
        return seeds


def resolve(raw: Mapping[str, Any]) -> Params:
    """Return the content of params.yaml with its preset applied, after checking it.

    Raises:
        ParamsError: for each wrong key its path, what was expected and what was found.
    """
    sections = {key: value for key, value in raw.items() if key != "presets"}
    return check(Params, merge(sections, overlay(raw)))


def overlay(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the chosen preset changes."""
    presets, chosen = raw.get("presets"), raw.get("preset")
    if not isinstance(presets, Mapping) or chosen not in presets:
        known = ", ".join(presets) if isinstance(presets, Mapping) else "none, for the section presets: is missing"
        raise ParamsError(f"params.yaml: preset: expected one of {known}; found {chosen!r}.")
    changes = presets[chosen] or {}
    if not isinstance(changes, Mapping):
        raise ParamsError(f"params.yaml: presets.{chosen}: expected sections as above; found {changes!r}.")
    return changes


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `below` updated with `above`, key by key at every depth; a list replaces a list."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = (
            merge(under or {}, value) if isinstance(value, Mapping) and isinstance(under, Mapping | None) else value
        )
    return merged


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings under dotted keys: `{"models.gan.epochs": 200}`."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return leaves


def check(kind: type[S], value: Any, where: str = "") -> S:
    """Return `value` as a `kind`.

    Args:
        kind: the class of the section.
        value: its content.
        where: the path of the section, as a prefix of the keys in messages.

    Raises:
        ParamsError: for each wrong key its path, what was expected and what was found.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ParamsError("\n".join(sentence(kind, dict(e), where) for e in error.errors())) from None


def sentence(kind: type[BaseModel], error: Mapping[str, Any], where: str) -> str:
    """Return one of pydantic's errors as a message: the path of the key, what was expected and what was found.

    The ValueError of a validator in this module says what was expected, and nothing else.
    """
    loc = [str(part) for part in error["loc"] if part != "[key]"]
    path = ".".join([where, *loc] if where else loc)
    if error["type"] == "extra_forbidden":
        known = list(fields_at(kind, loc[:-1]))
        near = difflib.get_close_matches(loc[-1], known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
        return f"params.yaml: {path}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"params.yaml: {path}: expected a value; found none."
    expected = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    expected = re.sub(r"^\w+ should ", "it to ", expected)
    expected = re.sub(r"^(greater|less) than", r"a number \1 than", expected)
    return f"params.yaml: {path}: expected {expected}; found {error['input']!r}."


def fields_at(kind: type[BaseModel], loc: list[str]) -> Mapping[str, Any]:
    """Return the fields of the section at the path `loc`."""
    for part in loc:
        inner = kind.model_fields[part].annotation if part in kind.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return {}
        kind = inner
    return kind.model_fields


def changes(raw: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what the preset changes: dotted key to (value in the sections, value of this run)."""
    sections = flat({key: value for key, value in raw.items() if key != "presets"})
    return {key: (sections.get(key), value) for key, value in flat(overlay(raw)).items() if sections.get(key) != value}
