"""A release, opened from its folder: every file is compared with the manifest first."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _native

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


#: How the data package begins to tell of a median.
_MEDIAN = "The lower median"


class ReleaseError(ValueError):
    """A folder holds no release, or a file in it is another than the one that was released."""


class WithdrawnError(ReleaseError):
    """The release was withdrawn: its numbers are not to be used."""


class WithheldWarning(UserWarning):
    """A sum leaves out numbers that are not published, so that it is not the true total."""


class Table:
    """A table of a release: each row with its categories, each number beside its status.

    A number that is not published is null, and its status says why: ``c`` confidential, ``z`` not applicable. The status of a
    published number is the empty text, or ``low`` beside a 0 that is not quite 0. The release's ``statuses`` has them in words.
    """

    def __init__(self, native: _native.Table, meanings: Mapping[str, str]) -> None:
        self._native = native
        #: What each column means, as the release's data package says it; empty where the release has none.
        self.meanings = dict(meanings)

    @property
    def name(self) -> str:
        """The table's name, as its files have it."""
        return self._native.name

    @property
    def title(self) -> str:
        """Its heading."""
        return self._native.title

    @property
    def columns(self) -> list[str]:
        """The names of its columns, in their order."""
        return self._native.columns

    @property
    def measures(self) -> dict[str, str]:
        """Each column of numbers, with the column of its statuses."""
        return dict(self._native.measures)

    @property
    def dimensions(self) -> list[str]:
        """The columns that a row is divided by, their columns of codes included."""
        beside = {"release", "period", "level", *self.measures, *self.measures.values()}
        return [name for name in self.columns if name not in beside]

    @property
    def levels(self) -> list[str]:
        """What rows are divided by, each once. Rows of one level count no child twice; rows of two levels may."""
        return list(dict.fromkeys(self.values("level")))

    def values(self, column: str) -> list[Any]:
        """The values of a column; ``None`` where no number is published."""
        if column not in self.columns:
            raise KeyError(f"{self.name} has no column {column!r}; it has {', '.join(self.columns)}")
        return self._native.values(column)

    def withheld(self, measure: str = "children") -> dict[str, int]:
        """How many numbers of a measure are not published, by status."""
        counted = Counter(
            status
            for number, status in zip(self.values(measure), self.values(self._status(measure)))
            if number is None
        )
        return dict(counted)

    def sum(
        self,
        measure: str = "children",
        *,
        level: str | None = None,
        where: Mapping[str, str] | None = None,
    ) -> int:
        """Adds up a measure over the rows of one level.

        :param level: one of :attr:`levels`. Only a table of one level needs none, since rows of two levels count children twice.
        :param where: categories that a row must have, by dimension.
        :raises ValueError: for a mean, a rate or a share, which does not add up, and where the level is open.

        A :class:`WithheldWarning` says how many numbers it leaves out because they are not published.
        """
        status = self._status(measure)
        if self._native.type_of(measure) != "Int64":
            raise ValueError(f"{measure} is a rate, a mean or a share: it does not add up")
        if measure != "children":
            meaning = self.meanings.get(measure)
            if meaning is None:
                raise ValueError(f"the release has no data package, and only that tells whether {measure} is a sum or a median")
            if meaning.startswith(_MEDIAN):
                raise ValueError(f"{measure} is a median: it does not add up")
        levels = self.levels
        if level is None and len(levels) == 1:
            level = levels[0]
        if level not in levels:
            raise ValueError(
                f"rows of two levels count a child twice: give `level`, one of {', '.join(map(repr, levels))}"
            )
        chosen = dict(where or {})
        for name in chosen:
            if name not in self.dimensions:
                raise ValueError(f"{name!r} is no dimension of {self.name}: {', '.join(self.dimensions)}")
        rows = zip(
            self.values("level"),
            self.values(measure),
            self.values(status),
            zip(*(self.values(name) for name in chosen)) if chosen else iter(lambda: (), None),
        )
        wanted = tuple(chosen.values())
        found = [(number, why) for of, number, why, place in rows if of == level and place == wanted]
        if not found:
            raise ValueError(f"{self.name} has no row of the level {level!r} with {chosen}")
        missing = Counter(why for number, why in found if number is None)
        if missing:
            told = ", ".join(f"{count} with the status {why}" for why, count in sorted(missing.items()))
            warnings.warn(
                f"the sum of {measure} leaves out {missing.total()} of {len(found)} numbers, which are not published: {told}",
                WithheldWarning,
                stacklevel=2,
            )
        return sum(number for number, _ in found if number is not None)

    def to_arrow(self) -> pyarrow.Table:
        """The table for pyarrow, without a copy."""
        import pyarrow

        return pyarrow.table(self)

    def to_polars(self) -> polars.DataFrame:
        """The table for Polars: a number that is not published is null."""
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> pandas.DataFrame:
        """The table for pandas, in types that can be empty: a number that is not published is ``pandas.NA``, never NaN."""
        import pandas

        kinds = {"Int64": "Int64", "Float64": "Float64"}
        of = {
            name: pandas.array(self.values(name), dtype=kinds.get(self._native.type_of(name), "string"))
            for name in self.columns
        }
        return pandas.DataFrame(of)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return self._native.rows

    def __repr__(self) -> str:
        hidden = sum(sum(self.withheld(measure).values()) for measure in self.measures)
        return f"<Table {self.name}: {len(self)} rows, {hidden} numbers not published>"

    def _status(self, measure: str) -> str:
        if measure not in self.measures:
            raise KeyError(f"{self.name} has no number {measure!r}; it has {', '.join(self.measures)}")
        return self.measures[measure]


