"""The paper's two models as a tutorial trains them: what our loop is measured against."""

import os
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST


def mnist(idx_files: Path, folder: Path, signed: bool) -> MNIST:
    """torchvision's data set over the idx files that are here; `folder` gets links to them."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for file in idx_files.iterdir():
        link = raw / file.name
        if not link.exists():
            os.symlink(file.resolve(), link)
    steps = [transforms.ToTensor(), *([transforms.Normalize((0.5,), (0.5,))] if signed else [])]
    return MNIST(str(folder), transform=transforms.Compose(steps))


def train_gan(images: MNIST | Subset, epochs: int) -> list[tuple[float, float]]:
    """Algorithm 1 with two passes of the discriminator; returns its loss and the generator's at each step."""
    generator = nn.Sequential(
        *(nn.Linear(128, 256), nn.LeakyReLU(0.2), nn.Linear(256, 512), nn.LeakyReLU(0.2)),
        *(nn.Linear(512, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 784), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Linear(784, 1024), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Linear(1024, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1), nn.Sigmoid()),
    )
    adam_g = torch.optim.Adam(generator.parameters(), lr=2e-4)
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4)
    bce, losses = nn.BCELoss(), []
    for _ in range(epochs):
        for batch, _ in DataLoader(images, batch_size=256, shuffle=True):
            real = batch.view(len(batch), -1)
            ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

            adam_d.zero_grad()
            fake = generator(torch.randn(len(real), 128)).detach()
            loss_d = bce(discriminator(real), ones) + bce(discriminator(fake), zeros)
            loss_d.backward()
            adam_d.step()

            adam_g.zero_grad()
            loss_g = bce(discriminator(generator(torch.randn(len(real), 128))), ones)
            loss_g.backward()
            adam_g.step()
            losses.append((loss_d.item(), loss_g.item()))
    return losses


class TextbookVae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
        self.mean, self.log_var = nn.Linear(256, 2), nn.Linear(256, 2)
        self.decoder = nn.Sequential(
            *(nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 784), nn.Sigmoid())
        )

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Listing 1: summed over the batch."""
        hidden = self.trunk(x)
        mean, log_var = self.mean(hidden), self.log_var(hidden)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        bce = binary_cross_entropy(self.decoder(z), x, reduction="sum")
        return bce - 0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())


def train_vae(images: MNIST | Subset, epochs: int) -> TextbookVae:
    """Algorithm 2."""
    vae = TextbookVae()
    adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
    total = 0.0
    for _ in range(epochs):
        for batch, _ in DataLoader(images, batch_size=100, shuffle=True):
            adam.zero_grad()
            loss = vae.loss(batch.view(len(batch), -1))
            loss.backward()
            adam.step()
            total += loss.item()
    return vae
