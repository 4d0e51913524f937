//! The calls that a process can still make once it is shut in. Each test starts itself once more, in a process of its own.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![allow(clippy::print_stdout, reason = "the inner process tells the outer one")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::Command,
};

use minster_sandbox::{Access, allow_calls, allow_files, no_dumps};

const INNER: &str = "MINSTER_SANDBOX_INNER";

/// The inner process's account, one word a line; none where this is the inner process and it told.
fn told(test: &str, inner: fn(&Path)) -> Option<Vec<String>> {
    if let Some(folder) = std::env::var_os(INNER) {
        inner(Path::new(&folder));
        return None;
    }
    let folder =
        std::env::temp_dir().join(format!("minster-sandbox-{test}-{}", std::process::id()));
    fs::create_dir_all(folder.join("own")).unwrap();
    fs::create_dir_all(folder.join("read")).unwrap();
    fs::write(folder.join("read/delivery"), "rows").unwrap();
    fs::write(folder.join("secret"), "not for it").unwrap();
    for service in ["vault", "service"] {
        let listener = UnixListener::bind(folder.join(service)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let asked = stream.read_exact(&mut [0; 5]);
                    asked.and_then(|()| stream.write_all(b"answered"))
                });
            }
        });
    }
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(INNER, &folder)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    Some(said.lines().map(str::to_owned).collect())
}

fn say(what: &str, done: bool) {
    println!("{what}: {}", if done { "done" } else { "refused" });
}

/// Tries all that a program does, and all that an intruder would.
fn tries(folder: &Path) {
    let listening = TcpListener::bind("127.0.0.1:0");
    let address = listening.as_ref().ok().and_then(|of| of.local_addr().ok());
    // As the vault and another service would; whoever listens is a process of its own.
    let vault = UnixStream::connect(folder.join("vault")).unwrap();
    UnixStream::connect(folder.join("service")).unwrap();
    println!("{}", no_dumps());
    let [own, read] = ["own", "read"].map(|name| folder.join(name));
    // Paths that are not there open nothing above them.
    let nowhere = [Path::new("/nowhere"), &folder.join("none/of/these")];
    let files = allow_files(&[
        (&own, Access::Write),
        (&read, Access::Read),
        (nowhere[0], Access::Write),
        (nowhere[1], Access::Read),
        (nowhere[1], Access::Write),
    ]);
    println!("files: {files}\ncalls: {}", allow_calls());
    say("write its own", fs::write(own.join("dataset"), "rows").is_ok());
    say("rename its own", fs::rename(own.join("dataset"), own.join("whole")).is_ok());
    say("remove its own", fs::remove_file(own.join("whole")).is_ok());
    say("read a delivery", fs::read(read.join("delivery")).is_ok());
    say("write a delivery", fs::write(read.join("delivery"), "changed").is_ok());
    say("read elsewhere", fs::read(folder.join("secret")).is_ok());
    say("thread", std::thread::spawn(|| 1).join().is_ok());
    let asked = (&vault).write_all(b"asked").and_then(|()| (&vault).read_exact(&mut [0; 8]));
    say("ask by the socket that it has", asked.is_ok());
    // Another service of this machine, such as a container runtime's, that lets every user connect.
    say("connect to a local socket", UnixStream::connect(folder.join("service")).is_ok());
    say("connect once more to the same", UnixStream::connect(folder.join("vault")).is_ok());
    say("make a local socket", UnixStream::pair().is_ok());
    say("program", Command::new("/bin/true").status().is_ok());
    let network = address.is_some_and(|address| std::net::TcpStream::connect(address).is_ok());
    say("network", network);
}

#[test]
fn a_process_that_is_shut_in_does_its_work_and_nothing_else() {
    let Some(told) = told("a_process_that_is_shut_in_does_its_work_and_nothing_else", tries) else {
        return;
    };
    // The first line stands behind the name of the test.
    let is =
        |line: &str| assert!(told.iter().any(|told| told.ends_with(line)), "{line}: {told:#?}");
    is("no core dumps: yes; not dumpable: yes");
    is("calls: yes");
    for done in [
        "write its own",
        "rename its own",
        "remove its own",
        "read a delivery",
        "thread",
        "ask by the socket that it has",
    ] {
        is(&format!("{done}: done"));
    }
    is("program: refused");
    is("connect to a local socket: refused");
    is("connect once more to the same: refused");
    is("make a local socket: refused");
    is("network: refused");
    // An older kernel may have no Landlock; this one says so.
    match told.iter().any(|told| told == "files: the kernel has none") {
        true => println!("LEFT OUT: the kernel has no Landlock"),
        false => {
            is("write a delivery: refused");
            is("read elsewhere: refused");
        }
    }
}
