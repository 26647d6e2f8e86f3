"""The results of the tools: their text and their pictures; and a job followed with progress to its end."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import BaseModel

from negspace.serve.jobs.events import Done, Failed, Finished, JobProgress
from negspace.serve.jobs.job import Job


async def finished_with_progress(job: Job, ctx: Context[Any, Any]) -> Finished:
    """The finished job; its progress is reported. If the caller stops waiting, the job is cancelled.

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


def tool_result(output: BaseModel, text: str, finished: Finished | None = None) -> CallToolResult:
    """A structured output with its text, and the pictures of a finished job."""
    pictures = () if finished is None else finished.pictures
    content: list[ContentBlock] = [TextContent(type="text", text=text)]
    content += (
        ImageContent(type="image", data=b64encode(picture.png).decode(), mime_type="image/png")
        for picture in pictures
    )
    return CallToolResult(content=content, structured_content=output.model_dump(mode="json", by_alias=True))


def summary(finished: Finished) -> str:
    ids = ", ".join(picture.id for picture in finished.pictures)
    return f"image_id {ids}\n{finished.receipt.summary()}"


def unchanged_text(answer: Sequence[str], problem: str) -> str:
    """The text after feedback that changed nothing, with a reason."""
    if not problem:
        return "Recorded. Thumbs change the list once they show, over some pictures, what is disliked."
    return "\n".join(answer)
