"""The weights of `negspace.judge.lettering.WEIGHTS`: a logistic regression of lines on two scores."""

import numpy as np

from bench.real_pictures.marks import KINDS, marked, with_gibberish
from bench.real_pictures.photos import CALIBRATING, crops
from negspace.judge.judges.text import LetteringJudge
from negspace.judge.lettering import LEAST_LETTERS, TextLine
from negspace.judge.scoring import logistic

_STEEPER = 3.0
_MARGIN = 0.75


def fit() -> None:
    """Print (bias, detection, reading), and how the photographs they were fitted on are parted."""
    judge, random = LetteringJudge(), np.random.default_rng(21)
    clean = judge.read(list(crops(CALIBRATING, 300, 22)))
    marks = [
        marked(crop, KINDS[index % len(KINDS)], (1.0, 0.5)[index % 2], random)
        for index, crop in enumerate(crops(CALIBRATING, 120, 23))
    ]
    gibberish = [with_gibberish(crop, random) for crop in crops(CALIBRATING, 120, 24)]
    lines_there, lines_not = _strongest(judge.read([*marks, *gibberish])), _every(clean)
    features = np.array([[line.detection, line.reading, 1.0] for line in (*lines_there, *lines_not)])
    truth = np.arange(len(features)) < len(lines_there)
    detection, reading, _ = logistic(features, truth, np.zeros(3))
    print(f"{len(lines_there)} lines of marks, {len(lines_not)} of pictures without any")
    for line in lines_not:
        print(f"  without lettering: {line.detection:.2f} {line.reading:.2f} {line.words}")
    # The two kinds are parted, so the likelihood alone would make the weights infinite; a penalty keeps them
    # small. They are made steeper here, and the likeliest line without lettering is put at a margin below 0.
    odds = _STEEPER * (features @ [detection, reading, 0.0])
    bias = -odds[~truth].max() - _MARGIN
    print(f"WEIGHTS = ({bias:.1f}, {_STEEPER * detection:.1f}, {_STEEPER * reading:.1f})")
    print(f"above one half: {np.mean(odds[truth] + bias > 0):.1%} of marks")


def _counted(lines: tuple[TextLine, ...]) -> list[TextLine]:
    return [line for line in lines if len({c for c in line.words.casefold() if c.isalnum()}) >= LEAST_LETTERS]


def _every(pictures: list[tuple[TextLine, ...]]) -> list[TextLine]:
    return [line for lines in pictures for line in _counted(lines)]


def _strongest(pictures: list[tuple[TextLine, ...]]) -> list[TextLine]:
    """The likeliest line of each picture: the mark, and not what else the detector marks."""
    counted = filter(None, map(_counted, pictures))
    return [max(lines, key=lambda line: line.detection + line.reading) for lines in counted]
