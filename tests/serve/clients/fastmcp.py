"""The client of fastmcp: the tools, a picture, and a mistake."""

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client


async def said() -> dict[str, Any]:
    async with Client(sys.argv[1] + "/mcp") as client:
        tools = sorted(tool.name for tool in await client.list_tools())
        asked = {"prompt": "a red cat", "negative_prompt": "hat", "model": "tiny", "steps": 2}
        made = await client.call_tool("generate_image", asked)
        wrong = await client.call_tool("generate_image", asked | {"model": "no"}, raise_on_error=False)
        assert made.structured_content is not None
        return {
            "tools": tools,
            "kinds": [block.type for block in made.content],
            "acted": made.structured_content["negative_acted"],
            "refused": wrong.is_error,
        }


print(json.dumps(asyncio.run(said())))
