//! The dataset of a delivery's parts for scored matching: begun beside the delivery's own, published after it.

use arrow::array::RecordBatch;
use minster_model::{DatasetRef, KeyVersion, Purpose};
use minster_store::{DatasetWriter, Origin, Store, TableWriter};
use minster_vault_api::OpenedRun;

use crate::{
    IngestError,
    delivery::{Planned, Run},
    linkage_rows::{self, LinkageRows},
    workers::OpenTable,
};

/// A linkage dataset that is being written.
pub(crate) struct LinkageWriter {
    /// The dataset whose rows it has.
    of: DatasetRef,
    writer: DatasetWriter,
    /// By the source's table; none where no column of it gives a part.
    tables: Vec<Option<TableWriter>>,
}

impl Planned {
    /// Whether a column gives a part to scored matching.
    pub(crate) fn has_parts(&self) -> bool {
        let mut columns = self.definition.tables.iter().flat_map(|table| table.columns.values());
        columns.any(|column| column.linkage.is_some())
    }

    /// Whether a column gives a part and the dataset that stands has no linkage dataset any more.
    pub(crate) fn lacks_parts(&self, store: &Store, purpose: &Purpose) -> bool {
        self.has_parts() && !store.has_linkage(&self.delivery.dataset(purpose))
    }

    /// Begins the linkage dataset, where a column gives a part.
    pub(crate) fn begin_linkage(
        &self,
        run: &mut Run<'_>,
        opened: &OpenedRun,
        tables: &[OpenTable],
    ) -> Result<Option<LinkageWriter>, IngestError> {
        if !self.has_parts() {
            return Ok(None);
        }
        let of = self.delivery.dataset(run.purpose);
        let dataset = of.linkage();
        let (key, wrapped) = run.vault.create_key(&dataset)?;
        let writer = run.store.stage(&dataset, run.id, key, wrapped)?;
        let writer = writer.of_run(opened.run_key.clone());
        let open = |table: &OpenTable| {
            let gives = !linkage_rows::giving(&table.plan).is_empty();
            let open = || writer.table(&table.name, linkage_rows::schema(&table.plan));
            gives.then(open).transpose()
        };
        let tables = tables.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Some(LinkageWriter { of, writer, tables }))
    }
}

impl LinkageWriter {
    /// Takes rows of a table.
    pub(crate) fn write(&mut self, table: usize, rows: &RecordBatch) -> Result<(), IngestError> {
        match &mut self.tables[table] {
            Some(table) => Ok(table.write(rows)?),
            None => Ok(()),
        }
    }

    /// Publishes it. It names the dataset whose rows it has by the hash of that one's manifest.
    pub(crate) fn publish(
        self,
        run: &mut Run<'_>,
        definition_sha256: &str,
        (version, check): (KeyVersion, String),
        parts: LinkageRows,
    ) -> Result<(), IngestError> {
        let mut entries = vec![parts.write(&self.writer)?];
        for table in self.tables.into_iter().flatten() {
            entries.push(table.finish()?);
        }
        let (_, sha256) = run.store.manifest(&self.of)?;
        let origin = Origin::datasets(definition_sha256.to_owned(), vec![(self.of, sha256)]);
        self.writer.publish(version, check, origin, entries, run.vault)?;
        Ok(())
    }
}
