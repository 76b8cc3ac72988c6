"""A mixture of factor analysers (Ghahramani & Hinton, 1996) for the normal quantiles of the pixels.

A grey level becomes a number in $[0, 1)$ with uniform noise $u$: $v = (level + u) / 256$. Most pixels are black, and
$v$ is then mostly this noise, which no Gaussian describes well. So each pixel $i$ is replaced by the normal quantile of
its rank among the training images, $z_i = \\Phi^{-1}(F_i(v_i))$. Here $F_i$ is the distribution function of the pixel,
linear inside each level. It counts the levels of the training images, and ten images with the levels of all pixels.
Each $z_i$ by itself is then standard normal.

Together they have a mixture of Gaussians. Component $k$ has the mean $\\mu_k$ and the covariance
$W_k W_k^T + \\Psi_k$: a few factors $f \\sim N(0, I)$ move all pixels at once, by $W_k f$, and the diagonal
$\\Psi_k$ is noise of each pixel by itself (Richardson & Weiss, 2018, describe images in this way). The mixture is
fitted by EM, from clusters of k-means. Only the mean and the variance of $z$ over $u$ enter, which are those of
truncated normal distributions, so no $u$ is drawn. `smoothing` standard normal images are added to the images of each
component, and `ridge` penalises the squares of the loadings, in units of the noise.

The density of $v$ is exact: $\\log p(v) = \\log p(z) + \\sum_i \\log \\frac{dz_i}{dv_i}$. By Jensen's inequality it
bounds the log-probability of the grey levels $x$ from below, $\\log P(x) \\ge E_u \\log p(v) - 784 \\log 256$. The
log-probability given here is the right side for one draw of $u$, in nats per image. Hidden pixels are integrated out of
it, or drawn given the $v$ of the known ones.

To sample, choose a component, draw the factors and the noise of each pixel, and invert the quantiles. The draws have
the density, but look salted: with much noise a black pixel turns white. The images shown are the means, that is the
expected level of each pixel given the component and the factors. The draws are kept as a second set, the observations.
"""

import math

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, einsum, nn

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
from pipeline.models.common.quantiles import LOG_2_PI, Quantiles, dequantised

BATCH = 1000  # training images at once
STARTS = 8  # M-steps with the clusters of k-means


