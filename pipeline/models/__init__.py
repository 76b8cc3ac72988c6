"""One file per family, found by its name: there is no registry to edit."""

import importlib
import inspect

from pipeline.models.base import GenerativeModel


def family(name: str) -> type[GenerativeModel]:
    """The one model class of `pipeline/models/<name>.py`.

    Raises:
        ValueError: the file defines no concrete GenerativeModel, or more than one.
    """
    module = importlib.import_module(f"pipeline.models.{name}")
    found = [
        thing
        for _, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, GenerativeModel) and thing.__module__ == module.__name__
    ]
    if len(found) != 1 or inspect.isabstract(found[0]):
        raise ValueError(
            f"pipeline/models/{name}.py should define exactly one GenerativeModel with all its methods; "
            f"found {', '.join(kind.__name__ for kind in found) or 'none'}."
        )
    return found[0]
