//! Shared by the readers' targets: a drop folder, reading all of it, and changing a whole file here and there.

use std::{fs, path::PathBuf, sync::OnceLock};

use minster_sources::{Definition, Plan, PlanError};

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap().keep())
}

/// Plans and reads one file of this name. Rows come out or an error; the rows are whole.
#[allow(dead_code)]
pub fn read(definition: &Definition, name: &str, content: &[u8]) {
    let path = folder().join(name);
    fs::write(&path, content).unwrap();
    let _ = read_all(definition);
    fs::remove_file(path).unwrap();
}

fn read_all(definition: &Definition) -> Result<(), PlanError> {
    for file in &Plan::make(definition, folder())?.files {
        minster_sources::read(
            definition,
            file,
            |_| {},
            |table, batch| {
                for row in 0..batch.len() {
                    for column in 0..definition.tables[table].columns.len() {
                        assert!(batch.field(row, column).len() <= 4 << 20);
                    }
                }
                true
            },
        )?;
    }
    Ok(())
}

/// Changes bytes of a whole file: two bytes say where, the third what.
#[allow(dead_code)]
pub fn changed(mut whole: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % whole.len();
        whole[place] = change[2];
    }
    whole
}
