"""Training the models, and what is learned from watching them train."""


rule train:
    """Train one model with one seed; the longest start first."""
    input:
        code=code_of("train", but=["analysis/alarms"]),  # alarms only decide what is said on the way
        family=family_code,
        dataset="data/images.npz",
    output:
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        history="results/history/{model}/{seed}.csv",
        diagnostics="results/diagnostics/{model}/{seed}.csv",
        snapshots="results/snapshots/{model}/{seed}.npz",
        record="results/training/{model}/{seed}.json",
    log:
        "logs/train/{model}-{seed}.txt",
    benchmark:
        "logs/train/{model}-{seed}.tsv"
    priority: 2
    threads: CORES
    resources:
        gpu=GPU,
    params:
        family=family,
        settings=model_settings,
        compute=COMPUTE,
    shell:
        """
        python -m pipeline.stages.train \
            --name {wildcards.model:q} \
            --family {params.family:q} \
            --settings {params.settings:q} \
            --compute {params.compute:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --resume-file resume/{wildcards.model}/{wildcards.seed}.safetensors \
            --checkpoint-file {output.checkpoint:q} \
            --history-file {output.history:q} \
            --diagnostics-file {output.diagnostics:q} \
            --snapshots-file {output.snapshots:q} \
            --record-file {output.record:q} \
            2>{log:q}
        """


rule find_alarms:
    """Look at one training for signs that it has died."""
    input:
        code=code_of("find_alarms"),
        classifier="checkpoints/classifier.safetensors",
        history="results/history/{model}/{seed}.csv",
        diagnostics="results/diagnostics/{model}/{seed}.csv",
        snapshots="results/snapshots/{model}/{seed}.npz",
    output:
        snapshot_labels="results/snapshot_labels/{model}/{seed}.csv",
        alarms="results/alarms/{model}/{seed}.csv",
    log:
        "logs/find_alarms/{model}-{seed}.txt",
    threads: ONE
    shell:
        """
        python -m pipeline.stages.find_alarms \
            --classifier-file {input.classifier:q} \
            --history-file {input.history:q} \
            --diagnostics-file {input.diagnostics:q} \
            --snapshots-file {input.snapshots:q} \
            --snapshot-labels-file {output.snapshot_labels:q} \
            --alarms-file {output.alarms:q} \
            2>{log:q}
        """


rule perfect_discriminator:
    """Train a fresh discriminator against one GAN's frozen generator."""
    input:
        code=code_of("perfect_discriminator"),
        family=family_code,
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
        compute=COMPUTE,
    shell:
        """
        python -m pipeline.stages.perfect_discriminator \
            --compute {params.compute:q} \
            --checkpoint-file {input.checkpoint:q} \
            --dataset-file {input.dataset:q} \
            --gradients-file {output.gradients:q} \
            2>{log:q}
        """


rule describe_networks:
    """List the layers of one model's networks."""
    input:
        code=code_of("describe_networks"),
        family=family_code,
        dataset="data/images.npz",
    output:
        networks="results/networks/{model}.json",
    log:
        "logs/describe_networks/{model}.txt",
    params:
        family=family,
        settings=model_settings,
    shell:
        """
        python -m pipeline.stages.describe_networks \
            --name {wildcards.model:q} \
            --family {params.family:q} \
            --settings {params.settings:q} \
            --dataset-file {input.dataset:q} \
            --networks-file {output.networks:q} \
            2>{log:q}
        """


rule average_losses:
    """Average one model's losses over each epoch and the seeds."""
    input:
        code=code_of("average_losses"),
        histories=expand("results/history/{{model}}/{seed}.csv", seed=SEEDS),
        records=expand("results/training/{{model}}/{seed}.json", seed=SEEDS),
    output:
        curves="results/curves/{model}.csv",
    log:
        "logs/average_losses/{model}.txt",
    shell:
        """
        python -m pipeline.stages.average_losses \
            --history-files {input.histories:q} \
            --record-files {input.records:q} \
            --curves-file {output.curves:q} \
            2>{log:q}
        """
