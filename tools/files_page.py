"""docs/files.md: what people open, and what comes of it, as the tests hold it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.model_files.kinds import KINDS

_HEAD = """# Files and settings that people have, and what comes of them

Every row is a test. A stand-in has the real classes, block structure and key layouts at a small
width, with random weights. "Opens" means: the latents differ from those of the model it was made
from by less than 1e-4 in float32. A refusal is one sentence after the name of the file; none says
of a whole file that it is damaged. `make docs` writes this page from the tables that the tests run.

## Single files and folders

`tests/model_files/test_kinds.py`. Weights in few bits are read at the dtype of the model: they
open, and take the memory of a model in that dtype. They are compared with a file of what the few
bits mean.
"""


@dataclass(frozen=True)
class Row:
    """A kind of file or setting, and the test that holds its result.

    Attributes:
        name: as its users call it.
        result: what comes of it.
        test: "file::function" under `tests`.
    """

    name: str
    result: str
    test: str


_LORAS = "loras/test_layouts.py::test_a_layout_by_hand"
_SAMPLERS = "families/test_samplers.py::"
_ENCODERS = "model_files/test_encoders.py::"

_LEFTOVERS = "model_files/test_leftovers.py::"

ROWS = (
    Row(
        "a tensor that nothing reads: in a whole model, a denoiser, a part, a folder's part",
        "refused with its name, or known to carry nothing",
        _LEFTOVERS + "test_a_tensor_that_no_part_of_a_model_reads_is_named",
    ),
    Row(
        "a whole SD3 with T5, and a config without",
        "refused with the part's name",
        _LEFTOVERS + "test_a_part_that_the_config_has_not_is_named",
    ),
    Row(
        "Qwen-Image, and every family, in bfloat16 and float16",
        "opens; as near to float32 as diffusers is (factor 3)",
        "families/test_laws.py::test_latents_equal_those_of_diffusers",
    ),
    Row(
        "a VAE whose `force_upcast` is set, in float16",
        "works in float32",
        "models/test_loading.py::test_an_autoencoder_whose_settings_say_so_decodes_in_float32",
    ),
    Row(
        "numbers that are none, in the network or the VAE",
        "the picture ends with stage and remedy",
        "run/test_broken.py::test_a_broken_picture_ends_and_the_others_go_on",
    ),
    Row(
        "the same, for an operator",
        "counted in `negspace_pictures_broken`",
        "serve/test_operations.py::test_pictures_that_broke_are_counted_some_or_all_of_a_job",
    ),
    Row(
        "SD, SDXL, SD3 and FLUX.1 files without config and hub",
        "`models` and `plan` work; `imagine` where the file has every part and T5 is not read",
        "model_files/test_shipped.py::test_a_file_is_known_and_planned_while_no_hub_is_in_reach",
    ),
    Row(
        "SDXL Turbo, Lightning, Hyper, LCM, DMD2 files, declared",
        "trailing times and sampler of their makers",
        _SAMPLERS + "test_what_is_declared_is_run",
    ),
    Row(
        "hyperRealism_30, DreamShaperXL_Turbo_v2",
        "run as any other model; a finding names the word",
        _SAMPLERS + "test_a_word_in_a_name_declares_nothing",
    ),
    Row(
        "Turbo merges at scale 2 with a negative",
        "run with a finding",
        _SAMPLERS + "test_a_merge_that_wants_a_second_branch_has_one_with_a_finding",
    ),
    Row(
        "a folder with `LCMScheduler`",
        "LCM, 4 steps, scale 1",
        _SAMPLERS + "test_a_scheduler_declares_too_and_an_unknown_one_is_named",
    ),
    Row(
        "a folder with a scheduler that is not run",
        "DPM++ 2M with a finding",
        _SAMPLERS + "test_a_scheduler_declares_too_and_an_unknown_one_is_named",
    ),
    Row(
        "LMS, DPM++ 2S, schedules Exponential, Beta, SGM Uniform",
        "equal to diffusers' schedulers",
        _SAMPLERS + "test_a_sampler_makes_what_its_scheduler_makes_in_diffusers",
    ),
    Row(
        "LCM, TCD, DPM++ SDE",
        "end in the picture that a network knows",
        _SAMPLERS + "test_a_sampler_that_draws_ends_in_the_picture_that_a_network_knows",
    ),
    Row(
        "`--vae`: vae-ft-mse, sdxl-vae-fp16-fix, ae.safetensors",
        "takes the place of the model's own",
        "model_files/test_parts_swapped.py::test_a_vae_takes_the_place_of_the_models_own",
    ),
    Row(
        "`--clip-skip`",
        "that of diffusers; for what is avoided too",
        "model_files/test_parts_swapped.py::test_clip_skip_is_that_of_diffusers",
    ),
    Row(
        "clip_l with projection, full CLIPModel, OpenAI's names",
        "opens",
        _ENCODERS + "test_other_names_and_what_sees_pictures_change_nothing",
    ),
    Row(
        "clip_g under OpenCLIP's names",
        "opens",
        _ENCODERS + "test_the_second_encoder_of_sdxl_keeps_its_projection",
    ),
    Row(
        "LongCLIP (248 tokens)",
        "opens where it is the only CLIP; else refused, both numbers named",
        _ENCODERS + "test_an_encoder_of_longer_texts_reads_longer_texts",
    ),
    Row("t5xxl in scaled float8", "opens", _ENCODERS + "test_a_t5_in_scaled_float8_is_read"),
    Row("t5xxl in GGUF, under llama.cpp's names", "opens", _ENCODERS + "test_a_t5_in_gguf_is_read"),
    Row(
        "kohya with text encoders; attention or text encoder alone; attention processors; peft alpha",
        "applied whole",
        _LORAS,
    ),
    Row(
        "LoHa, LoKr, DoRA, (IA)³, full differences, norms",
        "applied whole",
        "loras/test_forms.py::test_a_form_by_hand",
    ),
    Row(
        "OFT, GLoRA, bundled embeddings",
        "refused, the kind named",
        "loras/test_files.py::test_kinds_that_are_not_carried_out_are_named",
    ),
    Row(
        "`<lora:name:0.8>`, `withLora(name, 0.8)` in a prompt",
        "carried out, or refused where no folder is given",
        "loras/test_requests.py::test_a_prompt_names_files_and_again_makes_the_same_picture",
    ),
    Row(
        "`enable_hr` of AUTOMATIC1111's clients, `--hires`",
        "a second pass by the same plan: image to image from the enlarged first, bit for bit",
        "run/test_hires.py::test_it_is_image_to_image_from_the_enlarged_picture",
    ),
    Row(
        "model and sequential offload",
        "no weight is on the device before it works",
        "models/test_loading.py::test_weights_that_move_are_never_all_on_the_device",
    ),
    Row(
        "`--device mps`",
        "no float64 on the device; not run on hardware",
        "models/test_loading.py::test_a_device_that_is_not_there_is_named",
    ),
)
"""What is no kind of single file."""

_TAIL = """## Not offered

Layerwise casting, group offload, attention backends and `torch.compile` as settings; weights that
stay in few bits on the device; ControlNet, IP-Adapter, inpainting and editing models, Redux,
refiner, upscaling networks. A field of a client that asks for one is named under "Not carried out". The
vocabularies of T5, Gemma and Qwen do not ship: a file that needs one takes it from its config or
the hub. "DPM++ 2S a" and "DPM2" are refused by name; "DPM++ SDE" is the single-step solver of
diffusers, one evaluation a step.
"""


def page() -> str:
    """The page in Markdown."""
    return "\n".join([_HEAD, *_kinds(), "", "## Settings, parts and LoRA files", "", *_rows(), _TAIL])


def _kinds() -> Iterator[str]:
    yield from ("| kind | stand-in | result |", "|---|---|---|")
    for kind in KINDS:
        result = f"refused: *{kind.refused}*" if kind.refused else "opens"
        yield f"| {kind.name} | `{kind.family}` | {result} |"


def _rows() -> Iterator[str]:
    yield from ("| kind | result | test |", "|---|---|---|")
    for row in ROWS:
        yield f"| {row.name} | {row.result} | `{row.test.replace('::', '` `')}` |"
