"""The claims of the founding texts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from bench.claims.bench import DEFECTS, Bench, Claim, Row, Wish, bootstrap, judged, mean, score, span
from bench.claims.papers import NONE, PLAIN
from negspace.lab.stats import pairs_to_exclude, vendi
from negspace.models.files.source import EMBEDDED, find_folder

DISTANCE = 0.6
"""Distance of a weak encoder's words from each other, relative to that of the model's own encoder."""


def scale_one(bench: Bench) -> Row:
    wishes = bench.wishes()
    bare, avoiding = bench.records(wishes, scale=1.0), bench.records(wishes, scale=1.0, avoid="{thing}")
    same = sum(a.sha256 == b.sha256 for a, b in zip(bare, avoiding, strict=True))
    return _identical("a", "scale 1 shows the conditioning alone", same, len(wishes))


def same_text(bench: Bench) -> Row:
    wishes = bench.wishes()
    bare, avoiding = bench.pictures(wishes, scale=1.0), bench.pictures(wishes, scale=4.0, avoid="{prompt}")
    differences = [
        int(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max())
        for a, b in zip(bare, avoiding, strict=True)
    ]
    # n + w (c - n) is rounded, so the last bit of a pixel may differ.
    same = sum(difference <= 1 for difference in differences)
    return _identical("b", "the same text on both sides shows the conditioning alone, too", same, len(wishes))


def _identical(number: str, claim: str, same: int, of: int) -> Row:
    rare = next((n for n in range(1, 101) if pairs_to_exclude(n / 101) <= of), 101) / 101
    return Row(
        number,
        claim,
        "the same picture, always",
        f"{same} of {of} the same",
        f"another one is rarer than {100 * rare:.0f} %" if same == of else "",
        "agrees" if same == of else "disagrees",
    )


def weak_encoder(bench: Bench) -> Row:
    wishes = bench.wishes()
    listed = {"avoid": ", ".join(sorted(DEFECTS))}
    gains = {
        encoder: list(zip(encoder.spoils(wishes, **NONE), encoder.spoils(wishes, **listed), strict=True))
        for encoder in (bench, bench.with_encoder(weakened(bench.store / "weak_text_encoder")))
    }

    def difference(both: list[tuple[tuple[bool, bool], tuple[bool, bool]]]) -> float:
        own, weak = (mean(pair[side][0] - pair[side][1] for pair in both) for side in (0, 1))
        return weak - own

    interval = bootstrap(list(zip(*gains.values(), strict=True)), difference)
    gained = [
        f"{100 * mean(a for a, _ in pairs):.0f} to {100 * mean(b for _, b in pairs):.0f} %"
        for pairs in gains.values()
    ]
    return Row(
        "c",
        "a weak text encoder needs negatives more than a strong one",
        "larger gain with the weaker one. One encoder is shipped: the weak one is the same with its words "
        f"{100 * DISTANCE:.0f} % as far apart",
        f"a list of every defect takes pictures with a defect or something missing from {gained[0]} with its "
        f"own encoder, from {gained[1]} with the weaker one",
        f"{span(interval)} between the gains",
        judged(interval),
    )


def weakened(place: Path) -> Path:
    """The embedded model's text encoder in a folder of its own, the embeddings of all words moved towards
    their mean."""
    from safetensors.torch import load_file, save_file

    folder = find_folder(EMBEDDED).path / "text_encoder"
    place.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, place)
            continue
        tensors = load_file(file)
        (name,) = (name for name in tensors if name.endswith("token_embedding.weight"))
        words = tensors[name].float()
        tensors[name] = words.mean(0).lerp(words, DISTANCE).to(tensors[name].dtype)
        save_file(tensors, place / file.name, metadata={"format": "pt"})
    return place


def variety(bench: Bench) -> Row:
    wishes = [Wish("a cat", "collar", 60_000 + i) for i in range(bench.size)]
    low, high = bench.features(wishes, scale=1.5), bench.features(wishes, scale=7.5)
    interval = bootstrap(
        list(zip(low, high, strict=True)),
        lambda pairs: vendi(np.array([a for a, _ in pairs])) - vendi(np.array([b for _, b in pairs])),
    )
    return Row(
        "d",
        "a high scale costs variety",
        "fewer different pictures",
        f"Vendi score {vendi(low):.2f} at scale 1.5, {vendi(high):.2f} at 7.5, of {len(wishes)}",
        f"[{interval[0]:+.2f}, {interval[1]:+.2f}]",
        judged(interval),
    )


def common_and_rare(bench: Bench) -> Row:
    common = bench.leak(bench.wishes(), NONE, PLAIN)
    hands = [Wish(f"a hand, {place}", "extra fingers", 70_000 + i) for i, place in enumerate(_places(bench))]
    rare = bench.leak(hands, NONE, PLAIN)
    falls = [1 - effect.after / effect.before if effect.before else float("nan") for effect in (common, rare)]
    interval = _fall_difference(bench, bench.wishes(), hands)
    return Row(
        "e",
        "common failings are excluded reliably, rare or complex ones are not",
        "large fall of one, small of the other",
        f"accessories fall by {100 * falls[0]:.0f} % of {100 * common.before:.0f}, extra fingers by "
        f"{100 * falls[1]:.0f} % of {100 * rare.before:.0f}",
        f"{span(interval)} between the falls",
        judged(interval),
    )


def _fall_difference(bench: Bench, common: list[Wish], rare: list[Wish]) -> tuple[float, float]:
    """Interval of how much further the rate of one kind falls than that of another, both as shares."""
    pairs = [
        list(zip(bench.leaks(wishes, **NONE), bench.leaks(wishes, **PLAIN), strict=True))
        for wishes in (common, rare)
    ]

    def difference(both: list[tuple[tuple[bool, bool], tuple[bool, bool]]]) -> float:
        falls = [
            1 - sum(pair[side][1] for pair in both) / max(1, sum(pair[side][0] for pair in both))
            for side in (0, 1)
        ]
        return falls[0] - falls[1]

    return bootstrap(list(zip(*pairs, strict=True)), difference)


def _places(bench: Bench) -> list[str]:
    return [wish.prompt.split(", ")[1] for wish in bench.wishes()]


def weights(bench: Bench) -> Row:
    effect = bench.leak(bench.wishes(), PLAIN, {"avoid": "({thing}:1.5)"})
    return Row(
        "f",
        "a weight such as 1.5 strengthens the exclusion",
        "lower leak than with weight 1",
        f"leak {100 * effect.before:.0f} % at weight 1, {100 * effect.after:.0f} % at 1.5",
        span(score(effect)),
        judged(score(effect)),
    )


def several(bench: Bench) -> Row:
    wishes = bench.wishes()
    effect = bench.leak(wishes, NONE, {"avoid": "blurry, {thing}, watermark"})
    alone = bench.leak(wishes, NONE, PLAIN)
    return Row(
        "g",
        "several terms can be avoided at once",
        "each still falls",
        f"leak {100 * effect.before:.0f} % without, {100 * alone.after:.0f} % alone, "
        f"{100 * effect.after:.0f} % as one of three",
        span(score(effect)),
        judged(score(effect)),
    )


CLAIMS: tuple[Claim, ...] = (scale_one, same_text, weak_encoder, variety, common_and_rare, weights, several)
