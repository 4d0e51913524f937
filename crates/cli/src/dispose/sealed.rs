//! Sealed files of records before they leave: the archive of those that are made inaccessible, and bundles for the City Archives. The
//! vault encrypts both; this program finds the rows, and can open neither.

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
};

use minster_matcher::ids_led_to;
use minster_model::{DatasetClass, DatasetRef, Kind, Pseudonym, Purpose};
use minster_store::{Gone, Kept, Store};
use minster_vault_api::{AccessCounts, Client, DisposalParts, MadePart, PartUse};

use super::{DisposalKeys, List, city::CityFiles, lines::Lines, owners::Owners};
use crate::{
    access::{BundleFile, BundleWriter, Definitions},
    failure::Failure,
    pipeline::Loaded,
    stages,
};

/// A sealed file that stands.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub(super) of: PartUse,
    pub(super) made: MadePart,
    /// Its place; none where it was handed over before.
    pub(super) path: Option<PathBuf>,
}

impl Sealed {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "of": self.of, "file": self.made, "path": self.path })
    }
}

/// The rows that leave, and the datasets that they leave.
pub(super) struct Leaving<'a> {
    pub(super) store: &'a Store,
    pub(super) list: &'a List,
    /// Every dataset of the purpose, the one of ids last.
    pub(super) datasets: &'a [DatasetRef],
    pub(super) own_kinds: &'a std::collections::BTreeSet<Kind>,
    /// The pseudonyms of the list, with the ids of linked datasets that leave.
    pub(super) with_ids: &'a HashSet<Pseudonym>,
}

/// The persons of a part.
pub(super) struct PartPersons {
    /// Pseudonyms of their own numbers.
    pub(super) numbers: HashSet<Pseudonym>,
    /// The same, and their ids in linked datasets.
    pub(super) with_ids: HashSet<Pseudonym>,
}

/// Makes the sealed file of each part that has none yet. Run again after an interruption, it takes those that stand.
pub(super) fn make(
    (loaded, config): (&Loaded, &Path),
    leaving: &Leaving<'_>,
    folder: Option<&Path>,
    keys: &mut DisposalKeys<'_>,
) -> Result<Vec<Sealed>, Failure> {
    let list = leaving.list;
    if list.parts.is_empty() {
        return Ok(Vec::new());
    }
    let DisposalParts { made, has_begun } = keys.vault.disposal_parts(&list.head.list)?;
    let needs = |(of, _): &(PartUse, _)| *of == PartUse::CityArchives;
    if folder.is_none() && !has_begun && list.parts.iter().any(needs) {
        return Err(Failure::NoArchivesFolder);
    }
    let mut sealed = Vec::new();
    for (place, (of, numbers)) in (0u32..).zip(&list.parts) {
        let made = made.get(place as usize).cloned().flatten();
        let part = Part { place, of: *of, numbers };
        sealed.push(match of {
            PartUse::Archive => {
                let purpose = &list.head.purpose;
                let stands = leaving.store.archive_sha256(purpose, &list.head.list)?;
                let path = leaving.store.archive_path(purpose, &list.head.list);
                match made {
                    Some(made) if stands.as_ref() == Some(&made.sha256) => {
                        Sealed { of: *of, made, path: Some(path) }
                    }
                    Some(made) if has_begun => {
                        return Err(Failure::ArchiveLost { path, sha256: made.sha256 });
                    }
                    _ => Sealed {
                        of: *of,
                        made: part.archive((loaded, config), leaving, keys)?,
                        path: Some(path),
                    },
                }
            }
            PartUse::CityArchives => match (made, folder) {
                // It was there before the first row left: whoever carries it may have taken it away.
                (Some(made), _) if has_begun => Sealed { of: *of, made, path: None },
                (_, None) => return Err(Failure::NoArchivesFolder),
                (_, Some(folder)) => {
                    let name = format!("{}-{place}.zip.age", list.head.list);
                    let path = folder.join(name);
                    let made = part.bundle((loaded, config), leaving, &path, keys)?;
                    Sealed { of: *of, made, path: Some(path) }
                }
            },
        });
    }
    Ok(sealed)
}

struct Part<'a> {
    place: u32,
    of: PartUse,
    numbers: &'a HashSet<Pseudonym>,
}

