"""Info: what AUTOMATIC1111 tells of its pictures, filled from the receipt."""

import json
from typing import Any

from negspace import infotext
from negspace.receipt import Receipt
from negspace.serve.clients.a1111.bodies import Txt2ImgBody
from negspace.serve.clients.a1111.callers import stamp
from negspace.serve.clients.summary import acted, receipt_address
from negspace.serve.jobs.events import Finished


def of_finished(asked: Txt2ImgBody, finished: Finished) -> str:
    """The `info` of finished pictures, JSON as text. Its negative prompt is the one that was told."""
    receipt = finished.receipt
    seeds = [image.seed for image in receipt.images]
    negative, count = receipt.negative.text or "", len(seeds)
    start = receipt.request.start
    info: dict[str, Any] = {
        "prompt": receipt.positive.text,
        "all_prompts": [receipt.positive.text] * count,
        "negative_prompt": negative,
        "all_negative_prompts": [negative] * count,
        "seed": seeds[0],
        "all_seeds": seeds,
        "subseed": seeds[0],
        "all_subseeds": seeds,
        "subseed_strength": 0,
        "width": receipt.width,
        "height": receipt.height,
        "sampler_name": receipt.sampler,
        "cfg_scale": receipt.scale,
        "steps": receipt.steps,
        "batch_size": count,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": receipt.model.name,
        "sd_model_hash": receipt.model.fingerprint[:10],
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": None if start is None else start.strength,
        "extra_generation_params": _extra(asked, finished),
        "index_of_first_image": 0,
        "infotexts": [infotext.write(infotext.from_receipt(receipt, index)) for index in range(count)],
        "styles": list(receipt.request.policies),
        "job_timestamp": stamp(),
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"negspace {receipt.versions['negspace']}",
    }
    return json.dumps(info)


def of_nothing(asked: Txt2ImgBody, why: str) -> str:
    """The `info` of a request that its caller had left off."""
    extra = {"Left off": why}
    return json.dumps(
        {
            "prompt": asked.prompt,
            "all_prompts": [],
            "negative_prompt": asked.negative_prompt,
            "all_negative_prompts": [],
            "seed": asked.seed,
            "all_seeds": [],
            "infotexts": [],
            "extra_generation_params": extra,
            "job_timestamp": stamp(),
        }
    )


def _extra(asked: Txt2ImgBody, finished: Finished) -> dict[str, Any]:
    receipt = finished.receipt
    counted = ", ".join(f"{count} {branch}" for branch, count in receipt.evaluations.items())
    extra: dict[str, Any] = {
        "Negative acted": acted(receipt),
        "Rule": receipt.rule,
        "Evaluations": counted,
        "Terms": [_term(receipt, index) for index in range(len(receipt.terms))],
        "Findings": [finding.text for finding in receipt.findings],
        "Receipts": [receipt_address(picture) for picture in finished.pictures],
    }
    return extra | ({"Not carried out": ", ".join(asked.left_out)} if asked.left_out else {})


def _term(receipt: Receipt, index: int) -> dict[str, Any]:
    term = receipt.terms[index]
    return {"term": term.term, "weight": term.weight, "source": term.source, "told": term.channel}
