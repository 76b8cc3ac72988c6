"""List the layers of a model in memory, in the form of the paper's Tables 1 to 4."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from pipeline.models.base import GenerativeModel, TrainedModel, count
from pipeline.models.common.blocks import Dropout, SigmoidInLoss


@dataclass
class Layer:
    """Hold one module with parameters, with the activation and dropout that follow it."""

    module: nn.Module
    given: Tensor  # its first input
    made: Tensor  # its first output
    activation: str = "none"
    dropout: float = 0.0


@dataclass
class Network:
    """Hold one top-level part of a model, with its layers in the order of use."""

    part: nn.Module
    given: Tensor
    layers: list[Layer] = field(default_factory=list)

    def note(self, module: nn.Module, given: Tensor, made: Tensor) -> None:
        """Record a leaf module that has just been used for the first time."""
        if count(module):
            self.layers.append(Layer(module, given, made))
        elif self.layers and isinstance(module, SigmoidInLoss):
            self.layers[-1].activation = "Sigmoid (in the loss)"
        elif self.layers and isinstance(module, Dropout):
            self.layers[-1].dropout = module.p
        elif self.layers and type(module).__module__ == "torch.nn.modules.activation":
            self.layers[-1].activation = type(module).__name__


def describe(model: GenerativeModel) -> list[dict[str, Any]]:
    """Describe the networks of `model`, in the order in which its objectives first use them, ready for JSON.

    Two random images are passed through the objectives, and each leaf module is recorded at its first call. A part
    without parameters is no network, and a family that is not trained by gradient descent has none.
    """
    networks: dict[str, Network] = {}
    noted: set[nn.Module] = set()

    def watch(name: str, part: nn.Module) -> Any:
        def note(module: nn.Module, given: tuple[Tensor, ...], made: Tensor | tuple[Tensor, ...]) -> None:
            if module not in noted:
                noted.add(module)
                output = made if isinstance(made, Tensor) else made[0]  # of an invertible layer, without log |det|
                networks.setdefault(name, Network(part, given[0])).note(module, given[0], output)

        return note

    hooks = [
        leaf.register_forward_hook(watch(name, part)) for name, part in model.named_children() for leaf in leaves(part)
    ]
    if isinstance(model, TrainedModel):
        with torch.random.fork_rng():
            list(model.train().labelled_objectives(torch.rand(2, 1, 28, 28), torch.tensor([0, 0])))
    for hook in hooks:
        hook.remove()
    return [as_json(name, network) for name, network in networks.items() if network.layers]


def leaves(part: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules without children; those that torch adds to parametrise weights do not count as children."""
    if is_parametrized(part) or not list(part.children()):
        yield part
    else:
        for child in part.children():
            yield from leaves(child)


def as_json(name: str, network: Network) -> dict[str, Any]:
    """Return one network and its layers as JSON values; sizes exclude the batch."""
    return {
        "name": name,
        "parameters": count(network.part),
        "input": list(network.given.shape[1:]),
        "output": list(network.layers[-1].made.shape[1:]),
        "layers": [
            {
                "name": title,
                "kind": type_before_parametrizations(layer.module).__name__,
                "in": layer.given.shape[1],
                "out": layer.made.shape[1],
                "output": list(layer.made.shape[1:]),
                "activation": layer.activation,
                "dropout": layer.dropout,
                "parameters": count(layer.module),
            }
            for title, layer in zip(titles(network.layers), network.layers, strict=True)
        ],
    }


def titles(layers: list[Layer]) -> list[str]:
    """Name the layers Input, Hidden 1, ..., Output; heads that read the same tensor become Output 1, Output 2."""
    heads = sum(layer.given is layers[-1].given for layer in layers)
    hidden = [f"Hidden {i}" if i else "Input" for i in range(len(layers) - heads)]
    return hidden + (["Output"] if heads == 1 else [f"Output {i + 1}" for i in range(heads)])
