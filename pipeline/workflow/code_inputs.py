"""List the source files that determine what a rule computes: a stage, and all its direct and indirect imports."""

import functools
import re
from collections.abc import Collection, Iterator
from pathlib import Path

PACKAGE = Path("pipeline")
IMPORT = re.compile(r"^[ \t]*from (pipeline[\w.]*) import (\([^)]*\)|.+)$", re.MULTILINE)

# Files that pass values on and compute none. As inputs, a changed comment in one would recompute everything.
CARRIERS = frozenset(
    {
        *("core/artifacts", "core/families", "core/outputs", "core/params"),
        *("data/dataset", "data/dataset_file", "stages/cli"),
    }
)


def code_of(stage: str, but: Collection[str] = ()) -> list[str]:
    """Return the files behind `pipeline/stages/<stage>.py`, itself included, without carriers.

    Families are not among them, because the settings of a stage decide which one it needs. See `code_of_family`.

    Args:
        stage: the name of the module.
        but: modules, such as `analysis/alarms`, that affect only the messages of the stage.
    """
    return closure(f"stages/{stage}", frozenset(but))


def code_of_family(family: str) -> list[str]:
    """Return the file of a family, and all that it imports."""
    return closure(f"models/{family}", frozenset())


@functools.cache
def closure(module: str, but: frozenset[str]) -> list[str]:
    """Return the files of a module and of all that it imports, except carriers and the modules in `but`."""
    found: set[str] = set()
    todo = [module]
    while todo:
        each = todo.pop()
        if each not in found | CARRIERS | but:
            found.add(each)
            todo += imported(each)
    return [f"{PACKAGE}/{each}.py" for each in sorted(found)]


@functools.cache
def imported(module: str) -> list[str]:
    """Return the modules of this package that a module imports; an `__init__.py` counts as no code."""
    text = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    return [each for source, names in IMPORT.findall(text) for each in modules(source, names)]


def modules(source: str, names: str) -> Iterator[str]:
    """Yield the modules that one import statement names: the source itself, or names in it if it is a package."""
    folder = source.replace(".", "/").removeprefix(f"{PACKAGE}").removeprefix("/")
    if (PACKAGE / f"{folder}.py").is_file():
        yield folder
        return
    for name in re.findall(r"(\w+)(?: as \w+)?\s*(?:,|$)", re.sub(r"#.*", "", names).strip("()\n "), re.MULTILINE):
        if (PACKAGE / folder / f"{name}.py").is_file():
            yield f"{folder}/{name}".removeprefix("/")
