"""Digits in, one comparison out: the graph of jobs.

Every choice is in params.yaml. Each rule calls the stage of its name in pipeline/stages/, and dvc.yaml names the targets
of this file.
"""

import json
import os
from pathlib import Path

from snakemake.utils import min_version

from pipeline.core.names import BLURRED, COPIES, SHOWN, TEST
from pipeline.core.outputs import LIKELY as LIKELY_KINDS
from pipeline.core.outputs import REFERENCES, having, having_one, pages, produced
from pipeline.core.params import changes
from pipeline.metrics.base import BASELINE_OF
from pipeline.workflow import orchestration
from pipeline.workflow.code_inputs import code_of, code_of_family

min_version("9.0")


configfile: "params.yaml"


PARAMS = orchestration.prepare(config)
SEEDS = PARAMS.seeds
FIRST = SEEDS[0]  # the seed that pictures show
MODELS = list(PARAMS.models)
TRAINED = having("TrainedModel", PARAMS)
OBSERVED = having("ObservationModel", PARAMS)
ADVERSARIAL = having("Adversarial", PARAMS)
AUTOENCODERS = having("Autoencoder", PARAMS)
CONDITIONAL = having("Conditional", PARAMS)
LIKELY = having_one(LIKELY_KINDS, PARAMS)
BASELINES = list(dict.fromkeys([*SHOWN, *BASELINE_OF.values()]))
LABELLED = [*CONDITIONAL, COPIES, TEST] if CONDITIONAL else []  # sources whose true labels are known
PROCESSORS = workflow.resource_settings.cores, os.cpu_count()
CORES = orchestration.share(PARAMS.compute.threads, *PROCESSORS)  # that a training occupies
ONE = orchestration.share(1, *PROCESSORS)  # that a job occupies which keeps a processor busy for long
GPU = int(orchestration.has_gpu(PARAMS.compute))


wildcard_constraints:
    model="|".join(MODELS),
    baseline="|".join(BASELINES),
    conditional="|".join(CONDITIONAL) or "none",
    labelled="|".join(LABELLED) or "none",
    source="|".join([*MODELS, *BASELINES]),
    seed=r"\d+",
    exhibit="parts|drawing",


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/sample.smk"
include: "rules/evaluate.smk"
include: "rules/analyse.smk"
include: "rules/plot.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        "site/index.html",
        "results/metrics.json",


rule families:
    """Everything that is computed for each model and seed."""
    input:
        scored("results/labels/{source}/{seed}.csv"),
        expand("results/networks/{model}.json", model=MODELS),
        expand("results/latent/{model}/{seed}.npz", model=AUTOENCODERS, seed=SEEDS),
        expand("results/alarms/{model}/{seed}.csv", model=TRAINED, seed=SEEDS),
        expand("results/perfect_discriminator/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),


onsuccess:
    orchestration.record(workflow)
