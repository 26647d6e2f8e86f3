"""The AUTOMATIC1111 dialect: its real client against a live server, and what other clients of it send."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import requests
import webuiapi
from PIL import Image

from negspace import infotext
from negspace.models.samplers import SCHEDULES
from negspace.receipt import Receipt
from negspace.serve.settings import ServerSettings
from tests.pictures import declared, gradient, half, text
from tests.serve.live import Live, serving

SMALL: dict[str, Any] = {"width": 64, "height": 64, "steps": 2}


@pytest.fixture(scope="module")
def client(live: Live) -> Any:
    return webuiapi.WebUIApi(baseurl=f"{live.url}/sdapi/v1", sampler="DPM++ 2M", steps=2)


@pytest.fixture
def post(live: Live) -> Any:
    def call(path: str, body: Any, **options: Any) -> requests.Response:
        return requests.post(f"{live.url}/sdapi/v1/{path}", json=body, timeout=60, **options)

    return call


def opened(image: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(image)))


# The real client


def test_txt2img_by_the_real_client(client: Any, live: Live) -> None:
    made = client.txt2img(
        prompt="a red cat", negative_prompt="blurry, hat", seed=7, batch_size=2, cfg_scale=4.0, **SMALL
    )
    assert [image.size for image in made.images] == [(64, 64)] * 2
    info = made.info
    assert info["negative_prompt"] == "blurry, hat" and info["all_seeds"] == [7, 8]
    assert info["all_negative_prompts"] == ["blurry, hat"] * 2
    extra = info["extra_generation_params"]
    assert extra["Negative acted"] == "yes" and extra["Evaluations"] == "4 positive, 4 negative"
    assert [term["term"] for term in extra["Terms"]] == ["blurry", "hat"]
    read = infotext.read(info["infotexts"][1])
    assert (read.prompt, read.negative, read.settings["Seed"]) == ("a red cat", "blurry, hat", "8")
    assert made.images[1].info["parameters"] == info["infotexts"][1]
    kept = requests.get(live.url + extra["Receipts"][1], timeout=60).json()
    inside = Receipt.from_json(made.images[1].info["negspace"])
    assert Receipt.from_dict(kept) == inside and inside.images[0].seed == 8
    again = client.txt2img(prompt="a red cat", negative_prompt="blurry, hat", seed=7, cfg_scale=4.0, **SMALL)
    assert again.parameters["prompt"] == "a red cat" and again.info["seed"] == 7


def test_a_negative_that_cannot_act_is_told(client: Any) -> None:
    extra = client.txt2img(prompt="a cat", negative_prompt="hat", cfg_scale=1.0, **SMALL).info[
        "extra_generation_params"
    ]
    assert extra["Negative acted"].startswith("no: the scale is 1")


def test_weights_are_those_of_this_dialect(client: Any) -> None:
    (term,) = client.txt2img(prompt="a [cat:house:0.5]", negative_prompt="((hat))", **SMALL).info[
        "extra_generation_params"
    ]["Terms"]
    assert (term["term"], round(term["weight"], 4)) == ("hat", 1.21)


def test_a_style_is_a_policy(client: Any) -> None:
    styles = {style["name"]: style for style in client.get_prompt_styles()}
    assert "quality-floor" in styles and "blurry" in styles["quality-floor"]["negative_prompt"]
    info = client.txt2img(prompt="a cat", styles=["quality-floor"], **SMALL).info
    assert "blurry" in info["negative_prompt"] and info["styles"] == ["quality-floor"]
    sources = {term["source"] for term in info["extra_generation_params"]["Terms"]}
    assert sources and all(source.startswith("quality-") for source in sources)


def test_a_second_pass_by_the_real_client(client: Any) -> None:
    asked: dict[str, Any] = {"prompt": "a cat", "width": 64, "height": 64, "steps": 2, "seed": 3}
    asked |= {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.5, "hr_second_pass_steps": 4}
    made = client.txt2img(**asked, hr_upscaler="Latent (bicubic)")
    assert made.image.size == (96, 96) and made.info["denoising_strength"] == 0.5
    extra = made.info["extra_generation_params"]
    assert extra["Evaluations"].startswith("4 positive") and "Not carried out" not in extra
    settings = made.info["infotexts"][0]
    assert "Size: 64x64" in settings and "Denoising strength: 0.5" in settings
    assert "Hires upscale: 1.5, Hires steps: 4, Hires upscaler: Latent (bicubic)" in settings
    other = client.txt2img(**asked | {"hr_resize_x": 128, "hr_resize_y": 0}, hr_upscaler="R-ESRGAN 4x+")
    assert other.image.size == (128, 128)
    assert other.info["extra_generation_params"]["Not carried out"] == "hr_upscaler"
    assert "Hires upscaler: Lanczos" in other.info["infotexts"][0]


@pytest.mark.parametrize(
    ("path", "fields", "left_out"),
    [
        ("txt2img", {"hr_prompt": "a dog", "hr_sampler_name": "Euler"}, "hr_prompt, hr_sampler_name"),
        ("img2img", {"init_images": [text(gradient())], "denoising_strength": 0.5}, "enable_hr"),
    ],
)
def test_what_is_left_out_of_a_second_pass_is_named(
    post: Any, path: str, fields: dict[str, Any], left_out: str
) -> None:
    body = {"prompt": "a cat", "enable_hr": True, "hr_scale": 1.0, "denoising_strength": 1} | SMALL | fields
    info = json.loads(post(path, body).json()["info"])
    named = info["extra_generation_params"]["Not carried out"].split(", ")
    assert sorted(named) == sorted(left_out.split(", "))


def test_img2img_by_the_real_client(client: Any) -> None:
    made = client.img2img(
        images=[gradient()], prompt="a cat", denoising_strength=0.5, width=64, height=64, steps=4, seed=3
    )
    assert made.image.size == (64, 64) and made.info["denoising_strength"] == 0.5
    assert made.info["extra_generation_params"]["Evaluations"].startswith("2 positive")
    assert "Denoising strength: 0.5" in made.info["infotexts"][0]
    assert made.parameters["init_images"] is None


def test_inpainting_by_the_real_client(client: Any) -> None:
    asked: dict[str, Any] = {"images": [gradient()], "prompt": "a cat", "width": 64, "height": 64, "steps": 4}
    asked |= {
        "mask_image": half(),
        "mask_blur": 0,
        "seed": 3,
        "inpainting_fill": 1,
        "inpaint_full_res": False,
    }
    left, right = (0, 0, 32, 64), (32, 0, 64, 64)
    made = client.img2img(**asked)
    assert made.image.crop(left).tobytes() == gradient().crop(left).tobytes()
    assert made.image.crop(right).tobytes() != gradient().crop(right).tobytes()
    assert "Not carried out" not in made.info["extra_generation_params"]
    turned = client.img2img(**asked | {"inpainting_mask_invert": 1, "inpaint_full_res": True}).image
    assert turned.crop(right).tobytes() == gradient().crop(right).tobytes()


def test_what_the_real_client_reads(client: Any) -> None:
    assert {"Euler a", "DPM++ 2M", "DDIM"} <= {one["name"] for one in client.get_samplers()}
    assert [one["label"] for one in client.get_schedulers()] == ["Automatic", *SCHEDULES]
    assert [one["model_name"] for one in client.get_sd_models()] == ["tiny", "embedded"]
    assert client.util_get_model_names() == ["embedded", "tiny"]
    assert client.get_scripts() == {"txt2img": [], "img2img": []}
    assert client.get_embeddings() == {"loaded": {}, "skipped": {}}
    for empty in ("loras", "sd_vae", "hypernetworks", "face_restorers"):
        assert getattr(client, f"get_{empty}")() == []
    assert [one["name"] for one in client.get_upscalers()] == ["Lanczos", "Nearest"]
    assert "Latent (nearest-exact)" in [one["name"] for one in client.get_latent_upscale_modes()]
    assert client.get_realesrgan_models() == [] and client.get_cmd_flags() == {}
    assert set(client.get_memory()) == {"ram", "cuda"}
    client.refresh_checkpoints()
    client.interrupt()
    client.skip()


def test_options_choose_the_model(client: Any) -> None:
    before = client.get_options()
    assert client.util_get_current_model() == "tiny"
    client.util_set_model("embedded")
    try:
        assert client.util_get_current_model() == "embedded"
        plain = client.txt2img(
            prompt="a cat", override_settings={"sd_model_checkpoint": "tiny [0123456789]"}, **SMALL
        )
        assert plain.info["sd_model_name"] == "tiny"
    finally:
        client.set_options(before)
    assert client.util_get_current_model() == "tiny"
    client.util_wait_for_ready(check_interval=0.05)
    refused = client.set_options({"sd_model_checkpoint": "nothing"})
    assert "no model is called 'nothing'" in refused["detail"]


def test_a_policy_behind_the_model(client: Any) -> None:
    client.set_options({"sd_model_checkpoint": "tiny@quality-floor"})
    try:
        assert client.txt2img(prompt="a cat", **SMALL).info["styles"] == ["quality-floor"]
    finally:
        client.set_options({"sd_model_checkpoint": "tiny"})


def test_png_info_by_the_real_client(client: Any) -> None:
    made = client.txt2img(prompt="a red cat", negative_prompt="hat", seed=5, **SMALL)
    read = client.png_info(made.image)
    assert read.info == made.info["infotexts"][0]
    assert read.parameters["Negative prompt"] == "hat" and read.parameters["Seed"] == "5"
    assert Receipt.from_json(read.json["items"]["negspace"]).images[0].seed == 5
    assert client.png_info(gradient()).info == ""


@pytest.mark.parametrize(
    ("sampler", "scheduler", "name"),
    [
        ("DPM++ 2M", "Karras", "DPM++ 2M Karras"),
        ("DPM++ 2M Karras", "automatic", "DPM++ 2M Karras"),
        ("dpm++ 2m karras", "karras", "DPM++ 2M Karras"),
        ("k_euler_a", "Automatic", "Euler a"),
        ("Euler a", "", "Euler a"),
        ("Euler", "sgm_uniform", "Euler SGM Uniform"),
        ("Euler a", "SGM Uniform", "Euler a SGM Uniform"),
        ("dpmpp_2m_sde", "exponential", "DPM++ 2M SDE Exponential"),
        ("LCM", "Automatic", "LCM"),
    ],
)
def test_samplers_and_schedulers_become_one_name(
    client: Any, sampler: str, scheduler: str, name: str
) -> None:
    made = client.txt2img(prompt="a cat", sampler_name=sampler, scheduler=scheduler, **SMALL)
    assert made.info["sampler_name"] == name


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"sampler_name": "Euler b"}, 404, "Sampler not found"),
        ({"scheduler": "polyexponential", "sampler_name": "Euler"}, 404, "Scheduler not found"),
        ({"scheduler": "Karras", "sampler_name": "DDIM"}, 404, "DDIM has no Karras"),
        ({"script_name": "x/y/z plot"}, 422, "script 'x/y/z plot' not found"),
        ({"alwayson_scripts": {"ADetailer": {"args": []}}}, 422, "script 'ADetailer'"),
        ({"styles": ["no-such-policy"]}, 400, "no policy is called"),
        ({"override_settings": {"sd_model_checkpoint": "../../etc"}}, 400, "no model is called"),
        ({"width": 65}, 400, "width 65 is not a multiple"),
        ({"steps": 0}, 400, "steps"),
        ({"steps": "many"}, 422, "steps"),
        ({"batch_size": 1000}, 400, "at most"),
        ({"batch_size": -1}, 400, "n:"),
        ({"cfg_scale": -1}, 400, "scale"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    post: Any, fields: dict[str, Any], status: int, message: str
) -> None:
    answer = post("txt2img", {"prompt": "a cat"} | SMALL | fields)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["detail"] and "\n" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"init_images": []}, "exactly one picture is needed, not 0"),
        ({"init_images": [text(gradient())] * 2}, "not 2"),
        ({"init_images": ["%%%"]}, "base64"),
        ({"init_images": [base64.b64encode(declared(50_000, 50_000)).decode()]}, "too large"),
        ({"denoising_strength": 0}, "strength"),
        ({"resize_mode": 7}, "resize_mode"),
        ({"width": 10**6}, "a side has"),
        ({"mask": "none"}, "base64|no picture"),
    ],
)
def test_pictures_that_cannot_be_are_refused(post: Any, fields: dict[str, Any], message: str) -> None:
    import re

    body = {"prompt": "a cat", "init_images": [text(gradient())], "resize_mode": 1} | SMALL | fields
    if "resize_mode" in fields:
        body |= {"width": 32}
    answer = post("img2img", body)
    assert answer.status_code == 400 and re.search(message, answer.json()["detail"]), answer.text


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_pictures_are_brought_to_the_size_asked_for(post: Any, mode: int) -> None:
    body = {"prompt": "a cat", "init_images": ["data:image/png;base64," + text(gradient(96, 40))]}
    answer = post("img2img", body | SMALL | {"resize_mode": mode})
    assert opened(answer.json()["images"][0]).size == (64, 64)


# What other clients send, from their sources: sizes and steps are small here


SILLYTAVERN = {
    "url": "http://localhost:7860", "auth": "", "prompt": "a cat", "negative_prompt": "blurry",
    "sampler_name": "DPM++ 2M", "scheduler": "Karras", "steps": 2, "cfg_scale": 7, "width": 64, "height": 64,
    "restore_faces": False, "enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 1.5,
    "denoising_strength": 0.7, "hr_second_pass_steps": 0, "seed": -1,
    "override_settings": {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"},
    "override_settings_restore_afterwards": True, "clip_skip": 1, "save_images": True, "send_images": True,
    "do_not_save_grid": False, "do_not_save_samples": False,
}  # fmt: skip
OPEN_WEBUI = {
    "prompt": "a cat", "batch_size": 1, "width": 64, "height": 64, "steps": 2, "negative_prompt": "blurry",
    "cfg_scale": 7.0, "sampler_name": "Euler", "scheduler": "Automatic",
}  # fmt: skip
LIBRECHAT = {
    "prompt": "a cat", "negative_prompt": "blurry", "cfg_scale": 4.5, "steps": 2, "width": 64, "height": 64,
}  # fmt: skip
AIYA = {
    "prompt": "a cat", "negative_prompt": "blurry", "steps": 2, "width": 64, "height": 64, "cfg_scale": "7.0",
    "sampler_index": "Euler a", "seed": 1234, "seed_resize_from_h": -1, "seed_resize_from_w": -1,
    "denoising_strength": None, "n_iter": 2, "batch_size": 1, "restore_faces": False, "styles": ["None"],
    "enable_hr": False,
    "override_settings": {"CLIP_stop_at_last_layers": 2}, "alwayson_scripts": {}, "script_name": None,
}  # fmt: skip
SENT = {"SillyTavern": SILLYTAVERN, "Open WebUI": OPEN_WEBUI, "LibreChat": LIBRECHAT, "AIYA": AIYA}


@pytest.mark.parametrize("name", SENT)
def test_what_other_clients_send_is_carried_out(post: Any, name: str) -> None:
    answer = post("txt2img", SENT[name], headers={"authorization": ""} if name == "Open WebUI" else {})
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    info = json.loads(reply["info"])
    assert opened(reply["images"][0].split(",", 1)[0]).size == (64, 64)
    assert info["negative_prompt"] == "blurry" and info["infotexts"][0] and info["height"] == 64
    assert isinstance(info["seed"], int) and info["seed"] >= 0
    left_out = info["extra_generation_params"].get("Not carried out")
    assert left_out == {"AIYA": "CLIP_stop_at_last_layers", "SillyTavern": "save_images"}.get(name)


def test_what_aiya_asks_for_at_its_start(live: Live) -> None:
    for path in ("cmd-flags", "face-restorers", "hypernetworks", "loras"):
        assert not requests.get(f"{live.url}/sdapi/v1/{path}", timeout=60).json(), path
    for path in ("samplers", "prompt-styles", "upscalers"):
        assert all(one["name"] for one in requests.get(f"{live.url}/sdapi/v1/{path}", timeout=60).json())
    model = requests.get(f"{live.url}/sdapi/v1/sd-models", timeout=60).json()[0]
    assert {"title", "model_name", "hash", "filename"} <= set(model)
    assert requests.post(f"{live.url}/login", timeout=60).status_code == 404  # it goes on whatever comes
    assert requests.get(f"{live.url}/config", timeout=60).json()  # JSON, which it reads the loras from
    body = SENT["AIYA"] | {"init_images": [text(gradient())], "denoising_strength": "0.75"}
    answer = requests.post(f"{live.url}/sdapi/v1/img2img", json=body, timeout=60).json()
    shown = {"image": "data:image/png;base64," + answer["images"][0]}
    read = requests.post(f"{live.url}/sdapi/v1/png-info", json=shown, timeout=60).json()
    assert read["info"].startswith("a cat\nNegative prompt: blurry")


def test_open_webui_posts_the_whole_options_back(live: Live) -> None:
    address = f"{live.url}/sdapi/v1/options"
    options = requests.get(address, timeout=60).json()
    answer = requests.post(address, json=options | {"more": [1, 2]}, timeout=60)
    assert answer.status_code == 200 and answer.json() is None
    assert requests.get(address, timeout=60).json() == options


def test_what_sillytavern_asks_for_before(live: Live) -> None:
    for path in (
        "options",
        "upscalers",
        "latent-upscale-modes",
        "sd-vae",
        "sd-modules",
        "samplers",
        "progress",
    ):
        assert requests.get(f"{live.url}/sdapi/v1/{path}", timeout=60).status_code == 200, path


# Progress and interruption


@pytest.fixture(scope="module")
def slow(settings: ServerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server of its own, so that what is under way is the test's."""
    with serving(settings.model_copy(update={"data": tmp_path_factory.mktemp("slow")})) as running:
        yield running


