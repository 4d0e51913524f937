//! Faults in an installation whose programs have users of their own, each planted, seen, and taken away again.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use minster_tests::{copy_whole, text};

use crate::{
    UPN,
    separate_users::{AUDITOR, MINSTER, ROOT, STRANGER, Site, set_acl},
    verdicts::Audit,
};

const RELEASE: &str = "data/store/releases/children/2024-25";

/// All of them.
pub(crate) fn on(site: &Site) {
    files(site);
    unknown(site);
    ledger(site);
    releases(site);
    programs(site);
    roles(site);
    mapped(site);
    secrets(site);
    checkpoints(site);
    disguised(site);
    reports(site);
}

/// The check fails with the fault, and passes once it is gone.
fn seen(site: &Site, id: &str, because: &str, plant: impl FnOnce(), unplant: impl FnOnce()) {
    plant();
    let audit = Audit::read(&site.only(&[id]));
    audit.fails(id, &[UPN]);
    assert!(audit.evidence(id).contains(because), "{id}: {}", audit.evidence(id));
    unplant();
    let audit = Audit::read(&site.only(&[id]));
    assert_ne!(audit.verdict(id), "FAIL", "{id}: {}", audit.evidence(id));
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Modes, owners, lists and second names, deep below each place.
fn files(site: &Site) {
    let manifest = site.at("data/store/datasets/source/early_help/2024-25/current/manifest.json");
    let manifest = manifest.canonicalize().unwrap();
    let note = fs::read_dir(site.at("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    let note = note.filter(|path| path.extension().is_some_and(|end| end == "note")).max().unwrap();
    for (id, path, healthy) in [
        ("files.store", &manifest, 0o640),
        ("run.vault-folder", &site.at("own/vault/log.jsonl"), 0o600),
        ("files.checkpoints", &note, 0o640),
    ] {
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).unwrap());
        seen(site, id, "all users can get at it", || mode(path, 0o666), || mode(path, healthy));
        let give = |to: u32| chown(path, Some(to), None).unwrap();
        seen(site, id, "it is uid 41003's", || give(STRANGER), || give(owner));
        let list = "system.posix_acl_access";
        let none = || {
            rustix::fs::removexattr(path, list).unwrap();
            mode(path, healthy);
        };
        seen(site, id, "41003 has rw-", || set_acl(path, list, STRANGER, 6), none);
        let second = site.at("data/second");
        let name = || fs::hard_link(path, &second).unwrap();
        seen(site, id, "2 names lead to it", name, || fs::remove_file(&second).unwrap());
    }
    // A folder, too: its mode, and a list that each later file in it would have.
    let folder = site.at("data/store/datasets/source");
    seen(
        site,
        "files.store",
        "all users can get at it",
        || mode(&folder, 0o2777),
        || mode(&folder, 0o2770),
    );
    let list = "system.posix_acl_default";
    let later = || set_acl(&folder, list, STRANGER, 6);
    seen(site, "files.store", "41003 has rw-", later, || set_acl(&folder, list, 41_007, 5));
    // The list by which the auditors' group reads the store went with the one that was planted.
    set_acl(&manifest, "system.posix_acl_access", 41_007, 4);
    mode(&manifest, 0o640);
    let copied = site.at("data/store/drafts/kept");
    let copy = || copy_whole(&site.at("own/vault"), &copied);
    seen(site, "files.copies", "it is a vault's log", copy, || {
        fs::remove_dir_all(&copied).unwrap()
    });
}

/// Files that no manifest names, wherever they lie.
fn unknown(site: &Site) {
    fs::create_dir_all(site.at("data/store/drafts/2024-25")).unwrap();
    let version = site.at("data/store/datasets/source/early_help/2024-25/current");
    let version = version.canonicalize().unwrap();
    for path in [
        site.at("data/store/notes.txt"),
        site.at("data/store/datasets/copy.parquet"),
        version.join("more.parquet"),
        site.at("data/store/releases/children/extra.csv"),
        site.at("data/store/ledger/plan.xlsx"),
        site.at("data/store/runs/extract.json"),
        site.at("data/store/drafts/2024-25/extract.json"),
    ] {
        let gone = || fs::remove_file(&path).unwrap();
        seen(
            site,
            "store.unknown",
            "no manifest names it",
            || fs::write(&path, "x").unwrap(),
            gone,
        );
    }
    // Where runs write, and no run is under way; a run that is makes it one of its files.
    for folder in ["data/store/staging", "data/store/datasets/source/early_help/2024-25/next"] {
        let folder = site.at(folder);
        let was = folder.exists();
        let path = folder.join("extract.csv");
        let plant = || {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, "x").unwrap();
        };
        let gone = || match was {
            true => fs::remove_file(&path).unwrap(),
            false => fs::remove_dir_all(&folder).unwrap(),
        };
        seen(site, "store.unknown", "no run is under way", plant, gone);
        plant();
        let lock = fs::File::options().write(true).open(site.at("data/store/lock")).unwrap();
        lock.lock().unwrap();
        let audit = Audit::read(&site.only(&["store.unknown"]));
        assert_ne!(audit.verdict("store.unknown"), "FAIL", "{}", audit.evidence("store.unknown"));
        assert!(audit.evidence("store.unknown").contains("a run's that goes on"));
        drop(lock);
        gone();
    }
    // A whole dataset that nobody recorded.
    let place = version.parent().unwrap();
    let copied = place.join("copied");
    let copy = || copy_whole(&version, &copied);
    let change = || {
        copy();
        let manifest = fs::read_to_string(copied.join("manifest.json")).unwrap();
        fs::write(copied.join("manifest.json"), manifest + " ").unwrap();
    };
    let gone = || fs::remove_dir_all(&copied).unwrap();
    seen(site, "log.snapshots", "the log never had its manifest", change, gone);
}

