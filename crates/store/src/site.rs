//! A folder of releases for readers, outside the store. It is written aside, whole, and takes the place of the one before in one
//! step: a stopped program leaves the old or the new. A folder that holds anything else is left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use minster_disk::{Folder, below};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, sha256_hex};

/// The file that says of a folder that it is a site, and lists its files with their hashes.
pub const SITE_LIST: &str = "minster-site.json";
const FORMAT: u32 = 1;
/// A list of some hundred thousand files.
const LONGEST_LIST: u64 = 64 << 20;
/// All may read a site.
const FOLDER: u32 = 0o755;
const FILE: u32 = 0o644;

#[derive(Serialize, Deserialize)]
struct List {
    format: u32,
    /// SHA-256 of each file, by its path in the site.
    files: BTreeMap<String, String>,
}

/// A site that is being written aside.
#[derive(Debug)]
pub struct SiteWriter {
    disk: minster_disk::Disk,
    out: PathBuf,
    parent: Folder,
    name: OsString,
    aside: OsString,
    staged: PathBuf,
    /// Whether a folder stands in its place.
    replaces: bool,
    files: BTreeMap<String, String>,
    folders: BTreeSet<PathBuf>,
}

impl Store {
    /// Begins a site in the place of `out`: nothing, an empty folder, or a site that was made so. The caller holds the run lock.
    ///
    /// # Errors
    /// [`StoreError::Site`] where something else stands there, or the place is in the store.
    pub fn site(&self, out: &Path) -> Result<SiteWriter, StoreError> {
        let refused = |why: &str| StoreError::Site { path: out.to_owned(), why: why.to_owned() };
        let name = out.file_name().ok_or_else(|| refused("its path has no name at its end"))?;
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let real = |path: &Path| path.canonicalize().map_err(StoreError::io("open", path));
        let parent = real(parent)?;
        let place = parent.join(name);
        if place.starts_with(real(self.root())?) {
            return Err(refused(
                "it is in the store, which its readers may not read; name a folder elsewhere",
            ));
        }
        let replaces = may_be_replaced(out, &place)?;
        let mut aside = OsString::from(".");
        aside.push(name);
        aside.push(".minster-site.next");
        let staged = parent.join(&aside);
        let disk = self.disk().plain().clone();
        below::remove_all(&parent, &staged).map_err(StoreError::disk("remove", &staged))?;
        let folder = Folder::at(&parent).map_err(StoreError::disk("open", &parent))?;
        let made = disk.step().and_then(|()| disk.make_folder(&folder, &aside, FOLDER));
        match made.map_err(StoreError::disk("create the folder", &staged))? {
            true => Ok(SiteWriter {
                disk,
                out: out.to_owned(),
                parent: folder,
                name: name.to_owned(),
                aside,
                folders: BTreeSet::from([staged.clone()]),
                staged,
                replaces,
                files: BTreeMap::new(),
            }),
            false => Err(refused("another program writes it just now; try again")),
        }
    }
}

