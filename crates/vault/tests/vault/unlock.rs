//! A vault that starts locked, and the custodians who open it: the real program, from end to end.

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use minster_model::Role;
use minster_vault::{custody::Wanted, disk::Disk, folder};
use minster_vault_api::{Client, Denial, VaultError};

use crate::{common::Site, custody::identity, program::Office};

/// Two users of every Unix system, who run nothing here.
const ANN: u32 = 65_534;
const BEN: u32 = 65_533;
const PHRASE: &str = "correct horse battery staple";

/// Whether a secret stands in a file of a folder, or below it.
fn is_on_disk(folder: &Path, secret: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => is_on_disk(&path, secret),
            false => fs::read(path).is_ok_and(|bytes| holds(&bytes, secret)),
        }
    })
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    let (secret, first) = (secret.as_bytes(), secret.as_bytes()[0]);
    let places = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
    places.map(|(at, _)| &bytes[at..]).any(|rest| rest.starts_with(secret))
}

/// Whether a secret stands in the memory of a process; nothing where the memory may not be read.
fn is_in_memory(pid: u32, secret: &str) -> Option<bool> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let mut memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut found = false;
    let mut read = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_whitespace().next()?.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let mut bytes = vec![0; (u64::from_str_radix(to, 16).ok()? - from) as usize];
        if memory.seek(SeekFrom::Start(from)).is_ok() && memory.read_exact(&mut bytes).is_ok() {
            read += bytes.len();
            found |= holds(&bytes, secret);
        }
    }
    (read > 100_000).then_some(found)
}

fn is_open(office: &Office) -> bool {
    office.good("status --socket s").contains("purpose    education")
}

/// An office with a vault of two of three custodians, and a fourth identity that is none of theirs. Gives the secrets.
fn office() -> (Office, Vec<String>) {
    let office = Office::new();
    fs::create_dir(office.folder.path().join("home")).unwrap();
    office.keep("home/phrase", PHRASE);
    let mut init = "init --dir vault --purposes purposes.toml --threshold 2".to_owned();
    let mut secrets = Vec::new();
    for name in ["ann", "ben", "cat", "eve"] {
        let identity = age::x25519::Identity::generate();
        let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        office.keep(&format!("home/{name}.clear"), &format!("# {name}\n{secret}\n"));
        let seal = format!("custodian seal --key home/{name}.clear --out home/{name}");
        office.good(&format!("{seal} --key-passphrase-file home/phrase"));
        fs::remove_file(office.folder.path().join(format!("home/{name}.clear"))).unwrap();
        if name != "eve" {
            init += &format!(" --recipient {}", identity.to_public());
        }
        secrets.push(secret);
    }
    office.good(&init);
    (office, secrets)
}

fn unlock(name: &str) -> String {
    format!("unlock --socket s --identity home/{name} --key-passphrase-file home/phrase")
}

