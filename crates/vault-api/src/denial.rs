use minster_model::{Audience, DatasetRef, KeyVersion, Kind, Period, Purpose, Role, SourceName};
use serde::{Deserialize, Serialize};

use crate::{BrokenPromise, ManifestFault, bounds};

/// Why the vault did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Denial {
    /// Another protocol version.
    #[error("the vault speaks protocol {vault}; use programs of one release")]
    Protocol {
        /// The vault's version.
        vault: u16,
    },
    /// The caller's uid does not hold the role.
    #[error(
        "uid {uid} does not hold the role {role}; two custodians grant it (`minster-vault request … grant {role}`). A vault \
         without two custodians has it from vault.toml as it starts"
    )]
    NotInRole {
        /// The caller's user id.
        uid: u32,
        /// The role asked for.
        role: Role,
    },
    /// The role may not ask this.
    #[error("the role {role} may not ask for {what}; vault.toml says which user has which role")]
    RoleForbids {
        /// The caller's role.
        role: Role,
        /// The request.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        what: String,
    },
    /// No such purpose, or one whose time is over.
    #[error(
        "the purpose {purpose} is not named, or has expired: it has no key; custodians name it with `minster-vault request purpose`"
    )]
    NoSuchPurpose {
        /// The purpose.
        purpose: Purpose,
    },
    /// The purpose does not name the source.
    #[error(
        "the purpose {purpose} does not allow the source {source_name}; two custodians allow it with `minster-vault request purpose`{promise}"
    )]
    SourceNotAllowed {
        /// The purpose.
        purpose: Purpose,
        /// The source.
        source_name: SourceName,
        /// The sentence that it would break.
        promise: BrokenPromise,
    },
    /// The purpose does not name a table or column.
    #[error(
        "the purpose {purpose} does not allow {what}; drop it in the source's definition, or have two custodians allow it with \
         `minster-vault request purpose`{promise}"
    )]
    OutsidePurpose {
        /// The purpose.
        purpose: Purpose,
        /// The tables or columns, and how many more.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
        what: String,
        /// The sentence that it would break.
        promise: BrokenPromise,
    },
    /// The purpose does not name the audience.
    #[error(
        "the purpose {purpose} does not allow releases for the audience {audience}; name one that it allows (`minster purposes` \
         lists them), or have two custodians allow it with `minster-vault request purpose`{promise}"
    )]
    AudienceNotAllowed {
        /// The purpose.
        purpose: Purpose,
        /// The audience.
        audience: Audience,
        /// The sentence that it would break.
        promise: BrokenPromise,
    },
    /// The purpose does not name the role.
    #[error(
        "the purpose {purpose} is not open to the role {role}; two custodians open it with `minster-vault request purpose`{promise}"
    )]
    PurposeForbids {
        /// The purpose.
        purpose: Purpose,
        /// The caller's role.
        role: Role,
        /// The sentence that it would break.
        promise: BrokenPromise,
    },
    /// A release under weaker rules than its purpose asks for.
    #[error("the purpose {purpose} lets no such release out: {what}")]
    WeakRules {
        /// The purpose.
        purpose: Purpose,
        /// The rule that is broken, and what it asks for.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        what: String,
    },
    /// More identifiers than the run may ask.
    #[error(
        "the run would ask for more than its {ceiling} distinct identifiers; nothing was answered. A first \
         load that needs more is proposed with `minster-vault request load` and approved by two custodians"
    )]
    OverBudget {
        /// The run's ceiling.
        ceiling: u64,
    },
    /// More parts for scored matching than a run may ask.
    #[error(
        "the run would ask for more than the {budget} parts for scored matching that {purpose} allows; nothing was \
         answered. A purpose with more is proposed with `minster-vault request purpose` and approved by two custodians"
    )]
    OverParts {
        /// The purpose.
        purpose: Purpose,
        /// A run's budget.
        budget: u64,
    },
    /// More identifiers than a day may see.
    #[error(
        "today's {budget} distinct identifiers for {purpose} are used up; nothing was answered. Run again tomorrow (UTC), or have two custodians \
         approve a larger budget with `minster-vault request purpose`"
    )]
    OverDay {
        /// The purpose.
        purpose: Purpose,
        /// The day's budget.
        budget: u64,
    },
    /// More comparisons with the registries than a day may see.
    #[error(
        "today's budget for comparisons with the registries ({budget}) is used up; nothing was answered. Mend what was found, and compare the \
         rest tomorrow (UTC): each text with something of a child in it costs ten or more, others cost nothing"
    )]
    OverComparisons {
        /// The day's budget.
        budget: u64,
    },
    /// More repairs than the run or the day may see.
    #[error(
        "{purpose} has no more than {budget} repairs of numbers for {whose}; nothing was answered. Two custodians approve more with \
         `minster-vault request purpose`"
    )]
    OverRepairs {
        /// The purpose.
        purpose: Purpose,
        /// The budget.
        budget: u64,
        /// A run, or a day.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        whose: String,
    },
    /// The request looks like trying out numbers.
    #[error(
        "stopped: {rule}. No run for {purpose} is answered until two custodians approve \
         `minster-vault request resume`"
    )]
    Probing {
        /// The purpose.
        purpose: Purpose,
        /// Which rule was broken; no identifier.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        rule: String,
    },
    /// A retired version of a purpose's keys.
    #[error(
        "version {version} of the keys of {purpose} is retired: no answer is given for it; have the deliveries read again (`minster run --again`)"
    )]
    Retired {
        /// The purpose.
        purpose: Purpose,
        /// The version.
        version: KeyVersion,
    },
    /// A proposal that cannot be made, approved or carried out.
    #[error("the proposal cannot be {what}: {why}")]
    Proposal {
        /// Made, approved, carried out.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        what: String,
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// A sealed file that is none, another vault's, or was changed; or a case that says too little.
    #[error("the quarantine is not opened: {why}")]
    Quarantine {
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// A reviewer whom custodians did not approve, or whose signature it is not.
    #[error("the review is refused: {why}")]
    Review {
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// A message out of order, such as a batch without a run.
    #[error("the message does not fit here: {what}")]
    OutOfOrder {
        /// The missing part.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        what: String,
    },
    /// The wrapping was made by another vault, for another dataset, or was changed.
    #[error(
        "the dataset key of {dataset} does not open: another vault's, another dataset's, or changed; put the dataset back from a copy, or have it \
         made again (`minster run --again`)"
    )]
    WrongWrapping {
        /// The dataset.
        dataset: DatasetRef,
    },
    /// The log could not be written, so nothing was answered.
    #[error(
        "the vault cannot write its log, so it does not answer; look at the disk of its folder, and whose the folder is"
    )]
    LogUnwritable,
    /// A fault inside the vault.
    #[error("the vault failed: {what}")]
    Fault {
        /// The step that failed; never an identifier.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        what: String,
    },
    /// Addresses, for a purpose without households.
    #[error(
        "the purpose {purpose} does not allow households, so that no address becomes a key ({kind}); take the match key out of the \
         source's definition, or propose the purpose anew with `households = true`"
    )]
    NoHouseholds {
        /// The purpose.
        purpose: Purpose,
        /// The kind.
        kind: Kind,
    },
    /// The purpose does not name the kind.
    #[error(
        "the purpose {purpose} does not name the kind {kind} in its `kinds`; use one that it names, or propose the \
         purpose anew"
    )]
    KindNotAllowed {
        /// The purpose.
        purpose: Purpose,
        /// The kind.
        kind: Kind,
    },
    /// The caller's uid holds no role.
    #[error(
        "uid {uid} holds no role in this vault; two custodians grant one (`minster-vault request … grant`). A vault without two \
         custodians has it from vault.toml as it starts"
    )]
    Stranger {
        /// The caller's user id.
        uid: u32,
    },
    /// Pairs of old and new pseudonyms that the vault kept are gone or were changed.
    #[error(
        "page {page} of the pairs from {from} of the keys of {purpose} to the next is missing or was changed, and without it nothing is \
         converted; custodians put crosswalks/{purpose}.{from}.{page} back from a copy of the vault's folder. If there is none, \
         have the deliveries read again and linked (`minster run --again`)"
    )]
    BrokenCrosswalk {
        /// The purpose.
        purpose: Purpose,
        /// The version that they lead from.
        from: KeyVersion,
        /// The page.
        page: u32,
    },
    /// All conversations that a uid may have at one time are taken.
    #[error(
        "uid {uid} has {places} conversations with the vault, and may have no more at one time; end one of its programs, or \
         wait for it"
    )]
    NoPlace {
        /// The caller's user id.
        uid: u32,
        /// How many it may have.
        places: u32,
    },
    /// The manifest is not the one that the log has as the dataset's newest.
    #[error("no key is given for {dataset}: {fault}")]
    OtherManifest {
        /// The dataset.
        dataset: DatasetRef,
        /// The fault.
        fault: ManifestFault,
    },
    /// A manifest that cannot be recorded.
    #[error("the manifest of {dataset} is not recorded: {why}")]
    NotRecorded {
        /// The dataset.
        dataset: DatasetRef,
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// The vault waits for custodians.
    #[error(
        "the vault is locked: {given} of {needed} shares were given. Custodians give theirs with `minster-vault unlock`"
    )]
    Locked {
        /// Shares that it holds.
        given: u32,
        /// Shares that open it.
        needed: u32,
    },
    /// A share that is not taken, right or wrong.
    #[error("the share is not taken: {why}")]
    Share {
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// A wrong share.
    #[error("the share is wrong: {why}")]
    WrongShare {
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// A case that cannot be opened, closed or told of.
    #[error("the case cannot be {what}: {why}")]
    Case {
        /// Opened, closed, told.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        what: String,
        /// The fault.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::FAULT }>")]
        why: String,
    },
    /// A release of children that were linked before a restriction was made or lifted.
    #[error(
        "the release cannot be let out: a restriction was made or lifted since the children of {period} were linked; run `minster run`, \
         which links them again (`minster run --again` where it finds nothing to do), and let the new draft out"
    )]
    RestrictionPending {
        /// The period.
        period: Period,
    },
    /// A purpose whose end has begun.
    #[error(
        "two custodians ended the purpose {purpose} on {on}: nothing is answered, linked or let out for it any more, and its name is not \
         used again; new work needs a new purpose (`minster-vault request … purpose`)"
    )]
    PurposeEnded {
        /// The purpose.
        purpose: Purpose,
        /// The day (ISO).
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        on: String,
    },
}
