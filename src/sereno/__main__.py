"""The program: `sereno`, or `python -m sereno`."""

from sereno.app.loading import absent, begin


def main() -> None:
    """Load what the command line asks for, and nothing else that could be spared."""
    begin()
    with absent("rich", "twisted"):
        import structlog  # noqa: F401 - it loads both where they are installed, a third of `sereno get`, to use neither
    from sereno.app.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
