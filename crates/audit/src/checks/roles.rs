//! The holders of each role at the vault.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use minster_model::Role;
use serde::Deserialize;

use super::events;
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// The role table's file, in the vault's folder and as the auditor keeps it.
const TABLE: &str = "vault.toml";

/// Roles by name, each with its users.
pub(crate) type Table = BTreeMap<String, BTreeSet<u32>>;

#[derive(Deserialize)]
struct Settings {
    roles: Table,
}

pub(super) fn checks(site: &Site) -> Vec<Check> {
    vec![pairs(site), table(site), acted(site)]
}

fn pairs(site: &Site) -> Check {
    let title = "No user holds two roles that undo a protection together";
    let by_hand = format!("minster-vault status --role auditor --socket {}", quoted(site.socket()));
    let mut check = Check::begin("roles.pairs", title, by_hand);
    match site.vault().and_then(|mut vault| vault.status()) {
        Err(error) => check.missing(error.to_string()),
        Ok(status) => {
            for pair in &status.dangerous_roles {
                check.wrong(format!(
                    "uid {} holds {} and {}: {}",
                    pair.uid,
                    pair.one,
                    pair.other,
                    undone(pair.one, pair.other)
                ));
            }
            if status.single_user {
                check.wrong("the vault was started with --single-user: it lets one user hold roles that it would refuse");
            }
            check.fine(format!(
                "{} dangerous pairs, by the vault's own role table",
                status.dangerous_roles.len()
            ));
        }
    }
    check.end()
}

fn undone(one: Role, other: Role) -> &'static str {
    match (one, other) {
        (Role::Custodian, _) => "a custodian stands over all others, and uses no data",
        _ => "it could search a dataset for the children that it asks the vault for",
    }
}

fn table(site: &Site) -> Check {
    let title = "The vault's role table is the one that the auditor accepted";
    let kept = site.accepted.as_ref().map(|folder| folder.join(TABLE));
    let shown = kept.as_deref().map_or("ACCEPTED/vault.toml".to_owned(), quoted);
    let there = site.arguments.vault_dir.as_ref().map(|folder| folder.join(TABLE));
    let in_vault = there.as_deref().map_or("VAULT-FOLDER/vault.toml".to_owned(), quoted);
    let by_hand = format!("diff {in_vault} {shown}, as root");
    let mut check = Check::begin("roles.table", title, by_hand);
    let accepted = match &kept {
        None => {
            check.missing("give --accepted DIR, with the vault.toml in it that was accepted");
            None
        }
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => parse(&text, path, &mut check),
            Err(error) => {
                check.missing(format!(
                    "{}: {error}; once the table is accepted, root keeps it: install -m 644 {in_vault} {shown}",
                    path.display()
                ));
                None
            }
        },
    };
    let now = match &there {
        None => {
            check.for_root("which folder is the vault's: give --vault-dir DIR, as root");
            None
        }
        Some(path) => Site::read(path, &mut check)
            .and_then(|bytes| parse(&String::from_utf8_lossy(&bytes), path, &mut check)),
    };
    if let (Some(accepted), Some(now)) = (&accepted, &now) {
        compare(accepted, now, &mut check);
    }
    check.end()
}

fn parse(text: &str, path: &Path, check: &mut Gathered) -> Option<Table> {
    match toml::from_str::<Settings>(text) {
        Ok(settings) => Some(settings.roles),
        Err(_) => {
            check.wrong(format!("{}: it has no role table", path.display()));
            None
        }
    }
}

fn compare(accepted: &Table, now: &Table, check: &mut Gathered) {
    let none = BTreeSet::new();
    let names: BTreeSet<&String> = accepted.keys().chain(now.keys()).collect();
    let mut same = 0;
    for role in names {
        let (was, is) = (accepted.get(role).unwrap_or(&none), now.get(role).unwrap_or(&none));
        for uid in is.difference(was) {
            check.wrong(format!("uid {uid} holds {role}, and nobody accepted it"));
        }
        for uid in was.difference(is) {
            check.wrong(format!("uid {uid} held {role}, and does no more"));
        }
        same += was.intersection(is).count();
    }
    check.fine(format!("{same} holders of roles are those that were accepted"));
}

/// As the log has it: the vault writes down as whom it answered.
fn acted(site: &Site) -> Check {
    let title = "Nobody used two roles at the vault that undo a protection together";
    let by_hand = "minster-vault log show --lines | jq -r 'select(.asker) | \"\\(.asker.uid) \\(.asker.role)\"' | sort | uniq -c";
    let mut check = Check::begin("roles.used", title, by_hand);
    match events::read(site) {
        Err(why) => check.missing(why),
        Ok(events) => {
            let mut by_uid: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
            for (uid, role) in events.askers.keys() {
                by_uid.entry(*uid).or_default().insert(role);
            }
            if by_uid.is_empty() {
                check.missing("no entry of the log says who asked, and in which role");
            }
            for (uid, roles) in &by_uid {
                judge(*uid, roles, &mut check);
            }
        }
    }
    check.end()
}

/// The pairs that the vault's own table calls dangerous.
const PAIRS: [(Role, Role); 6] = [
    (Role::Ingest, Role::Linker),
    (Role::Ingest, Role::Auditor),
    (Role::Custodian, Role::Ingest),
    (Role::Custodian, Role::Linker),
    (Role::Custodian, Role::Analyst),
    (Role::Custodian, Role::Auditor),
];

fn judge(uid: u32, roles: &BTreeSet<&str>, check: &mut Gathered) {
    let told =
        format!("uid {uid} asked as {}", roles.iter().copied().collect::<Vec<_>>().join(", "));
    let holds = |role: &Role| roles.contains(role.to_string().as_str());
    match PAIRS.iter().find(|(one, other)| holds(one) && holds(other)) {
        Some((one, other)) => check.wrong(format!("{told}: {}", undone(*one, *other))),
        None => check.fine(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn one_user_who_acted_in_a_dangerous_pair_of_roles_fails() {
        let verdict = |roles: &[&str]| {
            let mut check = Check::begin("", "", "");
            judge(7, &roles.iter().copied().collect(), &mut check);
            check.end().verdict
        };
        let all = ["ingest", "linker", "analyst", "custodian", "auditor"];
        for one in all {
            assert_eq!(verdict(&[one]), Verdict::Pass);
            for other in all {
                let harmless = |role: &str| ["linker", "analyst", "auditor"].contains(&role);
                let either = [one, other].contains(&"ingest") && [one, other].contains(&"analyst");
                let passes = one == other || harmless(one) && harmless(other) || either;
                let expected = if passes { Verdict::Pass } else { Verdict::Fail };
                assert_eq!(verdict(&[one, other]), expected, "{one} and {other}");
            }
        }
    }

    #[test]
    fn a_role_that_was_given_or_taken_since_fails() {
        let table = |text: &str| toml::from_str::<Settings>(text).unwrap().roles;
        let accepted = table("[roles]\ningest = [7]\nauditor = []\n");
        for (now, verdict) in [
            ("[roles]\ningest = [7]\n", Verdict::Pass),
            ("[roles]\ningest = [7, 8]\n", Verdict::Fail),
            ("[roles]\ningest = []\n", Verdict::Fail),
            ("[roles]\ningest = [7]\nlinker = [7]\n", Verdict::Fail),
        ] {
            let mut check = Check::begin("", "", "");
            compare(&accepted, &table(now), &mut check);
            assert_eq!(check.end().verdict, verdict, "{now}");
        }
    }
}