impl SiteWriter {
    /// Writes one file; its path has `/` between folders.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.put(path, bytes)?;
        self.files.insert(path.to_owned(), sha256_hex(bytes));
        Ok(())
    }

    /// Writes the list of its files, and puts the site in its place. Gives how many files it has, the list among them.
    ///
    /// # Errors
    /// The system's; [`StoreError::Site`] where the file system cannot exchange two folders in one step.
    pub fn finish(mut self) -> Result<usize, StoreError> {
        let list = List { format: FORMAT, files: std::mem::take(&mut self.files) };
        let failed = |error| StoreError::Io {
            what: "write the list of",
            path: self.out.clone(),
            source: io::Error::other(error),
        };
        let bytes = serde_json::to_vec_pretty(&list).map_err(failed)?;
        self.put(SITE_LIST, &bytes)?;
        for path in self.folders.iter().rev() {
            Folder::below(&self.staged, path)
                .and_then(|folder| self.disk.sync(&folder))
                .map_err(StoreError::disk("sync the folder", path))?;
        }
        let (from, to) = ((&self.parent, &*self.aside), (&self.parent, &*self.name));
        let placed = match self.replaces {
            true => self.disk.exchange(from, to),
            false => self.disk.rename(from, to),
        };
        if let Err(error) = placed {
            let cannot = [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported];
            return Err(match cannot.contains(&error.kind()) {
                true => StoreError::Site {
                    path: self.out.clone(),
                    why: "its file system cannot exchange two folders in one step; write the site to a local disk, and copy it".to_owned(),
                },
                false => StoreError::disk("put in its place", &self.out)(error),
            });
        }
        self.clear()?;
        Ok(list.files.len() + 1)
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let whole = self.staged.join(path);
        let folder = whole.parent().unwrap_or(&self.staged).to_owned();
        let made = below::make_folders(&self.disk, &self.staged, &folder, FOLDER);
        made.map_err(StoreError::disk("create the folder", &folder))?;
        let above = folder.ancestors().take_while(|above| above.starts_with(&self.staged));
        self.folders.extend(above.map(Path::to_owned));
        let write = |(folder, name): (Folder, &OsStr)| {
            let mut file = self.disk.create(&folder, name, FILE)?;
            file.write_all(bytes)?;
            file.sync()
        };
        Folder::of_below(&self.staged, &whole)
            .and_then(write)
            .map_err(StoreError::disk("write", &whole))
    }

    /// Removes what stands aside: the site before, or one that was not finished.
    fn clear(&self) -> Result<(), StoreError> {
        let root = self.staged.parent().unwrap_or(&self.staged);
        below::remove_all(root, &self.staged).map_err(StoreError::disk("remove", &self.staged))
    }
}

/// Whether a folder stands in a site's place, which is none of anything else.
fn may_be_replaced(out: &Path, place: &Path) -> Result<bool, StoreError> {
    let refused = |why: String| Err(StoreError::Site { path: out.to_owned(), why });
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StoreError::io("open", place)(error)),
        Ok(found) if !found.is_dir() => {
            return refused("a link or a file stands there; name a folder of its own".to_owned());
        }
        Ok(_) => {}
    }
    let found = files_below(place, place)?;
    if found.is_empty() {
        return Ok(true);
    }
    let list = minster_disk::read(&place.join(SITE_LIST), LONGEST_LIST);
    let list = list.ok().and_then(|bytes| serde_json::from_slice::<List>(&bytes).ok());
    let Some(list) = list.filter(|list| list.format == FORMAT) else {
        return refused(format!(
            "it holds files, and no {SITE_LIST} that `minster site` wrote; name a new folder"
        ));
    };
    let other = found.iter().find(|path| *path != SITE_LIST && !list.files.contains_key(*path));
    match other {
        None => Ok(true),
        Some(other) => refused(format!(
            "it holds {other}, which `minster site` did not write; move that elsewhere, or name a new folder"
        )),
    }
}

