"""CFG++: the clean picture is guided, and the noise that is added back is that of the negative prediction."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from negspace.errors import RequestError
from negspace.guidance.base import Step, setting
from negspace.guidance.shared.substitution import Substitution


@final
@dataclass(frozen=True)
class CfgPp(Substitution):
    """d = d_n + l q / (q - q') (d_c - d_n), Chung et al., arXiv 2406.08070, algorithm 2; any space.

    q = s/a is the noise of this step, q' that of the next. The paper guides the clean picture with
    l = lambda and adds noise back with eps_n: x' = a' x0(eps_n + l (eps_c - eps_n)) + s' eps_n. A
    deterministic sampler of first order, x' = a' x0(d) + s' d, makes exactly this step with the d above,
    since dx'/dd = s' - a' s/a = -a' (q - q'). So it is exact for DDIM and Euler. Samplers of second order
    extrapolate from it. Samplers that draw new noise ("Euler a", "DDPM", SDE) go below q' before they draw,
    so their step is milder than the paper's. Two evaluations.

    It is a rule and no wrapper, because lambda has no value that means off: lambda = 1 takes the clean
    picture of d_c and the noise of d_n. To keep the meaning of a scale, lambda is `scale / full`; the default
    of full follows the paper's table, which matches 0.2, 0.4, 0.6, 0.8 and 1 with scales 2, 5, 7.5, 9 and
    12.5.

    Attributes:
        strength: how much of w - 1 acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "cfg_pp"
    formula = "d = d_n + (w / f) q / (q - q') (d_c - d_n)"
    paper = "Chung et al., CFG++: Manifold-constrained Classifier Free Guidance, arXiv 2406.08070"
    space = "any"

    scale: float = setting(7.5, "w, f times the paper's lambda; 1 is off", low=0)
    full: float = setting(12.5, "f, the scale that means lambda = 1", low=1e-6)

    def remarks(self, steps: int) -> Iterator[str]:
        """That its factor is below 1 in half of the steps or more. How the noise falls is not known yet: in
        common schedules q / (q - q') is about 0.5 + steps / 5 in the middle."""
        stretch = 0.5 + steps / 5
        usual = self.scale / self.full * stretch
        if self.scale != 1.0 and usual < 1.0:
            yield (
                f"at scale {self.scale:g} in {steps} steps the factor of cfg_pp is about {usual:.2g}, and "
                "below 1 it draws what is avoided; "
                f"use scale {self.full / stretch:.2g} or more, a lower `full`, or cfg"
            )

    def factor(self, scale: float, step: Step) -> float:
        return scale / self.full * _stretch(step)


def _stretch(step: Step) -> float:
    """q / (q - q'), in a form that also holds in pure noise, where q is infinite."""
    a, s = step.a, step.s
    a_next, s_next = step.following
    falls = a_next * s - a * s_next
    if falls <= 0:
        raise RequestError(
            "rule cfg_pp needs noise that falls at every evaluation; this sampler evaluates a level twice, "
            "so use DDIM or Euler"
        )
    return a_next * s / falls
