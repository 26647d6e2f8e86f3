"""What is asked for in the body of txt2img and img2img, and the request it makes."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from fastapi import Request as HttpRequest
from PIL import Image, ImageFilter, ImageOps
from pydantic import BaseModel, ConfigDict, model_validator

from negspace.errors import RequestError
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.prompt.reading import mentions
from negspace.serve.access.limits import refuse_many_fields
from negspace.serve.catalogue import Catalogue
from negspace.serve.clients import extensions
from negspace.serve.clients.a1111.samplers import sampler_of
from negspace.serve.refusal import Refusal

_STRENGTH = 0.75
_SEEDS = 2**32
_NO_STYLE = ("", "None")  # what clients send for none, and AUTOMATIC1111 finds none of

# What may be asked for and is not carried out, with the values that ask for nothing.
_LEFT_OUT: Mapping[str, tuple[object, ...]] = {
    "enable_hr": (False,),
    "restore_faces": (False,),
    "tiling": (False,),
    "subseed_strength": (0,),
    "refiner_checkpoint": ("",),
    "clip_skip": (0, 1),
    "s_churn": (0,),
    "image_cfg_scale": (0, 1, 1.5),
    "initial_noise_multiplier": (0, 1),
    "save_images": (False,),
}
_OVERRIDES: Mapping[str, tuple[object, ...]] = {
    "CLIP_stop_at_last_layers": (0, 1, "1"),
    "sd_vae": ("", "None", "Automatic"),
}
_MASKED: Mapping[str, tuple[object, ...]] = {
    "inpainting_fill": (1,),
    "inpaint_full_res": (False, 0),
}


class Txt2ImgBody(BaseModel):
    """The body of txt2img. What it holds besides is echoed in the reply."""

    model_config = ConfigDict(extra="allow")

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = []
    seed: int = -1
    sampler_name: str | None = None
    sampler_index: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int | None = None
    cfg_scale: float | None = None
    width: int | None = None
    height: int | None = None
    denoising_strength: float | None = None
    override_settings: dict[str, Any] = {}
    script_name: str | None = None
    alwayson_scripts: dict[str, Any] = {}
    send_images: bool = True

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_said(cls, given: object) -> object:
        """Clients send null for what they leave open."""
        if isinstance(given, dict):
            refuse_many_fields(given)
            return {name: value for name, value in given.items() if value is not None}
        return given

    @model_validator(mode="after")
    def _no_scripts(self) -> Self:
        for name in (self.script_name, *self.alwayson_scripts):
            if name:
                raise Refusal(f"script {name!r} not found; there are none", 422, "script")
        return self

    def model_of(self, chosen: str) -> str:
        """The model asked for, with the policies behind its name; `chosen` where the body names none."""
        named = self.override_settings.get("sd_model_checkpoint")
        return str(named or chosen).partition(" [")[0]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of what is asked for and not carried out."""
        extra = self.model_extra or {}
        return (
            *_asking(extra, _LEFT_OUT),
            *_asking(self.override_settings, _OVERRIDES),
        )

    def start(self) -> dict[str, object] | None:
        """What is started from; None starts from noise."""
        return None

    def request(self, http: HttpRequest, catalogue: Catalogue, chosen: str) -> extensions.ClientRequest:
        """What is asked for. A negative that is left blank is that of the query or of the headers.

        Args:
            http: the request, beside its body.
            catalogue: what may be asked for.
            chosen: the model of the caller's options.

        Raises:
            NegspaceError: a field is wrong, or names something that is not there.
        """
        model = self.model_of(chosen)
        facts = catalogue.facts(model.partition("@")[0])
        fields = {
            "prompt": self.prompt,
            "avoid": self.negative_prompt or None,
            "model": model,
            "seed": None if self.seed < 0 else self.seed,
            "sampler": sampler_of(self.sampler_name or self.sampler_index, self.scheduler, facts),
            "n": self.batch_size * self.n_iter,
            "steps": self.steps,
            "scale": self.cfg_scale,
            "width": self.width,
            "height": self.height,
            "dialect": "a1111",
            "start": self.start(),
        }
        said = {name: value for name, value in fields.items() if value is not None}
        told = extensions.asked(
            said,
            {"policies": tuple(one for one in self.styles if one not in _NO_STYLE), **self._remark()},
            http.query_params,
            http.headers,
            secrets.randbelow(_SEEDS),
        )
        request = told.request
        texts = (text for text in (request.prompt, request.avoid) if isinstance(text, str))
        taught = {"embeddings": (*request.embeddings, *_named(catalogue, *texts))}
        return replace(told, request=request.model_copy(update=taught))

    def _remark(self) -> dict[str, Any]:
        """What is said of the last picture, which no field of this dialect means otherwise."""
        extra = self.model_extra or {}
        return {name: extra[name] for name in ("conversation", "complaint", "thumbs") if name in extra}


