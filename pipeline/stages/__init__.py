"""One module for each rule of the Snakefile: parse, read, call, write. Each is an ordinary command line."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from pipeline.params import ParamsError, check

S = TypeVar("S", bound=BaseModel)


def settings(kind: type[S], section: str) -> Callable[[str], S]:
    """An argparse type: JSON text, checked as a section of params.yaml."""

    def parse(text: str) -> S:
        try:
            return check(kind, json.loads(text), section)
        except (ParamsError, json.JSONDecodeError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def run(main: Callable[[Sequence[str] | None], None]) -> None:
    """Call a stage from the command line: an error that has a sentence for the user ends with that sentence."""
    try:
        main(None)
    except (ValueError, OSError, ArithmeticError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error
