"""A Bayesian network of the pixels: a mixture of Chow-Liu trees (Chow & Liu, 1968; Meila & Jordan, 2000).

A tree gives each pixel $i$ but the root one other pixel as its parent $\\pi(i)$. An image $b$ of ink, with pixels 0 and
1, then has the probability $\\prod_i p(b_i | b_{\\pi(i)})$. Of all trees, the maximum spanning tree for the mutual
information of each pair of pixels has the greatest likelihood. A mixture chooses one of several trees and draws the
image from it: $p(b) = \\sum_k w_k \\prod_i p_k(b_i | b_{\\pi_k(i)})$.

The trees of a mixture are fitted by EM, from clusters of k-means. A tree only needs the counts of pairs of pixels.
Where the grey level $x_i$ is the probability of ink, their expected values are known, $E[b_i] = x_i$ and
$E[b_i b_j] = x_i x_j$ for $i \\ne j$, so no ink is drawn. The E-step uses $E[\\log p_k(b)]$, which follows from the
same products. An image has the same responsibilities for each draw of its ink, so EM maximises a lower bound of the
expected log-likelihood. A single tree is fitted exactly. `smoothing` images with the pairs of the whole training set
are added to the images of each tree.

The log-probability of an image is exact, in nats. So is that of some pixels alone: the hidden ones are summed out by
messages from the leaves of each tree to the root. They are drawn from the root to the leaves.

To sample, choose a tree and draw each pixel given its parent. The images shown are the means, that is the probability
of each pixel given the parent that was drawn. The draws are kept as a second set, the observations.
"""

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import (
    DrawsInSteps,
    Exhibit,
    FamilyConfig,
    FittedModel,
    HasParts,
    Marginal,
    ObservationModel,
    Tell,
)
from pipeline.models.common.mixtures import draw_components, k_means, responsible
from pipeline.models.common.trees import chow_liu, drawn_tree, mutual_information, pairs


