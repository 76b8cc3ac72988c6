"""Every picture of the report, with the tables behind some."""


rule plot_training:
    """Plot one model's networks, its losses, and how its first training went, moment by moment."""
    input:
        code=code_of("plot_training"),
        networks="results/networks/{model}.json",
        histories=expand("results/history/{{model}}/{seed}.csv", seed=SEEDS),
        record=f"results/training/{{model}}/{FIRST}.json",
        diagnostics=f"results/diagnostics/{{model}}/{FIRST}.csv",
        snapshot_labels=f"results/snapshot_labels/{{model}}/{FIRST}.csv",
        alarms=f"results/alarms/{{model}}/{FIRST}.csv",
        snapshots=f"results/snapshots/{{model}}/{FIRST}.npz",
    output:
        losses="results/figures/{model}/losses.svg",
        networks="results/figures/{model}/networks.svg",
        diagnostics="results/figures/{model}/diagnostics.svg",
        snapshots="results/figures/{model}/snapshots.svg",
        film="results/figures/{model}/film.png",
        film_table="results/figures/{model}/film.csv",
    log:
        "logs/plot_training/{model}.txt",
    shell:
        """
        python -m pipeline.stages.plot_training \
            --networks-file {input.networks:q} \
            --history-files {input.histories:q} \
            --record-file {input.record:q} \
            --diagnostics-file {input.diagnostics:q} \
            --snapshot-labels-file {input.snapshot_labels:q} \
            --alarms-file {input.alarms:q} \
            --snapshots-file {input.snapshots:q} \
            --losses-picture {output.losses:q} \
            --networks-picture {output.networks:q} \
            --diagnostics-picture {output.diagnostics:q} \
            --snapshots-picture {output.snapshots:q} \
            --film-picture {output.film:q} \
            --film-table {output.film_table:q} \
            2>{log:q}
        """


rule plot_perfect_discriminator:
    """Plot what a fresh discriminator left of one GAN's gradient."""
    input:
        code=code_of("plot_perfect_discriminator"),
        gradients=expand("results/perfect_discriminator/{{model}}/{seed}.csv", seed=SEEDS),
    output:
        picture="results/figures/{model}/perfect_discriminator.svg",
    log:
        "logs/plot_perfect_discriminator/{model}.txt",
    shell:
        """
        python -m pipeline.stages.plot_perfect_discriminator \
            --gradient-files {input.gradients:q} \
            --picture-file {output.picture:q} \
            2>{log:q}
        """


rule plot_images:
    """Plot the images of one source (the first seed's): samples, labels, gallery, nearest training images, bins."""
    input:
        code=code_of("plot_images"),
        dataset="data/images.npz",
        reference="results/reference.npz",
        samples=shown("results/samples/{source}/{seed}.npz"),
        labels=shown("results/labels/{source}/{seed}.csv"),
        details=shown("results/details/{source}/{seed}.npz"),
        real=f"results/details/{TEST}/0.npz",
    output:
        samples="results/figures/{source}/samples.png",
        labels="results/figures/{source}/labels.svg",
        ambiguous="results/figures/{source}/ambiguous.svg",
        classes="results/figures/{source}/classes.svg",
        gallery="results/figures/{source}/gallery.png",
        gallery_table="results/figures/{source}/gallery.csv",
        nearest="results/figures/{source}/nearest.svg",
        nearest_table="results/figures/{source}/nearest.csv",
        bins="results/figures/{source}/bins.svg",
        bins_table="results/figures/{source}/bins.csv",
    log:
        "logs/plot_images/{source}.txt",
    shell:
        """
        python -m pipeline.stages.plot_images \
            --dataset-file {input.dataset:q} \
            --reference-file {input.reference:q} \
            --samples-file {input.samples:q} \
            --labels-file {input.labels:q} \
            --details-file {input.details:q} \
            --real-details-file {input.real:q} \
            --samples-picture {output.samples:q} \
            --labels-picture {output.labels:q} \
            --ambiguous-picture {output.ambiguous:q} \
            --classes-picture {output.classes:q} \
            --gallery-picture {output.gallery:q} \
            --gallery-table {output.gallery_table:q} \
            --nearest-picture {output.nearest:q} \
            --nearest-table {output.nearest_table:q} \
            --bins-picture {output.bins:q} \
            --bins-table {output.bins_table:q} \
            2>{log:q}
        """


