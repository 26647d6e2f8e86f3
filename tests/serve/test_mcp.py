"""The tools for language models, by the real client: over HTTP in both of its modes, and over stdio."""

import asyncio
import base64
import sys
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ImageContent, TextContent
from PIL import Image

import negspace
from negspace.receipt import Receipt
from tests.pictures import gradient, half, text
from tests.serve.live import Live

PROGRAM = "from negspace.cli import main; main()"
MODES = ("auto", "legacy")
TOOLS = {"generate_image", "plan_negative", "explain_image", "report_problem", "prove_negative"}
SMALL: dict[str, Any] = {"prompt": "a red cat", "model": "tiny", "steps": 2}


def talk(server: Any, said: Callable[[Client], Awaitable[Any]], mode: Any = "auto") -> Any:
    """What comes of a talk with a server."""

    async def whole() -> Any:
        async with Client(server, mode=mode) as client:
            return await said(client)

    return asyncio.run(asyncio.wait_for(whole(), 1200))


def call(live: Live, tool: str, mode: str = "auto", **arguments: Any) -> CallToolResult:
    return talk(f"{live.url}/mcp", lambda client: client.call_tool(tool, arguments), mode)


def words(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def pictures(result: CallToolResult) -> list[Image.Image]:
    blocks = [block for block in result.content if isinstance(block, ImageContent)]
    assert all(block.mime_type == "image/png" for block in blocks)
    return [Image.open(BytesIO(base64.b64decode(block.data))) for block in blocks]


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_are_told(live: Live, mode: str) -> None:
    tools = talk(f"{live.url}/mcp", lambda client: client.list_tools(), mode).tools
    by_name = {tool.name: tool for tool in tools}
    assert set(by_name) == TOOLS
    for tool in tools:
        assert tool.description and tool.output_schema and tool.annotations.destructive_hint is False
    assert by_name["plan_negative"].annotations.read_only_hint
    assert "never" in str(by_name["generate_image"].input_schema["properties"]["negative_prompt"])
    assert by_name["generate_image"].input_schema["required"] == ["prompt"]


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_with_its_receipt_and_its_steps(live: Live, mode: str) -> None:
    seen: list[tuple[float, float | None]] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total))

    async def said(client: Client) -> Any:
        asked = SMALL | {"negative_prompt": "hat, blurry", "seed": 7, "n": 2}
        return await client.call_tool("generate_image", asked, progress_callback=told)

    result = talk(f"{live.url}/mcp", said, mode)
    assert not result.is_error, words(result)
    made = result.structured_content
    assert [image.size for image in pictures(result)] == [(64, 64)] * 2
    assert made["negative_acted"] and made["negative_prompt"] == "hat, blurry"
    receipt = Receipt.from_dict(made["receipt"])
    assert [one["seed"] for one in made["images"]] == [7, 8]
    assert [one["sha256"] for one in made["images"]] == [image.sha256 for image in receipt.images]
    inside = Receipt.from_json(pictures(result)[1].info["negspace"])
    assert inside == receipt.single(1)
    assert "acted     yes" in words(result) and made["images"][0]["image_id"] in words(result)
    assert seen and seen == sorted(seen) and all(total == 4 for _, total in seen)


def test_a_plan_says_whether_the_negative_can_act(live: Live) -> None:
    plan = call(live, "plan_negative", **SMALL, negative_prompt="hat, zebra", scale=1.0).structured_content
    assert not plan["acts"] and "scale is 1" in plan["why_not"]
    plan = call(live, "plan_negative", **SMALL, negative_prompt="hat, zebra", policies=["quality-floor"])
    terms = {term["term"]: term for term in plan.structured_content["terms"]}
    assert terms["zebra"]["unknown"] == ["zebra"] and terms["hat"]["source"] == "user"
    assert any("@" in term["source"] for term in terms.values())
    assert words(plan).startswith("The negative can act.")


def test_a_picture_is_explained(live: Live) -> None:
    made = call(live, "generate_image", **SMALL, negative_prompt="hat").structured_content
    told = call(live, "explain_image", image_id=made["images"][0]["image_id"])
    assert "negative  hat" in words(told)
    assert Receipt.from_dict(told.structured_content["receipt"]).negative.text == "hat"


def test_a_problem_leads_to_the_next_picture(live: Live) -> None:
    first = call(live, "generate_image", **SMALL, negative_prompt="hat", seed=5).structured_content
    image = first["images"][0]["image_id"]
    answer = call(live, "report_problem", image_id=image, problem="it is blurry, and bring the hat back")
    told = answer.structured_content
    directions = {change["term"]: change["direction"] for change in told["changes"]}
    assert directions == {"blurry": "avoid", "hat": "allow"}
    assert all(change["said"] in "it is blurry, and bring the hat back" for change in told["changes"])
    assert told["next"]["negative_prompt"] == "blurry" and told["next"]["images"][0]["seed"] == 5
    assert len(pictures(answer)) == 1
    nothing = call(live, "report_problem", image_id=image, problem="lovely weather today")
    told = nothing.structured_content
    assert (told["changes"], told["next"], pictures(nothing)) == ([], None, [])
    assert "nothing changed" in words(nothing)