class BayesNet(FittedModel, Marginal, ObservationModel, HasParts, DrawsInSteps):
    """Hold the weights of the trees, their edges, and the probability of ink in each pixel given its parent.

    Before it is fitted, each tree is a chain in which a pixel tends to be as its parent.
    """

    class Config(FamilyConfig):
        trees: PositiveInt = 40
        steps: PositiveInt = 3  # of EM
        smoothing: float = Field(1.0, gt=0)  # in images
        side: PositiveInt = 28  # of the images, in pixels

    config: Config
    support = "ink"
    evidence = "exact"
    parents: Tensor
    order: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        trees, pixels = config.trees, config.side**2
        self.weights = nn.Parameter(torch.full((trees,), 1 / trees), requires_grad=False)
        self.ink_given = nn.Parameter(torch.tensor([0.25, 0.75]).repeat(trees, pixels, 1), requires_grad=False)
        self.register_buffer("parents", (torch.arange(pixels) - 1).clamp_min(0).repeat(trees, 1))  # the root is its own
        self.register_buffer("order", torch.arange(pixels).repeat(trees, 1))  # of the pixels, from the root
        self.ink_given[:, 0] = 0.5

    @torch.no_grad()
    def fit(self, images: Images, rng: torch.Generator, tell: Tell) -> None:
        x = images.flatten(1)
        # One image of fair coins makes all pairs possible.
        fair = torch.full_like(x[:1], 0.5)
        prior = (pairs(x, torch.ones_like(x[:, :1])) + pairs(fair, torch.ones_like(fair[:, :1]))) / (len(x) + 1)
        self.maximise(x, k_means(x, self.config.trees, rng), prior)
        for step in range(self.config.steps):
            log_joint = self.log_joint(x)
            self.maximise(x, log_joint.softmax(1), prior)
            tell(step + 1, self.config.steps, {"nats": -log_joint.logsumexp(1).mean().item()})

    def maximise(self, x: Tensor, responsibilities: Tensor, prior: Tensor) -> None:
        """Make the M-step: set the weights, and each tree with its probabilities.

        Args:
            x: the training images, (n, pixels).
            responsibilities: of the trees for the images, (n, trees).
            prior: the `pairs` of the average image.
        """
        total = responsibilities.sum(0) + self.config.smoothing
        self.weights.copy_(total / total.sum())
        for k in range(self.config.trees):
            chosen, shares = responsible(responsibilities[:, k])
            both = pairs(x[chosen], shares) + self.config.smoothing * prior
            both /= shares.double().sum() + self.config.smoothing
            self.order[k], self.parents[k] = chow_liu(mutual_information(both))
            ink, root = both.diagonal(), self.order[k, 0]
            with_parent, parent = both.gather(1, self.parents[k, :, None]).squeeze(1), ink[self.parents[k]]
            given = torch.stack([(ink - with_parent) / (1 - parent), with_parent / parent], 1)
            given[root] = ink[root]
            self.ink_given[k] = given.clamp(1e-6, 1 - 1e-6)  # in float32, 1 - p would be 0 for less

    def log_joint(self, b: Tensor) -> Tensor:
        """Return log p(b, k) of images of ink (n, pixels) and trees, (n, trees).

        For grey images it is the expected value, because it is linear in each pixel.
        """
        # log p(b_i | b_j) = blank + own b_i + parent b_j + both b_i b_j, with j the parent of i.
        log_blank, log_ink = self.ink_given.neg().log1p(), self.ink_given.log()
        blank, own = log_blank[..., 0], log_ink[..., 0] - log_blank[..., 0]
        parent, both = log_blank[..., 1] - blank, log_ink[..., 1] - log_blank[..., 1] - own
        linear, constant = own.scatter_add(1, self.parents, parent), self.weights.log() + blank.sum(1)
        found = []
        for batch in b.split(500):
            columns = batch.T.contiguous()  # rows are faster to select
            products = [both[k] @ (columns[parents] * columns) for k, parents in enumerate(self.parents)]
            found.append(constant + batch @ linear.T + torch.stack(products, 1))
        return torch.cat(found)

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator, known: Images | None = None) -> Nats:
        log_joint = self.log_joint(images.flatten(1)) if known is None else self.messages(images, known)[0]
        return log_joint.logsumexp(1)

    def messages(self, images: Images, known: Images) -> tuple[Tensor, Tensor]:
        """Sum out the hidden pixels, from the leaves of each tree to its root.

        Returns: log p(known pixels, k), (n, trees); and for each pixel the log-odds of ink from what is known of it and
        of the pixels below it in the tree, (trees, pixels, n).
        """
        b, hidden = images.flatten(1).T, known.flatten(1).T == 0  # (pixels, n)
        possible = torch.stack([b == 0, b == 1], 1) | hidden[:, None]
        below = possible.float().log().repeat(self.config.trees, 1, 1, 1)  # (trees, pixels, 2, n)
        tree, message = torch.arange(self.config.trees, device=b.device), below[:, 0]
        log_blank, log_ink = self.ink_given.neg().log1p()[..., None], self.ink_given.log()[..., None]
        for pixel in self.order.T.flip(0):  # one of each tree, (trees,)
            blank, ink = below[tree, pixel].split(1, dim=1)  # (trees, 1, n)
            message = torch.logaddexp(log_blank[tree, pixel] + blank, log_ink[tree, pixel] + ink)  # (trees, 2, n)
            below[tree, self.parents[tree, pixel]] += message
        return self.weights.log() + message[:, 0].T, below[:, :, 1] - below[:, :, 0]

    def descend(self, trees: Tensor, odds: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw an image from each tree (n,), from the root to the leaves, given the log-odds (n, pixels) from below.

        Returns: the probability of each pixel given the parent that was drawn, and the draws, (n, pixels) each.
        """
        uniform = torch.rand(odds.shape, generator=rng).to(odds.device)
        means, b, image = torch.zeros_like(odds), torch.zeros_like(odds), torch.arange(len(odds), device=odds.device)
        for pixel in self.order[trees].T:  # one of each image, (n,)
            parent = b[image, self.parents[trees, pixel]].long()
            mean = (self.ink_given[trees, pixel, parent].logit() + odds[image, pixel]).sigmoid()
            means[image, pixel], b[image, pixel] = mean, (uniform[image, pixel] < mean).float()
        return means, b

    @torch.no_grad()
    def complete(self, images: Images, known: Images, rng: torch.Generator) -> Images:
        log_joint, odds = self.messages(images, known)
        trees = draw_components(log_joint, rng)
        image = torch.arange(len(trees), device=odds.device)
        return self.descend(trees, odds[trees, :, image], rng)[1].view_as(images)  # what is known has infinite odds

    @torch.no_grad()
    def sample_observed(self, count: int, rng: torch.Generator) -> tuple[Images, Images]:
        trees = draw_components(self.weights.log().expand(count, -1), rng)
        means, b = self.descend(trees, torch.zeros(count, self.config.side**2, device=self.device), rng)
        shape = count, 1, self.config.side, self.config.side
        return means.view(shape), b.view(shape)

    def sample(self, count: int, rng: torch.Generator) -> Images:
        return self.sample_observed(count, rng)[0]

    @torch.no_grad()
    def parts(self, rng: torch.Generator) -> Exhibit:
        side, heaviest = self.config.side, self.weights.topk(min(3, len(self.weights))).indices
        trees = [drawn_tree(self.parents[k].cpu(), side) for k in heaviest]
        return Exhibit(
            "Trees over the pixels",
            "The heaviest trees. Each pixel is a dot, and a line joins it to its parent.",
            torch.stack(trees)[None],
        )

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        side, pixels = self.config.side, self.config.side**2
        trees = draw_components(self.weights.log().expand(8, -1), rng)
        _, b = self.descend(trees, torch.zeros(8, pixels, device=self.device), rng)
        rank = self.order[trees].argsort(1)
        steps = [torch.where(rank < share * pixels // 6, b, 0.5) for share in range(1, 7)]
        return Exhibit(
            "From the root to the leaves",
            "Each row is one sample: a tree is chosen, and the pixels are drawn from its root in the middle outwards. "
            "Grey pixels are not drawn yet.",
            torch.stack(steps, 1).unflatten(2, (side, side)),
        )
