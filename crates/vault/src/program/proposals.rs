//! Proposals, as a custodian makes one.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use minster_model::{DatasetClass, Kind, Period, Purpose, Role, SourceName, TableName};
use minster_vault::approvals::CustodianKey;

use crate::{
    archive,
    arguments::role,
    cases::Decide,
    ending,
    exact_only::ExactOnly,
    retention::{Hold, Schedule},
    review::Reviewers,
};

/// The case that a proposal belongs to.
#[derive(Args)]
pub(crate) struct Case {
    /// A case number, never a name: it is logged.
    #[arg(long, value_name = "CASE")]
    pub(crate) reference: String,
    /// The reason, in one line. The custodians read it; it is sealed and not logged.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The last day on which it may be approved and carried out, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: String,
}

#[derive(Subcommand)]
pub(crate) enum What {
    /// Propose to reveal the identifiers behind pseudonyms.
    #[command(after_help = "Example:
  minster-vault request --reference SAR/2026/14 --reason \"subject access\" \\
      --expires 2026-12-31 reidentify --purpose children-statistics \\
      --pseudonyms list.txt > proposal.json")]
    Reidentify {
        /// The pseudonyms' purpose.
        #[arg(long)]
        purpose: Purpose,
        /// A file with one pseudonym a line.
        #[arg(long, value_name = "FILE")]
        pseudonyms: PathBuf,
    },
    /// Propose to list all pseudonyms of one child, for an access request.
    #[command(after_help = "Example:
  minster-vault request --reference SAR/2026/14 --reason \"subject access\" \\
      --expires 2026-12-31 subject --kind upn > proposal.json

The program asks for the number.")]
    Subject(Child),
    /// Propose to give a requester all that is held on one child, encrypted. `minster access` carries it out.
    #[command(after_help = "Example:
  minster-vault request --reference SAR/2026/14 --reason \"subject access\" \\
      --expires 2026-12-31 access --kind upn \\
      --recipient age1... --schedule config/retention.toml > proposal.json

The program asks for the number. The requester makes a key with `age-keygen`, and tells the line that begins with age1.")]
    Access {
        #[command(flatten)]
        child: Child,
        /// The requester's age recipient. Nobody else can open the bundle.
        #[arg(long, value_name = "AGE")]
        recipient: String,
        /// The retention schedule. `minster access` takes no other for this grant.
        #[arg(long, value_name = "FILE")]
        schedule: PathBuf,
    },
    /// Propose a new purpose.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/3 --reason \"attainment study\" \\
      --expires 2026-12-31 purpose --definition new.toml > proposal.json")]
    Purpose {
        /// A file with one `[[purpose]]`, as in purposes.toml.
        #[arg(long, value_name = "FILE")]
        definition: PathBuf,
    },
    /// Propose that one run of a source may ask for more different identifiers than its purpose's budget.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/4 --reason \"first load\" \\
      --expires 2026-12-31 load --purpose children-statistics \\
      --source school_census --ceiling 400000 > proposal.json")]
    Load {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
        /// The source.
        #[arg(long)]
        source: SourceName,
        /// The largest number of different identifiers.
        #[arg(long)]
        ceiling: u64,
    },
    /// Propose the custodians who approve from now on. No others do.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/5 --reason \"ben leaves\" \\
      --expires 2026-12-31 custodians --custodian ann=ann.pub \\
      --custodian cat=cat.pub > proposal.json")]
    Custodians {
        /// A custodian, NAME=FILE of the public key. Name all of them, also those who stay.
        #[arg(long = "custodian", value_name = "NAME=FILE", value_parser = CustodianKey::parse, required = true)]
        custodians: Vec<CustodianKey>,
    },
    /// Propose to answer a purpose again that an alarm stopped.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/6 --reason \"the file was mended\" \\
      --expires 2026-12-31 resume --purpose children-statistics > proposal.json")]
    Resume {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
    },
    /// Propose the next version of a purpose's keys. After it, `minster rekey` converts the datasets.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/9 --reason \"the year is over\" \\
      --expires 2026-12-31 rotate --purpose children-statistics > proposal.json")]
    Rotate {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
    },
    /// Propose to end an old version of a purpose's keys. The vault never answers for it again, and what stands under it is lost.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/10 --reason \"all is converted\" \\
      --expires 2026-12-31 retire --purpose children-statistics \\
      --version 1 > proposal.json")]
    Retire {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
        /// The version.
        #[arg(long)]
        version: u32,
        /// A dataset that stands under it and may be lost, such as source/school_census/2024-25. The refusal names them.
        #[arg(long = "give-up", value_name = "DATASET")]
        give_up: Vec<String>,
    },
    /// Propose the reviewers who judge a purpose's pairs from now on. No others do.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/7 --reason \"a second reviewer\" \\
      --expires 2026-12-31 reviewers --purpose children-statistics \\
      --reviewer rae=rae.pub > proposal.json")]
    Reviewers(Reviewers),
    /// Propose to change the list of exact-only identities: children whose rows are linked by their current number alone.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault request --reference IG/2026/8 --reason \"adoption\" \\
      --expires 2026-12-31 exact-only add --numbers numbers.txt > proposal.json"
    )]
    ExactOnly(ExactOnly),
    /// Propose to take an older snapshot of a dataset for its newest, or to begin it anew, because the newest is lost.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/11 --reason \"the disk broke\" \\
      --expires 2026-12-31 snapshot --purpose children-statistics \\
      --dataset integrated/identities/all --manifest manifest.json \\
      > proposal.json

