//! No pseudonym key outside the vault's process: the memory of `minster-ingest` and `minster` is
//! searched at several moments of a run. None of them leaves a core dump.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Seek, SeekFrom},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use minster_tests::Site;
use procfs::process::{MMPermissions, Process};
use ring::{aead, hkdf};
use rustix::process::{Pid, Signal, kill_process};

/// The header of `store.json` in the form that is bound to what it seals: its JSON without spaces.
fn header(text: &str) -> String {
    let lines: String = text.lines().map(str::trim_start).collect();
    let lines = lines.replace("\": ", "\":");
    let from = lines.find("\"header\":").unwrap() + "\"header\":".len();
    let mut open = 0;
    let end = lines[from..].find(|letter: char| {
        open += i32::from(letter == '{') - i32::from(letter == '}');
        open == 0
    });
    lines[from..=from + end.unwrap()].to_owned()
}

/// The key file's key, the root key, and every key that follows from it for the demo's purpose. The
/// derivation is written here a second time, from the documentation of the vault's keys.
fn secrets(site: &Site) -> Vec<(String, Vec<u8>)> {
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    };
    let sealing = unhex(fs::read_to_string(site.path("custody.key")).unwrap().trim());
    let text = fs::read_to_string(site.path("vault/store.json")).unwrap();
    let store: serde_json::Value = serde_json::from_str(&text).unwrap();
    let id = store["header"]["store_id"].as_str().unwrap();
    let mut root = unhex(store["sealed_root"].as_str().unwrap());
    let nonce = aead::Nonce::try_assume_unique_for_key(&root[..12]).unwrap();
    let bound = format!("minster vault store.json\nroot\n{}", header(&text));
    let cipher =
        aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &sealing).unwrap());
    let root = cipher
        .open_in_place(nonce, aead::Aad::from(bound.as_bytes()), &mut root[12..])
        .unwrap()
        .to_vec();
    let derived = |parts: &[&str]| -> Vec<u8> {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                32
            }
        }
        let mut label = b"minster/v1".to_vec();
        for part in parts {
            label.extend((part.len() as u32).to_be_bytes());
            label.extend(part.as_bytes());
        }
        let mut key = vec![0; 32];
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, id.as_bytes()).extract(&root);
        prk.expand(&[&label], Length).unwrap().fill(&mut key).unwrap();
        key
    };
    let mut secrets = vec![
        ("the key file's key".to_owned(), sealing),
        ("the link key".to_owned(), derived(&["link"])),
        ("the log's key".to_owned(), derived(&["log"])),
        ("the signing key's seed".to_owned(), derived(&["signature"])),
    ];
    for kind in ["upn", "la-child-id", "census-pupil-row", "match-key:name-dob"] {
        secrets.push((
            format!("the key of {kind}"),
            derived(&["pseudonym", "children-statistics", "1", kind]),
        ));
    }
    secrets.push(("the root key".to_owned(), root));
    secrets
}

/// All writable memory of a stopped process.
fn memory(pid: i32) -> Option<Vec<u8>> {
    let process = Process::new(pid).ok()?;
    let mut from = process.mem().ok()?;
    let mut memory = Vec::new();
    for map in process.maps().ok()? {
        if !map.perms.contains(MMPermissions::READ | MMPermissions::WRITE) {
            continue;
        }
        let (start, end) = map.address;
        if from.seek(SeekFrom::Start(start)).is_ok() {
            // Pages that were never touched cannot always be read.
            let _ = (&mut from).take(end - start).read_to_end(&mut memory);
        }
    }
    (!memory.is_empty()).then_some(memory)
}

fn holds(memory: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(memory, wanted).is_some()
}

fn child_of(pid: u32) -> Option<i32> {
    let main = Process::new(pid as i32).ok()?.task_main_thread().ok()?;
    main.children().ok()?.first().map(|child| *child as i32)
}