fn ledger(site: &Site) {
    let folder = site.at("data/store/ledger/2024-25");
    let entry = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&entry).unwrap();
    let put_back = || fs::write(&entry, &whole).unwrap();
    let change = || fs::write(&entry, [&whole[..], b" "].concat()).unwrap();
    seen(site, "log.ledger", "the log never had such an entry", change, put_back);
    let planted = folder.join("planted.json");
    let plant = || fs::write(&planted, "{}").unwrap();
    seen(site, "log.ledger", "planted.json", plant, || fs::remove_file(&planted).unwrap());
    seen(
        site,
        "log.ledger",
        "are gone from the ledger",
        || fs::remove_file(&entry).unwrap(),
        put_back,
    );
    chown(&entry, Some(MINSTER), Some(41_006)).unwrap();
    mode(&entry, 0o640);
}

/// The other program verifies; the audit tells what it said.
fn releases(site: &Site) {
    let current = site.at(RELEASE).join("current").canonicalize().unwrap();
    let table = current.join("sen_by_ward.csv");
    let whole = fs::read(&table).unwrap();
    let number = || fs::write(&table, [&whole[..], b"W99,F,7\n"].concat()).unwrap();
    let put_back = || fs::write(&table, &whole).unwrap();
    seen(site, "releases.verify", "changed, added or removed", number, put_back);
    let more = current.join("more.csv");
    let plant = || fs::write(&more, "x").unwrap();
    seen(site, "releases.verify", "changed, added or removed", plant, || {
        fs::remove_file(&more).unwrap()
    });
}

fn programs(site: &Site) {
    let program = site.at("programs/minster-ingest");
    let (aside, id) = (site.at("programs/aside"), "build.installed");
    let swap = || {
        fs::rename(&program, &aside).unwrap();
        fs::copy("/bin/sleep", &program).unwrap();
    };
    let put_back = || fs::rename(&aside, &program).unwrap();
    seen(site, id, "was packed", swap, put_back);
    seen(
        site,
        id,
        "others can put another program",
        || mode(&program, 0o777),
        || mode(&program, 0o755),
    );
    seen(site, id, "and 755 was packed", || mode(&program, 0o700), || mode(&program, 0o755));
    let give = |to: u32| chown(&program, Some(to), Some(to)).unwrap();
    seen(site, id, "0 and 0 were packed", || give(STRANGER), || give(ROOT));
    // The list itself.
    let list = site.at("accepted/programs.note");
    let whole = fs::read_to_string(&list).unwrap();
    let change = || fs::write(&list, whole.replacen(" 755 ", " 777 ", 1)).unwrap();
    seen(site, id, "the text was changed", change, || fs::write(&list, &whole).unwrap());
}

fn roles(site: &Site) {
    let table = site.at("own/vault/vault.toml");
    let whole = fs::read_to_string(&table).unwrap();
    let given = format!("analyst = [{MINSTER}, {STRANGER}]");
    let change =
        || fs::write(&table, whole.replace(&format!("analyst = [{MINSTER}]"), &given)).unwrap();
    let put_back = || fs::write(&table, &whole).unwrap();
    seen(site, "roles.table", "uid 41003 holds analyst, and nobody accepted it", change, put_back);
}

