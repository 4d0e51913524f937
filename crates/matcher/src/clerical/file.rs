//! A reviewer's file: a line a pair, with its pattern of agreement and a blank to fill in.

use std::{collections::BTreeMap, fmt::Write as _};

use minster_scoring::AGREEMENT_PARTS;

use super::{Decision, Pair};

const FIRST: &str = "pair";
const LAST: &str = "decision";

/// Why a file of decisions is none. No message repeats what stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The fault, and the remedy.
    pub why: &'static str,
}

/// The pairs, by id: their order says nothing.
pub(super) fn write(pairs: &[(&String, &Pair)]) -> String {
    let mut text = format!("{FIRST},{},{LAST}\n", AGREEMENT_PARTS.join(","));
    for (id, pair) in pairs {
        let words: Vec<&str> = pair.agreement.iter().map(|of| of.as_str()).collect();
        let _ = writeln!(text, "{id},{},", words.join(","));
    }
    text
}

/// The decisions. A blank is none.
pub(super) fn read(
    text: &str,
    is_known: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Decision>, FileError> {
    let mut decisions = BTreeMap::new();
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty());
    let head: Vec<String> = lines.next().map(|(_, text)| cells(text)).unwrap_or_default();
    let expected = std::iter::once(FIRST).chain(AGREEMENT_PARTS).chain([LAST]);
    if !head.iter().map(String::as_str).eq(expected) {
        let why = "the headings are not those of `minster review export`; commas must stand between cells";
        return Err(FileError { line: 1, why });
    }
    for (line, text) in lines {
        let wrong = |why| FileError { line, why };
        let cells = cells(text);
        let [id, .., word] = cells.as_slice() else {
            return Err(wrong("a line has too few cells"));
        };
        if cells.len() != head.len() {
            return Err(wrong("a line has more or fewer cells than the headings"));
        }
        if !is_known(id) {
            return Err(wrong(
                "the pair is none of this store's; leave the first column as it was",
            ));
        }
        if word.is_empty() {
            continue;
        }
        let decision = Decision::ALL.into_iter().find(|of| of.as_str() == word.to_lowercase());
        let decision = decision
            .ok_or_else(|| wrong("a decision is `same`, `different`, `cannot tell`, or blank"))?;
        if decisions.insert(id.clone(), decision).is_some() {
            return Err(wrong("the pair stands twice in the file"));
        }
    }
    Ok(decisions)
}

/// The cells of a line. None of this program's holds a comma or a quotation mark; spreadsheets may put marks around them.
fn cells(line: &str) -> Vec<String> {
    line.split(',').map(|cell| cell.trim().trim_matches('"').trim().to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;
    use minster_scoring::Agreement;

    fn pair() -> Pair {
        use Agreement::{Agrees, Differs, Missing, Near};
        let agreement = [Agrees, Near, Agrees, Missing, Differs];
        Pair { agreement, open: true, two_pupils: false, rows: vec![], pupil: vec![] }
    }

    const HEAD: &str = "pair,forename,surname,birth-date,sex,postcode,decision\n";

    #[test]
    fn a_file_that_is_written_and_filled_in_is_read() {
        let (one, two, pair) = ("a1".to_owned(), "b2".to_owned(), pair());
        let text = write(&[(&one, &pair), (&two, &pair)]);
        let line = "agrees,near,agrees,missing,differs,";
        assert_eq!(text, format!("{HEAD}a1,{line}\nb2,{line}\n"));
        assert_eq!(read(&text, |_| true), Ok(BTreeMap::new()), "blanks are no decisions");
        let filled = text.replace("differs,\nb2", "differs,Cannot Tell\nb2");
        assert_eq!(read(&filled, |_| true), Ok([(one, Decision::CannotTell)].into()));
        // As a spreadsheet writes it.
        let saved = format!("\u{feff}{}", filled.replace('\n', "\r\n").replace("a1", "\"a1\""));
        assert_eq!(read(&saved, |_| true).unwrap().len(), 1);
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line_and_not_repeated() {
        let line = "a1,agrees,near,agrees,missing,differs,same\n";
        for (text, at, why) in [
            (String::new(), 1, "headings"),
            (HEAD.replace(',', ";"), 1, "commas"),
            (format!("{HEAD}{}", line.replace("same", "CANARY")), 2, "a decision is"),
            (format!("{HEAD}{line}{line}"), 3, "twice"),
            (format!("{HEAD}{}", line.replace("a1", "CANARY")), 2, "none of this store's"),
            (format!("{HEAD}a1,same\n"), 2, "fewer cells"),
        ] {
            let error = read(&text, |id| id == "a1").unwrap_err();
            assert_eq!(error.line, at, "{text}");
            assert!(error.why.contains(why) && !error.to_string().contains("CANARY"), "{error}");
        }
    }
}
