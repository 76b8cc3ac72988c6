"""Fit a small density to samples, and ask it how probable real images are.

The student needs samples only, so every source has one: known images, and samples that were made elsewhere. It is a
mixture of Chow-Liu trees over ink. What it says of real images is not the likelihood of the model that made the
samples. It says how much of the real images could be learned from the samples, and it has not learned more from a
model that shows less.
"""

import torch
from torch import Tensor

from pipeline.core.shapes import Images, as_images
from pipeline.models.bayes_net import BayesNet

TREES, STEPS, SMOOTHING = 10, 2, 1.0  # of the mixture: its trees, steps of EM, images that are added to each


def student_nats(samples: Tensor, ink: Images) -> float:
    """Return the mean log-probability of ink under a student of samples (m, side, side) as bytes, in nats."""
    torch.manual_seed(0)
    student = BayesNet(BayesNet.Config(trees=TREES, steps=STEPS, smoothing=SMOOTHING, side=samples.shape[-1]))
    student.fit(as_images(samples), torch.Generator().manual_seed(0), lambda step, steps, logged: None)
    return float(student.log_prob(ink, torch.Generator()).double().mean())
