"""The observatory's pages: what stands in the left menu. See docs/observatory.md."""

from pathlib import Path

from sereno.pages import Application, Data, Page

from .imagefiles import fits, image, images, pixels, star
from .site import site

PAGES = Application(
    name="observatory",
    folder=Path(__file__).parent,
    packages=["sereno", "astropy"],
    data=[
        Data(name="site", answer=site),
        Data(name="images", answer=images),
        Data(name="image", answer=image),
        Data(name="pixels", answer=pixels),
        Data(name="star", answer=star),
        Data(name="fits", answer=fits),
    ],
    pages=[
        Page(
            name=name,
            titles=dict(zip(("en", "es", "fr"), titles, strict=True)),
            template=f"{name}.html",
            script=f"{name}.js",
            styles=["observatory.css", *styles],
            icon=f"icons.svg#{name}",
            place=place,
        )
        for place, name, titles, *styles in (
            (10, "dashboard", ("Observatory", "Observatorio", "Observatoire"), "dashboard.css"),
            (20, "environment", ("Environment", "Entorno", "Environnement")),
            (30, "instruments", ("Instruments", "Instrumentos", "Instruments")),
            (40, "majordome", ("Majordome", "Mayordomo", "Majordome")),
            (50, "observer", ("Observer", "Observador", "Observateur"), "observer.css"),
            (60, "agents", ("Agents", "Agentes", "Agents")),
        )
    ],
)

__all__ = ["PAGES"]
