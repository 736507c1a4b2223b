"""Parameters of Alpaca requests, checked."""

from __future__ import annotations

from collections.abc import Mapping


class Arguments:
    """The parameters of a request. `exact`: names are told apart by case, as in forms; not in queries.

    What is missing or of another type raises ValueError, which is status 400.
    """

    def __init__(self, values: Mapping[str, str], *, exact: bool = False) -> None:
        self._values = values if exact else {name.lower(): value for name, value in values.items()}
        self._exact = exact

    def text(self, name: str) -> str:
        """A parameter as it is."""
        key = name if self._exact else name.lower()
        if key not in self._values:
            raise ValueError(f"the parameter {name} is missing")
        return self._values[key]

    def number(self, name: str) -> float:
        """A number."""
        text = self.text(name)
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{name} = {text!r:.40} is no number") from None

    def whole(self, name: str) -> int:
        """A whole number."""
        text = self.text(name)
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{name} = {text!r:.40} is no whole number") from None

    def truth(self, name: str) -> bool:
        """True or False, in any case."""
        text = self.text(name).lower()
        if text not in ("true", "false"):
            raise ValueError(f"{name} = {text!r:.40} is neither True nor False")
        return text == "true"

    def transaction(self) -> int:
        """The client's number of this question, 0 for none; its name is not told apart by case."""
        for name, value in self._values.items():
            if name.lower() == "clienttransactionid" and value.isdigit():
                return int(value) & 0xFFFFFFFF
        return 0
