//! The meaning of each check: what PASS shows, and what it does not.

/// One check.
pub(crate) struct Meaning {
    pub(crate) id: &'static str,
    /// The meaning of PASS.
    pub(crate) shows: &'static str,
    /// The limits of PASS; nothing where there is nothing to say.
    pub(crate) not: &'static str,
}

const fn of(id: &'static str, shows: &'static str, not: &'static str) -> Meaning {
    Meaning { id, shows, not }
}

const SYMBOLS: &str = "The program's own table of names has no code of the forbidden parts, and has the parts it must hold.";
const NOT_SYMBOLS: &str =
    "The deeds of a program built to deceive: build it yourself, and compare.";
const NUMBERS: &str = "No child's number stands there: plain, separated, glued, backwards, without its letter, split over cells, packed by \
                       gzip or zip, in UTF-16, base64 or hexadecimal.";

/// All of them, in the order in which they are made.
pub(crate) const MEANINGS: [Meaning; 41] = [
    of("build.symbols.minster-vault", SYMBOLS, NOT_SYMBOLS),
    of("build.symbols.minster-ingest", SYMBOLS, NOT_SYMBOLS),
    of("build.symbols.minster", SYMBOLS, NOT_SYMBOLS),
    of("build.symbols.minster-audit", SYMBOLS, NOT_SYMBOLS),
    of(
        "build.graph",
        "The source that was given links no forbidden part.",
        "Whether the installed programs were built from it.",
    ),
    of(
        "build.installed",
        "Hash, mode and owner of each program, and the hash of each that runs, are those of the packager's signed list.",
        "Whether the packager built from the source.",
    ),
    of(
        "run.store",
        "Nobody but its owner and its group gets into the store, and it is apart from the vault.",
        "Copies elsewhere: backups are yours to find.",
    ),
    of(
        "run.vault-folder",
        "Every file of the vault is the vault's user's alone: mode, owner, access control list, no second name.",
        "Copies elsewhere.",
    ),
    of("run.socket", "Nobody can put a false vault in the true one's place.", ""),
    of(
        "run.users",
        "The vault runs as a user of its own, and not as root.",
        "How the users' passwords are kept.",
    ),
    of("run.core", "The system writes no dump of the vault's memory.", "The powers of root."),
    of(
        "run.environment",
        "No running program was given anything like a key.",
        "A password that looks like any word, under a plain name.",
    ),
    of(
        "run.open-files",
        "At this moment no other program has a file of the vault open.",
        "The moments before and after.",
    ),
    of(
        "run.mapped",
        "No running program has a library slipped in, or memory that others share.",
        "The moments before and after.",
    ),
    of(
        "files.store",
        "All below the store is its programs' users' alone: modes, owners, lists, hard links.",
        "The powers of root.",
    ),
    of(
        "files.checkpoints",
        "Nobody but the vault's user can change a checkpoint.",
        "The powers of root.",
    ),
    of(
        "files.copies",
        "No file of a vault stands in the store, beside the checkpoints or in what else was named.",
        "Places that were not named.",
    ),
    of(
        "files.secrets",
        "No unit, environment file, history or log that could be read holds a key, an identity or a passphrase.",
        "A secret that looks like any word.",
    ),
    of(
        "roles.pairs",
        "No user holds two roles at the vault that undo a protection together.",
        "Two users who work together.",
    ),
    of(
        "roles.table",
        "The role table is the one that the auditor accepted.",
        "Whether it was right to accept it.",
    ),
    of(
        "roles.used",
        "By the log, nobody used two roles that undo a protection together.",
        "Two users who work together.",
    ),
    of(
        "store.unknown",
        "Each file of the store is named by a manifest, or is one of the store's own.",
        "The content of the known files.",
    ),
    of("keys.statement", "The list of keys is the vault's own, unchanged.", ""),
    of(
        "keys.manifests",
        "Each dataset names a key that the vault states and has not retired.",
        "Whether its pseudonyms were made with it: only making the dataset anew would show it.",
    ),
    of(
        "keys.purposes",
        "All data are held for purposes that are named and not over.",
        "Whether the purpose is lawful.",
    ),
    of(
        "keys.disjoint",
        "No pseudonym stands under two purposes, so it joins none.",
        "Whether the other columns about a child join them.",
    ),
    of("leakage.datasets", NUMBERS, "Names, addresses, numbers written in words."),
    of("leakage.releases", NUMBERS, "Names, addresses, numbers written in words."),
    of(
        "leakage.files",
        NUMBERS,
        "The encrypted: quarantined rows, files of a run that was killed.",
    ),
    of("leakage.logs", NUMBERS, "Places that were not named."),
    of(
        "leakage.persons",
        "No line there holds a birth date beside the names or the postcode of the same child, as the vault's registry knows them; no file holds \
         whole names of three children, or a child's postcode among few others.",
        "A name alone, which a member of staff may have too; children of sources without match keys; the encrypted.",
    ),
    of(
        "log.datasets",
        "Each dataset that stands is the newest that the vault's log has, file by file, and none is gone.",
        "The content of a superseded snapshot.",
    ),
    of("log.snapshots", "The log had the manifest of every snapshot, superseded ones too.", ""),
    of(
        "releases.floors",
        "The rules of each release that readers see are as strict as its purpose asks: the vault signs what it asks.",
        "Whether the purpose asks for enough.",
    ),
    of(
        "releases.verify",
        "Each release that readers see passes `minster verify`: files, numbers and certificates.",
        "Whether its purpose asks for enough.",
    ),
    of(
        "retention.due",
        "No record is held three months after its disposal was due, and every signed list was applied.",
        "Whether the schedule is right, and records that it does not speak of.",
    ),
    of(
        "log.chain",
        "No entry of the vault's log was changed, removed, moved or inserted; every custodian's signature is right.",
        "Whether something is missing at its end.",
    ),
    of(
        "log.checkpoints",
        "Up to the last checkpoint it was not cut, written anew or put back from a copy; the checkpoints are the newest.",
        "Later events: the evidence names the entry from which on.",
    ),
    of(
        "log.releases",
        "Each release that readers see was let out, byte for byte, by a user known to the vault, and not withdrawn since.",
        "Whether this user looked at it.",
    ),
    of(
        "log.ledger",
        "The ledger of releases has the entries that the log announced, and no other.",
        "",
    ),
    of(
        "log.clock",
        "The log's times never fall, and none is ahead of this machine's.",
        "A clock that is wrong by the same time always.",
    ),
];

/// A check's meaning.
pub(crate) fn meaning(id: &str) -> Option<&'static Meaning> {
    MEANINGS.iter().find(|of| of.id == id)
}