#[test]
fn two_of_three_custodians_open_a_vault_that_started_locked() {
    let (mut office, secrets) = office();
    let pid = office.start("--await-custodians");
    let socket = office.folder.path().join("s");
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = office.good("status --socket s");
    assert!(status.contains("LOCKED     0 of 2 shares"), "{status}");
    assert!(status.contains("custodians (2 of 3)") && status.contains("--single-user"), "{status}");

    // Nothing but a share and the status is answered, whoever asks.
    for role in Role::ALL {
        let mut client = Client::connect(&socket, role, "test").unwrap();
        let denied = |outcome: Result<(), VaultError>| match outcome {
            Err(VaultError::Denied(Denial::Locked { given: 0, needed: 2 })) => {}
            other => panic!("{role}: {other:?}"),
        };
        denied(client.proposals().map(drop));
        denied(client.statement().map(drop));
        denied(client.read_log(0).map(drop));
        denied(client.enact("0").map(drop));
        denied(client.exact_only(&"education".parse().unwrap()).map(drop));
        denied(client.open_run(crate::common::manifest("education", "census", 1)).map(drop));
    }
    let why = office.bad("rekey --dir vault --identity home/ann --new-key-file key", 8);
    assert!(why.contains("another process serves"), "{why}");

    let why = office.bad(&unlock("eve"), 6);
    assert!(why.contains("no identity of one of the vault's recipients"), "{why}");
    let said = office.good(&unlock("ann"));
    assert!(said.contains("1 of 2 shares are given; the vault stays locked"), "{said}");
    let why = office.bad(&unlock("ann"), 6);
    assert!(why.contains("holds it already"), "{why}");
    let why = office.bad("unlock --socket s --identity home/ann --clear-key", 2);
    assert!(why.contains("sealed under a passphrase"), "{why}");
    if let Some(found) = is_in_memory(pid, &secrets[0]) {
        assert!(found, "the search of the memory finds nothing");
    }
    let status = office.good("status --socket s");
    assert!(
        status.contains("LOCKED     1 of 2") && status.contains("wrong      1 shares"),
        "{status}"
    );
    assert!(!is_open(&office), "one share is not enough");
    let figures = office.good("metrics --socket s");
    assert!(figures.contains("\nminster_vault_locked 1\n"), "{figures}");
    assert!(figures.contains("\nminster_vault_wrong_shares 1\n"), "{figures}");

    let said = office.good(&unlock("cat"));
    assert!(said.contains("2 of 2 shares are given; the vault is open"), "{said}");
    assert!(is_open(&office));
    let figures = office.good("metrics --socket s");
    assert!(figures.contains("\nminster_vault_locked 0\n"), "{figures}");
    assert!(office.good(&unlock("ben")).contains("the vault is open already"));
    let vault = office.folder.path().join("vault");
    for secret in &secrets {
        assert!(!is_on_disk(&vault, secret) && !is_on_disk(&vault, PHRASE));
        match is_in_memory(pid, secret) {
            Some(found) => assert!(!found, "a share is left in the vault's memory"),
            None => eprintln!("LEFT OUT: the memory of the vault may not be read by this user"),
        }
    }
    assert!(!is_on_disk(&office.folder.path().join("auditor"), &secrets[0]));
    let own = rustix::process::getuid().as_raw();
    let log = office.good("log show --socket s --event unlocked");
    assert!(
        log.contains(&format!("unlocked by=[{own},{own}] refused=[{{\"count\":1,\"uid\":{own}}}] wrong=[{{\"count\":1,\"uid\":{own}}}]")),
        "{log}"
    );
    office.good("log verify --dir vault --checkpoints auditor");
    office.stop();

    // The shares are asked for again at the next start.
    office.start("--await-custodians");
    while Client::connect(&socket, Role::Auditor, "test").is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(office.good("status --socket s").contains("LOCKED     0 of 2"));
}

#[test]
fn wrong_shares_are_bounded_and_then_right_ones_refused_too() {
    let (mut office, _) = office();
    office.start("--await-custodians");
    while !office.folder.path().join("s").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    for left in (0..5).rev() {
        let why = office.bad(&unlock("eve"), 6);
        assert!(why.contains(&format!("{left} more wrong ones are taken")), "{why}");
    }
    let why = office.bad(&unlock("ann"), 6);
    assert!(why.contains("gave 5 wrong ones, and no more are taken"), "{why}");
    assert!(office.good("status --socket s").contains("LOCKED     0 of 2"));
}

#[test]
fn a_passphrase_opens_a_locked_vault_too() {
    let mut office = Office::new();
    office.keep("phrase", PHRASE);
    office.keep("wrong", "another phrase entirely");
    office.good("init --dir vault --purposes purposes.toml --passphrase-file phrase");
    let pid = office.start("--await-custodians");
    while !office.folder.path().join("s").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let why = office.bad("unlock --socket s --passphrase-file wrong", 6);
    assert!(why.contains("does not open the vault"), "{why}");
    let why = office.bad("unlock --socket s --identity phrase", 2);
    assert!(why.contains("leave --identity out"), "{why}");
    office.good("unlock --socket s --passphrase-file phrase");
    assert!(is_open(&office));
    if let Some(found) = is_in_memory(pid, PHRASE) {
        assert!(!found, "the passphrase is left in the vault's memory");
    }
}

