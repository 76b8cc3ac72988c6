"""Declare the scores of likelihood, which are computed in `pipeline/likelihood/`."""

from pipeline.metrics.base import REPEATS, Metric

OF_SUPPORT = {"ink": "ink_nats", "levels": "level_nats"}  # the score of a density, by what it is over

METRICS = (
    Metric(
        name="ink_nats",
        title="Log-probability of real images as ink (nats per image)",
        question="likelihood",
        space="pixels",
        better="higher",
        formula=r"E\,\log P(b),\quad b\sim\mathrm{Bernoulli}(x)",
        source="after Salakhutdinov & Murray, 2008; for decoders: Wu et al., 2017",
        role="primary",
        scale="nats",
        needs_training=True,
    ),
    Metric(
        name="level_nats",
        title="Log-probability of real images of 256 levels (nats per image)",
        question="likelihood",
        space="pixels",
        better="higher",
        formula=r"E\,\log P(x)",
        source="Theis et al., 2016",
        role="primary",
        scale="nats",
        needs_training=True,
    ),
    Metric(
        name="student_nats",
        title="Log-probability of real images under a student of the samples (nats per image)",
        question="likelihood",
        space="pixels",
        better="higher",
        formula=r"E\,\log P_{\mathrm{student}(y)}(b)",
        source="a mixture of trees: Meila & Jordan, 2000",
        sees=("blur", "pca_50", "pca_20", "noise", "threshold", "shift", *REPEATS, "mean_of_two"),
        blind=("copies", "missing_class"),
        role="primary",
        needs_training=True,
    ),
)