fn some_upns(site: &Site) -> BTreeSet<String> {
    let attendance =
        fs::read_to_string(site.path("council/attendance/2024-25/attendance.csv")).unwrap();
    let rows = attendance.lines().skip(1).step_by(8000);
    rows.map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

/// Waits until a run's child is there, or until it is gone again.
fn wait_for_ingest(run: &Child, there: bool) -> Option<i32> {
    let begun = Instant::now();
    while child_of(run.id()).is_some() != there {
        assert!(begun.elapsed() < Duration::from_secs(120), "the run does not come so far");
        std::thread::sleep(Duration::from_millis(2));
    }
    child_of(run.id())
}

#[test]
fn the_other_programs_leave_no_core_dump() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if !pattern.starts_with("core") {
        minster_tests::left_out(
            "the kernel writes no core dumps beside programs, see core_pattern",
        );
        return;
    }
    let site = Site::new();
    site.make_council(2000, 120);
    // The kernel does write one of a program that does nothing about it.
    let other = "ulimit -c unlimited && sh -c 'kill -ABRT $$'; true";
    Command::new("sh").args(["-c", other]).current_dir(site.folder()).status().unwrap();
    assert!(take_core(&site).is_some(), "the kernel writes core dumps");
    let command = format!(
        "ulimit -c unlimited && exec '{}' run --config '{}'",
        minster_tests::programs().join("minster").display(),
        site.path("config/pipeline.toml")
    );
    // Ingestion aborted early and late; then `minster`, while it waits, and while it links.
    let moments = [
        ("minster-ingest", false, 150),
        ("minster-ingest", false, 400),
        ("minster", false, 100),
        ("minster", true, 0),
    ];
    for (victim, ingested, after) in moments {
        abort(&site, &command, victim, ingested, Duration::from_millis(after));
        assert!(take_core(&site).is_none(), "{victim} left a core dump");
    }
}

/// Starts a run and aborts it, or its ingestion, some time after ingestion began or ended.
fn abort(site: &Site, command: &str, victim: &str, ingested: bool, after: Duration) {
    let mut run = Command::new("sh")
        .args(["-c", command])
        .current_dir(site.folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ingest = wait_for_ingest(&run, true).unwrap();
    if ingested {
        wait_for_ingest(&run, false);
    }
    std::thread::sleep(after);
    let pid = if victim == "minster" { run.id() as i32 } else { ingest };
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::ABORT);
    run.wait().unwrap();
    // An aborted `minster` leaves a child that goes on to its end.
    while Process::new(ingest).is_ok_and(|process| process.is_alive()) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The core dump in the site's folder, if there is one, which is then removed.
fn take_core(site: &Site) -> Option<Vec<u8>> {
    let entries = fs::read_dir(site.folder()).unwrap().map(|entry| entry.unwrap().path());
    let cores: Vec<_> = entries
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("core"))
        .collect();
    let core = fs::read(cores.first()?).unwrap();
    fs::remove_file(&cores[0]).unwrap();
    Some(core)
}

#[test]
fn no_key_in_the_memory_of_the_other_programs() {
    let site = Site::new();
    site.make_council(2000, 40);
    let secrets = secrets(&site);
    let upns = some_upns(&site);
    let config = site.path("config/pipeline.toml");
    let mut run = site
        .command("minster", &["run", "--config", &config])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut searched, mut raw_seen) = (0, false);
    while run.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(60));
        let ingest = child_of(run.id());
        for pid in ingest.into_iter().chain([run.id() as i32]) {
            let process = Pid::from_raw(pid).unwrap();
            if kill_process(process, Signal::STOP).is_err() {
                continue;
            }
            if let Some(memory) = memory(pid) {
                for (name, secret) in &secrets {
                    assert!(!holds(&memory, secret), "{name} is in the memory of process {pid}");
                }
                raw_seen |=
                    Some(pid) == ingest && upns.iter().any(|upn| holds(&memory, upn.as_bytes()));
                searched += 1;
            }
            let _ = kill_process(process, Signal::CONT);
        }
    }
    assert!(searched >= 4, "{searched}");
    assert!(raw_seen, "the search finds what must be there: raw numbers while they pass");
}

/// Whether the kernel holds the process to a list of calls: it says 2 of one with a filter.
fn is_filtered(pid: u32) -> bool {
    let process = Process::new(i32::try_from(pid).unwrap());
    process.and_then(|process| process.status()).is_ok_and(|status| status.seccomp == Some(2))
}

#[test]
fn ingestion_runs_under_a_list_of_allowed_calls() {
    let site = Site::new();
    site.make_council(2000, 40);
    let config = site.path("config/pipeline.toml");
    let mut run = site
        .command("minster-ingest", &["run", "--config", &config])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut filtered = false;
    while run.try_wait().unwrap().is_none() {
        // 2: the kernel asks a filter about each call.
        filtered |= is_filtered(run.id());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(filtered, "the kernel filters its calls");
}
