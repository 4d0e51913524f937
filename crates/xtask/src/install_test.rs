//! The packages in an empty Debian. A version before them is installed, and a night is run as three users with a vault that two of
//! three custodians open; they are upgraded, looked at, another night is run by cron's line, and they are removed. Each step is a
//! person's command, and what must not work is tried too.

mod debian;
mod earlier;
mod night;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use clap::Args;

use crate::{
    Failure,
    demo::{build_synth, own_folder},
    packages, say,
    shipped::PROGRAMS,
};

use debian::Debian;

#[derive(Args)]
pub(crate) struct InstallTest {
    /// How the programs are built: `release` as they are shipped, `dev` for a trial in minutes.
    #[arg(long, default_value = "release", value_parser = ["dev", "release"])]
    profile: String,
    /// An archive of an empty Debian that `mmdebstrap` made; it is made where the file is missing.
    #[arg(long, value_name = "FILE")]
    debian: Option<PathBuf>,
    /// Take the packages of this folder, and build nothing.
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// Keep the installation, to look at it.
    #[arg(long)]
    keep: bool,
}

/// The folders that the programs wrote into, and that nobody but a person deletes.
const DATA: [&str; 3] = ["var/lib/minster", "var/lib/minster-vault", "srv"];

impl InstallTest {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if !rustix::process::geteuid().is_root() {
            return Err(Failure::Lacking("root: run `sudo -E cargo xtask install-test`".into()));
        }
        let own = own_folder()?;
        let place = own.parent().unwrap_or(&own).join("install-test");
        let packages = match &self.packages {
            Some(folder) => packages::of_folder(folder)?,
            None => {
                let key = packages::Key::New(&place.join("packager"));
                packages::make(&place.join("packages"), &self.profile, key)?
            }
        };
        let synth = build_synth()?;
        let archive = self.debian.clone().unwrap_or_else(|| place.join("debian.tar"));
        let debian = Debian::make(&place.join("root"), &archive, self.keep)?;
        let before = earlier::repack(&packages, &place.join("earlier"))?;
        fail_aloud(&debian, &before[0])?;
        for package in &before {
            debian.install(package)?;
            say(&format!("installed {}", package.display()));
        }
        accept_programs(&debian, &packages[0])?;
        let vault = night::prepare(&debian, &synth)?;
        night::run(&debian)?;
        upgrade(&debian, &packages)?;
        look(&debian)?;
        drop(vault);
        let vault = night::open_again(&debian)?;
        night::tell_monitors(&debian)?;
        night::by_cron(&debian)?;
        drop(vault);
        remove(&debian)?;
        say("the packages install, work and go, and the data stay");
        Ok(())
    }
}

/// An installation that makes no user ends with an error, and with a word of it.
fn fail_aloud(debian: &Debian, package: &std::path::Path) -> Result<(), Failure> {
    let program = debian.at("usr/bin/systemd-sysusers");
    let aside = debian.at("usr/bin/systemd-sysusers.aside");
    let io = |source| Failure::Folder { path: program.clone(), source };
    fs::rename(&program, &aside).map_err(io)?;
    // As it behaves with a file that it does not understand.
    fs::write(&program, "#!/bin/sh\nexit 0\n").map_err(io)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).map_err(io)?;
    let tried = debian.tried_to_install(package)?;
    expect(!tried.status.success(), "an installation without its user ended with 0")?;
    let told = String::from_utf8_lossy(&tried.stderr).into_owned();
    expect(told.contains("the user minster-vault was not made"), &told)?;
    fs::rename(&aside, &program).map_err(io)?;
    say("an installation that makes no user fails, and says so");
    Ok(())
}

/// The auditor takes the packager's list of the programs, which stands beside the packages.
fn accept_programs(debian: &Debian, package: &std::path::Path) -> Result<(), Failure> {
    debian.done("root", &format!("mkdir -m 755 {ACCEPTED}"), &[0])?;
    for name in packages::SIGNED {
        let from = package.with_file_name(name);
        let to = debian.at(ACCEPTED.trim_start_matches('/')).join(name);
        fs::copy(&from, &to).map_err(|source| Failure::Folder { path: from.clone(), source })?;
    }
    Ok(())
}

