"""The classifier, the reference, and every score of every source."""


rule train_classifier:
    """Train and calibrate the classifier."""
    input:
        code=code_of("train_classifier"),
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
    priority: 1
    threads: CORES
    resources:
        gpu=GPU,
    params:
        classifier=PARAMS.classifier.model_dump_json(),
        compute=COMPUTE,
    shell:
        """
        python -m pipeline.stages.train_classifier \
            --classifier {params.classifier:q} \
            --compute {params.compute:q} \
            --dataset-file {input.dataset:q} \
            --checkpoint-file {output.checkpoint:q} \
            --summary-file {output.summary:q} \
            --confusion-file {output.confusion:q} \
            --reliability-file {output.reliability:q} \
            --history-file {output.history:q} \
            2>{log:q}
        """


rule reference:
    """Learn of the real images what every score compares with."""
    input:
        code=code_of("reference"),
        dataset="data/images.npz",
        classifier="checkpoints/classifier.safetensors",
    output:
        reference="results/reference.npz",
    log:
        "logs/reference.txt",
    benchmark:
        "logs/reference.tsv"
    priority: 1
    threads: ONE
    params:
        random_networks=PARAMS.metrics.random_networks,
    shell:
        """
        python -m pipeline.stages.reference \
            --random-networks {params.random_networks} \
            --dataset-file {input.dataset:q} \
            --classifier-file {input.classifier:q} \
            --reference-file {output.reference:q} \
            2>{log:q}
        """


def training_record(wildcards):
    """The record of a model's training; baselines were not trained."""
    return f"results/training/{wildcards.source}/{wildcards.seed}.json" if wildcards.source in MODELS else []


rule measure:
    """Score the images of one source."""
    input:
        code=code_of("measure"),
        dataset="data/images.npz",
        classifier="checkpoints/classifier.safetensors",
        reference="results/reference.npz",
        samples="results/samples/{source}/{seed}.npz",
        labels="results/labels/{source}/{seed}.csv",
        record=training_record,
    output:
        scores="results/scores/{source}/{seed}.csv",
        details="results/details/{source}/{seed}.npz",
    log:
        "logs/measure/{source}-{seed}.txt",
    benchmark:
        "logs/measure/{source}-{seed}.tsv"
    threads: ONE
    params:
        samples=SAMPLES,
        labels=PARAMS.labels.model_dump_json(),
        record=flag("record"),
    shell:
        """
        python -m pipeline.stages.measure \
            --samples {params.samples:q} \
            --labels {params.labels:q} \
            --source {wildcards.source:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --classifier-file {input.classifier:q} \
            --reference-file {input.reference:q} \
            --samples-file {input.samples:q} \
            --labels-file {input.labels:q} \
            {params.record} \
            --scores-file {output.scores:q} \
            --details-file {output.details:q} \
            2>{log:q}
        """


rule c2st:
    """Train a network to tell the images of one source from real ones (classifier two-sample test)."""
    input:
        code=code_of("c2st"),
        dataset="data/images.npz",
        samples="results/samples/{source}/{seed}.npz",
    output:
        scores="results/c2st/{source}/{seed}.csv",
    log:
        "logs/c2st/{source}-{seed}.txt",
    benchmark:
        "logs/c2st/{source}-{seed}.tsv"
    threads: ONE
    resources:
        gpu=GPU,
    params:
        samples=SAMPLES,
        compute=SMALL,
    shell:
        """
        python -m pipeline.stages.c2st \
            --samples {params.samples:q} \
            --compute {params.compute:q} \
            --source {wildcards.source:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --samples-file {input.samples:q} \
            --scores-file {output.scores:q} \
            2>{log:q}
        """


rule cas:
    """Train a network on labelled samples and test it on real images (classification accuracy score)."""
    input:
        code=code_of("cas"),
        dataset="data/images.npz",
        samples="results/samples/{labelled}/{seed}.npz",
        labels="results/labels/{labelled}/{seed}.csv",
        requested=requested_file("labelled"),
    output:
        scores="results/cas/{labelled}/{seed}.csv",
    log:
        "logs/cas/{labelled}-{seed}.txt",
    threads: ONE
    resources:
        gpu=GPU,
    params:
        samples=SAMPLES,
        compute=SMALL,
        requested=flag("requested"),
    shell:
        """
        python -m pipeline.stages.cas \
            --samples {params.samples:q} \
            --compute {params.compute:q} \
            --source {wildcards.labelled:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --samples-file {input.samples:q} \
            --labels-file {input.labels:q} \
            {params.requested} \
            --scores-file {output.scores:q} \
            2>{log:q}
        """


rule likelihood:
    """Ask one trained model how probable the real test images are."""
    input:
        code=code_of("likelihood"),
        family=family_code,
        dataset="data/images.npz",
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
    output:
        scores="results/likelihood/{model}/{seed}.csv",
        images="results/log_probabilities/{model}/{seed}.csv",
        about="results/likelihood/{model}/{seed}.json",
    log:
        "logs/likelihood/{model}-{seed}.txt",
    benchmark:
        "logs/likelihood/{model}-{seed}.tsv"
    threads: ONE
    params:
        likelihood=PARAMS.likelihood.model_dump_json(),
    shell:
        """
        python -m pipeline.stages.likelihood \
            --likelihood {params.likelihood:q} \
            --source {wildcards.model:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --checkpoint-file {input.checkpoint:q} \
            --scores-file {output.scores:q} \
            --images-file {output.images:q} \
            --about-file {output.about:q} \
            2>{log:q}
        """


rule student:
    """Fit a student to the samples of one source, and score it on the real test images."""
    input:
        code=code_of("student"),
        dataset="data/images.npz",
        samples="results/samples/{source}/{seed}.npz",
    output:
        scores="results/student/{source}/{seed}.csv",
    log:
        "logs/student/{source}-{seed}.txt",
    benchmark:
        "logs/student/{source}-{seed}.tsv"
    threads: ONE
    params:
        samples=SAMPLES,
    shell:
        """
        python -m pipeline.stages.student \
            --samples {params.samples:q} \
            --source {wildcards.source:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --samples-file {input.samples:q} \
            --scores-file {output.scores:q} \
            2>{log:q}
        """
