//! The tables and evidence that become a release if they are let out.

use minster_attack::ReleasableSet;
use minster_model::{Period, TableName};
use minster_store::Manifest;

use crate::{
    definition::release_definition::Definition,
    earlier_releases::{
        entry::{self, Entry, LetOut, Person, Published},
        sample::Sample,
    },
    protect::protect_sums::ReleasableSums,
    publish::{
        linkage_rates::PublishedLinkage, meanings::ColumnMeanings, protected_table::ProtectedTable,
    },
    tabulate::children::Children,
};

/// Tables that withstood the attack, and the files that hold them.
pub(crate) struct Made {
    pub(crate) definition: Definition,
    pub(crate) counts: ReleasableSet,
    pub(crate) sums: ReleasableSums,
    pub(crate) tables: Vec<ProtectedTable>,
    pub(crate) children: Children,
    pub(crate) sample: Sample,
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) sha256: String,
    pub(crate) policy_sha256: String,
    /// The rates of linkage that its files tell; none where it tells of none.
    pub(crate) linkage: Option<PublishedLinkage>,
    /// The meanings of the dataset's columns that its files tell.
    pub(crate) meanings: ColumnMeanings,
}

impl Made {
    /// The entry that the ledger holds of it, as the public would have it; `file` is its name in the ledger.
    pub(crate) fn entry(
        &self,
        period: &Period,
        integrated: &Manifest,
        by: Person,
        file: String,
    ) -> Entry {
        let let_out = Some(LetOut { by, policy_sha256: self.policy_sha256.clone() });
        Entry {
            format: entry::FORMAT,
            period: period.clone(),
            definition: self.definition.clone(),
            sha256: self.sha256.clone(),
            children: self.children,
            deliveries: entry::deliveries(integrated),
            tables: self.published(),
            let_out,
            linkage: self.linkage.clone(),
            meanings: self.meanings.clone(),
            file,
            recorded_sha256: String::new(),
            withdrawn: None,
        }
    }

    /// Its tables as the public would have them.
    pub(crate) fn published(&self) -> Vec<Published> {
        self.tables.iter().map(ProtectedTable::as_published).collect()
    }

    /// Cells of each table: their number, and how many are withheld.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&TableName, usize, usize)> {
        self.tables.iter().map(|table| {
            let (cells, withheld) = table.public.size();
            (&table.public.definition().name, cells, withheld)
        })
    }
}