def test_progress_is_told_and_an_interruption_ends_it(slow: Live) -> None:
    client = webuiapi.WebUIApi(baseurl=f"{slow.url}/sdapi/v1")
    idle = client.get_progress()
    assert idle["progress"] == 0 and idle["state"]["job_count"] == 0 and idle["current_image"] is None
    replies: list[requests.Response] = []
    body = {"prompt": "a cat", "negative_prompt": "hat", "steps": 150, "width": 64, "height": 64}
    asking = threading.Thread(
        target=lambda: replies.append(requests.post(f"{slow.url}/sdapi/v1/txt2img", json=body, timeout=120))
    )
    asking.start()
    seen = [idle]
    while asking.is_alive() and seen[-1]["current_image"] is None:
        time.sleep(0.02)
        seen.append(client.get_progress())
    look = opened(seen[-1]["current_image"])
    assert look.size == (64, 64) and look.format == "PNG"
    quietly = requests.get(f"{slow.url}/sdapi/v1/progress?skip_current_image=true", timeout=60).json()
    assert quietly["current_image"] is None and quietly["progress"] > 0
    state = seen[-1]["state"]
    assert 0 < seen[-1]["progress"] < 1 and seen[-1]["eta_relative"] > 0
    assert (state["job_count"], state["sampling_steps"]) == (1, 150) and 0 <= state["sampling_step"] < 150
    client.interrupt()
    asking.join(60)
    (reply,) = replies
    assert reply.status_code == 200 and reply.json()["images"] == []
    assert json.loads(reply.json()["info"])["extra_generation_params"] == {"Left off": "interrupted"}
    assert client.get_progress()["state"]["job_count"] == 0


def test_what_was_said_beside_the_body(live: Live) -> None:
    address = f"{live.url}/sdapi/v1/txt2img?policy=quality-floor"
    body = {"prompt": "a cat", "negative_prompt": ""} | SMALL
    answer = requests.post(address, json=body, headers={"X-Negative-Prompt": "hat"}, timeout=60).json()
    info = json.loads(answer["info"])
    assert "hat" in info["negative_prompt"] and info["styles"] == ["quality-floor"]


def test_a_tag_that_is_not_carried_out_is_listed(post: Any) -> None:
    """AUTOMATIC1111/stable-diffusion-webui#14475: it is named on both sides and is no text on either."""
    body = {
        "prompt": "a red cat <lora:detail:0.8>",
        "negative_prompt": "hat, <lora:bad:1>",
        "seed": 7,
        **SMALL,
    }
    made = post("txt2img", body).json()
    extra = json.loads(made["info"])["extra_generation_params"]
    assert extra["Not carried out"] == "<lora:detail:0.8>: use --lora, <lora:bad:1>: use --lora"
    plain = post("txt2img", body | {"prompt": "a red cat ", "negative_prompt": "hat, "}).json()
    assert opened(made["images"][0]).tobytes() == opened(plain["images"][0]).tobytes()
