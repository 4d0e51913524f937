//! The index of a site: one page, for a screen, a reader of screens, and paper. It works without a script; with one, it has a
//! search.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use minster_aggregator::{PublicRelease, PublicState};
use minster_model::counted;

use super::Listed;

const STYLE: &str = include_str!("page.css");
const SEARCH: &str = include_str!("search.js");
/// The page loads nothing, and runs the one script that [`SEARCH_SHA256`] names, whatever a title in it says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-";
/// SHA-256 of the script, in base64.
const SEARCH_SHA256: &str = "13VHWuK0WqkTWrhp08nc8ZF9xyhLjbKauBefovLp0OM=";

pub(super) fn index(listed: &[Listed]) -> Markup {
    let (current, withdrawn): (Vec<_>, Vec<_>) =
        listed.iter().partition(|of| matches!(of.release.state, PublicState::Current(_)));
    let publishers: BTreeSet<&str> =
        current.iter().filter_map(|of| of.release.publisher.as_deref()).collect();
    let title = "Published tables";
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(format!("{POLICY}{SEARCH_SHA256}'"));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Go to the tables" }
                header {
                    h1 { (title) }
                    p class="summary" {
                        (counted(current.len(), "release", "releases"))
                        @if !withdrawn.is_empty() { ", and " a href="#withdrawn" { (withdrawn.len()) " withdrawn" } }
                        "."
                    }
                    @if !publishers.is_empty() {
                        p { "Published by " (publishers.into_iter().collect::<Vec<_>>().join(", ")) "." }
                    }
                    div id="search" role="search" hidden {
                        label for="words" { "Search titles, tables and periods" }
                        input id="words" type="search" autocomplete="off" aria-describedby="found";
                        p id="found" role="status" {}
                    }
                }
                main id="main" tabindex="-1" {
                    section aria-labelledby="current" {
                        h2 id="current" { "Releases" }
                        @if current.is_empty() { p { "No release stands." } }
                        ul class="releases" { @for of in &current { (release(of)) } }
                    }
                    @if !withdrawn.is_empty() {
                        section aria-labelledby="withdrawn" {
                            h2 id="withdrawn" { "Withdrawn" }
                            p { "These are no longer to be used. Their files are not here." }
                            ul class="releases" { @for of in &withdrawn { (gone(&of.release)) } }
                        }
                    }
                }
                script { (PreEscaped(SEARCH)) }
            }
        }
    }
}

fn release(of: &Listed) -> Markup {
    let PublicRelease { name, title, tables, contact, .. } = &of.release;
    let page = format!("{name}.html");
    let has_page = of.files.contains(&page);
    let link = |file: &str| format!("{}/{file}", of.folder());
    let title = titled(&of.release, title);
    html! {
        li data-words=(words(&of.release)) {
            h3 { @if has_page { a href=(link(&page)) { (title) } } @else { (title) } }
            @if tables.len() > 1 || tables.first().is_some_and(|table| *table != of.release.title) {
                p { (tables.join("; ")) }
            }
            p class="small" {
                (let_out(&of.release))
                @if let Some(contact) = contact { " Contact: " (contact) "." }
            }
            p class="files" {
                span { "Files: " }
                @for (place, file) in of.files.iter().filter(|file| **file != page).enumerate() {
                    @if place > 0 { ", " }
                    a href=(link(file)) { (file) }
                }
            }
        }
    }
}

fn gone(of: &PublicRelease) -> Markup {
    let PublicState::Withdrawn { on, reason } = &of.state else { return html! {} };
    html! {
        li data-words=(words(of)) {
            h3 { (titled(of, &of.title)) " (withdrawn)" }
            p { "Withdrawn on " (day(on)) ": " (reason) }
            p class="small" { (let_out(of)) }
        }
    }
}

fn titled(of: &PublicRelease, title: &str) -> String {
    format!("{title}, {}", of.period)
}

fn let_out(of: &PublicRelease) -> String {
    match &of.let_out {
        Some(at) => format!("Let out on {}.", day(at)),
        None => "Nobody wrote down when it was let out.".to_owned(),
    }
}

/// The words that a search finds it by.
fn words(of: &PublicRelease) -> String {
    let PublicRelease { name, title, tables, period, .. } = of;
    format!("{title} {} {name} {period}", tables.join(" ")).to_lowercase()
}

/// A day as people write it. A time that is none is shown as it is.
fn day(at: &str) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) => at.strftime("%-d %B %Y").to_string(),
        Err(_) => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn the_page_runs_the_script_that_its_policy_names() {
        assert_eq!(SEARCH_SHA256, BASE64_STANDARD.encode(minster_store::sha256(SEARCH.as_bytes())));
    }

    #[test]
    fn a_title_is_text_whatever_it_says() {
        let evil = "<script>alert(1)</script>\" onclick=\"x";
        let release = PublicRelease {
            name: "care".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            sha256: "0".repeat(64),
            title: evil.to_owned(),
            tables: vec![evil.to_owned()],
            publisher: Some(evil.to_owned()),
            contact: Some(evil.to_owned()),
            let_out: Some(evil.to_owned()),
            state: PublicState::Withdrawn { on: evil.to_owned(), reason: evil.to_owned() },
        };
        let listed = [Listed { release, files: Vec::new() }];
        let page = index(&listed).into_string();
        assert_eq!(page.matches("<script>").count(), 1, "{page}");
        assert!(!page.contains("\" onclick"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    #[test]
    fn a_day_is_as_people_write_it() {
        assert_eq!(day("2026-11-03T09:00:00Z"), "3 November 2026");
        assert_eq!(day("yesterday"), "yesterday");
    }
}
