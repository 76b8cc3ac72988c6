"""Find the tree over the pixels that explains images best, and draw it (Chow & Liu, 1968)."""

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from torch import Tensor
from torch.special import entr


def pairs(x: Tensor, shares: Tensor) -> Tensor:
    """Return how much ink to expect in each pair of pixels, and on the diagonal in each pixel, (pixels, pixels).

    The sum is over images (n, pixels) in float64, each times its share (n, 1).
    """
    shared = shares * x
    return (shared.T @ x).double().fill_diagonal_(0) + shared.double().sum(0).diag()


def mutual_information(both: Tensor) -> Tensor:
    """Return the mutual information of each pair of pixels in nats, from the probability that both have ink."""
    first, second = both.diagonal()[:, None], both.diagonal()[None, :]
    cells = torch.stack([both, first - both, second - both, 1 - first - second + both])
    return sum(entr(p) + entr(1 - p) for p in (first, second)) - entr(cells.clamp_min(0)).sum(0)


def chow_liu(information: Tensor) -> tuple[Tensor, Tensor]:
    """Return the order of the pixels in the maximum spanning tree, from its root in the middle, and their parents."""
    edges = np.triu(information.cpu().numpy().clip(min=0) + 1e-9, 1)  # scipy takes 0 for no edge
    root = len(edges) // 2 + int(len(edges) ** 0.5) // 2
    order, parents = breadth_first_order(minimum_spanning_tree(csr_matrix(-edges)), root, directed=False)
    parents[root] = root
    return torch.from_numpy(order).to(information.device), torch.from_numpy(parents).to(information.device)


def drawn_tree(parents: Tensor, side: int) -> Tensor:
    """Return a picture of a tree (pixels,) of side x side pixels: a dot for each, and a line to its parent."""
    cell, steps = 8, torch.linspace(0, 1, 8 * side)[:, None]
    places = torch.stack([torch.arange(side**2) // side, torch.arange(side**2) % side], 1) * cell + cell // 2
    down, right = (places + steps[..., None] * (places[parents] - places)).round().long().flatten(0, 1).T
    picture = torch.zeros(side * cell, side * cell)
    picture[down, right] = 0.6
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        picture[places[:, 0] + dy, places[:, 1] + dx] = 1
    return picture