/// A site whose vault two of three identities open, with its program where other users find it.
fn of_several_users() -> Option<(Site, Vec<PathBuf>)> {
    if !rustix::process::getuid().is_root() {
        eprintln!("LEFT OUT: only root can ask as other users");
        return None;
    }
    let site = Site::new();
    let names: Vec<PathBuf> =
        ["ann", "ben", "cat"].map(|name| site.path(&format!("{name}.id"))).into();
    let recipients: Vec<String> = names.iter().map(|name| identity(name)).collect();
    let wanted = Wanted::Recipients(recipients, 2);
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    let settings = site.vault().join("vault.toml");
    let text = fs::read_to_string(&settings).unwrap();
    let text = text.replace("custodian = [0]", &format!("custodian = [{ANN}, {BEN}]"));
    fs::write(&settings, text.replace("ingest = [0]", &format!("ingest = [{ANN}]"))).unwrap();
    let folder = site.path("vault").parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let program = site.path("minster-vault");
    fs::copy(env!("CARGO_BIN_EXE_minster-vault"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Some((site, names))
}

/// Gives a share as a user, who owns the file.
fn unlock_as(site: &Site, uid: u32, role: &str, identity: &Path) -> Output {
    chown(identity, Some(uid), Some(uid)).unwrap();
    let mut unlock = Command::new(site.path("minster-vault"));
    unlock.args(["unlock", "--clear-key", "--role", role, "--vault-uid", "0", "--socket"]);
    unlock.arg(site.path("sock")).arg("--identity").arg(identity);
    unlock.uid(uid).gid(uid).current_dir("/").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn each_custodian_gives_a_share_from_an_account_of_their_own() {
    let Some((site, names)) = of_several_users() else { return };
    let socket = site.path("sock");
    let mut vault = Command::new(site.path("minster-vault"))
        .args(["serve", "--await-custodians", "--dir"])
        .arg(site.vault())
        .arg("--socket")
        .arg(&socket)
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Root runs the vault, and is no custodian of it.
    let refused = unlock_as(&site, 0, "custodian", &names[0]);
    assert!(
        said(&refused).contains("uid 0 does not hold the role custodian"),
        "{}",
        said(&refused)
    );
    let refused = unlock_as(&site, ANN, "ingest", &names[0]);
    assert!(said(&refused).contains("the role ingest may not ask"), "{}", said(&refused));
    let stranger = unlock_as(&site, 12_345, "custodian", &names[0]);
    assert!(said(&stranger).contains("uid 12345 holds no role"), "{}", said(&stranger));
    let first = unlock_as(&site, ANN, "custodian", &names[0]);
    assert!(said(&first).contains("1 of 2"), "{}", said(&first));
    // One person with two sticks is one person.
    let twice = unlock_as(&site, ANN, "custodian", &names[1]);
    assert!(said(&twice).contains("gave one already"), "{}", said(&twice));
    let second = unlock_as(&site, BEN, "custodian", &names[1]);
    assert!(said(&second).contains("the vault is open"), "{}", said(&second));
    Client::connect(&socket, Role::Auditor, "test").unwrap().status().unwrap();
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(
        log.contains(&format!(
            "\"event\":\"unlocked\",\"by\":[{ANN},{BEN}],\"wrong\":[],\"refused\":[{{\"uid\":0,\"count\":1}},{{\"uid\":{ANN},\"count\":2}}]"
        )),
        "{log}"
    );
    let pid = rustix::process::Pid::from_child(&vault);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(vault.wait().unwrap().success());
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("\"strangers\":[{\"uid\":12345,\"count\":1}]"), "{log}");
}
