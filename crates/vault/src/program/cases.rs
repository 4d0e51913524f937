//! Cases of children's rights.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use minster_model::{Kind, Purpose, Role, counted};
use minster_vault::{approvals::DecideCase, purposes::today, unseen::shown};
use minster_vault_api::{
    CaseCounts, CaseDecision, CaseOutcome, CaseStatus, Client, Ground, NewCase, ProposedAction,
    Right, Turn,
};

use crate::{
    Failure,
    arguments::{Caller, Json},
    client::{connect, number, read, usage},
    print, rectification, tell,
};

/// A case of a child's rights.
#[derive(Subcommand)]
pub(crate) enum CaseCommand {
    /// Open a case: a child, or somebody for the child, asks for a right. The clock runs from the day it was received.
    #[command(after_help = "Example:
  minster-vault case open --right erasure --purpose children-statistics \\
      --received 2026-11-30 --reference ERASE/2026/1 --kind upn

The program asks for the number. The log has no number and no tag of it.")]
    Open(Open),
    /// Close a case whose answer was sent, and print the vault's signed receipt.
    #[command(after_help = "Example:
  minster-vault case close --case ERASE/2026/1 \\
      --answered 2026-12-12 > receipt.note")]
    Close {
        #[command(flatten)]
        caller: Caller,
        /// The case, as `minster-vault cases` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
        /// The day on which the answer was sent, YYYY-MM-DD. Without it, today (UTC).
        #[arg(long, value_name = "DATE")]
        answered: Option<String>,
        #[command(flatten)]
        form: Json,
    },
    /// Print the signed receipt of a closed case once more.
    #[command(after_help = "Example:
  minster-vault case receipt --case ERASE/2026/1 > receipt.note")]
    Receipt {
        #[command(flatten)]
        caller: Caller,
        /// The case, as `minster-vault cases --all` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
        #[command(flatten)]
        form: Json,
    },
}

/// A new case.
#[derive(Args)]
pub(crate) struct Open {
    #[command(flatten)]
    caller: Caller,
    /// The right: access, rectification, erasure, restriction or objection.
    #[arg(long)]
    right: Right,
    /// The purpose whose data it is about.
    #[arg(long)]
    purpose: Purpose,
    /// The day on which it was received, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    received: String,
    /// The council's own case number, never a name: it is logged.
    #[arg(long, value_name = "CASE")]
    reference: String,
    /// The kind of number, as the source definitions call it.
    #[arg(long)]
    kind: Kind,
    /// A file whose first line is the number. Without it, the program asks.
    #[arg(long, value_name = "FILE")]
    identifier_file: Option<PathBuf>,
    #[command(flatten)]
    form: Json,
}

/// A list of cases.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    caller: Caller,
    /// List closed cases too, behind the open ones.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    form: Json,
}

/// The decision of a case.
#[derive(Subcommand)]
pub(crate) enum Decide {
    /// Grant it. An erasure or an objection disposes of the child's records; `minster-vault retention apply` carries it out. A
    /// restriction keeps the child out of every table from the next linking on.
    #[command(after_help = "Example:
  minster-vault request --reference ERASE/2026/1 --reason \"parents object\" \\
      --expires 2026-12-31 decide grant --case ERASE/2026/1 \\
      --schedule config/retention.toml > proposal.json")]
    Grant {
        /// The case, as `minster-vault cases` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
        /// The retention schedule, for an erasure, an objection or a restriction: it names the kinds of a person's own numbers.
        #[arg(long, value_name = "FILE")]
        schedule: Option<PathBuf>,
        /// Dispose also where rows show several numbers of one kind, or several birth dates, as one person's. They may be twins: look first.
        #[arg(long)]
        several: bool,
    },
    /// Correct the child's number or values as deliveries are read, from a day on. Each approver gives the same correction.
    #[command(after_help = "Example:
  minster-vault request --reference RECT/2026/1 --reason \"as the form says\" \\
      --expires 2026-12-31 decide rectify --case RECT/2026/1 \\
      --correction correction.toml > proposal.json

The file is TOML. `number` is the child's right number, the one of the case:

  kind = \"upn\"
  number = \"N330400024017\"
  from = \"2026-11-30\"
  origin = \"the school's admission form\"

  [[wrong_number]]
  source = \"early_help\"
  number = \"P330400024018\"
  born = \"2011-03-04\"

