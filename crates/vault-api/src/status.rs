//! The vault's state, as far as it is told without a secret.

use minster_model::{KeyVersion, Purpose, Role};
use serde::{Deserialize, Serialize};

use crate::{CaseCounts, EndStatus, Floors, bounds};

/// The vault's state, as far as it is told without a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The store's random name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub store_id: String,
    /// How the root key is sealed.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub custody: String,
    /// How often the custody was changed.
    pub custody_generation: u32,
    /// The age recipient of quarantined rows.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub recipient: String,
    /// The key that verifies statements and checkpoints.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub verifier: String,
    /// The custodians' names.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::SOME }, { bounds::WORD }>")]
    pub custodians: Vec<String>,
    /// The purposes.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub purposes: Vec<PurposeStatus>,
    /// Entries in the log.
    pub log_entries: u64,
    /// The hash of the log's last entry, in hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub log_head: String,
    /// Entries that the last exported checkpoint covers.
    pub checkpointed: u64,
    /// Proposals that wait for approval or for being carried out.
    pub open_proposals: u32,
    /// Cases of children's rights.
    pub cases: CaseCounts,
    /// The protections that the system granted to the process.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub hardening: String,
    /// How often custodians accepted the loss of checkpoints, of the log's end, or a clock behind the log.
    pub restorations: u64,
    /// Roles that one uid must not hold together, and does.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub dangerous_roles: Vec<DangerousRoles>,
    /// The holders of each role today.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub roles: Vec<RoleGrant>,
    /// Whether `vault.toml` says otherwise than when its roles were taken over: what was changed there counts for nothing.
    pub roles_file_ignored: bool,
    /// Whether the vault started for a single user, who may hold roles that undo a protection together.
    pub single_user: bool,
    /// Accounts that still want the role custodian without end, so that each custodian who opens the vault or signs has one.
    pub custodian_accounts_missing: u32,
    /// Seconds since the last checkpoint in the folder that the vault keeps was signed; nothing where it keeps none, or none is
    /// there yet.
    pub checkpoint_age: Option<u64>,
}

/// A role that a uid holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGrant {
    /// The role.
    pub role: Role,
    /// The uid.
    pub uid: u32,
    /// The last day (ISO, UTC) on which it holds it; without end where none is named.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub until: Option<String>,
}

/// Two roles of one uid that undo a protection together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DangerousRoles {
    /// The uid.
    pub uid: u32,
    /// One role.
    pub one: Role,
    /// The other.
    pub other: Role,
}

/// One purpose's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeStatus {
    /// The purpose.
    pub purpose: Purpose,
    /// The version of its keys.
    pub key_version: KeyVersion,
    /// The check value that manifests carry.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub key_check: String,
    /// All versions.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub versions: Vec<VersionStatus>,
    /// The last day on which it has a key (ISO), where it ends.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub expires: Option<String>,
    /// Whether it is over.
    pub expired: bool,
    /// Whether an alarm stopped it.
    pub stopped: bool,
    /// Identifiers that were ever answered.
    pub identifiers: u64,
    /// Distinct identifiers asked today (UTC).
    pub today: u64,
    /// The budget of a run and of a day.
    pub budget: (u64, u64),
    /// Mistyped numbers that were to be repaired today (UTC).
    #[serde(default)]
    pub repairs_today: u64,
    /// How many a run and a day may have repaired.
    #[serde(default)]
    pub repair_budget: (u64, u64),
    /// Whether children may be counted by where they live.
    #[serde(default)]
    pub households: bool,
    /// How strict its releases are at least; not said in a statement that an earlier release signed.
    #[serde(default)]
    pub floors: Option<Floors>,
    /// How far its end came, where two custodians approved one.
    #[serde(default)]
    pub end: Option<EndStatus>,
}

/// One version of a purpose's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionStatus {
    /// Its number.
    pub version: KeyVersion,
    /// The check value that manifests carry.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub key_check: String,
    /// Whether it was retired.
    pub retired: bool,
}

/// The vault's signed statement; the note's second line, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The store's random name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub store_id: String,
    /// When (RFC 3339, UTC).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub time: String,
    /// The purposes.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub purposes: Vec<PurposeStatus>,
}

impl Statement {
    /// The statement in a note's verified text.
    pub fn read(text: &str) -> Option<Self> {
        let (first, json) = text.split_once('\n')?;
        let statement: Self = serde_json::from_str(json.trim_end()).ok()?;
        (first == Self::origin(&statement.store_id)).then_some(statement)
    }

    /// The text that is signed.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{}\n{}\n", Self::origin(&self.store_id), serde_json::to_string(self)?))
    }

    fn origin(store_id: &str) -> String {
        format!("minster-vault/{store_id}/statement")
    }
}
