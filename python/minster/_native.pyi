"""The compiled part: it reads and compares files, and knows no more."""

from pathlib import Path
from typing import Any

class Release:
    name: str
    period: str
    title: str
    folder: Path
    sha256: str
    manifest: str
    tables: list[Table]

class Table:
    name: str
    title: str
    rows: int
    columns: list[str]
    measures: list[tuple[str, str]]
    def type_of(self, name: str) -> str: ...
    def values(self, name: str) -> list[Any]: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

def open(folder: str | Path, sha256: str | None = None) -> Release: ...
def to_toml(json: str) -> str: ...
def from_toml(text: str) -> str: ...
