//! Commands that work in the vault's folder.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use minster_model::counted;
use minster_vault::{
    VaultFault,
    approvals::{CustodianKey, NEEDED, SigningKey},
    disk::Disk,
    folder::{self, Closed, Plan},
    harden,
    locked::Locked,
    log, purposes,
    server::Server,
    vault::Vault,
};

use crate::{
    Failure,
    approve::KeyOpening,
    arguments::{Init, Json, Serve, Verify},
    custody::{Opening, Rekey},
    print, tell,
};

pub(crate) fn init(arguments: Init) -> Result<(), Failure> {
    harden::process();
    let Init { dir, purposes, custodians, custody, form } = arguments;
    let purposes = match &purposes {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| VaultFault::Io {
                what: "read",
                path: path.clone(),
                source,
            })?;
            purposes::parse_all(&text, path)?
        }
        None => Vec::new(),
    };
    let (named, able) = (purposes.len(), custodians.len() >= NEEDED);
    let plan = Plan { custody: &custody.into(), purposes, custodians };
    let store_id = folder::init(&dir, &plan, &Disk::new())?;
    let folder = dir.display();
    let mut words = format!(
        "vault {store_id} made in {folder} with {}; every role is this user's: give each program a uid of \
         its own in vault.toml before the vault first serves (until then, `serve` needs --single-user)",
        counted(named, "purpose", "purposes")
    );
    if !able {
        words += "\nnote: without two custodians nothing can be approved: no new purpose, no re-identification, no larger \
                  first load";
    }
    let object = serde_json::json!({
        "format": 1, "vault": store_id, "folder": dir, "purposes": named, "can_approve": able,
    });
    tell(&form, &object, &words)
}

pub(crate) fn serve(arguments: Serve) -> Result<(), Failure> {
    let Serve { dir, socket, checkpoints, await_custodians, single_user, opening } = arguments;
    let (socket, checkpoints) = (socket.path, checkpoints.as_deref());
    let process = harden::process();
    let stop = Arc::new(AtomicBool::new(false));
    let server = if await_custodians {
        // A person who stops the unit while it waits must be heard.
        stop_on_signals(&stop)?;
        let closed = Closed::at(&dir)?;
        let locked = Locked::bind(closed, &socket, single_user)?;
        let _ = writeln!(
            io::stderr(),
            "the vault is locked, and waits for its custodians on {}",
            socket.display()
        );
        let Some(unlocked) = locked.wait(&stop)? else { return Ok(()) };
        Server::unlocked(unlocked, checkpoints, Disk::new())?
    } else {
        let closed = Closed::at(&dir)?;
        // Before a secret is read; and again of the log, once it is verified.
        closed.roles(single_user)?;
        let unsealed = closed.unseal(&opening.into())?;
        let opened = closed.open(unsealed, Disk::new())?;
        let vault = Vault::new(opened, checkpoints, single_user)?;
        stop_on_signals(&stop)?;
        Server::bind(vault, &socket)?
    };
    if server.vault().ignores_roles_file().map_err(|_| Failure::Log)? {
        let _ = writeln!(
            io::stderr(),
            "note: {} names other roles than when the log took them over; what was changed there counts for nothing. Two custodians \
             approve `minster-vault request … grant` and `revoke`; `minster-vault status` shows who holds which role",
            dir.join("vault.toml").display()
        );
    }
    let sandbox = harden::sandbox(&dir, &socket, checkpoints);
    let hardening = format!("{process}; {sandbox}");
    server.vault().started(hardening, single_user).map_err(|_| Failure::Log)?;
    let _ = writeln!(io::stderr(), "the vault answers on {}", socket.display());
    server.serve(&stop)?;
    Ok(())
}

fn stop_on_signals(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(stop)).map_err(Failure::Signals)?;
    }
    Ok(())
}

pub(crate) fn rekey(arguments: Rekey) -> Result<(), Failure> {
    harden::process();
    let form = Json { json: arguments.form.json };
    let (dir, secret, wanted) = arguments.wanted();
    let name = folder::rekey(&dir, &secret, &wanted, Disk::new())?;
    let words = format!(
        "the vault is now opened by: {name}. Copies of the old store.json still open by the old way: destroy them"
    );
    tell(&form, &serde_json::json!({ "format": 1, "custody": name }), &words)
}

pub(crate) fn appoint(
    dir: &Path,
    custodians: Vec<CustodianKey>,
    opening: Opening,
    form: &Json,
) -> Result<(), Failure> {
    harden::process();
    let names: Vec<String> = custodians.iter().map(|one| one.name.clone()).collect();
    folder::appoint(dir, &opening.into(), custodians, Disk::new())?;
    let words = format!("the vault's custodians are {}", names.join(", "));
    tell(form, &serde_json::json!({ "format": 1, "custodians": names }), &words)
}

pub(crate) fn verify(arguments: Verify) -> Result<(), Failure> {
    let Verify { dir, log, checkpoints, form } = arguments;
    let path = log.or_else(|| dir.map(|dir| dir.join(log::FILE)));
    let path = path.ok_or_else(|| VaultFault::Usage("name the log".into()))?;
    let verified = log::verify(&path, checkpoints.as_deref())?;
    if form.json {
        return print(&format!("{}\n", serde_json::json!({ "format": 1, "log": verified })));
    }
    let mut text = format!(
        "{}, chain whole, last {}\n",
        counted(verified.entries, "entry", "entries"),
        verified.head
    );
    let _ = writeln!(text, "{} custodians' approvals, every signature right", verified.approvals);
    if verified.restorations > 0 {
        let _ = writeln!(
            text,
            "{} times two custodians accepted a loss or a clock behind the log; {} checkpoints are lost with it",
            verified.restorations, verified.lost
        );
    }
    let _ = match checkpoints {
        Some(_) => writeln!(
            text,
            "{} checkpoints agree, the last covers entry {}: entries after it could have been cut",
            verified.checkpoints, verified.covered
        ),
        None => writeln!(
            text,
            "no checkpoints were named: nobody can tell whether its end was cut, or all of it written anew"
        ),
    };
    print(&text)
}

pub(crate) fn new_custodian(out: &Path, key: &KeyOpening, form: &Json) -> Result<(), Failure> {
    let public = SigningKey::create(out, &key.form())?;
    key.warn(&out.display().to_string());
    let words = format!(
        "{} is yours alone: keep it off the vault's machine. {} goes to the person who makes the vault",
        out.display(),
        public.display()
    );
    tell(form, &serde_json::json!({ "format": 1, "key": out, "public_key": public }), &words)
}

pub(crate) fn seal_custodian(
    key: &Path,
    out: &Path,
    phrase: Option<&Path>,
    form: &Json,
) -> Result<(), Failure> {
    SigningKey::seal(key, out, phrase)?;
    let words = format!(
        "{} is the same key under a passphrase: destroy {} and all copies of it",
        out.display(),
        key.display()
    );
    tell(form, &serde_json::json!({ "format": 1, "key": out }), &words)
}
