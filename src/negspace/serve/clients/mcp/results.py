"""Telling: a job watched to its end, and what came of it as the result of a tool."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import BaseModel

from negspace.serve.clients.mcp.outputs import ReviseOutput
from negspace.serve.jobs.events import Done, Failed, Finished, JobProgress
from negspace.serve.jobs.job import Job


async def watched(job: Job, ctx: Context[Any, Any]) -> Finished:
    """The finished job, its steps told on the way. Who does not wait any more cancels it.

    Raises:
        Refusal: it failed.
    """
    try:
        async for event in job.events():
            match event:
                case JobProgress(done, total):
                    await ctx.report_progress(done, total, f"step {done} of {total}")
                case Done(finished):
                    return finished
                case Failed(why):
                    raise why
                case _:
                    pass
        return await job.finished()
    finally:
        job.cancel()


def answer(told: BaseModel, text: str, finished: Finished | None = None) -> CallToolResult:
    """A value with its text, and the pictures behind it."""
    content: list[ContentBlock] = [TextContent(type="text", text=text)]
    content += _images(finished)
    return CallToolResult(content=content, structured_content=told.model_dump(mode="json"))


def _images(finished: Finished | None) -> Sequence[ImageContent]:
    pictures = () if finished is None else finished.pictures
    return [
        ImageContent(type="image", data=b64encode(picture.png).decode(), mime_type="image/png")
        for picture in pictures
    ]


def summary(finished: Finished) -> str:
    ids = ", ".join(picture.id for picture in finished.pictures)
    return f"image_id {ids}\n{finished.receipt.summary()}"


def changed(change: ReviseOutput) -> str:
    if change.why_not is not None:
        return f"{change.term}: nothing changed, {change.why_not}"
    return f"{change.term}: {change.direction}, weight {_weight(change.before)} to {_weight(change.after)}"


def _weight(weight: float | None) -> str:
    return "none" if weight is None else f"{weight:g}"


def unchanged(changes: Sequence[ReviseOutput], problem: str) -> str:
    if not changes and not problem:
        return "Kept. Thumbs change the list once they show, over some pictures, what is disliked."
    if not changes:
        return "Nothing in these words names something to avoid; name the thing that is wrong."
    return "\n".join(map(changed, changes))
