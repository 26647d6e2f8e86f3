"""Choose settings for every rule on seeds of its own: `python -m bench.rules.tuning` (an hour of a core).

The best of each rule is written to `tuned.json`, which `python -m bench.rules` measures on other seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.rules.cases import cases
from bench.rules.figures import Line
from bench.rules.measuring import arguments, measured, shown

_TUNED = Path(__file__).with_name("tuned.json")

_EARLY = "strength=window(0, 0.6)"

TRIED: Mapping[str, Sequence[str]] = {
    "adaptive": ("adaptive(share=0.2)", "adaptive(share=0.4)", "adaptive(cfg(scale=3))"),
    "apg": ("apg(eta=1)", "apg(radius=0.3)", "apg(eta=1, radius=0.3, momentum=0)"),
    "cads": ("cads(noise=0.1)", "cads(clean=0.8)", f"cads(cfg({_EARLY}), noise=0.1)"),
    "cfg": ("cfg(scale=2)", "cfg(scale=3.5)", f"cfg({_EARLY})", f"cfg(scale=3.5, {_EARLY})"),
    "cfg_pp": ("cfg_pp(full=2.5)", "cfg_pp(full=5)"),
    "cfg_zero": ("cfg_zero(share=0.5)", "cfg_zero(zeros=1)", f"cfg_zero(cfg({_EARLY}))"),
    "composable": (
        "composable(negative=0.3)",
        "composable(negative=0.5)",
        f"composable(negative=0.5, {_EARLY})",
        f"composable({_EARLY})",
    ),
    "contrastive": (
        "contrastive(negative=1.5)",
        "contrastive(negative=2.5)",
        f"contrastive({_EARLY})",
        f"contrastive(negative=2, {_EARLY})",
        "contrastive(tau=0.1, negative=1.5)",
    ),
    "crg": ("crg(negative=0.5)", "crg(negative=1)", f"crg(negative=1, {_EARLY})"),
    "dng": (
        "dng(prior=0.1)",
        "dng(prior=0.3)",
        "dng(prior=0.3, negative=2)",
        f"dng(prior=0.3, {_EARLY})",
    ),
    "dng_oracle": (
        "dng_oracle(posterior=constant(0.7))",
        "dng_oracle(posterior=constant(0.8))",
        "dng_oracle(posterior=constant(0.9))",
    ),
    "dual": (
        "dual(negative=1)",
        "dual(negative=2)",
        f"dual(negative=2, {_EARLY})",
        f"dual(negative=4, {_EARLY})",
    ),
    "fdg": ("fdg(coarse=0.7)", "fdg(coarse=1, fine=0.6)", "fdg(cfg(scale=3.5))"),
    "nag": ("nag(weight=2)", "nag(weight=8)", "nag(cfg(scale=2.5), weight=2)", "nag(cfg(scale=2), weight=4)"),
    "nasa": ("nasa(weight=0.3)", "nasa(cfg(scale=2.5))", "nasa(cfg(scale=2))"),
    "negpip": (
        "negpip(weight=0.5)",
        "negpip(cfg(scale=2.5), weight=0.3)",
        "negpip(cfg(scale=2), weight=0.5)",
    ),
    "norm_cap": ("norm_cap(most=0.3)", "norm_cap(most=1)", f"norm_cap(cfg({_EARLY}))"),
    "ong": ("ong(weight=0.5)", "ong(weight=1)", "ong(cfg(scale=2.5), weight=0.3)"),
    "pag": ("pag(weight=0.5)", "pag(weight=3)", f"pag(cfg(scale=2), {_EARLY})"),
    "perp_neg": (
        "perp_neg(negative=1.5)",
        "perp_neg(negative=2)",
        f"perp_neg(negative=1.5, {_EARLY})",
        f"perp_neg(scale=2, negative=2, {_EARLY})",
    ),
    "rescale": ("rescale(phi=0.3)", "rescale(cfg(scale=2))", f"rescale(cfg({_EARLY}), phi=0.3)"),
    "reuse": (
        "reuse(every=3)",
        "reuse(cfg(scale=3))",
        "reuse(cfg(scale=3.5), every=3)",
        "reuse(cfg(scale=5), every=3)",
        f"reuse(cfg({_EARLY}))",
        f"reuse(cfg(scale=3.5, {_EARLY}))",
    ),
    "seg": ("seg(weight=1)", "seg(blur=3)", f"seg(cfg(scale=2), {_EARLY})"),
    "sega": (
        "sega(threshold=0.5, warmup=0)",
        "sega(threshold=0.8, warmup=0, negative=10)",
        "sega(threshold=0.5, warmup=0.5, negative=10)",
    ),
    "sld": (
        "sld(negative=2000, threshold=0.025, momentum=0.5, decay=0.7, warmup=0.7)",
        "sld(negative=5000, threshold=1, momentum=0.5, decay=0.7, warmup=0)",
        "sld(negative=1000, threshold=0.3, warmup=0)",
    ),
    "slg": (
        "slg(weight=1.5)",
        "slg(weight=5)",
        "slg(cfg(scale=3))",
        "slg(cfg(scale=3.5), weight=4)",
        "slg(cfg(scale=3.5), weight=1.5)",
        "slg(cfg(scale=5), weight=4)",
        "slg(strength=window(0.01, 0.4))",
    ),
    "tcfg": ("tcfg(share=0.5)", "tcfg(cfg(scale=3.5))", f"tcfg(cfg(scale=3.5, {_EARLY}))"),
    "threshold": ("threshold(mimic=0.5)", "threshold(quantile=0.95)", f"threshold(cfg({_EARLY}), mimic=0.5)"),
    "token_norm": ("token_norm(phi=0.5)", "token_norm(cfg(scale=2))", f"token_norm(cfg({_EARLY}), phi=0.5)"),
    "vsf": ("vsf(weight=1)", "vsf(weight=2)", "vsf(cfg(scale=2.5), weight=0.5)"),
}
"""By rule: its own settings, and scale and strength of the plain guidance inside where it wraps a rule."""


def best(bare: Line, lines: Sequence[Line]) -> dict[str, str]:
    """Of each rule the setting with the least leak plus damage beyond that without a negative."""
    cost = {one.rule: one.point[0] + one.point[1] - bare.point[1] for one in lines}
    return {rule: min((rule, *texts), key=cost.__getitem__) for rule, texts in TRIED.items()}


def tuned() -> dict[str, str]:
    """By rule, the setting that was best when last chosen."""
    return json.loads(_TUNED.read_text())


def main() -> None:
    options = arguments(__doc__, seeds=8, seed=60).parse_args()
    rules = [text for rule, texts in TRIED.items() for text in (rule, *texts)]
    asked = cases(options.seeds, options.seed)
    bare, *lines = shown(measured(rules, asked, options.store, options.steps, options.workers))
    chosen = json.dumps(best(bare, lines), indent=1) + "\n"
    _TUNED.write_text(chosen)
    print(chosen, end="")


if __name__ == "__main__":
    main()
