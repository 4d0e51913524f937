//! The report on a terminal.

use std::{collections::BTreeMap, fmt::Write as _};

use minster_matcher::{
    ScoredSource,
    report::{Agreement, Appraisal, Compared, Grouped, KeyTest, Rates, Share, SourceFlow, Ways},
};

use super::{count, interval, percent, words};

/// One part after the other.
pub(super) fn text(appraisal: &Appraisal) -> String {
    let Appraisal { purpose, period, run, children, on_spine, smallest, .. } = appraisal;
    let mut text = format!(
        "linkage for {purpose} {period}: {children} children, {on_spine} of them pupils of the council's schools; linked by run {run}\n"
    );
    let _ = writeln!(text, "{}", words::counts(appraisal.coarse));
    flow(&appraisal.flow, &mut text);
    head(
        "Pupils with a row of a source",
        &[words::INTERVALS, &words::smallest(*smallest)],
        &mut text,
    );
    if appraisal.reached.is_empty() {
        text +=
            "  no source that should have a row of each pupil is named, or none was delivered\n";
    }
    appraisal.reached.iter().for_each(|grouped| reached(grouped, &mut text));
    head(
        "Linked children beside the others",
        &[words::INTERVALS, words::DIFFERENCES, &words::smallest(*smallest)],
        &mut text,
    );
    appraisal.compared.iter().for_each(|grouped| compared(grouped, &mut text));
    for not in &appraisal.not_compared {
        let _ = writeln!(text, "  {}, not by {}: {}", not.source, not.groups.join(", "), not.why);
    }
    errors(appraisal, &mut text);
    thresholds(&appraisal.scored, &mut text);
    if !appraisal.review.is_empty() {
        head("For review", &[], &mut text);
    }
    for found in &appraisal.review {
        let _ = writeln!(text, "{:>8} {} ({})", found.count, found.meaning, found.code);
    }
    for note in &appraisal.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn head(title: &str, about: &[&str], text: &mut String) {
    let _ = writeln!(text, "\n{}", title.to_uppercase());
    for about in about {
        let _ = writeln!(text, "{about}");
    }
}

fn flow(sources: &[SourceFlow], text: &mut String) {
    head("From rows to children", &[words::BOTH_RATES], text);
    let _ = writeln!(
        text,
        "{:<30} {:>10} {:>11} {:>9} {:>7} {:>10} {:>10} {:>10} {:>12} {:>13}",
        "",
        "delivered",
        "quarantined",
        "duplicate",
        "blocked",
        "accepted",
        "linked",
        "not linked",
        "of accepted",
        "of delivered"
    );
    let mut line = |name: &str, rows: &Ways, rate: &Rates| {
        let share = |share: &Option<Share>| share.map_or("-".to_owned(), |of| percent(of.share));
        let _ = writeln!(
            text,
            "{name:<30} {:>10} {:>11} {:>9} {:>7} {:>10} {:>10} {:>10} {:>12} {:>13}",
            rows.delivered,
            rows.quarantined,
            rows.duplicate,
            rows.blocked,
            rows.accepted,
            rows.all_linked(),
            rows.all_not_linked(),
            share(&rate.of_accepted),
            share(&rate.of_delivered)
        );
    };
    for source in sources {
        line(&source.source, &source.rows, &source.rate);
        let (read, not_read) = source.read_and_not();
        for table in read {
            let name = format!("  {} ({})", table.table, words::kind(table.kind));
            line(&name, &table.rows, &table.rate);
        }
        if let Some((names, rows)) = not_read {
            line(&format!("  {}", words::not_read(names.len())), &rows, &Rates::default());
        }
    }
    for source in sources {
        let SourceFlow { source, deliveries, rows, reasons, children, on_spine, .. } = source;
        let _ = writeln!(
            text,
            "{source} ({}): {children} children, {on_spine} of them pupils",
            deliveries.join(", ")
        );
        let mut ways = |what: &str, ways: &BTreeMap<String, u64>| {
            if !ways.is_empty() {
                let ways: Vec<String> =
                    ways.iter().map(|(code, rows)| format!("{code} {rows}")).collect();
                let _ = writeln!(text, "  {what}: {}", ways.join(", "));
            }
        };
        ways("quarantined", reasons);
        ways("linked", &rows.linked);
        ways("not linked", &rows.not_linked);
        if rows.not_read > 0 {
            let _ = writeln!(text, "  not read by the definition: {}", rows.not_read);
        }
        if rows.superseded > 0 {
            let _ = writeln!(text, "  of the accepted, superseded: {}", rows.superseded);
        }
    }
    let mut codes: Vec<&str> = Vec::new();
    for rows in sources.iter().map(|source| &source.rows) {
        codes.extend(rows.linked.keys().chain(rows.not_linked.keys()).map(String::as_str));
    }
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        let _ = writeln!(text, "  {code:<22} {}", words::way(code));
    }
}

fn reached(grouped: &Grouped, text: &mut String) {
    let Grouped { source, group, part, rest, rate, .. } = grouped;
    let rate = rate.as_ref().map_or("-".to_owned(), interval);
    let _ = writeln!(
        text,
        "  {source}, pupils by {group}: {part} of {} have a row, {rate}",
        part + rest
    );
    values(grouped, false, text);
}