class Img2ImgBody(Txt2ImgBody):
    """The body of img2img."""

    init_images: list[str] = []
    mask: str | None = None
    mask_blur: float = 4
    inpainting_mask_invert: int = 0
    resize_mode: int = 0

    @property
    def left_out(self) -> tuple[str, ...]:
        masked = {"inpainting_fill": 0, "inpaint_full_res": True} | (self.model_extra or {})
        own = () if self.mask is None else _asking(masked, _MASKED)
        return (*super().left_out, *own, *(("resize_mode",) if self.resize_mode == 3 else ()))

    def start(self) -> dict[str, object]:
        if len(self.init_images) != 1:
            raise RequestError(f"init_images: one picture is started from, not {len(self.init_images)}")
        picture = read_picture(from_base64(self.init_images[0])).image()
        size = self.width or picture.width, self.height or picture.height
        mask = None if self.mask is None else self._mask(size)
        strength = _STRENGTH if self.denoising_strength is None else self.denoising_strength
        resized = Pixels.of(_resized(picture, size, self.resize_mode))
        return {"picture": resized, "strength": strength, "mask": mask}

    def _mask(self, size: tuple[int, int]) -> Pixels:
        mask = _resized(read_mask(from_base64(self.mask or "")).image(), size, self.resize_mode)
        if self.inpainting_mask_invert:
            mask = ImageOps.invert(mask)
        return Pixels.of(mask.filter(ImageFilter.GaussianBlur(min(max(self.mask_blur, 0), 64))))


def _asking(given: Mapping[str, Any], neutral: Mapping[str, tuple[object, ...]]) -> tuple[str, ...]:
    return tuple(name for name, values in neutral.items() if name in given and given[name] not in values)


def _named(catalogue: Catalogue, *texts: str) -> tuple[str, ...]:
    """The embeddings whose words stand in the texts."""
    by_word = {facts.name.lower(): name for name, facts in catalogue.taught.items()}
    found = mentions(by_word)
    if found is None:
        return ()
    return tuple(
        dict.fromkeys(by_word[match["name"].lower()] for text in texts for match in found.finditer(text))
    )


def _resized(image: Image.Image, size: Sequence[int], mode: int) -> Image.Image:
    """A picture brought to a size: 0 as it comes, 1 with its edges cut, 2 with its edges filled."""
    width, height = size
    if not (1 <= width <= 4096 and 1 <= height <= 4096):
        raise RequestError(f"size {width}x{height}: a side has 1 to 4096 pixels")
    if image.size == (width, height):
        return image
    match mode:
        case 0 | 3:
            return image.resize((width, height), Image.Resampling.LANCZOS)
        case 1:
            return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        case 2:
            whole = ImageOps.contain(image, (width, height), Image.Resampling.LANCZOS)
            filled = image.resize((width, height), Image.Resampling.LANCZOS)
            filled.paste(whole, ((width - whole.width) // 2, (height - whole.height) // 2))
            return filled
        case _:
            raise RequestError(f"resize_mode {mode}: there are 0, 1 and 2")
