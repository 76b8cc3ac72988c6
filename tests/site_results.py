"""A small, seeded folder of results as a finished run leaves it, for the tests of the site."""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis import seed_spread
from pipeline.analysis.gates import gates
from pipeline.analysis.summary import by_draw, summarise, trainings
from pipeline.analysis.verdicts import ranks, verdicts
from pipeline.core.names import SHOWN, TEST
from pipeline.core.outputs import produced
from pipeline.core.params import Params
from pipeline.figures.gallery import tiles
from pipeline.metrics.base import CORRUPTIONS, Metric
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.inputs import Results
from pipeline.report.load import load
from pipeline.stages import render
from pipeline.workflow.provenance import Provenance

ALARMS = {  # of models that are named so; all others have none
    "gan_saturating": [
        ("vanishing gradient", 94, 468, True, "D(G(z)) 6.1e-05, judged right 1, of the largest 0.00092"),
        ("frozen generator", 235, 328, False, "moved 0.0043, slope of the loss -7.5e-09"),
    ]
}

SPACES = {"features": ("classifier", "random_1", "random_2"), "pixels": ("pixels",), "labels": ("",)}
DIGESTS = {"classifier": "0a1b2c3d4e5f", "random_1": "111111111111", "random_2": "222222222222"}
DISTANCE = {  # from real images, where noise is 1
    "gan": 0.1,
    "gan_saturating": 0.9,  # no better than noise
    "vae": 0.2,
    "cvae": 0.2,
    TEST: 0.0,
    "train_copies": 0.001,
    "blurred": 0.3,
    "noise": 1.0,
    "gaussian": 0.6,
    "centroids": 0.35,
}
ENDS = {  # what real images and noise get, where that is unlike the others
    "fd_percent": (0.4, 90.0),
    "fd_infinity_percent": (0.2, 90.0),
    "kd": (0.0001, 4.0),
    "authenticity": (0.52, 0.99),
    "missing_modes": (0.0, 8.0),
    "support": (250000.0, 300000.0),
    "support_by_pairs": (250000.0, 300000.0),
    "classifier_score": (9.7, 2.1),
    "student_nats": (-115.0, -430.0),
}
VARIES = 0.02  # standard deviation of a score between draws, as a share of its value

# Of gan and vae, gan looks more real, though two scores of that say the opposite: the two-sample test, and precision,
# which cannot rank, because it prefers blurred images to real ones. Coverage is a trade, sharpness is not separable.
TYPICAL = {
    "precision": {"gan": 0.62, "vae": 0.78, TEST: 0.8, "train_copies": 0.81, "blurred": 0.94},
    "c2st_accuracy": {"gan": 0.97, "vae": 0.82, TEST: 0.5, "train_copies": 0.5},
    "label_js": {"gan": 0.03, "vae": 0.01, TEST: 0.0005, "train_copies": 0.0004},
    "support": {"blurred": 110000.0},
    "support_by_pairs": {"blurred": 110000.0},
    "copying": {"gan": 1.4, "vae": 2.2, TEST: 0.1, "train_copies": -41.0},
    "authenticity": {"train_copies": 0.01},
    "ambiguous": {"gan": 0.17, "vae": 0.29, TEST: 0.012, "train_copies": 0.01, "noise": 0.97},
    "label_distance": {"gan": 0.12, "vae": 0.09, TEST: 0.005},
    "sharpness_ratio": {"gan": 1.62, "vae": 0.62, TEST: 1.0, "train_copies": 1.01, "blurred": 0.18, "noise": 31.0},
    "spectrum_distance": {"gan": 0.11, "vae": 0.12, TEST: 0.004, "train_copies": 0.005},
    "conformal_ambiguous": {"gan": 0.14, "vae": 0.21, TEST: 0.025, "train_copies": 0.02, "noise": 0.4},
    "conformal_unlike": {"gan": 0.11, "vae": 0.08, TEST: 0.048, "train_copies": 0.03, "noise": 0.55},
}
INK = {"gan": (-95.2, -92.1), "vae": (-141.6, -141.6), "cvae": (-139.8, -139.8)}  # log-probabilities, in nats

