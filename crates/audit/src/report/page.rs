//! The report as one page of HTML for a data protection officer: without a script or another file.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Installation, Report, Since};
use crate::{
    check::{Check, Verdict},
    meaning::meaning,
};

const STYLE: &str = include_str!("page.css");
/// The page loads nothing, whatever a name in it says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn page(report: &Report, signer: &str) -> Markup {
    let title = format!("Audit of {}", report.installation.purpose);
    let body = html! {
        p class="sum" { (report.sum()) }
        p { (outcome(report)) }
        p { "Made " (report.time) " by uid " (report.installation.auditor_uid) ". The auditor's signature is in the file beside this page that ends in .note. This line verifies it: " code { (signer) } }
        p class="quiet" { "The page holds verdicts, counts, names of files and hashes. It holds no value of a row, and no key." }
        (of_verdict(report, Verdict::Fail, "What failed"))
        (of_verdict(report, Verdict::NotChecked, "What was not checked"))
        (since(report.since.as_ref()))
        (installation(&report.installation))
        (of_verdict(report, Verdict::Pass, "What passed"))
    };
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { h1 { (title) } (body) } }
        }
    }
}

/// The whole, in a sentence.
fn outcome(report: &Report) -> &'static str {
    match (report.failed, report.not_checked) {
        (0, 0) => "Every check was made, and every check passed.",
        (0, _) => {
            "No check failed. Some were not made: of these nothing is known, and each says what it needs."
        }
        _ => {
            "A promise of the installation does not hold. Each check that failed says what was found, and how to see it by hand."
        }
    }
}

fn of_verdict(report: &Report, verdict: Verdict, title: &str) -> Markup {
    let checks: Vec<&Check> =
        report.checks.iter().filter(|check| check.verdict == verdict).collect();
    html! {
        @if !checks.is_empty() {
            section {
                h2 { (title) " (" (checks.len()) ")" }
                @for check in checks { (one(check)) }
            }
        }
    }
}

fn one(check: &Check) -> Markup {
    let (article, verdict) = match check.verdict {
        Verdict::Pass => ("passes", "verdict pass"),
        Verdict::Fail => ("fails", "verdict fail"),
        Verdict::NotChecked => ("leaves", "verdict left"),
    };
    html! {
        article class=(article) id=(check.id) {
            h3 { (check.title) }
            p { span class=(verdict) { (check.verdict.to_string()) } " " code { (check.id) } }
            @if let Some(meaning) = meaning(&check.id) {
                p {
                    "PASS shows: " (meaning.shows)
                    @if !meaning.not.is_empty() { " It does not show: " (meaning.not) }
                }
            }
            ul {
                @for line in &check.evidence {
                    @if line.starts_with("WRONG") { li class="wrong" { (line) } } @else { li { (line) } }
                }
            }
            p class="quiet" { "By hand: " code { (check.by_hand) } }
            @if let Some(command) = &check.as_root { p { "Root runs: " code { (command) } } }
        }
    }
}

fn since(since: Option<&Since>) -> Markup {
    html! {
        section {
            h2 { "Changes since the last report" }
            @match since {
                None => p { "This is the first report in the auditor's folder." },
                Some(Since { time, changes }) if changes.is_empty() => p { "Nothing changed since the report of " (time) "." },
                Some(Since { time, changes }) => {
                    p { "Since the report of " (time) ":" }
                    ul { @for change in changes { li { (change) } } }
                }
            }
        }
    }
}

fn installation(of: &Installation) -> Markup {
    let Installation { config, config_sha256, store, purpose, vault, programs, .. } = of;
    html! {
        section {
            h2 { "The installation" }
            table {
                tbody {
                    tr { th scope="row" { "Purpose" } td { (purpose) } }
                    tr { th scope="row" { "Configuration" } td { (config) br; "SHA-256 " code { (config_sha256.as_deref().unwrap_or("not read")) } } }
                    tr { th scope="row" { "Store" } td { (store) } }
                    @match vault {
                        None => tr { th scope="row" { "Vault" } td { "It did not answer this user." } },
                        Some(vault) => {
                            tr { th scope="row" { "Vault" } td { (vault.store_id) br; "Opened by: " (vault.custody) br; "Custodians: " (list(&vault.custodians)) br; "Its signatures are verified by " code { (vault.verifier) } } }
                            tr { th scope="row" { "Purposes of the vault" } td { @for (name, what) in &vault.purposes { (name) ": " (what) br; } } }
                        }
                    }
                }
            }
            table {
                thead { tr { th scope="col" { "Program" } th scope="col" { "Version" } th scope="col" { "Mode and owner" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for (name, program) in programs {
                        tr {
                            th scope="row" { (name) }
                            td { (program.version.as_deref().unwrap_or("not told")) br; span class="quiet" { (program.path) } }
                            td { (program.standing.as_deref().unwrap_or("not read")) }
                            td { code { (program.sha256.as_deref().unwrap_or("not read")) } }
                        }
                    }
                }
            }
        }
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none appointed".to_owned(),
        names => names.join(", "),
    }
}
