//! Commands that work in the vault's folder.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use minster_vault::{
    VaultFault,
    approvals::{CustodianKey, NEEDED, SigningKey},
    disk::Disk,
    folder::{self, Plan},
    harden,
    log::{self, Event},
    purposes::PurposeDefinition,
    server::Server,
    vault::Vault,
};

use crate::{
    Failure,
    arguments::{Init, Opening, Rekey, Serve, Verify},
};

pub(crate) fn init(arguments: Init) -> Result<(), Failure> {
    harden::process();
    let Init { dir, purposes, custodians, custody } = arguments;
    let purposes = match &purposes {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| VaultFault::Io {
                what: "read",
                path: path.clone(),
                source,
            })?;
            PurposeDefinition::parse_all(&text, path)?
        }
        None => Vec::new(),
    };
    let (named, able) = (purposes.len(), custodians.len() >= NEEDED);
    let plan = Plan { custody: &custody.into(), purposes, custodians };
    let store_id = folder::init(&dir, &plan, &Disk::new())?;
    let mut err = io::stderr().lock();
    writeln!(
        err,
        "vault {store_id} made in {} with {named} purposes; every role is this user's: give each \
         program a uid of its own in vault.toml before service",
        dir.display()
    )?;
    if !able {
        writeln!(
            err,
            "note: without two custodians nothing can be approved: no new purpose, no re-identification, \
             no larger first load"
        )?;
    }
    Ok(())
}

pub(crate) fn serve(arguments: Serve) -> Result<(), Failure> {
    let Serve { dir, socket, checkpoints, opening } = arguments;
    let process = harden::process();
    let opened = folder::open_folder(&dir, &opening.into(), Disk::new())?;
    let vault = Vault::new(opened, checkpoints.as_deref())?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Failure::Signals)?;
    }
    let server = Server::bind(vault, &socket)?;
    let sandbox = harden::sandbox(&dir, &socket, checkpoints.as_deref());
    let hardening = format!("{process}; {sandbox}");
    server.vault().record(None, Event::Started { hardening }).map_err(|_| Failure::Log)?;
    writeln!(io::stderr(), "the vault answers on {}", socket.display())?;
    server.serve(&stop)?;
    Ok(())
}

pub(crate) fn rekey(arguments: Rekey) -> Result<(), Failure> {
    harden::process();
    let (dir, secret, wanted) = arguments.wanted();
    let name = folder::rekey(&dir, &secret, &wanted, Disk::new())?;
    writeln!(
        io::stderr(),
        "the vault is now opened by: {name}. Copies of the old store.json still open by the old way: \
         destroy them"
    )?;
    Ok(())
}

pub(crate) fn appoint(
    dir: &Path,
    custodians: Vec<CustodianKey>,
    opening: Opening,
) -> Result<(), Failure> {
    harden::process();
    Ok(folder::appoint(dir, &opening.into(), custodians, Disk::new())?)
}

pub(crate) fn verify(arguments: Verify) -> Result<(), Failure> {
    let Verify { dir, log, checkpoints, json } = arguments;
    let path = log.or_else(|| dir.map(|dir| dir.join(log::FILE)));
    let path = path.ok_or_else(|| VaultFault::Usage("name the log".into()))?;
    let verified = log::verify(&path, checkpoints.as_deref())?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::json!({ "format": 1, "log": verified }))?;
        return Ok(());
    }
    writeln!(out, "{} entries, chain whole, last {}", verified.entries, verified.head)?;
    writeln!(out, "{} custodians' approvals, every signature right", verified.approvals)?;
    match checkpoints {
        Some(_) => writeln!(
            out,
            "{} checkpoints agree, the last covers entry {}: what stands after it could have been cut",
            verified.checkpoints, verified.covered
        )?,
        None => writeln!(
            out,
            "no checkpoints were named: whether its end was cut, or all of it written anew, cannot be told"
        )?,
    }
    Ok(())
}

pub(crate) fn new_custodian(out: &Path) -> Result<(), Failure> {
    let public = SigningKey::create(out)?;
    writeln!(
        io::stderr(),
        "{} is yours alone: keep it off the vault's machine. {} goes to whoever makes the vault",
        out.display(),
        public.display()
    )?;
    Ok(())
}
