"""One target under atheris: python -m fuzzing.under_atheris TARGET DEFECT LIBFUZZER-ARGUMENTS."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import atheris


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, defect = sys.argv[1:3]
    with atheris.instrument_imports(include=["sereno"]):
        from .targets import find

        (target,) = (one for one in find(name) if one.name == name)
        with ExitStack() as stack:
            if defect:
                from .defects import planted

                stack.enter_context(planted(defect))
            atheris.Setup([sys.argv[0], *sys.argv[3:]], target.run)
            atheris.Fuzz()


if __name__ == "__main__":
    main()
