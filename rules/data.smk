"""The data set, and the baselines that are made of it."""


def own_files(dataset):
    """The files of a data set of the user's own: a change of one reads it anew."""
    path = Path(dataset)
    return sorted(str(file) for file in path.iterdir()) if path.is_dir() else [dataset] if path.is_file() else []


rule fetch:
    """Get the data set and verify it."""
    input:
        code=code_of("fetch"),
        own=own_files(PARAMS.data.dataset),
    output:
        dataset="data/images.npz",
    log:
        "logs/fetch.txt",
    params:
        data=PARAMS.data.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.fetch \
            --data {params.data:q} \
            --raw-folder data/raw \
            --dataset-file {output.dataset:q} \
            2>{log:q}
        """


rule make_baseline:
    """Make a baseline: real, corrupted or trivial images, scored as if a model had drawn them."""
    input:
        code=code_of("make_baseline"),
        dataset="data/images.npz",
    output:
        samples="results/samples/{baseline}/0.npz",
    log:
        "logs/make_baseline/{baseline}.txt",
    params:
        images=PARAMS.samples.count,
        # The sensitivity check wants to know how far the scores of real images spread.
        draws=lambda wildcards: (
            PARAMS.samples.draws if wildcards.baseline == COPIES and PARAMS.metrics.sensitivity else 1
        ),
    shell:
        """
        python -m pipeline.stages.make_baseline \
            --baseline {wildcards.baseline:q} \
            --count {params.images} \
            --draws {params.draws} \
            --dataset-file {input.dataset:q} \
            --samples-file {output.samples:q} \
            2>{log:q}
        """
