"""Score predicted labels: which classes are drawn, how often, and how sure is the classifier?"""

import numpy as np
from scipy.special import chdtrc, rel_entr

from pipeline.metrics.base import BLURS, REPEATS, Metric
from pipeline.metrics.inputs import check_shares

MISSING_BELOW = 0.1  # of the expected share

METRICS = (
    Metric(
        name="label_distance",
        title="Total variation of the predicted labels",
        question="coverage",
        space="labels",
        better="lower",
        formula=r"\frac{1}{2}\sum_c|p_c-q_c|",
        source="Levin & Peres, 2017",
        sees=("pca_20", "missing_class", "half_one_class", *REPEATS, "mean_of_two", "part_noise"),
        blind=("copies", "blur_slight", "blur", "pca_50", "noise", "threshold"),
    ),
    Metric(
        name="label_js",
        title="Jensen-Shannon divergence of the predicted labels (nats)",
        question="coverage",
        space="labels",
        better="lower",
        formula=r"\frac{1}{2}\mathrm{KL}\Bigl(p\Bigm\|\frac{p+q}{2}\Bigr)+\frac{1}{2}\mathrm{KL}\Bigl(q\Bigm\|\frac{p+q}{2}\Bigr)",
        source="Lin, 1991",
        sees=("pca_20", "missing_class", "half_one_class", *REPEATS, "mean_of_two", "part_noise"),
        blind=("copies", "blur_slight", "blur", "pca_50", "noise", "threshold"),
        role="primary",
    ),
    Metric(
        name="label_p",
        title="p value of equal label frequencies (G test)",
        question="coverage",
        space="labels",
        better="higher",
        formula=r"P[\chi^2_{c-1}>G],\quad G=2\sum O\ln\frac{O}{E}",
        source="Sokal & Rohlf, 1981",
        sees=("pca_20", "missing_class", "half_one_class", "distinct_100", "mean_of_two", "part_noise"),
        blind=("copies", "blur_slight", "blur", "pca_50", "noise", "threshold"),
        role="description",
        scale="p value",
    ),
    Metric(
        name="missing_modes",
        title="Classes that are hardly drawn",
        question="coverage",
        space="labels",
        better="lower",
        formula=r"\#\{c:p_c<0.1\,q_c\}",
        source="after Srivastava et al., 2017",
        sees=("missing_class",),
        blind=("copies", *BLURS, "noise", "threshold", "shift", "half_one_class", "mean_of_two"),
    ),
    Metric(
        name="ambiguous",
        title="Unsure: low confidence of the classifier",
        question="labels",
        space="labels",
        better="closer to real",
        formula=r"P\bigl[\max_y p(y\mid x)<\tau\bigr]",
        source="Guo et al., 2017, on such confidences",
        sees=("blur", "pca_50", "pca_20", "shift", "mean_of_two"),
        blind=("copies", "part_noise"),
        role="description",
    ),
    Metric(
        name="conformal_ambiguous",
        title="Ambiguous: several labels are possible (conformal)",
        question="labels",
        space="labels",
        better="closer to real",
        formula=r"P\bigl[\#S_{0.002}(x)\ge 2\bigr],\quad S_\alpha(x)=\{y:p(y\mid x)\ge 1-q_\alpha\}",
        source="Sadinle et al., 2019, whose guarantee is for exchangeable real data only",
        sees=("blur_slight", "blur", "pca_50", "pca_20", "noise", "shift", "half_one_class", "mean_of_two"),
        blind=("copies",),
        role="description",
    ),
    Metric(
        name="conformal_unlike",
        title="Unlike real: no label is likely (conformal)",
        question="labels",
        space="labels",
        better="closer to real",
        formula=r"P\bigl[\#S_{0.05}(x)=0,\ \#S_{0.002}(x)\le 1\bigr],\quad S_\alpha(x)=\{y:p(y\mid x)\ge 1-q_\alpha\}",
        source="Sadinle et al., 2019, whose guarantee is for exchangeable real data only",
        sees=("noise", "mean_of_two", "part_noise"),
        blind=("copies", "half_one_class"),
        role="description",
    ),
    Metric(
        name="disagreement",
        title="Disagreement of the ensemble (nats)",
        question="labels",
        space="labels",
        better="closer to real",
        formula=r"E_x\Bigl[H\Bigl(\frac{1}{M}\sum_m p_m(y\mid x)\Bigr)-\frac{1}{M}\sum_m H(p_m(y\mid x))\Bigr]",
        source="Houlsby et al., 2011; with networks trained apart: Lakshminarayanan et al., 2017",
        sees=("pca_50", "pca_20", "noise", "threshold", "shift", "mean_of_two", "part_noise"),
        blind=("copies",),
        role="description",
    ),
    Metric(
        name="classifier_score",
        title="Classifier score (as the Inception score)",
        question="labels",
        space="labels",
        better="closer to real",
        formula=r"\exp\,E_x\,\mathrm{KL}\bigl(p(y\mid x)\bigm\|p(y)\bigr)",
        source="Salimans et al., 2016; why not to rank by it: Barratt & Sharma, 2018",
        sees=("blur", "pca_50", "pca_20", "missing_class", "half_one_class", "distinct_100", "mean_of_two"),
        blind=("copies",),
        role="description",
    ),
)


