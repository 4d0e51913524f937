//! Linking and releasing on a disk that fills or dies at any write: what stood stands, and the next run gives
//! what an undisturbed one does.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use arrow::{array::RecordBatch, compute::concat_batches};
use minster_aggregator::{
    AggregateError, Job, Person, ReleaseReport, SharedColumns, draft, let_out, withdraw,
};
use minster_matcher::{CHILDREN, MatchError, integrated};
use minster_model::{Period, Role, RunId, pipeline::Pipeline};
use minster_store::{Disk, Manifest, Store, StoreError, name_by_clock};
use minster_tests::{Site, files, left_over, text};
use minster_vault_api::Client;

/// Where a child process of a test finds the folder, what it does there, and at which operation its disk dies.
const DIES: [&str; 3] = ["MINSTER_TEST_FOLDER", "MINSTER_TEST_STAGE", "MINSTER_TEST_DIES_AFTER"];

/// More operations than either stage needs. How many it needs differs by a few: an age header has random stanzas.
const MANY: i64 = 1_000;

/// A release about the same children as the example's.
const OTHER: &str = r#"
name = "other"
threshold = 5
zeros = "may-be-withheld"
profile = "dfe"
insider = 0
population = "spine"

[[dimension]]
name = "sex"
column = "sex"
total = "All"
codes = ["F", "M"]

[[table]]
name = "by_sex"
dimensions = ["sex"]
"#;

/// Both stages of the pipeline in a folder, in this process.
struct Stages {
    folder: PathBuf,
    pipeline: Pipeline,
    /// The site, but in the process that dies.
    site: Option<Site>,
}

impl Stages {
    fn new(folder: &Path, site: Option<Site>) -> Self {
        let config = folder.join("config");
        let text = fs::read_to_string(config.join("pipeline.toml")).unwrap();
        let pipeline: Pipeline = toml::from_str(&text).unwrap();
        Self { folder: folder.to_owned(), pipeline: pipeline.resolve(&config).unwrap(), site }
    }

    fn period(&self) -> &Period {
        &self.pipeline.periods.iter().next().unwrap().name
    }

    fn store(&self, disk: Disk) -> Result<Store, StoreError> {
        Store::open_on(&self.pipeline.store, disk)
    }

    fn vault(&self, role: Role) -> Client {
        Client::connect(&self.pipeline.vault.socket, role, "test").unwrap()
    }

    fn link(&self, disk: Disk) -> Result<Manifest, MatchError> {
        let (pipeline, store) = (&self.pipeline, self.store(disk)?);
        let _lock = store.lock()?;
        let mut vault = self.vault(Role::Linker);
        let (store, _) = store.settled(&pipeline.purpose, &mut vault)?;
        let job = minster_matcher::Job {
            store: &store,
            purpose: &pipeline.purpose,
            periods: &pipeline.periods,
            run: &run(),
            matching: &fs::read_to_string(&pipeline.matching).unwrap(),
            listed: &minster_matcher::Listed::default(),
            again: false,
            households: false,
        };
        minster_matcher::link(&job, &mut vault).map(|mut linked| linked.remove(0).manifest)
    }

