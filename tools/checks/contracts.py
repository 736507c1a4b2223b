"""An import-linter contract for a house that is still being built; run as a program, it checks all contracts."""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter.cli import lint_imports
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.contract import ContractCheck


class ForbiddenRooms(ForbiddenContract):
    """A forbidden contract that leaves out rooms nobody opened yet, as optional layers do."""

    type_name = "forbidden_rooms"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """See ForbiddenContract."""
        for name in ("source_modules", "forbidden_modules"):
            rooms = getattr(self, name)
            present = {r for r in rooms if r.has_wildcard_expression() or r.expression in graph.modules}
            setattr(self, name, present)
        return super().check(graph, verbose)


if __name__ == "__main__":
    sys.exit(lint_imports(no_logo=True))
