//! How a program's last attempt at a run ended, whatever kept it from beginning one: a faulty definition, a store that
//! another run holds, a vault that does not answer. The run ledger tells of runs that began; without this, yesterday's
//! would stand as the last.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use minster_metrics::{Family, Metrics};

use super::textfile;
use crate::{StoreError, disk::Disk};

/// Writes the attempt's end beside a textfile, in a file of its own for each program: `minster.prom` has
/// `minster-attempt-minster-ingest.prom` beside it. The node exporter reads every `*.prom` of a folder. It needs no
/// store.
///
/// # Errors
/// [`StoreError::Io`] where the folder cannot be written to.
pub fn record_attempt(textfile: &Path, program: &str, exit: u8) -> Result<(), StoreError> {
    let metrics = figures(program, exit, Timestamp::now());
    textfile::replace(&Disk::default(), &beside(textfile, program), metrics)
}

fn beside(textfile: &Path, program: &str) -> PathBuf {
    let stem = textfile.file_stem().unwrap_or_default().to_string_lossy();
    textfile.with_file_name(format!("{stem}-attempt-{program}.prom"))
}

const EXIT: Family =
    ("minster_attempt_last_exit_code", "How the last attempt at a run ended, begun or not.");
const ENDED: Family = ("minster_attempt_last_timestamp_seconds", "When it ended.");

fn figures(program: &str, exit: u8, at: Timestamp) -> Metrics {
    let label = [("program", program)];
    let mut metrics = Metrics::default();
    metrics.add(EXIT, &label, exit);
    metrics.add(ENDED, &label, at.as_second());
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_a_file_of_its_own_that_says_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let textfile = folder.path().join("minster.prom");
        record_attempt(&textfile, "minster", 8).unwrap();
        record_attempt(&textfile, "minster-ingest", 0).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let said = read("minster-attempt-minster.prom");
        assert!(
            said.contains("\nminster_attempt_last_exit_code{program=\"minster\"} 8\n"),
            "{said}"
        );
        assert!(read("minster-attempt-minster-ingest.prom").contains("ingest\"} 0\n"));
        assert!(!textfile.exists());
    }
}