impl Part<'_> {
    fn archive(
        &self,
        of: (&Loaded, &Path),
        leaving: &Leaving<'_>,
        keys: &mut DisposalKeys<'_>,
    ) -> Result<MadePart, Failure> {
        let list = &leaving.list.head;
        let mut file = leaving.store.new_archive(&list.purpose, &list.list)?;
        let path = leaving.store.archive_path(&list.purpose, &list.list);
        let made = self.write(of, leaving, keys, |bytes| {
            file.write_all(bytes).map_err(|source| Failure::Page { path: path.clone(), source })
        })?;
        file.finish()?;
        Ok(made)
    }

    fn bundle(
        &self,
        of: (&Loaded, &Path),
        leaving: &Leaving<'_>,
        path: &Path,
        keys: &mut DisposalKeys<'_>,
    ) -> Result<MadePart, Failure> {
        remove_unfinished(path)
            .map_err(|source| Failure::Page { path: path.to_owned(), source })?;
        let mut file = BundleFile::new(path)?;
        let mut rest = Vec::new();
        let made = self.write(of, leaving, keys, |bytes| {
            // The last bytes end the file, and come to it when all before them are durable.
            let before = std::mem::replace(&mut rest, bytes.to_vec());
            file.add(&before)
        })?;
        file.finish(&rest)?;
        Ok(made)
    }

    /// Has the vault encrypt the rows, and hands on what comes back.
    fn write(
        &self,
        (loaded, config): (&Loaded, &Path),
        leaving: &Leaving<'_>,
        keys: &mut DisposalKeys<'_>,
        mut out: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<MadePart, Failure> {
        let persons = self.persons(loaded, leaving, &mut keys.vault)?;
        let mut definitions = Definitions::read(loaded, config)?;
        let mut datasets = Vec::new();
        // Ids come first: they say whose the rows of other linked datasets are.
        let mut owners = Owners::default();
        for dataset in leaving.datasets.iter().rev() {
            if !matches!(dataset.class, DatasetClass::Source | DatasetClass::Integrated) {
                continue;
            }
            let opened = leaving.store.dataset(dataset, keys)?;
            let (gone, mine) = match dataset.class {
                DatasetClass::Integrated => (leaving.with_ids, &persons.with_ids),
                _ => (&leaving.list.pseudonyms, &persons.numbers),
            };
            let gone = Gone {
                list: &leaving.list.head.list,
                pseudonyms: gone,
                own_kinds: leaving.own_kinds,
            };
            let rows = opened.kept_rows(&Kept { gone: &gone, persons: mine })?;
            if !rows.is_empty() {
                datasets.push((opened, rows));
            }
        }
        let list = &leaving.list.head.list;
        keys.vault.begin_archive(list, self.place)?;
        let mut count = 0;
        let mut add = |bytes: &[u8]| {
            count += bytes.len() as u64;
            out(bytes)
        };
        let mut to = BundleWriter::new(&mut keys.vault, &mut add);
        let mut counts = AccessCounts { datasets: datasets.len() as u64, rows: 0 };
        let mut city = CityFiles::default();
        for (dataset, rows) in &datasets {
            let class = dataset.manifest().dataset.class;
            let (gone, mine) = match class {
                DatasetClass::Integrated => (leaving.with_ids, &persons.with_ids),
                _ => (&leaving.list.pseudonyms, &persons.numbers),
            };
            let gone = Gone { list, pseudonyms: gone, own_kinds: leaving.own_kinds };
            let kept = Kept { gone: &gone, persons: mine };
            counts.rows += rows.len();
            match self.of {
                PartUse::Archive => {
                    let hanging = owners.learn((dataset, rows), &kept, &persons)?;
                    let mut lines = Lines::new(dataset.manifest());
                    let mut at = 0;
                    dataset.each_kept(rows, &kept, |table, batch| {
                        lines.table(table, &mut definitions, &mut to)?;
                        for row in 0..batch.num_rows() {
                            let of = owners.of(batch, row, &persons, hanging.get(&at));
                            lines.row(table, batch, row, of, &mut to)?;
                            at += 1;
                        }
                        Ok::<_, Failure>(())
                    })?;
                }
                PartUse::CityArchives => dataset.each_kept(rows, &kept, |table, batch| {
                    city.rows(dataset.manifest(), table, batch, &mut definitions, &mut to)
                })?,
            }
        }
        if self.of == PartUse::CityArchives {
            city.end(&mut to)?;
        }
        to.flush()?;
        let ended = keys.vault.end_archive(counts)?;
        add(&ended.bytes)?;
        let AccessCounts { datasets, rows } = counts;
        Ok(MadePart { sha256: ended.sha256, bytes: count, rows, datasets })
    }

    fn persons(
        &self,
        loaded: &Loaded,
        leaving: &Leaving<'_>,
        vault: &mut Client,
    ) -> Result<PartPersons, Failure> {
        let purpose: &Purpose = &leaving.list.head.purpose;
        let led = ids_led_to(leaving.store, purpose, self.numbers, vault);
        let led = led.map_err(|error| stages::failed(loaded, error))?;
        let ids = led.ids.intersection(leaving.with_ids);
        let with_ids = self.numbers.iter().chain(ids).copied().collect();
        Ok(PartPersons { numbers: self.numbers.clone(), with_ids })
    }
}

/// Removes a bundle that a program left when it was stopped, whole or not: no row has left yet, and it is made anew.
fn remove_unfinished(path: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let (name, aside) = (name.to_os_string(), format!(".{}.", name.to_string_lossy()));
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        if found == name || found.to_string_lossy().starts_with(&aside) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
