//! The report on a terminal.

use std::fmt::Write as _;

use super::{
    Quality,
    deliveries::{Before, Delivery, Stands},
    percent,
};
use crate::report::day;

/// One block a delivery.
pub(super) fn text(quality: &Quality) -> String {
    let Quality { purpose, period, deliveries, .. } = quality;
    let mut text = format!("data quality for {purpose} {period}, the worst delivery first\n");
    deliveries.iter().for_each(|delivery| block(delivery, &mut text));
    text
}

fn block(delivery: &Delivery, text: &mut String) {
    let Delivery { source, period, left_out, stands } = delivery;
    let taken_in = stands.as_ref().and_then(|stands| stands.started);
    let taken_in = taken_in.map(|at| format!(", taken in on {}", day(at)));
    let _ = writeln!(text, "\n{source} {period}{}", taken_in.unwrap_or_default());
    if let Some(why) = left_out {
        // The message may have lines of its own, with what is to be added.
        let why = why.replace('\n', "\n    ");
        let _ = writeln!(text, "  LEFT OUT by the last run: {why}");
    }
    let Some(stands) = stands else {
        *text += "  never taken in: nothing of it is counted\n";
        return;
    };
    let Stands { counts, before, findings, warnings, notes, .. } = stands;
    let rows = counts.rows;
    let _ = writeln!(
        text,
        "  {} read = {} accepted + {} set aside ({}) + {} duplicate + {} blocked",
        rows.read,
        rows.accepted,
        rows.quarantined,
        percent(rows.quarantined, rows.read),
        rows.duplicate,
        rows.blocked
    );
    let _ = match before {
        Some(before) => writeln!(text, "  {}", change(stands, before)),
        None => writeln!(text, "  no delivery before it is known"),
    };
    for warning in warnings {
        let _ = writeln!(text, "  WARNING: {warning}");
    }
    for finding in findings {
        let (words, share) = (finding.kind.words(), percent(finding.count, finding.of));
        let _ = writeln!(
            text,
            "{:>8} {words}, {share} of {}: {}",
            finding.count,
            finding.of,
            finding.what()
        );
        let whereabouts = finding.whereabouts();
        if !whereabouts.is_empty() {
            let _ = writeln!(text, "         where: {whereabouts}");
        }
        let _ = writeln!(text, "         next:  {}", finding.next);
    }
    if findings.is_empty() {
        *text += "  nothing was found\n";
    }
    for note in notes {
        let _ = writeln!(text, "  note: {note}");
    }
}

/// Against the delivery before: what is another number, and by how much.
fn change(stands: &Stands, before: &Before) -> String {
    let name = before_name(before);
    let changed: Vec<String> = changes(stands, before)
        .into_iter()
        .filter(|(_, then, now)| then != now)
        .map(|(what, then, now)| format!("{what} {then} -> {now} ({})", difference(then, now)))
        .collect();
    match changed.is_empty() {
        true => format!("no count differs from {name}"),
        false => format!("against {name}: {}", changed.join(", ")),
    }
}

/// The name of the delivery before.
pub(super) fn before_name(before: &Before) -> String {
    let taken_in = before.started.map(|at| format!(", taken in on {}", day(at)));
    format!("the delivery of {}{}", before.period, taken_in.unwrap_or_default())
}

/// Each count then and now.
pub(super) fn changes(stands: &Stands, before: &Before) -> Vec<(&'static str, u64, u64)> {
    let both = before.counts.named().into_iter().zip(stands.counts.named());
    both.map(|((what, then), (_, now))| (what, then, now)).collect()
}

/// `+12`, `-3`, `0`.
pub(super) fn difference(then: u64, now: u64) -> String {
    match i128::from(now) - i128::from(then) {
        0 => "0".to_owned(),
        difference => format!("{difference:+}"),
    }
}
