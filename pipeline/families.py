"""What the files of `pipeline/models/` say without being imported: for the Snakefile and the report."""

import ast
from pathlib import Path

FOLDER = Path(__file__).parent / "models"


def names() -> list[str]:
    """Every family there is a file for."""
    return sorted(file.stem for file in FOLDER.glob("[a-z]*.py") if file.stem != "base")


def source(name: str) -> str:
    """The text of a family's file."""
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


def bases(name: str) -> set[str]:
    """The names of the classes that the family's classes are declared to extend: its capabilities."""
    classes = [node for node in ast.parse(source(name)).body if isinstance(node, ast.ClassDef)]
    return {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}


def paragraph(name: str) -> str:
    """The family's text in the report: the docstring of its file."""
    return ast.get_docstring(ast.parse(source(name))) or ""
