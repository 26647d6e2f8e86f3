"""The bodies of txt2img and img2img, and the requests they make."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from fastapi import Request as HttpRequest
from PIL import Image, ImageFilter, ImageOps
from pydantic import BaseModel, ConfigDict, model_validator

from negspace.errors import RequestError
from negspace.facts import ModelFacts
from negspace.hires import UPSCALERS, Hires
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.prompt.reading import embedding_pattern
from negspace.request import Start
from negspace.serve.access.request_limits import refuse_many_fields
from negspace.serve.catalogue import Catalogue
from negspace.serve.clients.a1111.samplers import sampler_of
from negspace.serve.extension_fields import ClientRequest, client_request
from negspace.serve.refusal import Refusal

_NO_UPSCALER = ("", "None")  # what clients send for a plain resize
_NO_STYLE = ("", "None")  # what clients send for no style

# Options that are not supported, with the values that ask for nothing.
_UNSUPPORTED: Mapping[str, tuple[object, ...]] = {
    "restore_faces": (False,),
    "tiling": (False,),
    "subseed_strength": (0,),
    "refiner_checkpoint": ("",),
    "clip_skip": (0, 1),
    "s_churn": (0,),
    "image_cfg_scale": (0, 1, 1.5),
    "initial_noise_multiplier": (0, 1),
    "save_images": (False,),
    "s_min_uncond": (0,),
    "infotext": ("",),
}
_SECOND_PASS: Mapping[str, tuple[object, ...]] = {
    "hr_checkpoint_name": ("", "Use same checkpoint"),
    "hr_sampler_name": ("", "Use same sampler"),
    "hr_scheduler": ("", "Use same scheduler"),
    "hr_prompt": ("",),
    "hr_negative_prompt": ("",),
    "hr_cfg": (0, 1),
    "hr_additional_modules": ([], ["Use same choices"]),
    "firstphase_width": (0,),
    "firstphase_height": (0,),
}
_CHECKPOINT = "sd_model_checkpoint"
_OVERRIDES: Mapping[str, tuple[object, ...]] = {
    "CLIP_stop_at_last_layers": (0, 1, "1"),
    "sd_vae": ("", "None", "Automatic"),
}
_MASKED: Mapping[str, tuple[object, ...]] = {
    "inpainting_fill": (1,),
    "inpaint_full_res": (False, 0),
}


class Txt2ImgBody(BaseModel):
    """The body of txt2img. Other fields are echoed in the reply."""

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
    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_upscaler: str = "Latent"
    hr_second_pass_steps: int = 0
    override_settings: dict[str, Any] = {}
    script_name: str | None = None
    alwayson_scripts: dict[str, Any] = {}
    send_images: bool = True

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, body: object) -> object:
        """Clients send null for fields they leave open."""
        if isinstance(body, dict):
            refuse_many_fields(body)
            return {name: value for name, value in body.items() if value is not None}
        return body

    @model_validator(mode="after")
    def _no_scripts(self) -> Self:
        for name in (self.script_name, *self.alwayson_scripts):
            if name:
                raise Refusal(f"script {name!r} not found; there are none", 422, "script")
        return self

    def model_or(self, default: str) -> str:
        """The model of the body, with the policies after its name; `default` if it has none."""
        checkpoint = self.override_settings.get(_CHECKPOINT)
        return str(checkpoint or default).partition(" [")[0]

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Names of options that the body sets and that are not supported."""
        overrides = [
            name
            for name, value in self.override_settings.items()
            if name != _CHECKPOINT and value not in _OVERRIDES.get(name, ())
        ]
        extra = self.model_extra or {}
        return (*_set(extra, _UNSUPPORTED), *self._unsupported_hires(extra), *overrides)

    def _unsupported_hires(self, extra: Mapping[str, Any]) -> tuple[str, ...]:
        """What of a second pass is not supported; an upscaler that is not there is Lanczos."""
        if not self.enable_hr:
            return ()
        known = self.hr_upscaler in (*UPSCALERS, *_NO_UPSCALER)
        return (*_set(extra, _SECOND_PASS), *(() if known else ("hr_upscaler",)))

    def hires(self, facts: ModelFacts) -> Hires | None:
        """The second pass; None where there is none. One side alone sets the scale.

        Raises:
            RequestError: it is not possible.
        """
        if not self.enable_hr:
            return None
        x, y = self.hr_resize_x, self.hr_resize_y
        width, height = self.width or facts.width, self.height or facts.height
        alone = x / width if x else y / height if y else self.hr_scale
        fields = {
            "scale": alone,
            "width": x if x and y else None,
            "height": y if x and y else None,
            "strength": self.denoising_strength,
            "steps": self.hr_second_pass_steps or None,
            "upscaler": self.hr_upscaler if self.hr_upscaler in UPSCALERS else "Lanczos",
        }
        return Hires.from_dict({name: value for name, value in fields.items() if value is not None})

    def start(self) -> Start | None:
        """The picture to start from; None starts from noise."""
        return None

    def request(self, http: HttpRequest, catalogue: Catalogue, default_model: str) -> ClientRequest:
        """The request of the body. An empty negative is replaced by that of the query or of the headers.

        Args:
            http: the HTTP request, for query and headers.
            catalogue: of the server.
            default_model: of the caller's options.

        Raises:
            NegspaceError: a field is wrong, or names something that does not exist.
        """
        model = self.model_or(default_model)
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
            "hires": self.hires(facts),
        }
        styles = tuple(style for style in self.styles if style not in _NO_STYLE)
        extra = self.model_extra or {}
        client = client_request(
            fields,
            {**extra, "policies": (*styles, *_names(extra.get("policies")))},
            http.query_params,
            http.headers,
            catalogue.facts,
        )
        request = client.request
        texts = [text for text in (request.prompt, request.avoid) if isinstance(text, str)]
        embeddings = (*request.embeddings, *_embeddings_in(texts, catalogue))
        return replace(client, request=request.model_copy(update={"embeddings": embeddings}))


