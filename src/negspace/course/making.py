"""Making: a plan on a network, ready to begin pictures."""

from typing import final

from PIL import Image
from torch import Tensor

from negspace.avoid.plan import Plan
from negspace.encoding import Encoder
from negspace.engine import Lane, canvas_of, draw
from negspace.engine.casting import Casting
from negspace.facts import Prediction
from negspace.guidance import Space, make
from negspace.models.base import Network

_SPACES: dict[Prediction, Space] = {"epsilon": "eps", "v_prediction": "v", "flow": "flow"}


@final
class Making:
    """A plan on a network: its rule, and its texts encoded once for all pictures.

    Args:
        network: what makes them.
        planned: the plan.
        encoder: reads the texts.

    Attributes:
        plan, network, encoder: as given.
        casting: what each side says at each step.

    Raises:
        NegspaceError: the network cannot host the rule, or a text cannot be encoded.
    """

    def __init__(self, network: Network, planned: Plan, encoder: Encoder) -> None:
        self.network = network
        self.plan = planned
        self.encoder = encoder
        self._rule = make(planned.rule, scale=planned.scale)
        for patch in self._rule.patches():
            network.host(patch)
        self.casting = Casting(encoder, network.facts, planned)
        start = planned.request.start
        self._canvas = None if start is None else canvas_of(start, network, planned.steps)

    @property
    def redraws(self) -> bool:
        """Whether anything of the picture is made: a mask may keep all of it."""
        return self._canvas is None or self._canvas.redraws

    def lane(self, seed: int) -> Lane:
        """A picture to be made."""
        planned, network = self.plan, self.network
        shape = network.latent_shape(planned.width, planned.height)
        sampler = network.sampler(planned.sampler, planned.steps, shape)
        noise = draw(seed, shape).to(network.device)
        return Lane(
            seed=seed,
            noise=noise,
            sampler=sampler,
            rule=self._rule,
            space=_SPACES[network.facts.prediction],
            casts=self.casting.casts(sampler.evaluations),
            negatives=self.casting.negatives(sampler.evaluations),
            canvas=self._canvas,
            numbers=network.numbers(planned.carried, planned.width, planned.height),
        )

    def picture(self, lane: Lane) -> Image.Image:
        """The picture of a lane as far as it has come, with every pixel that is kept, RGB."""
        return self._whole(lane.x)

    def preview(self, lane: Lane) -> Image.Image | None:
        """The picture that the last step of a lane foresaw, with every pixel that is kept, RGB; None before
        it."""
        return None if lane.clean is None else self._whole(lane.clean)

    def _whole(self, latents: Tensor) -> Image.Image:
        made = Image.fromarray(self.network.decode(latents))
        start = self.plan.request.start
        if start is None or start.mask is None:
            return made
        return Image.composite(made, start.picture.image(), start.mask.image())
