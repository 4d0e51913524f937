"""Tables from expressions over columns, in the manner of `pandas.crosstab`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ._definition import Definition
from ._dictionary import WHOLE, Column, Condition

_NUMBERS = (WHOLE, "number")


@dataclass(frozen=True)
class Dimension:
    """One way of dividing children: see :func:`by` and :func:`cut`."""

    words: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The column of the released files."""
        return self.words["name"]


@dataclass(frozen=True)
class Measure:
    """A number beside the count of children: see :func:`total`, :func:`mean`, :func:`median` and :func:`rate`."""

    words: Mapping[str, Any]


def by(
    column: Column,
    *,
    name: str | None = None,
    total: str = "All",
    codes: Sequence[str] | None = None,
    lookup: str | None = None,
    unknown: str | None = None,
    code_lookup: str | None = None,
) -> Dimension:
    """Divides children by the codes of a column.

    :param name: the column of the files; the column's own name without it.
    :param total: the label of the total.
    :param codes: the categories, in their order. Without it: the codes that the dictionary lists, or those in the data.
    :param lookup: a look-up of the pipeline, from each category to the group above it.
    :param unknown: the label of blank and unlisted values.
    :param code_lookup: a look-up of the pipeline, from categories to their official codes.
    """
    if column.type == "pseudonym":
        raise TypeError(f"{column.name} is a pseudonym: no table divides by it")
    if codes is None and lookup is None:
        codes = list(column.codes)
    elif codes is not None:
        column.isin(codes)
    words = {
        "name": name or column.name,
        "column": column.name,
        "total": total,
        "codes": list(codes or ()),
        "lookup": lookup,
        "unknown": unknown,
        "code_lookup": code_lookup,
    }
    return Dimension(_said(words))


def cut(
    column: Column,
    bins: Sequence[int],
    labels: Sequence[str],
    *,
    name: str | None = None,
    total: str = "All",
    unknown: str | None = None,
) -> Dimension:
    """Divides children by bands of a whole number.

    :param bins: the lower bound of each band, ascending; the last band has no upper one.
    :param labels: a label for each band.
    """
    if column.type != WHOLE:
        raise TypeError(f"{column.name} is a {column.type}: bands are of whole numbers")
    if len(bins) != len(labels):
        raise ValueError(f"{len(bins)} bands have {len(labels)} labels: each lower bound begins one band")
    words = {
        "name": name or column.name,
        "column": column.name,
        "total": total,
        "bands": list(bins),
        "labels": list(labels),
        "unknown": unknown,
    }
    return Dimension(_said(words))


def total(column: Column, *, name: str | None = None, events: bool = False) -> Measure:
    """The sum of a column. With `events` the column counts events of a child, and few events are withheld too."""
    return Measure({"name": name or column.name, "events" if events else "sum": _number(column)})


def mean(column: Column, *, name: str | None = None) -> Measure:
    """The mean of a column: the sum by the children."""
    return Measure({"name": name or f"{column.name}_mean", "mean": _number(column)})


def median(column: Column, *, step: int = 1, minimum: int = 10, name: str | None = None) -> Measure:
    """The median of a column, to the nearest `step`, where at least `minimum` children have a value."""
    words = {"name": name or f"{column.name}_median", "median": _number(column), "step": step, "minimum": minimum}
    return Measure(words)


def rate(column: Column, per: Column | Literal["children"], *, times: float = 1, name: str) -> Measure:
    """The sum of a column by another's, or by the children, times 100 or 1000."""
    per = per if isinstance(per, str) else _number(per)
    return Measure({"name": name, "sum": _number(column), "per": per, "times": times})


_KINDS = {
    "sum": total,
    "events": lambda column: total(column, events=True),
    "mean": mean,
    "median": median,
}


