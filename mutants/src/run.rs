//! Runs each mutant against the tests that reach it, the quickest first, until one fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Arguments, Mutant, Outcome, build::Build, output, read};

/// A test that takes so many times as long as without a mutant is ended.
const PATIENCE: u32 = 10;
/// But not before this.
const LEAST: Duration = Duration::from_secs(10);
/// Bytes that a test may ask for, in units of 1,024.
const MEMORY: &str = "6000000";

struct Test<'a> {
    program: &'a Path,
    folder: &'a Path,
    name: String,
    took: Duration,
    /// The mutants that it reaches.
    reaches: BTreeSet<usize>,
}

enum End {
    Passed,
    Failed,
    OutOfTime,
}

/// Prints and writes down what became of each mutant.
pub(crate) fn run(
    arguments: &Arguments,
    out: &Path,
    mutants: &[Mutant],
    build: &Build,
) -> Outcome<()> {
    let path = out.join("results.tsv");
    let before = earlier(&path)?;
    let mut tests = Vec::new();
    for (program, folder) in &build.programs {
        let list = output(
            Command::new(program).args(["--list", "--format", "terse"]).current_dir(folder),
        )?;
        let list = String::from_utf8(list)?;
        for name in list.lines().filter_map(|line| line.strip_suffix(": test")) {
            match baseline(arguments, out, program, folder, name)? {
                Some(test) => tests.push(test),
                None => println!("left out, as it fails without a mutant: {name}"),
            }
        }
    }
    tests.sort_by_key(|test| test.took);
    let whole: Duration = tests.iter().map(|test| test.took).sum();
    println!("{} tests, {:.1} s together", tests.len(), whole.as_secs_f64());
    let mut results = OpenOptions::new().create(true).append(true).open(&path)?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let begun = Instant::now();
    for (number, mutant) in mutants.iter().enumerate().map(|(at, mutant)| (at + 1, mutant)) {
        let earlier = before.get(&mutant.name).map(String::as_str);
        let again = match arguments.survivors {
            true => matches!(earlier, Some("survived" | "unreached")),
            false => earlier.is_none(),
        };
        if !arguments.wants(mutant) || !again {
            continue;
        }
        let at = Instant::now();
        let (what, by) = match build.dropped.contains(&number) {
            true => ("unbuilt", String::new()),
            false => fate(arguments, &tests, number)?,
        };
        *counts.entry(what).or_default() += 1;
        let seconds = at.elapsed().as_secs_f64();
        writeln!(
            results,
            "{what}\t{}\t{by}\t{seconds:.2}",
            mutant.name.replace(['\n', '\t'], " ")
        )?;
    }
    println!("{counts:?} in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// The fate of mutants in earlier runs: the last word on each.
fn earlier(path: &Path) -> Outcome<BTreeMap<String, String>> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = read(path)?;
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let what = fields.next()?.to_owned();
        Some((fields.next()?.to_owned(), what))
    });
    Ok(lines.collect())
}

/// How long a test takes without a mutant, and which it reaches; none if it does not pass.
fn baseline<'a>(
    arguments: &Arguments,
    out: &Path,
    program: &'a Path,
    folder: &'a Path,
    name: &str,
) -> Outcome<Option<Test<'a>>> {
    let reached = out.join("reached");
    let _ = fs::remove_file(&reached);
    let mut test = Test {
        program,
        folder,
        name: name.to_owned(),
        took: Duration::from_secs(3_600),
        reaches: BTreeSet::new(),
    };
    let begun = Instant::now();
    if !matches!(test.run(arguments, "MUTANTS_REACHED", &reached)?, End::Passed) {
        return Ok(None);
    }
    test.took = begun.elapsed();
    for line in fs::read_to_string(&reached).unwrap_or_default().lines() {
        if let Some((first, last)) = line.split_once(' ') {
            test.reaches.extend(first.parse::<usize>()?..=last.parse()?);
        }
    }
    Ok(Some(test))
}

/// The fate of a mutant, and the test that decides it.
fn fate(
    arguments: &Arguments,
    tests: &[Test<'_>],
    number: usize,
) -> Outcome<(&'static str, String)> {
    let mut reaching = tests.iter().filter(|test| test.reaches.contains(&number)).peekable();
    if reaching.peek().is_none() {
        return Ok(("unreached", String::new()));
    }
    for test in reaching {
        match test.run(arguments, "MUTANT", Path::new(&number.to_string()))? {
            End::Passed => {}
            End::Failed => return Ok(("caught", test.name.clone())),
            End::OutOfTime => return Ok(("out of time", test.name.clone())),
        }
    }
    Ok(("survived", String::new()))
}

impl Test<'_> {
    fn run(&self, arguments: &Arguments, variable: &str, value: &Path) -> Outcome<End> {
        let limit = LEAST.max(self.took * PATIENCE);
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -v $0; exec \"$@\"", MEMORY])
            .arg(self.program)
            .args(["--exact", &self.name, "--test-threads", "1"])
            .current_dir(self.folder)
            .env(variable, value)
            .env("MINSTER_CASES_PERCENT", arguments.percent.to_string())
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let begun = Instant::now();
        let mut nap = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { End::Passed } else { End::Failed });
            }
            if begun.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Ok(End::OutOfTime);
            }
            std::thread::sleep(nap);
            nap = (nap * 2).min(Duration::from_millis(50));
        }
    }
}
