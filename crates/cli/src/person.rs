//! The person who runs the program, as the system knows them.

use jiff::Timestamp;
use minster_aggregator::Person;

/// The user who runs the program, now. The environment is not asked about them: anyone can set it.
pub(crate) fn caller() -> Person {
    let uid = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = users.lines().find_map(|line| name(line, uid)).map(str::to_owned);
    let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Person { uid, user, at }
}

/// The name of a line of `passwd` that is this user's.
fn name(line: &str, uid: u32) -> Option<&str> {
    let mut fields = line.split(':');
    let (name, of) = (fields.next()?, fields.nth(1)?);
    (of.parse() == Ok(uid)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_that_the_system_gives() {
        assert_eq!(name("ann:x:1000:1000:Ann:/home/ann:/bin/sh", 1000), Some("ann"));
        assert_eq!(name("ann:x:1000:1000:Ann:/home/ann:/bin/sh", 100), None);
        assert_eq!(name("", 0), None);
    }
}
