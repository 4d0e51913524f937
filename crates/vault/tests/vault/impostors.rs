//! Another who listens where the vault did, and wants to be told children's numbers.

use std::{
    fs,
    io::Read,
    os::unix::{
        fs::{PermissionsExt, chown},
        net::{UnixListener, UnixStream},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use minster_model::{Role, pipeline::VaultAddress};
use minster_vault_api::{
    Client, PROTOCOL, Proof, Request, Response, VaultError, frame,
    note::{NoteError, Verifier},
};

use crate::common::{Site, batch, kind, manifest};

/// A user of every Unix system, who runs nothing here.
const OTHER: u32 = 65_534;

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Acts as a program of ingestion: it asks about one child as soon as it may.
fn tell_of_a_child(address: &VaultAddress) -> Result<(), VaultError> {
    let mut client = Client::connect_to(address, Role::Ingest, "test")?;
    client.open_run(manifest("education", "census", 10))?;
    client.pseudonymise(&kind("upn"), batch(&["Z897200123000"])).map(drop)
}

fn verifier(site: &Site) -> String {
    let served = site.serve();
    served.client(Role::Auditor).unwrap().status().unwrap().verifier
}

/// Listens, lets one caller connect and gives what `hear` took from the conversation.
fn listening<T: Send>(
    socket: &Path,
    hear: impl FnOnce(UnixStream) -> T + Send,
    meanwhile: impl FnOnce(),
) -> T {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::scope(|scope| {
        let heard = scope.spawn(|| hear(listener.accept().unwrap().0));
        meanwhile();
        heard.join().unwrap()
    })
}

#[test]
fn a_socket_of_another_user_than_the_named_one_hears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let expected = own() + 1;
    let address = VaultAddress { uid: Some(expected), ..VaultAddress::at(&socket) };
    let all = |mut stream: UnixStream| {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).map(|_| heard).unwrap()
    };
    let heard = listening(&socket, all, || {
        let refused = tell_of_a_child(&address).unwrap_err();
        let named = matches!(refused, VaultError::OtherUid { uid, expected: named, .. }
            if uid == own() && named == expected);
        assert!(named, "{refused}");
    });
    assert_eq!(heard, b"", "not so much as hello");
}

/// The stranger's vault gives every role to everybody who might come.
#[test]
fn a_stranger_s_vault_is_told_nothing_where_no_user_is_named() {
    if own() != 0 {
        eprintln!("left out: only root can serve as another user");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = || fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open()).unwrap();
    let (program, home) = (folder.path().join("minster-vault"), folder.path().join("home"));
    fs::copy(env!("CARGO_BIN_EXE_minster-vault"), &program).unwrap();
    fs::set_permissions(&program, open()).unwrap();
    fs::create_dir(&home).unwrap();
    chown(&home, Some(OTHER), Some(OTHER)).unwrap();
    fs::write(folder.path().join("purposes.toml"), crate::common::PURPOSES).unwrap();
    let of = |arguments: &str| {
        let mut command = Command::new(&program);
        command.args(arguments.split(' ')).current_dir(&home).uid(OTHER).gid(OTHER);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let made = of("init --dir v --key-file k --purposes ../purposes.toml").status().unwrap();
    assert!(made.success());
    let settings = home.join("v/vault.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace(&format!("[{OTHER}]"), &format!("[0, {OTHER}]"))).unwrap();
    let mut vault = of("serve --single-user --dir v --key-file k --socket s").spawn().unwrap();
    let socket = home.join("s");
    let begun = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the stranger's vault does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
    let unnamed = tell_of_a_child(&VaultAddress::at(&socket));
    let named = VaultAddress { uid: Some(OTHER), ..VaultAddress::at(&socket) };
    let named = tell_of_a_child(&named);
    vault.kill().unwrap();
    vault.wait().unwrap();
    let unnamed = unnamed.unwrap_err();
    assert!(matches!(unnamed, VaultError::UnnamedUid { uid: OTHER, .. }), "{unnamed}");
    named.unwrap();
    let log = fs::read_to_string(home.join("v/log.jsonl")).unwrap();
    assert_eq!(log.matches("\"event\":\"pseudonymised\"").count(), 1, "for the named user alone");
}

#[test]
fn a_vault_with_another_key_is_told_nothing() {
    let (ours, theirs) = (Site::new(), Site::new());
    let (ours_key, theirs_key) = (verifier(&ours), verifier(&theirs));
    let _serving = theirs.serve();
    let at = |verifier: &str| VaultAddress {
        verifier: Some(verifier.to_owned()),
        ..VaultAddress::at(theirs.path("sock"))
    };
    let before = fs::read_to_string(theirs.log()).unwrap();
    let refused = tell_of_a_child(&at(&ours_key)).unwrap_err();
    assert!(matches!(refused, VaultError::OtherKey { why: NoteError::OtherKey, .. }), "{refused}");
    let refused = tell_of_a_child(&at("no key")).unwrap_err();
    assert!(matches!(refused, VaultError::BadVerifier(NoteError::Key)), "{refused}");
    assert_eq!(fs::read_to_string(theirs.log()).unwrap(), before, "nothing was asked of it");
    tell_of_a_child(&at(&theirs_key)).unwrap();
}

/// It passes a question on to the true vault, or answers with a proof that it once was given.
#[test]
fn a_proof_for_another_caller_or_another_challenge_is_worth_nothing() {
    let site = Site::new();
    let key = verifier(&site);
    let serving = site.serve();
    let known: Verifier = key.parse().unwrap();
    let mut stream = UnixStream::connect(site.path("sock")).unwrap();
    let hello = Request::Hello { protocol: PROTOCOL, role: Role::Ingest, program: "t".into() };
    let mut ask = |request: &Request| {
        frame::write(&mut stream, request).unwrap();
        frame::read::<Response>(&mut stream).unwrap()
    };
    ask(&hello);
    let challenge = [7; 32];
    let Response::Note(note) = ask(&Request::Prove { challenge }) else { panic!("no note") };
    Proof { challenge, caller: own() }.verify(&known, &note).unwrap();
    let others = [(challenge, own() + 1), ([8; 32], own())];
    for (challenge, caller) in others {
        let proof = Proof { challenge, caller };
        assert_eq!(proof.verify(&known, &note), Err(NoteError::OtherText));
    }
    drop(serving);
    let socket: PathBuf = site.path("false");
    let replays = |mut stream: UnixStream| {
        let Request::Hello { .. } = frame::read(&mut stream).unwrap() else { panic!("no hello") };
        frame::write(&mut stream, &Response::Welcome { protocol: PROTOCOL }).unwrap();
        let Request::Prove { .. } = frame::read(&mut stream).unwrap() else { panic!("not asked") };
        frame::write(&mut stream, &Response::Note(note)).unwrap();
        frame::read::<Request>(&mut stream).is_ok()
    };
    let address = VaultAddress { verifier: Some(key), ..VaultAddress::at(&socket) };
    let told = listening(&socket, replays, || {
        let refused = tell_of_a_child(&address).unwrap_err();
        assert!(
            matches!(refused, VaultError::OtherKey { why: NoteError::OtherText, .. }),
            "{refused}"
        );
    });
    assert!(!told, "nothing more is said");
}
