//! One thing that was looked at: what, with which verdict, on which evidence, and how to look oneself.

use std::{
    fmt::{self, Display},
    io,
    path::Path,
};

use minster_leakage::{Disguised, Search};
use minster_model::exit;
use minster_store::StoreError;
use serde::{Deserialize, Serialize};

/// The verdict that a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// It is as it must be.
    #[serde(rename = "PASS")]
    Pass,
    /// It is not.
    #[serde(rename = "FAIL")]
    Fail,
    /// It could not be looked at; the evidence says why, and what to give.
    #[serde(rename = "NOT CHECKED")]
    NotChecked,
}

/// One check.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) verdict: Verdict,
    pub(crate) evidence: Vec<String>,
    /// A command that shows the same.
    pub(crate) by_hand: String,
    /// The command by which root makes this check, where this user may not see all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) as_root: Option<String>,
}

/// A check whose evidence is being gathered.
#[derive(Debug)]
pub(crate) struct Gathered {
    check: Check,
    /// Whether something was looked at and found in order.
    seen: bool,
    missing: bool,
}

impl Check {
    pub(crate) fn begin(id: &str, title: &str, by_hand: impl Into<String>) -> Gathered {
        let check = Check {
            id: id.to_owned(),
            title: title.to_owned(),
            verdict: Verdict::Pass,
            evidence: Vec::new(),
            by_hand: by_hand.into(),
            as_root: None,
        };
        Gathered { check, seen: false, missing: false }
    }
}

impl Gathered {
    /// Something is as it must be.
    pub(crate) fn fine(&mut self, evidence: impl Into<String>) {
        self.seen = true;
        self.check.evidence.push(evidence.into());
    }

    /// Something is not.
    pub(crate) fn wrong(&mut self, evidence: impl Into<String>) {
        self.check.verdict = Verdict::Fail;
        self.check.evidence.push(format!("WRONG: {}", evidence.into()));
    }

    /// Something could not be looked at.
    pub(crate) fn missing(&mut self, evidence: impl Into<String>) {
        self.missing = true;
        self.check.evidence.push(format!("not checked: {}", evidence.into()));
    }

    /// Something could not be looked at by this user; root can. The command is put in once the check ends.
    pub(crate) fn for_root(&mut self, evidence: impl Into<String>) {
        self.check.as_root = Some(String::new());
        self.missing(evidence);
    }

    /// A file or folder could not be read.
    pub(crate) fn unread(&mut self, what: impl Display, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::PermissionDenied => self.for_root(format!("{what}: {error}")),
            _ => self.missing(format!("{what}: {error}")),
        }
    }

    /// Something of the store could not be read.
    pub(crate) fn unread_store(&mut self, error: &StoreError) {
        match error {
            StoreError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                self.for_root(error.to_string());
            }
            _ => self.missing(error.to_string()),
        }
    }

    /// Something to know, which decides nothing.
    pub(crate) fn note(&mut self, evidence: impl Into<String>) {
        self.check.evidence.push(evidence.into());
    }

    /// A fault anywhere fails; else what could not be looked at leaves all unchecked; nothing seen is
    /// nothing checked.
    pub(crate) fn end(mut self) -> Check {
        if self.check.verdict == Verdict::Pass && (self.missing || !self.seen) {
            self.check.verdict = Verdict::NotChecked;
        }
        let evidence = self.check.evidence.iter().map(|line| without_numbers(line));
        self.check.evidence = evidence.collect();
        self.check
    }
}

/// A line of evidence without the names that hold what looks like a person's number: a file may be named after a child, and
/// each check tells of files.
fn without_numbers(line: &str) -> String {
    let ends_a_word = |c: char| c.is_whitespace() || "/,;:()\"'".contains(c);
    let said = line.split_inclusive(ends_a_word).map(|part| {
        let word = part.trim_end_matches(ends_a_word);
        match holds_number(word) {
            true => format!("(a name with such a number){}", &part[word.len()..]),
            false => part.to_owned(),
        }
    });
    said.collect()
}

/// Whether a name holds what looks like a person's number, however written. A hash holds one by chance.
pub(crate) fn holds_number(name: &str) -> bool {
    let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        return false;
    }
    let mut search = Search::default();
    search.value(name.as_bytes());
    let mut disguised = Disguised::default();
    disguised.value(name.as_bytes());
    disguised.findings().iter().any(|(_, finding)| finding.right > 0)
        || search.findings().iter().any(|finding| finding.right > 0)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::NotChecked => "NOT CHECKED",
        })
    }
}

/// Fails win; then what was not looked at.
pub(crate) fn exit_code(checks: &[Check]) -> u8 {
    match counts(checks) {
        [_, 0, 0] => exit::DONE,
        [_, 0, _] => exit::NOT_CHECKED,
        _ => exit::AUDIT,
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// How many passed, failed, and were not checked.
pub(crate) fn counts(checks: &[Check]) -> [usize; 3] {
    [Verdict::Pass, Verdict::Fail, Verdict::NotChecked].map(|verdict| count(checks, verdict))
}

fn count(checks: &[Check], verdict: Verdict) -> usize {
    checks.iter().filter(|check| check.verdict == verdict).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_number_is_told_by_no_check() {
        let mut check = Check::begin("id", "title", "true");
        let hash = "943476587043476587094347658709434765870943476587094347658709abcd";
        check.wrong(format!("/store/releases/Q330400024001.csv: no manifest names it ({hash})"));
        let check = check.end();
        let told = format!(
            "WRONG: /store/releases/(a name with such a number): no manifest names it ({hash})"
        );
        assert_eq!(check.evidence, [told]);
    }

    #[test]
    fn a_fault_decides_and_what_was_not_looked_at_is_no_pass() {
        let check = |parts: &[fn(&mut Gathered)]| {
            let mut check = Check::begin("id", "title", "true");
            parts.iter().for_each(|part| part(&mut check));
            check.end()
        };
        let fine: fn(&mut Gathered) = |check| check.fine("seen");
        let wrong: fn(&mut Gathered) = |check| check.wrong("seen");
        let missing: fn(&mut Gathered) = |check| check.missing("unseen");
        let all =
            [check(&[fine]), check(&[fine, missing]), check(&[]), check(&[missing, wrong, fine])];
        let verdicts = all.each_ref().map(|check| check.verdict);
        let [pass, left, fail] = [Verdict::Pass, Verdict::NotChecked, Verdict::Fail];
        assert_eq!(verdicts, [pass, left, left, fail]);
        assert_eq!((exit_code(&all[..1]), exit_code(&all[..3]), exit_code(&all)), (0, 11, 9));
        assert_eq!(counts(&all), [1, 1, 2]);
        assert_eq!(quoted(Path::new("/a b/c'd")), r"'/a b/c'\''d'");
    }
}