fn compared(grouped: &Grouped, text: &mut String) {
    let Grouped { source, group, part, rest, rate, difference, .. } = grouped;
    let rate = rate.as_ref().map_or("-".to_owned(), interval);
    let _ = writeln!(
        text,
        "  {source}, children by {group} ({}): {part} of {} linked, {rate}; standardised difference {}",
        words::column_of(grouped),
        part + rest,
        words::difference(*difference)
    );
    values(grouped, true, text);
}

fn values(grouped: &Grouped, both: bool, text: &mut String) {
    let Grouped { part: all_part, rest: all_rest, values, hidden, not_shown, .. } = grouped;
    if let Some(why) = not_shown {
        let _ = writeln!(text, "    not shown by value: {why}");
        return;
    }
    let of = |count: u64, all: u64| match all {
        0 => "-".to_owned(),
        _ => percent(count as f64 / all as f64),
    };
    let (part_head, more_heads) = match both {
        true => ("linked", format!(" {:>12} {:>12}", "among linked", "among others")),
        false => ("with row", String::new()),
    };
    let _ = writeln!(text, "    {:<28} {:>9} {part_head:>9}{more_heads}  rate", "", "children");
    let mut line = |name: &str, children: u64, part: Option<u64>, rate: &str| {
        let shares =
            part.map(|part| [of(part, *all_part), of(children.saturating_sub(part), *all_rest)]);
        let [linked, others] = shares.unwrap_or_default();
        let more = if both { format!(" {linked:>12} {others:>12}") } else { String::new() };
        let _ = writeln!(text, "    {name:<28} {children:>9} {:>9}{more}  {rate}", count(part));
    };
    for valued in values {
        let rate = match (&valued.rate, valued.between) {
            (Some(rate), _) => interval(rate),
            (None, Some((low, high))) => format!("between {} and {}", percent(low), percent(high)),
            (None, None) => "-".to_owned(),
        };
        line(words::value(valued.value.as_deref()), valued.children, valued.part, &rate);
    }
    if let Some(hidden) = hidden {
        let rate = Share::of(hidden.part, hidden.children);
        let rate = rate.as_ref().map_or("-".to_owned(), interval);
        line(words::hidden(hidden.not_named > 0), hidden.children, Some(hidden.part), &rate);
    }
}

fn errors(appraisal: &Appraisal, text: &mut String) {
    head("How many links are wrong, and how many are missed", &[], text);
    let _ = writeln!(text, "As scored matching estimates of itself, in all periods together:");
    if appraisal.scored.is_empty() {
        *text += "  nothing was scored\n";
    }
    for scored in &appraisal.scored {
        let _ = writeln!(text, "  {}", words::scored(scored));
    }
    let _ = writeln!(text, "By evidence that agrees. {}", words::AGREEMENT);
    let _ = writeln!(
        text,
        "  {:<26} {:<16} {:>9} {:>17} {:>17} {:>17} {:>8}  wrong by sex, at most",
        "", "way", "rows", "birth date", "name", "sex", "neither"
    );
    for of in &appraisal.agreements {
        let Agreement { source, table, way, rows, birth_date, name, sex, neither, wrong_by_sex } =
            of;
        let agrees = |of: &Compared| match of.compared {
            0 => "-".to_owned(),
            compared => format!("{} of {compared}", of.agree),
        };
        let wrong = wrong_by_sex.map_or("-".to_owned(), |wrong| {
            format!("{} (up to {})", percent(wrong.share), percent(wrong.high))
        });
        let place = format!("{source}/{table}");
        let _ = writeln!(
            text,
            "  {place:<26} {way:<16} {rows:>9} {:>17} {:>17} {:>17} {neither:>8}  {wrong}",
            agrees(birth_date),
            agrees(name),
            agrees(sex)
        );
    }
    let _ = writeln!(text, "By match keys put to the test. {}", words::KEY_TESTS);
    for KeyTest { source, table, rows, same, other, several, nobody, precision, recall } in
        &appraisal.key_tests
    {
        let share = |share: &Option<Share>| share.as_ref().map_or("-".to_owned(), interval);
        let _ = writeln!(
            text,
            "  {source}/{table}: of {rows} rows {same} to the same pupil, {other} to another, {several} to several, {nobody} to nobody; \
             precision {}, recall {}",
            share(precision),
            share(recall)
        );
    }
    let _ = writeln!(text, "A floor, by what is impossible. {}", words::IMPOSSIBLE);
    let floor = &appraisal.impossible;
    for of in &floor.each {
        let sources: Vec<String> =
            of.sources.iter().map(|(source, pupils)| format!("{source} {pupils}")).collect();
        let sources =
            if sources.is_empty() { String::new() } else { format!(" ({})", sources.join(", ")) };
        let _ = writeln!(
            text,
            "{:>8} of {} pupils: {}: {}{sources}",
            of.pupils, of.of, of.name, of.how
        );
    }
    let _ = writeln!(text, "{:>8} of {} pupils: one of these or more", floor.pupils, floor.of);
}

fn thresholds(scored: &[ScoredSource], text: &mut String) {
    head("Links at other thresholds", &[words::THRESHOLDS], text);
    if scored.is_empty() {
        *text += "  nothing was scored\n";
    }
    for of in scored {
        let _ = writeln!(
            text,
            "  {} ({} persons left, the threshold is {})",
            of.source, of.left, of.threshold
        );
        for at in &of.by_threshold {
            let _ = writeln!(
                text,
                "    {:<6} {:>8} links, {} expected wrong",
                at.threshold,
                at.links,
                words::expected(at.expected_false)
            );
        }
    }
}
