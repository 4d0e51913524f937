"""The five sources of `cargo xtask peers link`, from a seed: as CSV with the services' own numbers, which minster-ingest
reads, and as plain Parquet with a 32-letter pseudonym in their place, which the peers read. Rows stand in no order of
children. One in twenty rows of the three social care sources is about a child whom no census knows.

    python sources.py CHILDREN ATTENDANCE_ROWS FOLDER
"""
import hashlib
import hmac
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

children, sessions, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
AT_ONCE = 2_000_000
dice = np.random.default_rng(20)


def names(letter):
    """Numbers of children, and their pseudonyms."""
    plain = [f"{letter}{place:08d}" for place in range(children)]
    hidden = [hmac.digest(b"no secret", one.encode(), hashlib.sha256).hex()[:32] for one in plain]
    return plain, hidden


KNOWN, UNKNOWN = names("C"), names("X")
NUMBERS, PSEUDONYMS = (pa.array(KNOWN[form] + UNKNOWN[form]) for form in (0, 1))
MARKS = pa.array(list("/\\LBCEGIMOUVN"))
SHARES = np.array([440, 440, 30, 8, 8, 6, 6, 28, 12, 8, 6, 6, 2]) / 1000


def days(first, span, count):
    return pa.array(np.datetime64(first) + dice.integers(0, span, count).astype("timedelta64[D]"))


def words(choices, count, shares=None):
    picked = dice.choice(len(choices), count, p=shares).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(picked), pa.array(choices)).cast(pa.string())


def numbers(low, high, count):
    return pa.array(dice.integers(low, high, count))


def write(name, parts):
    """Writes one source both ways; a part is the places of the children and the other columns."""
    os.makedirs(f"{folder}/drop/{name}", exist_ok=True)
    os.makedirs(f"{folder}/plain", exist_ok=True)
    csv = parquet = None
    for who, columns in parts:
        who = pa.array(who)
        raw = pa.table({"child": NUMBERS.take(who), **columns})
        plain = pa.table({"child": PSEUDONYMS.take(who), **columns})
        if csv is None:
            options = pa.csv.WriteOptions(quoting_style="none")
            csv = pa.csv.CSVWriter(f"{folder}/drop/{name}/{name}.csv", raw.schema, write_options=options)
            parquet = pa.parquet.ParquetWriter(f"{folder}/plain/{name}.parquet", plain.schema, compression="zstd")
        csv.write_table(raw)
        parquet.write_table(plain)
    csv.close()
    parquet.close()


def attendance():
    for begun in range(0, sessions, AT_ONCE):
        count = min(AT_ONCE, sessions - begun)
        yield dice.integers(0, children, count), {
            "date": days("2024-09-02", 320, count),
            "session": words(["AM", "PM"], count),
            "mark": words(MARKS, count, SHARES),
        }


def census():
    count = max(children, 500_000)
    who = np.arange(count) % children
    yield who, {
        "census_date": days("2024-10-03", 240, count),
        "school": pa.array(100_000 + who % 900),
        "year_group": numbers(0, 14, count),
        "sex": pa.array(np.array(["F", "M"])[who % 2]),
        "meals": numbers(0, 2, count),
        "sen": words(["N", "K", "E"], count, [0.83, 0.13, 0.04]),
        "ethnicity": words(["WBRI", "APKN", "BAFR", "MWBC", "OOTH"], count),
    }


def service(count, columns):
    """A social care source: of a quarter of the children."""
    who = dice.integers(0, max(children // 4, 1), count)
    yield np.where(dice.random(count) < 0.05, who + children, who), columns


write("attendance", attendance())
write("census", census())
write("care", service(20_000, {
    "start": days("2023-04-01", 700, 20_000),
    "legal_status": words(["C1", "C2", "E1", "V2", "J1"], 20_000),
    "placement": words(["U1", "U4", "K2", "H5", "P1"], 20_000),
}))
write("need", service(200_000, {
    "referred": days("2023-04-01", 700, 200_000),
    "code": words(["N1", "N2", "N3", "N4", "N5"], 200_000),
}))
write("plans", service(60_000, {
    "decided": days("2023-04-01", 700, 60_000),
    "need": words(["ASD", "SEMH", "SLCN", "MLD"], 60_000),
    "status": words(["active", "ceased"], 60_000),
}))
