//! `minster end-purpose`: removes all that the store has of a purpose whose end two custodians approved, and tells the vault what it
//! removed. Run again after an interruption, it goes on.

use std::fmt::Write as _;

use minster_model::{Purpose, Role, counted};
use minster_store::StoreRemoval;
use minster_vault_api::{Client, EndOrder};

use crate::{failure::Failure, pipeline::Loaded, report};

/// The outcome.
#[derive(Debug)]
pub(crate) struct Ended {
    purpose: Purpose,
    order: EndOrder,
    removal: StoreRemoval,
    /// Whether the vault was told: not where it was told before, and nothing was found again.
    is_told: bool,
}

pub(crate) fn end_purpose(loaded: &Loaded) -> Result<Ended, Failure> {
    let purpose = &loaded.pipeline.purpose;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Linker, "minster")?;
    let order = vault.end_order(purpose)?;
    let removal = store.end_purpose(purpose, &order.end.proposal)?;
    let is_nothing = removal.datasets.is_empty() && removal.files.is_empty();
    // The first word counts though nothing was found: the vault waits for it. After the certificate none is taken.
    let is_told = order.end.destroyed.is_none() && (order.end.removals == 0 || !is_nothing);
    if is_told {
        vault.tell_removal(purpose, removal.clone())?;
    }
    store.forget_ending()?;
    Ok(Ended { purpose: purpose.clone(), order, removal, is_told })
}

impl Ended {
    pub(crate) fn text(&self) -> String {
        let Self { purpose, order, removal, is_told } = self;
        let mut text = String::new();
        for of in &removal.datasets {
            let _ = writeln!(
                text,
                "{}: removed, {} and {}",
                of.dataset,
                counted(of.rows, "row", "rows"),
                counted(of.snapshots, "snapshot", "snapshots")
            );
        }
        for of in &removal.files {
            let _ = writeln!(text, "{}: {} removed", of.what, counted(of.files, "file", "files"));
        }
        if removal.unread > 0 {
            let _ = writeln!(
                text,
                "{} stand: their manifests cannot be read, so that nobody can tell whose they are, and nobody can open them; look at them, and \
                 remove them by hand",
                counted(removal.unread, "snapshot", "snapshots")
            );
        }
        if removal.drafts > 0 {
            let _ = writeln!(
                text,
                "{} stand: they may be another purpose's; none holds a count",
                counted(removal.drafts, "draft", "drafts")
            );
        }
        let _ = writeln!(
            text,
            "{} of {purpose} stand, as the public has them, and so does their ledger",
            counted(order.releases, "release", "releases")
        );
        text += &match (is_told, &order.end.destroyed) {
            (true, _) => format!(
                "the vault was told; a custodian finishes the end: minster-vault end-purpose finish --purpose {purpose} --out certificate.note\n"
            ),
            (false, Some(time)) => format!(
                "the vault destroyed its part on {}, and its certificate stands as it is: what was removed now came back into the store since\n",
                time.get(..10).unwrap_or_default()
            ),
            (false, None) => "nothing was found; the vault was told before\n".to_owned(),
        };
        text
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        let object = serde_json::json!({
            "format": 1,
            "purpose": self.purpose,
            "proposal": self.order.end.proposal,
            "removal": self.removal,
            "told": self.is_told,
            "releases_standing": self.order.releases,
        });
        report::json(&object)
    }
}
