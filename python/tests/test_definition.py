"""Expressions become the words of a definition, and mistakes are told where they are made."""

import datetime

import pytest

import minster
from minster import Column, Columns


def column(name, type="whole number", codes=()):
    return Column(name, type, "", {code: code for code in codes})


SEX = column("sex", "text", ["F", "M"])
SEN = column("sen", "text", ["N", "K", "E"])
WARD = column("ward", "text")
AGE = column("age_on_31_august")
MISSED = column("sessions_missed")
SESSIONS = column("sessions")
SEEN = column("first_in_need", "day")
CHILD = column("child", "pseudonym")


def test_a_table_of_two_columns_divides_by_their_codes():
    words = minster.crosstab(WARD, SEN, name="sen_in_wards").to_dict()
    assert words == {
        "name": "sen_in_wards",
        "population": "spine",
        "dimension": [
            {"name": "ward", "column": "ward", "total": "All"},
            {"name": "sen", "column": "sen", "total": "All", "codes": ["N", "K", "E"]},
        ],
        "table": [{"name": "sen_in_wards", "dimensions": ["ward", "sen"]}],
    }


def test_conditions_are_those_of_the_language():
    def tests(condition):
        return list(condition.tests)

    assert tests(SEN == "E") == [{"column": "sen", "in": ["E"]}]
    assert tests(SEN != "E") == tests(~(SEN == "E")) == [{"column": "sen", "not-in": ["E"]}]
    assert tests(~SEN.isin(["K", "E"])) == [{"column": "sen", "not-in": ["K", "E"]}]
    assert tests(~~(SEN == "E")) == tests(SEN == "E")
    assert tests(AGE >= 5) == tests(AGE > 4) == [{"column": "age_on_31_august", "at-least": 5}]
    assert tests(AGE < 12) == tests(AGE <= 11) == [{"column": "age_on_31_august", "below": 12}]
    assert tests(AGE.between(5, 11)) == [{"column": "age_on_31_august", "at-least": 5, "below": 12}]
    first = [{"column": "first_in_need", "from": "2024-09-01"}]
    assert tests(SEEN >= "2024-09-01") == tests(SEEN > datetime.date(2024, 8, 31)) == first
    last = [{"column": "first_in_need", "until": "2025-02-28"}]
    assert tests(SEEN <= "2025-02-28") == tests(SEEN < "2025-03-01") == last
    both = (SEN == "E") & (AGE >= 5)
    assert tests(both) == tests(SEN == "E") + tests(AGE >= 5)
    assert tests((SEN == "E").sensitive()) == [{"column": "sen", "in": ["E"], "sensitive": True}]


@pytest.mark.parametrize(
    ("wrong", "kind", "told"),
    [
        (lambda: SEN == "EHCP", ValueError, "no code 'EHCP'"),
        (lambda: SEN.isin(["k"]), ValueError, "no code 'k'"),
        (lambda: SEN.isin("KE"), TypeError, "a list of codes"),
        (lambda: SEN == 1, TypeError, "are texts"),
        (lambda: AGE == 5, TypeError, "has no codes"),
        (lambda: SEN >= 5, TypeError, "only whole numbers and days"),
        (lambda: AGE >= 5.5, TypeError, "compared with a whole number"),
        (lambda: AGE >= True, TypeError, "compared with a whole number"),
        (lambda: SEEN >= 5, TypeError, "compared with a day"),
        (lambda: SEEN >= "autumn", ValueError, "autumn"),
        (lambda: ~(AGE >= 5), TypeError, "has an opposite"),
        (lambda: ~((SEN == "E") & (SEX == "F")), TypeError, "has an opposite"),
        (lambda: (SEN == "E") | (SEN == "K"), TypeError, "isin"),
        (lambda: (SEN == "E") and (AGE >= 5), TypeError, "join two with `&`"),
        (lambda: 5 <= AGE <= 11, TypeError, "join two with `&`"),
        (lambda: minster.by(CHILD), TypeError, "pseudonym"),
        (lambda: minster.by(SEN, codes=["N", "X"]), ValueError, "no code 'X'"),
        (lambda: minster.cut(SEN, [0], ["a"]), TypeError, "bands are of whole numbers"),
        (lambda: minster.cut(AGE, [0, 5], ["a"]), ValueError, "2 bands have 1 labels"),
        (lambda: minster.total(SEN), TypeError, "has no sum"),
        (lambda: minster.crosstab([], name="t"), ValueError, "no column"),
        (lambda: minster.crosstab("ward", name="t"), TypeError, "is no column"),
        (lambda: minster.crosstab(WARD, WARD, name="t"), ValueError, "one name"),
        (lambda: minster.crosstab(WARD, SEN, MISSED, name="t"), TypeError, "give `aggfunc`"),
        (lambda: minster.crosstab(WARD, SEN, MISSED, "max", name="t"), TypeError, "give `aggfunc`"),
        (lambda: minster.crosstab(WARD, [SEN, SEX], name="t", normalize="index"), ValueError, "exactly one"),
        (lambda: minster.crosstab(WARD, SEN, name="t", normalize="all"), ValueError, "'index' or 'columns'"),
        (lambda: minster.crosstab(WARD, name="t", sensitive={"sen": ["E"]}), ValueError, "divides by ward"),
        (lambda: minster.crosstab(WARD, name="../t"), ValueError, "no name"),
        (lambda: minster.crosstab(WARD, name="t", treshold=10), TypeError, "treshold"),
    ],
)
def test_a_mistake_is_told_at_once(wrong, kind, told):
    with pytest.raises(kind, match=told):
        wrong()


