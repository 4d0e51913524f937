//! A file of keyed hashes, read whole and written anew without some of them.

use std::os::unix::fs::FileExt;

use minster_model::KeyVersion;
use zeroize::Zeroizing;

use super::{Batch, BatchParts, Place, RegistryFile, Sealer, anew};
use crate::{
    VaultFault,
    keys::{Keys, Link},
    log::RegistryHead,
};

/// The fate of a link as a file is written anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::registry) enum Fate {
    /// It stays, with its row.
    Stays,
    /// It stays, so that its pseudonym has a successor under other keys; nothing leads back from it any more.
    LosesItsRow,
    /// It goes.
    Goes,
}

impl Fate {
    /// The fate of a link that goes, or stays as it is.
    pub(in crate::registry) fn goes(goes: bool) -> Self {
        if goes { Self::Goes } else { Self::Stays }
    }
}

/// A batch, with its rows where it has any.
struct OpenedBatch<'a> {
    links: Vec<Link>,
    rows: Vec<Zeroizing<Vec<u8>>>,
    parts: BatchParts<'a>,
}

impl RegistryFile {
    /// Hands every row to `each`, with its link and its batch's subject. Rows are read from the disk, a batch at a time.
    pub(in crate::registry) fn each_row(
        &self,
        keys: &Keys,
        mut each: impl FnMut(&str, &Link, &[u8]) -> Result<(), VaultFault>,
    ) -> Result<(), VaultFault> {
        for place in &self.places {
            let body = self.body(place)?;
            let opened = self.opened(keys, &body)?;
            for (link, row) in opened.links.iter().zip(&opened.rows) {
                each(opened.parts.subject, link, row)?;
            }
        }
        Ok(())
    }

    /// Writes the file anew beside itself, each link as its `fate` says, and with further `more` at its end. It is durable
    /// when this returns, and put in its place by [`RegistryFile::open`] once the log names its head, which this gives.
    pub(in crate::registry) fn write_anew(
        &self,
        keys: &Keys,
        mut fate: impl FnMut(&Link) -> Fate,
        more: Option<(KeyVersion, Batch)>,
    ) -> Result<RegistryHead, VaultFault> {
        let path = anew(&self.path);
        if path.exists() {
            self.disk.remove(&path)?;
        }
        let (mut to, ..) =
            Self::open_at(self.book, &path, keys, &self.purpose, None, self.disk.clone())?;
        for place in &self.places {
            let body = self.body(place)?;
            let opened = self.opened(keys, &body)?;
            let (mut links, mut rows): (Vec<Link>, Vec<&[u8]>) = (Vec::new(), Vec::new());
            for (at, link) in opened.links.iter().enumerate() {
                let row = opened.rows.get(at).map(|row| row.as_slice());
                let row = match fate(link) {
                    Fate::Goes => continue,
                    Fate::Stays => row,
                    Fate::LosesItsRow => row.map(|_| &[][..]),
                };
                links.push(*link);
                rows.extend(row);
            }
            let BatchParts { version, subject, .. } = opened.parts;
            // A batch that is empty now has its place all the same: its subject may count by the order.
            to.append(keys, version, subject, links.into_iter(), &rows)?;
        }
        if let Some((version, Batch { subject, links })) = more {
            to.append(keys, version, &subject, links.into_iter(), &[])?;
        }
        Ok(to.head())
    }

    fn body(&self, place: &Place) -> Result<Vec<u8>, VaultFault> {
        let mut body = vec![0; place.length];
        self.file.read_exact_at(&mut body, place.at).map_err(VaultFault::io("read", &self.path))?;
        Ok(body)
    }

    fn opened<'a>(&self, keys: &Keys, body: &'a [u8]) -> Result<OpenedBatch<'a>, VaultFault> {
        let bad = |why| VaultFault::Registry { path: self.path.clone(), why };
        let parts = BatchParts::read(body).ok_or_else(|| bad("a batch of it was changed"))?;
        let sealer = Sealer::new(keys, self.book, &self.purpose, parts.version, parts.salt)?;
        let links = sealer.open(&sealer.index, parts.first, 0, parts.links);
        let links = links.ok_or_else(|| bad("a batch of it was changed"))?;
        let (links, _) = links.as_chunks::<32>();
        let mut rows = Vec::new();
        let mut rest = parts.rows;
        while let Some((length, more)) = rest.split_first_chunk::<2>() {
            let changed = || bad("a row of it was changed");
            let length = usize::from(u16::from_be_bytes(*length));
            let (row, more) = more.split_at_checked(length).ok_or_else(changed)?;
            let at = rows.len() as u32;
            let plain = sealer.open(&sealer.rows, parts.first + u64::from(at), at, row);
            rows.push(plain.ok_or_else(changed)?);
            rest = more;
        }
        Ok(OpenedBatch { links: links.to_vec(), rows, parts })
    }
}
