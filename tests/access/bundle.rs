//! A requester, and a bundle as the requester sees it.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use age::x25519::Identity;

/// Somebody who asks for a child's records.
pub(crate) struct Requester {
    identity: Identity,
    pub(crate) recipient: String,
}

/// The files of a bundle.
pub(crate) struct Bundle {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Requester {
    pub(crate) fn new() -> Self {
        let identity = Identity::generate();
        let recipient = identity.to_public().to_string();
        Self { identity, recipient }
    }

    /// Whether the requester's key opens it.
    pub(crate) fn opens(&self, bytes: &[u8]) -> bool {
        let identities = std::iter::once(&self.identity as &dyn age::Identity);
        age::Decryptor::new(bytes).unwrap().decrypt(identities).is_ok()
    }

    pub(crate) fn open(&self, bytes: &[u8]) -> Bundle {
        let decryptor = age::Decryptor::new(bytes).unwrap();
        let identities = std::iter::once(&self.identity as &dyn age::Identity);
        let mut plain = Vec::new();
        decryptor.decrypt(identities).unwrap().read_to_end(&mut plain).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(plain)).unwrap();
        let mut files = BTreeMap::new();
        for at in 0..archive.len() {
            let mut file = archive.by_index(at).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            files.insert(file.name().unwrap().into_owned(), bytes);
        }
        Bundle { files }
    }
}

impl Bundle {
    pub(crate) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(&self.files[name]).unwrap()
    }

    pub(crate) fn page(&self) -> &str {
        self.text("page.html")
    }

    /// The rows of a table; none where the bundle has none of it.
    pub(crate) fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        match self.files.contains_key(name) {
            true => rows(self.text(name)),
            false => Vec::new(),
        }
    }
}

/// The rows of a CSV, each as its cells by heading. A cell may hold what it likes.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut records = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut letters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = letters.next() {
        let record = records.last_mut().unwrap();
        match c {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                record.last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(String::new()),
            '\n' if !is_quoted => records.push(vec![String::new()]),
            '\r' if !is_quoted => {}
            c => record.last_mut().unwrap().push(c),
        }
    }
    records.retain(|record| record.len() > 1);
    let header = records.remove(0);
    let named = |record: Vec<String>| header.iter().cloned().zip(record).collect();
    records.into_iter().map(named).collect()
}
