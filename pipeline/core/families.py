"""Read what the files of `pipeline/models/` declare, without importing them: for the Snakefile and the report."""

import ast
import functools
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "models"


def names() -> list[str]:
    """Return the name of every family: of each file in `pipeline/models/`, except base.py."""
    return sorted(file.stem for file in FOLDER.glob("[a-z]*.py") if file.stem != "base")


def source(name: str) -> str:
    """Return the text of a family's file."""
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


def bases(name: str) -> set[str]:
    """Return the capabilities of a family: the base classes of its classes, and theirs as base.py declares them."""
    found, general = set(), extended(source("base"))
    todo = [base for declared in extended(source(name)).values() for base in declared]
    while todo:
        base = todo.pop()
        found.add(base)
        todo += general.get(base, [])
    return found


@functools.cache
def extended(text: str) -> dict[str, list[str]]:
    """Return the top-level classes of a source text, each with the plain names of its base classes."""
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    return {node.name: [base.id for base in node.bases if isinstance(base, ast.Name)] for node in classes}


def paragraph(name: str) -> str:
    """Return the family's text in the report: the docstring of its file."""
    return ast.get_docstring(ast.parse(source(name))) or ""
