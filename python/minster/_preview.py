"""What would be published of a definition: `minster preview` judges it, and keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


class PreviewTable:
    """A table as it would be published. A number that would be withheld is `None`, with a status beside it."""

    def __init__(self, answer: Mapping[str, Any], dimensions: list[str]) -> None:
        #: Its name.
        self.name: str = answer["name"]
        #: How many cells it has, and how many of them would be withheld.
        self.cells: int = answer["cells"]
        self.withheld: int = answer["withheld"]
        #: How many headline numbers would be withheld: the total, and totals by one dimension.
        self.headlines_withheld: int = answer["headlines_withheld"]
        #: Why numbers would be withheld, a list for each measure.
        self.reasons: list[dict[str, Any]] = answer["reasons"]
        #: The share of children with a blank or unlisted value, in words, by dimension.
        self.blanks: dict[str, str] = {of["dimension"]: of["share"] for of in answer["blanks"]}
        self.dimensions = dimensions
        numbers = answer.get("numbers")
        #: Whether numbers are shown: under a threshold below 5 a preview has sizes alone.
        self.has_numbers: bool = numbers is not None
        self.measures: list[str] = []
        self.rows: list[dict[str, Any]] = []
        if numbers is not None:
            names: list[str] = numbers["columns"]
            self.measures = [name for name in names if name not in dimensions]
            self.rows = [self._row(dict(zip(names, row, strict=True))) for row in numbers["rows"]]

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {name: row[name] for name in self.dimensions}
        for name in self.measures:
            value, status = row[name], ""
            if isinstance(value, str):
                value, status = None, value.strip("[]")
            if status == "low":
                value = 0
            told[name] = value
            told["status" if name == "children" else f"{name}_status"] = status
        return told

    def to_pandas(self) -> pandas.DataFrame:
        """Its rows for pandas: a number that would be withheld is `pandas.NA`."""
        import pandas

        if not self.has_numbers:
            raise ValueError("under a threshold below 5 a preview shows no number: there are `cells` and `withheld`")
        frame = pandas.DataFrame(self.rows)
        for name in self.measures:
            whole = all(value is None or isinstance(value, int) for value in frame[name].tolist())
            values = [row[name] for row in self.rows]
            frame[name] = pandas.array(values, dtype="Int64" if whole else "Float64")
        return frame

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<PreviewTable {self.name}: {self.cells} cells, {self.withheld} withheld>"


class Preview(Mapping[str, PreviewTable]):
    """A preview: a mapping from a table's name to the table. Nothing of it is public; hand none on."""

    def __init__(self, answer: Mapping[str, Any], dimensions: Mapping[str, list[str]], notes: list[str]) -> None:
        of = answer["preview"]
        self.name: str = of["name"]
        self.period: str = of["period"]
        #: How a release of it stands: ``none``, ``same`` or another word of the program.
        self.stands: str = of["stands"]
        #: The notes of the program, such as how many looks at previews are left for the day.
        self.notes = notes
        self._tables = {table["name"]: PreviewTable(table, dimensions[table["name"]]) for table in of["tables"]}

    def __getitem__(self, table: str) -> PreviewTable:
        return self._tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        lines = [f"preview {self.name} of {self.period}: nothing of it is public, and nothing of it is kept"]
        lines += [f"  {table.name}: {table.cells} cells, {table.withheld} withheld" for table in self.values()]
        return "\n".join(lines + [f"  {note}" for note in self.notes])
