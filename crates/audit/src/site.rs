//! The installation that is audited, and how each part of it is reached.

use std::{
    cell::OnceCell,
    fs,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use minster_model::{Role, pipeline::Pipeline};
use minster_vault_api::{Client, VaultError};
use tempfile::NamedTempFile;

use crate::{
    arguments::Audit,
    check::{Gathered, quoted},
    failure::Failure,
    meaning::MEANINGS,
};

/// The site that is audited.
pub(crate) struct Site {
    pub(crate) arguments: Audit,
    pub(crate) pipeline: Pipeline,
    /// The folder of the programs.
    pub(crate) programs: PathBuf,
    /// The folder of what the auditor accepted: the role table, the list of programs.
    pub(crate) accepted: Option<PathBuf>,
    log: OnceCell<Log>,
}

/// The vault's log, from where it could be had.
pub(crate) enum Log {
    /// A file that was named, or that stands in the vault's folder.
    File(PathBuf),
    /// Told by the vault to its auditor, page by page.
    Told(NamedTempFile),
    /// The reason why there is none.
    None(String),
}

impl Log {
    /// Where it can be read.
    ///
    /// # Errors
    /// Says why there is none.
    pub(crate) fn path(&self) -> Result<&Path, &str> {
        match self {
            Self::File(path) => Ok(path),
            Self::Told(file) => Ok(file.path()),
            Self::None(why) => Err(why),
        }
    }

    /// How a person names it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => quoted(path),
            Self::Told(_) | Self::None(_) => "log.jsonl".to_owned(),
        }
    }
}

impl Site {
    pub(crate) fn of(arguments: Audit) -> Result<Self, Failure> {
        for name in &arguments.only {
            if !MEANINGS.iter().any(|of| is_of(of.id, name)) {
                let known: Vec<&str> = MEANINGS.iter().map(|of| of.id).collect();
                return Err(Failure::NoCheck { name: name.clone(), known: known.join(", ") });
            }
        }
        let path = &arguments.config;
        let failed = |error| Failure::Pipeline { path: path.clone(), source: Box::new(error) };
        let text = fs::read_to_string(path)
            .map_err(|source| Failure::NoPipeline { path: path.clone(), source })?;
        let pipeline: Pipeline = toml::from_str(&text).map_err(failed)?;
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        let pipeline = pipeline
            .resolve(whole.parent().unwrap_or(Path::new(".")))
            .map_err(|why| failed(serde::de::Error::custom(why)))?;
        let beside = std::env::current_exe().map_err(Failure::OwnFolder)?;
        let beside = beside.parent().unwrap_or(Path::new(".")).to_owned();
        let programs = arguments.programs.clone().unwrap_or(beside);
        let accepted = arguments.accepted.clone().or_else(|| arguments.records.clone());
        Ok(Self { arguments, pipeline, programs, accepted, log: OnceCell::new() })
    }

    /// Whether a check is to be made.
    pub(crate) fn wants(&self, id: &str) -> bool {
        let only = &self.arguments.only;
        only.is_empty() || only.iter().any(|name| is_of(id, name))
    }

    /// Whether any check of a group is to be made.
    pub(crate) fn wants_some(&self, ids: &[&str]) -> bool {
        MEANINGS.iter().any(|of| ids.iter().any(|group| is_of(of.id, group)) && self.wants(of.id))
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.pipeline.vault.socket
    }

    /// A conversation with the vault.
    pub(crate) fn vault(&self) -> Result<Client, VaultError> {
        Client::connect_to(&self.pipeline.vault, Role::Auditor, "minster-audit")
    }

    /// A conversation in the linker's role: it alone opens rows about children, to have them searched.
    pub(crate) fn linker(&self) -> Result<Client, VaultError> {
        Client::connect_to(&self.pipeline.vault, Role::Linker, "minster-audit")
    }

    /// The vault's log: the one that was named, the one in the vault's folder, or what the vault tells.
    pub(crate) fn log(&self) -> &Log {
        self.log.get_or_init(|| {
            if let Some(named) = &self.arguments.log {
                return Log::File(named.clone());
            }
            let in_folder = self.arguments.vault_dir.as_ref().map(|dir| dir.join("log.jsonl"));
            match in_folder.filter(|path| fs::File::open(path).is_ok()) {
                Some(path) => Log::File(path),
                None => self.told().map_or_else(Log::None, Log::Told),
            }
        })
    }