def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """Return half the sum of absolute differences of two distributions: 0 if equal, 1 if disjoint."""
    return float(0.5 * np.abs(p - q).sum())


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence of two distributions (classes,), in nats (Lin, 1991): 0 to ln 2.

    Raises:
        ValueError: for unequal lengths, or shares that are not a distribution.
    """
    check_shares(p, "p")
    check_shares(q, "q")
    if p.shape != q.shape:
        raise ValueError(f"expected two distributions over the same classes, found {p.shape} and {q.shape}")
    middle = (p + q) / 2
    return max(0.0, float(rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2)


def g_test(counts: np.ndarray, reference: np.ndarray) -> float:
    """Return the p value of the G test that two sets of labels have equal frequencies (Sokal & Rohlf, 1981).

    This is a likelihood-ratio test. Both sides count as samples, the training labels too. Classes in neither set are
    left out. If only one class is left, there is nothing to test, and p is 1.

    Args:
        counts: (classes,) of predicted labels.
        reference: (classes,) of the labels that they are compared with.

    Raises:
        ValueError: for unequal lengths, negative counts, or a side without labels.
    """
    table = np.stack([counts, reference]) if counts.shape == reference.shape else np.empty(0)
    if table.ndim != 2 or (table < 0).any() or (table.sum(axis=1) == 0).any():
        raise ValueError(f"expected two arrays (classes,) of counts, found {counts.tolist()} and {reference.tolist()}")
    table = table[:, table.sum(axis=0) > 0]
    # G = 2 sum O ln(O / E), where E is (row sum) (column sum) / (total).
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    freedom = table.shape[1] - 1
    return float(chdtrc(freedom, 2 * rel_entr(table, expected).sum())) if freedom else 1.0


def missing_modes(p: np.ndarray, expected: np.ndarray) -> list[int]:
    """Return the classes whose share in `p` is below a tenth of the expected one; both (classes,)."""
    return [int(c) for c in np.flatnonzero(p < MISSING_BELOW * expected)]


def classifier_score(probabilities: np.ndarray) -> float:
    """Return exp E KL(p(y|x) || p(y)), with p(y) the mean over samples: 1 to the number of classes.

    This is the Inception score (Salimans et al., 2016) with the project's own classifier. It ignores differences within
    a class and rises with the confidence of the classifier, so it must not rank models.

    Args:
        probabilities: (n, classes), each row summing to 1.

    Raises:
        ValueError: for another number of axes, or rows that are not distributions.
    """
    if probabilities.ndim != 2:
        raise ValueError(f"expected probabilities of shape (n, classes), found {probabilities.shape}")
    check_shares(probabilities, "probabilities")
    p = probabilities.astype(np.float64)
    return float(np.exp(rel_entr(p, p.mean(axis=0)).sum(axis=1).mean()))
