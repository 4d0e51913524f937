//! Local users who want to stop the vault, or to fill its log: without a role, and with one.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    process::{Command, Output},
    time::{Duration, Instant},
};

use minster_model::{DatasetClass, Role};
use minster_vault::{disk::Disk, server::Limits};
use minster_vault_api::{
    Client, Denial, NamedFile, PROTOCOL, RecordedManifest, Request, Response, RunManifest,
    VaultError, frame,
};

use crate::common::{Site, dataset, denial, manifest};

/// A user of every Unix system, who runs nothing here.
const OTHER: u32 = 65_534;

/// A vault in which these uids hold all roles.
fn held_by(uids: &[u32]) -> Site {
    let site = Site::new();
    let toml = site.vault().join("vault.toml");
    let own = rustix::process::getuid().as_raw();
    let text = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text.replace(&format!("[{own}]"), &format!("{uids:?}"))).unwrap();
    site
}

fn entries(site: &Site) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(site.log()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks for the status as the other user, whom only root can become.
fn status_of_the_other(site: &Site) -> Option<Output> {
    if !rustix::process::getuid().is_root() {
        eprintln!("left out: only root can ask as another user");
        return None;
    }
    let folder = site.path("sock").parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let program = site.path("minster-vault");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_minster-vault"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut status = Command::new(&program);
    status.args(["status", "--json", "--role", "auditor", "--socket"]).arg(site.path("sock"));
    Some(status.uid(OTHER).gid(OTHER).current_dir("/").output().unwrap())
}

#[test]
fn a_stranger_is_told_so_and_costs_one_entry_however_often_it_comes() {
    let site = held_by(&[OTHER]);
    let own = rustix::process::getuid().as_raw();
    let serving = site.serve();
    let before = entries(&site).len();
    for _ in 0..500 {
        let denied = denial(serving.client(Role::Ingest));
        assert!(matches!(denied, Denial::Stranger { uid } if uid == own), "{denied}");
    }
    drop(serving);
    let added = entries(&site).split_off(before);
    let sums: Vec<_> = added.iter().filter(|entry| entry["event"] == "refused").collect();
    assert_eq!((sums.len(), added.len()), (1, 2), "a sum, and the end: {added:?}");
    assert_eq!(sums[0]["strangers"], serde_json::json!([{ "uid": own, "count": 500 }]));
    site.open(Disk::new()).unwrap();
}

/// The roles that undo a protection where one uid holds both; each other pair is somebody's daily work.
#[test]
fn the_status_names_each_dangerous_pair_of_roles_and_no_other() {
    let own = rustix::process::getuid().as_raw();
    let pairs = |roles: &[(&str, u32)]| {
        // The log takes the table over once.
        let site = Site::new();
        let toml = site.vault().join("vault.toml");
        let text: String = ["ingest", "linker", "analyst", "custodian", "auditor"]
            .iter()
            .map(|role| {
                let of = roles.iter().filter(|(name, _)| name == role).map(|(_, uid)| *uid);
                // Without a custodian no table is taken over.
                let third = (*role == "custodian").then_some(OTHER - 1);
                format!("{role} = {:?}\n", of.chain(third).collect::<Vec<_>>())
            })
            .collect();
        let whole = fs::read_to_string(&toml).unwrap();
        let (head, _) = whole.split_once("[roles]").unwrap();
        fs::write(&toml, format!("{head}[roles]\n{text}")).unwrap();
        let status = site.open(Disk::new()).unwrap().status().unwrap();
        let told = status.dangerous_roles.into_iter();
        told.map(|pair| format!("{} {} {}", pair.uid, pair.one, pair.other)).collect::<Vec<_>>()
    };
    let of = |one: &str, other: &str| format!("{OTHER} {one} {other}");
    for (one, other) in [
        ("ingest", "linker"),
        ("ingest", "auditor"),
        ("custodian", "ingest"),
        ("custodian", "linker"),
        ("custodian", "analyst"),
        ("custodian", "auditor"),
    ] {
        assert_eq!(pairs(&[(one, OTHER), (other, OTHER)]), [of(one, other)]);
        assert!(pairs(&[(one, OTHER), (other, own)]).is_empty(), "{one} and {other} are two");
    }
    for (one, other) in [("linker", "analyst"), ("linker", "auditor"), ("ingest", "analyst")] {
        assert!(pairs(&[(one, OTHER), (other, OTHER)]).is_empty(), "{one} and {other}");
    }
}

#[test]
fn strangers_who_keep_all_connections_open_leave_the_vault_to_its_users() {
    let site = held_by(&[OTHER]);
    let _serving = site.serve();
    let kept: Vec<UnixStream> =
        (0..200).map(|_| UnixStream::connect(site.path("sock")).unwrap()).collect();
    let Some(status) = status_of_the_other(&site) else { return };
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    // Each was told, and is closed.
    for mut stream in kept {
        let answer: Response = frame::read(&mut stream).unwrap();
        assert!(matches!(answer, Response::Denied(Denial::Stranger { .. })));
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn one_role_holder_s_conversations_leave_places_to_another() {
    let own = rustix::process::getuid().as_raw();
    let site = held_by(&[own, OTHER]);
    let serving = site.serve();
    let mut held: Vec<Client> = Vec::new();
    let denied = loop {
        assert!(held.len() < 1_000, "without a bound");
        match serving.client(Role::Ingest) {
            Ok(client) => held.push(client),
            Err(VaultError::Denied(denied)) => break denied,
            Err(other) => panic!("{other}"),
        }
    };
    let expected = Denial::NoPlace { uid: own, places: held.len() as u32 };
    assert_eq!(denied, expected);
    if let Some(status) = status_of_the_other(&site) {
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    }
    // One that ends leaves its place.
    held.pop();
    let begun = Instant::now();
    while serving.client(Role::Ingest).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "no place was given back");
    }
}

fn hello() -> Request {
    Request::Hello { protocol: PROTOCOL, role: Role::Ingest, program: "test".into() }
}

/// Whether the vault closes the connection, within ten seconds.
fn is_closed(mut stream: &UnixStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    matches!(stream.read(&mut [0]), Ok(0))
}

#[test]
fn a_conversation_that_stalls_ends_and_one_that_waits_does_not() {
    let site = Site::new();
    let short = Duration::from_millis(300);
    let limits = Limits { hello: short, message: short, ..Limits::default() };
    let serving = site.serve_within(Disk::new(), None, limits).unwrap();
    let connect = || UnixStream::connect(site.path("sock")).unwrap();
    // One that says nothing.
    assert!(is_closed(&connect()));
    // One that sends hello a byte at a time, each within the time of one.
    let slow = connect();
    let mut bytes = Vec::new();
    frame::write(&mut bytes, &hello()).unwrap();
    let sent = bytes.iter().all(|byte| {
        std::thread::sleep(short / 5);
        (&slow).write_all(&[*byte]).is_ok()
    });
    assert!(!sent, "hello came whole, {} bytes", bytes.len());
    // One that says hello, begins a message and stops.
    let begun = connect();
    frame::write(&mut &begun, &hello()).unwrap();
    let welcome: Response = frame::read(&mut &begun).unwrap();
    assert!(matches!(welcome, Response::Welcome { .. }));
    (&begun).write_all(&[9, 0]).unwrap();
    assert!(is_closed(&begun));
    // Between two messages a program works for long.
    let mut works = serving.client(Role::Ingest).unwrap();
    std::thread::sleep(3 * short);
    works.status().unwrap();
    drop((works, serving));

    let limits = Limits { idle: short, ..Limits::default() };
    let _serving = site.serve_within(Disk::new(), None, limits).unwrap();
    let idle = connect();
    frame::write(&mut &idle, &hello()).unwrap();
    let _: Response = frame::read(&mut &idle).unwrap();
    assert!(is_closed(&idle), "it would keep its place for ever");
}

#[test]
fn a_long_message_is_not_read_before_hello() {
    let site = Site::new();
    let _serving = site.serve();
    let stream = UnixStream::connect(site.path("sock")).unwrap();
    (&stream).write_all(&(1u32 << 20).to_le_bytes()).unwrap();
    assert!(is_closed(&stream));
}

/// One role fills neither the memory nor the log: a longer list is refused before it is kept, and the log says to whom.
#[test]
fn a_message_with_a_longer_list_or_text_than_it_may_hold_is_denied_and_ends_the_conversation() {
    let site = Site::new();
    let serving = site.serve();
    let file = |name: &str| NamedFile { name: name.into(), bytes: 1 };
    let run = |inputs| RunManifest { inputs, ..manifest("education", "census", 10) };
    let taken = RecordedManifest { dataset: dataset(DatasetClass::Source), sha256: "a".repeat(64) };
    let purpose = taken.dataset.purpose.clone();
    let requests = [
        Request::OpenRun(run(vec![file("a.csv"); 4_097])),
        Request::OpenRun(run(vec![file(&"a".repeat(1_025))])),
        Request::TakeOver { purpose, manifests: vec![taken; 10_001] },
    ];
    let before = entries(&site).len();
    for request in &requests {
        let stream = UnixStream::connect(site.path("sock")).unwrap();
        frame::write(&mut &stream, &hello()).unwrap();
        let _: Response = frame::read(&mut &stream).unwrap();
        frame::write(&mut &stream, request).unwrap();
        let Response::Denied(denied) = frame::read(&mut &stream).unwrap() else {
            panic!("granted")
        };
        assert!(denied.to_string().contains("longer than a message may hold"), "{denied}");
        assert!(is_closed(&stream));
    }
    // Each name is short enough, and all together are too much for an entry.
    let denied =
        denial(
            serving
                .client(Role::Ingest)
                .unwrap()
                .open_run(run(vec![file(&"a".repeat(1_024)); 513])),
        );
    assert!(denied.to_string().contains("bytes together"), "{denied}");
    let added = entries(&site).split_off(before);
    assert_eq!(added.iter().filter(|entry| entry["event"] == "denied").count(), 4);
    assert!(!added.iter().any(|entry| entry["event"] == "opened-run"), "{added:?}");
    // As many as are allowed are taken.
    serving.client(Role::Ingest).unwrap().open_run(run(vec![file("a.csv"); 4_096])).unwrap();
}

#[test]
fn denials_beyond_some_are_summed_in_the_log() {
    let site = Site::new();
    let own = rustix::process::getuid().as_raw();
    let limits = Limits { sum: Duration::from_secs(3600), ..Limits::default() };
    let serving = site.serve_within(Disk::new(), None, limits).unwrap();
    let mut client = serving.client(Role::Auditor).unwrap();
    for _ in 0..2_000 {
        assert!(matches!(denial(client.close_run(&[])), Denial::OutOfOrder { .. }));
    }
    drop((client, serving));
    let all = entries(&site);
    let of = |event: &str| all.iter().filter(|entry| entry["event"] == event).collect::<Vec<_>>();
    assert_eq!((of("denied").len(), of("refused").len()), (100, 1));
    assert_eq!(of("refused")[0]["denied"], serde_json::json!([{ "uid": own, "count": 1_900 }]));
    site.open(Disk::new()).unwrap();
}
