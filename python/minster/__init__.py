"""Releases of a council as data frames, and definitions of tables from expressions.

>>> release = minster.open("store/releases/looked_after/2024-25/current")
>>> wards = release["looked_after_by_ward"].to_polars()
>>> pupils = minster.columns(config="config/pipeline.toml")
>>> tables = minster.crosstab(pupils.ward, pupils.sen, name="sen_in_wards")
>>> tables.preview(config="config/pipeline.toml")

Nothing here holds a key or reads a row about a child. A release is read from its files; columns and previews come from the program
`minster`, which asks the vault and counts what it shows.
"""

from ._definition import Definition
from ._dictionary import Column, Columns, Condition, columns
from ._preview import Preview, PreviewTable
from ._program import ProgramError
from ._release import (
    Release,
    ReleaseError,
    Table,
    WithdrawnError,
    WithheldWarning,
    open_release as open,
)
from ._tables import Dimension, Measure, by, crosstab, cut, mean, median, rate, total

__all__ = [
    "Column",
    "Columns",
    "Condition",
    "Definition",
    "Dimension",
    "Measure",
    "Preview",
    "PreviewTable",
    "ProgramError",
    "Release",
    "ReleaseError",
    "Table",
    "WithdrawnError",
    "WithheldWarning",
    "by",
    "columns",
    "crosstab",
    "cut",
    "mean",
    "median",
    "open",
    "rate",
    "total",
]
