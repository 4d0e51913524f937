//! `minster`: plan, run, link, aggregate, release, audit. Holds pseudonymised data and tables; it links no code that
//! reads a raw identifier and none that makes a pseudonym: ingestion is a program of its own, started
//! here as git starts its sub-commands.
#![forbid(unsafe_code)]

mod audit;
mod dictionary;
mod doubt;
mod failure;
mod linkage;
mod person;
mod pipeline;
mod quality;
mod rekey;
mod report;
mod review;
mod runs;
mod stages;
mod summary;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use minster_model::{Period, RunId, SourceName, TableName, exit};

use crate::{failure::Failure, pipeline::Loaded};

/// Turns a council's records about children into pseudonymised, linked data, and lets out only tables that passed disclosure control.
#[derive(Parser)]
#[command(name = "minster", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a run would read, link and release; no row is read.
    #[command(after_help = "Example:\n  minster plan --config config/pipeline.toml")]
    Plan(Config),
    /// Do it all: ingest, link, and draft the tables. Nothing is public before a person lets a draft out.
    #[command(
        after_help = "Example:\n  minster run --config config/pipeline.toml\n\nExit: 0 done; 2 usage or configuration; 3 done, with rows in quarantine; 4 a draft was refused by\ndisclosure control; 5 rows not conserved; 6 the vault; 7 publishing failed, what stood stands; 8 another\nrun holds the lock; 10 done, but a source was left out; 1 an unexpected fault"
    )]
    Run {
        #[command(flatten)]
        report: Report,
        /// Ingest and link also what is the same as what stands.
        #[arg(long)]
        again: bool,
        /// Take this source's delivery as it is, as `minster-ingest run` does.
        #[arg(long, value_name = "SOURCE")]
        accept: Vec<SourceName>,
    },
    /// Run minster-ingest with these arguments.
    #[command(after_help = "Example:\n  minster ingest run --config config/pipeline.toml")]
    Ingest {
        /// What minster-ingest is given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Link the datasets that stand: for each period one row a child, and tables of events.
    #[command(after_help = "Example:\n  minster link --config config/pipeline.toml")]
    Link {
        #[command(flatten)]
        report: Report,
        /// Link also what is the same as what stands.
        #[arg(long)]
        again: bool,
    },
    /// Tabulate, protect and attack: make drafts, and say what a person may let out.
    #[command(after_help = "Example:\n  minster aggregate --config config/pipeline.toml")]
    Aggregate(Report),
    /// Let a draft out. It is checked again beside all that was ever published.
    #[command(
        after_help = "Examples:\n  minster release children --config config/pipeline.toml\n  minster release --all --config config/pipeline.toml\n\nNeeds the analyst's role at the vault, whose log has the release's hash before anyone can see it. The ledger says\nwho let it out, when, and under which policy. Exit: 0 done; 2 there is no such draft, or it is of other data; 4 refused,\nor a release stands that is to be withdrawn first; 8 a run holds the lock"
    )]
    Release {
        /// The draft.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        release: Option<TableName>,
        /// All drafts, but those of revised releases of what stands.
        #[arg(long)]
        all: bool,
        /// The period, where the pipeline has several.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        report: Report,
    },
    /// Withdraw a release. Readers are told; its numbers count as known for ever.
    #[command(
        after_help = "Example:\n  minster withdraw children --reason \"a file was cut off\" --config config/pipeline.toml\n\nThe reason is published. Then `minster release` lets a revised release out, protected together with what was withdrawn."
    )]
    Withdraw {
        /// The release.
        release: TableName,
        /// Why, in one line; it is published.
        #[arg(long)]
        reason: String,
        /// The period, where the release stands for several.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        report: Report,
    },
    /// Carry the datasets over to the version of the purpose's keys that the vault has made.
    #[command(
        after_help = "Example:\n  minster rekey --config config/pipeline.toml\n\nAfter `minster-vault rotate`, before `minster-vault retire`. Needs the linker's role at the vault. Cut short,\nit is run again: what is over already stays."
    )]
    Rekey(Report),
    /// Check a release again: its files, its numbers, and its certificates by adding up alone.
    #[command(
        after_help = "Example:\n  minster verify children --config config/pipeline.toml\n\nNeeds the auditor's role at the vault. Exit: 0 every check passed; 9 one failed"
    )]
    Verify(Released),
    /// Say why cells of a release are withheld. What it prints is restricted.
    #[command(
        after_help = "Examples:\n  minster explain children --config config/pipeline.toml\n  minster explain children --config config/pipeline.toml --table sen_by_ward --cell ward=W01 --cell sex=F\n\nNeeds the auditor's role at the vault. A column that --cell does not name is at its total."
    )]
    Explain {
        #[command(flatten)]
        released: Released,
        /// One table alone.
        #[arg(long)]
        table: Option<String>,
        /// One cell alone: `column=category`, once for each column.
        #[arg(long, value_name = "COLUMN=CATEGORY", requires = "table")]
        cell: Vec<String>,
    },
    /// Check that the installation keeps its promises; needs no secret.
    #[command(
        after_help = "Examples:\n  minster audit --config config/pipeline.toml\n  minster audit --config config/pipeline.toml --vault-dir /var/lib/minster-vault \\\n      --checkpoints /srv/auditor/checkpoints --also /var/log/minster --json\n\nPrints for each check what was seen, PASS, FAIL or NOT CHECKED, and how to look oneself: docs/auditors.md.\nData are opened by the auditor's role at the vault, which logs it; counts alone are told.\nExit: 0 no check failed; 9 one failed; 2 usage or configuration"
    )]
    Audit(audit::Arguments),
    /// Say what is wrong with the deliveries, and how well the children were linked.
    #[command(subcommand)]
    Report(Reports),
    /// Have people judge pairs that are in doubt, blind.
    #[command(subcommand)]
    Review(review::Command),
    /// Describe the tables of an integrated dataset: what each field means, where it comes from, its codes.
    #[command(
        after_help = "Example:\n  minster dictionary --config config/pipeline.toml > datapackage.json\n\nPrints a Data Package (version 2). It comes from the definitions, and needs no key: it has no row's value."
    )]
    Dictionary {
        /// The period, where the pipeline has several; without it the last one.
        #[arg(long)]
        period: Option<Period>,
        #[command(flatten)]
        config: Config,
    },
    /// See what runs did.
    #[command(subcommand)]
    Runs(Runs),
    /// Print the JSON schema of table definitions, for editors.
    #[command(after_help = "Example:\n  minster schema > tables.schema.json")]
    Schema,
}

