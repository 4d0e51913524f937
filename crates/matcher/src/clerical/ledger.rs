//! The datasets of clerical review, one of each for all periods of a purpose: pairs with what leads to their two sides, which
//! linking writes, and reviewers' signed files, which are taken in between.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use minster_model::{DatasetClass, DatasetRef, Pseudonym, Purpose, RunId};
use minster_scoring::{AGREEMENT_PARTS, Agreement};
use minster_store::{Dataset, DatasetKeys, Origin, Store, StoreError};

use super::{Pair, Review, SignedFile, file};
use crate::{
    Job, MatchError,
    events::Delivered,
    job::{KeyOrigin, publish},
    ledger::{each, pseudonym_column},
    person_tables::pseudonym,
    tables::{batch, pseudonyms},
};

/// The dataset of pairs.
pub const REVIEW: &str = "review";
/// The dataset of signed files.
pub const DECISIONS: &str = "decisions";

const PAIRS: &str = "pairs";
const SIDES: &str = "sides";
const FILES: &str = "files";
/// The sides of a pair.
const ROWS: &str = "rows";
const PUPIL: &str = "pupil";

fn dataset(name: &str, purpose: &Purpose) -> Result<DatasetRef, MatchError> {
    Ok(DatasetRef {
        class: DatasetClass::Integrated,
        name: name.parse().map_err(|_| MatchError::Name)?,
        period: "all".parse().map_err(|_| MatchError::Name)?,
        purpose: purpose.clone(),
    })
}

/// SHA-256 of the manifest of the signed files that stand: others, and children are linked again.
pub(crate) fn decisions_sha256(store: &Store, purpose: &Purpose) -> Option<String> {
    store.manifest(&dataset(DECISIONS, purpose).ok()?).ok().map(|(_, sha256)| sha256)
}