/// The paths of all that is below a folder and is no folder, with `/` between folders.
fn files_below(root: &Path, folder: &Path) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    let entries = below::entries(root, folder);
    for path in entries.map_err(StoreError::disk("read the folder", folder))? {
        let kind = fs::symlink_metadata(&path).map_err(StoreError::io("open", &path))?;
        match kind.is_dir() {
            true => found.extend(files_below(root, &path)?),
            false => {
                let below = path.strip_prefix(root).unwrap_or(&path);
                found.push(below.to_string_lossy().into_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::Disk;

    fn write(store: &Store, out: &Path, text: &str) -> Result<usize, StoreError> {
        let mut site = store.site(out)?;
        site.write("index.html", text.as_bytes())?;
        site.write(&format!("releases/{text}/a.csv"), text.as_bytes())?;
        site.finish()
    }

    fn content(of: &Path) -> String {
        let mut files = files_below(of, of).unwrap();
        files.retain(|name| name != SITE_LIST);
        let text = fs::read_to_string(of.join("index.html")).unwrap();
        format!("{text}: {}", files.join(" "))
    }

    fn opened(folder: &Path, disk: Disk) -> Store {
        fs::create_dir_all(folder.join("store")).unwrap();
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.join("store"), private).unwrap();
        Store::open_on(&folder.join("store"), disk).unwrap()
    }

    #[test]
    fn a_site_takes_the_place_of_the_one_before_and_all_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let (store, out) = (opened(folder.path(), Disk::default()), folder.path().join("site"));
        assert_eq!(write(&store, &out, "old").unwrap(), 3);
        assert_eq!(content(&out), "old: index.html releases/old/a.csv");
        assert_eq!(write(&store, &out, "new").unwrap(), 3);
        assert_eq!(content(&out), "new: index.html releases/new/a.csv");
        let mode = |path: &str| fs::metadata(out.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            ["", "releases", "releases/new", "index.html", SITE_LIST].map(mode),
            [0o755, 0o755, 0o755, 0o644, 0o644]
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something is left");
    }

    #[test]
    fn a_program_that_stops_leaves_the_old_site_or_the_new_one() {
        for step in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("site");
            write(&opened(folder.path(), Disk::default()), &out, "old").unwrap();
            let failing = opened(folder.path(), Disk::failing_after(step));
            let done = write(&failing, &out, "new");
            let now = content(&out);
            let expected =
                ["old: index.html releases/old/a.csv", "new: index.html releases/new/a.csv"];
            assert!(expected.contains(&now.as_str()), "{step}: {now}");
            write(&opened(folder.path(), Disk::default()), &out, "next").unwrap();
            assert_eq!(content(&out), "next: index.html releases/next/a.csv", "{step}");
            assert_eq!(
                fs::read_dir(folder.path()).unwrap().count(),
                2,
                "{step}: something is left"
            );
            if done.is_ok() {
                assert!(step > 8, "no step was tried");
                break;
            }
        }
    }

    #[test]
    fn a_folder_of_anything_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path(), Disk::default());
        let path = |name: &str| folder.path().join(name);
        let refused = |out: &Path| match write(&store, out, "new") {
            Err(StoreError::Site { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        fs::create_dir(path("letters")).unwrap();
        fs::write(path("letters/a.txt"), "dear").unwrap();
        assert!(refused(&path("letters")).contains("no minster-site.json"));
        fs::write(path("file"), "dear").unwrap();
        assert!(refused(&path("file")).contains("a link or a file"));
        write(&store, &path("site"), "old").unwrap();
        symlink("site", path("link")).unwrap();
        assert!(refused(&path("link")).contains("a link or a file"));
        assert!(refused(&path("store/site")).contains("in the store"));
        fs::write(path("site/releases/logo.png"), "ours").unwrap();
        assert!(refused(&path("site")).contains("it holds releases/logo.png"));
        assert_eq!(fs::read_to_string(path("letters/a.txt")).unwrap(), "dear");
        assert_eq!(content(&path("site")), "old: index.html releases/logo.png releases/old/a.csv");
        fs::create_dir(path("empty")).unwrap();
        write(&store, &path("empty"), "new").unwrap();
    }

    #[test]
    fn a_release_that_was_changed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path(), Disk::default());
        let manifest = br#"{"tables":[],"files":[{"name":"a.html"}]}"#.to_vec();
        let files =
            [("a.html".to_owned(), b"one".to_vec()), ("manifest.json".to_owned(), manifest)];
        let release = store.publish_release("a", "2024-25", &files).unwrap();
        assert_eq!(release.verified_files(&store).unwrap(), files);
        let is_other =
            || matches!(release.verified_files(&store), Err(StoreError::OtherRelease { .. }));
        fs::write(release.folder.join("more.html"), "more").unwrap();
        assert!(is_other());
        fs::remove_file(release.folder.join("more.html")).unwrap();
        fs::write(release.folder.join("a.html"), "two").unwrap();
        assert!(is_other());
        fs::remove_file(release.folder.join("a.html")).unwrap();
        fs::write(folder.path().join("one"), "one").unwrap();
        symlink(folder.path().join("one"), release.folder.join("a.html")).unwrap();
        assert!(is_other(), "a link was followed");
    }
}
