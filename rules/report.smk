"""The comparison of all sources in pictures, the sensitivity check of the metrics, and the site."""


rule plot_comparison:
    """Plot all sources side by side: sharpness, confidence, precision against recall, distances, power spectra."""
    input:
        code=code_of("plot_comparison"),
        samples=compared("results/samples/{source}/{seed}.npz"),
        labels=compared("results/labels/{source}/{seed}.csv"),
        details=[
            *expand("results/details/{model}/{seed}.npz", model=MODELS, seed=FIRST),
            *expand("results/details/{baseline}/0.npz", baseline=[TEST, BLURRED]),
        ],
    output:
        sharpness="results/figures/comparison/sharpness.svg",
        confidence="results/figures/comparison/confidence.svg",
        prd="results/figures/comparison/prd.svg",
        prd_table="results/figures/comparison/prd.csv",
        extrapolation="results/figures/comparison/extrapolation.svg",
        extrapolation_table="results/figures/comparison/extrapolation.csv",
        spectrum="results/figures/comparison/spectrum.svg",
        spectrum_table="results/figures/comparison/spectrum.csv",
    log:
        "logs/plot_comparison.txt",
    shell:
        """
        python -m pipeline.stages.plot_comparison \
            --sample-files {input.samples:q} \
            --label-files {input.labels:q} \
            --detail-files {input.details:q} \
            --sharpness-picture {output.sharpness:q} \
            --confidence-picture {output.confidence:q} \
            --prd-picture {output.prd:q} \
            --prd-table {output.prd_table:q} \
            --extrapolation-picture {output.extrapolation:q} \
            --extrapolation-table {output.extrapolation_table:q} \
            --spectrum-picture {output.spectrum:q} \
            --spectrum-table {output.spectrum_table:q} \
            2>{log:q}
        """


rule plot_sensitivity:
    """Try the metrics on images with known corruptions, and plot what each sees."""
    input:
        code=code_of("plot_sensitivity"),
        scores=expand(
            "results/{scores}/{source}/0.csv",
            source=dict.fromkeys([TEST, *BASELINE_OF.values()]),
            scores=["scores", "c2st", "student"],
        ),
    output:
        table="results/figures/comparison/sensitivity.csv",
        picture="results/figures/comparison/sensitivity.svg",
    log:
        "logs/plot_sensitivity.txt",
    shell:
        """
        python -m pipeline.stages.plot_sensitivity \
            --score-files {input.scores:q} \
            --sensitivity-table {output.table:q} \
            --sensitivity-picture {output.picture:q} \
            2>{log:q}
        """


rule render:
    """Make the site from results and templates."""
    input:
        code=code_of("render"),
        families=sorted({file for model in PARAMS.models.values() for file in code_of_family(model.family)}),
        templates=sorted(str(file) for file in Path("site_templates").rglob("*") if file.is_file()),
        results=[f"results/{file.path}" for file in produced(PARAMS)],
        references=expand("reference/{table}", table=REFERENCES),
    output:
        expand("site/{page}.html", page=pages(PARAMS)),
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
            --records-folder .snakemake/metadata \
            --results-folder results \
            --reference-folder reference \
            --templates-folder site_templates \
            --site-folder site \
            2>{log:q}
        """
