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


#: The rules of the release that stands: another about the same children follows the same.
RULES = {
    "title": "Wards",
    "publisher": "Exampleton",
    "contact": "statistics@example.org",
    "profile": "dfe",
    "threshold": 5,
    "zeros": "may-be-withheld",
    "periods": ["2024-25"],
}


def test_the_program_takes_the_words_that_expressions_write(pupils, site):
    wards = minster.crosstab(
        minster.by(pupils.ward, total="All wards", lookup="ward_locality", unknown="Unknown"),
        values=[
            minster.total(pupils.sessions_missed),
            minster.rate(pupils.sessions_missed, pupils.sessions, times=100, name="absence_rate"),
        ],
        name="wards",
        table="by_ward",
        margins=False,
        **RULES,
    )
    middles = [minster.mean(pupils.sessions), minster.median(pupils.sessions, step=5)]
    sexes = minster.crosstab(minster.by(pupils.sex, codes=["F", "M"]), values=middles, name="sexes", **RULES)
    preview = (wards + sexes).preview(**site)
    assert list(preview) == ["by_ward", "sexes"] and preview.stands == "nothing"
    assert preview["by_ward"].dimensions == ["ward"]
    assert preview["by_ward"].measures == ["children", "sessions_missed", "absence_rate"]
    assert preview["sexes"].measures == ["children", "sessions_mean", "sessions_median"]
    for table in preview.values():
        assert table.rows
        for row in table.rows:
            for measure in table.measures:
                status = row["status" if measure == "children" else f"{measure}_status"]
                assert (row[measure] is None) == (status in ("c", "z"))
    cared_for = minster.cut(pupils.looked_after_episodes, [0, 1], ["no", "yes"], name="looked_after")
    care = minster.crosstab(cared_for, name="care", sensitive={"looked_after": ["yes"]}, **RULES)
    assert len(care.preview(**site)["care"]) == 4


def test_conditions_come_to_disclosure_control_which_refuses_these(pupils, site):
    # A word that the program could not read would end with exit 2, before any row is read.
    days = minster.Column("first_in_need", "day")
    chosen = (pupils.sen != "N") & (pupils.age_on_31_august >= 3) & (pupils.exclusions < 9)
    definition = minster.crosstab(pupils.sex, name="t", where=chosen.sensitive(), population="all", **RULES)
    with pytest.raises(minster.ProgramError, match="refused: ") as told:
        definition.preview(**site)
    assert told.value.exit_code == 4
    with pytest.raises(minster.ProgramError, match="first_in_need") as told:
        minster.crosstab(pupils.sex, name="t", where=days.between("2024-09-01", "2025-08-31")).preview(**site)
    assert told.value.exit_code == 4


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
