"""A release is opened whole or not at all, and each reader has its values and statuses."""

import csv
import hashlib
import json
import os
import re
import shutil

import pytest

import minster

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")


def written(folder, table):
    """The rows of a table as its CSV file has them."""
    with open(folder / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_written(table, name, values):
    """A column's values as the CSV file has them: a text, or a number."""
    if name not in table.measures:
        return ["" if value is None else str(value) for value in values]
    return [None if value is None or value is pandas.NA else float(value) for value in values]


def expected(table, name, rows):
    if name not in table.measures:
        return [row[name] for row in rows]
    return [float(row[name]) if row[name] else None for row in rows]


def frames(table):
    """The table by each library, as lists by column."""
    yield "polars", table.to_polars().to_dict(as_series=False)
    pandas_frame = table.to_pandas()
    yield "pandas", {name: pandas_frame[name].tolist() for name in pandas_frame.columns}
    yield "pyarrow", table.to_arrow().to_pydict()
    of = duckdb.from_arrow(table.to_arrow())
    yield "duckdb", dict(zip(of.columns, map(list, zip(*of.fetchall()))))
    yield "values", {name: table.values(name) for name in table.columns}


def test_each_library_has_the_values_and_statuses_of_the_csv(release, folder):
    withheld = 0
    for name, table in release.items():
        rows = written(folder, name)
        assert len(table) == len(rows) > 0
        for library, columns in frames(table):
            assert list(columns) == list(rows[0]) == table.columns, library
            for column, values in columns.items():
                assert as_written(table, column, values) == expected(table, column, rows), (library, name, column)
        for measure, status in table.measures.items():
            for row in rows:
                assert (row[measure] == "") == (row[status] in ("c", "z")), (name, measure)
                withheld += row[status] == "c"
            assert sum(table.withheld(measure).values()) == sum(row[measure] == "" for row in rows)
    assert withheld > 10


def test_no_number_of_pandas_is_nan(release):
    frame = release["looked_after_by_ward"].to_pandas()
    assert str(frame["children"].dtype) == "Int64" and frame["children"].isna().any()
    assert all(value is pandas.NA or value == int(value) for value in frame["children"])
    # A published status is a text and no blank, so that no null of a status is mixed with a withheld number.
    assert not frame["status"].isna().any()


def test_polars_reads_the_columns_without_a_copy_through_the_c_interface(release):
    table = release["sen_by_ward"]
    frame = polars.DataFrame(table)
    assert frame.schema["children"] == polars.Int64 and frame.schema["absence_rate"] == polars.Float64
    # The stream may be asked for again: each time it is a new one.
    assert polars.DataFrame(table).equals(frame)


def test_the_facts_of_the_release_are_those_of_its_manifest(release, folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (release.name, release.period) == (manifest["release"], manifest["period"])
    assert list(release) == [table["name"] for table in manifest["tables"]]
    assert release.policy == manifest["policy"] and release.statuses["c"] == "confidential"
    # The hash is the one that `minster` names the folder by.
    assert release.folder.name == f"r-{release.sha256[:32]}"
    assert minster.open(folder, sha256=release.sha256).sha256 == release.sha256
    with pytest.raises(minster.ReleaseError, match="`sha256` says"):
        minster.open(folder, sha256="0" * 64)
    with pytest.raises(minster.ReleaseError, match="`sha256` says"):
        minster.open(folder, sha256=release.sha256[:8])


def change(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_change_of_any_file_is_seen_and_no_value_is_told(copied):
    assert minster.open(copied)
    for path in sorted(copied.iterdir()):
        whole = path.read_bytes()
        change(path)
        with pytest.raises(minster.ReleaseError):
            minster.open(copied)
        path.write_bytes(whole)
        path.rename(copied.parent / "aside")
        with pytest.raises(minster.ReleaseError, match="cannot be read"):
            minster.open(copied)
        # A link to the very file is none: what it leads to may change.
        os.symlink(copied.parent / "aside", path)
        with pytest.raises(minster.ReleaseError, match="it is no file"):
            minster.open(copied)
        path.unlink()
        (copied.parent / "aside").rename(path)
    (copied / "more.csv").write_text("")
    with pytest.raises(minster.ReleaseError, match="more.csv is no file of the release"):
        minster.open(copied)


def rewrite(folder, changed):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    changed(manifest)
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def test_a_manifest_that_was_changed_is_seen_by_its_own_hash(copied):
    path = copied / "sen_by_ward.csv"
    path.write_text(path.read_text().replace(",All,All,", ",All,All,9", 1))

    def name_the_changed_file(manifest):
        manifest["tables"][0]["csv_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()

    rewrite(copied, name_the_changed_file)
    with pytest.raises(minster.ReleaseError, match="its own hash is another"):
        minster.open(copied)


@pytest.mark.parametrize("name", ["../sen_by_ward", "a/b", ".hidden", ""])
def test_a_manifest_names_no_file_elsewhere(copied, name):
    rewrite(copied, lambda manifest: manifest["tables"][0].update(name=name))
    with pytest.raises(minster.ReleaseError, match="none that a release has"):
        minster.open(copied)


def test_a_folder_that_is_named_as_another_release_is_refused(copied):
    named = copied.with_name("r-" + "0" * 32)
    copied.rename(named)
    with pytest.raises(minster.ReleaseError, match="its folder's name says"):
        minster.open(named)


def forge(folder, table, changed, footer=None):
    """Writes a table's Parquet anew, with a manifest that names it: the manifest's own hash does not cover these files."""
    import pyarrow.parquet

    path = folder / f"{table}.parquet"
    read = pyarrow.parquet.read_table(path)
    columns = changed(read.to_pydict())
    fields = [pyarrow.field(name, read.schema.field(name).type) for name in columns]
    words = pyarrow.parquet.read_metadata(path).metadata
    metadata = {key: value for key, value in words.items() if key != b"ARROW:schema"}
    metadata |= {key.encode(): value.encode() for key, value in (footer or {}).items()}
    schema = pyarrow.schema(fields, metadata=metadata)
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), path, compression="zstd")

    def name_it(manifest):
        of = next(of for of in manifest["tables"] if of["name"] == table)
        of["parquet_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()

    rewrite(folder, name_it)


def test_a_number_beside_the_status_of_none_is_refused(copied):
    def show_a_withheld_number(columns):
        columns["children"][columns["status"].index("c")] = 3
        return columns

    forge(copied, "looked_after_by_ward", lambda columns: columns)
    assert minster.open(copied), "the same numbers, written by another program"
    forge(copied, "looked_after_by_ward", show_a_withheld_number)
    with pytest.raises(minster.ReleaseError, match=r"row \d+: children does not go with its status") as told:
        minster.open(copied)
    # The row's place and no value is told.
    assert re.sub(r"row \d+", "", str(told.value)) == "the table looked_after_by_ward: : children does not go with its status"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(copied, value):
    import pyarrow.parquet

    schemas = [(path.stem, pyarrow.parquet.read_schema(path)) for path in sorted(copied.glob("*.parquet"))]
    table, column = next((table, of.name) for table, schema in schemas for of in schema if pyarrow.types.is_floating(of.type))

    def spoil(columns):
        row = next(row for row, number in enumerate(columns[column]) if number is not None)
        columns[column][row] = value
        return columns

    forge(copied, table, spoil)
    with pytest.raises(minster.ReleaseError, match=rf"row \d+: {column} is no number"):
        minster.open(copied)


def test_a_blank_number_without_a_reason_is_refused(copied):
    def blank(columns):
        columns["children"][0] = None
        return columns

    forge(copied, "sen_by_ward", blank)
    with pytest.raises(minster.ReleaseError, match="row 1: children does not go with its status"):
        minster.open(copied)


def test_a_status_that_the_release_does_not_know_is_refused(copied):
    def invent(columns):
        columns["status"][0] = "secret"
        return columns

    forge(copied, "sen_by_ward", invent)
    with pytest.raises(minster.ReleaseError, match="does not go with its status"):
        minster.open(copied)


def test_a_table_of_another_release_is_refused(copied):
    forge(copied, "sen_by_ward", lambda columns: columns, {"minster.period": "1999-00"})
    with pytest.raises(minster.ReleaseError, match="of another release: by its minster.period"):
        minster.open(copied)


def test_a_sum_says_what_it_leaves_out(release, folder):
    table = release["looked_after_by_ward"]
    rows = [row for row in written(folder, table.name) if row["level"] == "ward by looked_after"]
    hidden = sum(row["children"] == "" for row in rows)
    assert hidden > 1
    with pytest.warns(minster.WithheldWarning, match=f"leaves out {hidden} of {len(rows)} numbers") as told:
        total = table.sum(level="ward by looked_after")
    assert total == sum(int(row["children"] or 0) for row in rows) and len(told) == 1
    # Where nothing is withheld there is no warning: each warning is an error here.
    wards = table.sum(level="ward", where={"looked_after": "All"})
    assert wards == sum(int(row["children"]) for row in written(folder, table.name) if row["level"] == "ward")


def test_a_sum_of_nothing_is_not_0(release):
    table = release["looked_after_by_ward"]
    hidden = next(row for row in zip(table.values("ward"), table.values("level"), table.values("status")) if row[1:] == ("ward by looked_after", "c"))
    with pytest.raises(ValueError, match="none of the 1 numbers of children is published"):
        table.sum(level=hidden[1], where={"ward": hidden[0], "looked_after": "yes"})


def test_a_sum_that_would_mislead_is_refused(release):
    table = release["sen_by_ward"]
    with pytest.raises(ValueError, match="count a child twice"):
        table.sum()
    with pytest.raises(ValueError, match="does not add up"):
        table.sum("absence_rate", level="ward")
    with pytest.raises(ValueError, match="no dimension"):
        table.sum(level="ward", where={"wrad": "Abbey"})
    with pytest.raises(ValueError, match="no row"):
        table.sum(level="ward", where={"ward": "Nowhere"})
    with pytest.raises(KeyError, match="it has children"):
        table.sum("pupils", level="ward")


def test_a_whole_number_is_added_up_only_where_the_data_package_says_that_it_is_a_sum(release):
    of = release["sen_by_ward"]
    native = of._native
    said = {**of.meanings, "sessions_missed": "The lower median of sessions_missed over the children, to the nearest 5."}
    with pytest.raises(ValueError, match="is a median"):
        type(of)(native, said).sum("sessions_missed", level="total")
    with pytest.raises(ValueError, match="no data package"):
        type(of)(native, {}).sum("sessions_missed", level="total")
    assert type(of)(native, {}).sum(level="total") == of.values("children")[0]
    assert of.sum("sessions_missed", level="total") == of.values("sessions_missed")[0]


def test_a_withdrawn_release_is_not_opened_unawares(copied):
    release = minster.open(copied)
    notice = copied.parent / "WITHDRAWN.txt"
    notice.write_text(f"The release {'0' * 32} was withdrawn on 2026-01-01T00:00:00Z.\nReason: another\n")
    assert minster.open(copied)
    ours = f"The release {release.sha256[:32]} was withdrawn on 2026-01-02T00:00:00Z.\nReason: a file was cut off\n"
    notice.write_text(notice.read_text() + "\n" + ours)
    with pytest.raises(minster.WithdrawnError, match="a file was cut off"):
        minster.open(copied)
    assert minster.open(copied, even_if_withdrawn=True).sha256 == release.sha256


def test_no_folder_and_no_table_is_told_with_the_next_step(tmp_path, release):
    with pytest.raises(minster.ReleaseError, match="name the folder that has the release's manifest.json"):
        minster.open(tmp_path)
    with pytest.raises(minster.ReleaseError, match="cannot be read"):
        minster.open(tmp_path / "none")
    with pytest.raises(KeyError, match="it has sen_by_ward"):
        release["sen"]


def test_a_file_for_a_manifest_that_is_none_is_refused(copied):
    for text, why in [("{", "no JSON"), ("[]", "no format"), ('{"format": 5}', "install a newer one"), ('{"format": 4}', "no tables")]:
        (copied / "manifest.json").write_text(text)
        with pytest.raises(minster.ReleaseError, match=why):
            minster.open(copied)


def test_a_release_taken_from_a_place_without_its_name_is_the_same(copied, release, tmp_path):
    elsewhere = tmp_path / "download"
    shutil.copytree(copied, elsewhere)
    assert minster.open(elsewhere, sha256=release.sha256[:32]).sha256 == release.sha256
