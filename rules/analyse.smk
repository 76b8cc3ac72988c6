"""What the scores say, taken together."""


rule compare:
    """Gather all scores: in one table, in short, as gates, verdicts and ranks."""
    input:
        code=code_of("compare"),
        scores=[
            *scored("results/scores/{source}/{seed}.csv"),
            *scored("results/c2st/{source}/{seed}.csv"),
            *scored("results/student/{source}/{seed}.csv"),
            *expand("results/likelihood/{model}/{seed}.csv", model=LIKELY, seed=SEEDS),
            *(
                f"results/cas/{source}/{seed}.csv"
                for source in LABELLED
                for seed in (SEEDS if source in MODELS else [0])
            ),
        ],
        spread="reference/seed_spread.csv",
        probabilities=expand("results/log_probabilities/{model}/{seed}.csv", model=LIKELY, seed=SEEDS),
        about=expand("results/likelihood/{model}/{seed}.json", model=LIKELY, seed=SEEDS),
    output:
        table="results/metrics.csv",
        summary="results/summary.csv",
        gates="results/gates.csv",
        verdicts="results/verdicts.csv",
        ranks="results/ranks.csv",
        selection="results/metrics.json",
    log:
        "logs/compare.txt",
    params:
        families=json.dumps({name: model.family for name, model in PARAMS.models.items()}),
    shell:
        """
        python -m pipeline.stages.compare \
            --score-files {input.scores:q} \
            --families {params.families:q} \
            --spread-file {input.spread:q} \
            --probability-files {input.probabilities:q} \
            --about-files {input.about:q} \
            --table-file {output.table:q} \
            --summary-file {output.summary:q} \
            --gates-file {output.gates:q} \
            --verdicts-file {output.verdicts:q} \
            --ranks-file {output.ranks:q} \
            --selection-file {output.selection:q} \
            2>{log:q}
        """


rule check_claims:
    """Judge the paper's claims by what was measured."""
    input:
        code=code_of("check_claims"),
        metrics="results/metrics.csv",
        summary="results/summary.csv",
        verdicts="results/verdicts.csv",
        spread="reference/seed_spread.csv",
        records=expand("results/training/{model}/{seed}.json", model=MODELS, seed=SEEDS),
        alarms=expand("results/alarms/{model}/{seed}.csv", model=TRAINED, seed=SEEDS),
        gradients=expand("results/perfect_discriminator/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),
        labels=expand("results/labels/{model}/{seed}.csv", model=MODELS, seed=SEEDS),
        histories=expand("results/history/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),
        snapshot_labels=expand("results/snapshot_labels/{model}/{seed}.csv", model=ADVERSARIAL, seed=SEEDS),
        latent=expand("results/latent/{model}/{seed}.npz", model=AUTOENCODERS, seed=SEEDS),
    output:
        claims="results/claims.csv",
    log:
        "logs/check_claims.txt",
    params:
        samples=SAMPLES,
    shell:
        """
        python -m pipeline.stages.check_claims \
            --samples {params.samples:q} \
            --metrics-file {input.metrics:q} \
            --summary-file {input.summary:q} \
            --verdicts-file {input.verdicts:q} \
            --spread-file {input.spread:q} \
            --record-files {input.records:q} \
            --alarm-files {input.alarms:q} \
            --gradient-files {input.gradients:q} \
            --label-files {input.labels:q} \
            --history-files {input.histories:q} \
            --snapshot-label-files {input.snapshot_labels:q} \
            --latent-files {input.latent:q} \
            --claims-file {output.claims:q} \
            2>{log:q}
        """