class Img2ImgBody(Txt2ImgBody):
    """The body of img2img."""

    init_images: list[str] = []
    mask: str | None = None
    mask_blur: float = 4
    inpainting_mask_invert: int = 0
    resize_mode: int = 0

    @property
    def unsupported(self) -> tuple[str, ...]:
        options = {"inpainting_fill": 0, "inpaint_full_res": True} | (self.model_extra or {})
        masked = () if self.mask is None else _set(options, _MASKED)
        return (*super().unsupported, *masked, *(("resize_mode",) if self.resize_mode == 3 else ()))

    def _unsupported_hires(self, extra: Mapping[str, Any]) -> tuple[str, ...]:
        return ("enable_hr",) if self.enable_hr else ()

    def hires(self, facts: ModelFacts) -> Hires | None:
        return None

    def start(self) -> Start:
        if len(self.init_images) != 1:
            raise RequestError(f"init_images: exactly one picture is needed, not {len(self.init_images)}")
        picture = read_picture(from_base64(self.init_images[0])).image()
        size = self.width or picture.width, self.height or picture.height
        mask = None if self.mask is None else self._mask(size)
        resized = Pixels.of(_resized(picture, size, self.resize_mode))
        return Start.of(resized, self.denoising_strength, mask)

    def _mask(self, size: tuple[int, int]) -> Pixels:
        mask = _resized(read_mask(from_base64(self.mask or "")).image(), size, self.resize_mode)
        if self.inpainting_mask_invert:
            mask = ImageOps.invert(mask)
        return Pixels.of(mask.filter(ImageFilter.GaussianBlur(min(max(self.mask_blur, 0), 64))))


def _names(policies: object) -> tuple[str, ...]:
    """Policies of an extension field: a list, or a text with commas."""
    parts = policies.split(",") if isinstance(policies, str) else policies or ()
    if not isinstance(parts, list | tuple):
        raise RequestError(f"policies: {policies!r:.40} is no list of names")
    return tuple(str(part).strip() for part in parts)


def _set(options: Mapping[str, Any], neutral: Mapping[str, tuple[object, ...]]) -> tuple[str, ...]:
    """Names of the options that have another value than the neutral ones."""
    return tuple(name for name, values in neutral.items() if name in options and options[name] not in values)


def _embeddings_in(texts: Sequence[str], catalogue: Catalogue) -> tuple[str, ...]:
    """The embeddings whose words occur in the texts."""
    by_word = {facts.name.lower(): name for name, facts in catalogue.embedding_facts.items()}
    pattern = embedding_pattern(by_word)
    if pattern is None:
        return ()
    words = (match["name"].lower() for text in texts for match in pattern.finditer(text))
    return tuple(dict.fromkeys(by_word[word] for word in words))


def _resized(image: Image.Image, size: Sequence[int], mode: int) -> Image.Image:
    """A picture in another size: mode 0 stretches it, 1 cuts its edges, 2 fills its edges."""
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
            raise RequestError(f"resize_mode {mode}: it must be 0, 1 or 2")
