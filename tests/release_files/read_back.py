"""Reads each file of a release with other programs than the one that wrote it, and compares values and statuses.

The standard library reads CSV, JSON, the workbook and the page. pandas, Polars, DuckDB and pyarrow are used where they are installed; a
line MISSING names each that is not. A difference is a line WRONG, and exit 1.
"""

import csv
import hashlib
import html.parser
import importlib.util
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

from months import side_by_side, without_month

FOLDER = pathlib.Path(sys.argv[1])
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
RELEASE = MANIFEST["release"]
wrong = []


def check(holds, what):
    if not holds:
        wrong.append(what)


def has(module):
    if importlib.util.find_spec(module) is None:
        print(f"MISSING {module}")
        return False
    return True


def table_rows(name):
    with open(FOLDER / f"{name}.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def number(text):
    return None if text in ("", None) else float(text)


def status_of(measure):
    return "status" if measure == "children" else f"{measure}_status"


def measures(header):
    return [name for name in header if status_of(name) in header and name != "status"]


# --- hashes ---------------------------------------------------------------------------------------------------------
def hashes():
    named = {file["name"]: file["sha256"] for file in MANIFEST["files"]}
    for table in MANIFEST["tables"]:
        named[f"{table['name']}.csv"] = table["csv_sha256"]
        named[f"{table['name']}.parquet"] = table["parquet_sha256"]
    on_disk = {path.name for path in FOLDER.iterdir()}
    check(on_disk == set(named) | {"manifest.json"}, f"files: {sorted(on_disk)} and {sorted(named)}")
    for name, expected in named.items():
        check(hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == expected, f"{name}: another hash")


# --- CSV beside Parquet ---------------------------------------------------------------------------------------------
def compare(program, table, header, rows, columns):
    """Columns of another program beside the CSV, each a list by name."""
    check(list(columns) == header, f"{program}: {table}: columns {list(columns)}")
    numbers = set(measures(header))
    for place, name in enumerate(header):
        ours = [row[place] for row in rows]
        theirs = columns[name]
        if name in numbers:
            theirs = [None if value is None or value != value else float(value) for value in theirs]
            ours = [number(value) for value in ours]
        else:
            theirs = ["" if value is None or value != value else str(value) for value in theirs]
        check(ours == theirs, f"{program}: {table}: {name} differs")
        if name in numbers:
            statuses = [row[header.index(status_of(name))] for row in rows]
            for value, status in zip(theirs, statuses):
                check((value is None) == (status in ("c", "z")), f"{program}: {table}: {name} beside {status!r}")


def parquet(table, header, rows):
    path = str(FOLDER / f"{table}.parquet")
    text = str(FOLDER / f"{table}.csv")
    texts = [name for name in header if name not in measures(header)]
    read = 0
    if has("pyarrow"):
        import pyarrow.parquet
        of = pyarrow.parquet.read_table(path)
        compare("pyarrow", table, header, rows, of.to_pydict())
        read += 1
    if has("polars"):
        import polars
        compare("Polars", table, header, rows, polars.read_parquet(path).to_dict(as_series=False))
        kinds = {name: polars.String for name in texts}
        of_text = polars.read_csv(text, schema_overrides=kinds)
        compare("Polars, CSV", table, header, rows, of_text.to_dict(as_series=False))
        read += 1
    if has("duckdb"):
        import duckdb
        for source, program in ((f"read_parquet('{path}')", "DuckDB"), (f"read_csv('{text}', all_varchar = true)", "DuckDB, CSV")):
            of = duckdb.sql(f"SELECT * FROM {source}")
            lists = list(zip(*of.fetchall()))
            compare(program, table, header, rows, dict(zip(of.columns, map(list, lists))))
        read += 1
    if has("pandas"):
        import pandas
        kinds = {name: "object" for name in texts}
        of = pandas.read_csv(text, dtype=kinds, keep_default_na=False, na_values={name: [""] for name in measures(header)})
        compare("pandas, CSV", table, header, rows, {name: of[name].tolist() for name in of.columns})
        if has("pyarrow"):
            of = pandas.read_parquet(path)
            compare("pandas", table, header, rows, {name: of[name].tolist() for name in of.columns})
        read += 1
    return read


# --- the workbook ---------------------------------------------------------------------------------------------------
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
REFERENCE = re.compile(r"([A-Z]+)([0-9]+)")


def column(letters):
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def cells(archive, path, strings):
    found = {}
    for cell in ElementTree.fromstring(archive.read(path)).iter(f"{SHEET}c"):
        letters, row = REFERENCE.fullmatch(cell.get("r")).groups()
        value = cell.find(f"{SHEET}v")
        if value is None:
            continue
        of = strings[int(value.text)] if cell.get("t") == "s" else float(value.text)
        found[int(row) - 1, column(letters)] = of
    return found


NOTE = re.compile(r"\[note [0-9]+\]")


def headings(archive):
    """The formats of cells whose style is Excel's own "Heading 1"."""
    styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    named = [style for style in styles.iter(f"{SHEET}cellStyle") if style.get("builtinId") == "16" and style.get("name") == "Heading 1"]
    check(len(named) == 1, f"workbook: {len(named)} styles of headings")
    ids = {style.get("xfId") for style in named}
    formats = styles.find(f"{SHEET}cellXfs").findall(f"{SHEET}xf")
    bases = styles.find(f"{SHEET}cellStyleXfs")
    check(int(bases.get("count")) == len(bases) and all(int(of) < len(bases) for of in ids), "workbook: a style without a format")
    return {str(place) for place, of in enumerate(formats) if of.get("xfId") in ids}


def styled(archive, path, of):
    """The cells of a sheet in one of these formats."""
    return [cell.get("r") for cell in ElementTree.fromstring(archive.read(path)).iter(f"{SHEET}c") if cell.get("s") in of]


def marks(of, rows, columns):
    """The notes that a sheet's headings name."""
    return {mark for at in columns for mark in NOTE.findall(str(of.get((rows[0], at))))}


def workbook(tables):
    path = FOLDER / f"{RELEASE}.xlsx"
    with zipfile.ZipFile(path) as archive:
        check(archive.testzip() is None, "workbook: a part is damaged")
        times = {part.date_time for part in archive.infolist()}
        check(times == {(1980, 1, 1, 0, 0, 0)}, f"workbook: parts of {times}")
        strings = ["".join(text.itertext()) for text in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{SHEET}si")]
        core = archive.read("docProps/core.xml").decode()
        check("<dc:language>en-GB</dc:language>" in core and "<dc:title>" in core, "workbook: no language or title")
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        names = [sheet.get("name") for sheet in book.iter(f"{SHEET}sheet")]
        expected = ["Cover", "Contents", "Notes"] + [f"Table {place + 1}" for place in range(len(tables))]
        check(names == expected, f"workbook: sheets {names}")
        used, title, notes, named = set(), headings(archive), {}, set()
        for place, name in enumerate(names):
            sheet = f"xl/worksheets/sheet{place + 1}.xml"
            text = archive.read(sheet).decode()
            for forbidden in ("<mergeCell", "<pane", 'hidden="1"', "<drawing"):
                check(forbidden not in text, f"workbook: {name} has {forbidden}")
            of = cells(archive, sheet, strings)
            used.update(value for value in of.values() if isinstance(value, str))
            check((0, 0) in of, f"workbook: {name} has no title in A1")
            check(styled(archive, sheet, title) == ["A1"], f"workbook: {name} has headings in {styled(archive, sheet, title)}")
            if name == "Cover":
                lines = [of[key] for key in sorted(of)]
                for what in ("Publisher", "Contact"):
                    check(what in lines[:-1], f"workbook: the cover has no {what}")
                continue
            relations = archive.read(f"xl/worksheets/_rels/sheet{place + 1}.xml.rels").decode()
            parts = re.findall(r"tables/(table[0-9]+\.xml)", relations)
            check(len(parts) == 1, f"workbook: {name} has {len(parts)} tables")
            real = ElementTree.fromstring(archive.read(f"xl/tables/{parts[0]}"))
            (first, top), (last, bottom) = (REFERENCE.fullmatch(end).groups() for end in real.get("ref").split(":"))
            rows, columns = range(int(top) - 1, int(bottom)), range(column(first), column(last) + 1)
            heads = [of.get((rows[0], at)) for at in columns]
            check(heads == [head.get("name") for head in real.iter(f"{SHEET}tableColumn")], f"workbook: {name}: headings")
            check(len({str(head).lower() for head in heads}) == len(heads), f"workbook: {name}: two headings are one")
            empty = [(row, at) for row in rows for at in columns if of.get((row, at)) in (None, "")]
            check(not empty, f"workbook: {name} has {len(empty)} empty cells")
            if name == "Notes":
                notes = {of[row, 0]: of[row, 1] for row in rows[1:]}
                check(list(notes) == [f"[note {place + 1}]" for place in range(len(rows) - 1)], f"workbook: notes {list(notes)}")
            if name.startswith("Table "):
                of_columns = marks(of, rows, columns)
                check(of_columns, f"workbook: {name} names no note")
                for at in columns:
                    for mark in NOTE.findall(of[rows[0], at]):
                        head = of[rows[0], at].split(" [note")[0]
                        check(notes.get(mark, "").startswith(f"{head}: "), f"workbook: {name}: {mark} does not tell of {head}")
                first, last = (re.findall(r"\[note ([0-9]+)\]", of[1, 0]) * 2)[:2]
                named |= of_columns | {f"[note {number}]" for number in range(int(first), int(last) + 1)}
                numbers_of(name, tables[int(name[6:]) - 1], of, rows, columns)
        check(named == set(notes), f"workbook: notes {sorted(set(notes) ^ named)} stand in one place alone")
        check(used == set(strings), f"workbook: {len(set(strings) - used)} texts stand in no cell")


def numbers_of(name, table, of, rows, columns):
    header, lines = side_by_side(*table_rows(table))
    texts = [at for at, head in enumerate(header) if head not in ("release", "period") and head not in measures(header) and not any(head == status_of(m) for m in measures(header))]
    check(len(lines) == len(rows) - 1, f"workbook: {name} has {len(rows) - 1} rows")
    for row, line in zip(rows[1:], lines):
        shown = [of[row, at] for at in columns]
        expected = ["[x]" if line[at] == "x" and header[at].endswith("_code") else line[at] for at in texts]
        for measure in measures(header):
            value, status = line[header.index(measure)], line[header.index(status_of(measure))]
            expected.append(f"[{status}]" if status else float(value))
        check(shown == expected, f"workbook: {name}: row {row} differs")


# --- the page -------------------------------------------------------------------------------------------------------
VOID = {"col", "meta", "br", "hr", "img", "link", "input"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.references, self.tables, self.faults = [], [], [], [], []
        self.language, self.titles, self.bars, self.words, self.headings = None, [], [], [], []

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag not in VOID:
            self.open.append((tag, of))
        if tag == "html":
            self.language = of.get("lang")
        if "id" in of:
            self.ids.append(of["id"])
        if "aria-labelledby" in of:
            self.references.extend(of["aria-labelledby"].split())
        if of.get("href", "").startswith("#"):
            self.references.append(of["href"][1:])
        if tag in ("script", "img", "iframe", "link", "object", "form") or any(name.startswith("on") for name in of):
            self.faults.append(tag)
        if tag in ("svg",) and of.get("aria-hidden") != "true" and not (of.get("role") == "img" and (of.get("aria-label") or of.get("aria-labelledby"))):
            self.faults.append("svg without a name")
        if tag == "table":
            self.tables.append({"class": of.get("class"), "rows": [], "caption": "", "bars": []})
        if self.tables and tag == "tr":
            self.tables[-1]["rows"].append([])
        if self.tables and tag in ("td", "th") and self.tables[-1]["rows"]:
            if tag == "th" and of.get("scope") not in ("col", "row"):
                self.faults.append("th without scope")
            self.tables[-1]["rows"][-1].append("")
        if tag == "rect":
            self.bars.append(of)
            # The map has its own, outside tables.
            if any(name == "table" for name, _ in self.open):
                self.tables[-1]["bars"].append(of)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()

    def handle_startendtag(self, tag, attributes):
        self.faults.append(f"<{tag}/>")

    def handle_data(self, data):
        inside = [tag for tag, _ in self.open]
        if "style" in inside:
            return
        hidden = any("unseen" in (of.get("class") or "") for _, of in self.open if _ != "th" and _ != "thead")
        if "caption" in inside and self.tables:
            self.tables[-1]["caption"] += data
        elif ("td" in inside or "th" in inside) and self.tables and self.tables[-1]["rows"] and not hidden:
            self.tables[-1]["rows"][-1][-1] += data
        self.words.append(data)


def page(tables):
    text = (FOLDER / f"{RELEASE}.html").read_text()
    of = Page()
    of.feed(text)
    check(of.language == "en-GB", "page: no language")
    check(not of.open and not of.faults, f"page: {of.faults[:5]} {of.open[-2:]}")
    check(len(of.ids) == len(set(of.ids)), "page: an id stands twice")
    check(set(of.references) <= set(of.ids), f"page: nothing is called {set(of.references) - set(of.ids)}")
    check(of.headings[0] == 1 and of.headings.count(1) == 1, "page: not one heading of the first level")
    check(all(after - before <= 1 for before, after in zip(of.headings, of.headings[1:])), "page: a level of headings is left out")
    check("http:" not in text and "https:" not in text and not re.search(r"url\((?!#)", text), "page: it loads something")
    check(all(table["caption"] for table in of.tables), "page: a table has no caption")
    data = [table for table in of.tables if table["class"] == "data"]
    check(len(data) == len(tables), f"page: {len(data)} tables")
    known = {MANIFEST["period"]}
    for name, shown in zip(tables, data):
        header, lines = side_by_side(*table_rows(name))
        numbers = measures(header)
        statuses = {status_of(measure) for measure in numbers}
        texts = [at for at, head in enumerate(header) if head not in ("release", "period", "level") and head not in numbers and head not in statuses]
        rows = shown["rows"][1:]
        check(len(rows) == len(lines), f"page: {name} has {len(rows)} rows")
        for row, line in zip(rows, lines):
            expected = [line[at] if line[at] != "x" or "_code" not in header[at] else "[x]" for at in texts]
            for measure in numbers:
                value, status = line[header.index(measure)], line[header.index(status_of(measure))]
                written = f"[{status}]" if status else f"{int(value):,}" if measure_is_whole(name, measure) else f"{float(value):.1f}"
                expected.append(written)
                known.add(written)
            check(row == expected, f"page: {name}: {row} is not {expected}")
    bars(of, tables)
    sentences(of, tables, known)


def measure_is_whole(table, measure):
    package = json.loads((FOLDER / "datapackage.json").read_text())
    resource = next(of for of in package["resources"] if of["name"] == table)
    return next(of for of in resource["schema"]["fields"] if of["name"] in (measure, without_month(measure)))["type"] == "integer"


def bars(of, tables):
    """Each bar is as long as a published number says; every frame of a withheld one is the same."""
    frames = {tuple(sorted(bar.items())) for table in of.tables for bar in table["bars"] if bar.get("class") == "hidden"}
    check(len(frames) <= 1, f"page: frames of {len(frames)} kinds")
    for chart in (table for table in of.tables if (table["class"] or "").startswith("bars")):
        shown = [row[-1] for row in chart["rows"][1:]]
        values = [None if text.startswith("[") else float(text.replace(",", "")) for text in shown]
        top = max((value for value in values if value is not None), default=0) or 1
        expected = ["hidden" if value is None else f"{100 * value / top:.1f}%" for value in values]
        found = [bar["class"] if bar["class"] == "hidden" else bar["width"] for bar in chart["bars"]]
        near = all(a == b or "hidden" not in (a, b) and abs(float(a[:-1]) - float(b[:-1])) < 0.11 for a, b in zip(expected, found))
        check(len(expected) == len(found) and near, f"page: bars of {chart['caption']}: {found} and {expected}")


NUMBER = r"[0-9][0-9,.]*[0-9]|[0-9]"


def sentences(of, tables, known):
    """Each number of the sentence at the head is one that is published, or how many numbers are withheld."""
    text = next((word for word in of.words if word.startswith("This release counts")), "")
    check(text != "", "page: no sentence at its head")
    # A label such as "0 to 4" may have numbers: whole ones count, and no part of another.
    header, lines = table_rows(tables[0])
    texts = [at for at, head in enumerate(header) if head not in measures(header)]
    labels = {number for line in lines for at in texts for number in re.findall(NUMBER, line[at])}
    counted = re.search(r"([0-9,]+) of ([0-9,]+) are withheld", text)
    for written in re.findall(NUMBER, text.replace(MANIFEST["period"], "")):
        about = counted is not None and written in counted.groups()
        check(written in known or about or written in labels, f"page: {written} stands in no table")


# --- the data package -----------------------------------------------------------------------------------------------
def package(tables):
    of = json.loads((FOLDER / "datapackage.json").read_text())
    check([resource["name"] for resource in of["resources"]] == tables, "package: other tables")
    check(len(of["policy"]) > 1 and of["policy"][0] in of["description"], "package: no policy")
    for resource in of["resources"]:
        content = (FOLDER / resource["path"]).read_bytes()
        check(resource["bytes"] == len(content), f"package: {resource['name']}: bytes")
        check(resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest(), f"package: {resource['name']}: hash")
        header, rows = table_rows(resource["name"])
        fields = resource["schema"]["fields"]
        check([field["name"] for field in fields] == header, f"package: {resource['name']}: fields")
        key = [header.index(name) for name in resource["schema"]["primaryKey"]]
        check(len({tuple(row[at] for at in key) for row in rows}) == len(rows), f"package: {resource['name']}: key")
        for place, field in enumerate(fields):
            check(field["description"] != "", f"package: {field['name']} has no description")
            values = {row[place] for row in rows} - {""}
            if field["type"] == "integer":
                check(all(re.fullmatch("[0-9]+", value) for value in values), f"package: {field['name']} is no integer")
            elif field["type"] == "number":
                check(all(re.fullmatch(r"[0-9]+(\.[0-9])?", value) for value in values), f"package: {field['name']} is no number")
            listed = field.get("categories")
            if listed:
                names = {one["value"] if isinstance(one, dict) else one for one in listed}
                check(values <= names, f"package: {field['name']} has {values - names}")


TABLES = [table["name"] for table in MANIFEST["tables"]]
hashes()
readers = 0
for table in TABLES:
    head, lines = table_rows(table)
    readers = parquet(table, head, lines)
package(TABLES)
workbook(TABLES)
page(TABLES)
for what in wrong:
    print(f"WRONG {what}")
print(f"READ {len(TABLES)} tables by {readers} programs beside the standard library")
sys.exit(1 if wrong else 0)
