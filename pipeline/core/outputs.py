"""List what a run produces for the report: one table of files and one of pages, for the rules and the site."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.core import families
from pipeline.core.names import COPIES, TEST
from pipeline.core.params import Params

PICTURES = {".svg", ".png"}
REFERENCES = ("seed_spread.csv", "stability.csv", "error_rates.csv")  # in reference/: measured once, for all runs
EXHIBITS = {"parts": "HasParts", "drawing": "DrawsInSteps"}  # pictures that only some kinds have, by capability
COMPLETING = ("Completing", "Decoder")  # capabilities by which hidden pixels are completed
LIKELY = ("Density", "Decoder", "ConditionalDecoder")  # capabilities that give images a probability
PAGES = {  # of the site: name of the file, of its template and of its module; title
    "index": "Overview",
    "scores": "Scores",
    "compare": "Side by side",
    "labels": "Labels",
    "training": "Training",
    "latent": "Latent space",
    "coverage": "Missing and copied",
    "likelihood": "Likelihood",
    "completion": "Completion",
    "paper": "The paper",
    "methods": "Methods",
    "provenance": "Provenance",
}


class Output(NamedTuple):
    """Describe one kind of file.

    Attributes:
        owner: what has such a file: `run`, one file; `sensitivity`, one file if the sensitivity check is on; `model`,
            each model; `images`, each model and the real test images; `copies`, the baseline of training images; or a
            capability, each model that has it.
        path: below results/. `{name}` is the source, `{seed}` the seed that is shown, `{seeds}` each seed.
        table: the data behind a picture, as a path of the same form.
    """

    owner: str
    path: str
    table: str = ""


OUTPUTS = (
    Output("run", "metrics.csv"),
    Output("run", "summary.csv"),
    Output("run", "gates.csv"),
    Output("run", "verdicts.csv"),
    Output("run", "ranks.csv"),
    Output("run", "claims.csv"),
    Output("run", "classifier/summary.json"),
    Output("run", "figures/classifier/confusion.svg", "classifier/confusion.csv"),
    Output("run", "figures/classifier/reliability.svg", "classifier/reliability.csv"),
    Output("run", "figures/comparison/sharpness.svg", "metrics.csv"),
    Output("run", "figures/comparison/confidence.svg", "metrics.csv"),
    Output("run", "figures/comparison/prd.svg", "figures/comparison/prd.csv"),
    Output("run", "figures/comparison/extrapolation.svg", "figures/comparison/extrapolation.csv"),
    Output("run", "figures/comparison/spectrum.svg", "figures/comparison/spectrum.csv"),
    Output("sensitivity", "figures/comparison/sensitivity.svg", "figures/comparison/sensitivity.csv"),
    Output("images", "figures/{name}/samples.png"),
    Output("images", "figures/{name}/labels.svg", "labels/{name}/{seed}.csv"),
    Output("images", "figures/{name}/ambiguous.svg", "labels/{name}/{seed}.csv"),
    Output("images", "figures/{name}/classes.svg", "metrics.csv"),
    Output("images", "figures/{name}/gallery.png", "figures/{name}/gallery.csv"),
    Output("images", "figures/{name}/nearest.svg", "figures/{name}/nearest.csv"),
    Output("images", "figures/{name}/bins.svg", "figures/{name}/bins.csv"),
    Output("copies", "figures/{name}/nearest.svg", "figures/{name}/nearest.csv"),
    Output("model", "networks/{name}.json"),
    Output("model", "training/{name}/{seeds}.json"),
    Output("TrainedModel", "figures/{name}/networks.svg", "networks/{name}.json"),
    Output("TrainedModel", "figures/{name}/losses.svg", "curves/{name}.csv"),
    Output("TrainedModel", "figures/{name}/diagnostics.svg", "diagnostics/{name}/{seed}.csv"),
    Output("TrainedModel", "figures/{name}/snapshots.svg", "snapshot_labels/{name}/{seed}.csv"),
    Output("TrainedModel", "figures/{name}/film.png", "figures/{name}/film.csv"),
    Output("TrainedModel", "alarms/{name}/{seeds}.csv"),
    Output("Conditional", "figures/{name}/requested.svg", "figures/{name}/requested.csv"),
    Output("Adversarial", "figures/{name}/perfect_discriminator.svg", "perfect_discriminator/{name}/{seed}.csv"),
    Output("Adversarial", "perfect_discriminator/{name}/{seeds}.csv"),
    Output("ObservationModel", "figures/{name}/observations.png"),
    *(Output(owner, "completion/{name}/{seeds}.csv") for owner in COMPLETING),
    *(Output(owner, "figures/{name}/completions.png") for owner in COMPLETING),
    *(Output(owner, "log_probabilities/{name}/{seeds}.csv") for owner in LIKELY),
    *(Output(owner, "likelihood/{name}/{seeds}.json") for owner in LIKELY),
    *(Output(owner, f"figures/{{name}}/{exhibit}.png") for exhibit, owner in EXHIBITS.items()),
    *(Output(owner, f"figures/{{name}}/{exhibit}.json") for exhibit, owner in EXHIBITS.items()),
    Output("Autoencoder", "figures/{name}/manifold.png", "figures/{name}/latent.json"),
    Output("Autoencoder", "figures/{name}/codes.svg"),
    Output("Autoencoder", "figures/{name}/interpolations.png", "figures/{name}/latent.json"),
)


@dataclass(frozen=True)
class Produced:
    """Hold one file of a run; paths are below results/."""

    path: str
    table: str = ""  # the data behind a picture
    offered: bool = True  # for download on the site, if it is a table

    @property
    def is_picture(self) -> bool:
        """Return whether the file is an SVG or a PNG."""
        return PurePosixPath(self.path).suffix in PICTURES


def produced(params: Params) -> list[Produced]:
    """Return every file of a run that the report needs, each once, including the tables behind pictures."""
    listed = {file.path: file for output in OUTPUTS for file in files_of(output, params)}
    tables = {file.table: Produced(file.table) for file in listed.values() if file.table}
    return list((tables | listed).values())


def files_of(output: Output, params: Params) -> Iterator[Produced]:
    """Yield the files of one kind."""
    for name in owners(output.owner, params):
        shown = params.seeds[0] if name in params.models else 0
        for seed in params.seeds if "{seeds}" in output.path else [shown]:
            path, table = (text.format(name=name, seed=shown, seeds=seed) for text in (output.path, output.table))
            yield Produced(path, table, offered=seed == shown)


def owners(owner: str, params: Params) -> list[str]:
    """Return the sources that own such files; a file of the whole run is owned by `run`."""
    match owner:
        case "run":
            return ["run"]
        case "sensitivity":
            return ["run"] if params.metrics.sensitivity else []
        case "model":
            return list(params.models)
        case "images":
            return [*params.models, TEST]
        case "copies":
            return [COPIES]
    return having(owner, params)


def having(capability: str, params: Params) -> list[str]:
    """Return the models whose class is declared to have a capability."""
    return [name for name, model in params.models.items() if capability in families.bases(model.family)]


def having_one(capabilities: Iterable[str], params: Params) -> list[str]:
    """Return the models that have at least one of several capabilities."""
    found = {name for capability in capabilities for name in having(capability, params)}
    return [name for name in params.models if name in found]


def pages(params: Params) -> dict[str, str]:
    """Return the names and titles of the pages of a run: of codes and completions only if a model has them."""
    without = {
        "latent": not having("Autoencoder", params),
        "completion": not having_one(COMPLETING, params),
    }
    return {name: title for name, title in PAGES.items() if not without.get(name)}