    fn work<T>(
        &self,
        disk: Disk,
        work: impl FnOnce(&Job<'_>, &mut Client) -> Result<T, AggregateError>,
    ) -> Result<T, AggregateError> {
        let (pipeline, store) = (&self.pipeline, self.store(disk)?);
        let _lock = store.lock()?;
        let mut vault = self.vault(Role::Analyst);
        let (store, _) = store.settled(&pipeline.purpose, &mut vault)?;
        let job = Job {
            store: &store,
            dataset: &integrated(&pipeline.purpose, self.period()).unwrap(),
            children: &CHILDREN.parse().unwrap(),
            period: self.period(),
            days: None,
            columns: &SharedColumns::default(),
            run: &run(),
            lookups: &pipeline.lookups,
            boundaries: &pipeline.boundaries,
            meanings: &minster_aggregator::ColumnMeanings::new(),
            notice: &|_| {},
        };
        work(&job, &mut vault)
    }

    fn draft(&self, definition: &str, disk: Disk) -> Result<ReleaseReport, AggregateError> {
        self.work(disk, |job, vault| draft(job, definition, vault))
    }

    fn let_out(&self, name: &str, disk: Disk) -> Result<(), AggregateError> {
        let released =
            self.work(disk, |job, vault| let_out(job, &name.parse().unwrap(), &person(), vault));
        match released {
            // A release that was let out to its end before the disk failed has no draft any more.
            Err(AggregateError::Draft(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    fn withdraw(&self, name: &str, disk: Disk) -> Result<(), AggregateError> {
        self.work(disk, |job, vault| {
            let (name, purpose) = (name.parse().unwrap(), &self.pipeline.purpose);
            let which = (&name, job.period, purpose);
            withdraw(job.store, which, &person(), "a file was cut off", vault).map(drop)
        })
    }

    /// The integrated dataset's rows, and what is said of how they were linked.
    fn linked(&self) -> (RecordBatch, Vec<u8>) {
        let dataset = integrated(&self.pipeline.purpose, self.period()).unwrap();
        let store = self.store(Disk::default()).unwrap();
        let _lock = store.lock().unwrap();
        let mut vault = self.vault(Role::Linker);
        let (store, _) = store.settled(&self.pipeline.purpose, &mut vault).unwrap();
        let reader = store.dataset(&dataset, &mut vault).unwrap();
        let report = reader.read_locked("linkage.json").unwrap();
        let reader = reader.table(&CHILDREN.parse().unwrap(), None).unwrap();
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        (concat_batches(&schema, &batches).unwrap(), report)
    }

    /// The public files, one by one.
    fn released(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.pipeline.store.join("releases")).into_iter().collect()
    }

    fn site(&self) -> &Site {
        self.site.as_ref().unwrap()
    }

    /// Does a stage in another process, whose disk dies; whether it did not.
    fn survives(&self, stage: &str, after: i64) -> bool {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "this_process_does_a_stage_and_dies", "--nocapture"])
            .envs(DIES.into_iter().zip([
                self.folder.as_os_str(),
                stage.as_ref(),
                after.to_string().as_ref(),
            ]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(ended.success() || ended.code().is_none(), "{stage} after {after}");
        ended.success()
    }
}

fn person() -> Person {
    Person { uid: 1000, user: None, at: "2026-11-28T09:00:00Z".into() }
}

fn run() -> RunId {
    name_by_clock(jiff::Timestamp::now()).unwrap()
}

/// A council whose deliveries were linked; since then one source was corrected.
fn site() -> Stages {
    let site = Site::new();
    site.make_council(400, 1);
    let folder = site.folder().to_owned();
    let stages = Stages::new(&folder, Some(site));
    let site = stages.site();
    let config = site.path("config/pipeline.toml");
    let ingest = |more: &[&str]| {
        let arguments = [&["run", "--config", config.as_str()], more].concat();
        let ingested = site.run("minster-ingest", &arguments);
        assert_eq!(ingested.status.code(), Some(3), "{}", text(&ingested));
    };
    ingest(&[]);
    stages.link(Disk::default()).unwrap();
    let early_help = site.folder().join("council/early_help/2024-25/early_help.csv");
    let whole = fs::read_to_string(&early_help).unwrap();
    let shorter: Vec<&str> = whole.lines().collect();
    fs::write(&early_help, shorter[..shorter.len() / 2].join("\n") + "\n").unwrap();
    // Half of the rows are gone: somebody has looked at the delivery, and takes it.
    ingest(&["--accept", "early_help"]);
    stages
}

/// Does a stage again and again on the store that is kept, on disks that fail and on disks that die one operation
/// later each time. After each the old or the new stands, and the new once the stage was done undisturbed.
fn disturbed<T: PartialEq>(
    stages: &Stages,
    stage: &str,
    act: impl Fn(Disk) -> Result<(), String>,
    stands: impl Fn() -> T,
    [old, new]: [T; 2],
) {
    for dies in [false, true] {
        let mut ended = false;
        for after in 0..MANY {
            let when = format!("{stage}, operation {after}, dies: {dies}");
            let undisturbed = match dies {
                true => stages.survives(stage, after),
                false => {
                    let disk = Disk::failing_after(after);
                    let is_done = act(disk.clone()).is_ok();
                    assert!(!is_done || disk.operations_left().unwrap() >= 0, "{when}");
                    is_done
                }
            };
            if undisturbed {
                assert!(after > 10, "{when}");
                ended = true;
                break;
            }
            let now = stands();
            assert!(now == old || now == new, "{when}");
            act(Disk::default()).unwrap_or_else(|error| panic!("{when}: {error}"));
            assert!(stands() == new, "{when}");
            assert_eq!(left_over(&stages.pipeline.store), Vec::<String>::new(), "{when}");
            stages.site().put_back();
        }
        assert!(ended, "{stage}: more than {MANY} operations");
        stages.site().put_back();
    }
}

#[test]
fn linking_leaves_the_old_or_the_new_children() {
    let stages = site();
    let old = stages.linked();
    stages.site().keep();
    stages.link(Disk::default()).unwrap();
    let new = stages.linked();
    assert!(old != new);
    stages.site().put_back();
    disturbed(
        &stages,
        "link",
        |disk| stages.link(disk).map(drop).map_err(|error| error.to_string()),
        || stages.linked(),
        [old, new],
    );
}

/// A council with one release let out, and another drafted.
fn drafted() -> Stages {
    let stages = site();
    stages.link(Disk::default()).unwrap();
    let definition = fs::read_to_string(stages.folder.join("config/tables/children.toml")).unwrap();
    stages.draft(&definition, Disk::default()).unwrap();
    stages.let_out("children", Disk::default()).unwrap();
    let old = stages.released();
    stages.draft(OTHER, Disk::default()).unwrap();
    assert!(old == stages.released(), "a draft changes nothing public");
    stages.site().keep();
    stages
}

#[test]
fn letting_out_leaves_what_stood_and_a_whole_release_or_none() {
    let stages = drafted();
    let old = stages.released();
    stages.let_out("other", Disk::default()).unwrap();
    let new = stages.released();
    assert!(old.iter().all(|(path, bytes)| new.get(path) == Some(bytes)) && new.len() > old.len());
    stages.site().put_back();
    disturbed(
        &stages,
        "release",
        |disk| stages.let_out("other", disk).map_err(|error| error.to_string()),
        || stages.released(),
        [old, new],
    );
}

#[test]
fn withdrawing_leaves_a_release_that_is_current_or_one_that_is_said_to_be_withdrawn() {
    let stages = drafted();
    // The release that readers take for current, and whether they are told.
    let seen = || {
        let place = stages.pipeline.store.join("releases/children/2024-25");
        (place.join("current/manifest.json").exists(), place.join("WITHDRAWN.txt").exists())
    };
    assert_eq!(seen(), (true, false));
    for after in 0..MANY {
        let disk = Disk::failing_after(after);
        let done = stages.withdraw("children", disk).is_ok();
        assert!(seen().0 || seen().1, "operation {after}");
        stages.withdraw("children", Disk::default()).unwrap();
        assert_eq!(seen(), (false, true), "operation {after}");
        assert_eq!(left_over(&stages.pipeline.store), Vec::<String>::new(), "operation {after}");
        stages.site().put_back();
        if done {
            assert!(after > 5);
            return;
        }
    }
    panic!("more than {MANY} operations");
}

/// Does nothing but where another test starts it.
#[test]
fn this_process_does_a_stage_and_dies() {
    let [folder, stage, after] = DIES.map(|name| std::env::var(name).ok());
    let (Some(folder), Some(stage), Some(after)) = (folder, stage, after) else { return };
    let stages = Stages::new(folder.as_ref(), None);
    let disk = Disk::dying_after(after.parse().unwrap());
    match stage.as_str() {
        "link" => drop(stages.link(disk).unwrap()),
        _ => stages.let_out("other", disk).unwrap(),
    }
}