Without a copy, give --gone in the place of --manifest. Ids of children are then made anew.")]
    Snapshot {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
        /// The dataset, such as integrated/identities/all.
        #[arg(long, value_name = "DATASET", value_parser = dataset)]
        dataset: (DatasetClass, SourceName, Period),
        /// The older snapshot's manifest.json.
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "gone",
            conflicts_with = "gone"
        )]
        manifest: Option<PathBuf>,
        /// There is no copy: the dataset is begun anew.
        #[arg(long)]
        gone: bool,
    },
    /// Propose to forget a release that 0.2.0 had logged and let nobody see, because it was stopped in between.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/12 --reason \"nobody saw it\" \\
      --expires 2026-12-31 forget-release --purpose children-statistics \\
      --release by_year --period 2024-25 --sha256 HASH > proposal.json

`minster-vault log verify --json` tells the hash. Make sure that no reader has the release.")]
    ForgetRelease {
        /// The purpose.
        #[arg(long)]
        purpose: Purpose,
        /// The release's name.
        #[arg(long)]
        release: TableName,
        /// Its period.
        #[arg(long)]
        period: Period,
        /// SHA-256 of its files, as the log has it.
        #[arg(long, value_name = "HASH")]
        sha256: String,
    },
    /// Propose to hold a person back from disposal: a claim, a court's order, a complaint.
    #[command(after_help = "Example:
  minster-vault request --reference CLAIM/2026/2 --reason \"claim announced\" \\
      --expires 2026-12-31 hold --kind upn > proposal.json

The program asks for the number. The log has no number and no tag of it.")]
    Hold(Hold),
    /// Propose to hold a category of the retention schedule back.
    #[command(after_help = "Example:
  minster-vault request --reference INQ/2026/1 --reason \"public inquiry\" \\
      --expires 2026-12-31 moratorium --category looked-after \\
      --schedule config/retention.toml \\
      --ordered-by HOME-OFFICE/IICSA > proposal.json")]
    Moratorium {
        /// The category, as the schedule names it.
        #[arg(long)]
        category: String,
        /// The retention schedule, which has the category.
        #[arg(long, value_name = "FILE")]
        schedule: PathBuf,
        /// The authority that ordered it: 1 to 40 letters, digits, '-', '_', '/' and '.'. It is logged.
        #[arg(long, value_name = "NAME")]
        ordered_by: String,
    },
    /// Propose to end a hold or a moratorium.
    #[command(after_help = "Example:
  minster-vault request --reference CLAIM/2026/2 --reason \"claim settled\" \\
      --expires 2026-12-31 lift --hold 0123456789abcdef > proposal.json

