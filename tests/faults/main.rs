//! Ingestion on a disk that fills, dies at any write, and among vaults, files and clocks that do what they
//! should not: what stood stands, and the next run gives what an undisturbed one does.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod place;

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use minster_pseudonymiser::{Event, IngestError, Ingestion, Options, Report};
use minster_store::Disk;
use minster_tests::text;
use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Content, Place};

/// Where a child process of a test finds its pipeline, and at which operation its disk dies.
const DIES: (&str, &str) = ("MINSTER_TEST_PIPELINE", "MINSTER_TEST_DIES_AFTER");

fn ingest(place: &Place, options: Options) -> Result<Report, IngestError> {
    Ingestion::load(&place.pipeline()).unwrap().run(&options)
}

/// On a disk that fails after so many operations.
fn ingest_on(place: &Place, disk: Disk) -> Result<Report, IngestError> {
    ingest(place, Options { disk, ..Options::default() })
}

/// Old deliveries stand, new ones lie in the drop folders; what both become is known.
struct Night {
    place: Place,
    old: Content,
    new: Content,
}

impl Night {
    fn new() -> Self {
        let place = Place::new();
        place.deliver(1);
        ingest(&place, Options::default()).unwrap();
        let old = place.content();
        place.keep();
        place.deliver(2);
        ingest(&place, Options::default()).unwrap();
        let new = place.content();
        assert!(old.sources != new.sources);
        place.put_back();
        Self { place, old, new }
    }

    /// Each source stands as it was, or as it is to be, whole.
    fn stands_whole(&self, when: &str) {
        let now = self.place.content();
        for (place, found) in now.sources.iter().enumerate() {
            let whole = *found == self.old.sources[place] || *found == self.new.sources[place];
            assert!(whole, "{when}: source {place}");
        }
    }

    /// The next run completes, with what an undisturbed one gives, and nothing is left over.
    fn next_run_completes(&self, when: &str) {
        let report = ingest(&self.place, Options::default());
        let report = report.unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(report.exit_code(), 3, "{when}");
        assert!(self.place.content() == self.new, "{when}");
        assert_eq!(self.place.left_over(), Vec::<String>::new(), "{when}");
    }
}

/// More operations than any of these runs needs. How many it needs differs by a few: an age header has
/// random stanzas.
const MANY: i64 = 2_000;

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing() {
    let night = Night::new();
    for after in 0..MANY {
        let when = format!("full after {after} operations");
        let disk = Disk::failing_after(after);
        match ingest_on(&night.place, disk.clone()) {
            Err(error) => {
                assert_eq!(error.exit_code(), 7, "{when}: {error}");
                night.stands_whole(&when);
            }
            Ok(_) if disk.operations_left().unwrap() >= 0 => {
                assert!(after > 50, "{after}");
                return;
            }
            // The textfile is a monitor's: without it the run goes on.
            Ok(_) => assert!(night.place.content() == night.new, "{when}"),
        }
        night.next_run_completes(&when);
        night.place.put_back();
    }
    panic!("the disk was full at every try");
}

#[test]
fn a_process_that_dies_at_any_write_loses_nothing() {
    let night = Night::new();
    for after in 0..MANY {
        let when = format!("died at operation {after}");
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "this_process_ingests_and_dies", "--nocapture"])
            .env(DIES.0, night.place.pipeline())
            .env(DIES.1, after.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        if ended.success() {
            assert!(after > 50, "{after}");
            return;
        }
        assert_eq!(ended.code(), None, "{when}");
        night.stands_whole(&when);
        night.next_run_completes(&when);
        night.place.put_back();
    }
    panic!("the process died at every try");
}

/// Does nothing but where another test starts it.
#[test]
fn this_process_ingests_and_dies() {
    let (Some(pipeline), Ok(after)) = (std::env::var_os(DIES.0), std::env::var(DIES.1)) else {
        return;
    };
    let disk = Disk::dying_after(after.parse().unwrap());
    let _ =
        Ingestion::load(pipeline.as_ref()).unwrap().run(&Options { disk, ..Options::default() });
}

/// The disturbance, carried out once, at a run's first event of a kind.
fn at(which: fn(&Event<'_>) -> bool, act: impl FnOnce() + Send + 'static) -> Options {
    let act = Mutex::new(Some(act));
    let told = move |event: &Event<'_>| {
        if which(event)
            && let Some(act) = act.lock().unwrap().take()
        {
            act();
        }
    };
    Options { told: Arc::new(told), ..Options::default() }
}

