"""Write the newest checkpoint of the denoiser into a model folder while training goes on:
`python -m training.snapshot [--state DIR] [--out DIR]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from training import make, unet
from training.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=make.STATE)
    parser.add_argument("--out", type=Path, default=make.OUT)
    options = parser.parse_args()
    print(f"denoiser after {unet.snapshot(Settings(), options.state, options.out)} steps: {options.out}")


if __name__ == "__main__":
    main()
