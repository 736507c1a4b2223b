"""Pages of applications: what a package declares under the entry point `sereno.pages`. See docs/pages.md."""

from sereno.access.actor import Right

from ._application import LANGUAGES, Application, Asked, BrokenApplication, Data, File, Page

__all__ = ["LANGUAGES", "Application", "Asked", "BrokenApplication", "Data", "File", "Page", "Right"]
