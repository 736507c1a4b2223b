"""Makes the pictures of the documentation from the running demo: `python -m tools.pictures`.

Starts `sereno demo plant`, and then a night of `sereno demo observatory`, drives Chromium, writes docs/pictures/*.png.
Names of demos make only theirs. Look at them before you commit them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE: ViewportSize = {"width": 1440, "height": 900}
TREND = "/trend?tag=river/plc1/intake_flow&tag=river/plc1/filter1_flow&from=now-5m"
INTAKE = "river/plc1/intake_flow_setpoint"
STEPS = (300, 430, 350, 410, 320)
"""What the intake is told, minute by minute, so that there are five minutes worth looking at."""
WARM_UP_MS = 45_000
PATIENCE = 300
"""Seconds that the night has to bring an image."""
SERENO = [sys.executable, "-m", "sereno"]
CHROMIUM = os.environ.get("SERENO_CHROMIUM") or shutil.which("chromium") or "chromium"


def main() -> None:
    """Make them all, or those of the demos that are named."""
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or list(DEMOS):
        options, take = DEMOS[name]
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
            command = [*SERENO, "demo", name, *options, "--json", "--data", folder]
            demo = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
            assert demo.stdout is not None
            try:
                ready = json.loads(demo.stdout.readline())
                os.environ["SERENO_TOKEN"] = ready["token"]
                browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = browser.new_context(viewport=SIZE).new_page()
                page.goto(ready["link"])
                take(page, ready["url"])
                browser.close()
            finally:
                demo.terminate()
                demo.wait(20)
                demo.stdout.close()


def waterworks(page: Page, url: str) -> None:
    """One picture a page, in the themes that show something."""
    page.wait_for_timeout(WARM_UP_MS)
    for theme in ("light", "dark", "night"):
        shoot(page, url + "/", f"mimic-{theme}", theme)
    shoot(page, url + "/tags", "tags")
    shoot(page, url + "/devices/river/plc1", "device")
    for wanted in STEPS:
        subprocess.run([*SERENO, "put", INTAKE, str(wanted), "--url", url, "--yes"], check=True)
        page.wait_for_timeout(60_000)
    shoot(page, url + TREND, "trend")


def night(page: Page, url: str) -> None:
    """The first page and the image view, once there is an image of stars."""
    for _ in range(PATIENCE):
        images = page.request.get(url + "/api/v1/app/observatory/images").json()["images"]
        if any(one["kind"] == "LIGHT" and one["filter"] == "r" for one in images):
            break
        page.wait_for_timeout(1000)
    shoot(page, url + "/app/observatory/observer", "observatory-image", "dark")
    shoot(page, url + "/app/observatory/dashboard", "observatory-night", "night")
    shoot(page, url + "/app/observatory/dashboard", "observatory")


def shoot(page: Page, url: str, name: str, theme: str = "light") -> None:
    """Open, wait for values, save."""
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    page.goto(url)
    page.wait_for_timeout(3000)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


DEMOS: dict[str, tuple[list[str], Callable[[Page, str], None]]] = {
    "plant": ([], waterworks),
    "observatory": (["--night"], night),
}


if __name__ == "__main__":
    main()
