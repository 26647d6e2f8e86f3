"""docs/architecture.md and its picture say what the imports of today are."""

from pathlib import Path

from tools import architecture

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"


def test_the_picture_is_of_today() -> None:
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.drawing(), "run: make docs"


def test_boxes_stand_above_what_they_import() -> None:
    graph = architecture.imports()
    height = {part: number for number, row in enumerate(architecture.layers(graph)) for part in row}
    assert set(height) == set(graph)
    assert not [(part, other) for part in graph for other in graph[part] if height[other] >= height[part]]


def test_arrows_are_the_imports_without_shortcuts() -> None:
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    assert architecture.arrows(graph) == [("a", "b"), ("b", "c")]
    assert architecture.layers(graph) == [["c"], ["b"], ["a"]]


def test_the_page_names_every_folder() -> None:
    page = PAGE.read_text(encoding="utf-8")
    folders = {part for part in architecture.imports() if (architecture.PACKAGE / part).is_dir()}
    assert not [folder for folder in sorted(folders) if f"`{folder}/`" not in page]
