"""[oidc] to what the node signs people in by: every fault of it is found here, with its place."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sereno.access.oidc import OidcConfig
from sereno.model import Fault

from .faults import known_and_valid
from .located import Located
from .schema import OidcTable

EXTRA = "joserfc"


def provider_of(main: Located, faults: list[Fault], home: Path) -> tuple[OidcConfig, str] | None:
    """The provider and what the sign-in page calls it; None where the file names none. `home` holds its secret."""
    data: Any = main.data.get("oidc")
    if data is None:
        return None

    def where(*key: str | int) -> str:
        return str(main.where("oidc", *key))

    if not isinstance(data, dict):
        faults.append(Fault(where(), "'oidc' is not a table", "[oidc]"))
        return None
    table = known_and_valid(OidcTable, data, where, "[oidc]", faults)
    if find_spec(EXTRA) is None:
        faults.append(Fault(where(), f"[oidc] needs the package {EXTRA}", fix="pip install 'sereno[oidc]'"))
    if table is None:
        return None
    try:
        return table.config(home), table.called
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault(where("client_secret_file"), f"the secret cannot be read: {error}"))
        return None
