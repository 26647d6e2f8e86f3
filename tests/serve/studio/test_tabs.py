"""Gallery, Converse and Prove in a real browser; and what all pages must be."""

import json
import re
from pathlib import Path

import httpx2 as httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

from negspace.serve.studio.languages import LANGUAGES, preferred, texts
from negspace.serve.studio.pages import TABS
from negspace.serve.studio.sign_in import static_files
from tests.serve.live import Live

STUDIO = Path(__file__).parents[3] / "src" / "negspace" / "serve" / "studio"


def make(studio: Live, seed: int, **fields: object) -> str:
    """The id of a new picture."""
    body = {"prompt": "a snowman, night", "steps": 4, "seed": seed, "model": "embedded", **fields}
    answer = httpx.post(f"{studio.url}/api/generate", json=body, timeout=120)
    return answer.json()["images"][0]["id"]


def test_gallery_finds_by_word_term_policy_and_verdict(studio: Live) -> None:
    fields = {"prompt": "a red house, snow", "avoid": "smoke", "policies": ["quality-marks"]}
    id, other = make(studio, 1, **fields), make(studio, 2, avoid="hat", scale=1)

    def shown(**query: str) -> tuple[bool, bool]:
        page = httpx.get(f"{studio.url}/studio/gallery", params=query).text
        return id in page, other in page

    assert shown() == (True, True)
    assert shown(word="RED house") == (True, False)
    assert shown(term="hat") == (False, True)
    assert shown(policy="quality-marks") == (True, False)
    assert shown(verdict="inert") == (False, True)
    assert shown(word="zebra") == (False, False)


def test_gallery_compares_makes_again_and_reads_files(studio: Live, page: Page, tmp_path: Path) -> None:
    ids = [make(studio, seed, avoid="hat") for seed in (3, 4)]
    page.goto(f"{studio.url}/studio/gallery")
    for id in ids:
        page.check(f"input[value='{id}']")
    page.click("#compare-go")
    expect(page.locator("#share")).to_contain_text("of the pixels differ")
    expect(page.locator("tr.differs")).to_have_count(1)
    page.goto(f"{studio.url}/studio/gallery/{ids[0]}")
    page.click("#again")
    expect(page.locator("#same")).to_contain_text("the same picture, bit for bit")

    file = tmp_path / "picture.png"
    file.write_bytes(httpx.get(f"{studio.url}/api/images/{ids[0]}").content)
    page.goto(f"{studio.url}/studio/gallery")
    page.set_input_files("#file", file)
    expect(page.locator("#read")).to_contain_text("The pixels are those of the receipt.")
    with Image.open(file) as picture:
        picture.load()
        texts_of_file = picture.info
        changed = picture.convert("RGB")
    changed.putpixel((5, 5), (1, 2, 3))
    kept = PngInfo()
    for name, text in texts_of_file.items():
        kept.add_text(str(name), text)
    changed.save(file, pnginfo=kept)
    page.set_input_files("#file", file)
    expect(page.locator("#read")).to_contain_text("the file was changed")


def test_three_rounds_of_conversation_and_back(studio: Live, page: Page) -> None:
    page.goto(f"{studio.url}/studio/converse")
    pictures, avoided = page.locator(".turn img"), page.locator("#avoided .name")
    for count, words in enumerate(("a snowman, night", "lose the hat", "and it is blurry"), 1):
        page.fill("#words", words)
        page.keyboard.press("Enter")
        expect(pictures).to_have_count(count)
        expect(avoided).to_have_text(["hat", "blurry"][: count - 1])
    page.get_by_role("button", name="Undo: hat").click()
    expect(pictures).to_have_count(4)
    expect(avoided).to_have_text(["blurry"])
    page.reload()
    expect(pictures).to_have_count(4)
    expect(avoided).to_have_text(["blurry"])


def test_a_trial_is_watched_by_many_and_stopped(studio: Live, page: Page, browser: Browser) -> None:
    page.goto(f"{studio.url}/studio/prove")
    page.fill("#prompt", "a snowman, night")
    page.fill("#avoid", "hat, zorgle")
    page.fill("[name=steps]", "4")
    page.click("#start")
    expect(page.locator("#evidence .name")).to_have_text(["hat", "zorgle"])
    other = browser.new_page()
    other.goto(page.url)
    for viewer in (page, other):
        expect(viewer.locator("#evidence li").first).to_contain_text(re.compile("(8|16|24) pairs"))
    page.click("#stop")
    expect(other.locator("#stage")).to_contain_text("Stopped")
    other.close()


