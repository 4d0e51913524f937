//! The plan of the retention schedule, and the disposal.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use minster_model::{Kind, Purpose, Role};
use minster_vault::{approvals::Action, disk::Disk, purposes::today};
use minster_vault_api::{
    CarriedOut, DisposalCounts, ProposedAction, RetentionPlan, SMALLEST_SHOWN, ShownCount,
    StandingHold, VaultError,
};

use crate::{
    Failure,
    approve::Told,
    arguments::{Caller, Json, ProposalName},
    client::{connect, number, read, usage},
    print, tell,
};

/// The retention schedule at the vault.
#[derive(Subcommand)]
pub(crate) enum Retention {
    /// Show what is due, undetermined and held back, and what comes due in ten years. Small counts are hidden.
    #[command(after_help = "Example:
  minster-vault retention plan --purpose children-statistics \\
      --schedule config/retention.toml --until 2027-03-31

It needs the custodian's role. The log says that it was asked.")]
    Plan(Plan),
    /// Carry out an approved disposal: what is due leaves the vault's files, its numbers are blocked, and the list is signed by
    /// which `minster dispose` does the same in the store.
    #[command(after_help = "Example:
  minster-vault retention apply --proposal proposal.json --out disposal.list

It needs the custodian's role, and cannot be undone. Run again, it writes the same list, until `minster dispose` has applied \
it.")]
    Apply(Apply),
}

/// The question.
#[derive(Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    caller: Caller,
    #[command(flatten)]
    of: Schedule,
    #[command(flatten)]
    form: Json,
}

/// A schedule, and whose records.
#[derive(Args)]
pub(crate) struct Schedule {
    /// The purpose.
    #[arg(long)]
    purpose: Purpose,
    /// The retention schedule.
    #[arg(long, value_name = "FILE")]
    schedule: PathBuf,
    /// The last day that counts, YYYY-MM-DD. Without it, today (UTC).
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

impl Schedule {
    fn until(&self) -> String {
        self.until.clone().unwrap_or_else(|| today().to_string())
    }

    /// The disposal of what is due under it.
    pub(crate) fn proposed(&self) -> Result<ProposedAction, Failure> {
        let (purpose, schedule) = (self.purpose.clone(), read(&self.schedule)?);
        Ok(ProposedAction::Dispose { purpose, schedule, until: self.until() })
    }
}

/// The disposal that is carried out.
#[derive(Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    caller: Caller,
    #[command(flatten)]
    proposal: ProposalName,
    /// The file for the signed list. It holds pseudonyms: it is written for you alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    form: Json,
}

/// One person's number, of whom nothing is disposed.
#[derive(Args)]
pub(crate) struct Hold {
    /// The kind of number, as the source definitions call it.
    #[arg(long)]
    kind: Kind,
    /// A file whose first line is the number. Without it, the program asks.
    #[arg(long, value_name = "FILE")]
    identifier_file: Option<PathBuf>,
}

impl Hold {
    pub(crate) fn proposed(self) -> Result<ProposedAction, Failure> {
        let identifier = number(&self.kind, self.identifier_file.as_deref())?;
        Ok(ProposedAction::Hold { kind: self.kind, identifier })
    }
}

pub(crate) fn plan(of: &Plan) -> Result<(), Failure> {
    let text = read(&of.of.schedule)?;
    let mut client = connect(&of.caller, Role::Custodian)?;
    let plan = client.plan_retention(&of.of.purpose, &text, &of.of.until())?;
    match of.form.json {
        true => print(&format!("{}\n", serde_json::json!({ "format": 1, "plan": plan }))),
        false => print(&plan_text(&plan)),
    }
}

pub(crate) fn apply(of: &Apply) -> Result<(), Failure> {
    let id = of.proposal.id()?;
    let mut client = connect(&of.caller, Role::Custodian)?;
    // A list that is open was carried out before: it is written again.
    let (list, counts) = match client.disposal_list(&id) {
        Ok(list) => (list, None),
        Err(VaultError::Denied(_)) => match client.enact(&id)? {
            CarriedOut::Disposed(counts) => (client.disposal_list(&id)?, Some(counts)),
            CarriedOut::NoRecord => {
                let words = "the purpose holds no record under this number, so there is no list: send the answer, and close the case";
                let object = serde_json::json!({
                    "format": 1, "proposal": id, "list": null, "disposed": null,
                });
                return tell(&of.form, &object, words);
            }
            _ => return Err(usage("the proposal is no disposal; it was carried out")),
        },
        Err(other) => return Err(other.into()),
    };
    write_list(&of.out, &list)?;
    let out = of.out.display();
    let words = match counts {
        None => format!("the list of {id} is in {out}, as it was signed before"),
        Some(DisposalCounts { persons, numbers, beside, no_longer_due }) => {
            let later = match no_longer_due {
                0 => String::new(),
                some => format!("; {some} numbers are not due any more and stay"),
            };
            format!(
                "disposed of {persons} persons with {numbers} numbers and {beside} match keys and other numbers beside them{later}\n\
                 the list is in {out}: the linker applies it to the store with `minster dispose {out}`"
            )
        }
    };
    let object =
        serde_json::json!({ "format": 1, "proposal": id, "list": of.out, "disposed": counts });
    tell(&of.form, &object, &words)
}

