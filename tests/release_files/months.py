"""A table with a row for each month, as the workbook and the page show it: a column for each month."""

import re

MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def side_by_side(header, lines):
    """The header and the lines with months side by side; the same header and lines where no column tells months apart."""
    own = [at for at, head in enumerate(header) if head not in ("release", "period", "level") and lines and all(MONTH.fullmatch(line[at]) for line in lines)]
    if not own:
        return header, lines
    [month] = own
    months = list(dict.fromkeys(line[month] for line in lines))
    measure, status = header[-2:]
    assert status == f"{measure}_status" and len(lines) % len(months) == 0, "each cell has each month"
    level = header.index("level")
    wide = []
    for first in range(0, len(lines), len(months)):
        cell = lines[first : first + len(months)]
        assert [line[month] for line in cell] == months, "the months of each cell stand in one order"
        others = {tuple(text for at, text in enumerate(line[:-2]) if at != month) for line in cell}
        assert len(others) == 1, "the numbers beside the months are the same in each row"
        of = list(others.pop())
        ends = f" by {header[month]}"
        of[level] = "total" if of[level] == header[month] else of[level].removesuffix(ends)
        wide.append(of + [text for line in cell for text in line[-2:]])
    columns = [f"{measure}_{text.replace('-', '_')}" for text in months]
    return [head for at, head in enumerate(header[:-2]) if at != month] + [name for column in columns for name in (column, f"{column}_status")], wide


def without_month(measure):
    """The column of the file that a measure of one month stands in."""
    return re.sub(r"_[0-9]{4}_[0-9]{2}$", "", measure)