fn second_source_begins(event: &Event<'_>) -> bool {
    matches!(event, Event::SourceBegun(source) if source.name.as_str() == "missing")
}

fn first_bytes_are_read(event: &Event<'_>) -> bool {
    matches!(event, Event::Read(_))
}

#[test]
fn a_vault_that_goes_in_the_middle_stops_the_run_where_it_is() {
    let night = Night::new();
    let vault = Pid::from_raw(night.place.vault_pid() as i32).unwrap();
    let stop = move || {
        kill_process(vault, Signal::KILL).unwrap();
        // Its socket answers nobody from now.
        std::thread::sleep(Duration::from_millis(50));
    };
    let error = ingest(&night.place, at(second_source_begins, stop)).unwrap_err();
    assert_eq!(error.exit_code(), 6, "{error}");
    night.place.serve_again();
    let now = night.place.content();
    assert!(now.sources[0] == night.new.sources[0], "the first was published");
    assert!(now.sources[1] == night.old.sources[1], "the second stands as it was");
    night.next_run_completes("the vault went");
}

#[test]
fn a_file_that_goes_or_changes_while_it_is_read_publishes_nothing_of_its_source() {
    let night = Night::new();
    let path = night.place.at("missing/missing_episodes.csv");
    let whole = fs::read(&path).unwrap();
    for (what, act) in [
        (
            "goes",
            Box::new({
                let path = path.clone();
                move || fs::remove_file(path).unwrap()
            }) as Box<dyn FnOnce() + Send>,
        ),
        (
            "grows",
            Box::new({
                let path = path.clone();
                move || {
                    let mut file = fs::File::options().append(true).open(path).unwrap();
                    file.write_all(b"P99,,Bo,More,2011-05-06,AB1 2CD,2025-02-03,2025-02-04,low\n")
                        .unwrap();
                }
            }),
        ),
        (
            "is written over",
            Box::new({
                let (path, mut other) = (path.clone(), whole.clone());
                let last = other.len() - 2;
                other[last] = b'x';
                move || fs::write(path, other).unwrap()
            }),
        ),
    ] {
        // A file that goes is gone before it is opened; others change when it was.
        let is_there = what != "goes";
        let when = if is_there { first_bytes_are_read } else { second_source_begins };
        if is_there {
            // It alone is left to read.
            fs::rename(night.place.at("help"), night.place.at("help-aside")).unwrap();
            night.place.only_missing();
        }
        let error = ingest(&night.place, at(when, act)).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{what}: {error}");
        let now = night.place.content_of("missing");
        assert!(now == night.old.sources[1], "{what}");
        fs::write(&path, &whole).unwrap();
        if is_there {
            fs::rename(night.place.at("help-aside"), night.place.at("help")).unwrap();
            night.place.both();
        }
        night.next_run_completes(what);
        night.place.put_back();
    }
}

/// Files, snapshots and records from a time to come: the clock was ahead when they were made.
#[test]
fn a_clock_that_was_set_back_changes_nothing() {
    let night = Night::new();
    let ahead = SystemTime::now() + Duration::from_secs(400 * 86_400);
    for path in night.place.dropped().into_iter().chain(night.place.manifests()) {
        fs::File::open(path).unwrap().set_modified(ahead).unwrap();
    }
    for record in fs::read_dir(night.place.at("store/runs")).unwrap().flatten() {
        let whole = fs::read_to_string(record.path()).unwrap();
        let year = jiff::Timestamp::now().strftime("%Y-").to_string();
        fs::write(record.path(), whole.replace(&year, "2099-")).unwrap();
    }
    night.next_run_completes("the clock was set back");
    night.next_run_completes("and again");
}

#[test]
fn one_of_two_runs_at_once_gives_way() {
    let night = Night::new();
    let start = || {
        let pipeline = night.place.pipeline().display().to_string();
        let mut run = night.place.command("minster-ingest", &["run", "--config", &pipeline]);
        run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<_> = (0..4).map(|_| start()).collect();
    let mut codes = Vec::new();
    for run in runs {
        let ended = run.wait_with_output().unwrap();
        let code = ended.status.code();
        assert!([Some(3), Some(8)].contains(&code), "{}", text(&ended));
        codes.push(code);
    }
    assert!(codes.contains(&Some(3)));
    night.next_run_completes("four at once");
}
