//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Checks that an installation keeps its promises. It needs no secret.
#[derive(Parser)]
#[command(
    name = "minster-audit",
    version = env!("MINSTER_VERSION"),
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  minster-audit\n  \
        minster-audit --vault-dir /var/lib/minster-vault \\\n      --checkpoints /srv/auditor/checkpoints --records /srv/auditor/records\n\n\
        Each check shows its evidence, PASS, FAIL or NOT CHECKED, and a command that shows the same by hand; \
        docs/auditors.md explains them. Beside what this user may not see stands the command that root runs for it. The vault compares \
        the words of files with its registry; the linker's user opens the datasets. Counts alone are shown, and the vault logs it.\n\n\
        Exit: 0 every check passed; 9 a check failed; 11 none failed, and a check was not made; 2 usage or configuration; 1 an unexpected fault"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) audit: Audit,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make the auditor's own key, with which reports are signed.
    #[command(after_help = "Example:\n  minster-audit key /srv/auditor/records\n\n\
        The folder is made, for this user alone. auditor.key signs; auditor.pub verifies, and is printed. \
        Whoever copies auditor.key signs in the auditor's name.\n\n\
        Exit: 0 done; 2 there is a key already, or the folder cannot be written")]
    Key {
        /// The auditor's own folder.
        folder: PathBuf,
        /// The signer's name in each signature, without spaces.
        #[arg(long, default_value = "minster-auditor")]
        name: String,
    },
    /// Print a signed list of programs: hash, mode and owner of each.
    #[command(after_help = "Example:\n  minster-audit list --key packager/auditor.key \\\n      \
        /usr/bin/minster-vault /usr/bin/minster > programs.note\n\n\
        Whoever builds the packages signs what is in them. Put the list into the auditor's folder as programs.note, and the signer's \
        auditor.pub as packager.pub: from then on the audit compares.\n\n\
        Exit: 0 done; 2 a program or the key cannot be read")]
    List {
        /// The programs, at the places where they are installed.
        #[arg(required = true, value_name = "PROGRAM")]
        programs: Vec<PathBuf>,
        /// List them as a package will install them in this folder: root's, and mode 755. The builder of a package signs so, before
        /// anything is installed.
        #[arg(long, value_name = "DIR")]
        installed_in: Option<PathBuf>,
        /// The key that signs.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Verify a filed report: its signature, and the hash of each of its files.
    #[command(
        after_help = "Example:\n  minster-audit verify audit-20261129t230000z.note --verifier auditor.pub\n\n\
        Exit: 0 it is what was signed; 9 it is not; 2 a file cannot be read"
    )]
    Verify {
        /// The report's note; its other files stand beside it.
        note: PathBuf,
        /// The file with the line that verifies the auditor's signature.
        #[arg(long, value_name = "FILE")]
        verifier: PathBuf,
    },
}

/// The places that an auditor names.
#[derive(Args, Clone)]
pub(crate) struct Audit {
    /// The pipeline's configuration.
    #[arg(
        long,
        value_name = "FILE",
        env = "MINSTER_CONFIG",
        hide_env_values = true,
        default_value = "config/pipeline.toml"
    )]
    pub(crate) config: PathBuf,
    /// The vault's folder, where this user may look into it.
    #[arg(long, value_name = "DIR")]
    pub(crate) vault_dir: Option<PathBuf>,
    /// The auditors' folder of checkpoints.
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// A copy of the vault's log. Without it, the log in --vault-dir is read, or else the vault is asked for it.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// The vault's signed statement (`minster-vault statement`). Without it, the vault is asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) statement: Option<PathBuf>,
    /// The key that verifies the vault's signature, or a file with it. Without it, the checkpoints' key is taken.
    #[arg(long, value_name = "KEY")]
    pub(crate) verifier: Option<String>,
    /// The programs' source, for the graph of what each program links.
    #[arg(long, value_name = "DIR")]
    pub(crate) source: Option<PathBuf>,
    /// The folder of the programs. Without it, this program's folder is taken.
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// Another file or folder to search for identifiers and keys: the programs' output, or temporary files. It may be given
    /// several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) also: Vec<PathBuf>,
    /// The auditor's own folder: the key that signs reports, and the filed reports. A report is filed in it.
    #[arg(long, value_name = "DIR")]
    pub(crate) records: Option<PathBuf>,
    /// The folder of what was accepted: vault.toml, for its role table, and the packager's programs.note with packager.pub.
    /// Without it, --records is taken.
    #[arg(long, value_name = "DIR")]
    pub(crate) accepted: Option<PathBuf>,
    /// Make this check alone, or those whose names begin so, such as run. It may be given several times.
    #[arg(long, value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
