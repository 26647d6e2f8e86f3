# type: ignore
"""langchain-community's wrapper and its tool, which can send no field of ours, in their own environment."""

import json
import sys
import urllib.request

import openai
from langchain_community.tools.openai_dalle_image_generation import OpenAIDALLEImageGenerationTool
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper

address = sys.argv[1]
wrapper = DallEAPIWrapper(
    base_url=f"{address}/v1",
    api_key="none",
    model="tiny@quality-floor",
    size="64x64",
    n=2,
    default_query={"response_format": "url", "negative_prompt": "hat", "steps": "2"},
    default_headers={"X-Policy": "quality-marks"},
)
several = wrapper.run("a red cat").split("\n")
plain = DallEAPIWrapper(base_url=f"{address}/v1", api_key="none", size="64x64")  # "dall-e-2" by itself
one = OpenAIDALLEImageGenerationTool(api_wrapper=plain).run("a boat")
contents = [urllib.request.urlopen(url).read() for url in (*several, one)]
assert all(content[:8] == b"\x89PNG\r\n\x1a\n" for content in contents)
receipt = json.load(urllib.request.urlopen(several[0].partition("?")[0] + "/receipt"))
print(
    json.dumps(
        {
            "version": openai.__version__,
            "acted": receipt["negative_acted"],
            "avoid": receipt["request"]["avoid"],
            "steps": receipt["steps"],
            "policies": receipt["request"]["policies"],
            "pictures": len(contents),
        }
    )
)
