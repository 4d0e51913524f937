//! `minster site`: a folder of all releases for readers. It needs no server but one for plain files.

mod page;

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;
use minster_aggregator::{AggregateError, PublicRelease, PublicState, public_releases};
use minster_model::{Role, counted};
use minster_vault_api::Client;

use crate::{arguments, failure::Failure, pipeline::Loaded, report};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The site's folder: a new one, an empty one, or a site that this command wrote.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    report: arguments::Report,
}

/// A release of a site, and its files there.
struct Listed {
    release: PublicRelease,
    /// Their names, in the order of the release; none of one that was withdrawn.
    files: Vec<String>,
}

impl Listed {
    /// Its folder in the site.
    fn folder(&self) -> String {
        format!("releases/{}/{}", self.release.name, self.release.period)
    }
}

/// Writes the site; gives the text to print.
pub(crate) fn site(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { out, report: arguments::Report { config, form } } = arguments;
    let loaded = Loaded::read(&config.path)?;
    let pipeline = &loaded.pipeline;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Analyst, "minster")?;
    let period = &loaded.period_or_last(None)?.name;
    let all = public_releases(&store, (period, &pipeline.purpose), &mut vault).map_err(failed)?;
    if all.not_in_log > 0 {
        let _ = writeln!(
            io::stderr(),
            "note: {} of the ledger {} not in the vault's log of {}, and not on the site: another purpose's, or let out by nobody",
            counted(all.not_in_log, "release", "releases"),
            if all.not_in_log == 1 { "is" } else { "are" },
            pipeline.purpose
        );
    }
    let mut site = store.site(out)?;
    let mut listed = Vec::new();
    for release in all.releases {
        let mut of = Listed { release, files: Vec::new() };
        if let PublicState::Current(current) = &of.release.state {
            for (name, bytes) in current.verified_files(&store)? {
                site.write(&format!("{}/{name}", of.folder()), &bytes)?;
                of.files.push(name);
            }
        }
        listed.push(of);
    }
    site.write("index.html", page::index(&listed).into_string().as_bytes())?;
    let files = site.finish()?;
    match form.json {
        true => json(out, files, &listed),
        false => Ok(text(out, files, &listed)),
    }
}

fn failed(source: AggregateError) -> Failure {
    Failure::Released { source: Box::new(source) }
}

fn text(out: &std::path::Path, files: usize, listed: &[Listed]) -> String {
    let (current, withdrawn): (Vec<_>, Vec<_>) =
        listed.iter().partition(|of| matches!(of.release.state, PublicState::Current(_)));
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: {}, {} withdrawn, {}",
        out.display(),
        counted(current.len(), "release", "releases"),
        withdrawn.len(),
        counted(files, "file", "files")
    );
    for Listed { release, files } in current {
        let PublicRelease { name, period, .. } = release;
        let _ = writeln!(text, "  {name} of {period}, {}", counted(files.len(), "file", "files"));
    }
    for Listed { release, .. } in withdrawn {
        let _ = writeln!(text, "  {} of {}, withdrawn", release.name, release.period);
    }
    text
}

fn json(out: &std::path::Path, files: usize, listed: &[Listed]) -> Result<String, Failure> {
    let release = |of: &Listed| {
        let withdrawn = match &of.release.state {
            PublicState::Current(_) => None,
            PublicState::Withdrawn { on, reason } => {
                Some(serde_json::json!({ "on": on, "reason": reason }))
            }
        };
        let PublicRelease { name, period, sha256, title, let_out, .. } = &of.release;
        serde_json::json!({
            "release": name, "period": period, "sha256": sha256, "title": title,
            "let_out": let_out, "withdrawn": withdrawn, "files": of.files,
        })
    };
    let releases: Vec<_> = listed.iter().map(release).collect();
    report::json(&serde_json::json!({
        "format": 1, "folder": out, "files": files, "releases": releases,
    }))
}
