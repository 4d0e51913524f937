//! Ways to open a vault, and changing them.

use std::{
    env, fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use age::secrecy::ExposeSecret;
use minster_model::KeyVersion;
use minster_vault::{
    VaultFault,
    custody::{Secret, TokenKey, Wanted},
    disk::Disk,
    folder::{self, Plan},
};

use minster_vault_api::Share;

use crate::common::{Site, copy};

fn private(path: &Path, text: &str) {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn check_value(site: &Site, secret: &Secret) -> Result<String, VaultFault> {
    let opened = folder::open_folder(&site.vault(), secret, Disk::new())?;
    Ok(opened.folder.keys.check_value(&"education".parse().unwrap(), KeyVersion(1)))
}

pub(crate) fn identity(path: &Path) -> String {
    let identity = age::x25519::Identity::generate();
    private(path, &format!("{}\n", identity.to_string().expose_secret()));
    identity.to_public().to_string()
}

/// From one custody to the next and the next: the keys stay, the old secret opens no more.
#[test]
fn every_custody_opens_the_same_vault() {
    let site = Site::new();
    let first = check_value(&site, &site.secret()).unwrap();
    let (phrase, wrong) = (site.path("phrase"), site.path("wrong"));
    private(&phrase, "correct horse battery staple\n");
    private(&wrong, "another phrase entirely\n");
    let names: Vec<PathBuf> = (0..3).map(|n| site.path(&format!("age{n}"))).collect();
    let recipients: Vec<String> = names.iter().map(|name| identity(name)).collect();
    let held = |which: &[usize]| Secret {
        identities: which.iter().map(|&at| names[at].clone()).collect(),
        ..Secret::default()
    };
    let steps = [
        (
            Wanted::Passphrase(Some(phrase.clone())),
            Secret::passphrase_file(&phrase),
            Secret::passphrase_file(&wrong),
        ),
        (Wanted::Recipients(recipients.clone(), 2), held(&[2, 0]), held(&[1])),
        (Wanted::Recipients(recipients[1..2].to_vec(), 1), held(&[1]), held(&[2])),
        (Wanted::KeyFile(site.path("key2")), Secret::key_file(site.path("key2")), site.secret()),
    ];
    let mut secret = site.secret();
    for (generation, (wanted, right, wrong)) in (1..).zip(steps) {
        folder::rekey(&site.vault(), &secret, &wanted, Disk::new()).unwrap();
        assert!(check_value(&site, &secret).is_err(), "the old way is over");
        assert!(check_value(&site, &wrong).is_err());
        assert_eq!(check_value(&site, &right).unwrap(), first);
        let opened = folder::open_folder(&site.vault(), &right, Disk::new()).unwrap();
        assert_eq!(opened.state.generation, generation);
        secret = right;
    }
}

#[test]
fn an_older_store_json_put_back_is_refused() {
    let site = Site::new();
    let store = site.vault().join("store.json");
    let old = fs::read_to_string(&store).unwrap();
    let wanted = Wanted::KeyFile(site.path("key2"));
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    fs::write(&store, old).unwrap();
    let Err(VaultFault::File { why, .. }) = check_value(&site, &site.secret()) else { panic!() };
    assert!(why.contains("older copy"), "{why}");
}

#[test]
fn a_flipped_digit_of_the_sealed_root_is_refused() {
    let site = Site::new();
    let store = site.vault().join("store.json");
    let good = fs::read_to_string(&store).unwrap();
    for field in ["sealed_root", "sealed_identity"] {
        let at = good.find(field).unwrap() + field.len() + 10;
        let mut bad = good.clone().into_bytes();
        bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
        fs::write(&store, bad).unwrap();
        let outcome = check_value(&site, &site.secret());
        assert!(matches!(outcome, Err(VaultFault::WrongSecret { .. })), "{field}");
    }
    fs::write(&store, good.replace("\"generation\": 0", "\"generation\": 0, \"x\": 1")).unwrap();
    assert!(matches!(check_value(&site, &site.secret()), Err(VaultFault::File { .. })));
}

#[test]
fn a_systemd_credential_opens_it() {
    // A variable of the process: the programs that systemd starts have it, and here a child does.
    const CHILD: &str = "MINSTER_TEST_CREDENTIAL_SITE";
    if let Some(dir) = env::var_os(CHILD).map(PathBuf::from) {
        let wanted = Wanted::Credential("minster-root".into());
        let plan = Plan { custody: &wanted, purposes: vec![], custodians: vec![] };
        folder::init(&dir, &plan, &Disk::new()).unwrap();
        folder::open_folder(&dir, &Secret::default(), Disk::new()).unwrap();
        for name in ["absent", "../key", ""] {
            let wanted = Wanted::Credential(name.into());
            let plan = Plan { custody: &wanted, purposes: vec![], custodians: vec![] };
            assert!(folder::init(&dir.join("no"), &plan, &Disk::new()).is_err(), "{name}");
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    private(&folder.path().join("minster-root"), &"5a".repeat(32));
    private(&folder.path().join("key"), &"5b".repeat(32));
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "custody::a_systemd_credential_opens_it"])
        .env(CHILD, folder.path().join("vault"))
        .env("CREDENTIALS_DIRECTORY", folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}

/// SoftHSM2, from Debian. The token's key never leaves it; the PIN counts.
#[test]
fn a_pkcs11_token_opens_it() {
    const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
    const CHILD: &str = "MINSTER_TEST_TOKEN_SITE";
    if !Path::new(MODULE).exists() {
        eprintln!("LEFT OUT: SoftHSM2 is missing (apt-get install softhsm2)");
        return;
    }
    if let Some(folder) = env::var_os(CHILD).map(PathBuf::from) {
        return token(&folder, MODULE);
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .env("SOFTHSM2_CONF", &conf)
            .env(CHILD, folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let arguments =
        ["--init-token", "--free", "--label", "vault", "--so-pin", "12345678", "--pin", "4321"];
    run("softhsm2-util", &arguments);
    let me = env::current_exe().unwrap();
    run(me.to_str().unwrap(), &["--exact", "custody::a_pkcs11_token_opens_it"]);
}

fn token(folder: &Path, module: &str) {
    let (pin, wrong) = (folder.join("pin"), folder.join("wrong"));
    private(&pin, "4321\n");
    private(&wrong, "9999\n");
    let key = |token: &str, key: &str| TokenKey {
        module: module.into(),
        token: token.into(),
        key: key.into(),
    };
    let dir = folder.join("vault");
    let made = |key, dir: &Path| {
        let wanted = Wanted::Token(key, Some(pin.clone()));
        let plan = Plan { custody: &wanted, purposes: vec![], custodians: vec![] };
        folder::init(dir, &plan, &Disk::new())
    };
    made(key("vault", "root"), &dir).unwrap();
    let open = |pin: &Path| {
        folder::open_folder(&dir, &Secret::passphrase_file(pin), Disk::new())
            .map(|o| o.folder.custody)
    };
    assert_eq!(open(&pin).unwrap(), "PKCS#11 token");
    let given = |pin: &str| {
        let secret = Secret { given: vec![Share::new(pin)], ..Secret::default() };
        folder::Closed::at(&dir).unwrap().unseal(&secret)
    };
    assert!(given("4321").is_ok(), "a custodian gives the PIN over the socket");
    assert!(given("9999").is_err());
    let why = open(&wrong).unwrap_err().to_string();
    assert!(why.contains("PIN") && !why.contains("9999"), "{why}");
    assert!(made(key("no such token", "root"), &folder.join("no")).is_err());
    // Another vault under another key of the same token: the first's sealed key is not its.
    let other = folder.join("other");
    made(key("vault", "second"), &other).unwrap();
    let swap = fs::read_to_string(other.join("store.json")).unwrap();
    let store = dir.join("store.json");
    let good = fs::read_to_string(&store).unwrap();
    fs::write(&store, good.replace("\"root\"", "\"second\"")).unwrap();
    assert!(matches!(open(&pin), Err(VaultFault::WrongSecret { .. })));
    fs::write(&store, swap).unwrap();
    assert!(open(&pin).is_err(), "another vault's store.json");
}

#[test]
fn a_key_file_in_the_vault_s_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("vault");
    let wanted = Wanted::KeyFile(dir.join("key"));
    let plan = Plan { custody: &wanted, purposes: vec![], custodians: vec![] };
    let outcome = folder::init(&dir, &plan, &Disk::new());
    assert!(matches!(outcome, Err(VaultFault::Exposed { .. })));
}

#[test]
fn one_person_is_not_two_custodians() {
    let site = Site::empty();
    let wanted = Wanted::KeyFile(site.path("key"));
    let mut twice = site.custodian("ann");
    twice.name = "ben".into();
    let custodians = vec![site.custodian("ann"), twice];
    let plan = Plan { custody: &wanted, purposes: vec![], custodians };
    assert!(matches!(folder::init(&site.vault(), &plan, &Disk::new()), Err(VaultFault::Usage(_))));
}

/// A store that the first release wrote: its purposes and check values are what they were then.
#[test]
fn a_store_of_the_first_format_opens_and_keeps_its_keys() {
    let site = Site::empty();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/format-1");
    copy(&from, &site.vault());
    fs::rename(site.vault().join("key"), site.path("key")).unwrap();
    fs::set_permissions(site.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    for _ in 0..2 {
        let opened = folder::open_folder(&site.vault(), &site.secret(), Disk::new()).unwrap();
        for (purpose, check) in [("education", "3d0ad6e937902f5b"), ("health", "990fda70ee5c8d1c")]
        {
            let purpose = purpose.parse().unwrap();
            assert!(opened.state.purposes.contains_key(&purpose));
            assert_eq!(opened.folder.keys.check_value(&purpose, KeyVersion(1)), check);
        }
    }
    let store = fs::read_to_string(site.vault().join("store.json")).unwrap();
    assert!(store.contains("\"format\": 3"), "taken over once");
    let log = fs::read_to_string(site.log()).unwrap();
    assert_eq!(log.matches("\"event\":\"made\"").count(), 1);
    assert_eq!(log.matches("\"event\":\"rekeyed\"").count(), 1);
    // It had no custodians: two are appointed by whoever can open it, once.
    let appoint = |names: &[&str]| {
        let custodians = names.iter().map(|name| site.custodian(name)).collect();
        folder::appoint(&site.vault(), &site.secret(), custodians, Disk::new())
    };
    assert!(appoint(&["ann"]).is_err());
    appoint(&["ann", "ben"]).unwrap();
    assert!(appoint(&["ben", "cat"]).is_err());
    minster_vault::log::verify(&site.log(), None).unwrap();
    // Its first form put back is an older copy: it is refused, and the purposes of vault.toml are not taken over again.
    fs::copy(from.join("store.json"), site.vault().join("store.json")).unwrap();
    let alone = fs::Permissions::from_mode(0o600);
    fs::set_permissions(site.vault().join("store.json"), alone).unwrap();
    let text = fs::read_to_string(site.vault().join("vault.toml")).unwrap();
    let added = "\n[[purpose]]\nname = \"slipped-in\"\ntext = \"\"\n";
    fs::write(site.vault().join("vault.toml"), text + added).unwrap();
    let Err(VaultFault::File { why, .. }) = check_value(&site, &site.secret()) else { panic!() };
    assert!(why.contains("older copy"), "{why}");
}
