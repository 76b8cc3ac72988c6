"""What several rules ask of the settings."""


def family(wildcards):
    return PARAMS.models[wildcards.model].family


def family_code(wildcards):
    return code_of_family(family(wildcards))


def model_settings(wildcards):
    """What differs from the defaults of the model's family, as JSON."""
    return json.dumps(PARAMS.models[wildcards.model].overrides, sort_keys=True)


def requested_file(source):
    """The labels that a conditional model was told to draw."""
    return lambda wildcards: (
        f"results/requested/{wildcards[source]}/{wildcards.seed}.npz" if wildcards[source] in CONDITIONAL else []
    )


def flag(name):
    """A flag with the input of that name, where the job has one: `--record-file results/training/gan/0.json`."""
    return lambda wildcards, input: f"--{name}-file {input[name]}" if input[name] else ""


def scored(pattern):
    """One file for each source that is scored: every model with every seed, and the baselines of every table."""
    return [*expand(pattern, source=MODELS, seed=SEEDS), *expand(pattern, source=SHOWN, seed=0)]


def compared(pattern):
    """One file for every model with every seed, and one for the real test images."""
    return [*expand(pattern, source=MODELS, seed=SEEDS), *expand(pattern, source=TEST, seed=0)]


def shown(pattern):
    """The file of a source's seed that pictures show."""
    return lambda wildcards: pattern.format(source=wildcards.source, seed=FIRST if wildcards.source in MODELS else 0)


COMPUTE = PARAMS.compute.model_dump_json()
# Of networks so small that conversions to bfloat16 cost more than they save.
SMALL = PARAMS.compute.model_copy(update={"threads": 1, "precision": "float32"}).model_dump_json()
SAMPLES = PARAMS.samples.model_dump_json()
