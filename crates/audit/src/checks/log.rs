//! The log's chain and the checkpoints, verified by `minster-vault`, which needs no secret for it.

use std::{path::Path, process::Command};

use minster_model::exit;

use super::{clock, releases};
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// The chain by itself, then against the checkpoints.
pub(super) fn checks(site: &Site) -> Vec<Check> {
    let program = site.program("minster-vault");
    let checkpoints = site.arguments.checkpoints.as_deref();
    let log = site.log();
    let by_hand = match log {
        crate::site::Log::Told(_) => format!(
            "minster-vault log show --lines --socket {} > log.jsonl; minster-vault log verify --log log.jsonl",
            quoted(site.socket())
        ),
        _ => format!("minster-vault log verify --log {}", log.shown()),
    };
    let title = "No entry of the vault's log was changed, removed, moved or inserted";
    let mut chain = Check::begin("log.chain", title, &by_hand);
    let folder = checkpoints.map_or("FOLDER".to_owned(), quoted);
    let title = "The vault's log agrees with every checkpoint: it was not cut, nor written anew";
    let by_hand = format!("{by_hand} --checkpoints {folder}");
    let begin = || Check::begin("log.checkpoints", title, &by_hand);
    let mut covered = begin();
    let mut published = releases::begin(&log.shown());
    match log.path() {
        Err(why) => {
            chain.missing(why);
            covered.missing(why);
            published.missing(why);
        }
        Ok(log) => {
            if let Some(verified) = verify(&program, log, None, &mut chain) {
                let of = |key: &str| verified["log"][key].as_u64().unwrap_or_default();
                chain.fine(format!("{} entries, each names the one before", of("entries")));
                chain.fine(format!("{} custodians' signatures in it, all right", of("approvals")));
                releases::compare(&site.pipeline.store, &verified, &mut published);
            } else {
                published.missing("the log could not be verified");
            }
            match checkpoints {
                None => covered.missing(
                    "give --checkpoints DIR: without it the log's end can be cut, or all of it \
                     written anew, unseen",
                ),
                Some(_) => {
                    let mut verified = verify(&program, log, checkpoints, &mut covered);
                    // The vault goes on while the audit reads. A checkpoint made since covers entries that were not told yet: they are asked for.
                    if verified.is_none()
                        && let Some(told) = site.told_again()
                    {
                        covered = begin();
                        verified = verify(&program, told.path(), checkpoints, &mut covered);
                    }
                    if let Some(verified) = verified {
                        compare(&verified, &mut covered);
                        clock::reach(site, &verified, &mut covered);
                    }
                }
            }
        }
    }
    vec![chain.end(), covered.end(), published.end(), releases::ledger(site)]
}

fn compare(verified: &serde_json::Value, check: &mut Gathered) {
    let of = |key: &str| verified["log"][key].as_u64().unwrap_or_default();
    let (held, covered, entries) = (of("checkpoints"), of("covered"), of("entries"));
    if held == 0 {
        return check.missing("the folder holds no checkpoint yet");
    }
    check.fine(format!("{held} checkpoints, every signature right, every hash the log's"));
    if of("restorations") > 0 {
        check.note(format!(
            "{} times two custodians accepted a loss or a clock behind the log; {} checkpoints are lost with it: \
             the log says when, and for which case",
            of("restorations"),
            of("lost")
        ));
    }
    check.note(format!(
        "the last covers entry {covered} of {entries}: what stands after it could be cut unseen"
    ));
}

/// The vault's program's answer, in JSON; why there is none goes into the evidence.
fn verify(
    program: &Path,
    log: &Path,
    checkpoints: Option<&Path>,
    check: &mut Gathered,
) -> Option<serde_json::Value> {
    let mut command = Command::new(program);
    command.args(["log", "verify", "--json", "--log"]).arg(log);
    if let Some(folder) = checkpoints {
        command.arg("--checkpoints").arg(folder);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            check.missing(format!("{} cannot be started: {error}", program.display()));
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it said nothing").trim_start_matches("error: ");
    let code = output.status.code().and_then(|code| u8::try_from(code).ok());
    match (code, serde_json::from_slice(&output.stdout)) {
        (Some(exit::DONE), Ok(verified)) => Some(verified),
        (Some(exit::AUDIT), _) => {
            check.wrong(said);
            None
        }
        _ => {
            match said.contains("ermission denied") {
                true => check.for_root(said),
                false => check.missing(said),
            }
            None
        }
    }
}
