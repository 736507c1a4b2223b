"""What may happen to the waterworks on demand: rain, a tripped pump, a burst main."""

from __future__ import annotations

from sereno.sim.control import Extra

from .physics import Physics


def incidents(physics: Physics) -> dict[str, tuple[str, Extra]]:
    """Control commands by name, each with its line of help."""

    def rain(words: list[str]) -> str:
        strength = _number(words, "rain STRENGTH", 0.0, 2.5)
        physics.river.rain(strength)
        return f"rain of strength {strength:g}: turbidity follows within the hour"

    def trip(words: list[str]) -> str:
        if len(words) != 1 or words[0] not in ("pump1", "pump2", "pump3", "pump4"):
            raise ValueError(f"{' '.join(words)!r} is no pump, expected pump1 to pump4")
        physics.pump(int(words[0][-1])).trip()
        return f"{words[0]} tripped"

    def burst(words: list[str]) -> str:
        flow = _number(words, "burst M3_PER_HOUR", 0.0, 1000.0)
        physics.burst = flow / 3600.0
        return f"the lower zone loses {flow:g} m3/h" if flow else "the main is repaired"

    return {
        "rain": ("rain STRENGTH                        a storm over the river, 1 = strong, at most 2.5", rain),
        "trip": ("trip PUMP                            the drive of pump1 to pump4 switches off", trip),
        "burst": ("burst M3_PER_HOUR                    a burst main in the lower zone, 0 = repaired", burst),
    }


def _number(words: list[str], usage: str, low: float, high: float) -> float:
    try:
        (word,) = words
        value = float(word)
    except ValueError:
        raise ValueError(f"{' '.join(words)!r}, expected: {usage}") from None
    if not low <= value <= high:
        raise ValueError(f"{value:g} in {usage}, expected {low:g} to {high:g}")
    return value
