//! Runs commands and compares their words, and the fields of their JSON, with the kept ones.

use std::{collections::BTreeSet, fs, path::PathBuf};

use minster_tests::{Site, root, snapshot_texts, text};
use serde_json::Value;

/// A council, its vault, and the texts that were compared.
pub(crate) struct Telling {
    pub(crate) site: Site,
    pub(crate) told: BTreeSet<String>,
    pub(crate) json: BTreeSet<String>,
}

pub(crate) fn folder(name: &str) -> PathBuf {
    root().join("tests/cli").join(name)
}

impl Telling {
    /// Runs a command and compares what it prints, and how it ends.
    pub(crate) fn tells(&mut self, name: &str, line: &str) -> String {
        let output = self.run(line);
        let [out, err] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
        let exit = output.status.code().unwrap();
        let whole = format!("$ {line}\n{out}--- standard error\n{err}--- exit {exit}\n");
        self.keep(name, &whole);
        text(&output)
    }

    pub(crate) fn keep(&mut self, name: &str, whole: &str) {
        let name = format!("{name}.txt");
        let text = snapshot_texts::without_passing(whole, self.site.folder());
        snapshot_texts::compare(&folder("told").join(&name), &text);
        assert!(self.told.insert(name), "two texts have one name");
    }

    /// Runs a command with `--json`, and compares the names and types of the fields of the object that it prints.
    pub(crate) fn json(&mut self, name: &str, line: &str) -> Value {
        let line = match line.contains("--json") {
            true => line.to_owned(),
            false => format!("{line} --json"),
        };
        let output = self.run(&line);
        let object: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}: {}", text(&output)));
        let version = object["format"].as_u64();
        assert!(version.is_some_and(|version| version > 0), "{line} tells no format");
        let mut fields = BTreeSet::new();
        list_fields(&object, String::new(), &mut fields);
        let listed: String = fields.into_iter().map(|field| field + "\n").collect();
        let name = format!("{name}.txt");
        snapshot_texts::compare(&folder("json").join(&name), &listed);
        self.json.insert(name);
        object
    }

    pub(crate) fn run(&self, line: &str) -> std::process::Output {
        // A text in quotation marks is one word.
        let parts = line.split('"').enumerate();
        let mut words = parts.flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        });
        let program = words.next().unwrap();
        let arguments: Vec<&str> = words.collect();
        self.site.command(program, &arguments).env("MINSTER_SOCKET", "vault.sock").output().unwrap()
    }

    pub(crate) fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Has two custodians approve a request.
    pub(crate) fn approved(&self, what: &str) {
        let request =
            format!("minster-vault request --reference R/1 --reason test --expires SOON {what}");
        fs::write(self.site.path("proposal"), self.done(&request)).unwrap();
        for name in ["ann", "ben"] {
            let is_about_one =
                ["subject", "hold", "decide", "access"].iter().any(|of| what.starts_with(of));
            let number = if is_about_one { "--identifier-file number" } else { "" };
            self.done(&format!(
                "minster-vault approve --proposal proposal --name {name} --key {name} --clear-key --yes {number}"
            ));
        }
    }
}

/// Each field with its type. Elements of a list have their fields in common.
fn list_fields(value: &Value, path: String, fields: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Object(object) => {
            for (name, value) in object {
                list_fields(value, format!("{path}.{name}"), fields);
            }
            return;
        }
        Value::Array(list) if !list.is_empty() => {
            for value in list {
                list_fields(value, format!("{path}[]"), fields);
            }
            return;
        }
        Value::Array(_) => "empty list",
        Value::Null => "null",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "number",
        Value::String(_) => "text",
    };
    fields.insert(format!("{path} {kind}"));
}

#[test]
fn a_slow_machine_tells_the_same() {
    let line = |seconds: &str| {
        let run = "20261129t013821371-5b64    minster-release 2026-11-29T01:38:21Z";
        let line = format!("{run}{seconds}    0           0\n");
        snapshot_texts::without_passing(&line, std::path::Path::new("/nowhere"))
    };
    assert_eq!(line("      0.0"), line("     12.3"));
    assert!(line("      0.0").ends_with("[TIME][SECONDS]    0           0\n"));
}
