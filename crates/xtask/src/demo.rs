//! `cargo demo`: the whole job on a made-up council, from nothing, with the shipped programs.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    Failure,
    cargo::{bench, build_programs, cargo, run},
    say,
};

#[derive(Args)]
pub(crate) struct Demo {
    /// Pupils of the made-up council.
    #[arg(long, default_value_t = 25_000)]
    pupils: u64,
    /// Another seed, another council.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let the draft out too, as a person does, and show what is public then.
    #[arg(long)]
    let_out: bool,
    /// Leave the vault running, so that the commands at the end can be typed.
    #[arg(long)]
    stay: bool,
}

/// Programs, folders and the vault of one demo.
pub(crate) struct Stage {
    programs: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let stage = Stage::build("demo")?;
        let begun = Instant::now();
        stage.make_council(self.pupils, self.seed)?;
        say(&format!("made-up council after {:.1} s", begun.elapsed().as_secs_f32()));
        let vault = stage.start_vault()?;
        say(
            "the vault serves as a child process: its root is sealed under a key file in this folder, and",
        );
        say(
            "all roles are this user's. In service it runs under a uid of its own, with custodians.",
        );
        let code = stage.run_pipeline(Stdio::inherit())?;
        say(&format!(
            "done after {:.1} s; everything is in {}",
            begun.elapsed().as_secs_f32(),
            stage.folder.display()
        ));
        match self.let_out {
            true => {
                stage.let_out()?;
                stage.show()?;
                stage.explain()?;
            }
            false => stage.preview()?,
        }
        match self.stay {
            true => vault.leave(),
            false => drop(vault),
        }
        stage.say_what_next(self);
        // 3: rows in quarantine. A made-up council has some, as a real one does.
        match code {
            Some(0 | 3) => Ok(()),
            code => Err(Failure::Program { program: "minster".into(), code }),
        }
    }
}

impl Stage {
    /// Builds the programs and makes an empty folder beside them.
    pub(crate) fn build(name: &str) -> Result<Self, Failure> {
        build_programs()?;
        let programs = own_folder()?;
        Self::beside(programs.clone(), &programs, name)
    }

    /// Builds the programs of ingestion as they are shipped, without the job's other half.
    pub(crate) fn build_shipped(name: &str) -> Result<Self, Failure> {
        let packages =
            ["-p", "minster-pseudonymiser", "-p", "minster-vault", "-p", "minster-synth"];
        run("cargo build", cargo().args(["build", "--locked", "--release"]).args(packages))?;
        let debug = own_folder()?;
        let target = debug.parent().unwrap_or(&debug);
        Self::beside(target.join("release"), &debug, name)
    }

    fn beside(programs: PathBuf, own: &Path, name: &str) -> Result<Self, Failure> {
        let folder = own.parent().unwrap_or(own).join(name);
        let io = |source| Failure::Folder { path: folder.clone(), source };
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(io)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(io)?;
        Ok(Self { programs, folder })
    }

    pub(crate) fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    pub(crate) fn run_to_end(&self, name: &str, command: &mut Command) -> Result<(), Failure> {
        run(name, command)
    }

    /// `benches/linkage` over this folder: it reads what was linked, as the linker's role may.
    pub(crate) fn linkage_bench(&self, arguments: &[&str]) -> Command {
        let mut linkage = bench(&["linkage"]);
        linkage.arg("--").args(arguments).arg(&self.folder);
        linkage
    }

    pub(crate) fn make_council(&self, pupils: u64, seed: u64) -> Result<(), Failure> {
        self.make_council_with(pupils, seed, &[])
    }

