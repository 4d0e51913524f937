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
    textfile::replace(&Disk::default(), &beside(textfile, "attempt", program), metrics)
}

/// Writes that an attempt begins, in a file of its own again: where the program is killed, no end follows, and a monitor sees that.
///
/// # Errors
/// [`StoreError::Io`] where the folder cannot be written to.
pub fn record_beginning(textfile: &Path, program: &str) -> Result<(), StoreError> {
    let mut metrics = Metrics::default();
    metrics.add(BEGUN, &[("program", program)], Timestamp::now().as_second());
    textfile::replace(&Disk::default(), &beside(textfile, "begun", program), metrics)
}

fn beside(textfile: &Path, what: &str, program: &str) -> PathBuf {
    let stem = textfile.file_stem().unwrap_or_default().to_string_lossy();
    textfile.with_file_name(format!("{stem}-{what}-{program}.prom"))
}

const BEGUN: Family =
    ("minster_attempt_last_begun_timestamp_seconds", "When the last attempt at a run began.");

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
    fn an_attempt_has_files_of_its_own_that_say_when_it_began_and_how_it_ended() {
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
        record_beginning(&textfile, "minster").unwrap();
        let said = read("minster-begun-minster.prom");
        assert!(
            said.contains("\nminster_attempt_last_begun_timestamp_seconds{program=\"minster\"} "),
            "{said}"
        );
        assert!(!textfile.exists());
    }
}
