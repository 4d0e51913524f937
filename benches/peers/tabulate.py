"""The peers of benches/tabulate.rs: the same cube, all margins, from the same children in a plain Parquet
file. Prints one line a peer: its name, the median seconds of RUNS, and the number of cells it found.

    python tabulate.py CHILDREN.parquet RUNS
"""
import itertools
import statistics
import sys
import time

path, runs = sys.argv[1], int(sys.argv[2])
DIMENSIONS = ["sex", "year_group", "ethnicity", "ward", "sen"]
MARGINS = [list(m) for n in range(6) for m in itertools.combinations(DIMENSIONS, n)]


def duckdb():
    import duckdb

    names = ", ".join(DIMENSIONS)
    query = f"SELECT {names}, count(*) FROM read_parquet('{path}') WHERE on_spine GROUP BY CUBE ({names})"
    return len(duckdb.sql(query).fetchnumpy()["count_star()"])


def polars():
    import polars as pl

    rows = pl.scan_parquet(path).filter(pl.col("on_spine")).select(DIMENSIONS)
    frames = [rows.group_by(m).len() if m else rows.select(pl.len()) for m in MARGINS]
    return sum(frame.height for frame in pl.collect_all(frames))


def pandas():
    import pandas as pd

    rows = pd.read_parquet(path)
    rows = rows[rows["on_spine"]][DIMENSIONS].astype("category")
    return sum(len(rows.groupby(m, observed=True).size()) if m else 1 for m in MARGINS)


for peer in (duckdb, polars, pandas):
    seconds, cells = [], 0
    for _ in range(runs):
        begun = time.perf_counter()
        cells = peer()
        seconds.append(time.perf_counter() - begun)
    print(peer.__name__, statistics.median(seconds), cells, flush=True)
