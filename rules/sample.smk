"""Drawing images from the models, and labelling the images of every source."""


rule choose_labels:
    """Choose the labels that one conditional model is told to draw."""
    input:
        code=code_of("choose_labels"),
        dataset="data/images.npz",
    output:
        requested="results/requested/{conditional}/{seed}.npz",
    log:
        "logs/choose_labels/{conditional}-{seed}.txt",
    params:
        samples=SAMPLES,
    shell:
        """
        python -m pipeline.stages.choose_labels \
            --samples {params.samples:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --requested-file {output.requested:q} \
            2>{log:q}
        """


rule sample:
    """Draw images from one trained model."""
    input:
        code=code_of("sample"),
        family=family_code,
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        requested=requested_file("model"),
    output:
        samples="results/samples/{model}/{seed}.npz",
    log:
        "logs/sample/{model}-{seed}.txt",
    params:
        samples=SAMPLES,
        requested=flag("requested"),
    shell:
        """
        python -m pipeline.stages.sample \
            --samples {params.samples:q} \
            --seed {wildcards.seed:q} \
            --checkpoint-file {input.checkpoint:q} \
            {params.requested} \
            --samples-file {output.samples:q} \
            2>{log:q}
        """


rule map_latent:
    """Map the latent space of one autoencoder, and what lies between images in it."""
    input:
        code=code_of("map_latent"),
        family=family_code,
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
        dataset="data/images.npz",
    output:
        latent="results/latent/{model}/{seed}.npz",
    log:
        "logs/map_latent/{model}-{seed}.txt",
    shell:
        """
        python -m pipeline.stages.map_latent \
            --checkpoint-file {input.checkpoint:q} \
            --dataset-file {input.dataset:q} \
            --latent-file {output.latent:q} \
            2>{log:q}
        """


rule label:
    """Predict a label for each image of one source."""
    input:
        code=code_of("label"),
        classifier="checkpoints/classifier.safetensors",
        samples="results/samples/{source}/{seed}.npz",
    output:
        labels="results/labels/{source}/{seed}.csv",
    log:
        "logs/label/{source}-{seed}.txt",
    threads: ONE
    shell:
        """
        python -m pipeline.stages.label \
            --classifier-file {input.classifier:q} \
            --samples-file {input.samples:q} \
            --labels-file {output.labels:q} \
            2>{log:q}
        """


rule complete:
    """Let one trained model complete real test images of which a part is hidden."""
    input:
        code=code_of("complete"),
        family=family_code,
        dataset="data/images.npz",
        classifier="checkpoints/classifier.safetensors",
        checkpoint="checkpoints/models/{model}/{seed}.safetensors",
    output:
        scores="results/completion/{model}/{seed}.csv",
        images="results/completion/{model}/{seed}.npz",
    log:
        "logs/complete/{model}-{seed}.txt",
    benchmark:
        "logs/complete/{model}-{seed}.tsv"
    threads: ONE
    shell:
        """
        python -m pipeline.stages.complete \
            --source {wildcards.model:q} \
            --seed {wildcards.seed:q} \
            --dataset-file {input.dataset:q} \
            --classifier-file {input.classifier:q} \
            --checkpoint-file {input.checkpoint:q} \
            --scores-file {output.scores:q} \
            --images-file {output.images:q} \
            2>{log:q}
        """
