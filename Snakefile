"""Digits in, one comparison out. Every choice is in params.yaml; dvc.yaml only names targets of this file."""

import json
import os
from pathlib import Path

from snakemake.utils import min_version

from pipeline import families, orchestration
from pipeline.params import changes
from pipeline.rulers import ROWS, RUNGS

min_version("9.0")


configfile: "params.yaml"


PARAMS = orchestration.prepare(config)
SEEDS = PARAMS.seeds
MODELS = list(PARAMS.models)


def having(capability):
    """The models whose class is declared to have a capability."""
    return [model for model in MODELS if capability in families.bases(PARAMS.models[model].family)]


TRAINED = having("TrainedModel")
OBSERVED = having("ObservationModel")
ADVERSARIAL = having("Adversarial")
AUTOENCODERS = having("Autoencoder")
CONDITIONAL = having("Conditional")
LABELLED = [*CONDITIONAL, "train_copies", "test_images"]  # whose samples have labels that are not predicted
PAGES = ["index", "scores", "compare", "labels", "training", "coverage", "paper", "methods", "provenance"]
PAGES += ["latent"] if AUTOENCODERS else []
RULERS = list(dict.fromkeys([*ROWS, *RUNGS.values()]))
CORES = orchestration.share(PARAMS.compute.threads, workflow.resource_settings.cores, os.cpu_count())  # of a training
GPU = int(os.path.exists("/dev/nvidia0") and PARAMS.compute.device != "cpu")


wildcard_constraints:
    model="|".join(MODELS),
    ruler="|".join(RULERS),
    conditional="|".join(CONDITIONAL) or "none",
    labelled="|".join(LABELLED),
    source="|".join([*MODELS, *RULERS]),
    seed=r"\d+",


def code(*files):
    """The source files that decide a rule's numbers: a change of one re-runs it.

    Left out is what only carries values: params.py, artifacts.py and the __init__ files.
    """
    return [f"pipeline/{file}.py" for file in files]


TRAINING = code("training", "graphs", "monitor", "log", "resume", "compute", "blocks", "shapes", "models/base")
CLASSIFIER = code("classifier", "compute", "shapes")
FEATURES = [*CLASSIFIER, *code("features")]
METRICS = sorted(
    {str(file) for file in Path("pipeline/metrics").glob("[!_]*.py")}
    - {*code("metrics/calibration", "metrics/conformal")}
)
DECLARED = code("metrics/by_networks", "metrics/catalogue", "metrics/uncertainty")
SCORES = [*sorted({*METRICS} - {*DECLARED}), *code("evaluation/reference", "evaluation/scores")]
FIGURES = sorted(str(file) for file in Path("pipeline/figures").glob("*.py"))
REPORT = sorted(str(file) for file in Path("pipeline/report").glob("*.py"))


def family(wildcards):
    return PARAMS.models[wildcards.model].family


def family_file(wildcards):
    return f"pipeline/models/{family(wildcards)}.py"


def model_config(wildcards):
    return json.dumps(PARAMS.models[wildcards.model].overrides, sort_keys=True)


def own_files(dataset):
    """The files of a data set of the user's own: a change of one reads it anew."""
    path = Path(dataset)
    return sorted(str(file) for file in path.iterdir()) if path.is_dir() else [dataset] if path.is_file() else []


def training_record(wildcards):
    """Known images were not trained."""
    return [] if wildcards.source in RULERS else f"results/training/{wildcards.source}/{wildcards.seed}.json"


def asked_labels(wildcards):
    """What a conditional model was asked for."""
    source = wildcards.get("model") or wildcards.labelled
    return f"results/samples/{source}/{wildcards.seed}-asked.npz" if source in CONDITIONAL else []


def asked_flag(wildcards, input):
    return f"--asked {input.asked}" if input.asked else ""


def seed_shown(source):
    """Pictures are of the first seed; known images have but one."""
    return 0 if source in RULERS else SEEDS[0]


def first(pattern):
    """The file of the seed that is shown."""
    return lambda wildcards: pattern.format(source=wildcards.source, seed=seed_shown(wildcards.source))


def compared(pattern):
    """One file for each source that is drawn: every model with every seed, and the real test images."""
    return [*expand(pattern, source=MODELS, seed=SEEDS), *expand(pattern, source="test_images", seed=0)]


def measured(pattern):
    """One file for each source that is scored: every model with every seed, and known images."""
    return [*expand(pattern, source=MODELS, seed=SEEDS), *expand(pattern, source=ROWS, seed=0)]


