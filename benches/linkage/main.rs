//! Prints what linking made, read as the linker's role may read it, for the benches that must know it.
//!
//!     cargo bench --workspace --profile dev --bench linkage -- counts FOLDER
//!     cargo bench --workspace --profile dev --bench linkage -- accuracy FOLDER
//!     cargo bench --workspace --profile dev --bench linkage -- rows FOLDER
//!
//! FOLDER is the folder of a bench, with `config/pipeline.toml`, the store, and a vault that serves; for
//! `accuracy` the made-up council and its truth too. Not for a council's own
//! data: the programs that are shipped have nothing like it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a bench stops at the first thing that is not as expected")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

mod accuracy;
mod counts;
mod linked;
mod truth;

use std::path::Path;

use minster_model::{DatasetRef, Role, pipeline::Pipeline};
use minster_store::Store;
use minster_vault_api::Client;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["counts", folder] => counts::print(&mut Site::at(Path::new(folder))),
        ["accuracy", folder] => {
            let folder = Path::new(folder);
            accuracy::print(&mut Site::at(folder), folder);
        }
        ["rows", folder] => {
            let folder = Path::new(folder);
            for row in truth::Truth::read(&mut Site::at(folder), folder).rows {
                let (period, file, place) = &row.place;
                let linked = row.linked.map_or(String::new(), |linked| linked.to_string());
                println!(
                    "{}\t{period}\t{file}\t{place}\t{}\t{linked}\t{}\t{}",
                    row.source, row.child, row.how, row.defect
                );
            }
        }
        _ => eprintln!("run by `cargo xtask peers link` and `cargo xtask linkage`"),
    }
}

/// A bench's folder with what is needed to read its datasets.
struct Site {
    pipeline: Pipeline,
    store: Store,
    vault: Client,
}

impl Site {
    fn at(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("config/pipeline.toml")).unwrap();
        let pipeline: Pipeline = toml::from_str(&text).unwrap();
        Self {
            pipeline: pipeline.resolve(&folder.join("config")).unwrap(),
            store: Store::open(&folder.join("store")).unwrap(),
            vault: Client::connect(&folder.join("vault.sock"), Role::Linker, "bench").unwrap(),
        }
    }

    /// The datasets of all deliveries.
    fn deliveries(&self) -> Vec<DatasetRef> {
        let Pipeline { periods, purpose, .. } = &self.pipeline;
        periods.iter().flat_map(|period| period.datasets(purpose)).collect()
    }
}
