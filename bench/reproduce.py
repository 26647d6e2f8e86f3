"""The claims of the literature on the embedded model: `python -m bench.reproduce PAGE [--size 48]`.

Each row is measured on `--size` wishes a setting, with an interval and a verdict: "agrees", "disagrees",
"not shown" where the interval leaves both open, "not measured" where the model or a rule that it needs is not
there. Pictures are kept in `--store`, so that a run goes on where it stopped; settings share them, and a
larger size goes on with those of a smaller one. At size 48 it makes about 2,200 pictures, which is 20 minutes
of one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from bench.claims import founding, papers
from bench.claims.bench import Bench, Row
from negspace import __version__
from negspace.files import write_whole
from negspace.lab.site import Site

HEAD = """# Reproduction

Claims of the literature on negative prompting, and of the texts this project started from, measured on the
embedded model. Made by `make reproduce` (`python -m bench.reproduce docs/reproduction.md --size {size}`):
{size} wishes a setting, model `{fingerprint}`, Negspace {version}. *Leak* is the share of pictures that
show what was not wanted, read by the oracle; effects are on the same seeds; intervals are 95 %, of the effect
in points unless said otherwise.

"""


def table(rows: list[Row]) -> str:
    """Rows as a Markdown table."""
    lines = ["| | claim | expected | measured | interval | verdict |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.number} | {row.claim} | {row.expected} | {row.measured} | {row.interval} | {row.verdict} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", type=Path)
    parser.add_argument("--size", type=int, default=48, help="wishes a setting")
    parser.add_argument("--store", type=Path, default=Path(".bench-reproduction"))
    parser.add_argument("--workers", type=int, help="processes that make pictures")
    options = parser.parse_args()
    bench = Bench(options.store, options.size, site=Site(options.workers))
    parts: list[str] = []
    for title, claims in (("The papers", papers.CLAIMS), ("The founding texts", founding.CLAIMS)):
        rows: list[Row] = []
        for claim in claims:
            began = time.monotonic()
            rows.append(claim(bench))
            row = rows[-1]
            print(
                f"{row.number:>3} {row.verdict:12} {row.measured} {row.interval} "
                f"({time.monotonic() - began:.0f} s)",
                flush=True,
            )
        parts.append(f"## {title}\n\n{table(rows)}")
    head = HEAD.format(
        size=options.size, fingerprint=bench.model.network().fingerprint()[:12], version=__version__
    )
    write_whole({options.page: (head + "\n".join(parts)).encode()})


if __name__ == "__main__":
    main()
