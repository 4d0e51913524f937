//! The rules, each with a way to break it.

use std::collections::BTreeSet;

use super::Files;

const TIME: [&str; 2] = ["time_period", "time_identifier"];
/// Each level, in the order of the country's division, with its column of codes and of names.
const LEVELS: [(&str, &str, &str); 7] = [
    ("National", "country_code", "country_name"),
    ("Regional", "region_code", "region_name"),
    ("Local authority", "new_la_code", "la_name"),
    ("Ward", "ward_code", "ward_name"),
    ("Parliamentary constituency", "pcon_code", "pcon_name"),
    ("School", "school_urn", "school_name"),
    ("Police force area", "pfa_code", "pfa_name"),
];
const SYMBOLS: [&str; 6] = ["c", "z", "x", "low", "u", "k"];
const META: [&str; 8] = [
    "col_name",
    "col_type",
    "label",
    "indicator_grouping",
    "indicator_unit",
    "indicator_dp",
    "filter_hint",
    "filter_grouping_column",
];

fn is_place(column: &str) -> bool {
    column == "geographic_level"
        || column == "old_la_code"
        || LEVELS.iter().any(|(_, code, name)| [*code, *name].contains(&column))
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The level of a row among [`LEVELS`].
fn level(files: &Files, row: usize) -> Option<usize> {
    let of_row = files.data.cell(row, "geographic_level");
    LEVELS.iter().position(|(level, ..)| *level == of_row)
}

/// One rule: its statement, whether files keep it, and a way to break it.
pub(super) struct Rule {
    pub(super) says: &'static str,
    pub(super) holds: fn(&Files) -> bool,
    pub(super) broken: fn(&mut Files),
}

fn rows(files: &Files) -> std::ops::Range<usize> {
    0..files.data.rows.len()
}

fn each_filter(files: &Files, of: impl Fn(&str) -> bool) -> bool {
    files.filters().iter().all(|name| files.data.column(name).into_iter().all(&of))
}

fn each_indicator(files: &Files, of: impl Fn(&str) -> bool) -> bool {
    files.indicators().iter().all(|name| files.data.column(name).into_iter().all(&of))
}

fn first_filter(files: &Files) -> String {
    files.filters().first().unwrap().clone()
}

pub(super) const RULES: [Rule; 32] = [
    Rule {
        says: "the files are called name.csv and name.meta.csv, without spaces and special characters",
        holds: |files| {
            let [data, meta] = &files.names;
            let plain =
                |name: &str| name.bytes().all(|of| of.is_ascii_alphanumeric() || of == b'_');
            let (data, meta) = (data.strip_suffix(".csv"), meta.strip_suffix(".meta.csv"));
            data.is_some_and(plain) && data == meta
        },
        broken: |files| files.names[0] = "by ward.csv".to_owned(),
    },
    Rule {
        says: "the data have the columns that every file has",
        holds: |files| {
            ["geographic_level", "time_period", "time_identifier", "country_code", "country_name"]
                .iter()
                .all(|name| files.data.at(name).is_some())
        },
        broken: |files| files.data.without("country_name"),
    },
    Rule {
        says: "names of columns are in snake_case, and begin with a small letter",
        holds: |files| {
            files.data.header.iter().all(|name| {
                name.starts_with(|of: char| of.is_ascii_lowercase())
                    && name
                        .chars()
                        .all(|of| of.is_ascii_lowercase() || of.is_ascii_digit() || of == '_')
            })
        },
        broken: |files| files.data.rename("children", "Children"),
    },
    Rule {
        says: "each level is one that the tool knows",
        holds: |files| rows(files).all(|row| level(files, row).is_some()),
        broken: |files| files.data.set(0, "geographic_level", "Locality"),
    },
    Rule {
        says: "a row has the code and the name of its level",
        holds: |files| {
            rows(files).all(|row| {
                level(files, row).is_none_or(|at| {
                    let (_, code, name) = LEVELS[at];
                    !files.data.cell(row, code).is_empty() && !files.data.cell(row, name).is_empty()
                })
            })
        },
        broken: |files| {
            let row = files.data.rows_of("geographic_level", "Local authority")[0];
            files.data.set(row, "la_name", "");
        },
    },
    Rule {
        says: "the levels above a row are filled",
        holds: |files| {
            rows(files).all(|row| {
                let is_below = level(files, row).is_some_and(|at| at >= 2);
                let above = [
                    "country_code",
                    "country_name",
                    "region_code",
                    "region_name",
                    "new_la_code",
                    "old_la_code",
                    "la_name",
                ];
                !is_below || above.iter().all(|name| !files.data.cell(row, name).is_empty())
            })
        },
        broken: |files| files.data.set(0, "region_name", ""),
    },
    Rule {
        says: "the levels below a row are not filled",
        holds: |files| {
            rows(files).all(|row| {
                let own = level(files, row);
                let below =
                    LEVELS.iter().enumerate().filter(|(at, _)| own.is_some_and(|own| *at > own));
                below.into_iter().all(|(_, (_, code, name))| {
                    files.data.cell(row, code).is_empty() && files.data.cell(row, name).is_empty()
                })
            })
        },
        broken: |files| {
            let place = LEVELS[3..].iter().find(|(_, code, _)| files.data.at(code).is_some());
            match place {
                Some((_, code, _)) => {
                    let row = files.data.rows_of("geographic_level", "Local authority")[0];
                    files.data.set(row, code, "E05000001");
                }
                None => files.data.add("ward_code", |_| "E05000001".to_owned()),
            }
        },
    },
    Rule {
        says: "the country is England, by code and name",
        holds: |files| {
            files.data.column("country_code").iter().all(|of| *of == "E92000001")
                && files.data.column("country_name").iter().all(|of| *of == "England")
        },
        broken: |files| files.data.set(0, "country_code", "E92000002"),
    },
    Rule {
        says: "the council has a code of nine characters",
        holds: |files| {
            files.data.column("new_la_code").iter().all(|of| of.is_empty() || of.len() == 9)
        },
        broken: |files| files.data.set(0, "new_la_code", "E0600"),
    },
    Rule {
        says: "the council has a number of three digits",
        holds: |files| {
            files.data.column("old_la_code").iter().all(|of| of.is_empty() || is_digits(of, 3))
        },
        broken: |files| files.data.set(0, "old_la_code", "89"),
    },
    Rule {
        says: "a place that is not known has the code x and the name Not available",
        holds: |files| {
            LEVELS.iter().all(|(_, code, name)| {
                let both = files.data.column(code).into_iter().zip(files.data.column(name));
                both.into_iter().all(|(code, name)| (code == "x") == (name == "Not available"))
            })
        },
        broken: |files| files.data.set(0, "la_name", "Not available"),
    },
    Rule {
        says: "schools are not mixed with providers",
        holds: |files| {
            let levels: BTreeSet<&str> =
                files.data.column("geographic_level").into_iter().collect();
            !(levels.contains("School") && levels.contains("Provider"))
        },
        broken: |files| {
            files.data.set(0, "geographic_level", "School");
            files.data.set(1, "geographic_level", "Provider");
        },
    },
    Rule {
        says: "a period of two years has six digits, and the years follow each other",
        holds: |files| {
            rows(files).all(|row| {
                let period = files.data.cell(row, "time_period");
                let follows = || {
                    let [first, last] =
                        [&period[2..4], &period[4..]].map(|of| of.parse::<u32>().unwrap());
                    (first + 1) % 100 == last
                };
                files.data.cell(row, "time_identifier") != "Academic year"
                    || is_digits(period, 6) && follows()
            })
        },
        broken: |files| files.data.set_all("time_period", "202426"),
    },
    Rule {
        says: "a period of one year has four digits",
        holds: |files| {
            rows(files).all(|row| {
                let of_one = ["Calendar year", "Reporting year", "Week 1", "January"];
                !of_one.contains(&files.data.cell(row, "time_identifier"))
                    || is_digits(files.data.cell(row, "time_period"), 4)
            })
        },
        broken: |files| files.data.set_all("time_identifier", "Calendar year"),
    },
    Rule {
        says: "one file has one kind of period",
        holds: |files| {
            files.data.column("time_identifier").into_iter().collect::<BTreeSet<_>>().len() == 1
        },
        broken: |files| files.data.set(0, "time_identifier", "Autumn term"),
    },
    Rule {
        says: "no filter has a blank",
        holds: |files| each_filter(files, |of| !of.is_empty()),
        broken: |files| files.data.set(0, &first_filter(files), ""),
    },
    Rule {
        says: "no category of a filter begins or ends with white space",
        holds: |files| each_filter(files, |of| of.trim() == of),
        broken: |files| files.data.set(0, &first_filter(files), "Total "),
    },
    Rule {
        says: "each filter has Total for all",
        holds: |files| {
            files.filters().iter().all(|name| files.data.column(name).contains(&"Total"))
        },
        broken: |files| {
            let name = first_filter(files);
            let rows = files.data.rows_of(&name, "Total");
            rows.into_iter().for_each(|row| files.data.set(row, &name, "All of them"));
        },
    },
    Rule {
        says: "each filter has two values at least, and 25,000 at most",
        holds: |files| {
            files.filters().iter().all(|name| {
                let values: BTreeSet<&str> = files.data.column(name).into_iter().collect();
                (2..=25_000).contains(&values.len())
            })
        },
        broken: |files| files.data.set_all(&first_filter(files), "Total"),
    },
    Rule {
        says: "no column of time or places says Total or All",
        holds: |files| {
            let columns = files
                .data
                .header
                .iter()
                .filter(|name| TIME.contains(&name.as_str()) || is_place(name));
            columns
                .into_iter()
                .all(|name| files.data.column(name).iter().all(|of| !["Total", "All"].contains(of)))
        },
        broken: |files| files.data.set(0, "la_name", "Total"),
    },
    Rule {
        says: "no filter is a column of places or time",
        holds: |files| {
            files.filters().iter().all(|name| !is_place(name) && !TIME.contains(&name.as_str()))
        },
        broken: |files| {
            let row = files.meta.rows_of("col_type", "Filter")[0];
            files.meta.set(row, "col_name", "la_name");
        },
    },
    Rule {
        says: "no two rows have the same time, place and filters",
        holds: |files| {
            let indicators = files.indicators();
            let keys: Vec<usize> = (0..files.data.header.len())
                .filter(|&at| !indicators.contains(&files.data.header[at]))
                .collect();
            let mut seen = BTreeSet::new();
            files
                .data
                .rows
                .iter()
                .all(|row| seen.insert(keys.iter().map(|&at| &row[at]).collect::<Vec<_>>()))
        },
        broken: |files| {
            let row = files.data.rows[0].clone();
            files.data.rows.push(row);
        },
    },
    Rule {
        says: "no indicator has a blank cell",
        holds: |files| each_indicator(files, |of| !of.is_empty()),
        broken: |files| files.data.set(0, "children", ""),
    },
    Rule {
        says: "an indicator has numbers, and the symbols of the standard",
        holds: |files| {
            each_indicator(files, |of| of.parse::<f64>().is_ok() || SYMBOLS.contains(&of))
        },
        broken: |files| files.data.set(0, "children", "1,024"),
    },
    Rule {
        says: "no cell has a symbol of earlier days",
        holds: |files| {
            let old = ["NULL", "NA", "N/A", ".", "..", "-"];
            files.data.rows.iter().flatten().all(|cell| !old.contains(&cell.as_str()))
        },
        broken: |files| files.data.set(0, "children", ".."),
    },
    Rule {
        says: "a filter of ethnic groups has a harmonised name and the ministry's labels",
        holds: |files| {
            files.filters().iter().filter(|name| name.contains("ethnic")).all(|name| {
                let groups = [
                    "Total",
                    "Asian / Asian British",
                    "Black / African / Caribbean / Black British",
                    "Mixed / Multiple ethnic groups",
                    "Other ethnic group",
                    "Unknown",
                    "White",
                ];
                name == "ethnicity_major"
                    && files.data.column(name).iter().all(|of| groups.contains(of))
            })
        },
        broken: |files| {
            let name = first_filter(files);
            files.data.rename(&name, "ethnicity_major");
            let row = files.meta.rows_of("col_name", &name)[0];
            files.meta.set(row, "col_name", "ethnicity_major");
            files.data.set(0, "ethnicity_major", "Asian");
        },
    },
    Rule {
        says: "the metadata have the columns of the tool",
        holds: |files| files.meta.header.iter().map(String::as_str).eq(META),
        broken: |files| files.meta.rename("filter_hint", "hint"),
    },
    Rule {
        says: "the metadata have a row for each column that is no place or time, and for no other",
        holds: |files| {
            let own = files
                .data
                .header
                .iter()
                .filter(|name| !TIME.contains(&name.as_str()) && !is_place(name));
            let said: Vec<&str> = files.meta.column("col_name");
            let kinds = files.meta.column("col_type");
            let mut once: Vec<&str> = said.clone();
            once.sort_unstable();
            once.dedup();
            once.len() == said.len()
                && own.map(String::as_str).collect::<BTreeSet<_>>() == said.into_iter().collect()
                && kinds.iter().all(|of| ["Filter", "Indicator"].contains(of))
        },
        broken: |files| files.data.add("more", |row| row.to_string()),
    },
    Rule {
        says: "labels are filled and differ",
        holds: |files| {
            let labels = files.meta.column("label");
            let different: BTreeSet<&str> = labels.iter().copied().collect();
            labels.iter().all(|of| !of.is_empty()) && different.len() == labels.len()
        },
        broken: |files| files.meta.set_all("label", "Children"),
    },
    Rule {
        says: "a unit is one of the tool's",
        holds: |files| {
            let units = ["", "%", "pp", "£", "£m", "numberstring"];
            files.meta.column("indicator_unit").iter().all(|of| units.contains(of))
        },
        broken: |files| files.meta.set(0, "indicator_unit", "children"),
    },
    Rule {
        says: "each indicator has decimal places, a whole number",
        holds: |files| {
            let rows = files.meta.rows_of("col_type", "Indicator");
            rows.into_iter().all(|row| files.meta.cell(row, "indicator_dp").parse::<u32>().is_ok())
        },
        broken: |files| {
            let row = files.meta.rows_of("col_type", "Indicator")[0];
            files.meta.set(row, "indicator_dp", "one");
        },
    },
    Rule {
        says: "columns about indicators are blank for filters, and those about filters for indicators",
        holds: |files| {
            let blank =
                |kind: &str, columns: &[&str]| {
                    files.meta.rows_of("col_type", kind).into_iter().all(|row| {
                        columns.iter().all(|column| files.meta.cell(row, column).is_empty())
                    })
                };
            blank("Filter", &["indicator_grouping", "indicator_unit", "indicator_dp"])
                && blank("Indicator", &["filter_hint", "filter_grouping_column"])
        },
        broken: |files| {
            let row = files.meta.rows_of("col_type", "Filter")[0];
            files.meta.set(row, "indicator_dp", "0");
        },
    },
];