class Release(Mapping[str, Table]):
    """A release whose files are exactly those that its manifest names; a mapping from a table's name to the table."""

    def __init__(self, native: _native.Release) -> None:
        self._native = native
        meanings = _meanings(native.folder / "datapackage.json")
        self._tables = {table.name: Table(table, meanings.get(table.name, {})) for table in native.tables}
        #: The manifest, as ``manifest.json`` has it.
        self.manifest: dict[str, Any] = json.loads(native.manifest)

    @property
    def name(self) -> str:
        """The release's name."""
        return self._native.name

    @property
    def period(self) -> str:
        """The period that its numbers are of."""
        return self._native.period

    @property
    def title(self) -> str:
        """Its heading."""
        return self._native.title

    @property
    def folder(self) -> Path:
        """Its folder, without links."""
        return self._native.folder

    @property
    def sha256(self) -> str:
        """The hash over all its files: the one that ``minster release`` logs, so that two people can compare it."""
        return self._native.sha256

    @property
    def policy(self) -> dict[str, Any]:
        """The rules that it was protected by."""
        return self.manifest["policy"]

    @property
    def statuses(self) -> dict[str, str]:
        """Each status in words."""
        return self.manifest["status"]

    def __getitem__(self, table: str) -> Table:
        if table not in self._tables:
            raise KeyError(f"the release {self.name} has no table {table!r}; it has {', '.join(self._tables)}")
        return self._tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"<Release {self.name} of {self.period}: {', '.join(self)}>"


def open_release(
    folder: str | PathLike[str], *, sha256: str | None = None, even_if_withdrawn: bool = False
) -> Release:
    """Opens the folder of a release.

    Every file must be there, have the hash that the manifest names, and no other may stand beside them. The folder's own name must
    agree, if it is the one that ``minster`` gave. The manifest bears no signature: whoever can write to the folder can replace the whole
    release. Give ``sha256``, as the council told it, to be sure of the release.

    :param sha256: the hash that the release must have, or its first 32 digits.
    :param even_if_withdrawn: opens a release that was withdrawn too.
    :raises ReleaseError: where a file is missing, changed or more; :class:`WithdrawnError` where the release was withdrawn.
    """
    try:
        native = _native.open(Path(folder), sha256)
    except ValueError as fault:
        raise ReleaseError(str(fault)) from None
    notice = native.folder.parent / "WITHDRAWN.txt"
    if not even_if_withdrawn and notice.is_file():
        for said in notice.read_text(encoding="utf-8").split("\n\n"):
            if native.sha256[:32] in said:
                raise WithdrawnError(said.strip())
    return Release(native)


def _meanings(package: Path) -> dict[str, dict[str, str]]:
    if not package.is_file():
        return {}
    resources = json.loads(package.read_text(encoding="utf-8"))["resources"]
    return {of["name"]: {field["name"]: field["description"] for field in of["schema"]["fields"]} for of in resources}