CLAIMS = [
    {
        "name": "sharper",
        "claim": "The images of a GAN are sharper.",
        "section": "1.2, 4",
        "measure": "sharpness over that of real images, gan less vae",
        "rule": "supported if the difference is above 0",
        "number": 1.0,
        "lower": 0.81,
        "upper": 1.19,
        "unit": "x",
        "verdict": "supported",
        "note": "Sharper than real images is not better.",
        "survives": "with vae_128: yes",
    },
    {
        "name": "no_help",
        "claim": "The classifier is little help.",
        "section": "4",
        "measure": "share of images that it is unsure of",
        "rule": "refuted if it separates gan and vae",
        "number": 0.12,
        "lower": 0.112,
        "upper": 0.128,
        "unit": "%",
        "verdict": "refuted",
        "note": None,
        "survives": None,
    },
    {
        "name": "harder",
        "claim": "A GAN is harder to tune.",
        "section": "2.1",
        "measure": "spread over seeds",
        "rule": "needs a search over settings",
        "number": None,
        "lower": None,
        "upper": None,
        "unit": None,
        "verdict": "not decided by this run",
        "note": "Nothing was tuned here.",
        "survives": None,
    },
]

MADE = {"commit": "COMMIT", "hardware": "2 cores", "date": "2026-11-27"}
STABILITY = (  # verdict, seeds of a run, most frequent answer, runs, runs that agree, others
    ("fidelity", 1, "gan", 40, 38, "not separable: 2"),
    ("coverage", 1, "a trade", 40, 31, "gan: 6, not separable: 3"),
    ("sharpness", 5, "not separable", 8, 8, ""),
    ("noise: gan", 1, "passes", 40, 40, ""),
)
ERROR_RATES = (  # question, true difference, seeds, runs, share of right and of wrong answers
    ("fidelity", "none", 1, 1000, 0.0, 0.031),
    ("fidelity", "blur_slight", 3, 1000, 0.942, 0.001),
    ("coverage", "missing_class", 5, 1000, 1.0, 0.0),
)
SURPRISES = {("kd", "blur_slight"): "blind", ("fd_percent", "copies"): "prefers"}  # in the sensitivity check
KNOWN = ("gan", "vae")  # families whose spread between seeds is known

TEMPLATES = Path(__file__).parents[1] / "site_templates"
PROVENANCE = Provenance("COMMIT", "SETTINGS", {"python": "VERSION", "torch": "VERSION"}, "PLATFORM", "DATE")
DIGITS = tuple("0123456789")
MODELS: Mapping[str, dict[str, Any]] = {
    "gan": {"family": "gan", "epochs": 40, "batch_size": 256, "lr": 0.0002},
    "gan_saturating": {"family": "gan", "loss": "saturating", "epochs": 2},
    "vae": {"family": "vae", "epochs": 5, "batch_size": 100, "lr": 0.001},
}
CHANGES = {"seeds": [[0, 1, 2, 3, 4], [0, 1]], "models.gan.epochs": [200, 40]}
CONFIGS = {
    "gan": {
        "betas": [0.9, 0.999],
        "ema": 0.0,
        "latent": 128,
        "slope": 0.2,
        "dropout": 0.3,
        "loss": "nonsaturating",
    },
    "vae": {"betas": [0.9, 0.999], "ema": 0.0, "latent": 2, "beta": 1.0},
    "cvae": {"betas": [0.9, 0.999], "ema": 0.0, "classes": 10, "latent": 2},
}
DEFAULTS = {
    "gan": {"epochs": 200, "batch_size": 256, "lr": 0.0002},
    "vae": {"epochs": 5, "batch_size": 100, "lr": 0.001},
    "cvae": {"epochs": 5, "batch_size": 100, "lr": 0.001},
}
LAYERS = {
    "gan": {
        "generator": [
            (128, 256, "LeakyReLU"),
            (256, 512, "LeakyReLU"),
            (512, 1024, "LeakyReLU"),
            (1024, 784, "Tanh"),
        ],
        "discriminator": [
            (784, 1024, "LeakyReLU"),
            (1024, 512, "LeakyReLU"),
            (512, 256, "LeakyReLU"),
            (256, 1, "Sigmoid (in the loss)"),
        ],
    },
    "vae": {
        "encoder": [(784, 512, "ReLU"), (512, 256, "ReLU"), (256, 2, "none"), (256, 2, "none")],
        "decoder": [(2, 256, "ReLU"), (256, 512, "ReLU"), (512, 784, "Sigmoid (in the loss)")],
    },
}
LAYERS["cvae"] = LAYERS["vae"]
PARAMETERS = {"gan": 2953745}
NAMES = {"encoder": ["Input", "Hidden 1", "Output 1", "Output 2"]}