  [[wrong_value]]
  source = \"school_census\"
  table = \"pupils\"
  column = \"ethnicity\"
  old = \"WBRI\"
  new = \"MWBC\"

Without `born`, all rows of the source with the wrong number are the child's. `rows = { column = \"text\" }` chooses some of the child's \
rows by other columns. `minster-vault request … decide lift` ends it.")]
    Rectify {
        /// The case, as `minster-vault cases` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
        /// The correction.
        #[arg(long, value_name = "FILE")]
        correction: PathBuf,
    },
    /// Refuse it on a ground of the law, which is logged.
    #[command(after_help = "Example:
  minster-vault request --reference ERASE/2026/1 --reason \"Children Act\" \\
      --expires 2026-12-31 decide refuse --case ERASE/2026/1 \\
      --ground statutory-duty > proposal.json

The grounds: expression, statutory-duty, public-interest, public-health, research, legal-claims (UK GDPR Article 17(3)), \
compelling-grounds (Article 21(1)), not-applicable, exemption (Data Protection Act 2018), unfounded, unidentified (Article 12).")]
    Refuse {
        /// The case, as `minster-vault cases` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
        /// The ground.
        #[arg(long)]
        ground: Ground,
    },
    /// Give it two more months, within its first one. The reason is sealed; tell it to the person who asked.
    #[command(after_help = "Example:
  minster-vault request --reference ERASE/2026/1 --reason \"four services\" \\
      --expires 2026-12-31 decide extend --case ERASE/2026/1 > proposal.json")]
    Extend {
        /// The case, as `minster-vault cases` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
    },
    /// End the restriction, or the correction, that a case made. The child is counted again from the next linking on; deliveries are
    /// read again as they are.
    #[command(after_help = "Example:
  minster-vault request --reference REST/2026/1 --reason \"data are right\" \\
      --expires 2026-12-31 decide lift --case REST/2026/1 > proposal.json")]
    Lift {
        /// The case, as `minster-vault cases --all` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
    },
    /// Take it back where nobody can decide it: it was opened with a wrong number, or the file that says whom it is about is lost.
    /// Nobody types a number. Open another with the right number first, and the day on which it was received. A restriction ends so only
    /// if its file is lost.
    #[command(after_help = "Example:
  minster-vault request --reference ERASE/2026/1 --reason \"wrong number\" \\
      --expires 2026-12-31 decide withdraw --case ERASE/2026/1 > proposal.json")]
    Withdraw {
        /// The case, as `minster-vault cases` names it, or its reference where no other case has it.
        #[arg(long)]
        case: String,
    },
}

impl Decide {
    pub(crate) fn proposed(self, caller: &Caller) -> Result<ProposedAction, Failure> {
        let (case, decision, schedule) = match self {
            Self::Grant { case, schedule, several: false } => (case, CaseDecision::Grant, schedule),
            Self::Grant { case, schedule, several: true } => {
                (case, CaseDecision::GrantSeveral, schedule)
            }
            Self::Refuse { case, ground } => (case, CaseDecision::Refuse(ground), None),
            Self::Extend { case } => (case, CaseDecision::Extend, None),
            Self::Lift { case } => (case, CaseDecision::Lift, None),
            Self::Rectify { case, correction } => {
                let correction = rectification::correction(&correction)?;
                let case = named(&mut connect(caller, Role::Custodian)?, &case)?;
                return Ok(ProposedAction::Rectify { case, correction });
            }
            Self::Withdraw { case } => {
                let case = named(&mut connect(caller, Role::Custodian)?, &case)?;
                return Ok(ProposedAction::WithdrawCase { case });
            }
        };
        let schedule = schedule.map(|path| read(&path)).transpose()?;
        let case = named(&mut connect(caller, Role::Custodian)?, &case)?;
        Ok(ProposedAction::Case { case, decision, schedule })
    }
}

pub(crate) fn run(command: CaseCommand) -> Result<(), Failure> {
    match command {
        CaseCommand::Open(new) => open(new),
        CaseCommand::Close { caller, case, answered, form } => {
            let answered = answered.unwrap_or_else(|| today().to_string());
            let mut client = connect(&caller, Role::Custodian)?;
            let case = named(&mut client, &case)?;
            let receipt = client.close_case(&case, &answered)?;
            receipt_of(&case, &receipt, &form)
        }
        CaseCommand::Receipt { caller, case, form } => {
            let mut client = connect(&caller, Role::Custodian)?;
            let case = named(&mut client, &case)?;
            let receipt = client.case_receipt(&case)?;
            receipt_of(&case, &receipt, &form)
        }
    }
}

/// The short name of a case that is named so, or by its reference.
fn named(client: &mut Client, name: &str) -> Result<String, Failure> {
    let cases = client.cases(true)?;
    let found: Vec<&str> = cases
        .iter()
        .filter(|one| one.case == name || one.reference == name)
        .map(|one| one.case.as_str())
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(usage("no such case is there; `minster-vault cases --all` lists them")),
        several => Err(usage(format!(
            "several cases have this reference: name one of {}",
            several.join(", ")
        ))),
    }
}