taught = [
    *expand("results/measures/{model}/{seed}-taught.csv", model=CONDITIONAL, seed=SEEDS),
    *(f"results/measures/{ruler}/0-taught.csv" for ruler in LABELLED if ruler in RULERS and CONDITIONAL),
]


rule all:
    input:
        "site/index.html",
        "results/metrics.json",


rule families:
    """Everything that is computed for each model and seed."""
    input:
        measured("results/labels/{source}/{seed}.csv"),
        expand("results/networks/{model}.json", model=MODELS),
        expand("results/samples/{model}/{seed}-latent.npz", model=AUTOENCODERS, seed=SEEDS),
        expand("results/diagnosis/{model}/{seed}/alarms.csv", model=TRAINED, seed=SEEDS),
        expand("results/perfect_discriminator/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),


rule fetch:
    """Get the data set and verify it."""
    input:
        code=code("stages/fetch", "sources", "data"),
        own=own_files(PARAMS.data.dataset),
    output:
        dataset="data/images.npz",
    log:
        "logs/fetch.txt",
    params:
        config=PARAMS.data.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.fetch \
            --config {params.config:q} \
            --raw data/raw \
            --dataset {output.dataset:q} \
            2>{log:q}
        """


rule train_classifier:
    """Train and calibrate the label predictor."""
    input:
        code=[
            *CLASSIFIER,
            *code("stages/train_classifier"),
            *code(*[f"metrics/{name}" for name in ("calibration", "conformal", "inputs", "proportions")]),
        ],
        dataset="data/images.npz",
    output:
        checkpoint="checkpoints/classifier.safetensors",
        summary="results/classifier/summary.json",
        confusion="results/classifier/confusion.csv",
        reliability="results/classifier/reliability.csv",
        history="results/classifier/history.csv",
    log:
        "logs/train_classifier.txt",
    benchmark:
        "logs/train_classifier.tsv"
    threads: CORES
    resources:
        gpu=GPU,
    params:
        config=PARAMS.classifier.model_dump_json(),
        compute=PARAMS.compute.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.train_classifier \
            --config {params.config:q} \
            --compute {params.compute:q} \
            --dataset {input.dataset:q} \
            --checkpoint {output.checkpoint:q} \
            --summary {output.summary:q} \
            --confusion {output.confusion:q} \
            --reliability {output.reliability:q} \
            --history {output.history:q} \
            2>{log:q}
        """


rule train:
    """Train one model with one seed; the longest start first."""
    input:
        code=[*TRAINING, *code("stages/train")],
        family=family_file,
        dataset="data/images.npz",
    output:
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        history="results/history/{model}/{seed}.csv",
        checks="results/checks/{model}/{seed}.csv",
        snapshots="results/snapshots/{model}/{seed}.npz",
        record="results/training/{model}/{seed}.json",
    log:
        "logs/train/{model}-{seed}.txt",
    benchmark:
        "logs/train/{model}-{seed}.tsv"
    priority: 1
    threads: CORES
    resources:
        gpu=GPU,
    params:
        family=family,
        config=model_config,
        compute=PARAMS.compute.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.train \
            --model {wildcards.model:q} \
            --family {params.family:q} \
            --config {params.config:q} \
            --compute {params.compute:q} \
            --seed {wildcards.seed:q} \
            --dataset {input.dataset:q} \
            --resume resume/{wildcards.model}/{wildcards.seed}.safetensors \
            --checkpoint {output.checkpoint:q} \
            --history {output.history:q} \
            --checks {output.checks:q} \
            --snapshots {output.snapshots:q} \
            --record {output.record:q} \
            2>{log:q}
        """


rule diagnose:
    """Look at one training for signs that it has died."""
    input:
        code=[*CLASSIFIER, *code("stages/diagnose", "alarms", "metrics/proportions")],
        classifier="checkpoints/classifier.safetensors",
        history="results/history/{model}/{seed}.csv",
        checks="results/checks/{model}/{seed}.csv",
        snapshots="results/snapshots/{model}/{seed}.npz",
    output:
        shares="results/diagnosis/{model}/{seed}/shares.csv",
        alarms="results/diagnosis/{model}/{seed}/alarms.csv",
    log:
        "logs/diagnose/{model}-{seed}.txt",
    shell:
        """
        python -m pipeline.stages.diagnose \
            --classifier {input.classifier:q} \
            --history {input.history:q} \
            --checks {input.checks:q} \
            --snapshots {input.snapshots:q} \
            --shares {output.shares:q} \
            --alarms {output.alarms:q} \
            2>{log:q}
        """


rule perfect_discriminator:
    """Train a fresh discriminator against one GAN's frozen generator."""
    input:
        code=[
            *code("stages/perfect_discriminator", "training", "graphs", "monitor", "log", "resume", "compute"),
            *code("blocks", "shapes", "models/base"),
        ],
        family=family_file,
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        dataset="data/images.npz",
    output:
        gradients="results/perfect_discriminator/{model}/{seed}.csv",
    log:
        "logs/perfect_discriminator/{model}-{seed}.txt",
    threads: CORES
    resources:
        gpu=GPU,
    params:
        compute=PARAMS.compute.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.perfect_discriminator \
            --compute {params.compute:q} \
            --checkpoint {input.checkpoint:q} \
            --dataset {input.dataset:q} \
            --gradients {output.gradients:q} \
            2>{log:q}
        """


rule describe:
    """List the layers of one model's networks."""
    input:
        code=code("stages/describe", "networks", "blocks", "shapes", "models/base"),
        family=family_file,
        dataset="data/images.npz",
    output:
        networks="results/networks/{model}.json",
    log:
        "logs/describe/{model}.txt",
    params:
        family=family,
        config=model_config,
    shell:
        """
        python -m pipeline.stages.describe \
            --model {wildcards.model:q} \
            --family {params.family:q} \
            --config {params.config:q} \
            --dataset {input.dataset:q} \
            --networks {output.networks:q} \
            2>{log:q}
        """


rule ask:
    """Choose the labels that one conditional model is asked for."""
    input:
        code=code("stages/ask"),
        dataset="data/images.npz",
    output:
        asked="results/samples/{conditional}/{seed}-asked.npz",
    log:
        "logs/ask/{conditional}-{seed}.txt",
    params:
        config=PARAMS.samples.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.ask \
            --config {params.config:q} \
            --seed {wildcards.seed:q} \
            --dataset {input.dataset:q} \
            --asked {output.asked:q} \
            2>{log:q}
        """


rule sample:
    """Draw images from one trained model."""
    input:
        code=code("stages/sample", "blocks", "shapes", "models/base"),
        family=family_file,
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        asked=asked_labels,
    output:
        samples="results/samples/{model}/{seed}.npz",
    log:
        "logs/sample/{model}-{seed}.txt",
    params:
        config=PARAMS.samples.model_dump_json(),
        asked=asked_flag,
    shell:
        """
        python -m pipeline.stages.sample \
            --config {params.config:q} \
            --seed {wildcards.seed:q} \
            --checkpoint {input.checkpoint:q} \
            {params.asked} \
            --samples {output.samples:q} \
            2>{log:q}
        """


rule ruler:
    """Make known images: real, damaged or trivial ones, scored as if a model had drawn them."""
    input:
        code=code("stages/ruler", "rulers"),
        dataset="data/images.npz",
    output:
        samples="results/samples/{ruler}/0.npz",
    log:
        "logs/ruler/{ruler}.txt",
    params:
        images=PARAMS.samples.count,
        draws=lambda wildcards: PARAMS.samples.draws if wildcards.ruler == "train_copies" else 1,
    shell:
        """
        python -m pipeline.stages.ruler \
            --ruler {wildcards.ruler:q} \
            --count {params.images} \
            --draws {params.draws} \
            --dataset {input.dataset:q} \
            --samples {output.samples:q} \
            2>{log:q}
        """


rule reference:
    """Learn of the real images what every score compares with."""
    input:
        code=[
            *FEATURES,
            *code("stages/reference", "evaluation/reference", "nearest"),
            *code(*[f"metrics/{name}" for name in ("base", "bins", "birthday", "clusters", "distances", "inputs")]),
            *code("metrics/labels", "metrics/novelty"),
        ],
        dataset="data/images.npz",
        classifier="checkpoints/classifier.safetensors",
    output:
        reference="results/reference.npz",
    log:
        "logs/reference.txt",
    priority: 1
    params:
        random_networks=PARAMS.metrics.random_networks,
    shell:
        """
        python -m pipeline.stages.reference \
            --random-networks {params.random_networks} \
            --dataset {input.dataset:q} \
            --classifier {input.classifier:q} \
            --reference {output.reference:q} \
            2>{log:q}
        """


rule explore:
    """Map the latent space of one autoencoder, and what lies between images in it."""
    input:
        code=code("stages/explore", "blocks", "shapes", "models/base"),
        family=family_file,
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        dataset="data/images.npz",
    output:
        latent="results/samples/{model}/{seed}-latent.npz",
    log:
        "logs/explore/{model}-{seed}.txt",
    shell:
        """
        python -m pipeline.stages.explore \
            --checkpoint {input.checkpoint:q} \
            --dataset {input.dataset:q} \
            --latent {output.latent:q} \
            2>{log:q}
        """


rule label:
    """Predict a label for each sample."""
    input:
        code=[*CLASSIFIER, *code("stages/label", "metrics/conformal", "metrics/inputs")],
        classifier="checkpoints/classifier.safetensors",
        samples="results/samples/{source}/{seed}.npz",
    output:
        labels="results/labels/{source}/{seed}.csv",
    log:
        "logs/label/{source}-{seed}.txt",
    shell:
        """
        python -m pipeline.stages.label \
            --classifier {input.classifier:q} \
            --samples {input.samples:q} \
            --labels {output.labels:q} \
            2>{log:q}
        """


rule measure:
    """Score the samples of one source."""
    input:
        code=[*FEATURES, *SCORES, *code("stages/measure", "nearest")],
        dataset="data/images.npz",
        classifier="checkpoints/classifier.safetensors",
        reference="results/reference.npz",
        samples="results/samples/{source}/{seed}.npz",
        labels="results/labels/{source}/{seed}.csv",
        record=training_record,
    output:
        measures="results/measures/{source}/{seed}.csv",
        details="results/details/{source}/{seed}.npz",
    log:
        "logs/measure/{source}-{seed}.txt",
    benchmark:
        "logs/measure/{source}-{seed}.tsv"
    params:
        samples=PARAMS.samples.model_dump_json(),
        labels=PARAMS.labels.model_dump_json(),
        record=lambda wildcards, input: f"--record {input.record}" if input.record else "",
    shell:
        """
        python -m pipeline.stages.measure \
            --samples-config {params.samples:q} \
            --labels-config {params.labels:q} \
            --model {wildcards.source:q} \
            --seed {wildcards.seed:q} \
            --dataset {input.dataset:q} \
            --classifier {input.classifier:q} \
            --reference {input.reference:q} \
            --samples {input.samples:q} \
            --labels {input.labels:q} \
            {params.record} \
            --measures {output.measures:q} \
            --details {output.details:q} \
            2>{log:q}
        """


rule tell_apart:
    """Train a network to tell the samples of one source from real images."""
    input:
        code=[
            *code("stages/tell_apart", "trained_tests", "compute", "shapes"),
            *code("metrics/base", "metrics/by_networks", "metrics/inputs", "metrics/proportions"),
        ],
        dataset="data/images.npz",
        samples="results/samples/{source}/{seed}.npz",
    output:
        measures="results/measures/{source}/{seed}-told_apart.csv",
    log:
        "logs/tell_apart/{source}-{seed}.txt",
    resources:
        gpu=GPU,
    params:
        samples=PARAMS.samples.model_dump_json(),
        compute=PARAMS.compute.model_copy(update={"threads": 1}).model_dump_json(),
    shell:
        """
        python -m pipeline.stages.tell_apart \
            --samples-config {params.samples:q} \
            --compute {params.compute:q} \
            --model {wildcards.source:q} \
            --seed {wildcards.seed:q} \
            --dataset {input.dataset:q} \
            --samples {input.samples:q} \
            --measures {output.measures:q} \
            2>{log:q}
        """


rule teach:
    """Train a network on samples with labels, and let it read real images."""
    input:
        code=[
            *code("stages/teach", "trained_tests", "compute", "shapes"),
            *code("metrics/base", "metrics/by_networks", "metrics/inputs", "metrics/proportions"),
        ],
        dataset="data/images.npz",
        samples="results/samples/{labelled}/{seed}.npz",
        labels="results/labels/{labelled}/{seed}.csv",
        asked=asked_labels,
    output:
        measures="results/measures/{labelled}/{seed}-taught.csv",
    log:
        "logs/teach/{labelled}-{seed}.txt",
    resources:
        gpu=GPU,
    params:
        samples=PARAMS.samples.model_dump_json(),
        compute=PARAMS.compute.model_copy(update={"threads": 1}).model_dump_json(),
        asked=asked_flag,
    shell:
        """
        python -m pipeline.stages.teach \
            --samples-config {params.samples:q} \
            --compute {params.compute:q} \
            --model {wildcards.labelled:q} \
            --seed {wildcards.seed:q} \
            --dataset {input.dataset:q} \
            --samples {input.samples:q} \
            --labels {input.labels:q} \
            {params.asked} \
            --measures {output.measures:q} \
            2>{log:q}
        """


rule compare:
    """Gather all scores: in one table, in short, as verdicts and ranks."""
    input:
        code=[*METRICS, *code("stages/compare", "summary", "verdicts")],
        measures=[
            *measured("results/measures/{source}/{seed}.csv"),
            *measured("results/measures/{source}/{seed}-told_apart.csv"),
            *taught,
        ],
    output:
        table="results/metrics.csv",
        summary="results/summary.csv",
        verdicts="results/verdicts.csv",
        ranks="results/ranks.csv",
        selection="results/metrics.json",
    log:
        "logs/compare.txt",
    params:
        models=MODELS,
    shell:
        """
        python -m pipeline.stages.compare \
            --measures {input.measures:q} \
            --models {params.models:q} \
            --table {output.table:q} \
            --summary {output.summary:q} \
            --verdicts {output.verdicts:q} \
            --ranks {output.ranks:q} \
            --selection {output.selection:q} \
            2>{log:q}
        """


rule check_claims:
    """Judge the paper's claims by what was measured."""
    input:
        code=[*METRICS, *code("stages/check_claims", "claims", "evidence", "summary", "verdicts")],
        metrics="results/metrics.csv",
        summary="results/summary.csv",
        verdicts="results/verdicts.csv",
        records=expand("results/training/{model}/{seed}.json", model=MODELS, seed=SEEDS),
        alarms=expand("results/diagnosis/{model}/{seed}/alarms.csv", model=TRAINED, seed=SEEDS),
        gradients=expand("results/perfect_discriminator/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),
        labels=compared("results/labels/{source}/{seed}.csv"),
        histories=expand("results/history/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),
        shares=expand("results/diagnosis/{model}/{seed}/shares.csv", model=ADVERSARIAL, seed=SEEDS),
        latent=expand("results/samples/{model}/{seed}-latent.npz", model=AUTOENCODERS, seed=SEEDS),
    output:
        claims="results/claims.csv",
    log:
        "logs/check_claims.txt",
    shell:
        """
        python -m pipeline.stages.check_claims \
            --metrics {input.metrics:q} \
            --summary {input.summary:q} \
            --verdicts {input.verdicts:q} \
            --records {input.records:q} \
            --alarms {input.alarms:q} \
            --gradients {input.gradients:q} \
            --labels {input.labels:q} \
            --histories {input.histories:q} \
            --shares {input.shares:q} \
            --latent {input.latent:q} \
            --claims {output.claims:q} \
            2>{log:q}
        """


rule curves:
    """Average one model's losses over each epoch and the seeds."""
    input:
        code=code("stages/curves"),
        histories=expand("results/history/{{model}}/{seed}.csv", seed=SEEDS),
        records=expand("results/training/{{model}}/{seed}.json", seed=SEEDS),
    output:
        curves="results/curves/{model}.csv",
    log:
        "logs/curves/{model}.txt",
    shell:
        """
        python -m pipeline.stages.curves \
            --histories {input.histories:q} \
            --records {input.records:q} \
            --curves {output.curves:q} \
            2>{log:q}
        """


rule draw_training:
    """Draw one model's networks, its losses, and how its first training went, moment by moment."""
    input:
        code=[*FIGURES, *code("stages/draw_training", "alarms")],
        networks="results/networks/{model}.json",
        history=expand("results/history/{{model}}/{seed}.csv", seed=SEEDS),
        record=f"results/training/{{model}}/{SEEDS[0]}.json",
        checks=f"results/checks/{{model}}/{SEEDS[0]}.csv",
        shares=f"results/diagnosis/{{model}}/{SEEDS[0]}/shares.csv",
        alarms=f"results/diagnosis/{{model}}/{SEEDS[0]}/alarms.csv",
        snapshots=f"results/snapshots/{{model}}/{SEEDS[0]}.npz",
    output:
        losses="results/figures/{model}/losses.svg",
        networks="results/figures/{model}/networks.svg",
        health="results/figures/{model}/health.svg",
        snapshots="results/figures/{model}/snapshots.svg",
        film="results/figures/{model}/film.png",
        film_table="results/figures/{model}/film.csv",
    log:
        "logs/draw_training/{model}.txt",
    shell:
        """
        python -m pipeline.stages.draw_training \
            --networks {input.networks:q} \
            --history {input.history:q} \
            --training {input.record:q} \
            --checks {input.checks:q} \
            --shares {input.shares:q} \
            --alarms {input.alarms:q} \
            --snapshots {input.snapshots:q} \
            --losses-figure {output.losses:q} \
            --networks-figure {output.networks:q} \
            --health-figure {output.health:q} \
            --snapshots-figure {output.snapshots:q} \
            --film {output.film:q} \
            --film-table {output.film_table:q} \
            2>{log:q}
        """


rule draw_perfect_discriminator:
    """Draw what a fresh discriminator left of one GAN's gradient."""
    input:
        code=[*FIGURES, *code("stages/draw_perfect_discriminator")],
        gradients=expand("results/perfect_discriminator/{{model}}/{seed}.csv", seed=SEEDS),
    output:
        figure="results/figures/{model}/perfect_discriminator.svg",
    log:
        "logs/draw_perfect_discriminator/{model}.txt",
    shell:
        """
        python -m pipeline.stages.draw_perfect_discriminator \
            --gradients {input.gradients:q} \
            --figure {output.figure:q} \
            2>{log:q}
        """


rule draw_samples:
    """Draw the samples of one source (the first seed's), with their predicted labels."""
    input:
        code=[*FIGURES, *code("stages/draw_samples", "metrics/proportions")],
        dataset="data/images.npz",
        samples=first("results/samples/{source}/{seed}.npz"),
        labels=first("results/labels/{source}/{seed}.csv"),
    output:
        grid="results/figures/{source}/samples.png",
        labelled="results/figures/{source}/labels.svg",
        ambiguous="results/figures/{source}/ambiguous.svg",
        classes="results/figures/{source}/classes.svg",
    log:
        "logs/draw_samples/{source}.txt",
    shell:
        """
        python -m pipeline.stages.draw_samples \
            --dataset {input.dataset:q} \
            --samples {input.samples:q} \
            --labels {input.labels:q} \
            --grid {output.grid:q} \
            --labelled {output.labelled:q} \
            --ambiguous {output.ambiguous:q} \
            --classes {output.classes:q} \
            2>{log:q}
        """


rule draw_gallery:
    """Draw the first samples of one source (the first seed's) as a gallery, sorted by predicted label."""
    input:
        code=[*FIGURES, *code("stages/draw_gallery")],
        samples=first("results/samples/{source}/{seed}.npz"),
        labels=first("results/labels/{source}/{seed}.csv"),
    output:
        sheet="results/figures/{source}/gallery.png",
        table="results/figures/{source}/gallery.csv",
    log:
        "logs/draw_gallery/{source}.txt",
    shell:
        """
        python -m pipeline.stages.draw_gallery \
            --samples {input.samples:q} \
            --labels {input.labels:q} \
            --sheet {output.sheet:q} \
            --table {output.table:q} \
            2>{log:q}
        """


rule draw_asked:
    """Draw what one conditional model (its first seed) was asked for, and what is predicted of it."""
    input:
        code=[*FIGURES, *code("stages/draw_asked", "metrics/calibration")],
        summary="results/classifier/summary.json",
        asked=f"results/samples/{{conditional}}/{SEEDS[0]}-asked.npz",
        labels=f"results/labels/{{conditional}}/{SEEDS[0]}.csv",
    output:
        table="results/figures/{conditional}/asked.csv",
        figure="results/figures/{conditional}/asked.svg",
    log:
        "logs/draw_asked/{conditional}.txt",
    shell:
        """
        python -m pipeline.stages.draw_asked \
            --summary {input.summary:q} \
            --asked {input.asked:q} \
            --labels {input.labels:q} \
            --table {output.table:q} \
            --figure {output.figure:q} \
            2>{log:q}
        """


rule draw_draws:
    """Draw one model's draws from its observation model."""
    input:
        code=[*FIGURES, *code("stages/draw_draws")],
        samples=f"results/samples/{{model}}/{SEEDS[0]}.npz",
    output:
        draws="results/figures/{model}/draws.png",
    log:
        "logs/draw_draws/{model}.txt",
    shell:
        """
        python -m pipeline.stages.draw_draws \
            --samples {input.samples:q} \
            --draws {output.draws:q} \
            2>{log:q}
        """


rule draw_latent:
    """Draw one autoencoder's latent space."""
    input:
        code=[*FIGURES, *code("stages/draw_latent")],
        latent=f"results/samples/{{model}}/{SEEDS[0]}-latent.npz",
        dataset="data/images.npz",
    output:
        manifold="results/figures/{model}/manifold.png",
        codes="results/figures/{model}/codes.svg",
        interpolations="results/figures/{model}/interpolations.png",
        about="results/figures/{model}/latent.json",
    log:
        "logs/draw_latent/{model}.txt",
    shell:
        """
        python -m pipeline.stages.draw_latent \
            --latent {input.latent:q} \
            --dataset {input.dataset:q} \
            --manifold {output.manifold:q} \
            --codes {output.codes:q} \
            --interpolations {output.interpolations:q} \
            --about {output.about:q} \
            2>{log:q}
        """


rule draw_classifier:
    """Draw how far the label predictor can be trusted."""
    input:
        code=[*FIGURES, *code("stages/draw_classifier")],
        summary="results/classifier/summary.json",
        confusion="results/classifier/confusion.csv",
        reliability="results/classifier/reliability.csv",
    output:
        confusion="results/figures/classifier/confusion.svg",
        reliability="results/figures/classifier/reliability.svg",
    log:
        "logs/draw_classifier.txt",
    shell:
        """
        python -m pipeline.stages.draw_classifier \
            --summary {input.summary:q} \
            --confusion {input.confusion:q} \
            --reliability {input.reliability:q} \
            --confusion-figure {output.confusion:q} \
            --reliability-figure {output.reliability:q} \
            2>{log:q}
        """


rule draw_comparison:
    """Draw all sources side by side."""
    input:
        code=[*FIGURES, *code("stages/draw_comparison", "metrics/base", "metrics/sharpness")],
        samples=compared("results/samples/{source}/{seed}.npz"),
        labels=compared("results/labels/{source}/{seed}.csv"),
    output:
        sharpness="results/figures/comparison/sharpness.svg",
        confidence="results/figures/comparison/confidence.svg",
    log:
        "logs/draw_comparison.txt",
    shell:
        """
        python -m pipeline.stages.draw_comparison \
            --samples {input.samples:q} \
            --labels {input.labels:q} \
            --sharpness {output.sharpness:q} \
            --confidence {output.confidence:q} \
            2>{log:q}
        """


rule draw_nearest:
    """Draw one source's samples (the first seed's) above the training images nearest to them, and what it misses."""
    input:
        code=[*FIGURES, *code("stages/draw_nearest")],
        dataset="data/images.npz",
        reference="results/reference.npz",
        samples=first("results/samples/{source}/{seed}.npz"),
        details=first("results/details/{source}/{seed}.npz"),
        real="results/details/test_images/0.npz",
    output:
        nearest_table="results/figures/{source}/nearest.csv",
        nearest="results/figures/{source}/nearest.svg",
        bins_table="results/figures/{source}/bins.csv",
        bins="results/figures/{source}/bins.svg",
    log:
        "logs/draw_nearest/{source}.txt",
    shell:
        """
        python -m pipeline.stages.draw_nearest \
            --dataset {input.dataset:q} \
            --reference {input.reference:q} \
            --samples {input.samples:q} \
            --details {input.details:q} \
            --real {input.real:q} \
            --nearest-table {output.nearest_table:q} \
            --nearest-figure {output.nearest:q} \
            --bins-table {output.bins_table:q} \
            --bins-figure {output.bins:q} \
            2>{log:q}
        """


rule draw_coverage:
    """Draw all models' precision against recall, distance against the number of samples, and power spectrum."""
    input:
        code=[*FIGURES, *code("stages/draw_coverage", "metrics/base", "metrics/sharpness", "rulers")],
        details=[
            *expand("results/details/{model}/{seed}.npz", model=MODELS, seed=SEEDS[0]),
            *expand("results/details/{ruler}/0.npz", ruler=["test_images", "blurred"]),
        ],
    output:
        **{
            f"{curve}_{part}": f"results/figures/comparison/{curve}.{ending}"
            for curve in ("prd", "extrapolation", "spectrum")
            for part, ending in (("table", "csv"), ("figure", "svg"))
        },
    log:
        "logs/draw_coverage.txt",
    shell:
        """
        python -m pipeline.stages.draw_coverage \
            --details {input.details:q} \
            --prd-table {output.prd_table:q} \
            --prd-figure {output.prd_figure:q} \
            --extrapolation-table {output.extrapolation_table:q} \
            --extrapolation-figure {output.extrapolation_figure:q} \
            --spectrum-table {output.spectrum_table:q} \
            --spectrum-figure {output.spectrum_figure:q} \
            2>{log:q}
        """


rule draw_ladder:
    """Try the metrics on images with known damage, and draw what each sees."""
    input:
        code=[
            *FIGURES,
            *sorted({*METRICS} - {*code("metrics/uncertainty")}),
            *code("stages/draw_ladder", "ladder", "rulers"),
        ],
        measures=expand(
            "results/measures/{source}/{scores}.csv",
            source=dict.fromkeys(["test_images", *RUNGS.values()]),
            scores=["0", "0-told_apart"],
        ),
    output:
        table="results/figures/comparison/ladder.csv",
        figure="results/figures/comparison/ladder.svg",
    log:
        "logs/draw_ladder.txt",
    shell:
        """
        python -m pipeline.stages.draw_ladder \
            --measures {input.measures:q} \
            --table {output.table:q} \
            --figure {output.figure:q} \
            2>{log:q}
        """


rule render:
    """Make the site from results and templates."""
    input:
        code=[
            *REPORT,
            *METRICS,
            *code("stages/render", "reading", "provenance", "records"),
            *code("families", "alarms", "rulers", "summary", "verdicts"),
            *code("figures/rules", "figures/style"),
        ],
        families=expand("pipeline/models/{file}.py", file=["base", *sorted({m.family for m in PARAMS.models.values()})]),
        templates=sorted(str(f) for f in Path("site_templates").rglob("*") if f.is_file()),
        metrics="results/metrics.csv",
        scores=expand("results/{table}.csv", table=["summary", "verdicts", "ranks", "claims"]),
        ladder=(
            ["results/figures/comparison/ladder.csv", "results/figures/comparison/ladder.svg"]
            if PARAMS.metrics.ladder
            else []
        ),
        classifier=expand("results/classifier/{table}", table=["summary.json", "confusion.csv", "reliability.csv"]),
        labelled=[
            *expand("results/labels/{source}/{seed}.csv", source=MODELS, seed=SEEDS[0]),
            "results/labels/test_images/0.csv",
        ],
        curves=expand("results/curves/{model}.csv", model=TRAINED),
        networks=expand("results/networks/{model}.json", model=MODELS),
        records=expand("results/training/{model}/{seed}.json", model=MODELS, seed=SEEDS),
        diagnosed=expand("results/diagnosis/{model}/{seed}/alarms.csv", model=TRAINED, seed=SEEDS),
        shares=expand("results/diagnosis/{model}/{seed}/shares.csv", model=TRAINED, seed=SEEDS[0]),
        checks=expand("results/checks/{model}/{seed}.csv", model=TRAINED, seed=SEEDS[0]),
        gradients=expand("results/perfect_discriminator/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),
        training=expand(
            "results/figures/{model}/{figure}.svg",
            model=TRAINED,
            figure=["losses", "networks", "health", "snapshots"],
        ),
        films=expand("results/figures/{model}/film.{kind}", model=TRAINED, kind=["png", "csv"]),
        beaten=expand("results/figures/{model}/perfect_discriminator.svg", model=ADVERSARIAL),
        samples=expand("results/figures/{source}/samples.png", source=[*MODELS, "test_images"]),
        labels=expand(
            "results/figures/{source}/{figure}.svg",
            source=[*MODELS, "test_images"],
            figure=["labels", "ambiguous", "classes"],
        ),
        galleries=expand(
            "results/figures/{source}/gallery.{kind}", source=[*MODELS, "test_images"], kind=["png", "csv"]
        ),
        asked=expand("results/figures/{model}/asked.{kind}", model=CONDITIONAL, kind=["svg", "csv"]),
        draws=expand("results/figures/{model}/draws.png", model=OBSERVED),
        latent=expand(
            "results/figures/{model}/{file}",
            model=AUTOENCODERS,
            file=["manifold.png", "codes.svg", "interpolations.png", "latent.json"],
        ),
        judge=expand("results/figures/classifier/{figure}.svg", figure=["confusion", "reliability"]),
        comparison=expand("results/figures/comparison/{figure}.svg", figure=["sharpness", "confidence"]),
        coverage=expand(
            "results/figures/comparison/{curve}.{ending}",
            curve=["prd", "extrapolation", "spectrum"],
            ending=["csv", "svg"],
        ),
        nearest=expand(
            "results/figures/{source}/nearest.{ending}",
            source=[*MODELS, "test_images", "train_copies"],
            ending=["csv", "svg"],
        ),
        bins=expand("results/figures/{source}/bins.{ending}", source=[*MODELS, "test_images"], ending=["csv", "svg"]),
    output:
        expand("site/{page}.html", page=PAGES),
        expand("site/models/{model}.html", model=MODELS),
    log:
        "logs/render.txt",
    params:
        params=PARAMS.model_dump_json(),
        preset_changes=json.dumps(changes(config)),
        rules=lambda wildcards: json.dumps({rule.name: rule.docstring or "" for rule in workflow.rules}),
    shell:
        """
        python -m pipeline.stages.render \
            --params {params.params:q} \
            --preset-changes {params.preset_changes:q} \
            --rules {params.rules:q} \
            --records .snakemake/metadata \
            --results results \
            --templates site_templates \
            --into site \
            2>{log:q}
        """


onsuccess:
    orchestration.record(workflow)