`minster-vault retention plan` lists the holds.")]
    Lift {
        /// The proposal that made it.
        #[arg(long, value_name = "PROPOSAL")]
        hold: String,
    },
    /// Propose that a uid may ask the vault in a role, for good or until a day. It counts as soon as it is carried out.
    #[command(after_help = "Examples:
  minster-vault request --reference AUD/2026/1 --reason \"yearly audit\" \\
      --expires 2026-12-31 grant auditor --uid 990 \\
      --until 2026-12-24 > proposal.json

  minster-vault request ... grant custodian --uid 1007
    for good

`id -u NAME` tells a user's number. A uid that holds ingest is not granted linker or auditor, nor the other way round.")]
    Grant {
        /// The role: ingest, linker, analyst, custodian or auditor.
        #[arg(value_parser = role)]
        role: Role,
        /// The user's number.
        #[arg(long)]
        uid: u32,
        /// The last day (UTC) on which it may, YYYY-MM-DD. Without it, the role has no end.
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// Propose that a uid may ask the vault in a role no more. It counts as soon as it is carried out.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/13 --reason \"ann leaves\" \\
      --expires 2026-12-31 revoke custodian --uid 1001 > proposal.json

One uid at least keeps the role custodian.")]
    Revoke {
        /// The role.
        #[arg(value_parser = role)]
        role: Role,
        /// The user's number.
        #[arg(long)]
        uid: u32,
    },
    /// Propose to dispose of what is due. `minster-vault retention apply` carries it out.
    #[command(after_help = "Example:
  minster-vault request --reference RET/2026/1 --reason \"yearly disposal\" \\
      --expires 2026-12-31 dispose --purpose children-statistics \\
      --schedule config/retention.toml > proposal.json")]
    Dispose(Schedule),
    /// Propose to open a sealed archive of records that were made inaccessible. `minster-vault archive open` carries it out.
    #[command(after_help = "Example:
  minster-vault request --reference ARCH/2026/1 --reason \"court order\" \\
      --expires 2026-12-31 open-archive --archive 0123456789abcdef \\
      --kind upn --recipient age1... > proposal.json

The program asks for the number. Without --kind, all of the archive is opened.")]
    OpenArchive(archive::Proposed),
    /// Propose the decision of a case of a child's rights.
    #[command(
        subcommand,
        after_help = "Example:
  minster-vault request --reference ERASE/2026/1 --reason \"Children Act\" \\
      --expires 2026-12-31 decide refuse --case ERASE/2026/1 \\
      --ground statutory-duty > proposal.json"
    )]
    Decide(Decide),
    /// Propose to end a purpose: nothing is answered for it any more, and all that is held for it is destroyed, with a certificate.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/14 --reason \"the study is over\" \\
      --expires 2026-12-31 end-purpose --purpose attainment-study \\
      > proposal.json

Then `minster-vault enact` begins the end, `minster end-purpose` removes what the store has, and `minster-vault end-purpose finish` \
destroys what the vault has.")]
    EndPurpose(ending::Proposed),
}

/// A dataset as messages name it: class, name and period.
fn dataset(text: &str) -> Result<(DatasetClass, SourceName, Period), String> {
    use DatasetClass::{Integrated, Linkage, Report, Source};
    let wrong =
        || "a dataset has a class, a name and a period, as in integrated/identities/all".to_owned();
    let mut parts = text.splitn(3, '/');
    let (class, name, period) = (parts.next(), parts.next(), parts.next());
    let class = [Source, Integrated, Report, Linkage]
        .into_iter()
        .find(|of| Some(of.as_str()) == class)
        .ok_or_else(wrong)?;
    let name = name.ok_or_else(wrong)?.parse().map_err(|error| format!("{error}"))?;
    let period = period.ok_or_else(wrong)?.parse().map_err(|error| format!("{error}"))?;
    Ok((class, name, period))
}

/// One child's number. It is read from a file or asked for: a command line is seen by others.
#[derive(Args)]
pub(crate) struct Child {
    /// The kind of number, as the source definitions call it.
    #[arg(long)]
    pub(crate) kind: Kind,
    /// A file whose first line is the number. Without it, the program asks.
    #[arg(long, value_name = "FILE")]
    pub(crate) identifier_file: Option<PathBuf>,
}