/// A program that a stranger's library and shared memory were slipped into.
fn mapped(site: &Site) {
    let folder = site.at("slipped");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("minster-ingest");
    fs::copy("/bin/sleep", &program).unwrap();
    // Any library will do: a copy of one of the system's, in a place that is not.
    let own = ["/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/libm.so.6", "/lib64/libm.so.6"];
    let Some(from) = own.iter().find(|path| Path::new(path).exists()) else {
        return minster_tests::left_out("no library is found that could be slipped in");
    };
    let library = folder.join("slipped.so");
    fs::copy(from, &library).unwrap();
    let mut child = Command::new(&program)
        .arg("60")
        .env("LD_PRELOAD", &library)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let audit = Audit::read(&site.only(&["run.mapped"]));
    child.kill().unwrap();
    child.wait().unwrap();
    audit.fails("run.mapped", &[]);
    let evidence = audit.evidence("run.mapped");
    assert!(evidence.contains("LD_PRELOAD stands in its environment"), "{evidence}");
    assert!(evidence.contains("slipped.so is mapped as code"), "{evidence}");
    Audit::read(&site.only(&["run.mapped"])).passes("run.mapped");
}

fn secrets(site: &Site) {
    let (id, age) = ("files.secrets", "AGE-SECRET-KEY-1QQQQPLANTED");
    for (name, text, because) in [
        ("config/minster.env", format!("IDENTITY={age}\n"), "an age identity"),
        (
            "config/minster-vault.conf",
            format!("[Service]\nEnvironment=ROOT={}\n", "0f".repeat(32)),
            "a key",
        ),
        ("config/x.env", "VAULT_PASSPHRASE=open-sesame\n".to_owned(), "a variable with a secret"),
    ] {
        let path = site.at(name);
        fs::write(&path, &text).unwrap();
        let audit = Audit::read(&site.only(&[id]));
        audit.fails(id, &["PLANTED", "sesame", &"0f".repeat(32)]);
        let found = audit.evidence(id);
        assert!(found.contains(name) && found.contains(because), "{found}");
        fs::remove_file(path).unwrap();
    }
    let audit = Audit::read(&site.only(&[id]));
    assert!(!audit.evidence(id).contains(site.at("config").to_str().unwrap()));
}