#[derive(Subcommand)]
enum Reports {
    /// Each delivery's rows and cells that were set aside, recoded, blanked or in doubt; the worst delivery first.
    #[command(
        after_help = "Examples:\n  minster report quality --config config/pipeline.toml\n  minster report quality early_help --period 2024-25 --config config/pipeline.toml\n  minster report quality --html quality.html --config config/pipeline.toml\n\nNeeds no key. It has counts and places, and no row's value; small counts are in it, so it stays inside the council."
    )]
    Quality(quality::Arguments),
    /// How well a period's children were linked: flow, rates by group, estimated errors.
    #[command(
        after_help = "Examples:\n  minster report linkage --config config/pipeline.toml\n  minster report linkage --period 2024-25 --html linkage.html --config config/pipeline.toml\n\nNeeds the linker's role at the vault, which logs that datasets were opened. What it tells by: `[report]` in\nmatching.toml. It has counts, and codes beside counts that are not small; it stays inside the council.\nExit: 0 done; 2 what stands was not linked from what stands now: `minster link`; 6 the vault"
    )]
    Linkage(linkage::Arguments),
}

#[derive(Subcommand)]
enum Runs {
    /// The latest runs, a line each.
    #[command(after_help = "Example:\n  minster runs list --config config/pipeline.toml")]
    List {
        #[command(flatten)]
        report: Report,
        /// How many, at most.
        #[arg(long, default_value_t = 20)]
        most: usize,
    },
    /// One run, source by source and stage by stage.
    #[command(
        after_help = "Example:\n  minster runs show 20261127t020000123-3f1 --config config/pipeline.toml"
    )]
    Show {
        /// The run, as `list` names it.
        run: RunId,
        #[command(flatten)]
        report: Report,
    },
}