rule plot_requested:
    """Plot what one conditional model (its first seed) was told to draw, and what is predicted of it."""
    input:
        code=code_of("plot_requested"),
        summary="results/classifier/summary.json",
        requested=f"results/requested/{{conditional}}/{FIRST}.npz",
        labels=f"results/labels/{{conditional}}/{FIRST}.csv",
    output:
        table="results/figures/{conditional}/requested.csv",
        picture="results/figures/{conditional}/requested.svg",
    log:
        "logs/plot_requested/{conditional}.txt",
    shell:
        """
        python -m pipeline.stages.plot_requested \
            --summary-file {input.summary:q} \
            --requested-file {input.requested:q} \
            --labels-file {input.labels:q} \
            --requested-table {output.table:q} \
            --requested-picture {output.picture:q} \
            2>{log:q}
        """


rule plot_observations:
    """Plot what was drawn from one model's observation model."""
    input:
        code=code_of("plot_observations"),
        samples=f"results/samples/{{model}}/{FIRST}.npz",
    output:
        picture="results/figures/{model}/observations.png",
    log:
        "logs/plot_observations/{model}.txt",
    shell:
        """
        python -m pipeline.stages.plot_observations \
            --samples-file {input.samples:q} \
            --picture-file {output.picture:q} \
            2>{log:q}
        """


rule plot_exhibit:
    """Plot what one model has learned, or how it draws an image, where its family can show this."""
    input:
        code=code_of("plot_exhibit"),
        family=family_code,
        checkpoint=f"checkpoints/models/{{model}}/{FIRST}.safetensors",
    output:
        picture="results/figures/{model}/{exhibit}.png",
        about="results/figures/{model}/{exhibit}.json",
    log:
        "logs/plot_exhibit/{model}-{exhibit}.txt",
    shell:
        """
        python -m pipeline.stages.plot_exhibit \
            --exhibit {wildcards.exhibit:q} \
            --checkpoint-file {input.checkpoint:q} \
            --picture-file {output.picture:q} \
            --about-file {output.about:q} \
            2>{log:q}
        """


rule plot_completions:
    """Plot test images with a hidden part, and what one model makes of them."""
    input:
        code=code_of("plot_completions"),
        images=f"results/completion/{{model}}/{FIRST}.npz",
    output:
        picture="results/figures/{model}/completions.png",
    log:
        "logs/plot_completions/{model}.txt",
    shell:
        """
        python -m pipeline.stages.plot_completions \
            --images-file {input.images:q} \
            --picture-file {output.picture:q} \
            2>{log:q}
        """


rule plot_latent:
    """Plot one autoencoder's latent space."""
    input:
        code=code_of("plot_latent"),
        latent=f"results/latent/{{model}}/{FIRST}.npz",
        dataset="data/images.npz",
    output:
        manifold="results/figures/{model}/manifold.png",
        codes="results/figures/{model}/codes.svg",
        interpolations="results/figures/{model}/interpolations.png",
        about="results/figures/{model}/latent.json",
    log:
        "logs/plot_latent/{model}.txt",
    shell:
        """
        python -m pipeline.stages.plot_latent \
            --latent-file {input.latent:q} \
            --dataset-file {input.dataset:q} \
            --manifold-picture {output.manifold:q} \
            --codes-picture {output.codes:q} \
            --interpolations-picture {output.interpolations:q} \
            --about-file {output.about:q} \
            2>{log:q}
        """


rule plot_classifier:
    """Plot how far the classifier can be trusted."""
    input:
        code=code_of("plot_classifier"),
        summary="results/classifier/summary.json",
        confusion="results/classifier/confusion.csv",
        reliability="results/classifier/reliability.csv",
    output:
        confusion="results/figures/classifier/confusion.svg",
        reliability="results/figures/classifier/reliability.svg",
    log:
        "logs/plot_classifier.txt",
    shell:
        """
        python -m pipeline.stages.plot_classifier \
            --summary-file {input.summary:q} \
            --confusion-file {input.confusion:q} \
            --reliability-file {input.reliability:q} \
            --confusion-picture {output.confusion:q} \
            --reliability-picture {output.reliability:q} \
            2>{log:q}
        """
