//! The made-up council: its sources in their real layouts, with known truth. No shipped program links
//! it but `minster-synth`. It may depend on `minster-identifiers`.
//!
//! Every child follows from the seed and its own number alone, so that nothing grows with the council
//! but the files, and the bytes are the same whatever the thread count.
//!
//! ```
//! use minster_synth::{Council, Defects};
//!
//! let folder = std::env::temp_dir().join(format!("minster-synth-doc-{}", std::process::id()));
//! let council = Council { pupils: 40, seed: 1, days: 2, defects: Defects::none(), hard: false };
//! let rows = council.write(&folder.join("out"), &folder.join("truth"))?;
//! assert!(rows > 40);
//! # std::fs::remove_dir_all(&folder).ok();
//! # Ok::<(), minster_synth::SynthError>(())
//! ```
#![forbid(unsafe_code)]

mod attendance;
mod calendar;
mod census;
mod child;
mod cin;
mod council;
mod defects;
mod dice;
mod ethnicity;
mod file_pieces;
mod harder_council;
mod looked_after;
mod names;
mod numbers;
mod places;
mod safeguarding;
mod sen2;
mod services;
mod slips;
mod xml;

pub use council::{Council, SynthError};
pub use defects::Defects;