/// Opens a dataset; nothing where there is none.
fn opened(
    store: &Store,
    dataset: &DatasetRef,
    keys: &mut dyn DatasetKeys,
) -> Result<Option<Dataset>, MatchError> {
    match store.dataset(dataset, keys) {
        Ok(dataset) => Ok(Some(dataset)),
        Err(StoreError::NoDataset { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Review {
    /// Reads what stands.
    ///
    /// # Errors
    /// A dataset that does not open, or is of a form that this release does not know.
    pub fn read(
        store: &Store,
        purpose: &Purpose,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Self, MatchError> {
        let mut review = Self::default();
        if let Some(dataset) = opened(store, &dataset(REVIEW, purpose)?, keys)? {
            each(&dataset, PAIRS, |batch| review.read_pairs(batch))?;
            each(&dataset, SIDES, |batch| review.read_sides(batch))?;
        }
        if let Some(dataset) = opened(store, &dataset(DECISIONS, purpose)?, keys)? {
            each(&dataset, FILES, |batch| review.read_files(batch))?;
        }
        for SignedFile { reviewer, text, .. } in &review.files {
            // The pairs were known when it was taken in.
            for (id, decision) in file::read(text, |_| true).map_err(|_| MatchError::Ledger)? {
                review.decided.entry(id).or_default().insert(reviewer.clone(), decision);
            }
        }
        Ok(review)
    }

    /// A hash of the deliveries that are linked.
    pub(crate) fn of(
        job: &Job<'_>,
        delivered: &[Delivered],
        keys: &mut dyn DatasetKeys,
    ) -> Result<Self, MatchError> {
        if let Ok((manifest, _)) = job.store.manifest(&dataset(REVIEW, job.purpose)?)
            && let Some(first) = delivered.first()
            && first.dataset.manifest().key_check != manifest.key_check
        {
            return Err(MatchError::OtherKey { dataset: manifest.dataset });
        }
        Self::read(job.store, job.purpose, keys)
    }

    fn read_pairs(&mut self, batch: &RecordBatch) -> Result<(), MatchError> {
        let ids = words(batch, 0)?;
        let open = batch.column(1).as_any().downcast_ref::<BooleanArray>();
        let open = open.ok_or(MatchError::Ledger)?;
        let two_pupils = batch.column(2).as_any().downcast_ref::<BooleanArray>();
        let two_pupils = two_pupils.ok_or(MatchError::Ledger)?;
        let parts: Vec<&StringArray> = (0..AGREEMENT_PARTS.len())
            .map(|part| words(batch, 3 + part))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let mut agreement = [Agreement::Missing; AGREEMENT_PARTS.len()];
            for (agreement, words) in agreement.iter_mut().zip(&parts) {
                let word = words.value(row);
                let all =
                    [Agreement::Agrees, Agreement::Near, Agreement::Differs, Agreement::Missing];
                let found = all.into_iter().find(|of| of.as_str() == word);
                *agreement = found.ok_or(MatchError::Ledger)?;
            }
            let pair = Pair {
                agreement,
                open: open.value(row),
                two_pupils: two_pupils.value(row),
                rows: Vec::new(),
                pupil: Vec::new(),
            };
            self.pairs.insert(ids.value(row).to_owned(), pair);
        }
        Ok(())
    }

    fn read_sides(&mut self, batch: &RecordBatch) -> Result<(), MatchError> {
        let (ids, sides, evidence) =
            (words(batch, 0)?, words(batch, 1)?, pseudonym_column(batch, 2)?);
        for row in 0..batch.num_rows() {
            let pair = self.pairs.get_mut(ids.value(row)).ok_or(MatchError::Ledger)?;
            let evidence = pseudonym(evidence, row).ok_or(MatchError::Ledger)?;
            match sides.value(row) {
                ROWS => pair.rows.push(evidence),
                PUPIL => pair.pupil.push(evidence),
                _ => return Err(MatchError::Ledger),
            }
        }
        Ok(())
    }

    fn read_files(&mut self, batch: &RecordBatch) -> Result<(), MatchError> {
        let [reviewers, texts, hashes, signatures] =
            [words(batch, 0)?, words(batch, 1)?, words(batch, 2)?, words(batch, 3)?];
        self.files.extend((0..batch.num_rows()).map(|row| SignedFile {
            reviewer: reviewers.value(row).to_owned(),
            text: texts.value(row).to_owned(),
            sha256: hashes.value(row).to_owned(),
            signature: signatures.value(row).to_owned(),
        }));
        Ok(())
    }

    /// Writes the pairs, where linking changed them.
    pub(crate) fn write(
        &self,
        before: &BTreeMap<String, Pair>,
        job: &Job<'_>,
        delivered: &[Delivered],
        keys: &mut dyn DatasetKeys,
    ) -> Result<(), MatchError> {
        if self.pairs == *before {
            return Ok(());
        }
        let flags = |of: fn(&Pair) -> bool| -> ArrayRef {
            Arc::new(self.pairs.values().map(|pair| Some(of(pair))).collect::<BooleanArray>())
        };
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("id".into(), texts(self.pairs.keys().map(String::as_str))),
            ("open".into(), flags(|pair| pair.open)),
            ("two_pupils".into(), flags(|pair| pair.two_pupils)),
        ];
        for (part, name) in AGREEMENT_PARTS.iter().enumerate() {
            let words = self.pairs.values().map(|pair| pair.agreement[part].as_str());
            columns.push(((*name).to_owned(), texts(words)));
        }
        let sides: Vec<(&str, &str, Pseudonym)> = (self.pairs.iter())
            .flat_map(|(id, pair)| {
                let rows = pair.rows.iter().map(|one| (id.as_str(), ROWS, *one));
                rows.chain(pair.pupil.iter().map(|one| (id.as_str(), PUPIL, *one)))
            })
            .collect();
        let sides = batch(vec![
            ("id".into(), texts(sides.iter().map(|side| side.0))),
            ("side".into(), texts(sides.iter().map(|side| side.1))),
            ("evidence".into(), pseudonyms(sides.iter().map(|side| side.2))?),
        ])?;
        let pairs = batch(columns)?;
        let definition = minster_store::sha256_hex(job.matching.as_bytes());
        let origin =
            Origin::datasets(definition, delivered.iter().map(Delivered::made_of).collect());
        let of = (&dataset(REVIEW, job.purpose)?, origin);
        let stamp = KeyOrigin::of(delivered)?;
        publish((job.store, job.run), keys, stamp, of, &[(PAIRS, &pairs), (SIDES, &sides)], &[])?;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn decide(&mut self, id: &str, reviewer: &str, decision: super::Decision) {
        self.decided.entry(id.to_owned()).or_default().insert(reviewer.to_owned(), decision);
    }

    pub(crate) fn pairs(&self) -> &BTreeMap<String, Pair> {
        &self.pairs
    }
}

/// Takes a signed file in: it stands beside those that were taken in before. Its signature must have been verified.
///
/// # Errors
/// [`MatchError::NoPairs`] where no pair was ever in doubt.
pub fn take(
    (store, purpose, run): (&Store, &Purpose, &RunId),
    file: SignedFile,
    keys: &mut dyn DatasetKeys,
) -> Result<(), MatchError> {
    let of_pairs = match store.manifest(&dataset(REVIEW, purpose)?) {
        Ok(found) => found,
        Err(StoreError::NoDataset { .. }) => return Err(MatchError::NoPairs),
        Err(error) => return Err(error.into()),
    };
    let mut files = Review::read(store, purpose, keys)?.files;
    files.push(file);
    let column = |of: fn(&SignedFile) -> &str| texts(files.iter().map(of));
    let table = batch(vec![
        ("reviewer".into(), column(|file| &file.reviewer)),
        ("text".into(), column(|file| &file.text)),
        ("sha256".into(), column(|file| &file.sha256)),
        ("signature".into(), column(|file| &file.signature)),
    ])?;
    let (pairs, sha256) = of_pairs;
    let origin = Origin::datasets(String::new(), vec![(pairs.dataset.clone(), sha256)]);
    let stamp = KeyOrigin { version: pairs.key_version, check: pairs.key_check };
    let of = (&dataset(DECISIONS, purpose)?, origin);
    publish((store, run), keys, stamp, of, &[(FILES, &table)], &[])?;
    Ok(())
}

fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

fn words(batch: &RecordBatch, column: usize) -> Result<&StringArray, MatchError> {
    let column = batch.columns().get(column).ok_or(MatchError::Ledger)?;
    column.as_any().downcast_ref::<StringArray>().ok_or(MatchError::Ledger)
}
