//! Advice on a finding, in one line.

use super::finding::Kind;

/// For whoever keeps the records.
pub(super) fn next(kind: Kind, reason: &str) -> &'static str {
    match kind {
        Kind::NumberOnTwoChildren if reason == "service-number-two-children" => {
            "Find out which child the service's number belongs to, and give the other one its own."
        }
        Kind::NumberOnTwoChildren => {
            "Ask the school which child the pupil number belongs to, and have the other one given its own."
        }
        Kind::ChildOnTwoNumbers => {
            "Compare both records: where they are one child, keep its first number and note the other as former; it is counted twice until then."
        }
        Kind::Doubtful => doubt(reason),
        Kind::Orphan => {
            "Deliver the person's record too, or mend the number in these rows: they count for nobody."
        }
        Kind::Unlinked if reason == "shared-number" => {
            "Mend the number on two children first: these rows have only that number, and count for nobody."
        }
        Kind::Unlinked => "Enter the number: without it these rows lead to no child.",
        Kind::Recoded => {
            "Mend the code at the source; where it is a new one, ask the council's data engineer to add it to the list."
        }
        Kind::Repaired => {
            "Mend the number: it was taken for that of the only child of this birth date whom one slip makes of it."
        }
        Kind::Passed if reason == "by-pattern" => {
            "Look whether the spelling means the code that it was taken for."
        }
        Kind::Passed if reason == "excel-serial" => fault(reason),
        Kind::Passed => "Look whether the code is right for this year; it was taken as it stands.",
        Kind::Duplicate => {
            "Nothing is lost: each was counted once. Look whether the export was made twice."
        }
        Kind::Superseded => {
            "Nothing is lost: a later delivery, or another row, tells of the same event, and that one counts."
        }
        Kind::Quarantined | Kind::Blanked => fault(reason),
    }
}

fn doubt(code: &str) -> &'static str {
    match code {
        "birth-date-in-doubt" => {
            "Look up the birth date: rows under one number give two. They are taken for one child."
        }
        "sex-in-doubt" => {
            "Look up the sex: rows under one number give two. They are taken for one child."
        }
        "former-number-refused" => {
            "Look up the former number: it would make one child of two, and was not followed."
        }
        "number-of-another-child" => {
            "Mend the pupil number: the school's pupil of that number has another name and birth date."
        }
        "ambiguous-match-key" => {
            "Enter the pupil number: more than one pupil has this name and birth date."
        }
        _ => "Look these rows up: it is in doubt which child they are about.",
    }
}

/// Why a cell or a row failed, and what mends it.
fn fault(reason: &str) -> &'static str {
    match reason {
        "field-count" => {
            "Put quotation marks round texts with commas or line breaks, and export again."
        }
        "blank-row" | "totals-row" | "note-row" => {
            "Delete what stands below or between the children's rows, and export again."
        }
        "encoding" => "Export as UTF-8, or tell the council's data engineer which encoding it is.",
        "field-too-long" | "record-too-large" | "stray-text" | "repeated-element" => {
            "Export again: a quotation mark or an element is not closed, or stands twice."
        }
        "required" | "blank-identifier" => "Fill in the cell: the row does not count without it.",
        "unidentified" => "Enter a number, or the whole name: nobody can be found by these rows.",
        "placeholder" => {
            "Enter the number, or leave the cell blank; write no word or zero in its place."
        }
        "date-form" => "Write the date in the form that the service's export declares.",
        "ambiguous-date" => "Look whether day and month are changed round.",
        "date-range" => "Mend the year: it is not of this century or the last.",
        "date-number" => {
            "Write days as dates: a year alone, or a day in digits alone, cannot be told from a spreadsheet's number."
        }
        "excel-serial" => "Format the column as dates before it is exported from the spreadsheet.",
        "spreadsheet-error" => "Mend the formula, or export the values from the system itself.",
        "not-integer" | "not-decimal" | "not-flag" | "not-token" => {
            "Write a number or a short code; free text belongs in no such column."
        }
        "unknown-code" | "unknown-missing-code" => {
            "Mend the code; where it is a new one, ask the council's data engineer to add it to the list."
        }
        "birth-after-delivery" => {
            "Mend the birth date: it is later than the period. An expected birth belongs elsewhere."
        }
        "looks-like-identifier" => {
            "Take the number or address out of this column: it would identify someone."
        }
        "equals-name" => "Take the name out of this column: it is a child's of the same delivery.",
        "not-json" => "Export again: the column should hold JSON.",
        "not-in-lookup" => {
            "Look whether the postcode is right; where it is, the council's look-up is out of date."
        }
        "malformed" | "bad-check-letter" | "bad-check-digit" => {
            "Look the number up and mend it: it was mistyped."
        }
        _ => OTHER,
    }
}

const OTHER: &str = "Look the rows up, mend them, and deliver the file again.";

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of reasons that engineers read.
    const PAGE: &str = include_str!("../../../../docs/engineers.md");

    #[test]
    fn every_reason_that_the_page_lists_has_advice_of_its_own() {
        let table = PAGE.split("| reason | what it most often is |").nth(1).unwrap();
        let table = table.split("\n\n").next().unwrap();
        let codes = table.lines().filter_map(|line| line.split('|').nth(1));
        let codes: Vec<&str> = codes.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(codes.len() > 30, "{codes:?}");
        for code in codes {
            assert_ne!(fault(code), OTHER, "{code}");
        }
    }
}