class Gmm(FittedModel, Marginal, ObservationModel, HasParts, DrawsInSteps):
    """Hold the quantiles, and of each component the weight, the mean, the loadings and the variances of the noise."""

    class Config(FamilyConfig):
        components: PositiveInt = 50
        factors: PositiveInt = 16
        steps: PositiveInt = 4  # of EM
        smoothing: float = Field(5.0, gt=0)  # in images
        ridge: float = Field(10.0, gt=0)
        side: PositiveInt = 28  # of the images, in pixels

    config: Config
    support = "levels"
    evidence = "exact"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        components, pixels, factors = config.components, config.side**2, config.factors
        self.quantiles = Quantiles(pixels)
        self.weights = nn.Parameter(torch.full((components,), 1 / components), requires_grad=False)
        self.means = nn.Parameter(torch.zeros(components, pixels), requires_grad=False)
        loadings = torch.randn(components, pixels, factors) / factors**0.5
        self.loadings = nn.Parameter(loadings, requires_grad=False)
        self.noise = nn.Parameter(torch.ones(components, pixels), requires_grad=False)

    @torch.no_grad()
    def fit(self, images: Images, rng: torch.Generator, tell: Tell) -> None:
        x = images.flatten(1)
        self.quantiles.fit(x)
        moments = [self.quantiles.moments(batch) for batch in x.split(BATCH)]
        z, variance, log_slope = (torch.cat(each) for each in zip(*moments, strict=True))
        self.means.zero_()
        self.noise.fill_(1)
        self.loadings.copy_(torch.randn(self.loadings.shape, generator=rng) / self.config.factors**0.5)
        clusters = k_means(x, self.config.components, rng)
        for _ in range(STARTS):
            self.maximise(z, variance, clusters)
        for step in range(self.config.steps):
            batches = zip(z.split(BATCH), variance.split(BATCH), strict=True)
            log_joint = torch.cat([self.expected_log_joint(*batch) for batch in batches])
            self.maximise(z, variance, log_joint.softmax(1))
            nats = x.shape[1] * math.log(256) - (log_joint.logsumexp(1) + log_slope).mean().item()
            tell(step + 1, self.config.steps, {"nats": nats})

    def expected_log_joint(self, z: Tensor, variance: Tensor) -> Tensor:
        """Return E log p(z, k) for the mean and variance of quantiles, (n, pixels) each: (n, components)."""
        log_joint, _, covariance = self.infer(z, torch.ones_like(z[:1]))
        scaled = self.loadings / self.noise[..., None]
        precision = 1 / self.noise - einsum("kdr,krs,kds->kd", scaled, covariance[0], scaled)  # of one pixel
        return log_joint - variance @ precision.T / 2

    def maximise(self, z: Tensor, variance: Tensor, responsibilities: Tensor) -> None:
        """Make the M-step, with the factors that the present parameters expect for each image.

        Args:
            z: the mean of the quantiles of each image over the noise u, (n, pixels).
            variance: their variance over the noise u, (n, pixels).
            responsibilities: of the components for the images, (n, components).
        """
        smoothing, size = self.config.smoothing, self.config.factors
        total = responsibilities.sum(0) + smoothing
        self.weights.copy_(total / total.sum())
        # The mean is the loading of one factor more, which is always 1.
        penalty = torch.tensor([self.config.ridge] * size + [smoothing], dtype=torch.double, device=z.device)
        for k in range(self.config.components):
            chosen, shares = responsible(responsibilities[:, k])
            own, within = z[chosen], (shares * variance[chosen]).sum(0)
            scaled = self.loadings[k] / self.noise[k, :, None]
            covariance = torch.linalg.inv(scaled.T @ self.loadings[k] + torch.eye(size, device=z.device))
            regression = scaled @ covariance  # of the factors on the pixels
            factors = torch.cat([(own - self.means[k]) @ regression, torch.ones_like(shares)], 1)
            with_pixels = ((shares * own).T @ factors).double()
            with_pixels[:, :size] += within[:, None] * regression
            together = ((shares * factors).T @ factors).double() + penalty.diag()
            together[:size, :size] += shares.sum() * covariance + (within * regression.T) @ regression
            loadings = torch.linalg.solve(together, with_pixels.T).T
            squares = (shares * own.square()).sum(0) + within + smoothing - (loadings * with_pixels).sum(1)
            self.noise[k] = squares / (shares.sum() + smoothing)
            self.loadings[k], self.means[k] = loadings[:, :size], loadings[:, size]

    def infer(self, z: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Infer the component and the factors of images from their known pixels.

        Args:
            z: the quantiles, (n, pixels).
            known: 1 where a pixel is known, else 0, (n, pixels); or (1, pixels) if all images are alike in this.

        Returns: log p(known z, k), (n, components); and of the factors in each component the mean (n, components,
        factors) and the covariance (n or 1, components, factors, factors).
        """
        z, precision = z * known, 1 / self.noise
        scaled = self.loadings * precision[..., None]  # (components, pixels, factors)
        products = scaled[..., None] * self.loadings[:, :, None]
        information = einsum("nd,kdrs->nkrs", known, products) + torch.eye(self.config.factors, device=z.device)
        covariance = torch.linalg.inv(information)
        shift = einsum("nd,kdr->nkr", z, scaled) - einsum("nd,kdr->nkr", known, scaled * self.means[..., None])
        mean = einsum("nkrs,nks->nkr", covariance, shift)
        squares = z.square() @ precision.T - 2 * z @ (precision * self.means).T - (shift * mean).sum(2)
        constant = known @ (precision * self.means.square() + self.noise.log() + LOG_2_PI).T + information.logdet()
        return self.weights.log() - (squares + constant) / 2, mean, covariance

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator, known: Images | None = None) -> Nats:
        known_pixels = (torch.ones_like(images[:1]) if known is None else known).flatten(1)
        log_density = self.log_density(dequantised(images.flatten(1), rng), known_pixels)
        return log_density - known_pixels.sum(1) * math.log(256)

    def log_density(self, v: Tensor, known: Tensor) -> Nats:
        """Return the log-density of the known pixels of v (n, pixels) in [0, 1); for `known` see `infer`."""
        z, log_slope = self.quantiles(v)
        return self.infer(z, known)[0].logsumexp(1) + (known * log_slope).sum(1)

    def draw(self, z: Tensor, known: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw images given the known quantiles; for these see `infer`.

        Returns: the expected levels given the component and the factors that were drawn, and the images, (n, pixels).
        """
        log_joint, mean, covariance = self.infer(z, known)
        k, image = draw_components(log_joint, rng), torch.arange(len(z), device=z.device)
        root = torch.linalg.cholesky(covariance.expand(len(z), -1, -1, -1)[image, k])
        of_factors, of_pixels = (torch.randn(len(z), each, generator=rng).to(z) for each in (mean.shape[2], z.shape[1]))
        factors = mean[image, k] + einsum("nrs,ns->nr", root, of_factors)
        centre, scale = self.means[k] + einsum("ndr,nr->nd", self.loadings[k], factors), self.noise[k].sqrt()
        drawn = self.quantiles.inverse(centre + scale * of_pixels)
        return self.quantiles.expected(centre, scale), (256 * drawn).floor().float() / 255

    @torch.no_grad()
    def complete(self, images: Images, known: Images, rng: torch.Generator) -> Images:
        z, _ = self.quantiles(dequantised(images.flatten(1), rng))
        _, drawn = self.draw(z, known.flatten(1), rng)
        return torch.where(known > 0, images, drawn.view_as(images))

    @torch.no_grad()
    def sample_observed(self, count: int, rng: torch.Generator) -> tuple[Images, Images]:
        hidden = torch.zeros(count, self.config.side**2, device=self.device)
        means, drawn = self.draw(hidden, hidden[:1], rng)
        shape = count, 1, self.config.side, self.config.side
        return means.view(shape), drawn.view(shape)

    def sample(self, count: int, rng: torch.Generator) -> Images:
        return self.sample_observed(count, rng)[0]

    @torch.no_grad()
    def parts(self, rng: torch.Generator) -> Exhibit:
        side, rows = self.config.side, []
        for k in self.weights.topk(min(8, len(self.weights))).indices:
            directions = torch.linalg.svd(self.loadings[k], full_matrices=False)
            moves = (directions.U * directions.S)[:, :3].T  # of the pixels, by one standard deviation
            centres = torch.cat(
                [self.means[k, None], *(torch.stack([-2 * move, 2 * move]) + self.means[k] for move in moves)]
            )
            rows.append(self.quantiles.expected(centres, self.noise[k].sqrt().expand_as(centres)))
        return Exhibit(
            "Components and their factors",
            "Each row is one component, the heaviest first: its mean, and then its first three principal factors, each "
            "at −2 and at +2 standard deviations.",
            torch.stack(rows).unflatten(2, (side, side)),
        )

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        side = self.config.side
        hidden = torch.zeros(8, side**2, device=self.device)
        k = draw_components(self.weights.log().expand(len(hidden), -1), rng)
        factors = torch.randn(len(hidden), self.config.factors, generator=rng).to(hidden)
        centre, scale = self.means[k] + einsum("ndr,nr->nd", self.loadings[k], factors), self.noise[k].sqrt()
        noise = scale * torch.randn(hidden.shape, generator=rng).to(hidden)
        steps = [
            self.quantiles.expected(self.means[k], scale),
            self.quantiles.expected(centre, scale),
            self.quantiles.inverse(centre + noise).float(),
        ]
        return Exhibit(
            "From a component to an image",
            "Each row is one sample: the mean of the component that was chosen, the mean with the factors that were "
            "drawn, and the image with the noise of each pixel.",
            torch.stack(steps, 1).unflatten(2, (side, side)),
        )