/// Its user alone may read a list.
fn write_list(path: &Path, list: &[u8]) -> Result<(), Failure> {
    Ok(Disk::new().replace(path, list)?)
}

pub(crate) fn counted(count: ShownCount) -> String {
    count.map_or_else(|| format!("1 to {}", SMALLEST_SHOWN - 1), |count| count.to_string())
}

/// A disposal in the words of those who approve it.
pub(crate) fn told(action: &Action) -> Told {
    let Action::Dispose {
        purpose,
        until,
        schedule_sha256,
        persons,
        numbers,
        inaccessible,
        city_archives,
        ..
    } = action
    else {
        return Told { what: action.name().to_owned(), how_many: String::new(), more: Vec::new() };
    };
    let each = persons.iter().map(|(of, count)| format!("{} of {of}", counted(*count)));
    let each: Vec<String> = each.collect();
    let mut more = vec![("schedule", schedule_sha256.clone())];
    for category in persons.keys() {
        let end = match inaccessible.contains(category) {
            true => "made inaccessible: a sealed archive, which two of you can open",
            false => "destroyed",
        };
        more.push(("end", format!("{category}: {end}")));
    }
    for (category, to) in city_archives {
        more.push(("before", format!("{category}: a bundle for the City Archives, to {to}")));
    }
    Told {
        what: format!(
            "dispose of the records of {purpose} that are due until {until}; nobody can undo it"
        ),
        how_many: format!("{}; {} numbers", each.join(", "), counted(*numbers)),
        more,
    }
}

fn plan_text(plan: &RetentionPlan) -> String {
    let mut text = String::new();
    let RetentionPlan {
        purpose, until, schedule_sha256, due, due_by_month, due_by_delivery, ..
    } = plan;
    let _ = writeln!(
        text,
        "{purpose} until {until}, schedule {}",
        &schedule_sha256[..16.min(schedule_sha256.len())]
    );
    let _ = writeln!(text, "due: {} persons", counted(*due));
    for of in due_by_month {
        let _ = writeln!(text, "  {} {:<24} {:>8}", of.period, of.category, counted(of.persons));
    }
    if !due_by_delivery.is_empty() {
        text += "told of by, as far as known:\n";
    }
    for of in due_by_delivery {
        let _ = writeln!(text, "  {:<32} {:>8}", of.delivery, counted(of.persons));
    }
    text += "undetermined, and never disposed of until the date is there:\n";
    for of in &plan.undetermined {
        let missing = format!("{} lacks {}", of.category, of.missing);
        let _ = writeln!(text, "  {missing:<48} {:>8}", counted(of.persons));
    }
    text += "due and held back:\n";
    for of in &plan.held {
        let _ = writeln!(text, "  {:<32} {:>8}", of.by, counted(of.persons));
    }
    text += "comes due later:\n";
    for of in &plan.forecast {
        let _ = writeln!(text, "  {} {:<27} {:>8}", of.period, of.category, counted(of.persons));
    }
    let _ = writeln!(text, "in no row of the schedule: {}", counted(plan.unscheduled));
    if !plan.without_evidence.is_empty() {
        let _ = writeln!(text, "shown by no source: {}", plan.without_evidence.join(", "));
    }
    for hold in &plan.holds {
        let what = match (&hold.category, &hold.ordered_by) {
            (Some(category), Some(by)) => format!("moratorium on {category}, ordered by {by}"),
            (Some(category), None) => format!("moratorium on {category}"),
            _ => "hold on a person".to_owned(),
        };
        let nobody = match (hold.is_known, &hold.category) {
            (true, _) => "",
            (false, Some(_)) => "; it holds nobody here: the schedule has no such category",
            (false, None) => "; it holds nobody here: no person of the purpose has the number",
        };
        let StandingHold { hold, since, reference, .. } = hold;
        let _ = writeln!(text, "hold {hold} since {since}: {what}, {reference}{nobody}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_count_is_told_as_a_range() {
        assert_eq!(
            (counted(None), counted(Some(0)), counted(Some(7))),
            ("1 to 4".into(), "0".into(), "7".into())
        );
    }
}
