# type: ignore
"""openai 2.x: generations, events, edits, models and mistakes. In an environment of its own."""

import base64
import io
import json
import struct
import sys
import zlib

import openai

PNG = b"\x89PNG\r\n\x1a\n"


def picture(red: int) -> bytes:
    """A PNG of 64 x 64 in one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = (b"\0" + bytes((red, 30, 30)) * 64) * 64
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="none", max_retries=0)
more = {"negative_prompt": "hat", "steps": 4, "seed": 3}
made = client.images.generate(model="tiny", prompt="a cat", n=2, extra_body=more)
assert [base64.b64decode(one.b64_json)[:8] for one in made.data] == [PNG, PNG]
receipt = made.model_extra["negspace"]["receipt"]
stream = client.images.generate(model="tiny", prompt="a cat", stream=True, partial_images=2, extra_body=more)
events = [event.type for event in stream]
edited = client.images.edit(
    model="tiny",
    image=("a.png", io.BytesIO(picture(200)), "image/png"),
    prompt="a cat",
    extra_body=more,
)
assert base64.b64decode(edited.data[0].b64_json)[:8] == PNG
models = [model.id for model in client.models.list()]
try:
    client.images.generate(model="none", prompt="a cat")
    raise AssertionError("a model that is not there was taken")
except openai.BadRequestError as error:
    told = error.body["message"]
print(
    json.dumps(
        {
            "version": openai.__version__,
            "acted": receipt["negative_acted"],
            "terms": [term["term"] for term in receipt["terms"]],
            "events": events,
            "models": models,
            "told": told,
        }
    )
)
