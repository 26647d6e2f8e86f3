"""The eighteen claims of the papers."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.stats import binomtest

from bench.claims.bench import Bench, Claim, Row, Wish, bootstrap, judged, mean, score, span
from negspace.lab.stats import vendi
from negspace.lab.vectors import effective_scale, measure_vectors

NONE: dict[str, object] = {}
PLAIN: dict[str, object] = {"avoid": "{thing}"}


def _at(**fields: object) -> dict[str, object]:
    return {**PLAIN, **fields}


def _wilson(hits: list[bool]) -> tuple[float, float]:
    interval = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def suppresses(bench: Bench) -> Row:
    wishes = bench.wishes()
    effects = [bench.leak(wishes, NONE, _at(scale=scale)) for scale in (1.5, 3.0, 6.0)]
    shares = ", ".join(f"{100 * effect.after:.0f} %" for effect in effects)
    falls = effects[0].after >= effects[1].after >= effects[2].after
    verdict = judged(score(effects[2]))
    return Row(
        "1",
        "a negative suppresses what it names, the more so the higher the scale",
        "leak 60-80 % to below 10 % at scale 4 to 7.5, falling",
        f"leak {100 * effects[0].before:.0f} % without, {shares} at scales 1.5, 3, 6",
        span(score(effects[2])),
        verdict if falls or verdict == "disagrees" else "not shown",
    )


def amplifies(bench: Bench) -> Row:
    effect = bench.leak(bench.wishes(), {"scale": 4.0}, {"scale": 1.0})
    return Row(
        "2",
        "guidance makes more of what often comes along unasked",
        "+10 points at scale 2, +20 at 4, against scale 1",
        f"{100 * effect.effect:+.0f} points at scale 4",
        span(score(effect)),
        judged(score(effect)),
    )


def critical_step(bench: Bench) -> Row:
    wishes = bench.wishes()
    late = bench.leak(wishes, PLAIN, _window(0.17, 1.0))
    too_late = bench.leak(wishes, NONE, _window(0.6, 1.0))
    early = bench.leak(wishes, NONE, _window(0.0, 0.2))
    good = abs(late.effect) < 0.1 and score(too_late)[0] < 0.15
    return Row(
        "3",
        "a negative may start late, but not too late; told only early it can bring what it names",
        "from 17 % of the steps on: below 5 points lost; from 60 % on: about no effect; harm cell about 0",
        f"from 17 %: {100 * late.effect:+.0f} points against always; from 60 %: "
        f"{100 * too_late.effect:+.0f} against none; first 20 % only: it is brought in "
        f"{early.harmed} of {early.pairs}",
        span(score(too_late)),
        "agrees" if good else "disagrees" if score(late)[1] < -0.05 else "not shown",
    )


def _window(start: float, stop: float) -> dict[str, object]:
    """Told in these shares of the steps only."""
    return {"avoid": [{"term": "{thing}", "window": [start, stop]}]}


def damages(bench: Bench) -> Row:
    wishes = bench.wishes()
    constant = bench.lacking(wishes, NONE, _at(scale=6.0))
    window = bench.lacking(wishes, _at(scale=6.0), {**_window(0.0, 0.6), "scale": 6.0})
    leak = bench.leak(wishes, _at(scale=6.0), {**_window(0.0, 0.6), "scale": 6.0})
    return Row(
        "4",
        "a constant negative damages the picture; ending it early repairs that at about equal leak",
        "damage -80 to -100 % at equal leak",
        f"wanted things missing {100 * constant.before:.0f} % without, {100 * constant.after:.0f} % "
        f"constant, {100 * window.after:.0f} % ended at 60 %; leak {100 * leak.before:.0f} and "
        f"{100 * leak.after:.0f} %",
        span(score(window)),
        judged(score(window)),
    )


def dng(bench: Bench) -> Row:
    """With the right prior, about how often the thing is there unasked, and with one far too small."""
    wishes = bench.wishes()
    right, small = (_at(rule=f"dng(prior={prior})") for prior in (0.7, 0.01))
    leak, collapsed = bench.leak(wishes, PLAIN, right), bench.leak(wishes, NONE, small)
    lacking = bench.lacking(wishes, PLAIN, right)
    verdict = judged(score(lacking))
    return Row(
        "5",
        "dynamic negative guidance keeps the picture where plain negatives do not, at no higher leak",
        "dominates with the right prior; no more than no negative with one too small",
        f"leak {100 * leak.before:.0f} % (cfg) and {100 * leak.after:.0f} % (prior 0.7), wanted things "
        f"missing {100 * lacking.before:.0f} and {100 * lacking.after:.0f} %; with prior 0.01 leak "
        f"{100 * collapsed.after:.0f} % ({100 * collapsed.before:.0f} % without a negative)",
        span(score(lacking)),
        "disagrees" if score(leak)[1] < -0.1 else verdict,
    )


def irrelevant(bench: Bench) -> Row:
    wishes = bench.wishes()
    plain = bench.changed(wishes, NONE, {"avoid": "toadstool"})
    dynamic = bench.changed(wishes, NONE, {"avoid": "toadstool", "rule": "dng"})
    low, high = _wilson(plain)
    good = low >= 0.1 and mean(dynamic) < mean(plain)
    return Row(
        "6",
        "an irrelevant negative is not free by substitution, and nearly so by adaptive rules",
        "substitution changes at least 10 to 20 % of pictures, adaptive rules below 2 %",
        f"something seen changes in {100 * mean(plain):.0f} % (cfg) and {100 * mean(dynamic):.0f} % (dng)",
        span((low, high)),
        "agrees" if good else "disagrees" if high < 0.1 else "not shown",
    )


def limited_interval(bench: Bench) -> Row:
    wishes = _one_prompt(bench)
    always = bench.features(wishes, scale=4.0)
    limited = bench.features(wishes, scale=4.0, rule="cfg(strength=window(0.2, 0.8))")
    low, high = bootstrap(
        list(zip(always, limited, strict=True)),
        lambda pairs: vendi(np.array([b for _, b in pairs])) - vendi(np.array([a for a, _ in pairs])),
    )
    rules: tuple[dict[str, object], ...] = ({}, {"rule": "cfg(strength=window(0.2, 0.8))"})
    spent = [bench.evaluations(wishes, scale=4.0, **rule) for rule in rules]
    return Row(
        "7",
        "guidance in a limited interval keeps variety and costs less",
        "recall up, 20 to 40 % fewer evaluations (FID is not measured here)",
        f"Vendi score {vendi(always):.2f} and {vendi(limited):.2f} of {len(wishes)}; evaluations "
        f"{100 * (spent[1] / spent[0] - 1):+.0f} %",
        f"[{low:+.2f}, {high:+.2f}]",
        judged((low, high)),
    )


def _one_prompt(bench: Bench) -> list[Wish]:
    return [Wish("a cat", "collar", 60_000 + i) for i in range(bench.size)]


def adaptive(bench: Bench) -> Row:
    wishes = bench.wishes()
    effect = bench.leak(wishes, PLAIN, _at(rule="adaptive(cfg)"))
    spent = bench.evaluations(wishes, **_at(rule="adaptive(cfg)"))
    saved = 1 - spent / bench.evaluations(wishes, **PLAIN)
    interval = score(effect)
    same = -0.1 < interval[0] and interval[1] < 0.1
    return Row(
        "8",
        "guidance can end once both predictions agree, at a quarter of the evaluations less",
        "20 to 30 % saved at below 1 point of leak",
        f"{100 * saved:.0f} % saved, leak {100 * -effect.effect:+.1f} points",
        span(interval),
        "agrees" if saved >= 0.2 and same else "disagrees" if saved < 0.1 else "not shown",
    )


def perp_neg(bench: Bench) -> Row:
    wishes = bench.wishes()
    shared = {"avoid": "{prompt}, {thing}"}
    effect = bench.lacking(wishes, shared, {**shared, "rule": "perp_neg"})
    return Row(
        "9",
        "Perp-Neg protects what the negative has in common with the prompt",
        "adherence up where they overlap",
        f"wanted things missing {100 * effect.before:.0f} % (cfg) and {100 * effect.after:.0f} %",
        span(score(effect)),
        judged(score(effect)),
    )


def saturation(bench: Bench) -> Row:
    wishes = bench.wishes()
    arms = {
        rule: bench.pictures(wishes, scale=8.0, rule=rule) for rule in ("cfg", "rescale(cfg)", "apg(cfg)")
    }
    base = [_spread(picture) for picture in bench.pictures(wishes, scale=1.0)]
    ratio = {
        rule: mean(_spread(picture) / of for picture, of in zip(pictures, base, strict=True))
        for rule, pictures in arms.items()
    }
    falls = [
        _spread(a) / of - _spread(b) / of
        for a, b, of in zip(arms["cfg"], arms["rescale(cfg)"], base, strict=True)
    ]
    interval = bootstrap(falls, mean)
    return Row(
        "10",
        "rescaling and projected guidance cut saturation at high scale",
        "standard deviation of the picture back to that of scale 1 (ratio 1)",
        ", ".join(f"{rule} {value:.2f}" for rule, value in ratio.items()) + " at scale 8",
        f"[{interval[0]:+.2f}, {interval[1]:+.2f}]",
        judged(interval),
    )


def _spread(picture: Image.Image) -> float:
    return float(np.asarray(picture, np.float32).std())


def value_flip(bench: Bench) -> Row:
    effect = bench.leak(bench.wishes(), {"scale": 1.0}, _at(scale=1.0, rule="negpip"))
    return Row(
        "14",
        "turning the values of the negative's tokens round works, turning its embedding round does not",
        "large against about 0 (the second is no rule here)",
        f"leak {100 * effect.before:.0f} % and {100 * effect.after:.0f} % with negpip at scale 1",
        span(score(effect)),
        judged(score(effect)),
    )


def says_no(bench: Bench) -> Row:
    wishes = bench.wishes()
    effect = bench.leak(wishes, NONE, {"prompt": "{prompt}, no {thing}"})
    return Row(
        "15",
        '"no X" in the prompt does not keep X out',
        "at most 5 % suppressed by a model that never learned negation",
        f"leak {100 * effect.before:.0f} % and {100 * effect.after:.0f} %",
        span(score(effect)),
        judged(score(effect), -1.0, 0.05),
    )


def equal_strength(bench: Bench) -> Row:
    wishes = bench.wishes()
    plans = [bench.model.plan(spec.request) for spec in bench.specs(wishes[:4], **PLAIN)]
    scale = round(effective_scale(measure_vectors(bench.model, plans)), 2)
    sides = [bench.leaks(wishes, **settings) for settings in (NONE, PLAIN, {"scale": scale})]
    falls = [(int(n) - int(p), int(n) - int(s)) for n, p, s in zip(*sides, strict=True)]
    gain, same = (mean(fall[i] for fall in falls) for i in (0, 1))
    interval = bootstrap(falls, lambda some: mean(s - g / 2 for g, s in some))
    return Row(
        "17",
        "gains shrink at equal effective strength",
        "most of the gain is bought by strength alone",
        f"the negative takes {100 * gain:.0f} points of leak away, plain guidance of that strength "
        f"(scale {scale:g}) {100 * same:.0f}; interval: of the second less half of the first",
        span(interval),
        judged(interval),
    )


def winners_curse(bench: Bench) -> Row:
    terms = ("hat", "smoke", "collar", "flag", "text", "cropped", "blurry", "snow")
    half = bench.size // 2
    wishes = [w for w in bench.wishes(4 * bench.size) if w.prompt.startswith("a snowman")][: 2 * half]
    gains = [
        (bench.leak(wishes[:half], NONE, {"avoid": term}), bench.leak(wishes[half:], NONE, {"avoid": term}))
        for term in terms
    ]
    best = max(gains, key=lambda pair: pair[0].effect)
    usual = mean(pair[1].effect for pair in gains)
    shrunk = 1 - best[1].effect / best[0].effect if best[0].effect > 0 else float("nan")
    low, high = score(best[1])
    return Row(
        "18",
        "a term chosen by search beats a random one, and shrinks on fresh seeds",
        "better on fresh seeds; effect 20 to 50 % smaller there",
        f"best of {len(terms)}: {100 * best[0].effect:+.0f} points where it was chosen, "
        f"{100 * best[1].effect:+.0f} on fresh seeds ({100 * -shrunk:+.0f} %); mean term {100 * usual:+.0f}",
        span((low, high)),
        "agrees" if low > usual and shrunk > 0.1 else "not shown",
    )


def zero_init(bench: Bench) -> Row:
    effect = bench.spoiled(bench.wishes(), _at(rule="cfg_zero"), _at(rule="cfg_zero(zeros=1)"))
    return Row(
        "11",
        "zero-init of CFG-Zero* helps only under-trained models",
        "gain early in training, none late; only late can be shown: no early checkpoint is shipped",
        f"wanted things missing or a defect {100 * effect.before:.0f} % without and "
        f"{100 * effect.after:.0f} % with one step of zeros",
        span(score(effect)),
        judged(score(effect), -1.0, 0.1),
    )


def weak_guidance(bench: Bench) -> Row:
    rule = "pag(cfg)"
    wishes = bench.wishes()
    effect = bench.spoiled(wishes, NONE, {"rule": rule})
    cats = _one_prompt(bench)
    features = [bench.features(cats, **arm) for arm in (NONE, {"rule": rule})]
    varied = bootstrap(
        list(zip(*features, strict=True)),
        lambda pairs: vendi(np.array([b for _, b in pairs])) - vendi(np.array([a for a, _ in pairs])),
    )
    return Row(
        "12",
        "guidance away from a weaker network is better in quality without losing variety",
        "FID -25 to -40 %, entropy kept. No weaker network is shipped: PAG, whose weaker network is its own "
        "with one attention map taken out; defects instead of FID",
        f"something missing or a defect {100 * effect.before:.0f} %, with pag {100 * effect.after:.0f} %; "
        f"Vendi score {vendi(features[0]):.2f} and {vendi(features[1]):.2f} (difference "
        f"[{varied[0]:+.2f}, {varied[1]:+.2f}])",
        span(score(effect)),
        judged(score(effect)),
    )


def few_steps(bench: Bench) -> Row:
    wishes = bench.wishes()
    bare: dict[str, object] = {"scale": 1.0}
    rules = ("vsf", "nasa", "nag")
    effects = {rule: bench.leak(wishes, bare, _at(scale=1.0, rule=rule)) for rule in rules}
    plain = bench.leak(wishes, bare, _at(scale=1.0))
    return Row(
        "13",
        "on few-step models plain negatives fail and attention rules work",
        "VSF > NASA, NAG > none. No distilled model is shipped: shown at scale 1, as such models run, with "
        "each rule's usual weight",
        f"leak {100 * plain.before:.0f} % without, {100 * plain.after:.0f} % with a plain negative, "
        + ", ".join(f"{100 * effect.after:.0f} % {rule}" for rule, effect in effects.items()),
        ", ".join(f"{rule} {span(score(effect))}" for rule, effect in effects.items()),
        "disagrees" if plain.helped + plain.harmed else judged(score(effects["vsf"])),
    )


def detector(bench: Bench) -> Row:
    wishes = bench.wishes()
    shown, steered = bench.leaks(wishes, **NONE), bench.leaks(wishes, **PLAIN)
    # The detector picks the picture with the negative where the one without it shows the thing.
    driven = [with_it if without else without for without, with_it in zip(shown, steered, strict=True)]
    leaks = [mean(side) for side in (shown, steered, driven)]
    pairs = zip(bench.records(wishes, **NONE), bench.records(wishes, **PLAIN), strict=True)
    differs = [without.sha256 != with_it.sha256 for without, with_it in pairs]
    changed = [differs, [detected and other for detected, other in zip(shown, differs, strict=True)]]
    more = [int(after) - int(before) for before, after in zip(steered, driven, strict=True)]
    spared = bootstrap(list(zip(*changed, strict=True)), lambda some: mean(a - b for a, b in some))
    good = mean(more) <= 0.05 and spared[0] > 0
    return Row(
        "16",
        "negatives that follow a detector beat static ones",
        "same leak, fewer changed pictures. No rule looks at the picture while it is made: the oracle looks "
        "afterwards, and the negative is told where it saw the thing",
        f"leak {100 * leaks[0]:.0f} % without, {100 * leaks[1]:.0f} % static, {100 * leaks[2]:.0f} % driven; "
        f"pictures changed {100 * mean(changed[0]):.0f} and {100 * mean(changed[1]):.0f} %",
        f"{span(spared)} fewer changed",
        "agrees" if good else "disagrees" if spared[1] <= 0 else "not shown",
    )


CLAIMS: tuple[Claim, ...] = (
    suppresses,
    amplifies,
    critical_step,
    damages,
    dng,
    irrelevant,
    limited_interval,
    adaptive,
    perp_neg,
    saturation,
    zero_init,
    weak_guidance,
    few_steps,
    value_flip,
    says_no,
    detector,
    equal_strength,
    winners_curse,
)