def params(
    models: Mapping[str, dict[str, Any]] = MODELS,
    seeds: Sequence[int] = (0, 1),
    title: str = "GANs and VAEs compared",
    dataset: str = "mnist",
    sensitivity: bool = True,
) -> Params:
    """The resolved parameters of such a run."""
    return Params.model_validate(
        {
            "preset": "laptop",
            "data": {"dataset": dataset},
            "seeds": list(seeds),
            "compute": {"device": "auto", "precision": "auto", "threads": 1},
            "classifier": {"members": 2, "epochs": 5, "batch_size": 128, "lr": 0.004},
            "models": models,
            "samples": {"count": 10000, "draws": 2},
            "labels": {"ambiguous_below": 0.9},
            "metrics": {"random_networks": 2, "sensitivity": sensitivity},
            "likelihood": {"images": 50, "chains": 8, "steps": 200},
            "report": {"title": title},
        }
    )


def build(folder: Path, run: Params, class_names: Sequence[str] = DIGITS) -> Path:
    """Write every file that the render stage reads: those of the table of outputs, and those of `reference`."""
    write(folder / "metrics.csv", metrics(run, class_names))
    measured = pd.read_csv(folder / "metrics.csv")
    spreads = seed_spread.read_spreads(pd.read_csv(reference(folder) / "seed_spread.csv"))
    families = {name: model.family for name, model in run.models.items()}
    compared = verdicts(measured, families, spreads, probabilities(run))
    of_run = {
        "summary.csv": summarise(measured),
        "gates.csv": gates(trainings(by_draw(measured)), list(run.models)),
        "verdicts.csv": compared,
        "ranks.csv": ranks(compared),
        "claims.csv": pd.DataFrame(CLAIMS),
    }
    for file in produced(run):
        path = folder / file.path
        if file.is_picture:
            picture(path)
        elif file.path != "metrics.csv":
            write(path, of_run[file.path] if file.path in of_run else content(file.path, run, class_names))
    return folder


def reference(folder: Path) -> Path:
    """Write the tables about the verdicts themselves, in small, into a folder of their own. Returns it."""
    tables = {
        "seed_spread": (seed_spread.COLUMNS, spreads()),
        "stability": (("verdict", "seeds", "answer", "runs", "agree", "others"), STABILITY),
        "error_rates": (("question", "difference", "seeds", "runs", "right", "wrong"), ERROR_RATES),
    }
    for name, (columns, rows) in tables.items():
        write(folder / "reference" / f"{name}.csv", pd.DataFrame(rows, columns=pd.Index(columns)).assign(**MADE))
    return folder / "reference"


def spreads() -> Iterator[tuple[str, str, str, float, float, int]]:
    """The loss of each score that ranks, for each family, and how it varies between five seeds."""
    for family in KNOWN:
        yield family, "ink_nats", "pixels", -INK[family][0], 0.9, 5
        for metric in CATALOGUE.values():
            if not metric.ranks or metric.scale == "nats":
                continue
            for space in dict.fromkeys(space.partition("_")[0] for space in SPACES[metric.space]):
                real, value = typical(metric, TEST), typical(metric, family)
                loss = abs(np.log(value / real)) if metric.scale == "log" else abs(value - real)
                yield family, metric.name, space, loss, VARIES if metric.scale == "log" else VARIES * abs(value), 5