fn receipt_of(case: &str, receipt: &str, form: &Json) -> Result<(), Failure> {
    let object = serde_json::json!({ "format": 1, "case": case, "receipt": receipt });
    match form.json {
        true => print(&format!("{object}\n")),
        false => print(receipt),
    }
}

fn open(new: Open) -> Result<(), Failure> {
    let Open { caller, right, purpose, received, reference, kind, identifier_file, form } = new;
    let identifier = number(&kind, identifier_file.as_deref())?;
    let new = NewCase { right, purpose, received, reference, kind, identifier };
    let case = connect(&caller, Role::Custodian)?.open_case(new)?;
    let object = serde_json::json!({ "format": 1, "case": case });
    let words = format!(
        "case {} is open: its answer is due on {} ({})\ntwo custodians decide it with `minster-vault request … decide`",
        case.case,
        case.due,
        left(&case)
    );
    tell(&form, &object, &words)
}

pub(crate) fn list(of: &List) -> Result<(), Failure> {
    let cases = connect(&of.caller, Role::Custodian)?.cases(of.all)?;
    if of.form.json {
        return print(&format!("{}\n", serde_json::json!({ "format": 1, "cases": cases })));
    }
    if cases.is_empty() {
        let _ = writeln!(io::stderr(), "no case is {}", if of.all { "there" } else { "open" });
    }
    print(&cases.iter().map(described).collect::<String>())
}

/// Days until the last day of a case, in words.
fn left(case: &CaseStatus) -> String {
    match case.days_left {
        None => "closed".into(),
        Some(days) if days < 0 => format!("OVERDUE by {}", counted(-days, "day", "days")),
        Some(0) => "the last day is today".into(),
        Some(days) => format!("{} left", counted(days, "day", "days")),
    }
}

fn described(case: &CaseStatus) -> String {
    let CaseStatus { case: id, reference, right, purpose, received, due, .. } = case;
    let mut text = String::new();
    let _ = writeln!(text, "{id}  {right} under {purpose}, {}", shown(reference));
    let extended = if case.extended { ", two more months among them" } else { "" };
    let _ = writeln!(text, "  received {received}, due {due}{extended}: {}", left(case));
    if let Some(outcome) = case.outcome {
        let answered = case.answered.as_ref().map(|day| format!("; answered {day}"));
        let _ = writeln!(
            text,
            "  {}{}",
            outcome_text(outcome, case.ground),
            answered.unwrap_or_default()
        );
    }
    if let Some(turn) = case.turn {
        let about = case.about.as_deref().unwrap_or_default();
        let _ = writeln!(text, "  turn: {}", turn_text(turn, about));
    }
    match (case.restricts, case.outcome) {
        (true, _) => text += "  the restriction stands\n",
        (false, Some(CaseOutcome::Restricted)) => text += "  the restriction was lifted\n",
        _ => {}
    }
    text + &rectification::described(case)
}

/// A decision in the words of those who approve it, and for how many children.
pub(crate) fn in_words(of: &DecideCase) -> (String, String) {
    let DecideCase { right, purpose, kind, .. } = of;
    let number = format!("the child with the {kind} that you gave");
    let what = match (of.decision, right) {
        (CaseDecision::Extend, _) => {
            let until = of.due.map_or("a later day".to_owned(), |day| day.to_string());
            format!(
                "give the case of {right} two more months, until {until}; tell the person who asked, and why"
            )
        }
        (CaseDecision::Refuse(ground), _) => {
            format!("refuse {right} under {purpose} for {number}, on the ground {ground}")
        }
        (CaseDecision::Rectify, _) => format!(
            "read deliveries under {purpose} with the correction that you gave, of {number}"
        ),
        (CaseDecision::Lift, Right::Rectification) => {
            format!("correct the records of {purpose} of {number} no more")
        }
        (CaseDecision::Lift, _) => format!("count {number} again under {purpose}"),
        (CaseDecision::Grant, Right::Erasure | Right::Objection) => format!(
            "dispose of all records of {purpose} of {number}, and let no later delivery bring them back; nobody can undo it"
        ),
        (CaseDecision::GrantSeveral, _) => format!(
            "dispose of all records of {purpose} of {number}, and of all whom rows show under one person's numbers: they may be twins; let no \
             later delivery bring them back; nobody can undo it"
        ),
        (CaseDecision::Grant, Right::Restriction) => {
            format!("keep the records of {purpose} of {number}, and let no table count them")
        }
        (CaseDecision::Grant, Right::Rectification) => format!(
            "grant {right} under {purpose} for {number}: the service corrects its records, and nothing is corrected here"
        ),
        (CaseDecision::Grant, Right::Access) => {
            format!("grant {right} under {purpose} for {number}")
        }
    };
    let how_many = match of.decision {
        CaseDecision::GrantSeveral => "1 child or more",
        _ => "1 child",
    };
    (what, how_many.to_owned())
}