    /// Makes a council with more of `minster-synth`'s options, and copies the example's configuration beside it.
    pub(crate) fn make_council_with(
        &self,
        pupils: u64,
        seed: u64,
        options: &[&str],
    ) -> Result<(), Failure> {
        let mut synth = self.program("minster-synth");
        synth.args(["--pupils", &pupils.to_string(), "--seed", &seed.to_string(), "--out"]);
        synth.arg(self.folder.join("council")).arg("--truth").arg(self.folder.join("truth"));
        synth.args(options);
        self.run_to_end("minster-synth", &mut synth)?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        copy_folder(&root.join("config"), &self.folder.join("config"))?;
        // The files were made a moment ago, and are whole.
        let path = self.folder.join("config/pipeline.toml");
        let io = |source| Failure::Folder { path: path.clone(), source };
        let whole = fs::read_to_string(&path).map_err(io)?;
        fs::write(&path, whole.replacen("quiet_seconds = 2", "quiet_seconds = 0", 1)).map_err(io)
    }

    pub(crate) fn start_vault(&self) -> Result<Serving, Failure> {
        let (dir, key) = (self.folder.join("vault"), self.folder.join("custody.key"));
        let mut init = self.program("minster-vault");
        init.arg("init").arg("--dir").arg(&dir).arg("--key-file").arg(&key);
        init.arg("--purposes").arg(self.folder.join("config/purposes.toml"));
        self.run_to_end("minster-vault init", &mut init)?;
        let socket = self.folder.join("vault.sock");
        let mut serve = self.program("minster-vault");
        serve.arg("serve").arg("--dir").arg(&dir).arg("--socket").arg(&socket);
        serve.arg("--single-user");
        serve.arg("--checkpoints").arg(self.folder.join("auditor"));
        let child = serve.arg("--key-file").arg(&key).spawn().map_err(Failure::Cargo)?;
        let mut serving = Serving { child };
        let begun = Instant::now();
        while !socket.exists() {
            let ended = serving.child.try_wait().map_err(Failure::Cargo)?;
            if ended.is_some() || begun.elapsed() > Duration::from_secs(30) {
                let code = ended.and_then(|status| status.code());
                return Err(Failure::Program { program: "minster-vault serve".into(), code });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(serving)
    }

    pub(crate) fn run_pipeline(&self, out: Stdio) -> Result<Option<i32>, Failure> {
        let mut minster = self.program("minster");
        minster.arg("run").arg("--config").arg(self.folder.join("config/pipeline.toml"));
        Ok(minster.stdout(out).status().map_err(Failure::Cargo)?.code())
    }

    /// Lets the draft out.
    fn let_out(&self) -> Result<(), Failure> {
        let mut minster = self.program("minster");
        minster.args(["release", "children", "--config"]);
        minster.arg(self.folder.join("config/pipeline.toml"));
        self.run_to_end("minster release", &mut minster)
    }

    /// Why cells of what was let out are withheld, in numbers.
    fn explain(&self) -> Result<(), Failure> {
        say("");
        say("Cells are withheld so often, and for these reasons:");
        let mut minster = self.program("minster");
        minster.args(["explain", "children", "--config"]);
        minster.arg(self.folder.join("config/pipeline.toml"));
        self.run_to_end("minster explain", &mut minster)
    }

    /// One table of the draft as readers would see it, and why cells of each are withheld: the preview of its definition.
    fn preview(&self) -> Result<(), Failure> {
        let mut minster = self.program("minster");
        minster.arg("preview").arg(self.folder.join("config/tables/children.toml"));
        minster.arg("--config").arg(self.folder.join("config/pipeline.toml"));
        let output = minster.stderr(Stdio::inherit()).output().map_err(Failure::Cargo)?;
        if !output.status.success() {
            let code = output.status.code();
            return Err(Failure::Program { program: "minster preview".into(), code });
        }
        say("");
        say(
            "The draft as readers would see it ([c] is withheld), shortened, and why cells are withheld:",
        );
        let text = String::from_utf8_lossy(&output.stdout);
        shortened(&text).iter().for_each(|line| say(&format!("  {line}")));
        Ok(())
    }

    /// Where the tables are, and what to type next.
    fn say_what_next(&self, demo: &Demo) {
        let [vault, minster] =
            ["minster-vault", "minster"].map(|name| self.programs.join(name).display().to_string());
        let folder = self.folder.display();
        say("");
        match demo.let_out {
            true => {
                say(&format!("The tables are in {folder}/store/releases/children/2024-25/current."))
            }
            false => say(&format!(
                "Nothing is public yet. The draft is {folder}/store/drafts/2024-25/children.json, and a person lets it out."
            )),
        }
        say("");
        if !demo.stay {
            say("To go on, start the vault again (or begin with `cargo demo --stay`):");
            say(&format!(
                "  {vault} serve --single-user --dir {folder}/vault --key-file {folder}/custody.key \\"
            ));
            say(&format!("    --socket {folder}/vault.sock --checkpoints {folder}/auditor &"));
        }
        say("Then, for example:");
        let config = format!("--config {folder}/config/pipeline.toml");
        let release = match demo.let_out {
            true => ("explain children", "why each cell is withheld"),
            false => {
                ("release children", "lets the draft out (`cargo demo --let-out` does it too)")
            }
        };
        for (command, meaning) in [
            release,
            ("report linkage", "how well the children were linked"),
            ("report quality", "what the services can mend in their data"),
            ("runs list", "what was run, and how it ended"),
        ] {
            say(&format!("  # {meaning}\n  {minster} {command} {config}"));
        }
    }

    /// The first lines of what was released.
    fn show(&self) -> Result<(), Failure> {
        let path =
            self.folder.join("store/releases/children/2024-25/current/looked_after_by_ward.csv");
        let text = fs::read_to_string(&path)
            .map_err(|source| Failure::Folder { path: path.clone(), source })?;
        say("looked_after_by_ward.csv begins:");
        text.lines().take(8).for_each(|line| say(&format!("  {line}")));
        Ok(())
    }
}

/// A preview's tables by their size and the reasons for what they withhold; of one, its first rows too.
fn shortened(preview: &str) -> Vec<&str> {
    let tables = preview.split("\n\n").filter(|part| part.contains("\n  withheld of "));
    let mut lines = Vec::new();
    for table in tables {
        let rows = if table.starts_with("looked_after_by_ward:") { 9 } else { 1 };
        let reason = |line: &&str| line.starts_with("  withheld of ");
        lines.extend(table.lines().take_while(|line| !reason(line)).take(rows));
        lines.extend(table.lines().filter(reason));
    }
    lines
}

/// The vault's process; asked to stop when dropped.
pub(crate) struct Serving {
    child: Child,
}

impl Serving {
    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Leaves it running after this program.
    fn leave(self) {
        say(&format!("the vault goes on as process {0}; `kill {0}` stops it", self.child.id()));
        std::mem::forget(self);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Builds the program that makes councils up, and says where it is.
pub(crate) fn build_synth() -> Result<PathBuf, Failure> {
    let mut build = cargo();
    run("cargo build", build.args(["build", "--locked", "--workspace", "--bin", "minster-synth"]))?;
    Ok(own_folder()?.join("minster-synth"))
}

pub(crate) fn own_folder() -> Result<PathBuf, Failure> {
    let me = std::env::current_exe().map_err(Failure::Cargo)?;
    Ok(me.parent().unwrap_or(Path::new(".")).to_owned())
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    let io = |source| Failure::Folder { path: to.to_owned(), source };
    fs::create_dir_all(to).map_err(io)?;
    for entry in fs::read_dir(from).map_err(io)? {
        let entry = entry.map_err(io)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map_err(io)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_shortened_preview_has_each_table_s_reasons_and_the_rows_of_one() {
        let preview = "preview children of 2024-25: nothing of it is public\n\nsen_by_ward: 2 cells, 1 withheld\n  ward  sen\n  \
                       A  [c]\n  withheld of children: 1 small\n  headline numbers: none is withheld\n\nlooked_after_by_ward: 1 \
                       cells, 0 withheld\n  All  7\n  withheld of children: nothing\n\nNo release of it stands.\n";
        assert_eq!(
            shortened(preview),
            [
                "sen_by_ward: 2 cells, 1 withheld",
                "  withheld of children: 1 small",
                "looked_after_by_ward: 1 cells, 0 withheld",
                "  All  7",
                "  withheld of children: nothing",
            ]
        );
    }
}
