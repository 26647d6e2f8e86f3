"""The studio's speed and weight: first paint, the plan while one types, bytes, viewers of a trial.

    python -m bench.studio

It starts a server of its own on the embedded model, and Chromium from /usr/bin/chromium.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2 as httpx
from playwright.async_api import Page, async_playwright

from negspace.serve.settings import ServerSettings
from negspace.serve.studio.pages import TABS
from tests.serve.live import serving

VIEWERS = 50
PLANS = 40
AVOID = "hat, (blurry:1.2), watermark, signature, cropped, jpeg artifacts, extra fingers, zorgle"


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serving(ServerSettings(data=Path(folder), grace=1)) as live:
        print("| measured | value |\n|---|---|")
        async with async_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
            for tab, address in TABS:
                page = await browser.new_page()
                await _page(page, tab, f"{live.url}{address}")
                await page.close()
            page = await browser.new_page()
            await _typing(page, live.url)
            await browser.close()
        await _plans(live.url)
        await _viewers(live.url)


async def _page(page: Page, tab: str, url: str) -> None:
    """First contentful paint of the second load of a page, and the bytes of the first."""
    bodies: list[int] = []

    async def weigh(response: Any) -> None:
        bodies.append(len(await response.body()))

    page.on("response", weigh)
    await page.goto(url, wait_until="networkidle")
    weight = sum(bodies)
    await page.goto(url)
    paint = await page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"| {tab}: first contentful paint | {paint:.0f} ms |")
    print(f"| {tab}: bytes, scripts, styles and drawings included | {weight / 1000:.0f} kB |")


async def _typing(page: Page, url: str) -> None:
    """From a key to the plan on the page, the wait for the next key (40 ms) included."""
    await page.goto(url)
    await page.fill("#prompt", "a snowman, night")
    await page.fill("#avoid", AVOID)
    await page.wait_for_selector(".term")
    measure = """(text) => new Promise((done) => {
        const avoid = document.getElementById("avoid");
        const rows = document.getElementById("terms");
        const began = performance.now();
        const seen = new MutationObserver(() => rows.textContent.includes(text)
            && done(performance.now() - began));
        seen.observe(rows, { subtree: true, childList: true, characterData: true });
        avoid.value = `${text}, ${avoid.value}`;
        avoid.dispatchEvent(new Event("input", { bubbles: true }));
    })"""
    words = [f"word{'abcdefghijklmnopqrst'[number]}" for number in range(20)]
    times = [await page.evaluate(measure, word) for word in words]
    print(
        f"| from a key to the plan on the page, median of {len(times)} | {statistics.median(times):.0f} ms |"
    )
    print(f"| the same, slowest | {max(times):.0f} ms |")


async def _plans(url: str) -> None:
    """The plan of a list of eight terms over HTTP."""
    times: list[float] = []
    async with httpx.AsyncClient(base_url=url) as client:
        for number in range(PLANS):
            body = {"prompt": "a snowman, night", "avoid": f"{AVOID}, thing{number}"}
            began = time.perf_counter()
            (await client.post("/api/studio/plan", json=body)).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))
    print(f"| plan over HTTP, median of {PLANS} | {statistics.median(times):.0f} ms |")
    print(f"| the same, slowest of 20 | {sorted(times)[-PLANS // 20 - 1]:.0f} ms |")


async def _viewers(url: str) -> None:
    """How many of the viewers of one trial see it grow and end."""
    limits = httpx.Limits(max_connections=VIEWERS + 4)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=300) as client:
        wish = {"prompt": "a snowman, night", "avoid": "hat", "steps": 4, "most_pictures": 200}
        trial = (await client.post("/api/studio/trials", json=wish)).json()["id"]
        watching = [asyncio.ensure_future(_watch(client, trial)) for _ in range(VIEWERS)]
        await asyncio.sleep(15)
        times: list[float] = []
        for _ in range(20):
            began = time.perf_counter()
            await client.get("/studio/static/studio.css")
            times.append(1000 * (time.perf_counter() - began))
        await client.delete(f"/api/studio/trials/{trial}")
        seen = await asyncio.gather(*watching)
    ended = sum(states[-1] == "stopped" for states in seen)
    counts = [len(states) for states in seen]
    print(f"| viewers of one trial that saw it stop | {ended} of {VIEWERS} |")
    print(f"| events that each of them got | {min(counts)} to {max(counts)} |")
    print(f"| another file meanwhile, median of 20 | {statistics.median(times):.0f} ms |")


async def _watch(client: httpx.AsyncClient, trial: str) -> list[str]:
    """The state of a trial in every event."""
    states: list[str] = []
    async with client.stream("GET", f"/api/studio/trials/{trial}/events") as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data: "):
                states.append(line.partition('"state": "')[2].partition('"')[0])
    return states


if __name__ == "__main__":
    asyncio.run(main())
