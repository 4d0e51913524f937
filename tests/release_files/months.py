"""A table with a row for each month, as the workbook and the page show it: a column for each month."""

import re

MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def side_by_side(header, lines):
    """The header and the lines with months side by side; the same header and lines where no column tells months apart."""
    own = [at for at, head in enumerate(header) if head not in ("release", "period", "level") and {line[at] for line in lines} > {"All"} and all(line[at] == "All" or MONTH.fullmatch(line[at]) for line in lines) and any(MONTH.fullmatch(line[at]) for line in lines)]
    if not own:
        return header, lines
    [month] = own
    months = list(dict.fromkeys(line[month] for line in lines))
    assert months[0] == "All", "each cell begins with the row of all months"
    measure, status = header[-2:]
    assert status == f"{measure}_status" and len(lines) % len(months) == 0, "each cell has each month"
    level, of_month = header.index("level"), f" by {header[month]}"
    texts = [at for at, head in enumerate(header[:-2]) if at not in (month, level) and not is_number(header, at)]
    numbers = [at for at, head in enumerate(header[:-2]) if is_number(header, at)]
    wide = []
    for first in range(0, len(lines), len(months)):
        whole, *rest = lines[first : first + len(months)]
        assert [line[month] for line in [whole, *rest]] == months, "the months of each cell stand in one order"
        assert whole[-2:] == ["", "z"], "a row of all months has no number of one"
        expected = header[month] if whole[level] == "total" else whole[level] + of_month
        for line in rest:
            assert line[level] == expected and [line[at] for at in texts] == [whole[at] for at in texts], "the same cell"
            assert {line[at] for at in numbers} <= {"", "z"}, "a row of a month has no other number"
        wide.append([text for at, text in enumerate(whole[:-2]) if at != month] + [text for line in rest for text in line[-2:]])
    months = months[1:]
    columns = [f"{measure}_{text.replace('-', '_')}" for text in months]
    return [head for at, head in enumerate(header[:-2]) if at != month] + [name for column in columns for name in (column, f"{column}_status")], wide


def is_number(header, at):
    """Whether a column holds numbers, or their statuses."""
    head = header[at]
    return head in ("children", "status") or head.endswith("_status") or f"{head}_status" in header


def without_month(measure):
    """The column of the file that a measure of one month stands in."""
    return re.sub(r"_[0-9]{4}_[0-9]{2}$", "", measure)