def crosstab(
    index: Column | Dimension | Sequence[Column | Dimension],
    columns: Column | Dimension | Sequence[Column | Dimension] = (),
    values: Column | Measure | Sequence[Column | Measure] = (),
    aggfunc: Literal["sum", "events", "mean", "median"] | None = None,
    *,
    name: str,
    table: str | None = None,
    title: str | None = None,
    where: Condition | None = None,
    population: Literal["spine", "all"] = "spine",
    margins: bool = True,
    normalize: Literal["index", "columns"] | None = None,
    sensitive: Mapping[str, Sequence[str]] | None = None,
    profile: Literal["dfe", "dfe-cla", "opensafely", "acro", "strict"] | None = None,
    threshold: int | None = None,
    zeros: Literal["published", "may-be-withheld", "unsafe"] | None = None,
    periods: Iterable[str] = (),
    publisher: str | None = None,
    contact: str | None = None,
) -> Definition:
    """Defines a release with one table: children counted by `index` and `columns`, as `pandas.crosstab` counts rows.

    :param index: what the table divides by; a column stands for :func:`by` of it.
    :param columns: what it also divides by. A release's rows are long, so that both are alike but for `normalize`.
    :param values: numbers beside the count: columns, with `aggfunc`, or measures.
    :param aggfunc: what becomes of each column in `values`.
    :param name: the release's name.
    :param table: the table's name; the release's without it.
    :param where: which children are counted, of the `population`: pupils of the council's schools, or `all`.
    :param margins: whether the totals by fewer dimensions are shown. The total of all is always shown.
    :param normalize: adds the share of each cell: of its row's total (`index`) or of its column's (`columns`).
    :param sensitive: categories that nobody may learn about a whole group, by dimension.
    :param profile: the rules, as a convention names them; `threshold` and `zeros` take precedence.
    :raises TypeError: for a column that the place does not take, :class:`ValueError` for names that do not fit.
    """
    rows, beside = _dimensions(index), _dimensions(columns)
    dimensions = rows + beside
    names = [of.name for of in dimensions]
    if not rows:
        raise ValueError("`index` names no column")
    if len({*names}) < len(names):
        raise ValueError(f"two dimensions have one name: {', '.join(names)}; give one another with `by(…, name=…)`")
    measures = _measures(values, aggfunc)
    if normalize is not None:
        measures.append(_share(rows, beside, normalize))
    for dimension in sensitive or {}:
        if dimension not in names:
            raise ValueError(f"`sensitive` names {dimension!r}, and the table divides by {', '.join(names)}")
    of_table = {
        "name": _plain(table or name),
        "title": title,
        "dimensions": names,
        "margins": None if margins else [],
        "sensitive": [{"dimension": of, "categories": list(all)} for of, all in (sensitive or {}).items()],
        "measure": [dict(of.words) for of in measures],
    }
    words = {
        "name": _plain(name),
        "title": title,
        "publisher": publisher,
        "contact": contact,
        "periods": list(periods),
        "profile": profile,
        "threshold": threshold,
        "zeros": zeros,
        "population": population,
        "where": [dict(test) for test in where.tests] if where is not None else [],
        "dimension": [dict(of.words) for of in dimensions],
        "table": [_said(of_table)],
    }
    return Definition(_said(words))


def _dimensions(given: Column | Dimension | Sequence[Column | Dimension]) -> list[Dimension]:
    return [of if isinstance(of, Dimension) else by(of) for of in _list(given, (Column, Dimension))]


def _measures(given: Column | Measure | Sequence[Column | Measure], aggfunc: str | None) -> list[Measure]:
    measures = []
    for of in _list(given, (Column, Measure)):
        if isinstance(of, Measure):
            measures.append(of)
        elif aggfunc not in _KINDS:
            raise TypeError(f"`values` has the column {of.name}: give `aggfunc`, one of {', '.join(_KINDS)}")
        else:
            measures.append(_KINDS[aggfunc](of))
    return measures


def _share(rows: list[Dimension], beside: list[Dimension], normalize: str) -> Measure:
    """A row's shares add up over the columns, so that they are shares of the columns' total; the other way round likewise."""
    kinds = {"index": beside, "columns": rows}
    if normalize not in kinds:
        raise ValueError("`normalize` is 'index' or 'columns'")
    if len(kinds[normalize]) != 1:
        raise ValueError(f"shares by {normalize} need exactly one dimension on the other side")
    of = kinds[normalize][0].name
    return Measure({"name": f"{of}_percent", "percentage": of})


def _list(given: Any, kinds: tuple[type, ...]) -> list[Any]:
    all = [given] if isinstance(given, kinds) else list(given)
    for of in all:
        if not isinstance(of, kinds):
            raise TypeError(f"{of!r} is no column of `minster.columns()`")
    return all


def _number(column: Column) -> str:
    if not isinstance(column, Column):
        raise TypeError(f"{column!r} is no column of `minster.columns()`")
    if column.type not in _NUMBERS:
        raise TypeError(f"{column.name} is a {column.type}, and has no sum")
    return column.name


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise ValueError(f"{name!r} is no name: small letters, digits, `_` and `-`, beginning with a letter or digit, 64 at most")
    return name


def _said(words: Mapping[str, Any]) -> dict[str, Any]:
    """The words that say something. No margins is a list without any, and stays."""
    return {key: value for key, value in words.items() if value is not None and (value != [] or key == "margins")}
