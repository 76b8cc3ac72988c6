"""What the files of `pipeline/models/` say without being imported: for the Snakefile and the report."""

import ast
import functools
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "models"


def names() -> list[str]:
    """Every family there is a file for."""
    return sorted(file.stem for file in FOLDER.glob("[a-z]*.py") if file.stem != "base")


def source(name: str) -> str:
    """The text of a family's file."""
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


def bases(name: str) -> set[str]:
    """What the family's classes are declared to extend, and what base.py says that those extend: its capabilities."""
    found, general = set(), extended(source("base"))
    todo = [base for declared in extended(source(name)).values() for base in declared]
    while todo:
        base = todo.pop()
        found.add(base)
        todo += general.get(base, [])
    return found


@functools.cache
def extended(text: str) -> dict[str, list[str]]:
    """The classes that a source defines at its top, each with the plain names of those it extends."""
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    return {node.name: [base.id for base in node.bases if isinstance(base, ast.Name)] for node in classes}


def paragraph(name: str) -> str:
    """The family's text in the report: the docstring of its file."""
    return ast.get_docstring(ast.parse(source(name))) or ""
