"""The program understands what Python writes, and Python what the program answers."""

import pathlib

import pytest

import minster


def test_the_dictionary_has_types_codes_and_meanings(pupils):
    assert pupils.sen.codes == {
        "E": "education, health and care plan",
        "K": "SEN support",
        "N": "no special educational need",
    }
    assert pupils.ward.type == "text" and pupils.ward.meaning.startswith("The ward of the latest address")
    assert pupils.child.type == "pseudonym" and pupils.sessions.type == "whole number"
    assert "exclusion_events" in pupils.events and pupils.period == "2024-25"


def test_a_preview_of_what_was_released_has_its_numbers_and_statuses(release, site):
    config = pathlib.Path(site["config"])
    preview = minster.Definition.read(config.parent / "tables/children.toml").preview(**site)
    assert preview.stands == "same" and preview.period == release.period
    assert list(preview) == list(release)
    hidden = 0
    for name, table in release.items():
        shown = preview[name].to_pandas()
        told = table.to_pandas()[list(shown.columns)]
        assert shown.astype(object).where(shown.notna(), None).values.tolist() == (
            told.astype(object).where(told.notna(), None).values.tolist()
        ), name
        assert preview[name].withheld == table.withheld()["c"]
        hidden += preview[name].withheld
    assert hidden > 10
    assert any("look" in note for note in preview.notes) and "nothing of it is kept" in repr(preview)


def test_the_program_takes_every_word_that_expressions_write(pupils, site, tmp_path):
    definition = minster.crosstab(
        minster.by(pupils.ward, total="All wards", lookup="ward_locality", unknown="Not known"),
        [pupils.sen, minster.cut(pupils.age_on_31_august, [0, 11], ["to 10", "11 and above"], name="age")],
        [
            minster.total(pupils.sessions_missed),
            minster.rate(pupils.sessions_missed, pupils.sessions, times=100, name="absence_rate"),
            minster.mean(pupils.sessions),
            minster.median(pupils.sessions_unauthorised, step=5),
            minster.rate(pupils.exclusions, "children", name="exclusions_each"),
        ],
        name="wards",
        table="by_ward",
        title="Wards",
        publisher="Exampleton",
        contact="statistics@example.org",
        where=(pupils.sen != "N") & pupils.year_group.isin(["R", "1", "2", "3"]) & (pupils.age_on_31_august >= 3),
        margins=False,
        sensitive={"sen": ["E"]},
        profile="dfe",
        threshold=10,
        zeros="may-be-withheld",
        periods=["2024-25"],
    )
    more = minster.crosstab(
        pupils.sex,
        pupils.sen,
        pupils.exclusions,
        "events",
        name="sexes",
        normalize="index",
        title="Wards",
        publisher="Exampleton",
        contact="statistics@example.org",
        where=(pupils.sen != "N") & pupils.year_group.isin(["R", "1", "2", "3"]) & (pupils.age_on_31_august >= 3),
        profile="dfe",
        threshold=10,
        zeros="may-be-withheld",
        periods=["2024-25"],
    )
    preview = (definition + more).preview(**site)
    assert list(preview) == ["by_ward", "sexes"] and preview.stands == "none"
    table = preview["by_ward"]
    assert table.dimensions == ["ward", "sen", "age"]
    assert table.measures == [
        "children",
        "sessions_missed",
        "absence_rate",
        "sessions_mean",
        "sessions_unauthorised_median",
        "exclusions_each",
    ]
    assert preview["sexes"].measures == ["children", "exclusions", "sen_percent"]
    for row in table.rows:
        for measure in table.measures:
            status = row["status" if measure == "children" else f"{measure}_status"]
            assert (row[measure] is None) == (status in ("c", "z"))


def test_the_program_reads_the_very_definition_that_python_read(site, tmp_path):
    config = pathlib.Path(site["config"])
    for path in sorted((config.parent / "tables").glob("*.toml")):
        again = minster.Definition.read(path).save(tmp_path / path.name)
        assert minster.Definition.read(again) == minster.Definition.read(path)


def test_a_refusal_has_the_words_of_the_program(pupils, site):
    with pytest.raises(minster.ProgramError, match="there is no column wrad") as told:
        minster.crosstab(minster.Column("wrad", "text"), name="t").preview(**site)
    assert told.value.exit_code == 2
    with pytest.raises(minster.ProgramError, match="install it") as told:
        minster.columns(config=site["config"], program="no-such-program")
    assert told.value.exit_code is None
    with pytest.raises(minster.ProgramError, match="longer than"):
        minster.columns(**site, timeout=0.0001)
