"""Public reports of faults of other programs that were tried here, each with the tests of what is right."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

REPORTS: dict[str, tuple[str, ...]] = {
    "zero-weight, AUTOMATIC1111/stable-diffusion-webui#9220": (
        "test_weights.py::test_a_weight_of_0_is_the_absence_of_the_word",
        "families/test_weights.py::test_a_weight_of_0_is_absence",
    ),
    "tiny-negative-weight, hako-mikan/sd-webui-negpip#51": (
        "test_weights.py::test_a_tiny_negative_weight_does_next_to_nothing",
        "families/test_weights.py::test_a_negative_weight_in_the_prompt_pushes_more_the_larger_it_is",
    ),
    "kohya-lora-text, vladmandic/sdnext#4987": (
        "loras/test_files.py::test_the_text_encoder_of_kohya_is_not_left_out",
        "loras/test_layouts.py::test_a_layout_by_hand",
    ),
    "dora, files of kohya": ("loras/test_files.py::test_dora_of_kohya_is_carried_out",),
    "weights-on-language-models, leejet/stable-diffusion.cpp#1492": (
        "families/test_weights.py::test_no_syntax_reaches_a_language_model",
        "families/test_weights.py::test_the_weights_of_a_policy_are_not_read_as_words",
    ),
    "routes-field, open-webui/open-webui#1459": (
        "serve/test_extensions.py::test_routes_in_every_place",
        "serve/test_client_fields.py::test_extension_fields_reach_the_native_api",
    ),
    "flux-scale-inert, mcmonkeyprojects/SwarmUI#250": (
        "planning/test_rule.py::test_a_scale_that_does_nothing_is_told",
    ),
    "hyper-in-a-word, vllm-project/vllm-omni#6774": (
        "planning/test_sizes.py::test_hyper_within_a_word_is_no_few_step_model",
    ),
    "lora-tag, AUTOMATIC1111/stable-diffusion-webui#14475": (
        "prompt/test_foreign.py::test_a_tag_of_a_lora_leaves_the_text",
        "serve/test_loras.py::test_a_client_names_a_file_and_others_keep_their_picture",
    ),
    "with-lora, damian0815/compel": ("prompt/test_foreign.py::test_a_call_of_compel_is_named_and_refused",),
    "weight-comma, pamparamm/ComfyUI-ppm#10": ("prompt/test_foreign.py::test_reported_forms",),
    "foreign-syntax, damian0815/compel#16": (
        "prompt/test_foreign.py::test_every_form_is_carried_out_or_told",
        "prompt/test_foreign.py::test_reported_forms",
    ),
    "guidance-zero, utensils/mold#1283": (
        "serve/test_extensions.py::test_scale_zero_is_guidance_off",
        "serve/test_client_fields.py::test_scale_zero_is_scale_one",
    ),
    "true-cfg-scale, vllm-project/vllm-omni#7859": (
        "serve/test_extensions.py::test_a_true_scale_is_the_scale",
    ),
    "unknown-negative-field, AUTOMATIC1111/stable-diffusion-webui#15372": (
        "serve/test_extensions.py::test_a_field_that_looks_like_ours_is_a_finding",
        "serve/test_client_fields.py::test_a_field_that_is_not_understood_is_a_finding",
    ),
    "not-carried-out, AUTOMATIC1111 and Forge": (
        "serve/test_client_fields.py::test_a1111_names_what_is_not_carried_out",
    ),
    "infotext-dialect, jags111/efficiency-nodes-comfyui#143": (
        "test_infotext.py::test_texts_are_written_in_the_numbers_of_its_readers",
    ),
    "infotext-hashes, AUTOMATIC1111/stable-diffusion-webui#12259": (
        "test_infotext.py::test_hashes_of_embeddings_are_listed",
    ),
    "full-width-comma, Chinese and Japanese texts": (
        "prompt/test_foreign.py::test_commas_of_other_scripts_divide_terms",
    ),
    "heun-count, AUTOMATIC1111/stable-diffusion-webui#7508": (
        "test_generate.py::test_schedules_and_receipts_count_steps",
    ),
}


@cache
def _names_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_has_tests(report: str) -> None:
    assert len(REPORTS) == 20
    for test in REPORTS[report]:
        file, _, name = test.partition("::")
        assert name in _names_in(file), f"{report}: there is no test {test}"
