//! The report as text.

use std::fmt::Write as _;

use super::assessment::{Assessment, Driver, Effect, Share, Size, Spread, Told};

impl Assessment {
    pub(super) fn text(&self) -> String {
        let Self { purpose, period, run, table, unit, .. } = self;
        let mut text = format!(
            "risk of {purpose} {period}: the table {table}, {unit}; linked by run {run}\n{}\n",
            self.counts()
        );
        for broken in &self.broken {
            let _ = writeln!(text, "\nbound broken: {broken}");
        }
        text += "\nwhat to do first\n";
        for (at, advice) in self.advice.iter().enumerate() {
            let _ = writeln!(text, "  {}. {advice}", at + 1);
        }
        self.whole_text(&mut text);
        let names = self.quasi_identifiers.iter().map(|of| of.column.len());
        let names = names.chain(self.sensitive.iter().map(|of| of.column.len()));
        let width = names.max().unwrap_or_default().max(16);
        let _ = writeln!(
            text,
            "\n{:<width$} {:>7} {:>8} {:>12} {:>14}",
            "quasi-identifier", "values", "blank", "unique alone", "unique without"
        );
        for Driver { column, values, blank, alone, without } in &self.quasi_identifiers {
            let [blank, alone, without] = [blank, alone, without].map(percent);
            let _ =
                writeln!(text, "{column:<width$} {values:>7} {blank:>8} {alone:>12} {without:>14}");
        }
        let treatments = self.coarser.iter().map(|of| of.treatment.len());
        let treated = treatments.max().unwrap_or_default().max(17);
        let _ = writeln!(
            text,
            "\n{:<width$} {:<treated$} {:>8} {:>8} {:>7}",
            "column", "coarser treatment", "unique", "below 5", "k"
        );
        for Effect { column, treatment, unique, below_5, smallest_class } in &self.coarser {
            let [unique, below_5] = [unique, below_5].map(percent);
            let k = class(*smallest_class);
            let _ = writeln!(
                text,
                "{column:<width$} {treatment:<treated$} {unique:>8} {below_5:>8} {k:>7}"
            );
        }
        if !self.sensitive.is_empty() {
            let _ = writeln!(
                text,
                "\n{:<width$} {:<9} {:>6} {:>10} {:>9} {:>6} {:>9}",
                "sensitive column", "scale", "values", "distinct l", "entropy l", "t", "all alike"
            );
        }
        for told in &self.sensitive {
            let Told { column, values, alike, .. } = told;
            let (scale, [l, entropy, t]) = (told.scale(), told.measures());
            let alike = percent(alike);
            let _ = writeln!(
                text,
                "{column:<width$} {scale:<9} {values:>6} {l:>10} {entropy:>9} {t:>6} {alike:>9}"
            );
        }
        text
    }

    fn whole_text(&self, text: &mut String) {
        let Spread {
            children,
            classes,
            unique,
            smallest_class,
            below_3,
            below_5,
            below_10,
            by_size,
        } = &self.whole;
        let _ = writeln!(text, "\n{children} children in {classes} classes");
        let lines = [
            ("alone in their class (unique)", unique),
            ("in classes of fewer than 3", below_3),
            ("in classes of fewer than 5", below_5),
            ("in classes of fewer than 10", below_10),
        ];
        for (what, share) in lines {
            let _ = writeln!(text, "  {what:<30} {:>9} {:>8}", share.children, percent(share));
        }
        let _ = writeln!(
            text,
            "  {:<30} {:>9}",
            "children in the smallest (k)",
            class(*smallest_class)
        );
        let _ = writeln!(
            text,
            "\n{:<16} {:>9} {:>9} {:>8}",
            "size of class", "classes", "children", "share"
        );
        for size in by_size {
            let Size { classes, children, .. } = size;
            let _ = writeln!(
                text,
                "{:<16} {classes:>9} {:>9} {:>8}",
                size.name(),
                children.children,
                percent(children)
            );
        }
    }

    /// The words for how exact counts are.
    pub(super) fn counts(&self) -> &'static str {
        match self.exact {
            true => "Counts are exact: keep the report as restricted as the dataset.",
            false => {
                "Counts are to the nearest 5, and percentages are those of such counts. k and distinct l are down to a multiple of 5, entropy l \
                 to a whole number, t to a quarter."
            }
        }
    }
}

impl Size {
    pub(super) fn name(&self) -> String {
        match self.to {
            Some(to) if to == self.from => to.to_string(),
            Some(to) => format!("{} to {to}", self.from),
            None => format!("{} and more", self.from),
        }
    }
}

impl Told {
    pub(super) fn scale(&self) -> &'static str {
        if self.ordered { "ordered" } else { "nominal" }
    }

    /// Distinct l, entropy l and t.
    pub(super) fn measures(&self) -> [String; 3] {
        let none = || "-".to_owned();
        [
            self.distinct_l.map_or_else(none, |l| l.to_string()),
            self.entropy_l.map_or_else(none, |l| format!("{l:.2}")),
            self.t.map_or_else(none, |t| format!("{t:.3}")),
        ]
    }
}

pub(super) fn percent(share: &Share) -> String {
    format!("{:.1} %", share.percent)
}

/// The smallest class.
pub(super) fn class(smallest: Option<u32>) -> String {
    smallest.map_or("1 to 4".to_owned(), |k| k.to_string())
}