#[derive(Args)]
struct Released {
    /// The release's name.
    release: TableName,
    /// The period, where the release stands for several.
    #[arg(long)]
    period: Option<Period>,
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Config {
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
}

#[derive(Args)]
struct Report {
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Plan(Config { config }) => {
            let loaded = Loaded::read(&config)?;
            stages::ingest_program(&["plan".into(), "--config".into(), config.into()])?;
            print(&loaded.describe()?)?;
            Ok(exit::DONE)
        }
        Command::Ingest { arguments } => {
            stages::ingest_program(&arguments.into_iter().map(Into::into).collect::<Vec<_>>())
        }
        Command::Run { report: Report { config, json }, again, accept } => {
            let loaded = Loaded::read(&config)?;
            let summary = runs::recorded(&loaded, "minster", |store, journal| {
                let ingest = Some(stages::ingest(&loaded, &config, store, again, &accept)?);
                let linkage = stages::link(&loaded, store, journal, again)?;
                let mut summary =
                    summary::Summary { ingest, linkage, config, ..Default::default() };
                stages::draft(&loaded, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Link { report: Report { config, json }, again } => {
            let loaded = Loaded::read(&config)?;
            let summary = runs::recorded(&loaded, "minster", |store, journal| {
                let linkage = stages::link(&loaded, store, journal, again)?;
                Ok(summary::Summary { linkage, ..Default::default() })
            })?;
            finish(&summary, json)
        }
        Command::Aggregate(Report { config, json }) => {
            let loaded = Loaded::read(&config)?;
            let summary = runs::recorded(&loaded, "minster", |store, journal| {
                let mut summary = summary::Summary { config, ..Default::default() };
                stages::draft(&loaded, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Release { release, all: _, period, report: Report { config, json } } => {
            let loaded = Loaded::read(&config)?;
            let summary = runs::recorded(&loaded, "minster-release", |store, journal| {
                let mut summary = summary::Summary { config, ..Default::default() };
                let which = (release.as_ref(), period.as_ref());
                stages::release(&loaded, which, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Withdraw { release, reason, period, report: Report { config, json } } => {
            let loaded = Loaded::read(&config)?;
            let summary = runs::recorded(&loaded, "minster-release", |store, journal| {
                let mut summary = summary::Summary { config, ..Default::default() };
                let which = (&release, period.as_ref(), reason.as_str());
                stages::withdraw(&loaded, which, store, journal, &mut summary)?;
                Ok(summary)
            })?;
            finish(&summary, json)
        }
        Command::Report(Reports::Quality(arguments)) => {
            print(&quality::report(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Report(Reports::Linkage(arguments)) => {
            print(&linkage::report(&arguments)?)?;
            Ok(exit::DONE)
        }
        Command::Review(command) => {
            print(&review::run(&command)?)?;
            Ok(exit::DONE)
        }
        Command::Runs(Runs::List { report: Report { config, json }, most }) => {
            let records = runs::list(&Loaded::read(&config)?, most)?;
            print(&if json { runs::json(&records)? } else { runs::text(&records) })?;
            Ok(exit::DONE)
        }
        Command::Runs(Runs::Show { run, report: Report { config, json } }) => {
            let records = runs::show(&Loaded::read(&config)?, &run)?;
            print(&if json { runs::json(&records)? } else { runs::whole_text(&records) })?;
            Ok(exit::DONE)
        }
        Command::Dictionary { period, config: Config { config } } => {
            print(&dictionary::dictionary(&config, period.as_ref())?)?;
            Ok(exit::DONE)
        }
        Command::Rekey(Report { config, json }) => {
            let rekeyed = rekey::rekey(&Loaded::read(&config)?)?;
            print(&if json { rekeyed.json()? } else { rekeyed.text() })?;
            Ok(exit::DONE)
        }
        Command::Verify(Released { release, period, config, json }) => {
            let which = (&release, period.as_ref());
            let checks = doubt::verify(&Loaded::read(&config)?, which)?;
            print(&if json { doubt::json(&checks)? } else { doubt::text(&checks) })?;
            Ok(doubt::exit_code(&checks))
        }
        Command::Explain { released, table, cell } => {
            let Released { release, period, config, json } = released;
            let which = (&release, period.as_ref());
            let explained = doubt::explain(&Loaded::read(&config)?, which)?;
            let chosen = doubt::Chosen::new(explained, table.as_deref(), &cell)?;
            print(&if json { chosen.json()? } else { chosen.text() })?;
            Ok(exit::DONE)
        }
        Command::Audit(arguments) => {
            let checks = audit::run(&arguments)?;
            print(&if arguments.json { audit::json(&checks)? } else { audit::text(&checks) })?;
            Ok(audit::exit_code(&checks))
        }
        Command::Schema => {
            print(&minster_aggregator::Definition::schema())?;
            Ok(exit::DONE)
        }
    }
}

fn finish(summary: &summary::Summary, json: bool) -> Result<u8, Failure> {
    print(&if json { summary.json()? } else { summary.text() })?;
    Ok(summary.exit_code())
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::Output)
}
