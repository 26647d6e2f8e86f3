"""Thumbs over what a judge sees."""

import numpy as np
from PIL import Image

from negspace.feedback.thumbs import propose
from negspace.judge import Quality, propose_from_thumbs

RNG = np.random.default_rng(5)


def picture(grain: float, level: float = 128) -> Image.Image:
    values = level + RNG.normal(0, grain, (32, 32, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def test_what_disliked_pictures_have_is_proposed_and_nothing_else() -> None:
    disliked, liked = [picture(40) for _ in range(9)], [picture(1) for _ in range(9)]
    (found,) = propose_from_thumbs(Quality(), disliked, liked, concepts=["noise", "overexposed", "teapot"])
    assert (found.concept, found.disliked, found.liked) == ("noise", 9, 0)
    revision = propose(None, [found], (9, 9))
    assert [avoid.term for avoid in revision.avoid_list.avoids] == ["noise"]
    assert propose_from_thumbs(Quality(), disliked, disliked) == ()
    assert propose_from_thumbs(Quality(), disliked[:1], liked[:1]) == ()
