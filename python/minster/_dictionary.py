"""The columns that a table can divide by, choose by or sum, and conditions on them."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, NoReturn

from . import _program

TEXT, WHOLE, DAY = "text", "whole number", "day"


@dataclass(frozen=True)
class Condition:
    """Conditions on children, all of which must hold: `(pupils.sen == "E") & (pupils.age >= 5)`."""

    tests: tuple[Mapping[str, Any], ...]

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.tests + other.tests)

    def __or__(self, other: object) -> NoReturn:
        raise TypeError("a definition has no `or`: for several codes of one column write `column.isin([…])`")

    def __invert__(self) -> Condition:
        opposite = {"in": "not-in", "not-in": "in"}
        if len(self.tests) == 1:
            for word, other in opposite.items():
                if word in self.tests[0]:
                    test = dict(self.tests[0])
                    test[other] = test.pop(word)
                    return Condition((test,))
        raise TypeError("only a choice of codes has an opposite: a blank number passes neither `>=` nor `<`")

    def __bool__(self) -> NoReturn:
        raise TypeError("a condition is neither true nor false here: join two with `&`, not with `and`")

    def sensitive(self) -> Condition:
        """The same; and nobody may learn from two releases together that everyone of a group meets it."""
        return Condition(tuple({**test, "sensitive": True} for test in self.tests))


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the integrated dataset. Comparisons make conditions."""

    name: str
    #: `text`, `whole number`, `number`, `yes or no`, `day` or `pseudonym`.
    type: str
    meaning: str = ""
    #: The codes that it can have, each with its label.
    codes: Mapping[str, str] = field(default_factory=dict)
    #: Rows without a value; None where the count, or the rest, is small.
    blanks: int | None = None

    def isin(self, codes: Iterable[str]) -> Condition:
        """Children with one of these codes."""
        return self._codes("in", codes)

    def __eq__(self, code: object) -> Condition:  # type: ignore[override]
        return self._codes("in", [code])

    def __ne__(self, code: object) -> Condition:  # type: ignore[override]
        return self._codes("not-in", [code])

    __hash__ = object.__hash__

    def __ge__(self, least: int | str | datetime.date) -> Condition:
        return self._from(least, 0)

    def __gt__(self, below: int | str | datetime.date) -> Condition:
        return self._from(below, 1)

    def __lt__(self, above: int | str | datetime.date) -> Condition:
        return self._until(above, 0)

    def __le__(self, most: int | str | datetime.date) -> Condition:
        return self._until(most, 1)

    def between(self, least: int | str | datetime.date, most: int | str | datetime.date) -> Condition:
        """Children whose number or day is one of these two or between them."""
        first, last = (self >= least).tests[0], (self <= most).tests[0]
        return Condition(({**first, **last},))

    def _codes(self, word: str, codes: Iterable[object]) -> Condition:
        if isinstance(codes, str):
            raise TypeError(f"give a list of codes, not the text {codes!r}")
        chosen = list(codes)
        if self.type != TEXT:
            raise TypeError(f"{self.name} is a {self.type}, and has no codes: compare it with `>=` or `<`")
        for code in chosen:
            if not isinstance(code, str):
                raise TypeError(f"the codes of {self.name} are texts, and {code!r} is none")
            if self.codes and code not in self.codes:
                raise ValueError(f"{self.name} has no code {code!r}; {nearest(code, self.codes)}")
        return Condition(({"column": self.name, word: chosen},))

    def _from(self, least: object, more: int) -> Condition:
        if self.type == DAY:
            return Condition(({"column": self.name, "from": self._day(least, more)},))
        return Condition(({"column": self.name, "at-least": self._number(least) + more},))

    def _until(self, most: object, more: int) -> Condition:
        if self.type == DAY:
            return Condition(({"column": self.name, "until": self._day(most, more - 1)},))
        return Condition(({"column": self.name, "below": self._number(most) + more},))

    def _number(self, number: object) -> int:
        if self.type != WHOLE:
            raise TypeError(f"{self.name} is a {self.type}: only whole numbers and days have `>=` and `<`")
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{self.name} is compared with a whole number, and {number!r} is none")
        return number

    def _day(self, day: object, more: int) -> str:
        if isinstance(day, str):
            day = datetime.date.fromisoformat(day)
        if not isinstance(day, datetime.date) or isinstance(day, datetime.datetime):
            raise TypeError(f"{self.name} is compared with a day such as '2024-09-01', and {day!r} is none")
        return (day + datetime.timedelta(days=more)).isoformat()


class Columns(Mapping[str, Column]):
    """The columns of the table with one row a child, by name: `pupils.ward` or `pupils["ward"]`."""

    def __init__(self, period: str, of: Mapping[str, Column], events: Mapping[str, Mapping[str, Column]]) -> None:
        self._of = dict(of)
        #: The period that they are of.
        self.period = period
        #: The tables of events, each with its columns. A definition derives columns from them with `[[column]]`.
        self.events = events

    def __getitem__(self, name: str) -> Column:
        if name not in self._of:
            raise KeyError(f"there is no column {name!r}; {nearest(name, self._of)}")
        return self._of[name]

    def __getattr__(self, name: str) -> Column:
        of = self.__dict__.get("_of", {})
        if name in of:
            return of[name]
        raise AttributeError(f"there is no column {name!r}; {nearest(name, of)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._of})

    def __repr__(self) -> str:
        return f"<Columns of {self.period}: {', '.join(self)}>"


def nearest(name: str, known: Iterable[str]) -> str:
    """What a mistyped name may have meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"


def columns(
    *,
    config: str | PathLike[str] | None = None,
    period: str | None = None,
    program: str | PathLike[str] = "minster",
    timeout: float | None = 600,
) -> Columns:
    """Asks `minster columns` for what a table can divide by, choose by or sum.

    :param config: the pipeline; without it the program takes `MINSTER_CONFIG`, or `config/pipeline.toml`.
    :param period: the period; the pipeline's last one without it.
    :raises ProgramError: with the program's own words.
    """
    answer, _ = _program.run("columns", [], config=config, period=period, program=program, timeout=timeout)
    tables = {table["name"]: {of["name"]: _column(of) for of in table["columns"]} for table in answer["tables"]}
    children = tables.pop("children")
    return Columns(answer["period"], children, tables)


def _column(of: Mapping[str, Any]) -> Column:
    codes = {code["code"]: code["label"] for code in of["codes"]}
    return Column(of["name"], of["type"], of["meaning"], codes, of["blanks"])
