"""Opens a release in R and in LibreOffice, where they are installed, and compares all values and statuses with the CSV files.

R reads each CSV file as the data package says. LibreOffice reads the workbook and writes each sheet as CSV. A line MISSING names what is
not installed; a difference is a line WRONG, and exit 1.
"""

import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from months import side_by_side

FOLDER = pathlib.Path(sys.argv[1])
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
TABLES = [table["name"] for table in MANIFEST["tables"]]
#: The ministry's files of data and about their columns, where the release has them.
TOOL = [name for table in TABLES for name in (f"{table}_dfe", f"{table}_dfe.meta") if (FOLDER / f"{name}.csv").exists()]
SCRIPT = pathlib.Path(__file__).with_name("read_back.R")
#: One CSV file a sheet, in UTF-8, with numbers as they are and not as they are shown.
EXPORT = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
wrong = []


def check(holds, what):
    if not holds:
        wrong.append(what)


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def measures(header):
    """Each column of numbers with the column of its statuses."""
    named = {name: "status" if name == "children" else f"{name}_status" for name in header}
    return {name: status for name, status in named.items() if status in header and name != "status"}


def number(text):
    return float(text) if text else None


def r():
    if shutil.which("Rscript") is None:
        return print("MISSING R")
    wants = "quit(status = !all(requireNamespace('readr', quietly = TRUE), requireNamespace('jsonlite', quietly = TRUE)))"
    if subprocess.run(["Rscript", "-e", wants], capture_output=True).returncode != 0:
        return print("MISSING R's packages readr and jsonlite")
    ran = subprocess.run(["Rscript", SCRIPT, FOLDER], capture_output=True, text=True)
    if ran.returncode != 0:
        return check(False, f"R: {ran.stderr}")
    read = json.loads(ran.stdout)
    check(list(read) == TABLES + TOOL, f"R: tables {list(read)}")
    for name in TOOL:
        header, *lines = rows_of(FOLDER / f"{name}.csv")
        check(list(read[name]) == header, f"R: {name}: columns")
        for at, head in enumerate(header):
            check(read[name][head] == [line[at] for line in lines], f"R: {name}: {head} differs")
    for name in TABLES:
        header, *lines = rows_of(FOLDER / f"{name}.csv")
        check(list(read[name]) == header, f"R: {name}: columns")
        numbers = measures(header)
        for at, head in enumerate(header):
            ours = [number(line[at]) if head in numbers else line[at] for line in lines]
            check(read[name][head] == ours, f"R: {name}: {head} differs")
        for measure, status in numbers.items():
            for value, why in zip(read[name][measure], read[name][status]):
                check((value is None) == (why in ("c", "z")), f"R: {name}: {measure} beside {why!r}")
    print(f"OPENED {len(TABLES)} tables in R, and {len(TOOL)} files of the ministry's table tool")


def libreoffice():
    if shutil.which("soffice") is None:
        return print("MISSING LibreOffice")
    book = FOLDER / f"{MANIFEST['release']}.xlsx"
    with tempfile.TemporaryDirectory() as out:
        words = [f"-env:UserInstallation=file://{out}/profile", "--headless", "--convert-to", EXPORT, "--outdir", out, book]
        ran = subprocess.run(["soffice", *words], capture_output=True, text=True, timeout=300)
        for place, name in enumerate(TABLES):
            path = pathlib.Path(out) / f"{MANIFEST['release']}-Table {place + 1}.csv"
            if not path.exists():
                return check(False, f"LibreOffice wrote no sheet of {name}: {ran.stdout}{ran.stderr}")
            sheet(name, rows_of(path))
    print(f"OPENED {len(TABLES)} tables in LibreOffice")


def sheet(name, shown):
    """The sheet's table begins below its words, and ends where the sheet ends."""
    header, *lines = rows_of(FOLDER / f"{name}.csv")
    header, lines = side_by_side(header, lines)
    numbers = measures(header)
    texts = [at for at, head in enumerate(header) if head not in ("release", "period", *numbers, *numbers.values())]
    top = next((at for at, row in enumerate(shown) if row[0] == "Level"), None)
    if top is None:
        return check(False, f"LibreOffice: {name} has no heading")
    check(len(shown) - top - 1 == len(lines), f"LibreOffice: {name} has {len(shown) - top - 1} rows, and not {len(lines)}")
    for row, line in zip(shown[top + 1 :], lines):
        expected = ["[x]" if line[at] == "x" and header[at].endswith("_code") else line[at] for at in texts]
        check(row[: len(texts)] == expected, f"LibreOffice: {name}: {row[: len(texts)]} is not {expected}")
        for text, (measure, status) in zip(row[len(texts) :], numbers.items(), strict=True):
            value, why = line[header.index(measure)], line[header.index(status)]
            same = text == f"[{why}]" if why else text != "" and float(text) == float(value)
            check(same, f"LibreOffice: {name}: {measure} differs")


r()
libreoffice()
for what in wrong:
    print(f"WRONG {what}")
sys.exit(1 if wrong else 0)
