//! The packages as a version before them: the same programs under an older number, with another configuration, and without the units
//! that came since. An upgrade from them is tried.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, cargo::run};

/// The older number, as `debian/control` has it.
pub(super) const VERSION: &str = "0.1.9-1";
/// A file of the configuration that the older version ships in other words.
pub(super) const OTHER_CONFIG: &str = "etc/minster/matching.toml";
pub(super) const OTHER_WORDS: &str = "# As the version before had it.\n";
/// Units that the older version did not have.
const LATER: [&str; 2] = ["minster-vault-metrics.service", "minster-vault-metrics.timer"];

/// Makes the older packages in a folder, in the same order.
pub(super) fn repack(packages: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let io = |path: &Path, source| Failure::Folder { path: path.to_owned(), source };
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|source| io(folder, source))?;
    }
    fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
    let mut made = Vec::new();
    for package in packages {
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = folder.join(name.trim_end_matches(".deb"));
        let mut extract = Command::new("dpkg-deb");
        run("dpkg-deb", extract.arg("--raw-extract").arg(package).arg(&content))?;
        let control = content.join("DEBIAN/control");
        let text = fs::read_to_string(&control).map_err(|source| io(&control, source))?;
        let now = env!("CARGO_PKG_VERSION");
        let older = text
            .replace(&format!("Version: {now}-1"), &format!("Version: {VERSION}"))
            .replace(&format!("(>= {now})"), "(>= 0.1.9)");
        if older == text {
            return Err(Failure::Installation(format!("{name} does not have the version {now}")));
        }
        fs::write(&control, older).map_err(|source| io(&control, source))?;
        let config = content.join(OTHER_CONFIG);
        if config.exists() {
            let whole = fs::read_to_string(&config).map_err(|source| io(&config, source))?;
            fs::write(&config, OTHER_WORDS.to_owned() + &whole)
                .map_err(|source| io(&config, source))?;
        }
        for unit in LATER.map(|unit| content.join("usr/lib/systemd/system").join(unit)) {
            if unit.exists() {
                fs::remove_file(&unit).map_err(|source| io(&unit, source))?;
            }
        }
        let path = folder.join(name.replace(&format!("{now}-1"), VERSION));
        let mut build = Command::new("dpkg-deb");
        build.args(["-Znone", "--root-owner-group", "--build"]).arg(&content).arg(&path);
        run("dpkg-deb", &mut build)?;
        made.push(path);
    }
    Ok(made)
}
