"""Name the shapes of arrays that modules exchange. Only the tests check them, so a run loses no time."""

from jaxtyping import Float, Int, UInt8
from torch import Tensor

Images = Float[Tensor, "n 1 height width"]  # pixel values in [0, 1]
Pixels = UInt8[Tensor, "n 28 28"]  # as stored: 0 is background, 255 is ink
Nats = Float[Tensor, "n"]  # log-probabilities or energies
Codes = Float[Tensor, "n latent"]
Labels = Int[Tensor, "n"]


def as_images(pixels: Pixels) -> Images:
    """Return stored bytes as float images, which models take."""
    return pixels.unsqueeze(1).float() / 255


def as_pixels(images: Images) -> Pixels:
    """Return float images as the bytes to store: clipped to [0, 1], rounded to the nearest of 256 levels."""
    return (images.clamp(0, 1) * 255).round().byte().squeeze(1)


def standardised(images: Images) -> Images:
    """Return images with about zero mean and unit variance, as networks expect them: by the pixels of MNIST."""
    return (images - 0.1307) / 0.3081


def labels_at(chosen: Int[Tensor, "m"], labels: Labels | None) -> Int[Tensor, "m"] | None:
    """Return the labels at these indices; None without labels, which only some models take."""
    return None if labels is None else labels[chosen]
