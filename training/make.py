"""Make the embedded model: `python -m training.make [STAGE ...] [--state DIR] [--out DIR]`.

Stages run in order: vae, clip, card, oracle, unet, decoder, larger. Each resumes from the state folder, so
the command may be stopped and started at will.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

from training.settings import Settings

STAGES = ("vae", "clip", "card", "oracle", "unet", "decoder", "larger")
OUT = Path(__file__).parents[1] / "src" / "negspace" / "embedded"
STATE = Path.home() / ".cache" / "negspace" / "training"
_ENVIRONMENT = {
    # each thread on its own core: two on one core spin at each other and a step takes ten times as long
    "OMP_PROC_BIND": "true",
    # keep freed memory: page faults cost a multiple of the arithmetic otherwise
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)} (default: all)")
    parser.add_argument("--state", type=Path, default=STATE, help="where checkpoints and pictures are kept")
    parser.add_argument("--out", type=Path, default=OUT, help="the model folder to write")
    parser.add_argument("--start", type=Path, help="a model folder whose weights the stages go on from")
    parser.add_argument(
        "--set", action="append", default=[], metavar="STAGE.FIELD=VALUE", help="change a setting"
    )
    options = parser.parse_args()
    stages = options.stages or list(STAGES)
    for stage in stages:
        if stage not in STAGES:
            parser.error(f"no stage '{stage}'; there are {', '.join(STAGES)}")
    options.state.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    if os.environ.get("NEGSPACE_STAGE") == "1":
        settings = changed(Settings(start=options.start), options.set)
        importlib.import_module(f"training.{stages[0]}").run(settings, options.state, options.out)
        return
    for stage in stages:
        started = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "training.make",
            stage,
            "--state",
            options.state,
            "--out",
            options.out,
        ]
        command += ["--start", options.start] if options.start else []
        command += [part for change in options.set for part in ("--set", change)]
        done = subprocess.run(command, env=os.environ | _ENVIRONMENT | {"NEGSPACE_STAGE": "1"}, check=False)
        if done.returncode:
            sys.exit(f"stage '{stage}' failed")
        print(f"{stage}: {(time.monotonic() - started) / 60:.1f} minutes", flush=True)


def changed(settings: Settings, changes: list[str]) -> Settings:
    """Settings with "stage.field=value" changes; a comma makes a tuple of integers."""
    for change in changes:
        path, _, text = change.partition("=")
        stage, _, name = path.partition(".")
        part = getattr(settings, stage)
        old = getattr(part, name)
        new = tuple(int(v) for v in text.split(",")) if isinstance(old, tuple) else type(old)(text)
        settings = dataclasses.replace(settings, **{stage: dataclasses.replace(part, **{name: new})})
    return settings


if __name__ == "__main__":
    main()
