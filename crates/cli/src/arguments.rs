//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use minster_model::{Period, RunId, SourceName, TableName};

use crate::{
    access, columns, dispose, explain, linkage, links, officer, preview, purposes, quality, query,
    review, risk, site, suggest,
};

/// Turns a council's records about children into pseudonymised, linked data, and publishes only tables that passed disclosure
/// control.
#[derive(Parser)]
#[command(
    name = "minster",
    version = env!("MINSTER_VERSION"),
    arg_required_else_help = true,
    after_help = "Examples:\n  minster init\n  minster plan\n  minster run\n\n\
        docs/engineers.md, docs/analysts.md and docs/auditors.md lead through the work."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a commented configuration for a council.
    #[command(after_help = "Example:\n  minster init\n  minster init /etc/minster\n\n\
            The configuration is that of the example council: the pipeline, the purposes, the sources, the rules of linkage, \
            and one release. Then the council's own folders go into pipeline.toml. No file is ever overwritten.\n\n\
            Exit: 0 done; 2 the folder is not empty, or cannot be written")]
    Init {
        /// The folder; it is made, or it is empty.
        #[arg(default_value = "config", value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        form: Json,
    },
    /// Say which files a run would read, and which tables it would draft. No row is read.
    #[command(after_help = "Example:\n  minster plan")]
    Plan(Report),
    /// Ingest the deliveries, link them, and draft the tables.
    #[command(after_help = "Example:\n  minster run\n\n\
            A draft is not public. A person lets it out with `minster release`.\n\n\
            Exit: 0 done; 2 usage or configuration, or a faulty table definition, beside which the others are drafted; 3 done, with \
            rows in quarantine; 4 disclosure control refused a draft, or the data break a bound of risk; \
            5 rows were not conserved; 6 the vault; 7 publishing failed, and the release before is still there; 8 another \
            run holds the lock; 10 done, but a source was left out; 1 an unexpected fault")]
    Run {
        #[command(flatten)]
        report: Report,
        /// Ingest and link again, even where nothing changed.
        #[arg(long)]
        again: bool,
        /// Take this source's delivery as it is, although a gate would stop it. It may be given several times.
        #[arg(long, value_name = "SOURCE")]
        accept: Vec<SourceName>,
    },
    /// Run minster-ingest with these arguments.
    #[command(after_help = "Examples:\n  minster ingest run\n  minster ingest quarantine list\n\n\
            `minster-ingest --help` lists its commands.")]
    Ingest {
        /// The arguments of minster-ingest.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Link the ingested datasets: each period has one row a child, and tables of events.
    #[command(after_help = "Example:\n  minster link")]
    Link {
        #[command(flatten)]
        report: Report,
        /// Link again, even where nothing changed.
        #[arg(long)]
        again: bool,
    },
    /// List the columns of the integrated dataset: meaning, type, codes and blanks.
    #[command(
        after_help = "Examples:\n  minster columns\n  minster columns --period 2024-25 --json\n\n\
            These are the columns that a table definition can name, and those of the tables of events. A count of blanks is \
            hidden where it, or that of the other rows, is 1 to 4. The command needs the analyst's role at the vault; \
            `minster dictionary` needs none, and counts nothing.\n\n\
            Exit: 0 done; 2 usage or configuration, or the data were linked by other rules; 6 the vault"
    )]
    Columns(columns::Arguments),
    /// Show what would be published of one definition. Nothing is kept.
    #[command(after_help = "Examples:\n  minster preview config/tables/children.toml\n  \
            minster preview trial.toml --period 2024-25 --json\n\n\
            The definition is protected and attacked as a draft is, beside all that stands. A withheld number is `[c]`. Nothing of \
            it is public: several previews side by side may tell more than each. The command needs the analyst's role at the vault. \
            A day has at most 100 previews of a period; `minster runs list` has their times, and nothing of what they showed.\n\n\
            Exit: 0 done; 2 usage or configuration; 4 disclosure control refuses the definition, or the day's previews are \
            used up; 6 the vault; 8 a run holds the lock")]
    Preview(preview::Arguments),
    /// Preview what a query would publish: only protected aggregates come out. Nothing is kept.
    #[command(after_help = "Examples:\n  \
            minster query \"SELECT sex, COUNT(*) FROM children GROUP BY sex\"\n  \
            minster query \"SELECT sex, COUNT(*) FROM children GROUP BY 1\" --save sex\n\n\
            The query becomes a table definition, and this is previewed as `minster preview` does it: the same look, protection, attack and \
            bound for a day. It has SELECT, FROM children or FROM a table of events JOIN children USING (child), WHERE with AND, and GROUP BY \
            with CUBE, ROLLUP or GROUPING SETS. Its numbers are COUNT(*), SUM, AVG(COALESCE(column, 0)) and quotients of sums. All else is \
            refused at its place, with what to write instead. `minster columns` lists the columns. --save writes the definition among those \
            of the pipeline, with the query above it.\n\n\
            Exit: 0 done; 2 usage, configuration or the query; 4 disclosure control refuses it, or the day's previews are used up; \
            6 the vault; 8 a run holds the lock")]
    Query(query::Arguments),
    /// Rank coarser forms of a definition by the cells that they save. Nothing is kept.
    #[command(after_help = "Examples:\n  minster suggest config/tables/children.toml\n  \
            minster suggest trial.toml --most 6 --seconds 60\n\n\
            Each form is protected as a draft is, beside all that stands: without a dimension, a grouping or a level, by the column \
            of its next level, with a look-up's level, or with wider bands. The lines take the place of those with the same keys. \
            The command needs the analyst's role at the vault.\n\n\
            Exit: 0 done; 2 usage or configuration; 6 the vault; 8 a run holds the lock")]
    Suggest(suggest::Arguments),
    /// Tabulate, protect and attack the tables, and keep them as drafts.
    #[command(after_help = "Examples:\n  minster aggregate\n  minster aggregate looked_after\n\n\
            A faulty definition is named with its error, and the others are drafted.\n\n\
            Exit: 0 done; 2 a definition is faulty, or another fault of usage or configuration; 4 disclosure control refused a \
            draft, or the data break a bound of risk; 6 the vault; 7 the ledger lacks a release; 8 a run holds the lock")]
    Aggregate {
        /// Draft this release alone, and leave the other drafts as they are.
        release: Option<TableName>,
        #[command(flatten)]
        report: Report,
    },
    /// Let a draft out. It is checked again together with all earlier releases.
    #[command(after_help = "Examples:\n  minster release children\n  minster release --all\n\n\
            The command needs the analyst's role at the vault. The vault logs the release's hash before anyone can see the \
            release. The ledger records the person, the time and the policy.\n\n\
            Exit: 0 done; 2 there is no such draft, or the data have changed since; 4 disclosure control refuses it, an \
            earlier release must be withdrawn first, or the data break a bound of risk; 8 a run holds the lock")]
    Release {
        /// The draft.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        release: Option<TableName>,
        /// Let all drafts out, except those that would replace a release.
        #[arg(long)]
        all: bool,
        /// The period; needed where the pipeline has several.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        report: Report,
    },
    /// Withdraw a release. Its readers are told, and its numbers count as known for ever.
    #[command(
        after_help = "Example:\n  minster withdraw children --reason \"a file was cut off\"\n\n\
            The reason is published. Then `minster release` lets a revised release out, which is protected together with the \
            withdrawn one."
    )]
    Withdraw {
        /// The release.
        release: TableName,
        /// The reason, in one line; it is published.
        #[arg(long)]
        reason: String,
        /// The period; needed where the release exists for several.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        report: Report,
    },
    /// Convert the datasets to the new version of the purpose's keys.
    #[command(after_help = "Example:\n  minster rekey\n\n\
            Run it after custodians made new keys, and before they end the old ones. It needs the linker's role at the vault. \
            It is safe to run it again after an interruption: converted datasets are kept.")]
    Rekey(Report),
    /// Take the rows of a signed disposal list out of every dataset. It cannot be undone.
    #[command(after_help = "Example:\n  minster dispose disposal.list --receipt receipt.note\n\n\
            `minster-vault retention apply` writes the list, once two custodians approved it. Rows leave the datasets of all deliveries and \
            the integrated ones; superseded snapshots, sealed quarantine and linkage datasets are destroyed. Releases stand. Rows that the schedule \
            makes inaccessible go into a sealed archive below `archive/` in the store first. The command \
            needs the linker's role at the vault. It is safe to run it again after an interruption: it goes on.\n\n\
            Exit: 0 done; 2 usage, or the list is not the vault's; 6 the vault; 8 a run holds the lock")]
    Dispose(dispose::Arguments),
    /// Remove all that the store has of a purpose that two custodians ended, and tell the vault. It cannot be undone.
    #[command(after_help = "Example:\n  minster end-purpose\n\n\
            It ends the purpose of the pipeline, once `minster-vault enact` began its end. Datasets with their snapshots and quarantine, \
            linked children, restricted reports, linkage datasets, drafts and records of runs are removed, counted and hashed. Releases and \
            their ledger stand, and so do datasets of other purposes. The command needs the linker's role at the vault. It is safe to run \
            it again after an interruption: it goes on.\n\n\
            Exit: 0 done; 2 usage; 6 the vault, or nobody ended the purpose; 8 a run holds the lock")]
    EndPurpose(Report),
    /// Give a requester all that is held on one child, as one encrypted file.
    #[command(after_help = "Example:\n  minster access --grant case.json --out bundle.age\n\n\
            The grant is a proposal that two custodians approved (`minster-vault request ... access`); it names the child, as the vault alone \
            knows, and the requester's age recipient. It is used up once the bundle is whole. The bundle is an archive: a page, a CSV a \
            table, and a README; nothing of it comes to the disk in clear, and the command prints counts alone. It needs the linker's role \
            at the vault. The requester opens the file with `age --decrypt --identity KEY --output bundle.zip bundle.age`.\n\n\
            Exit: 0 done; 2 usage, or the file is there already or cannot be written; 6 the vault, or there is no such grant; 8 a run holds \
            the lock")]
    Access(access::Arguments),
    /// Check a release again: its files, its numbers, and its certificates.
    #[command(after_help = "Example:\n  minster verify children\n\n\
            The command needs the auditor's role at the vault. It checks certificates by adding up alone.\n\n\
            Exit: 0 every check passed; 9 a check failed")]
    Verify(Released),
    /// Say why the cells of a release are withheld, and what would free them.
    #[command(after_help = "Examples:\n  minster explain children\n  \
            minster explain children --table sen_by_ward --cell ward=W01 --cell sex=F\n\n\
            The second example explains one cell; a column without --cell is at its total. A name that is none is refused with the nearest \
            one. The command needs the analyst's role at the vault, and says no count. A reason tells more than the release does: it \
            is for whoever may open the data, and nobody else. With --exact it needs the auditor's role, and says between \
            which counts the published numbers leave a cell.\n\n\
            Exit: 0 done; 2 usage, or a name is none; 6 the vault")]
    Explain(explain::Arguments),
    /// List what disclosure control refused: beside which release, for which column, and the way out.
    #[command(after_help = "Example:\n  minster refusals\n\n\
            The latest 200 refusals of drafts and releases are kept, each with its reason, the releases beside it, the columns, \
            the definition's hash and the run. The list names no category, and no count of a cell. It needs no key.\n\n\
            Exit: 0 done; 2 usage, or the list cannot be read")]
    Refusals(Report),
    /// Follow a release back: to its data, their sources' files, its rules and its persons.
    #[command(
        after_help = "Examples:\n  minster lineage children\n  minster lineage children --approvals\n\n\
            Each step names the next by its hash, and the vault's log has the first. A link that is missing is said. Where none of the \
            name stands, the release that was withdrawn last is followed. The command opens no dataset; it needs the analyst's role \
            at the vault.\n\n\
            Exit: 0 the way is whole; 2 no such release was let out; 6 the vault; 7 the ledger lacks a release; 8 a run holds the \
            lock; 11 a link is missing"
    )]
    Lineage(LineageArguments),
    /// Build a release again from the data, and compare its files byte by byte. Nothing is kept.
    #[command(after_help = "Example:\n  minster reproduce children\n\n\
            It is built beside what stood when it was let out, and attacked again. The vault opens the newest snapshot \
            of the data alone: where another was linked since, that is said. The command needs the analyst's role at the vault.\n\n\
            Exit: 0 every file is the same; 2 none of the name stands; 6 the vault; 8 a run holds the lock; 9 a file differs; 11 it \
            cannot be built")]
    Reproduce(Released),
    /// Write a folder of all releases for readers: an index with a search, and each release's page and files.
    #[command(after_help = "Example:\n  minster site --out /srv/intranet/releases\n\n\
            The vault's log says which releases were let out. Each file is compared with the release's hash before it is \
            copied. A withdrawn release is listed with its date and reason, and without files. The site needs no server \
            but one for plain files, and works without a script. The same releases give the same bytes.\n\n\
            It takes the place of the site before in one step. A folder that holds anything else is left alone. The command needs \
            the analyst's role at the vault. Run it again after a release or a withdrawal.\n\n\
            Exit: 0 done; 2 usage, or the folder holds something else; 6 the vault; 7 a release is not what was let out, or the \
            ledger lacks one: the site has the others; 8 a run holds the lock")]
    Site(site::Arguments),
    /// Run minster-audit with these arguments.
    #[command(
        after_help = "Examples:\n  minster audit\n  minster audit --records /srv/auditor/records\n\n\
            `minster-audit --help` lists its options."
    )]
    Audit {
        /// The arguments of minster-audit.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Show what each purpose may use, and whether the pipeline's definitions stay within theirs.
    #[command(
        after_help = "Examples:\n  minster purposes\n  minster purposes --role auditor --json\n\n\
            The purposes are the vault's: custodians named them. A source, table, column or audience outside the pipeline's purpose \
            is refused as it is ingested or released; here it is told before. No row is read.\n\n\
            Exit: 0 all is within; 2 usage or configuration, or something is outside; 6 the vault"
    )]
    Purposes(purposes::Arguments),
    /// Report on the quality of the data and of the linkage, and for the data protection officer.
    #[command(subcommand, after_help = "Example:\n  minster report quality")]
    Report(Reports),
    /// Have people judge pairs in doubt, without seeing a value.
    #[command(subcommand, after_help = "Example:\n  minster review status")]
    Review(review::Command),
    /// Describe the tables of an integrated dataset: each column's meaning, origin and codes.
    #[command(after_help = "Example:\n  minster dictionary > datapackage.json\n\n\
            The output is a Data Package (version 2), in JSON. It comes from the definitions: it needs no key, and has no \
            row's value.")]
    Dictionary {
        /// The period; the pipeline's last one, where none is given.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        config: Config,
    },
    /// Measure how identifying the pseudonymised rows are, and what coarser treatments would change.
    #[command(
        after_help = "Examples:\n  minster risk\n  minster risk --period 2024-25 --html risk.html\n  \
            minster risk --policy trial.toml --json\n\n\
            `risk` in pipeline.toml names the policy: what an intruder may know, what nobody may learn, and bounds. A run stops before it \
            drafts, and no draft is let out, where the data break a bound. Counts are to the nearest 5, and no value of a row is shown. The \
            command needs the analyst's role at the vault, which logs that the integrated dataset was opened.\n\n\
            Exit: 0 done, also where a bound is broken; 2 usage, configuration or policy; 6 the vault"
    )]
    Risk(risk::Arguments),
    /// Show what runs did.
    #[command(subcommand, after_help = "Example:\n  minster runs list")]
    Runs(Runs),
    /// Print the JSON schema of table definitions, for editors.
    #[command(after_help = "Example:\n  minster schema > tables.schema.json")]
    Schema,
}

