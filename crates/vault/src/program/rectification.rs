//! Corrections of a child's number or values, as custodians write them down and are told of them.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use minster_model::{Kind, SourceName, TableName};
use minster_vault::{access::canonical, approvals::Proposal, unseen::shown};
use minster_vault_api::{
    CaseStatus, Client, CorrectedCell, Correction, IdentifierBatch, LastMet, MetCounts,
    WrongNumber, WrongValue,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    Failure,
    client::{read, usage},
};

/// A correction in its file. Holds a child's numbers and values: no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectionFile {
    kind: Kind,
    number: String,
    from: String,
    origin: String,
    #[serde(default)]
    wrong_number: Vec<NumberEntry>,
    #[serde(default)]
    wrong_value: Vec<ValueEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberEntry {
    source: SourceName,
    number: String,
    born: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueEntry {
    source: SourceName,
    table: TableName,
    column: String,
    old: String,
    new: String,
    #[serde(default)]
    rows: BTreeMap<String, String>,
}

/// The correction in a file. No message repeats a line of it.
pub(crate) fn correction(path: &Path) -> Result<Correction, Failure> {
    let text = Zeroizing::new(read(path)?);
    let wrong = |why: String| usage(format!("{}: {why}", path.display()));
    let file: CorrectionFile = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        wrong(format!(
            "line {line} is no part of a correction: it has kind, number, from, origin, and [[wrong_number]] or [[wrong_value]] \
             (`minster-vault request decide rectify --help`)"
        ))
    })?;
    let CorrectionFile { kind, number, from, origin, wrong_number, wrong_value } = file;
    let one = |number: &str| {
        let mut batch = IdentifierBatch::default();
        let canonical = canonical(&kind, number.trim(), |bytes| batch.push(bytes));
        canonical.map_err(|why| wrong(format!("a number of it is no {kind}: {why}")))?;
        Ok::<_, Failure>(batch)
    };
    let numbers = wrong_number.into_iter().map(|of| {
        Ok::<_, Failure>(WrongNumber { source: of.source, wrong: one(&of.number)?, born: of.born })
    });
    let values = wrong_value.into_iter().map(|of| {
        let ValueEntry { source, table, column, old, new, rows } = of;
        let cell = CorrectedCell { column, old, new, rows: rows.into_iter().collect() };
        WrongValue { source, table, cell }
    });
    Ok(Correction {
        from,
        origin,
        number: one(&number)?,
        numbers: numbers.collect::<Result<_, _>>()?,
        values: values.collect(),
    })
}

/// Has the vault compare the correction of a proposal with the one that its signer was told.
pub(crate) fn compare(
    client: &mut Client,
    proposal: &Proposal,
    id: &str,
    path: Option<&Path>,
) -> Result<Option<String>, Failure> {
    if proposal.action.correction().is_none() {
        return Ok(None);
    }
    let path = path.ok_or_else(|| {
        usage("the proposal corrects a child's records: give the correction as it was told to you (`--correction FILE`); not signed")
    })?;
    match client.compare_correction(id, correction(path)?)? {
        true => Ok(Some(format!("it is about the correction in {}, and no other", path.display()))),
        false => Err(usage(format!(
            "the proposal is about another correction than {}; not signed",
            path.display()
        ))),
    }
}

/// The correction of a case as it stands, and what deliveries said of it.
pub(crate) fn described(case: &CaseStatus) -> String {
    let mut text = String::new();
    match (case.corrects, case.outcome) {
        (true, _) => text += "  the correction stands\n",
        (false, Some(minster_vault_api::CaseOutcome::Rectified)) => {
            text += "  the correction was ended\n";
        }
        _ => {}
    }
    if case.corrects && case.met.is_empty() {
        text += "  no delivery that was read since has an entry of it\n";
    }
    for LastMet { source, run, day, counts } in &case.met {
        let _ = writeln!(text, "  {source}, {day}, run {}: {}", shown(run.as_str()), said(counts));
    }
    text
}

fn said(counts: &MetCounts) -> String {
    let MetCounts { old, right, third } = counts;
    let parts = [
        (old, "wrong as before, corrected"),
        (right, "right: the source corrected itself"),
        (third, "in doubt, a third value (as delivered) or both numbers: ask the service"),
    ];
    let parts = parts.iter().filter(|(count, _)| **count > 0);
    parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_correction_is_refused_with_its_line_and_without_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        let head =
            "kind = \"la-child-id\"\nnumber = \"77\"\nfrom = \"2026-11-30\"\norigin = \"seen\"\n";
        std::fs::write(&path, format!("{head}secret = \"CANARY\"\n")).unwrap();
        let Err(failure) = correction(&path) else { panic!("taken") };
        let told = failure.to_string();
        assert!(told.contains("line 5") && !told.contains("CANARY"), "{told}");
        let entry = "[[wrong_number]]\nsource = \"cin\"\nnumber = \"78\"\nborn = \"2011-03-04\"\n";
        std::fs::write(&path, format!("{head}{entry}")).unwrap();
        let Ok(read) = correction(&path) else { panic!("refused") };
        assert_eq!(read.numbers.len(), 1);
        assert!(read.number.iter().eq([b"77".as_slice()]));
    }
}
