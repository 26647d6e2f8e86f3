"""The tab Make in a real browser: the plan while one types, two pictures of one seed, weights by hand."""

import io
import re

import httpx2 as httpx
from PIL import Image
from playwright.sync_api import Page, expect

from negspace import png
from tests.serve.live import Live


def fill(page: Page, prompt: str, avoid: str, steps: int = 4) -> None:
    page.fill("#prompt", prompt)
    page.fill("#avoid", avoid)
    page.locator("details.settings").evaluate("details => details.open = true")
    page.fill("[name=steps]", str(steps))
    page.fill("[name=seed]", "7")


def test_the_plan_follows_what_is_typed(studio: Live, page: Page) -> None:
    page.goto(studio.url)
    page.fill("#prompt", "a snowman, night")
    page.locator("#avoid").press_sequentially("hat, (blurry:1.2), zorgle")
    rows = page.locator(".term")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("user · negative branch · known · 1 token")
    expect(rows.nth(1).locator("output")).to_have_text("1.2")
    expect(rows.nth(2)).to_contain_text("never learned")
    expect(page.locator(".finding")).to_have_text(["'zorgle' is a word the model has never learned"])
    expect(page.locator("#tokens")).to_contain_text("prompt 4 of 75 tokens")
    expect(page.locator("#verdict")).to_contain_text("The negative can act. About 40 evaluations")
    page.click(".settings summary")
    page.fill("[name=scale]", "1")
    expect(page.locator("#verdict")).to_contain_text("The negative does nothing")


def test_locked_terms_of_a_policy_are_shown_with_their_lock(studio: Live, page: Page) -> None:
    page.goto(studio.url)
    fill(page, "a snowman", "hat")
    page.check("[value=brand-safety]")
    expect(page.locator(".chip .lock").first).to_be_visible()


def test_a_blocked_request_makes_nothing_and_says_why(studio: Live, page: Page) -> None:
    page.goto(studio.url)
    fill(page, "gore in the snow", "hat")
    page.check("[value=childrens-book]")
    expect(page.locator(".finding.block")).to_contain_text("the prompt asks for 'gore', which is locked")
    expect(page.locator("#verdict")).to_contain_text("Nothing will be made.")
    expect(page.locator("#make")).to_be_disabled()


def test_with_and_without_on_one_seed(studio: Live, page: Page) -> None:
    page.goto(studio.url)
    fill(page, "a snowman, night", "hat", steps=8)
    page.click("#make")
    expect(page.locator("#judged table")).to_be_visible()
    expect(page.locator("#count")).to_contain_text("32 evaluations, seed 7")
    hat = page.locator("#judged tbody tr", has=page.locator("th", has_text=re.compile("^hat$")))
    expect(hat.locator("td")).to_have_text(["seen", "absent"])
    expect(page.locator("#receipt")).to_contain_text("16 evaluations (8 positive, 8 negative)")
    for view, shown, hidden in (("with", "#with", "#heat"), ("without", "#without", "#with")):
        page.click(f"[data-view={view}]")
        expect(page.locator(shown)).to_be_visible()
        expect(page.locator(hidden)).not_to_be_visible()
    page.click("[data-view=difference]")
    expect(page.locator("#heat")).to_be_visible()
    brightest = page.evaluate(
        "() => { const c = document.getElementById('heat');"
        " return Math.max(...c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".filter((_, at) => at % 4 === 0)); }"
    )
    assert brightest > 200

    address = page.get_attribute("#download", "href")
    file = httpx.get(f"{studio.url}{address}").content
    texts = Image.open(io.BytesIO(file))
    texts.load()
    assert png.RECEIPT in texts.info


def test_dragging_a_weight_makes_the_next_picture(studio: Live, page: Page) -> None:
    page.goto(studio.url)
    fill(page, "a snowman, night", "hat")
    page.uncheck("#both")
    page.click("#make")
    expect(page.locator("#result")).to_be_visible()
    before = page.get_attribute("#download", "href")
    slider = page.get_by_label("Weight of hat")
    slider.focus()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(page.locator("#avoid")).to_have_value("(hat:1.1)")
    expect(page.locator("#download")).not_to_have_attribute("href", before or "")
    expect(page.locator("#receipt")).to_contain_text("hat ×1.1")


def test_weights_are_written_in_the_syntax_of_the_box(studio: Live, page: Page) -> None:
    """The weight that the plan reads back is the one that was dragged to, whatever brackets there were."""
    page.goto(studio.url)
    page.fill("#prompt", "a snowman")
    for avoid in ("hat", "(hat:1.3)", "[hat]", "((hat)), smoke", "smoke, (hat, text:1.2)"):
        page.fill("#avoid", avoid)
        expect(page.get_by_label("Weight of hat")).to_be_visible()
        page.wait_for_function("avoid => document.getElementById('avoid').value === avoid", arg=avoid)
        page.wait_for_timeout(150)
        page.get_by_label("Weight of hat").evaluate(
            "slider => { slider.value = 0.5; slider.dispatchEvent(new Event('input')); }"
        )
        row = page.locator(".term", has=page.get_by_label("Weight of hat"))
        expect(row.locator("output")).to_have_text(re.compile(r"^0\.(5|49|51)"))
        page.wait_for_timeout(100)
        plan = page.evaluate("() => document.getElementById('avoid').value")
        answer = httpx.post(f"{studio.url}/api/plan", json={"prompt": "a", "avoid": plan}).json()
        weights = {term["avoid"]["term"]: term["avoid"]["weight"] for term in answer["terms"]}
        assert abs(weights["hat"] - 0.5) < 0.011, plan
