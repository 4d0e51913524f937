//! Sentences on the counts of a release and on the withheld cells, from its definition alone.

use minster_model::{
    policy::Zeros,
    rounding::{Margins, Rounding},
};

use crate::definition::release_definition::{
    CHILDREN, Condition, Definition, Kind, Measure, MeasureRow, Method, Population,
};

/// The children that a release counts.
pub(super) fn counted(definition: &Definition) -> String {
    let who = match definition.population {
        Population::Spine => "pupils of the council's schools",
        Population::All => "children known to the council's services or schools",
    };
    let conditions: Vec<String> = definition.conditions.iter().map(condition).collect();
    match conditions.is_empty() {
        true => who.to_owned(),
        false => format!("{who}, those alone with {}", conditions.join(" and ")),
    }
}

fn condition(of: &Condition) -> String {
    let column = &of.column;
    let range = |least: Option<String>, most: Option<String>, [from, to]: [&str; 2]| {
        let least = least.map(|least| format!("{from} {least}"));
        let most = most.map(|most| format!("{to} {most}"));
        let bounds: Vec<String> = least.into_iter().chain(most).collect();
        format!("{column} {}", bounds.join(" and "))
    };
    if !of.values.is_empty() {
        return format!("{column} {}", of.values.join(" or "));
    }
    if !of.not_in.is_empty() {
        return format!("{column} other than {}", of.not_in.join(" and "));
    }
    if of.at_least.is_some() || of.below.is_some() {
        let (least, below) = (of.at_least.map(|n| n.to_string()), of.below.map(|n| n.to_string()));
        return range(least, below, ["at least", "below"]);
    }
    let (from, until) = (of.from.map(|day| day.to_string()), of.until.map(|day| day.to_string()));
    range(from, until, ["from", "until"])
}

/// Children that a release does not count.
pub(super) fn not_counted(definition: &Definition) -> Vec<String> {
    let who = match definition.population {
        Population::Spine => {
            "Children on the roll of no school of the council are not counted: those taught at home, at other schools, or too young for school."
        }
        Population::All => {
            "Children whom no service and no school of the council knows are not counted. A child whose records could not be led together may be counted twice."
        }
    };
    let mut sentences = vec![
        who.to_owned(),
        "A record that could not be linked to a child counts for nobody: what it tells is missing here.".to_owned(),
    ];
    let mut unknown: Vec<&str> = Vec::new();
    for dimension in definition.tables.iter().flat_map(|table| &table.dimensions) {
        let name = definition.dimension(dimension).map(|of| of.unknown.as_str());
        unknown.extend(name.filter(|name| !unknown.contains(name)));
    }
    sentences.push(format!(
        "A child whose value is blank or in no listed category is counted as {}.",
        unknown.join(" or ")
    ));
    sentences
}

/// How numbers are changed by a rule, in words that go after "are".
pub(super) fn rounded(rule: Rounding) -> String {
    match rule {
        Rounding::Nearest { base } => format!("rounded to the nearest multiple of {base}"),
        Rounding::Controlled { base, .. } => format!("rounded to a multiple of {base}"),
        Rounding::OpenSafely => "rounded, and those up to 7 are shown as 0".to_owned(),
        Rounding::CellKey => "changed at random by a little".to_owned(),
    }
}