    /// The log as it is now, where it is the vault that tells it; nothing where a file is read.
    pub(crate) fn told_again(&self) -> Option<NamedTempFile> {
        match self.log() {
            Log::Told(_) => self.told().ok(),
            Log::File(_) | Log::None(_) => None,
        }
    }

    /// The log as the vault tells it, whole.
    fn told(&self) -> Result<NamedTempFile, String> {
        let because =
            |why: String| format!("{why}; or give --log FILE, or --vault-dir DIR as root");
        let mut vault = self.vault().map_err(|error| because(error.to_string()))?;
        let unkept = |error: io::Error| because(format!("the log that the vault told: {error}"));
        let mut file = NamedTempFile::new().map_err(unkept)?;
        let mut from = 0;
        loop {
            let page = vault.read_log(from).map_err(|error| because(error.to_string()))?;
            if page.lines.is_empty() {
                file.flush().map_err(unkept)?;
                return Ok(file);
            }
            // A page that does not lead on would be read for ever.
            if page.next <= from {
                return Err(because("the vault's answer does not fit the question".to_owned()));
            }
            file.write_all(&page.lines).map_err(unkept)?;
            from = page.next;
        }
    }

    /// The group of auditors: that of the folder of checkpoints.
    pub(crate) fn auditors(&self) -> Option<u32> {
        let folder = fs::metadata(self.arguments.checkpoints.as_ref()?).ok()?;
        Some(folder.gid())
    }

    /// The command for root, so that a check is made that this user may not make.
    pub(crate) fn as_root(&self, id: &str) -> String {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let whole = |path: &Path| quoted(&path.canonicalize().unwrap_or_else(|_| absolute(path)));
        let store = &self.pipeline.store;
        let of_store =
            ["store", "files.store", "files.copies", "keys", "leakage", "log", "releases"];
        let closed =
            fs::read_dir(store).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        // Only a store that is shared with a group keeps its own programs out of no list.
        let is_shared = fs::metadata(store).is_ok_and(|folder| folder.mode() & 0o2000 != 0);
        if closed && is_shared && of_store.iter().any(|group| is_of(id, group)) {
            let group = self.auditors().map_or("AUDITORS".to_owned(), |gid| gid.to_string());
            return format!(
                "setfacl -R -m g:{group}:rX,d:g:{group}:rX {}, once; from then on the auditors' group reads the store",
                whole(store)
            );
        }
        let Audit { config, vault_dir, checkpoints, programs, source, also, .. } = &self.arguments;
        let mut command = format!("minster-audit --config {}", whole(config));
        let vault = vault_dir.as_deref().map_or("VAULT-FOLDER".to_owned(), whole);
        command += &format!(" --vault-dir {vault}");
        for (option, path) in [
            ("checkpoints", checkpoints),
            ("programs", programs),
            ("source", source),
            ("accepted", &self.accepted),
        ] {
            if let Some(path) = path {
                command += &format!(" --{option} {}", whole(path));
            }
        }
        for path in also {
            command += &format!(" --also {}", whole(path));
        }
        format!("{command} --only {id}")
    }

    /// The command by which the linker's user makes the checks that open datasets.
    pub(crate) fn by_linker(&self) -> String {
        let config = std::path::absolute(&self.arguments.config);
        let config = config.unwrap_or_else(|_| self.arguments.config.clone());
        format!(
            "minster-audit --config {} --only leakage.datasets --only keys.disjoint",
            quoted(&config)
        )
    }

    /// Reads a whole file of the installation that an auditor may not be able to read.
    pub(crate) fn read(path: &Path, check: &mut Gathered) -> Option<Vec<u8>> {
        match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                check.unread(path.display(), &error);
                None
            }
        }
    }
}

/// Whether a check has this name, or one that begins so.
fn is_of(id: &str, name: &str) -> bool {
    id.strip_prefix(name.trim_end_matches('.'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
