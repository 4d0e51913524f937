"""The peers of `cargo xtask peers`: attendance rows as CSV in, Parquet out with the pupil number hashed under a key
and the date made a month. They do less than minster-ingest: no check of numbers, codes or columns, no quarantine, no
duplicates, one key for all purposes in this process, no encryption. Prints the seconds, without Python's start.

    python ingest.py PEER ATTENDANCE.csv OUT.parquet
"""
import hashlib
import hmac
import os
import sys
import time

peer, source, target = sys.argv[1:]
KEY = os.urandom(32).hex()


def polars():
    """A plugin's SHA-256 over key and number."""
    import polars as pl
    import polars_hash as plh

    begun = time.perf_counter()
    rows = pl.scan_csv(source, infer_schema=False)
    number = plh.concat_str(pl.lit(KEY), plh.col("UPN")).chash.sha2_256()
    rows = rows.with_columns(number.alias("UPN"), pl.col("date").str.slice(0, 7).alias("month"))
    rows.drop("date").sink_parquet(target, compression="zstd", compression_level=1)
    return time.perf_counter() - begun


def duckdb():
    """Its own sha256() over key and number."""
    import duckdb

    begun = time.perf_counter()
    duckdb.sql(f"""
        COPY (SELECT sha256('{KEY}' || UPN) AS UPN, date[1:7] AS month, session, code, school
              FROM read_csv('{source}', all_varchar = true))
        TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")
    return time.perf_counter() - begun


def pandas():
    """Python's HMAC, row by row."""
    import pandas as pd

    begun = time.perf_counter()
    rows = pd.read_csv(source, dtype=str)
    key = KEY.encode()
    rows["UPN"] = rows["UPN"].fillna("").map(
        lambda number: hmac.digest(key, number.encode(), hashlib.sha256).hex()
    )
    rows["month"] = rows["date"].str.slice(0, 7)
    rows.drop(columns="date").to_parquet(target, compression="zstd", compression_level=1)
    return time.perf_counter() - begun


def read():
    """Reading alone: Polars, all cores."""
    import polars as pl

    begun = time.perf_counter()
    pl.read_csv(source, infer_schema=False)
    return time.perf_counter() - begun


def write():
    """Writing alone: Polars, of rows in memory, the number already hashed."""
    import polars as pl
    import polars_hash as plh

    rows = pl.read_csv(source, infer_schema=False)
    number = plh.col("UPN").chash.sha2_256()
    rows = rows.with_columns(number.alias("UPN"), pl.col("date").str.slice(0, 7).alias("month"))
    rows = rows.drop("date")
    begun = time.perf_counter()
    rows.write_parquet(target, compression="zstd", compression_level=1)
    return time.perf_counter() - begun


print({f.__name__: f for f in (polars, duckdb, pandas, read, write)}[peer]())
