# type: ignore
"""litellm, which brings openai 2.x: the negative as a plain argument. In an environment of its own."""

import asyncio
import base64
import json
import sys

import litellm
import openai

place = {"model": "openai/tiny", "api_base": f"{sys.argv[1]}/v1", "api_key": "none"}
more = {"negative_prompt": "hat", "steps": 2, "seed": 3}
made = litellm.image_generation("a red cat", n=2, **place, **more)
inside = litellm.image_generation("a red cat", **place, extra_body=more)
later = asyncio.run(litellm.aimage_generation("a red cat", **place, **more))
pictures = [base64.b64decode(one["b64_json"]) for reply in (made, inside, later) for one in reply.data]
assert all(content[:8] == b"\x89PNG\r\n\x1a\n" for content in pictures)
try:
    litellm.image_generation("a cat", **place, rule="nothing")
    raise AssertionError("a rule that is not there was taken")
except litellm.exceptions.BadRequestError as error:
    told = str(error)
print(
    json.dumps(
        {
            "version": openai.__version__,
            "pictures": len(pictures),
            "same": pictures[0] == pictures[2],
            "told": told,
        }
    )
)
