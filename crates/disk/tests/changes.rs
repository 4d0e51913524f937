//! A stopped program leaves the old or the new, and nobody who may write beside it leads it astray.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    ffi::OsStr,
    fs, io,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use minster_disk::{Disk, Folder, PRIVATE, below, is_aside, is_not_plain, open, read};
use tempfile::TempDir;

/// A folder of one's own beside one of somebody else's, which has a file.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        for folder in ["own", "theirs"] {
            fs::create_dir(site.path(folder)).unwrap();
        }
        fs::write(site.path("theirs/secret"), "theirs").unwrap();
        site
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn own(&self) -> Folder {
        Folder::open(&self.path("own")).unwrap()
    }

    fn is_theirs_untouched(&self) -> bool {
        let names = fs::read_dir(self.path("theirs")).unwrap().count();
        names == 1 && fs::read(self.path("theirs/secret")).unwrap() == b"theirs"
    }
}

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

/// Every way to stop, at every step: as a killed process, and as a full disk.
#[test]
fn a_file_that_is_put_in_place_is_the_old_or_the_new_wherever_it_is_stopped() {
    for (stop, leaves_aside) in
        [(Disk::ending_at as fn(usize) -> Disk, true), (Disk::failing_after, false)]
    {
        let (mut steps, mut torn) = (0, 0);
        for step in 0.. {
            let site = Site::new();
            Disk::new().put(&site.own(), name("f"), b"the old", PRIVATE).unwrap();
            let disk = stop(step);
            let done = disk.put(&site.own(), name("f"), b"the new one", PRIVATE);
            let stands = fs::read(site.path("own/f")).unwrap();
            assert!(stands == b"the old" || stands == b"the new one", "after {step}");
            assert!(done.is_err() || stands == b"the new one", "after {step}");
            let left: Vec<_> = fs::read_dir(site.path("own")).unwrap().flatten().collect();
            let left: Vec<_> =
                left.iter().map(fs::DirEntry::path).filter(|of| is_aside(of)).collect();
            assert!(left.is_empty() || leaves_aside && done.is_err(), "after {step}: {left:?}");
            torn += left.iter().filter(|of| fs::read(of).unwrap() == b"the n").count();
            Disk::new().sweep(&site.own()).unwrap();
            assert_eq!(fs::read_dir(site.path("own")).unwrap().count(), 1, "after {step}");
            steps = step;
            if done.is_ok() {
                break;
            }
        }
        assert_eq!(steps, 5, "create, write, sync, rename, sync the folder");
        assert_eq!(torn, usize::from(leaves_aside), "a killed write is torn");
    }
}

#[test]
fn a_link_that_is_switched_leads_to_the_old_or_the_new() {
    for step in 0.. {
        let site = Site::new();
        Disk::new().point(&site.own(), name("current"), "v-1").unwrap();
        let done = Disk::ending_at(step).point(&site.own(), name("current"), "v-2");
        let to = fs::read_link(site.path("own/current")).unwrap();
        assert!(to == Path::new("v-1") || to == Path::new("v-2"), "after {step}");
        // The next one removes what is left.
        Disk::new().point(&site.own(), name("current"), "v-2").unwrap();
        assert_eq!(fs::read_dir(site.path("own")).unwrap().count(), 1, "after {step}");
        assert_eq!(fs::read_link(site.path("own/current")).unwrap(), Path::new("v-2"));
        if done.is_ok() {
            assert_eq!(step, 3);
            break;
        }
    }
}

