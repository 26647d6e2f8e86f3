"""Muon: momentum whose matrices are made orthogonal, K. Jordan et al., Muon: An optimizer for hidden layers
in neural networks (2024); scaled to AdamW's step size as in J. Liu et al., Muon is Scalable for LLM Training
(arXiv 2502.16982), equation 4."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """For weights of two dimensions or more; a convolution's is read as [out, in * height * width]."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                held = self.state[p].setdefault("momentum", torch.zeros_like(p))
                held.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(held, group["momentum"])
                flat = orthogonal(update.reshape(len(update), -1))
                size = 0.2 * max(flat.shape) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(flat.reshape(p.shape).to(p.dtype), alpha=-group["lr"] * size)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrix [m, n] with singular values of about 1, by a quintic Newton-Schulz iteration."""
    a, b, c = _COEFFICIENTS
    x = matrix.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = (x / (x.norm() + 1e-7)).contiguous()
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.T