/// The folder of what the auditor accepted.
const ACCEPTED: &str = "/srv/auditor/accepted";

/// Users, folders, units and what lies beside the programs.
fn look(debian: &Debian) -> Result<(), Failure> {
    for user in ["minster-vault", "minster-ingest", "minster", "minster-auditor"] {
        let line = debian.done("root", &format!("getent passwd {user}"), &[0])?;
        expect(line.trim_end().ends_with("/usr/sbin/nologin"), &line)?;
    }
    for (user, group) in [
        ("minster-ingest", "minster-data"),
        ("minster", "minster-data"),
        ("minster-auditor", "minster-audit"),
    ] {
        let groups = debian.done("root", &format!("id -nG {user}"), &[0])?;
        expect(groups.split_whitespace().any(|of| of == group), &groups)?;
    }
    for (folder, standing) in [
        ("/var/lib/minster-vault", "minster-vault:minster-vault 700"),
        ("/srv/auditor/checkpoints", "minster-vault:minster-audit 2750"),
        ("/var/lib/minster/store", "minster-ingest:minster-data 2770"),
        ("/var/lib/minster/monitoring", "root:minster-data 2775"),
        ("/srv/minster/drop", "root:minster-ingest 750"),
        ("/usr/bin/minster", "root:root 755"),
        ("/usr/bin/minster-ingest", "root:root 755"),
        ("/usr/bin/minster-vault", "root:root 755"),
        ("/usr/bin/minster-audit", "root:root 755"),
        ("/etc/minster/pipeline.toml", "root:root 644"),
        ("/etc/minster/purposes.toml", "root:root 644"),
        ("/etc/minster/sources/codes", "root:root 755"),
    ] {
        let found = debian.done("root", &format!("stat -c '%U:%G %a' {folder}"), &[0])?;
        expect(found.trim_end() == standing, &format!("{folder} is {found}, and not {standing}"))?;
    }
    let units = units_of(debian, "")?;
    expect(units.len() == 7, &format!("{units:?}"))?;
    for unit in units {
        let unit = unit.replace("@.", "@minster.service.");
        let verify = format!("systemd-analyze verify --man=no {unit} 2>&1");
        let told = debian.done("root", &verify, &[0])?;
        let ours: Vec<&str> = told.lines().filter(|line| line.contains("minster")).collect();
        expect(ours.is_empty(), &format!("{unit}: {ours:?}"))?;
    }
    for unit in units_of(debian, "service")? {
        // A threshold of 15 is 1.5.
        let judge = "systemd-analyze security --offline=yes --threshold=15 --no-pager";
        let told = debian.done("root", &format!("{judge} {UNITS}/{unit} 2>&1"), &[0])?;
        let level = told.lines().find(|line| line.contains("Overall exposure level"));
        say(&format!("{unit}: {}", level.unwrap_or("not judged").trim_start_matches(['→', ' '])));
    }
    for program in PROGRAMS {
        let version = debian.done("root", &format!("{program} --version"), &[0])?;
        expect(version.starts_with(&format!("{program} {}", env!("CARGO_PKG_VERSION"))), &version)?;
        for path in [
            format!("/usr/share/man/man1/{program}.1*"),
            format!("/usr/share/bash-completion/completions/{program}"),
            format!("/usr/share/zsh/vendor-completions/_{program}"),
            format!("/usr/share/fish/vendor_completions.d/{program}.fish"),
        ] {
            debian.done(
                "root",
                &format!("test -s {path} || {{ echo {path} >&2; exit 1; }}"),
                &[0],
            )?;
        }
        // The list of linked crates in the program, and the bill of materials beside it.
        debian.done("root", &format!("grep -q -F .dep-v0 /usr/bin/{program}"), &[0])?;
        let bill = format!("/usr/share/doc/{program}/{program}.cdx.json");
        let ring = if program == "minster" { "minster-matcher" } else { "ring" };
        let named = format!("grep -q CycloneDX {bill} && grep -q '\"name\": \"{ring}\"' {bill}");
        debian.done("root", &named, &[0])?;
    }
    say("users, folders, units, manual pages, completions and bills of materials are there");
    Ok(())
}

