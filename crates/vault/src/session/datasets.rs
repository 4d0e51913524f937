//! Dataset keys: who may make and unwrap those of which class.

use minster_model::{DatasetClass, DatasetRef, Role, RunId};
use minster_vault_api::{Denial, Response, SealedRunKey, Unwrapped, WrappedKey};

use super::{Session, access::Access, fault};
use crate::{keys::Keys, log::Event, tokens};

impl Session<'_> {
    pub(super) fn create_key(&mut self, dataset: DatasetRef) -> Result<Response, Denial> {
        let makers: &[Role] = match dataset.class {
            DatasetClass::Source => &[Role::Ingest, Role::Linker],
            DatasetClass::Integrated => &[Role::Linker],
            DatasetClass::Report => &[Role::Analyst, Role::Linker],
            DatasetClass::Linkage => &[Role::Ingest],
        };
        self.allow(makers, "a new key of such a dataset")?;
        let role = self.asker()?.role;
        self.decide(|state| {
            let purpose = state.open_to(role, &dataset.purpose)?;
            // Ingestion makes rows of a source, and a purpose names its sources.
            if role == Role::Ingest {
                purpose.allow_source(&dataset.name)?;
            }
            let version = purpose.version;
            let (key, wrapped) = self.vault.keys().create(&dataset, version).map_err(fault)?;
            Ok((Event::CreatedKey { dataset, records: true }, Response::KeyCreated(key, wrapped)))
        })
    }

    pub(super) fn unwrap_key(
        &mut self,
        dataset: DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest: &str,
    ) -> Result<Response, Denial> {
        let readers: &[Role] = match dataset.class {
            DatasetClass::Source | DatasetClass::Linkage => &[Role::Linker],
            DatasetClass::Integrated => &[Role::Linker, Role::Analyst],
            DatasetClass::Report => &[Role::Analyst, Role::Auditor, Role::Linker],
        };
        self.allow(readers, "the key of such a dataset")?;
        let event = |dataset, run, manifest| Event::UnwrappedKey { dataset, run, manifest };
        // All that is held on a child stands in superseded snapshots too. They are read before the bundle is begun.
        let older = self.access.as_ref().is_some_and(Access::reads);
        self.opened(dataset, wrapped, run, (manifest, older), event)
    }

    /// Opens datasets of all classes but linkage datasets, the superseded ones too: the auditor's program searches them and
    /// tells counts. The linker, who may open them anyway, runs it: the auditor's role opens no rows about children.
    pub(super) fn scan_key(
        &mut self,
        dataset: DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest: &str,
    ) -> Result<Response, Denial> {
        let readers: &[Role] = match dataset.class {
            DatasetClass::Source | DatasetClass::Integrated | DatasetClass::Report => {
                &[Role::Linker]
            }
            DatasetClass::Linkage => &[],
        };
        self.allow(readers, "a scan")?;
        let event = |dataset, run, manifest| Event::ScannedKey { dataset, run, manifest };
        self.opened(dataset, wrapped, run, (manifest, true), event)
    }

    fn opened(
        &mut self,
        dataset: DatasetRef,
        wrapped: &WrappedKey,
        sealed: Option<&SealedRunKey>,
        (manifest, older): (&str, bool),
        event: impl FnOnce(DatasetRef, Option<RunId>, Option<String>) -> Event,
    ) -> Result<Response, Denial> {
        let role = self.asker()?.role;
        self.decide(|state| {
            let purpose = &dataset.purpose;
            let state = state.open_to(role, purpose)?;
            let version = Keys::wrapping_version(wrapped)
                .ok_or_else(|| Denial::WrongWrapping { dataset: dataset.clone() })?;
            if state.retired.contains(&version) {
                return Err(Denial::Retired { purpose: purpose.clone(), version });
            }
            state.manifests.check(&dataset, manifest, older)?;
            let key = self.vault.keys().unwrap(&dataset, wrapped)?;
            let (run, run_key) = match sealed {
                None => (None, None),
                Some(sealed) => {
                    let opened = match dataset.class {
                        DatasetClass::Source | DatasetClass::Linkage => {
                            tokens::reveal(self.vault.keys(), purpose, &dataset.name, sealed)
                        }
                        // Others hold pseudonyms.
                        DatasetClass::Integrated | DatasetClass::Report => None,
                    };
                    let wrong = || Denial::WrongWrapping { dataset: dataset.clone() };
                    opened.map(|(run, key)| (Some(run), Some(key))).ok_or_else(wrong)?
                }
            };
            let unwrapped = Response::KeyUnwrapped(Unwrapped { key, run: run_key });
            Ok((event(dataset, run, Some(manifest.to_owned())), unwrapped))
        })
    }
}