impl Command {
    /// The configuration of a command that a schedule runs.
    pub(crate) fn night(&self) -> Option<&Path> {
        match self {
            Self::Run { report, .. }
            | Self::Link { report, .. }
            | Self::Aggregate { release: None, report } => Some(&report.config.path),
            _ => None,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Reports {
    /// Count each delivery's rows and cells that were set aside, recoded, blanked or in doubt.
    #[command(
        after_help = "Examples:\n  minster report quality\n  minster report quality early_help --period 2024-25\n  \
            minster report quality --html quality.html\n\n\
            The worst delivery comes first. The report has counts and places, and no row's value. Small counts are in it, so it \
            is for the service and the council alone. Findings of linking are in it for whoever has the linker's role at the \
            vault, which logs it; all else needs no key."
    )]
    Quality(quality::Arguments),
    /// Tell how well a period's children were linked: flow, rates by group, estimated errors.
    #[command(
        after_help = "Examples:\n  minster report linkage\n  minster report linkage --period 2024-25 --html linkage.html\n\n\
            The command needs the linker's role at the vault, which logs that datasets were opened. `[report]` in \
            matching.toml names the groups. The report has counts to the nearest 5, and codes beside counts that are not \
            small.\n\n\
            Exit: 0 done; 2 the data changed since they were linked: run `minster link`; 6 the vault"
    )]
    Linkage(linkage::Arguments),
    /// Count a period's rows by how they were linked, exactly, and name the rows to look at.
    #[command(
        after_help = "Examples:\n  minster report links\n  minster report links --period 2024-25 --json\n\n\
            The command needs the linker's role at the vault, which logs that the integrated dataset was opened. The report \
            counts few children exactly: keep what is printed as restricted as the dataset. A run prints the same with counts \
            to the nearest 5 and without rows.\n\n\
            Exit: 0 done; 2 an earlier release linked: run `minster link`; 6 the vault"
    )]
    Links(links::Arguments),
    /// Write the record of processing activities (UK GDPR, Article 30).
    #[command(
        after_help = "Examples:\n  minster report processing\n  minster report processing --html processing.html\n\n\
            It comes from the configuration and from the vault: controller, purposes, persons and data, recipients, periods, measures. \
            `[controller]` in pipeline.toml names the controller. The command needs the auditor's role at the vault.\n\n\
            Exit: 0 done; 2 usage or configuration; 6 the vault"
    )]
    Processing(officer::Arguments),
    /// Gather facts for a data protection impact assessment.
    #[command(
        after_help = "Examples:\n  minster report dpia\n  minster report dpia --html dpia.html\n\n\
            It says what becomes of each column, about how many children there are, who holds which role, and which risks are known. \
            The command needs the auditor's role at the vault.\n\n\
            Exit: 0 done; 2 usage or configuration; 6 the vault"
    )]
    Dpia(officer::Arguments),
    /// Tell a month to the data protection officer: requests, budgets, disposals, releases, alarms.
    #[command(after_help = "Examples:\n  minster report month --month 2026-11\n  \
            minster report month --month 2026-11 --html month.html\n\n\
            It counts requests, budgets, opened quarantines, disposals, holds, alarms, releases and refusals, from the vault's log and the \
            ledger of runs. Counts of persons and rows from 1 to 4 are hidden. The command needs the auditor's role at the vault.\n\n\
            Exit: 0 done; 2 usage or configuration; 6 the vault")]
    Month(officer::MonthArguments),
}

