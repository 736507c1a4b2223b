from __future__ import annotations

import pytest

from tools.checks.source import Source
from tools.checks.text import links, machine_paths, registry_hosts

# put together here, so that this file itself holds none of them
HOMES = ["/" + "home/ana/x", "/" + "root/.cache", "file:///" + "work/main", "/" + "Users/ana", "C:\\" + "Users\\ana"]
HOSTS = ["py" + "pi.org", "https://un" + "pkg.com/x.js", "cdn.js" + "delivr.net", "registry.npm" + "js.org"]


@pytest.mark.parametrize("path", HOMES)
def test_machine_paths_are_found(path: str) -> None:
    (found,) = machine_paths(Source("docs/a.md", f"first\nsee {path} there\n"))
    assert found.line == 2


@pytest.mark.parametrize("text", ["~/work/x", "docs/home/index.md", "GET /api/root/x", "$HOME/work/", "/homely"])
def test_other_paths_pass(text: str) -> None:
    assert not list(machine_paths(Source("docs/a.md", text)))


@pytest.mark.parametrize("host", HOSTS)
def test_registry_hosts_are_found_except_in_other_peoples_files(host: str) -> None:
    assert len(list(registry_hosts(Source("src/a.js", host)))) == 1
    folder = "src/sereno/web/static/vendor"
    assert not list(registry_hosts(Source(f"{folder}/x-1/x.js", host)))
    assert list(registry_hosts(Source(f"{folder}/vendor.toml", host)))


def test_links_lead_to_files_and_folders_of_the_project() -> None:
    files = frozenset({"README.md", "docs/glossary.md", "docs/decisions/0001-x.md"})
    page = "[a](glossary.md#tag) [b](../README.md) [c](decisions) [d](https://example.org/x.md) [e](#here)\n"
    assert not list(links(Source("docs/index.md", page), files))
    broken = "fine\n[a](nothing.md) `[x](not a link` \n```\n[in a fence](x.md)\n```\n[b](../glossary.md)\n"
    assert [(f.line, f.found) for f in links(Source("docs/index.md", broken), files)] == [
        (2, "a link to nothing.md"),
        (6, "a link to ../glossary.md"),
    ]
