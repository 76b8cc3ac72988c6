"""Find a family by the name of its file, so there is no registry to edit."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from pipeline.core.params import ParamsError, check
from pipeline.models.base import Conditional, FamilyConfig, GenerativeModel


def family_class(name: str) -> type[GenerativeModel]:
    """Return the model class that `pipeline/models/<name>.py` defines.

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


def configured(kind: type[GenerativeModel], settings: Mapping[str, Any], classes: int, where: str) -> FamilyConfig:
    """Return the validated settings of a family; a conditional family also gets the number of classes.

    Args:
        kind: the model class.
        settings: its settings in params.yaml.
        classes: the number of classes of the data set.
        where: the key of the settings in params.yaml, for messages.

    Raises:
        ParamsError: a setting is invalid, or `classes` is set to another number than that of the data set.
    """
    if not issubclass(kind, Conditional):
        return check(kind.Config, settings, where)
    config = check(kind.Config, {"classes": classes, **settings}, where)
    if config.classes != classes:
        raise ParamsError(
            f"params.yaml: {where}.classes: expected {classes}, as the data set has; found {config.classes}. "
            "Leave the key out: the data set fills it in."
        )
    return config