def test_a_problem_that_is_not_understood_is_told_with_what_it_could_mean(live: Live) -> None:
    image = call(live, "generate_image", **SMALL, seed=5).structured_content["images"][0]["image_id"]
    answer = call(live, "report_problem", image_id=image, problem="make it pop")
    (statement,) = answer.structured_content["statements"]
    assert statement["kind"] == "unclear" and statement["suggestions"]
    assert "'make it pop' was not understood; it could mean: 'avoid dull colors'" in words(answer)


def proof(live: Live, **asked: Any) -> tuple[Any, list[str]]:
    """What a proof found, and the stages that were told on the way."""
    stages: list[str] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        stages.append(str(message))

    async def said(client: Client) -> Any:
        fields = {"prompt": "a snowman, night", "model": "embedded", "steps": 2} | asked
        return await client.call_tool("prove_negative", fields, progress_callback=told)

    result = talk(f"{live.url}/mcp", said)
    assert not result.is_error, words(result)
    assert result.structured_content["answer"] in words(result)
    return result.structured_content, stages


def test_a_word_that_the_model_never_learned_is_proved_to_do_nothing(live: Live) -> None:
    found, _ = proof(live, avoid="zeppelin")
    (verdict,) = found["verdicts"]
    assert (verdict["term"], verdict["kind"], verdict["effect"]) == ("zeppelin", "unknown", None)
    assert found["smallest_list"] == []


@pytest.mark.slow
def test_a_negative_is_proved_with_progress(live: Live) -> None:
    found, stages = proof(live, avoid="hat, zeppelin", max_pictures=90)
    verdicts = {verdict["term"]: verdict for verdict in found["verdicts"]}
    assert set(verdicts) == {"hat", "zeppelin"} and verdicts["zeppelin"]["kind"] == "unknown"
    assert verdicts["hat"]["pairs"] > 0 and 0 < found["pictures"] <= 90 and stages
    again, _ = proof(live, avoid="hat, zeppelin", max_pictures=90)
    assert again["verdicts"] == found["verdicts"]


def test_what_cannot_be_proved_is_told(live: Live) -> None:
    few = call(live, "prove_negative", prompt="a snowman", avoid="hat", model="embedded", max_pictures=1)
    assert few.is_error and "pictures" in words(few)
    blind = call(live, "prove_negative", prompt="a cat", avoid="hat", model="tiny")
    assert blind.is_error and "something went wrong" not in words(blind)


def test_a_picture_to_start_from(live: Live) -> None:
    asked = SMALL | {"image": text(gradient()), "strength": 1.0, "mask": text(half())}
    (picture,) = pictures(call(live, "generate_image", **asked))
    assert picture.crop((0, 0, 32, 64)).tobytes() == gradient().crop((0, 0, 32, 64)).tobytes()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("generate_image", {"prompt": "a cat", "model": "nothing"}, "no model is called 'nothing'"),
        ("generate_image", SMALL | {"sampler": "Euler b"}, "did you mean"),
        ("generate_image", SMALL | {"image": "%%%"}, "base64"),
        ("generate_image", SMALL | {"width": 65}, "width 65"),
        ("generate_image", {"prompt": 3}, "prompt"),
        ("generate_image", SMALL | {"steps": 0}, "steps"),
        ("explain_image", {"image_id": "../../x"}, "there is no picture"),
        ("report_problem", {"image_id": "0-0", "problem": "blurry"}, "there is no picture"),
        ("plan_negative", SMALL | {"policies": ["none"]}, "no policy is called"),
    ],
)
def test_mistakes_are_told_in_the_result(
    live: Live, mode: str, tool: str, arguments: dict[str, Any], message: str
) -> None:
    result = call(live, tool, mode, **arguments)
    assert result.is_error and message in words(result)
    assert "Traceback" not in words(result)


def test_over_stdio(tiny_sd: Path, tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(yaml.safe_dump({"models": {"tiny": str(tiny_sd)}}), encoding="utf-8")
    started = StdioServerParameters(
        command=sys.executable,
        args=["-c", PROGRAM, "mcp", "--config", str(config), "--data", str(tmp_path / "data")],
        env={"PYTHONPATH": str(Path(negspace.__file__).parents[1])},
    )

    async def said(client: Client) -> Any:
        tools = await client.list_tools()
        return tools, await client.call_tool("generate_image", SMALL | {"negative_prompt": "hat"})

    tools, result = talk(started, said)
    assert {tool.name for tool in tools.tools} == TOOLS
    assert not result.is_error and len(pictures(result)) == 1
    assert result.structured_content["negative_acted"]


@pytest.mark.parametrize("words_of", [{"negative_prompt": "hat"}, {"avoid": "hat"}])
def test_a_negative_is_a_negative_by_either_name(live: Live, words_of: dict[str, str]) -> None:
    planned = call(live, "plan_negative", **SMALL, **words_of, policy="quality-marks").structured_content
    assert planned is not None
    assert planned["acts"] and {"hat", "watermark"} <= {term["term"] for term in planned["terms"]}


def test_an_argument_that_no_tool_has_is_refused(live: Live) -> None:
    for arguments in ({"negative_promt": "hat"}, {"without": "hat"}):
        result = call(live, "plan_negative", **SMALL, **arguments)
        assert result.is_error and next(iter(arguments)) in words(result)
