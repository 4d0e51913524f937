"""The peers of `cargo xtask peers link`: five plain Parquet files of pseudonymised rows in, one row a child out. Prints
the seconds and the processor's seconds, without Python's start and imports, the peak memory in KiB, and the counts that
all must agree on.

    python link.py PEER FOLDER OUT.parquet
"""
import datetime
import resource
import sys
import time

peer, folder, target = sys.argv[1:]
MISSED, UNAUTHORISED = list("CEGIMOU"), list("GOU")
# Of each service: its days, its count, its last day, and what is known latest, by the name that it gets.
SERVICES = {
    "care": ("start", "care_rows", "last_care", {"legal_status": "legal_status", "placement": "placement"}),
    "need": ("referred", "need_rows", "last_referral", {"code": "need"}),
    "plans": ("decided", "plan_rows", "last_plan", {"need": "plan_need", "status": "plan_status"}),
}
PUPIL = ["school", "year_group", "sex", "meals", "sen", "ethnicity"]
SUMS = ["sessions", "sessions_missed", "sessions_unauthorised", "census_rows", "care_rows", "need_rows", "plan_rows"]
SOURCES = ["census", "attendance", "care", "need", "plans"]
DAYS = ["last_session", "last_care", "last_referral", "last_plan"]


def duckdb():
    def among(codes):
        return "mark IN (" + ", ".join(f"'{code}'" for code in codes) + ")"

    parts = {
        "attendance": f"count(*) AS sessions, count(*) FILTER ({among(MISSED)}) AS sessions_missed, "
        f"count(*) FILTER ({among(UNAUTHORISED)}) AS sessions_unauthorised, max(date) AS last_session, "
        "arg_max(mark, date) AS last_mark",
        "census": "count(*) AS census_rows, " + ", ".join(f"arg_max({name}, census_date) AS {name}" for name in PUPIL),
    }
    for name, (day, count, last, latest) in SERVICES.items():
        known = "".join(f", arg_max({of}, {day}) AS {called}" for of, called in latest.items())
        parts[name] = f"count(*) AS {count}, max({day}) AS {last}{known}"
    grouped = ", ".join(
        f"{name} AS (SELECT child, true AS in_{name}, {what} FROM read_parquet('{folder}/{name}.parquet') GROUP BY child)"
        for name, what in parts.items()
    )
    joined = " FULL JOIN ".join(
        name if place == 0 else f"{name} USING (child)" for place, name in enumerate(parts)
    )
    connection = imported.connect()
    connection.execute(
        f"COPY (WITH {grouped} SELECT * FROM {joined}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )


def polars():
    def rows(name):
        return imported.scan_parquet(f"{folder}/{name}.parquet").group_by("child")

    col, count = imported.col, imported.len()

    def latest(of, day, called):
        return col(of).get(col(day).arg_max()).alias(called)

    parts = {
        "attendance": [
            count.alias("sessions"),
            col("mark").is_in(MISSED).sum().alias("sessions_missed"),
            col("mark").is_in(UNAUTHORISED).sum().alias("sessions_unauthorised"),
            col("date").max().alias("last_session"),
            latest("mark", "date", "last_mark"),
        ],
        "census": [count.alias("census_rows"), *[latest(name, "census_date", name) for name in PUPIL]],
    }
    for name, (day, rows_of, last, known) in SERVICES.items():
        parts[name] = [
            count.alias(rows_of),
            col(day).max().alias(last),
            *[latest(of, day, called) for of, called in known.items()],
        ]
    frames = [rows(name).agg(what).with_columns(imported.lit(True).alias(f"in_{name}")) for name, what in parts.items()]
    frame, *others = frames
    for other in others:
        frame = frame.join(other, on="child", how="full", coalesce=True)
    frame.collect(engine=ENGINE).write_parquet(target, compression="zstd")


def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


name, _, ENGINE = peer.partition("-")
ENGINE = ENGINE or "in-memory"
imported = __import__(name)
begun, used = time.perf_counter(), processor()
{"duckdb": duckdb, "polars": polars}[name]()
print("seconds", time.perf_counter() - begun)
print("processor", processor() - used)
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

import pyarrow.parquet
import pyarrow.compute as pc

out = pyarrow.parquet.read_table(target)
print("count children", out.num_rows)
for source in SOURCES:
    print(f"count in_{source}", pc.sum(out[f"in_{source}"]).as_py())
for column in SUMS:
    print("count", column, pc.sum(out[column]).as_py() or 0)
for column in DAYS:
    first = datetime.date(1970, 1, 1)
    print("count", column, sum((day - first).days for day in out[column].to_pylist() if day is not None))
print("count girls", pc.sum(pc.equal(out["sex"], "F")).as_py())