#[test]
fn a_link_in_the_place_of_a_file_leads_no_write_elsewhere() {
    let site = Site::new();
    symlink(site.path("theirs/secret"), site.path("own/f")).unwrap();
    // The link is replaced, and what it led to stays.
    Disk::new().put(&site.own(), name("f"), b"mine", PRIVATE).unwrap();
    assert!(!site.path("own/f").is_symlink() && site.is_theirs_untouched());
    symlink(site.path("theirs/secret"), site.path("own/g")).unwrap();
    symlink(site.path("theirs/new"), site.path("own/h")).unwrap();
    for of in ["g", "h"] {
        let made = Disk::new().create(&site.own(), name(of), PRIVATE);
        assert_eq!(made.map(drop).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let opened = Disk::new().open_append(&site.own(), name(of)).map(drop).unwrap_err();
        assert!(is_not_plain(&opened), "{opened}");
    }
    let opened = open(&site.path("own/g")).map(drop).unwrap_err();
    assert!(is_not_plain(&opened), "{opened}");
    assert!(site.is_theirs_untouched());
}

/// A user who may write there exchanges the folder itself for a link, while a program holds it.
#[test]
fn a_folder_that_is_held_gets_what_is_written_whatever_its_path_leads_to() {
    let site = Site::new();
    let held = site.own();
    fs::rename(site.path("own"), site.path("moved")).unwrap();
    symlink(site.path("theirs"), site.path("own")).unwrap();
    Disk::new().put(&held, name("f"), b"mine", PRIVATE).unwrap();
    Disk::new().point(&held, name("current"), "v-1").unwrap();
    Disk::new().make_folder(&held, name("d"), 0o700).unwrap();
    Disk::new().remove(&held, name("f")).unwrap();
    assert!(site.is_theirs_untouched());
    assert!(site.path("moved/d").is_dir() && !site.path("moved/f").exists());
    let opened = Folder::open(&site.path("own")).map(drop).unwrap_err();
    assert!(is_not_plain(&opened), "{opened}");
}

#[test]
fn below_a_folder_no_link_is_followed() {
    let site = Site::new();
    let root = site.path("own");
    symlink(site.path("theirs"), root.join("d")).unwrap();
    symlink("../theirs", root.join("current")).unwrap();
    let through = root.join("d/secret");
    let refused = [
        below::open(&root, &through).map(drop),
        below::read(&root, &root.join("../theirs/secret")).map(drop),
        below::check(&root, &root.join("d")),
        below::entries(&root, &root.join("d")).map(drop),
        below::link(&root, &root.join("current")).map(drop),
        below::make_folders(&Disk::new(), &root, &root.join("d/e"), 0o700),
        below::remove_all(&root, &through),
        Folder::of_below(&root, &through).map(drop),
        Folder::below(&root, &site.path("theirs")).map(drop),
    ];
    for (place, outcome) in refused.into_iter().enumerate() {
        let error = outcome.unwrap_err();
        assert!(is_not_plain(&error), "{place}: {error}");
    }
    // The link itself goes, and nothing behind it; so it does in a folder that is removed.
    fs::create_dir(root.join("e")).unwrap();
    symlink(site.path("theirs"), root.join("e/d")).unwrap();
    below::remove_all(&root, &root.join("e")).unwrap();
    below::remove_all(&root, &root.join("d")).unwrap();
    assert!(!root.join("d").is_symlink() && !root.join("e").exists() && site.is_theirs_untouched());
    assert_eq!(
        below::entries(&root, &root.join("none")).unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn pipes_are_not_read_and_long_files_neither() {
    let site = Site::new();
    let pipe = site.path("own/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let opened = [
        open(&pipe).map(drop),
        below::open(&site.path("own"), &pipe).map(drop),
        open(&site.path("own")).map(drop),
    ];
    assert!(opened.into_iter().all(|of| is_not_plain(&of.unwrap_err())));
    fs::write(site.path("own/f"), "1234").unwrap();
    assert_eq!(read(&site.path("own/f"), 4).unwrap(), b"1234");
    assert!(read(&site.path("own/f"), 3).unwrap_err().to_string().contains("longer"));
}

#[test]
fn a_file_has_its_mode_from_the_start_and_the_group_s_only_where_it_is_asked_for() {
    let site = Site::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for asked in [PRIVATE, 0o640, 0o644] {
        Disk::new().put(&site.own(), name("f"), b"x", asked).unwrap();
        assert_eq!(mode(&site.path("own/f")), asked);
    }
    let mut file = Disk::new().create(&site.own(), name("g"), 0o640).unwrap();
    file.write_all(b"12").unwrap();
    file.sync().unwrap();
    assert_eq!(mode(&site.path("own/g")), 0o640);
    let (own, root) = (site.own(), site.path("own"));
    assert!(Disk::new().make_folder(&own, name("d"), 0o2770).unwrap());
    assert!(!Disk::new().make_folder(&own, name("d"), 0o700).unwrap(), "it was there");
    assert_eq!(mode(&root.join("d")), 0o2770);
    let mut file = Disk::new().open_append(&own, name("log")).unwrap();
    Disk::new().append(&mut file, b"one").unwrap();
    let mut file = Disk::new().open_append(&own, name("log")).unwrap();
    Disk::new().append(&mut file, b"two").unwrap();
    Disk::new().truncate(&file, 4).unwrap();
    assert_eq!(
        (fs::read(root.join("log")).unwrap().as_slice(), mode(&root.join("log"))),
        (&b"onet"[..], 0o600)
    );
    assert_eq!(fs::metadata(root.join("log")).unwrap().nlink(), 1);
}
