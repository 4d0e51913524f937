"""The peer of benches/risk.rs: pyCANON on the same rows. Prints the seconds of its measures, without reading the file, and
the measures: k, and of each sensitive column distinct l, entropy l and t.

    python risk.py ROWS.csv
"""
import sys
import time

import pandas as pd
from pycanon import anonymity

rows = pd.read_csv(sys.argv[1])
QUASI = ["sex", "birth_year", "ethnicity", "ward", "meals"]
# pyCANON takes the variational distance for texts, and the ordered one for numbers.
rows["sen"] = rows["sen"].astype(str)
begun = time.perf_counter()
found = [anonymity.k_anonymity(rows, QUASI)]
for column in ["sen", "sessions_missed"]:
    found.append(anonymity.l_diversity(rows, QUASI, [column]))
    found.append(anonymity.entropy_l_diversity(rows, QUASI, [column]))
    found.append(f"{anonymity.t_closeness(rows, QUASI, [column]):.6f}")
print(f"{time.perf_counter() - begun:.3f}", *found)
