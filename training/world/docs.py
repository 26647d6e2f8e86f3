"""The world's table as a page: `python -m training.world.docs > docs/world.md`."""

from __future__ import annotations

from training.world import table

_TITLES = {
    "subject": "Subjects",
    "colour": "Colours",
    "place": "Places",
    "light": "Light",
    "weather": "Weather",
    "accessory": "Accessories",
    "style": "Styles",
    "defect": "Defects",
}


def page() -> str:
    """The page in Markdown."""
    lines = [
        "# The drawn world",
        "",
        "Made from `training/world/table.py` by `python -m training.world.docs`; do not edit.",
        "`python -m training.world.contact sheet.png` draws a contact sheet.",
        "",
        "*Rate* is the share of scenes that have it (of the named subject where there is one; for defects",
        "before all but two are dropped), *told* the share of captions that say so then. What is often there",
        "and seldom said is what a model shows unasked.",
    ]
    for kind, title in _TITLES.items():
        lines += ["", f"## {title}", "", "| name | words | rate | told | drawn |", "|---|---|---|---|---|"]
        for c in table.TABLE:
            if c.kind == kind:
                only = f" ({', '.join(c.only)} only)" if c.only else ""
                words = ", ".join(c.words)
                lines.append(
                    f"| {c.name} | {words} | {c.rate:.0%}{only} | {c.caption_share:.0%} | {c.drawn} |"
                )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
