"""The `info` of a reply: AUTOMATIC1111's description of its pictures, filled from the receipt."""

import json
from typing import Any

from negspace import infotext
from negspace.receipt import Receipt, TermRecord
from negspace.serve.clients.a1111.bodies import Txt2ImgBody
from negspace.serve.clients.a1111.callers import timestamp
from negspace.serve.dialect import acted, receipt_path
from negspace.serve.feedback_reply import FeedbackReply
from negspace.serve.jobs.events import Finished


def of_finished(body: Txt2ImgBody, finished: Finished, feedback: FeedbackReply | None = None) -> str:
    """The `info` of finished pictures, JSON as text. Its negative prompt is the one the model was given."""
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
        "extra_generation_params": _extra(body, finished) | _answer(feedback, receipt),
        "index_of_first_image": 0,
        "infotexts": [infotext.write(infotext.from_receipt(receipt, index)) for index in range(count)],
        "styles": list(receipt.request.policies),
        "job_timestamp": timestamp(),
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"negspace {receipt.versions['negspace']}",
    }
    return json.dumps(info)


def of_stopped(body: Txt2ImgBody, reason: str) -> str:
    """The `info` of a request that its caller stopped."""
    return json.dumps(
        {
            "prompt": body.prompt,
            "all_prompts": [],
            "negative_prompt": body.negative_prompt,
            "all_negative_prompts": [],
            "seed": body.seed,
            "all_seeds": [],
            "infotexts": [],
            "extra_generation_params": {"Left off": reason},
            "job_timestamp": timestamp(),
        }
    )


def _extra(body: Txt2ImgBody, finished: Finished) -> dict[str, Any]:
    receipt = finished.receipt
    extra: dict[str, Any] = {
        "Negative acted": acted(receipt),
        "Rule": receipt.rule,
        "Evaluations": _evaluations(receipt),
        "Terms": [_term(term) for term in receipt.terms],
        "Findings": [finding.text for finding in receipt.findings],
        "Receipts": [receipt_path(picture) for picture in finished.pictures],
    }
    return extra | ({"Not carried out": ", ".join(body.unsupported)} if body.unsupported else {})


def _answer(feedback: FeedbackReply | None, receipt: Receipt) -> dict[str, Any]:
    return {} if feedback is None else {"Feedback": feedback.to_plain(receipt)}


def _evaluations(receipt: Receipt) -> str:
    return ", ".join(f"{count} {branch}" for branch, count in receipt.evaluations.items())


def _term(term: TermRecord) -> dict[str, Any]:
    return {"term": term.term, "weight": term.weight, "source": term.source, "told": term.channel}