def content(path: str, run: Params, class_names: Sequence[str]) -> Mapping[str, Any] | pd.DataFrame:
    """Return what a file of a single source holds; the same for the same path."""
    rng, classes = noise(path), len(class_names)
    match path.partition(".")[0].split("/"):
        case ["classifier", "summary"]:
            return summary(class_names)
        case ["classifier", "confusion"] | ["figures", _, "requested"]:
            return confusion(rng, classes)
        case ["classifier", "reliability"]:
            return pd.DataFrame({"lower": [0.9], "upper": [1.0], "count": [10000]})
        case ["figures", "comparison", "sensitivity"]:
            return sensitivity()
        case ["figures", "comparison", _]:
            return pd.DataFrame({"source": [TEST], "value": [0.5]})
        case ["figures", source, "gallery"]:
            return tiles(labels(noise(f"labels of {source}"), class_names, 300)[:60])
        case ["figures", _, "nearest"]:
            return neighbours()
        case ["figures", _, "bins"]:
            return bins()
        case ["figures", _, "film"]:
            return film()
        case ["figures", _, "latent"]:
            return latent(classes)
        case ["labels", source, _]:
            return labels(noise(f"labels of {source}"), class_names, 300)
        case ["completion", name, _]:
            return completion(name)
        case ["likelihood", name, _]:
            return likelihood(run.models[name].family)
        case ["log_probabilities", name, seed]:
            return log_probabilities(name, run.models[name].family, int(seed))
        case ["networks", name]:
            family = run.models[name].family
            return networks(name, family, LAYERS[family])
        case ["training", name, seed]:
            family = run.models[name].family
            config = {**DEFAULTS[family], **CONFIGS[family], **run.models[name].overrides}
            return training(name, family, int(seed), config)
        case ["curves", _]:
            return pd.DataFrame({"epoch": [1, 2], "loss": [1.5, 1.25]})
        case ["diagnostics", _, _]:
            return diagnostics()
        case ["snapshot_labels", _, _]:
            return snapshot_labels(classes)
        case ["alarms", name, seed]:
            return alarms(name, int(seed), run.seeds)
        case ["perfect_discriminator", _, seed]:
            return experiment(int(seed))
    raise NotImplementedError(f"Say in tests/site_results.py what {path} holds.")


def read(folder: Path, class_names: tuple[str, ...] = DIGITS, **choices: Any) -> Results:
    """A run's results, built small and loaded."""
    run = params(**choices)
    return loaded(build(folder, run, class_names), run)


def loaded(folder: Path, run: Params) -> Results:
    """Results that are there, with a provenance that never changes."""
    return load(folder, folder / "reference", run, CHANGES, PROVENANCE)


def write_site(folder: Path, into: Path, **choices: Any) -> Path:
    """The site of such results, built in a folder."""
    run = params(**choices)
    return rendered(build(folder, run), run, into)


def rendered(folder: Path, run: Params, into: Path) -> Path:
    """The site of results that are there."""
    render.main(
        params=run,
        preset_changes=CHANGES,
        results_folder=folder,
        reference_folder=folder / "reference",
        templates_folder=TEMPLATES,
        site_folder=into,
    )
    return into


def write(path: Path, content: Mapping[str, Any] | pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pd.DataFrame):
        content.to_csv(path, index=False)
    else:
        path.write_text(json.dumps(content))


def networks(name: str, family: str, layers: Mapping[str, Sequence[tuple[int, int, str]]]) -> dict[str, Any]:
    described = []
    for network, rows in layers.items():
        names = NAMES.get(network) or ["Input", *(f"Hidden {i}" for i in range(1, len(rows) - 1)), "Output"]
        listed = [
            {
                "name": label,
                "kind": "Linear",
                "in": width_in,
                "out": width_out,
                "output": [width_out],
                "activation": activation,
                "parameters": width_in * width_out + width_out,
                "dropout": 0.3 if network == "discriminator" and width_out > 1 else 0.0,
            }
            for label, (width_in, width_out, activation) in zip(names, rows, strict=True)
        ]
        total = sum(layer["parameters"] for layer in listed)
        ends = {"input": [rows[0][0]], "output": [rows[-1][1]]}
        described.append({"name": network, "parameters": total, **ends, "layers": listed})
    return {
        "model": name,
        "family": family,
        "parameters": sum(network["parameters"] for network in described),
        "networks": described,
    }