/// A note that the log says was signed is gone: an older copy of the folder.
fn checkpoints(site: &Site) {
    let notes = fs::read_dir(site.at("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    let mut notes: Vec<PathBuf> =
        notes.filter(|path| path.extension().is_some_and(|end| end == "note")).collect();
    notes.sort();
    assert!(notes.len() >= 3, "{notes:?}");
    let aside = site.at("aside");
    fs::create_dir(&aside).unwrap();
    let moved = |path: &PathBuf| aside.join(path.file_name().unwrap());
    let older = || notes.iter().skip(1).for_each(|path| fs::rename(path, moved(path)).unwrap());
    let put_back = || notes.iter().skip(1).for_each(|path| fs::rename(moved(path), path).unwrap());
    seen(site, "log.checkpoints", "checkpoints were removed, or an older copy", older, put_back);
}

/// One number, in each disguise, in a file beside the others.
fn disguised(site: &Site) {
    let folder = site.at("output");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("file");
    let line = format!("row 3: {UPN} is not known\n");
    let gzip = |bytes: &[u8]| -> Vec<u8> {
        let plain = folder.join("plain");
        fs::write(&plain, bytes).unwrap();
        let packed = Command::new("gzip").arg("-c").arg(&plain).output().unwrap();
        fs::remove_file(plain).unwrap();
        packed.stdout
    };
    let mut zipped = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zipped.start_file("x.txt", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zipped, line.as_bytes()).unwrap();
    let hex: String = line.bytes().map(|byte| format!("{byte:02x}")).collect();
    let backwards: String = UPN.chars().rev().collect();
    let wide: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (form, bytes) in [
        ("gzip", gzip(line.as_bytes())),
        ("zip", zipped.finish().unwrap().into_inner()),
        ("UTF-16", wide),
        ("base64", b"x UTMzMDQwMDAyNDAwMQ== y".to_vec()),
        ("hexadecimal", hex.into_bytes()),
        ("separated", format!("{}-{}-{}", &UPN[..4], &UPN[4..8], &UPN[8..]).into_bytes()),
        ("glued", format!("pupil{UPN}x").into_bytes()),
        ("backwards", backwards.into_bytes()),
        ("without its letter", UPN.as_bytes()[1..].to_vec()),
        ("split", format!("W01,{},{},1\n", &UPN[..5], &UPN[5..]).into_bytes()),
        // Three NHS numbers: one or two of ten digits may be chance.
        ("ten digits backwards", b"9195674349\n7312320104\n7543777584\n".to_vec()),
        ("ten digits split", b"9434,765919\n4010,232137\n4857,773457\n".to_vec()),
    ] {
        fs::write(&file, bytes).unwrap();
        let also = ["--only", "leakage.logs", "--also", "output"];
        let audit = Audit::read(&site.audit_with(ROOT, &also));
        assert_eq!(
            audit.verdict("leakage.logs"),
            "FAIL",
            "{form}: {}",
            audit.evidence("leakage.logs")
        );
        audit.fails("leakage.logs", &[UPN, &UPN[1..]]);
        fs::remove_file(&file).unwrap();
    }
    let also = ["--only", "leakage.logs", "--also", "output"];
    Audit::read(&site.audit_with(ROOT, &also)).passes("leakage.logs");
    fs::remove_dir(folder).unwrap();
}

/// Everything that a data protection officer asks: programs with versions and hashes, the vault, the meaning of each check.
fn tells_the_installation(site: &Site, page: &str, told: &serde_json::Value) {
    for program in ["minster", "minster-ingest", "minster-vault", "minster-audit"] {
        let bytes = fs::read(site.at("programs").join(program)).unwrap();
        let hash = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(page.contains(&hash), "the hash of {program}");
        let version = Command::new(site.at("programs").join(program)).arg("--version").output();
        let version = text(&version.unwrap());
        assert!(page.contains(version.trim()), "{version}");
    }
    for what in ["Purposes of the vault", "children-statistics", "Its signatures are verified by"] {
        assert!(page.contains(what), "{what}");
    }
    let checks = told["checks"].as_array().unwrap();
    let made = page.matches("PASS shows: ").count();
    assert!(!checks.is_empty() && made == checks.len(), "{made} of {} meanings", checks.len());
    for check in checks {
        let id = check["id"].as_str().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

/// A report is filed and signed; another is compared with it; one that was changed is refused.
fn reports(site: &Site) {
    let file = || {
        site.audit_with(AUDITOR, &["--records", "records", "--only", "log", "--only", "run.users"])
    };
    assert_eq!(Audit::read(&file()).code, 0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let table = site.at("config/matching.toml");
    let was = fs::read_to_string(site.at("config/pipeline.toml")).unwrap();
    fs::write(site.at("config/pipeline.toml"), format!("# changed\n{was}")).unwrap();
    assert!(table.exists());
    let second = file();
    let told: serde_json::Value = serde_json::from_slice(&second.stdout).unwrap();
    let changes = told["since"]["changes"].to_string();
    assert!(changes.contains("the configuration's SHA-256"), "{changes}");
    fs::write(site.at("config/pipeline.toml"), was).unwrap();
    let mut notes: Vec<PathBuf> = fs::read_dir(site.at("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "note"))
        .collect();
    notes.sort();
    assert_eq!(notes.len(), 2);
    let note = notes[1].to_str().unwrap().to_owned();
    let verify = || {
        let verify = ["verify", &note, "--verifier", "records/auditor.pub"];
        site.command(AUDITOR, "minster-audit", &verify).output().unwrap()
    };
    let verified = verify();
    assert!(
        verified.status.success() && text(&verified).contains("as they were signed"),
        "{}",
        text(&verified)
    );
    let page = notes[1].with_extension("html");
    let whole = fs::read_to_string(&page).unwrap();
    assert!(whole.contains("Changes since the last report") && !whole.contains("<script"));
    tells_the_installation(site, &whole, &told);
    fs::write(&page, whole.replace("PASS", "pass")).unwrap();
    let changed = verify();
    assert_eq!(changed.status.code(), Some(9), "{}", text(&changed));
    // The next report is not compared with one that was changed.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let refused = file();
    assert_eq!(refused.status.code(), Some(9), "{}", text(&refused));
    assert!(text(&refused).contains("was changed since it was signed"), "{}", text(&refused));
    fs::write(&page, whole).unwrap();
    // A key that others can read signs nothing.
    let key = site.at("records/auditor.key");
    mode(&key, 0o644);
    assert!(text(&file()).contains("can be read by others"));
    mode(&key, 0o600);
}
