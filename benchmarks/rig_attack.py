"""attack: what has broken peers, class by class, against a whole node and in a real browser; hits must be 0."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from attacking import outside, pages, paths, people, texts
from attacking.attack import Attack, EnoughError, Run
from attacking.defects import DEFECTS, plant_defect
from attacking.target import Target
from sereno.app.logs import configure_logs

HIT, NOT_CAUGHT = 1, 3
CLASSES: dict[str, tuple[str, Run]] = {
    "traversal": ("Home Assistant CVE-2026-64825, Node-RED CVE-2021-3223, FUXA CVE-2026-25895", paths.traversal),
    "normalisation": ("Home Assistant CVE-2023-27482", paths.normalisation),
    "forgotten": ("FUXA CVE-2026-25939, CVE-2026-25752, CVE-2025-69971, Scada-LTS CVE-2026-19656", paths.forgotten),
    "xss": ("Scada-LTS CVE-2025-9234, ThingsBoard CVE-2022-40004", pages.xss),
    "forgery": ("Scada-LTS, CSRF protection off (public report); OWASP ASVS 3.5, 4.4", pages.forgery),
    "frames": ("Home Assistant GHSA-935v-rmg9-44mw", texts.frames),
    "ssrf": ("ThingsBoard CVE-2025-34282, Home Assistant GHSA-4r74-h49q-rr3h", outside.ssrf),
    "sql": ("FUXA CVE-2026-47720", texts.sql),
    "headers": ("Home Assistant GHSA-jvxq-x42r-f7mv; OWASP ASVS 1.2", texts.headers),
    "fixation": ("OWASP ASVS 7.2.4; FUXA CVE-2026-25894", people.fixation),
    "replay": ("FUXA CVE-2026-47718; OWASP ASVS 7.4.1", people.replay),
    "brute_force": ("Unitronics CVE-2023-6448", people.brute_force),
    "enumeration": ("FUXA CVE-2026-13207, Home Assistant GHSA-jqpc-rc7g-vf83", people.enumeration),
    "mass_assignment": ("Scada-LTS CVE-2022-41976, ThingsBoard CVE-2022-45608", people.mass_assignment),
    "bodies": ("VTScada CVE-2014-9192, asyncua CVE-2022-25304", texts.bodies),
}
NEED_BROWSER = ("xss", "forgery")


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = no hit, 1 = a hit, or a class that could not be run, 3 = a planted defect was not caught."""
    options = _parse(arguments)
    configure_logs(logging.CRITICAL)
    began = time.perf_counter()
    planted = DEFECTS[options.plant_defect][0] if options.plant_defect else ""
    wanted = options.classes or ([planted] if planted else list(CLASSES))
    attacks = [_run(name, options.short, options.plant_defect) for name in wanted]
    _show(attacks)
    figures = {attack.name: len(attack.hits) for attack in attacks}
    totals = {"hits": sum(figures.values()), "attempts": sum(attack.tried for attack in attacks), **figures}
    seconds = round(time.perf_counter() - began, 1)
    result = {"name": "attack", "figures": totals, "ratios": {}, "seconds": seconds}
    result |= {"not_run": [attack.name for attack in attacks if attack.not_run]}
    caught = bool(planted) and figures[planted] > 0
    if planted:
        result |= {"defect": options.plant_defect, "caught": caught}
    print(json.dumps(result))
    return NOT_CAUGHT if planted and not caught else HIT if totals["hits"] or result["not_run"] else 0


def _run(name: str, short: bool, defect: str) -> Attack:
    """One class, against a node of its own."""
    peer, run = CLASSES[name]
    attack = Attack(name, peer, first_only=bool(defect))
    if name in NEED_BROWSER and pages.find_browser() is None:
        attack.not_run = "no Chromium: sudo apt install chromium, or name one in SERENO_CHROMIUM"
        return attack
    with ExitStack() as stack:
        if defect:
            plant_defect(defect, stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        target = stack.enter_context(Target(folder))
        with suppress(EnoughError):
            run(target, attack, 1 if short else 3)
    return attack


def _show(attacks: list[Attack]) -> None:
    print(f"{'class':17}{'attempts':>9}{'hits':>6}  seen at")
    for attack in attacks:
        hits = attack.not_run or len(attack.hits)
        print(f"{attack.name:17}{attack.tried:9}{hits:>6}  {attack.peer}")
        for hit in attack.hits[:5]:
            print(f"    HIT  {hit}")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev rig attack", description=__doc__)
    parser.add_argument("--class", dest="classes", action="append", choices=sorted(CLASSES), help="only this one")
    parser.add_argument("--short", action="store_true", help="fewer spellings of the same")
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), default="", help="must be caught, or exit code 3")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