const UNITS: &str = "/usr/lib/systemd/system";

/// Our units whose name ends so.
fn units_of(debian: &Debian, ending: &str) -> Result<Vec<String>, Failure> {
    let units = debian.done("root", &format!("ls {UNITS} | grep '^minster.*{ending}$'"), &[0])?;
    Ok(units.split_whitespace().map(str::to_owned).collect())
}

/// From the version before to this one: the data stay, and each file of the configuration that a person changed. One that nobody
/// changed is the new version's.
fn upgrade(debian: &Debian, packages: &[PathBuf]) -> Result<(), Failure> {
    let version = "dpkg-query --show --showformat '${Package} ${Version}\\n' 'minster*'";
    let told = debian.done("root", version, &[0])?;
    let of = |number: &str| told.lines().filter(|line| line.ends_with(number)).count();
    expect(of(earlier::VERSION) == packages.len(), &told)?;
    let read = |name: &str| {
        let path = debian.at(name);
        fs::read_to_string(&path).map_err(|source| Failure::Folder { path, source })
    };
    expect(read(earlier::OTHER_CONFIG)?.starts_with(earlier::OTHER_WORDS), "no older file")?;
    let changed = ["etc/minster/pipeline.toml", "etc/minster/tables/children.toml"];
    let before = (debian.listing(&DATA)?, debian.listing(&changed)?);
    for package in packages {
        debian.install(package)?;
    }
    expect(before.0 == debian.listing(&DATA)?, "the upgrade changed the data")?;
    expect(before.1 == debian.listing(&changed)?, "the upgrade changed what a person wrote")?;
    expect(!read(earlier::OTHER_CONFIG)?.starts_with(earlier::OTHER_WORDS), "an older file stays")?;
    let told = debian.done("root", version, &[0])?;
    let now = format!("{}-1", env!("CARGO_PKG_VERSION"));
    let number = told.lines().filter(|line| line.ends_with(&now)).count();
    expect(number == packages.len(), &told)?;
    say(&format!(
        "upgraded from {} to {now}: the data and what a person wrote in /etc/minster are as they were",
        earlier::VERSION
    ));
    Ok(())
}

/// Removing, and removing the configuration too, touches no data and leaves their owners.
fn remove(debian: &Debian) -> Result<(), Failure> {
    let before = debian.listing(&DATA)?;
    expect(before.len() > 50, "there are no data that could be lost")?;
    debian.done(
        "root",
        "dpkg --remove minster-audit minster minster-ingest minster-vault",
        &[0],
    )?;
    debian.done("root", "test ! -e /usr/bin/minster && test ! -e /usr/bin/minster-vault", &[0])?;
    expect(debian.listing(&DATA)? == before, "removing the packages changed the data")?;
    let told = debian.done(
        "root",
        "dpkg --purge minster-audit minster minster-ingest minster-vault 2>&1",
        &[0],
    )?;
    expect(told.contains("kept: /var/lib/minster-vault"), &told)?;
    expect(debian.listing(&DATA)? == before, "purging the packages changed the data")?;
    debian.done("root", "getent passwd minster-vault minster-ingest minster", &[0])?;
    say(&format!(
        "removed and purged: {} files and folders of data are as they were",
        before.len()
    ));
    Ok(())
}

fn expect(holds: bool, told: &str) -> Result<(), Failure> {
    match holds {
        true => Ok(()),
        false => Err(Failure::Installation(told.trim_end().to_owned())),
    }
}
