"""A contact sheet of the world: `python -m training.world.contact sheet.png [--seed N]`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

from training.world import Scene, caption, render, sample, table
from training.world.scene import ACCESSORY_OF, DETAILS

_TILE, _LINE = 160, 34


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the drawn world.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", type=int, default=64, help="pixels a scene (default 64)")
    parser.add_argument(
        "--rows", type=int, default=3, help="rows of random scenes below the tour of all concepts"
    )
    options = parser.parse_args()
    rng = Random(options.seed)
    scenes = [*tour(rng), *(sample(rng) for _ in range(8 * options.rows))]
    sheet(scenes, rng, options.side).save(options.file)
    print(f"{len(scenes)} scenes: {options.file}")


def tour(rng: Random) -> list[Scene]:
    """One plain scene for every concept of the table, in table order."""
    scenes = []
    for concept in table.TABLE:
        subject = concept.only[0] if concept.only else rng.choice(("house", "cat", "boat", "snowman"))
        base = Scene(
            subject,
            rng.choice(tuple(table.COLOURS)),
            "meadow",
            False,
            False,
            None,
            None,
            (),
            5,
            32,
            34,
            1.0,
            rng.randrange(DETAILS),
        )
        match concept.kind:
            case "subject":
                base = replace(base, subject=concept.name, accessory=ACCESSORY_OF.get(concept.name))
            case "colour":
                base = replace(base, colour=concept.name)
            case "place":
                base = replace(base, place=concept.name)
            case "light":
                base = replace(base, night=True, place="city")
            case "weather":
                base = replace(base, snow=True)
            case "accessory":
                base = replace(base, accessory=concept.name)
            case "style":
                base = replace(base, style=concept.name)
            case "defect":
                base = replace(base, defects=(concept.name,))
                if concept.name == "cropped":
                    base = replace(base, x=7.0, size=1.15)
                if concept.name == "extra fingers":
                    base = replace(base, fingers=7)
        scenes.append(base)
    return scenes


def sheet(scenes: list[Scene], rng: Random, side: int) -> Image.Image:
    """The scenes in rows of eight, each above a caption."""
    rows = -(-len(scenes) // 8)
    page = Image.new("RGB", (8 * _TILE, rows * (_TILE + _LINE)), "white")
    draw = ImageDraw.Draw(page)
    for i, scene in enumerate(scenes):
        x, y = i % 8 * _TILE, i // 8 * (_TILE + _LINE)
        page.paste(
            render(scene, side).resize((_TILE - 4, _TILE - 4), Image.Resampling.NEAREST), (x + 2, y + 2)
        )
        words = caption(scene, rng)
        draw.text((x + 3, y + _TILE - 1), words[:26] + "\n" + words[26:52], fill="black", font_size=11)
    return page


if __name__ == "__main__":
    main()
