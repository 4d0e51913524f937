//! A child's bundle, and the end of a purpose, as they are told.

use std::fs;

use crate::telling::Telling;

/// Two custodians grant a parent all that is held on a child.
pub(crate) fn give_access(of: &mut Telling) {
    let own = of.done("minster-vault custodian identity --clear-key --out own.identity");
    let child = "access --kind upn --identifier-file number --schedule config/retention.toml";
    of.approved(&format!("{child} --recipient {}", own.trim()));
    let access = "minster access --grant proposal --out";
    of.json("minster-access", &format!("{access} bundle.age"));
    of.tells("access-over-a-file", &format!("{access} bundle.age"));
    of.tells("access-twice", &format!("{access} second.age"));
}

/// A purpose that nothing was taken in for ends before its last day.
pub(crate) fn end_a_purpose(of: &mut Telling) {
    let purpose = "--purpose service-planning";
    let request = "minster-vault request --reference R/1 --reason test --expires SOON end-purpose";
    of.tells("end-purpose-before-its-last-day", &format!("{request} {purpose}"));
    of.approved(&format!("end-purpose {purpose} --early"));
    of.tells("end-purpose-begun", "minster-vault enact --proposal proposal");
    let finish = format!("minster-vault end-purpose finish {purpose} --out");
    of.tells("end-purpose-finished-before-the-store", &format!("{finish} early.note"));
    let pipeline = fs::read_to_string(of.site.path("config/pipeline.toml")).unwrap();
    let other = pipeline.replacen("\"children-statistics\"", "\"service-planning\"", 1);
    assert_ne!(other, pipeline);
    fs::write(of.site.path("config/planning.toml"), other).unwrap();
    of.json("minster-end-purpose", "minster end-purpose --config config/planning.toml");
    of.tells("end-purpose-of-none", "minster end-purpose");
    of.json("minster-vault-end-purpose-finish", &format!("{finish} certificate.note"));
    let again = format!("minster-vault end-purpose certificate {purpose} --out again.note");
    of.json("minster-vault-end-purpose-certificate", &again);
    let one = |name: &str| fs::read(of.site.path(name)).unwrap();
    assert_eq!(one("certificate.note"), one("again.note"));
    let status: serde_json::Value =
        serde_json::from_str(&of.done("minster-vault status --json")).unwrap();
    let verify = "minster-vault end-purpose verify --certificate certificate.note --verifier";
    let verifier = status["status"]["verifier"].as_str().unwrap();
    of.json("minster-vault-end-purpose-verify", &format!("{verify} {verifier}"));
    of.tells("end-purpose-named-anew", &format!("{request} {purpose}"));
}
