"""Measures of a picture: computed by hand, and laws."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFilter

from negspace.errors import JudgeError
from negspace.judge import MEASURES, Calibration, ConceptDetector, Quality
from negspace.judge.judges import quality as q


def grey(rows: object) -> np.ndarray:
    """[h, w] of grey levels as a picture."""
    return np.repeat(np.asarray(rows, float)[..., None], 3, axis=-1)


def picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


RNG = np.random.default_rng(4)
SCENE = np.kron(RNG.integers(40, 216, (12, 12, 3)), np.ones((7, 7, 1))).astype(
    float
)  # patches with sharp edges


def test_noise_of_one_bright_pixel_by_hand() -> None:
    """A pixel of 9 in the middle of 5x5: the nine places see 4, four times -2 and four times 1 times 9."""
    plane = np.zeros((5, 5))
    plane[2, 2] = 9
    assert q.noise(grey(plane)) == pytest.approx(np.sqrt(np.pi / 2) / 6 * 9 * (4 + 4 * 2 + 4 * 1) / 9)


def test_noise_finds_the_deviation_of_white_noise() -> None:
    assert q.noise(grey(128 + RNG.normal(0, 7, (200, 200)))) == pytest.approx(7, rel=0.05)


def test_blockiness_of_a_step_by_hand() -> None:
    """One step of 20 between rows 7 and 8 of 16: 20 at the border, 0 in fourteen rows; the other way
    nothing.
    """
    plane = np.zeros((16, 16))
    plane[8:] = 20
    assert q.blockiness(grey(plane)) == pytest.approx(((20 + 1) / (0 + 1) + 1) / 2)


def test_colourfulness_of_two_colours_by_hand() -> None:
    """Red (200, 0, 0) and black: rg is 200 and 0, yb is 100 and 0; deviations 100 and 50, means 100 and
    50.
    """
    rgb = np.zeros((2, 2, 3))
    rgb[0, :, 0] = 200
    assert q.colourfulness(rgb) == pytest.approx(1.3 * np.hypot(100, 50))


def test_exposure_and_greyness_by_hand() -> None:
    half = grey([[255, 255], [0, 0]])
    assert (q.overexposure(half), q.underexposure(half), q.greyness(half)) == (0.5, 0.5, 1.0)
    assert q.greyness(np.full((2, 2, 3), [255.0, 0.0, 0.0])) == 0.0


def test_a_frame_is_found_and_a_plain_sky_is_none() -> None:
    framed = np.full((84 + 16, 84 + 16, 3), 255.0)
    framed[8:-8, 8:-8] = SCENE
    assert q.border(framed) == pytest.approx(1 - 84**2 / 100**2)
    sky = np.concatenate([np.full((30, 84, 3), 90.0), SCENE])
    assert q.border(sky) == 0.0 == q.border(SCENE)
    assert q.border(np.zeros((4, 4, 3))) == 1.0


def test_a_picture_that_is_blurred_more_is_blurrier() -> None:
    sharp = picture(SCENE)
    values = [q.blur(np.asarray(sharp.filter(ImageFilter.GaussianBlur(r)), float)) for r in (0, 1, 2, 4)]
    assert values == sorted(values) and values[0] < 0.3 < 0.6 < values[-1]


def test_stronger_compression_shows_more_blocks() -> None:
    smooth = picture(SCENE).resize((256, 256)).filter(ImageFilter.GaussianBlur(6))

    def compressed(quality: int) -> float:
        buffer = BytesIO()
        smooth.save(buffer, "JPEG", quality=quality)
        return q.blockiness(np.asarray(Image.open(buffer).convert("RGB"), float))

    assert compressed(5) > 1.25 > compressed(95)


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
@settings(max_examples=60, deadline=None)
def test_every_measure_is_a_number_of_any_picture_and_does_not_know_left_from_right(
    values: np.ndarray,
) -> None:
    scores, mirrored = Quality().observe([Image.fromarray(values), Image.fromarray(values[:, ::-1].copy())])
    assert np.isfinite(scores).all()
    for measure, one, other in zip(MEASURES, scores, mirrored, strict=True):
        if measure.name != "blockiness" or values.shape[1] % 8 == 0:  # blocks begin at the left
            assert one == pytest.approx(other, abs=1e-6), measure.name


def test_sights_say_score_threshold_and_unit() -> None:
    blurred = picture(SCENE).filter(ImageFilter.GaussianBlur(4))
    ((sharp, hat), (soft, _)) = Quality().look([picture(SCENE), blurred], ["Out of focus", "hat"])
    assert (sharp.verdict, soft.verdict, sharp.concept) == ("absent", "seen", "Out of focus")
    assert soft.score is not None and soft.threshold == 0.6 <= soft.score and not soft.calibrated
    assert hat.verdict == "unknown" and hat.why_not is not None
    assert Quality().look([], ["blurry"]) == [] and Quality().look([blurred], []) == [()]


def test_a_calibration_changes_thresholds_and_may_close_the_judge() -> None:
    plain = Quality()
    noise = ConceptDetector(threshold=1.0)
    own = Calibration(judge="quality", made_for=plain.weights(), concepts={"noise": noise})
    assert Quality(own).knows("blurry") and Quality(own).calibrated_detector("noise") == noise
    closed = Quality(own.model_copy(update={"only": True}))
    assert closed.knows("noise") and not closed.knows("blurry") and closed.concepts() == ("noise",)
    for wrong in (
        own.model_copy(update={"made_for": "0" * 64}),
        own.model_copy(update={"judge": "zero_shot"}),
    ):
        with pytest.raises(JudgeError, match="calibration"):
            Quality(wrong)
