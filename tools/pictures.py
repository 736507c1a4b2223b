"""Makes the pictures of the documentation from the running demo: `python -m tools.pictures`.

Starts `sereno demo plant`, drives Chromium, writes docs/pictures/*.png. Look at them before you commit them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
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
TREND = "/trend?tag=river/plc1/intake_flow&tag=river/plc1/pump1_flow&from=now-5m"
WARM_UP_MS = 45_000


def main() -> None:
    """Make them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sereno", "demo", "plant", "--port", "0", "--json", "--data", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert demo.stdout is not None
        try:
            take(json.loads(demo.stdout.readline()))
        finally:
            demo.terminate()
            demo.wait(20)
            demo.stdout.close()


def take(ready: dict[str, str]) -> None:
    """One picture a page, in the themes that show something."""
    chromium = os.environ.get("SERENO_CHROMIUM") or shutil.which("chromium") or "chromium"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_context(viewport=SIZE).new_page()
        page.goto(ready["link"])
        page.wait_for_timeout(WARM_UP_MS)
        for theme in ("light", "dark", "night"):
            page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
            shoot(page, ready["url"] + "/", f"mimic-{theme}")
        page.evaluate("theme => localStorage.setItem('theme', theme)", "light")
        shoot(page, ready["url"] + TREND, "trend")
        shoot(page, ready["url"] + "/tags", "tags")
        shoot(page, ready["url"] + "/devices/river/plc1", "device")
        browser.close()


def shoot(page: Page, url: str, name: str) -> None:
    """Open, wait for values, save."""
    page.goto(url)
    page.wait_for_timeout(3000)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
