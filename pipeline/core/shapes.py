"""The shapes that cross module borders. The tests check them at run time; production does not pay."""

from jaxtyping import Float, Int, UInt8
from torch import Tensor

Images = Float[Tensor, "n 1 28 28"]  # pixel values in [0, 1]
Pixels = UInt8[Tensor, "n 28 28"]  # as stored: 0 is background, 255 is ink
Codes = Float[Tensor, "n latent"]
Labels = Int[Tensor, "n"]


def as_images(pixels: Pixels) -> Images:
    """Stored bytes as the float images that models see."""
    return pixels.unsqueeze(1).float() / 255


def as_pixels(images: Images) -> Pixels:
    """Float images as the bytes that are stored: clipped to [0, 1], rounded to the nearest of 256 levels."""
    return (images.clamp(0, 1) * 255).round().byte().squeeze(1)


def labels_at(chosen: Int[Tensor, "m"], labels: Labels | None) -> Int[Tensor, "m"] | None:
    """The labels at these indices, where there are labels: only some models are told them."""
    return None if labels is None else labels[chosen]
