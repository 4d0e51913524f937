"""The definition of a release: what one file of `config/tables/` says."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from . import _native, _program
from ._preview import Preview

#: The parts that two definitions may both have; all else must be the same for their tables to be one release.
_LISTS = ("dimension", "table", "column")


class Definition:
    """A definition, as its file says it. `minster` alone judges it: :meth:`preview` asks it to."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = copy.deepcopy(dict(words))

    @classmethod
    def from_toml(cls, text: str) -> Definition:
        """Reads the text of a definition.

        :raises ValueError: with the line, where it is no TOML.
        """
        return cls(json.loads(_native.from_toml(text)))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Definition:
        """Reads the file of a definition."""
        return cls.from_toml(Path(path).read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        """The release's name."""
        return self._words["name"]

    def to_dict(self) -> dict[str, Any]:
        """Its words, as a copy."""
        return copy.deepcopy(self._words)

    def to_toml(self) -> str:
        """Its text."""
        return _native.to_toml(json.dumps(self._words))

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes it to a new file.

        :raises FileExistsError: where a file stands there: a definition that releases stand under is never overwritten.
        """
        text = self.to_toml()
        path = Path(path)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise FileExistsError(f"{path} is there already, and is not overwritten: choose another name") from None
        return path

    def preview(
        self,
        *,
        config: str | PathLike[str] | None = None,
        period: str | None = None,
        program: str | PathLike[str] = "minster",
        timeout: float | None = 600,
    ) -> Preview:
        """Runs `minster preview`: what would be published of it beside all that stands.

        :raises ProgramError: with the program's words; its ``exit_code`` is 4 where disclosure control refuses the definition.
        """
        with tempfile.TemporaryDirectory(prefix="minster-") as folder:
            path = self.save(Path(folder) / "definition.toml")
            answer, notes = _program.run(
                "preview", [str(path)], config=config, period=period, program=program, timeout=timeout
            )
        dimensions = {table["name"]: list(table["dimensions"]) for table in self._words.get("table", [])}
        return Preview(answer, dimensions, notes)

    def __add__(self, other: Definition) -> Definition:
        """One release with the tables of both, over the same children. They are protected together.

        :raises ValueError: where the two differ in anything but their tables and dimensions, or use one name for two things.
        """
        if not isinstance(other, Definition):
            return NotImplemented
        ours, theirs = self.to_dict(), other.to_dict()
        for word in sorted({*ours, *theirs} - {*_LISTS, "name", "title"}):
            if ours.get(word) != theirs.get(word):
                raise ValueError(f"the definitions differ in `{word}`: tables of one release are over the same children, by the same rules")
        for word in _LISTS:
            named = {of["name"]: of for of in ours.get(word, [])}
            for of in theirs.get(word, []):
                if named.setdefault(of["name"], of) != of:
                    raise ValueError(f"the definitions have two of the name {of['name']} in `{word}`: give one another name")
            if named:
                ours[word] = list(named.values())
        return Definition(ours)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definition) and self._words == other._words

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self.to_toml()
