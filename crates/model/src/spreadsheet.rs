//! Lines of a CSV with cells that come from others.

use std::fmt::Write as _;

/// Characters that a spreadsheet may take for the start of a formula: OWASP's list (CSV injection; ASVS 5.0, 1.2.10) and the
/// full-width forms. `minster-formats` has the same list for releases; it links no other crate.
const STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// A line, each cell in quotes. A cell that begins like a formula has an apostrophe before it, so that it stays text; whole and decimal
/// numbers stay what they are.
///
/// ```
/// assert_eq!(minster_model::csv_line(&["a\"b", "=1+1", "-3"]), "\"a\"\"b\",\"'=1+1\",\"-3\"\n");
/// ```
pub fn csv_line(cells: &[&str]) -> String {
    let mut text = String::new();
    for (at, cell) in cells.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\"{}\"", harmless(cell).replace('"', "\"\""));
    }
    text + "\n"
}

fn harmless(cell: &str) -> String {
    match cell.starts_with(STARTS) && !is_number(cell) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

/// Whether it is a minus and digits, with a point among them at most.
fn is_number(cell: &str) -> bool {
    let Some(digits) = cell.strip_prefix('-') else { return false };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_begins_no_formula_and_ends_no_other_cell() {
        let cells = [
            "=1+1", "+1", "-1+2", "-1", "-0.5", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "a\"b",
            "a,b",
        ];
        let expected = "\"'=1+1\",\"'+1\",\"'-1+2\",\"-1\",\"-0.5\",\"'@SUM(A1)\",\"'\tx\",\"'\rx\",\"'\nx\",\"'＝1\",\"a\"\"b\",\"a,b\"\n";
        assert_eq!(csv_line(&cells), expected);
    }
}