def test_a_mistyped_column_is_told_with_the_nearest():
    pupils = Columns("2024-25", {"ward": WARD, "sen": SEN}, {})
    assert pupils.ward is pupils["ward"] is WARD
    with pytest.raises(AttributeError, match="did you mean 'ward'"):
        pupils.wrad
    with pytest.raises(KeyError, match="did you mean 'ward'"):
        pupils["wards"]


def test_numbers_beside_the_count():
    def measures(*values, **words):
        return minster.crosstab(WARD, SEN, *values, name="t", **words).to_dict()["table"][0]["measure"]

    assert measures(MISSED, "sum") == [{"name": "sessions_missed", "sum": "sessions_missed"}]
    assert measures(MISSED, "events") == [{"name": "sessions_missed", "events": "sessions_missed"}]
    assert measures([MISSED, SESSIONS], "mean") == [
        {"name": "sessions_missed_mean", "mean": "sessions_missed"},
        {"name": "sessions_mean", "mean": "sessions"},
    ]
    rate = minster.rate(MISSED, SESSIONS, times=100, name="absence_rate")
    middle = minster.median(MISSED, step=5)
    assert measures([rate, middle]) == [
        {"name": "absence_rate", "sum": "sessions_missed", "per": "sessions", "times": 100},
        {"name": "sessions_missed_median", "median": "sessions_missed", "step": 5, "minimum": 10},
    ]
    # The shares of a row add up over the columns.
    assert measures(normalize="index") == [{"name": "sen_percent", "percentage": "sen"}]
    assert measures(normalize="columns") == [{"name": "ward_percent", "percentage": "ward"}]


def test_without_margins_a_table_lists_none():
    assert minster.crosstab(WARD, SEN, name="t", margins=False).to_dict()["table"][0]["margins"] == []
    assert "margins" not in minster.crosstab(WARD, SEN, name="t").to_dict()["table"][0]


def whole():
    return minster.crosstab(
        minster.by(WARD, total="All wards", lookup="ward_locality"),
        [SEN, minster.cut(AGE, [0, 5, 11], ["0 to 4", "5 to 10", "11 and above"], name="age")],
        minster.rate(MISSED, SESSIONS, times=0.5, name="rate"),
        name="whole",
        title='Wards "and" ages: \\ = # [x]\n"""',
        where=(SEX == "F") & AGE.between(1, 3),
        sensitive={"sen": ["E"]},
        threshold=10,
        zeros="may-be-withheld",
        periods=["2024-25"],
    )


def test_a_definition_is_the_same_after_it_was_written_and_read(tmp_path):
    definition = whole()
    path = definition.save(tmp_path / "whole.toml")
    assert minster.Definition.read(path) == definition
    tomllib = pytest.importorskip("tomllib")
    assert tomllib.loads(path.read_text(encoding="utf-8")) == definition.to_dict()
    assert repr(definition) == path.read_text(encoding="utf-8")


def test_a_file_is_never_overwritten(tmp_path):
    path = tmp_path / "t.toml"
    minster.crosstab(WARD, name="first").save(path)
    text = path.read_text()
    with pytest.raises(FileExistsError, match="is not overwritten"):
        minster.crosstab(WARD, name="second").save(path)
    assert path.read_text() == text
    # A link that leads nowhere is not followed either.
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(FileExistsError):
        minster.crosstab(WARD, name="third").save(link)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_a_text_that_is_no_definition_is_told_with_its_line():
    with pytest.raises(ValueError, match="line 2"):
        minster.Definition.from_toml('name = "t"\n= 3\n')


def test_tables_over_the_same_children_are_one_release():
    first = minster.crosstab(WARD, SEN, name="one", table="sen_by_ward")
    both = first + minster.crosstab(SEX, SEN, name="two", table="sen_by_sex")
    words = both.to_dict()
    assert both.name == "one" and [of["name"] for of in words["table"]] == ["sen_by_ward", "sen_by_sex"]
    assert [of["name"] for of in words["dimension"]] == ["ward", "sen", "sex"]
    with pytest.raises(ValueError, match="differ in `where`"):
        first + minster.crosstab(SEX, SEN, name="two", where=SEX == "F")
    with pytest.raises(ValueError, match="two of the name sen in `dimension`"):
        first + minster.crosstab(minster.by(SEN, total="Everyone"), name="two")
    # What was given stays as it was.
    assert [of["name"] for of in first.to_dict()["table"]] == ["sen_by_ward"]


def test_the_words_are_a_copy():
    definition = minster.crosstab(WARD, SEN, name="t")
    definition.to_dict()["dimension"].clear()
    assert len(definition.to_dict()["dimension"]) == 2