def training(name: str, family: str, seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    epochs = config["epochs"]
    return {
        "model": name,
        "family": family,
        "seed": seed,
        "config": config,
        "epochs": epochs,
        "steps": epochs * (60000 // config["batch_size"]),
        "images_seen": epochs * 60000,
        "seconds": epochs * 8.5 + seed,
        "cpu_seconds": epochs * 8.25 + seed,
        "images_per_second": 7000.0 + seed,
        "peak_memory": 912_000_000,
        "device": "cpu",
        "precision": "bfloat16",
        "threads": 1,
        "torch": "2.14.1",
        "parameters": {"total": PARAMETERS.get(family, 1068820)},
        "finished": "2026-11-24T06:00:00+00:00",
    }


def diagnostics() -> pd.DataFrame:
    return pd.DataFrame({"step": [47, 94], "quantity": "change", "part": "samples", "value": [0.81, 0.256]})


def film() -> pd.DataFrame:
    """The table of a film of two moments."""
    return pd.DataFrame({"moment": [0, 1], "top": [0, 289], "height": 288, "step": [47, 94], "epoch": [0.2008, 0.4017]})


def latent(classes: int) -> dict[str, Any]:
    """What the pictures of a latent space of two dimensions show."""
    quantiles = [-1.96, -0.9, 0.0, 0.9, 1.96]
    return {"dimensions": 2, "quantiles": quantiles, "pairs": [[k, (k + 1) % classes] for k in range(min(classes, 10))]}


def neighbours() -> pd.DataFrame:
    """One pair of the figure of nearest neighbours."""
    row = {"chosen": "first", "sample": 0, "training_image": 5, "distance": 4.2, "times_real": 1.1, "space": "pixels"}
    return pd.DataFrame([row])


def bins() -> pd.DataFrame:
    return pd.DataFrame({"bin": [0, 1], "train": [0.5, 0.5], "fake": [0.4, 0.6], "z": [-3.0, 3.0]})


def snapshot_labels(classes: int) -> pd.DataFrame:
    return pd.DataFrame({"step": 94, "label": range(classes), "share": 1 / classes})


def alarms(name: str, seed: int, seeds: Sequence[int]) -> pd.DataFrame:
    """The first seed has all alarms of its model, the others the first one."""
    raised = ALARMS.get(name, [])[: None if seed == seeds[0] else 1]
    return pd.DataFrame(raised, columns=["kind", "first", "last", "lasting", "evidence"])


def experiment(seed: int) -> pd.DataFrame:
    """The saturating gradient falls by 4 orders of magnitude with the first seed, by 4.3 with the second."""
    left = 1e-5 / 2 ** (seed % 2)
    return pd.DataFrame(
        {"step": [0, 150], "D_fake": [0.5, 1e-6], "saturating": [0.1, left], "nonsaturating": [0.1, 10]}
    )


def labels(rng: np.random.Generator, class_names: Sequence[str], count: int) -> pd.DataFrame:
    probabilities = rng.dirichlet(np.full(len(class_names), 0.1), count).round(4)
    table = pd.DataFrame(probabilities, columns=[f"p_{k}" for k in range(len(class_names))])
    table.insert(0, "kind", np.resize(["clear", "ambiguous", "unlike"], count))
    table.insert(0, "disagreement", ((1 - probabilities.max(1)) / 10).round(5))
    table.insert(0, "confidence", probabilities.max(1))
    table.insert(0, "label", probabilities.argmax(1))
    table.insert(0, "index", range(count))
    table.insert(0, "set", "images")
    return table


def metrics(run: Params, class_names: Sequence[str]) -> pd.DataFrame:
    """Scores between those of real images and of noise; each has its own noise, whatever else is measured."""
    rows: list[dict[str, Any]] = []
    sources = [
        *((baseline, 0, "images") for baseline in SHOWN),
        *((name, seed, "images") for name, seed in trained(run)),
    ]
    observed = [(name, seed, "observations") for name, seed in trained(run) if run.models[name].family == "vae"]
    for model, seed, drawn in sources + observed:
        kind = model if model in DISTANCE else run.models[model].family
        for draw in range(run.samples.draws):
            row = {"model": model, "seed": seed, "set": drawn, "draw": draw, "n": 10000}
            rows += [{**row, **score} for score in scores(kind, f"{model} {seed} {drawn} {draw}")]
            for label, share in enumerate(noise(f"{model} {seed} {draw}").dirichlet(np.full(len(class_names), 60.0))):
                bounds = {"lower": share - 0.006, "upper": share + 0.006}
                rows.append({**row, "metric": "share", "label": label, "value": share, **bounds})
    for model, seed in trained(run):
        if run.models[model].family not in INK:
            continue
        lower, upper = INK[run.models[model].family]
        bounds = {"value": lower, "lower": lower, "upper": upper}
        about = {"set": "images", "draw": 0, "metric": "ink_nats", "space": "pixels", "n": 50}
        rows.append({"model": model, "seed": seed, **about, **bounds})
    for model, seed in trained(run):
        family = run.models[model].family
        epochs = {**DEFAULTS[family], **run.models[model].overrides}["epochs"]
        of_training = {
            "seconds": epochs * 8.5 + seed,
            "images_seen": epochs * 60000,
            "parameters": PARAMETERS.get(family, 1068820),
        }
        of_training |= {"test_loss": 147.3 + noise(f"{seed}").random() / 10} if family == "vae" else {}
        row = {"model": model, "seed": seed, "set": "images"}
        rows += [{**row, "metric": metric, "value": value} for metric, value in of_training.items()]
    columns = ["model", "seed", "set", "draw", "metric", "space", "label", "value", "lower", "upper", "n", "digest"]
    return pd.DataFrame(rows, columns=pd.Index(columns)).astype({"draw": "Int64", "label": "Int64", "n": "Int64"})


def completion(name: str) -> pd.DataFrame:
    """How often completed images keep their label: more often, the less is hidden."""
    shares = {"the lower half": 0.7, "the middle": 0.8, "nothing": 0.98}
    rows = [
        {
            "metric": "completion_label",
            "hidden": hidden,
            "value": share,
            "lower": share - 0.05,
            "upper": share + 0.02,
            "n": 80,
        }
        for hidden, share in shares.items()
    ]
    return pd.DataFrame([*rows, {"metric": "hidden_nats", "hidden": "the middle", "value": -40.5, "n": 80}]).assign(
        model=name
    )


def likelihood(family: str) -> dict[str, Any]:
    """The summary of the log-probabilities of real images: an estimate for a GAN, exact for a VAE."""
    (lower, upper), exact = INK[family], family != "gan"
    return {
        "support": "ink",
        "kind": "exact" if exact else "estimate",
        "method": "a sum over a grid of codes" if exact else "annealed importance sampling over codes",
        "images": 200 if exact else 50,
        "lower": lower,
        "upper": upper,
        "standard_error": 0.4,
        "bits": None,
        "floor": 0.0 if exact else 0.002,
        "gap": upper - lower,
    }


def log_probabilities(name: str, family: str, seed: int) -> pd.DataFrame:
    """The bounds of each test image: some images are harder than others, for all models alike."""
    (lower, upper), count = INK[family], 50 if family == "gan" else 200
    of_image = 30 * noise("images").standard_normal(count) + noise(f"{name} {seed} images").standard_normal(count)
    return pd.DataFrame({"image": range(count), "lower": lower + of_image, "upper": upper + of_image})


def probabilities(run: Params) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """The log-probabilities of every model with every seed."""
    tables = {
        name: [log_probabilities(name, model.family, seed) for seed in run.seeds]
        for name, model in run.models.items()
        if model.family in INK
    }
    return {"ink_nats": tables}


def trained(run: Params) -> list[tuple[str, int]]:
    return [(name, seed) for name in run.models for seed in run.seeds]


def noise(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def scores(kind: str, name: str) -> Iterator[dict[str, Any]]:
    """All scores of one draw, a few per cent around what is typical of such a source."""
    for metric in CATALOGUE.values():
        for space in SPACES[metric.space] if metric.scale != "nats" else ():
            about = 1 + VARIES * noise(f"{name} {metric.name} {space}").standard_normal()
            value = typical(metric, kind) * about
            yield {"metric": metric.name, "space": space or None, "value": value, "digest": DIGESTS.get(space)}
    yield {"metric": "confidence", "value": 1 - DISTANCE[kind] / 3}


def typical(metric: Metric, kind: str) -> float:
    """What a source gets by a score, but for its noise."""
    real, worst = ends(metric)
    return TYPICAL.get(metric.name, {}).get(kind, real + (worst - real) * DISTANCE[kind])


def ends(metric: Metric) -> tuple[float, float]:
    """What real images and noise get."""
    if metric.name in ENDS:
        return ENDS[metric.name]
    if isinstance(metric.better, str):
        return {"lower": (0.004, 0.6), "higher": (0.95, 0.02), "closer to real": (0.6, 0.1)}[metric.better]
    return metric.better, metric.better + 3


def sensitivity() -> pd.DataFrame:
    """Every metric on every corruption in one space: all as declared, but for two."""
    rows = []
    for metric in CATALOGUE.values():
        lists = {"sees": metric.sees, "blind": metric.blind, "prefers": metric.prefers}
        for corruption in CORRUPTIONS:
            said = next((word for word, corruptions in lists.items() if corruption in corruptions), "")
            rows.append({
                "metric": metric.name,
                "space": SPACES[metric.space][0],
                "corruption": corruption,
                "value": 0.5,
                "real": 0.4,
                "excess": 1.5,
                "preference": -1.5,
                "declared": said,
                "found": SURPRISES.get((metric.name, corruption), said or "edge"),
            })  # fmt: skip
    return pd.DataFrame(rows)


def summary(class_names: Sequence[str]) -> dict[str, Any]:
    return {
        "accuracy": 0.9921,
        "accuracy_lower": 0.9902,
        "accuracy_upper": 0.9937,
        "test_images": 10000,
        "members": 2,
        "member_accuracy": [0.9914, 0.9917],
        "temperature": 1.213,
        "calibration_error": 0.0031,
        "calibration_error_before": 0.0052,
        "adaptive_calibration_error": 0.0027,
        "conformal": [
            {"alpha": 0.05, "threshold": 0.012, "coverage": 0.951, "empty": 0.048, "several": 0.0},
            {"alpha": 0.002, "threshold": 0.961, "coverage": 0.998, "empty": 0.0, "several": 0.025},
        ],
        "parameters": 421642,
        "epochs": 5,
        "seconds": 61.5,
        "class_names": list(class_names),
        "train_images": 50000,
        "calibration_images": 10000,
    }


def confusion(rng: np.random.Generator, classes: int) -> pd.DataFrame:
    counts = rng.integers(0, 6, (classes, classes)) + 980 * np.eye(classes, dtype=int)
    true, predicted = np.indices(counts.shape)
    return pd.DataFrame({"true": true.ravel(), "predicted": predicted.ravel(), "count": counts.ravel()})


def picture(path: Path) -> None:
    """A valid grey PNG, or an SVG as matplotlib sizes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        path.write_bytes(png(np.full((578, 578), 90, np.uint8)))
    else:
        path.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="480pt" height="240pt" viewBox="0 0 480 240">'
            f'<rect width="480" height="240" fill="#888888"/><text x="20" y="40">{path.stem}</text></svg>'
        )


def png(pixels: np.ndarray) -> bytes:
    """Grey pixels as a PNG."""
    height, width = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    image = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
        image += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return image
