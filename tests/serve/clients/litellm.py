# type: ignore
"""litellm, which brings openai 2.x: the negative as a plain argument. In an environment of its own."""

import asyncio
import base64
import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices

import litellm  # noqa: E402
import openai  # noqa: E402

place = {"model": "openai/tiny", "api_base": f"{sys.argv[1]}/v1", "api_key": "none"}
more = {"negative_prompt": "hat", "steps": 2, "seed": 3}
made = litellm.image_generation(prompt="a red cat", n=2, **place, **more)
inside = litellm.image_generation(prompt="a red cat", **place, extra_body=more)
later = asyncio.run(litellm.aimage_generation(prompt="a red cat", **place, **more))
pictures = [base64.b64decode(one["b64_json"]) for reply in (made, inside, later) for one in reply.data]
assert all(content[:8] == b"\x89PNG\r\n\x1a\n" for content in pictures)
try:
    litellm.image_generation(prompt="a cat", **place, rule="nothing")
    raise AssertionError("a rule that is not there was taken")
except litellm.exceptions.BadRequestError as error:
    told = str(error)
print(
    json.dumps(
        {
            "version": openai.__version__,
            "pictures": len(pictures),
            "same": pictures[2] == pictures[3],
            "told": told,
        }
    )
)