@pytest.mark.slow
def test_a_trial_ends_with_a_report(studio: Live, page: Page) -> None:
    page.goto(f"{studio.url}/studio/prove?prompt=a+snowman,+night&avoid=hat")
    page.fill("[name=steps]", "4")
    page.fill("[name=most_pictures]", "250")
    page.click("#start")
    expect(page.locator("#answer a")).to_be_visible(timeout=300_000)
    page.click("#answer a")
    expect(page.locator(".report")).to_contain_text("helps")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_fault_for_screen_readers(studio: Live, page: Page, theme: str) -> None:
    id = make(studio, 5, avoid="hat")
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    addresses = [address for _, address in TABS] + ["/studio/sign-in", f"/studio/gallery/{id}"]
    addresses.append("/studio/policies/brand-safety")
    for address in addresses:
        page.goto(f"{studio.url}{address}")
        violations = Axe().run(page).response["violations"]
        serious = [each for each in violations if each["impact"] in ("serious", "critical")]
        assert not serious, f"{address}: {json.dumps(serious, indent=1)[:2000]}"


def test_pages_fit_a_phone(studio: Live, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for _, address in TABS:
        page.goto(f"{studio.url}{address}")
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 390, address


def test_make_works_with_the_keyboard_alone(studio: Live, page: Page) -> None:
    page.goto(studio.url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("a snowman, night")
    page.keyboard.press("Tab")
    page.keyboard.type("hat")
    expect(page.locator(".term")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#judged table")).to_be_visible()
    page.locator("#split").focus()
    before = page.locator("#split").input_value()
    page.keyboard.press("ArrowRight")
    assert page.locator("#split").input_value() != before


def test_every_text_there_is_is_used_and_speaks_every_language(studio: Live) -> None:
    sources = [
        file.read_text(encoding="utf-8") for file in STUDIO.rglob("*") if file.suffix in (".html", ".js")
    ]
    for language in LANGUAGES:
        assert all(texts(language).values())
    prefixes = ("tab.", "check.", "view.", "verdict.", "state.", "js.check_", "js.receipt_", "js.verdict_")
    prefixes += ("js.state_", "js.trial_", "js.prompt_", "js.avoid_")  # written with a variable
    named = [key for key in texts("en") if not key.startswith(prefixes)]
    unused = [key for key in named if not any(f'"{key.removeprefix("js.")}"' in text for text in sources)]
    assert [key for key in unused if not any(f"'{key}'" in text for text in sources)] == []
    assert preferred(None, "fr, de;q=0.8, en;q=0.5") == "de"
    assert preferred("en", "de") == "en"
    assert preferred("xx", "") == "en"
    page = httpx.get(studio.url, headers={"Accept-Language": "de"}).text
    assert '<html lang="de"' in page and "Bilder erzeugen" in page


def test_nothing_comes_from_elsewhere_and_every_page_is_light(studio: Live) -> None:
    scripts = sum(map(len, static_files().values()))
    for _, address in TABS:
        page = httpx.get(f"{studio.url}{address}")
        assert "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r'(src|href)="https?:', page.text) and "<script>" not in page.text
        assert len(page.content) + scripts < 300_000


def test_a_draft_of_a_policy_is_tried_and_stored_nowhere(studio: Live, page: Page) -> None:
    make(studio, 6, policies=["quality-marks"])
    page.goto(f"{studio.url}/studio/policies/quality-marks")
    row = page.locator("tbody tr", has=page.locator("th", has_text="watermark"))
    expect(row.locator("td").nth(2)).not_to_have_text("0")  # requests
    text = page.locator("#text")
    text.fill(text.input_value().replace("term: signature", "term: smoke"))
    page.get_by_role("button", name="Try the draft").click()
    expect(page.locator(".diff .added")).to_have_text(re.compile("smoke"))
    expect(page.locator("#tried section li.added").first).to_have_text("+ smoke")
    expect(page.locator("#tried section li.removed").first).to_have_text("− signature")
    assert "smoke" not in httpx.get(f"{studio.url}/studio/policies/quality-marks").text


def test_a_draft_that_cannot_be_read_says_where_and_reads_no_file(studio: Live) -> None:
    def tried(text: str) -> str:
        body = {"text": text, "prompts": ["a cat"]}
        answer = httpx.post(f"{studio.url}/api/studio/policies/quality-marks/try", json=body)
        assert answer.status_code == 400
        return answer.json()["error"]["message"]

    head = "name: mine\nversion: 1\nexplain: x\n"
    assert tried(f"{head}avid: [hat]\n").startswith("draft, line 4: no key is called 'avid'")
    for way in ("[/etc/passwd.yaml]", "[a, ../x.yml]", "x.yaml"):
        assert "no files" in tried(f"{head}extends: {way}\n")


def test_insights_name_what_is_complained_of_and_what_did_nothing(studio: Live) -> None:
    make(studio, 8, avoid="collar", scale=1)
    url = f"{studio.url}/api"
    body = {"prompt": "a snowman", "steps": 2, "model": "embedded"}
    httpx.post(f"{url}/generate?conversation=insight", json=body, timeout=60).raise_for_status()
    complaint = {"complaint": "lose the watermark"}
    httpx.post(f"{url}/conversations/insight/feedback", json=complaint, timeout=60).raise_for_status()
    page = httpx.get(f"{studio.url}/studio/insights").text
    assert "avoid=watermark" in page and "prompt=a%20snowman" in page
    assert "<strong>collar</strong>" in page
