"""Derive the command line of a stage from the signature of its function."""

import argparse
import functools
import inspect
import json
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.core.params import Params, ParamsError, check


def run(stage: Callable[..., None]) -> None:
    """Call a stage with the arguments of this process.

    An error with a message for the user ends the process with that message.
    """
    arguments = vars(parser(stage).parse_args())
    try:
        stage(**arguments)
    except (ValueError, OSError, ArithmeticError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def parser(stage: Callable[..., None]) -> argparse.ArgumentParser:
    """Return the parser for a function whose parameters are all keyword-only and typed.

    A parameter `raw_folder: Path` becomes `--raw-folder`. `X | None` and defaults make a flag optional. `list[X]` takes
    any number of values. A section of params.yaml or a `dict` is given as JSON.
    """
    name = Path(inspect.getfile(stage)).stem
    derived = argparse.ArgumentParser(
        prog=f"python -m pipeline.stages.{name}", description=inspect.getmodule(stage).__doc__
    )
    types_of = typing.get_type_hints(stage)
    for parameter in inspect.signature(stage).parameters.values():
        required = parameter.default is inspect.Parameter.empty
        derived.add_argument(
            f"--{parameter.name.replace('_', '-')}",
            required=required,
            default=None if required else parameter.default,
            **kind(types_of[parameter.name]),
        )
    return derived


def kind(annotation: Any) -> dict[str, Any]:
    """Return the options of `add_argument` for a type."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        (annotation,) = (each for each in typing.get_args(annotation) if each is not type(None))
    if typing.get_origin(annotation) is list:
        (item,) = typing.get_args(annotation)
        return {**kind(item), "nargs": "*"}
    if typing.get_origin(annotation) is dict or annotation is dict:
        return {"type": json_object, "metavar": "JSON"}
    if issubclass(annotation, BaseModel):
        return {"type": functools.partial(section, annotation), "metavar": "JSON"}
    return {"type": annotation, "metavar": annotation.__name__.upper()}


def section(kind: type[BaseModel], text: str) -> BaseModel:
    """Return JSON text as a checked section of params.yaml, or as the whole of it."""
    try:
        return check(kind, json.loads(text), "" if kind is Params else kind.__name__.lower())
    except (ParamsError, json.JSONDecodeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def json_object(text: str) -> dict[str, Any]:
    """Return a JSON object as a dict."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"expected JSON; found {text!r}: {error}") from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object; found {text!r}")
    return found
