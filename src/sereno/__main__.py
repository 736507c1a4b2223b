"""`python -m sereno` is the `sereno` command."""

from sereno.app.cli import main

if __name__ == "__main__":
    main()