#[derive(Subcommand)]
pub(crate) enum Runs {
    /// List the latest runs, a line each.
    #[command(after_help = "Example:\n  minster runs list")]
    List {
        #[command(flatten)]
        report: Report,
        /// The largest number of runs.
        #[arg(long, default_value_t = 20)]
        most: usize,
    },
    /// Show one run, by source and by stage.
    #[command(after_help = "Example:\n  minster runs show 20261127t020000123-3f1")]
    Show {
        /// The run, as `minster runs list` names it.
        run: RunId,
        #[command(flatten)]
        report: Report,
    },
}

/// A release, and whether its approvals are asked for.
#[derive(Args)]
pub(crate) struct LineageArguments {
    #[command(flatten)]
    pub(crate) released: Released,
    /// Say who agreed, by the vault's log, in the auditor's role too.
    #[arg(long)]
    pub(crate) approvals: bool,
}

/// A release, and how it is told of.
#[derive(Args)]
pub(crate) struct Released {
    /// The release.
    pub(crate) release: TableName,
    /// The period; needed where the release exists for several.
    #[arg(long)]
    pub(crate) period: Option<Period>,
    #[command(flatten)]
    pub(crate) report: Report,
}

/// The pipeline.
#[derive(Args)]
pub(crate) struct Config {
    /// The pipeline's configuration.
    #[arg(
        long = "config",
        value_name = "FILE",
        env = "MINSTER_CONFIG",
        hide_env_values = true,
        default_value = "config/pipeline.toml"
    )]
    pub(crate) path: PathBuf,
}

/// The form of what is printed.
#[derive(Args)]
pub(crate) struct Json {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The pipeline, and the form of what is printed.
#[derive(Args)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(flatten)]
    pub(crate) form: Json,
}