/// The cells that are withheld or changed, and why. The rule of a rounding tells how far its totals are from the truth.
pub(super) fn protection(definition: &Definition, rounding: Option<Rounding>) -> Vec<String> {
    let policy = definition.policy();
    let below = policy.threshold - 1;
    let mut sentences = Vec::new();
    match definition.method {
        Method::Suppress => {
            sentences.push(format!(
                "Counts from 1 to {below} are withheld, because someone who knows a child could recognise it among so few."
            ));
            sentences.push(
                "Other numbers are withheld with them, so that no small one can be worked out from those that are published. The files do not tell which are small.".to_owned(),
            );
            sentences.push(match policy.zeros {
                Zeros::Published => "A count of 0 is published.".to_owned(),
                Zeros::MayBeWithheld => {
                    "A count of 0 is published, unless it is needed to hide another number.".to_owned()
                }
                Zeros::Unsafe => "A count of 0 is withheld too.".to_owned(),
            });
            if policy.insider > 0 {
                let children = if policy.insider == 1 { "one child" } else { "some children" };
                sentences.push(format!(
                    "This holds against a reader who knows {children} of a withheld number already, such as the family."
                ));
            }
        }
        Method::Nearest { base } => sentences.push(format!(
            "Each count is rounded to the nearest multiple of {base}, so that no small one is known. Totals may differ from the sum of their parts."
        )),
        Method::Controlled { base } => {
            let within_two =
                matches!(rounding, Some(Rounding::Controlled { margins: Margins::WithinTwo, .. }));
            let which = if within_two { "Each count that is no total" } else { "Each count" };
            sentences.push(format!(
                "{which} is rounded to a multiple of {base} next to it, so that no small one is known and the tables still add up."
            ));
            if within_two {
                sentences.push(format!(
                    "A total is a multiple of {base} too, and differs from the true one by at most {}.",
                    2 * base - 1
                ));
            }
        }
        Method::OpenSafely => sentences.push(
            "Counts up to 7 are shown as 0, and the others are rounded to the nearest 5.".to_owned(),
        ),
        Method::CellKey => sentences.push(
            "Each count has a small random change, the same one wherever the same children are counted, so that no small one is known. Totals may differ from the sum of their parts.".to_owned(),
        ),
    }
    let kinds = || definition.tables.iter().flat_map(|table| &table.measures).map(Measure::kind);
    if kinds().any(|kind| matches!(kind, Kind::Sum { .. } | Kind::Ratio { .. })) {
        sentences.push(
            "A sum is withheld where few children contribute to it, or where one contributes most of it. A rate is withheld where one of its two numbers is.".to_owned(),
        );
    }
    if definition.tables.iter().any(|table| !table.sensitive.is_empty()) {
        sentences.push(
            "A sensitive category is withheld where nearly all children of a group are in it."
                .to_owned(),
        );
    }
    sentences
}

/// The meaning of a number.
pub(super) fn meaning(measure: &Measure) -> String {
    let times = |times: f64| if times == 1.0 { String::new() } else { format!(", times {times}") };
    match measure.kind() {
        Kind::Sum { of, events: true } => format!("The number of events that {of} counts."),
        Kind::Sum { of, .. } => format!("The sum of {of} over the children."),
        Kind::Ratio { of, by: None, times: 1.0 } => format!("The mean of {of} over the children."),
        Kind::Ratio { of, by, times: of_times } => {
            let by = by.map_or_else(|| CHILDREN.to_owned(), |by| format!("the sum of {by}"));
            format!("The sum of {of}, divided by {by}{}.", times(of_times))
        }
        Kind::Percentage { of } => {
            format!("The children as a percentage of those of all categories of {of}.")
        }
        Kind::Rate { of, times } => {
            format!("The children per {times} people, by the look-up {}.", of.lookup)
        }
        Kind::Median { of, step, .. } => {
            format!("The lower median of {of} over the children, to the nearest {step}.")
        }
    }
}

/// The same of measures that share a column: without the ending by which their columns differ.
pub(super) fn meaning_in_rows(measure: &Measure, row: &MeasureRow) -> String {
    let ending = measure.name.as_str().strip_prefix(row.measure.as_str()).unwrap_or_default();
    let meaning = meaning(measure);
    let plain = if ending.is_empty() { meaning } else { meaning.replace(ending, "") };
    format!("{plain} It is of the row's {} alone.", row.column)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_release_tells_how_far_its_totals_are_from_the_truth() {
        let definition = Definition::parse(
            "name = \"r\"\npopulation = \"spine\"\ninsider = 0\nmethod = { controlled = { base = 5 } }\n\
             [[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"all\"\ncodes = [\"F\", \"M\"]\n\
             [[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n",
        )
        .unwrap();
        let of = |margins| {
            let rule = Rounding::Controlled { base: 5, margins };
            protection(&definition, Some(rule)).join(" ")
        };
        assert!(of(Margins::Adjacent).starts_with("Each count is rounded to a multiple of 5 next"));
        let within_two = of(Margins::WithinTwo);
        assert!(within_two.starts_with("Each count that is no total is rounded"), "{within_two}");
        assert!(within_two.contains("differs from the true one by at most 9"), "{within_two}");
    }
}
