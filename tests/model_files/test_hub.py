"""Models by their ids: fetched once from a hub, with progress, kept in its cache, and found there offline."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from negspace.models.files.headers import variant_of, weight_files
from negspace.models.files.source import Source
from negspace.models.loading.estimate import estimate
from tests.model_files.conftest import Place
from tests.model_files.original import write_single
from tests.model_files.test_parts import made

COMMIT = "1" * 40
NAME = "somebody/tiny"


@dataclass
class Hub:
    """A hub with one model, on this machine.

    Attributes:
        folder: of the model.
        sent: the files whose contents were asked for.
    """

    folder: Path
    sent: list[str] = field(default_factory=list[str])
    address: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def answer(self, content: bytes | None, kind: str = "application/octet-stream") -> None:
                self.send_response(404 if content is None else 200)
                content = content or b"{}"
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Content-Type", kind)
                self.send_header("ETag", f'"{hash(self.path) & 0xFFFFFFFF:032x}"')
                self.send_header("X-Repo-Commit", COMMIT)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path.startswith(f"/api/models/{NAME}"):
                    there = [one for one in hub.folder.rglob("*") if one.is_file()]
                    files = [str(one.relative_to(hub.folder)) for one in there]
                    told = {"id": NAME, "sha": COMMIT, "siblings": [{"rfilename": one} for one in files]}
                    tree = [
                        {"type": "file", "path": name, "size": file.stat().st_size, "oid": f"{i:040x}"}
                        for i, (name, file) in enumerate(zip(files, there, strict=True))
                    ]
                    said = tree if "/tree/" in path else told
                    return self.answer(json.dumps(said).encode(), "application/json")
                name = path.removeprefix(f"/{NAME}/resolve/{COMMIT}/")
                file = hub.folder / name
                if self.command == "GET":
                    hub.sent.append(name)
                return self.answer(file.read_bytes() if file.is_file() else None)

            do_HEAD = do_GET

        return Handler


@pytest.fixture
def hub(place: Place, tmp_path: Path) -> Iterator[Hub]:
    """The tiny model, some of its weights twice, and a checker beside it that nobody needs."""
    folder = Path(shutil.copytree(place("sd"), tmp_path / "served"))
    for file in (folder / "unet").glob("*.safetensors"):
        shutil.copy(file, file.with_suffix(".fp16.safetensors"))
    for file in (folder / "vae").glob("*.safetensors"):  # of this part there is nothing else
        file.rename(file.with_suffix(".fp16.safetensors"))
    shutil.copytree(folder / "unet", folder / "safety_checker")
    served = Hub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), served.handler())
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


def negspace(home: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from negspace.cli.app import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_a_model_is_fetched_once_and_then_found_offline(hub: Hub, tmp_path: Path) -> None:
    home, asked = (
        tmp_path / "home",
        ("imagine", "a cat", "--model", NAME, "--steps", 1, "--seed", 1, "--json"),
    )
    told = negspace(home, "models", NAME, "--json", HF_ENDPOINT=hub.address)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)[NAME]["family"] == "sd"
    assert not any(file.endswith(".safetensors") for file in hub.sent), "facts need no weights"
    online = negspace(home, *asked, "--out", tmp_path / "online", HF_ENDPOINT=hub.address)
    assert online.returncode == 0, online.stderr
    weights = sorted(file for file in hub.sent if file.endswith(".safetensors"))
    assert [Path(file).parent.name for file in weights] == ["text_encoder", "unet", "vae"]
    assert [".fp16" in file for file in weights] == [False, False, True]
    assert "100%" in online.stderr and "opening" in online.stderr, "its client shows how far it is"
    sent = len(hub.sent)
    offline = negspace(home, *asked, "--out", tmp_path / "offline", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert len(hub.sent) == sent
    first, second = (json.loads(one.stdout)["receipt"]["images"] for one in (online, offline))
    assert [one["sha256"] for one in first] == [one["sha256"] for one in second]
    listed = negspace(home, "models", "--json", HF_HUB_OFFLINE="1")
    assert set(json.loads(listed.stdout)) == {"embedded", NAME}


def test_an_id_that_is_not_there_is_one_line(hub: Hub, tmp_path: Path) -> None:
    told = negspace(tmp_path / "home", "models", "somebody/else", HF_ENDPOINT=hub.address)
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
    nobody = negspace(tmp_path / "home", "models", NAME, HF_ENDPOINT="http://127.0.0.1:9")
    assert (nobody.returncode, nobody.stderr.count("\n")) == (2, 1)
    assert "neither a folder here nor to be had from the hub" in nobody.stderr


def test_weights_that_lie_there_twice_are_counted_and_read_once(place: Place, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place("sd"), tmp_path / "sd"))
    for file in copy.rglob("*.safetensors"):
        shutil.copy(file, file.with_suffix(".fp16.safetensors"))
    one, twice = estimate(Source(place("sd"))), estimate(Source(copy))
    assert one is not None and twice is not None and one.parts == twice.parts
    assert made(copy).receipt.model.fingerprint == made(place("sd")).receipt.model.fingerprint
    for file in place("sd").rglob("*.safetensors"):
        (copy / file.relative_to(place("sd"))).unlink()
    assert (made(copy).latents - made(place("sd")).latents).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("model.safetensors", ""),
        ("model-00001-of-00002.safetensors", ""),
        ("diffusion_pytorch_model.fp16.safetensors", "fp16"),
        ("model.fp16-00001-of-00002.safetensors", "fp16"),
        ("diffusion_pytorch_model.non_ema.safetensors", "non_ema"),
    ],
)
def test_variants_are_read_from_names(tmp_path: Path, name: str, variant: str) -> None:
    assert variant_of(Path(name)) == variant
    (tmp_path / name).touch()
    assert [file.name for file in weight_files(tmp_path)] == [name]


def test_what_a_file_lacks_comes_from_the_model_it_was_made_from(
    place: Place, tmp_path: Path, offline: Path
) -> None:
    repository = offline / "models--black-forest-labs--FLUX.1-dev"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    shutil.copytree(place("flux"), repository / "snapshots" / COMMIT)
    shutil.rmtree(repository / "snapshots" / COMMIT / "transformer")
    shutil.copytree(
        place("flux") / "transformer",
        repository / "snapshots" / COMMIT / "transformer",
        ignore=shutil.ignore_patterns("*.safetensors"),
    )
    file = tmp_path / "mine.safetensors"
    write_single("flux", place("flux"), file)
    assert (made(file).latents - made(place("flux")).latents).abs().max() < 1e-4
