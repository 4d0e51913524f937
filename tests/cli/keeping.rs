//! Retention, new keys, and a vault that stands still or is opened by its custodians, as they are told.

use std::fs;

use crate::telling::Telling;

/// The retention schedule, with a shorter period: nobody of the council is twenty-five.
pub(crate) fn retain(of: &mut Telling) {
    let schedule = fs::read_to_string(of.site.path("config/retention.toml")).unwrap();
    let short = schedule.replace("years = 25 }", "years = 12 }");
    let short = short.replace("end = \"destroyed\"", "end = \"made-inaccessible\"");
    fs::write(of.site.path("short.toml"), short).unwrap();
    of.approved("hold --kind upn --identifier-file number");
    of.done("minster-vault enact --proposal proposal");
    let moratorium = "--schedule short.toml --ordered-by HOME-OFFICE/INQUIRY";
    of.approved(&format!("moratorium --category adoption {moratorium}"));
    of.tells("moratorium", "minster-vault enact --proposal proposal");
    let request = "minster-vault request --reference R/1 --reason test --expires SOON";
    let of_none = format!("{request} moratorium --category adoptions {moratorium}");
    of.tells("moratorium-on-no-category", &of_none);
    let what = "--purpose children-statistics --schedule short.toml --until";
    let plan = format!("minster-vault retention plan {what} 2026-11-01");
    of.tells("retention-plan", &plan);
    of.json("minster-vault-retention-plan", &plan);
    let request = "minster-vault request --reference R/1 --reason test --expires SOON dispose";
    of.tells("dispose-of-nothing", &format!("{request} {what} 2000-01-01"));
    of.tells("dispose-before-the-day", &format!("{request} {what} 2999-01-01"));
    of.approved(&format!("dispose {what} 2026-11-01"));
    let apply = "minster-vault retention apply --proposal proposal --out disposal.list";
    of.json("minster-vault-retention-apply", apply);
    of.tells("retention-apply-again", apply);
    fs::write(of.site.path("forged.list"), "nothing\n").unwrap();
    of.tells("dispose-by-a-forged-list", "minster dispose forged.list --receipt receipt.note");
    let dispose = "minster dispose disposal.list --receipt";
    of.json("minster-dispose", &format!("{dispose} receipt.note"));
    of.tells("dispose-twice", &format!("{dispose} second.note"));
    open_an_archive(of);
}

/// Opens records that were made inaccessible, for a reader whom two custodians name.
fn open_an_archive(of: &mut Telling) {
    let listed = of.json("minster-vault-archive-list", "minster-vault archive list");
    let archive = listed["archives"][0]["archive"].as_str().unwrap().to_owned();
    let reader = of.done("minster-vault custodian identity --clear-key --out reader.identity");
    let open = format!("open-archive --archive {archive} --recipient {}", reader.trim());
    of.approved(&open);
    let file = format!("store/archive/children-statistics/{archive}.age");
    let open = format!("minster-vault archive open --proposal proposal --file {file} --out");
    of.json("minster-vault-archive-open", &format!("{open} opened.age"));
    of.tells("archive-open-twice", &format!("{open} again.age"));
}

pub(crate) fn renew(of: &mut Telling) {
    let purpose = "--purpose children-statistics";
    for name in ["rotate", "rotate-again"] {
        of.approved(&format!("rotate {purpose}"));
        of.tells(name, "minster-vault enact --proposal proposal");
    }
    let request = "minster-vault request --reference R/1 --reason test --expires SOON retire";
    let retire = format!("{request} {purpose}");
    of.tells("retire-while-datasets-stand", &format!("{retire} --version 1"));
    of.tells("rekey", "minster rekey");
    of.json("minster-rekey", "minster rekey");
    of.approved(&format!("retire {purpose} --version 1"));
    of.tells("retire", "minster-vault enact --proposal proposal");
    of.tells("retire-twice", &format!("{retire} --version 1"));
    of.tells("retire-of-the-present-one", &format!("{retire} --version 3"));
}

/// The vault stands still.
pub(crate) fn stop(of: &mut Telling) {
    of.site.stop_vault();
    let rekey = |from: &str, to: &str| {
        format!("minster-vault rekey --dir vault --key-file {from} --new-key-file {to}")
    };
    of.tells("vault-rekey", &rekey("custody.key", "new.key"));
    of.json("minster-vault-rekey", &rekey("new.key", "newer.key"));
    of.tells("vault-rekey-with-the-old-key", &rekey("custody.key", "newest.key"));
    let restore =
        "minster-vault restore --dir older --checkpoints checkpoints --key-file custody.key";
    let case = "--reference INC/9 --reason lost --expires SOON";
    of.tells("restore-after-another-entry", &format!("{restore} --accept-loss-after 3 {case}"));
    let text = of.json("minster-vault-restore", &format!("{restore} --accept-loss-after 0 {case}"));
    fs::write(of.site.path("loss"), text["text"].as_str().unwrap()).unwrap();
    let sign = |name: &str| {
        let who = format!("--name {name} --key {name} --clear-key --out {name}.sig");
        format!("minster-vault custodian sign --text loss --yes {who}")
    };
    of.json("minster-vault-custodian-sign", &sign("ann"));
    of.done(&sign("ben"));
    let restore = format!("{restore} --text loss --signature ann.sig");
    of.tells("restore-by-one", &restore);
    of.tells("restore", &format!("{restore} --signature ben.sig"));
    of.tells("vault-dir-of-no-vault", "minster-vault log verify --dir council");
    unlock(of);
}

/// A vault that starts locked.
fn unlock(of: &mut Telling) {
    let recipient = of.done("minster-vault custodian identity --clear-key --out three.identity");
    of.tells(
        "vault-init-without-a-threshold",
        &format!("minster-vault init --dir trio --recipient {}", recipient.trim()),
    );
    let another = of.done("minster-vault custodian identity --clear-key --out four.identity");
    of.done("minster-vault custodian identity --clear-key --out five.identity");
    let both = format!("--recipient {} --recipient {}", recipient.trim(), another.trim());
    of.done(&format!("minster-vault init --dir trio --threshold 2 {both}"));
    of.site.serve_with("trio", &["--await-custodians"]);
    of.tells("vault-status-of-a-locked-vault", "minster-vault status");
    of.tells("log-show-of-a-locked-vault", "minster-vault log show");
    let unlock = "minster-vault unlock --clear-key --identity";
    of.tells("unlock-wrong", &format!("{unlock} five.identity"));
    of.json("minster-vault-unlock", &format!("{unlock} three.identity"));
    of.tells("unlock", &format!("{unlock} four.identity"));
}