fn outcome_text(outcome: CaseOutcome, ground: Option<Ground>) -> String {
    match outcome {
        CaseOutcome::Granted => "granted".into(),
        CaseOutcome::Erased => "the child's records were disposed of".into(),
        CaseOutcome::Restricted => "the child's records were restricted".into(),
        CaseOutcome::Rectified => "the child's records are corrected as deliveries are read".into(),
        CaseOutcome::NoRecord => "no record held".into(),
        CaseOutcome::Withdrawn => "taken back".into(),
        CaseOutcome::Refused => match ground {
            Some(ground) => format!("refused: {ground}"),
            None => "refused".into(),
        },
    }
}

fn turn_text(turn: Turn, about: &str) -> String {
    match turn {
        Turn::Decide => {
            "custodians, to propose a decision (`minster-vault request … decide`)".into()
        }
        Turn::Sign => format!("custodians, to sign the proposal {about}"),
        Turn::CarryOut => format!("whoever made the proposal {about}, to carry it out"),
        Turn::Linker => format!(
            "the linker, to apply the list {about} (`minster-vault retention apply` writes it, `minster dispose` applies it)"
        ),
        Turn::Answer => {
            "a custodian, to send the answer and close the case (`minster-vault case close`)".into()
        }
    }
}

/// The line of `status`.
pub(crate) fn status_line(counts: &CaseCounts) -> String {
    let CaseCounts { open, overdue, least_days_left, restrictions, corrections } = counts;
    let mut line = format!("{open} open");
    match least_days_left {
        Some(days) if *days < 0 => {
            let _ =
                write!(line, ", {overdue} OVERDUE, the first by {}", counted(-days, "day", "days"));
        }
        Some(days) => {
            let _ = write!(line, ", {} left for the first", counted(*days, "day", "days"));
        }
        None => {}
    }
    let _ = write!(line, "; {restrictions} restrictions stand");
    if *corrections > 0 {
        let _ = write!(line, "; {} stand", counted(*corrections, "correction", "corrections"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(days_left: Option<i32>, turn: Option<Turn>) -> CaseStatus {
        CaseStatus {
            case: "c1".into(),
            reference: "ERASE/1".into(),
            right: Right::Erasure,
            purpose: "education".parse().unwrap(),
            received: "2026-01-31".into(),
            due: "2026-02-28".into(),
            extended: false,
            days_left,
            turn,
            about: Some("p1".into()),
            outcome: None,
            ground: None,
            restricts: false,
            corrects: false,
            met: Vec::new(),
            answered: None,
        }
    }

    #[test]
    fn a_case_says_whose_turn_it_is_and_that_it_is_overdue() {
        let told = described(&case(Some(-1), Some(Turn::Sign)));
        assert_eq!(
            told,
            "c1  erasure under education, ERASE/1\n  received 2026-01-31, due 2026-02-28: OVERDUE by 1 day\n  \
             turn: custodians, to sign the proposal p1\n"
        );
        assert!(described(&case(Some(0), None)).contains(": the last day is today\n"));
        assert!(described(&case(Some(2), None)).contains(": 2 days left\n"));
        let closed = CaseStatus {
            outcome: Some(CaseOutcome::Refused),
            ground: Some(Ground::Research),
            answered: Some("2026-02-03".into()),
            ..case(None, None)
        };
        let told = described(&closed);
        assert!(told.contains(": closed\n  refused: research; answered 2026-02-03\n"), "{told}");
    }

    #[test]
    fn the_line_of_the_status_names_the_first_clock_that_ends() {
        let counts = |overdue, least_days_left| CaseCounts {
            open: 3,
            overdue,
            least_days_left,
            restrictions: 1,
            corrections: 0,
        };
        let line = status_line(&counts(0, Some(9)));
        assert_eq!(line, "3 open, 9 days left for the first; 1 restrictions stand");
        let line = status_line(&counts(2, Some(-4)));
        assert_eq!(line, "3 open, 2 OVERDUE, the first by 4 days; 1 restrictions stand");
        assert_eq!(status_line(&CaseCounts::default()), "0 open; 0 restrictions stand");
    }
}
