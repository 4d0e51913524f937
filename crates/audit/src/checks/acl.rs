//! Access control lists, as the kernel keeps them beside a file's mode (`posix_acl(5)`).

use std::{io, path::Path};

/// Longer lists are looked at no further: a file system keeps some hundred entries.
const LONGEST: usize = 64 << 10;
const VERSION: u32 = 2;
const USER: u16 = 2;
const GROUP: u16 = 8;

/// A user or group that a list names beside owner and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    User(u32),
    Group(u32),
}

/// An entry for a user or a group that the mode does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) who: Who,
    /// Read 4, write 2, search or run 1.
    pub(super) rights: u16,
    /// Whether it is for what will be made in the folder.
    pub(super) of_new: bool,
}

/// The entries of both lists of a file that name someone.
pub(super) fn named(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (name, of_new) in [("system.posix_acl_access", false), ("system.posix_acl_default", true)] {
        let mut list = vec![0; LONGEST];
        match rustix::fs::lgetxattr(path, name, &mut list) {
            Ok(length) => entries.extend(parse(&list[..length], of_new)?),
            // No list, or a file system that has none.
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(entries)
}

fn parse(list: &[u8], of_new: bool) -> io::Result<Vec<Entry>> {
    let odd = || io::Error::from(io::ErrorKind::InvalidData);
    let (version, rest) = list.split_first_chunk::<4>().ok_or_else(odd)?;
    let (entries, []) = rest.as_chunks::<8>() else { return Err(odd()) };
    if u32::from_le_bytes(*version) != VERSION {
        return Err(odd());
    }
    let entry = |[t0, t1, r0, r1, i0, i1, i2, i3]: &[u8; 8]| {
        let (tag, rights) = (u16::from_le_bytes([*t0, *t1]), u16::from_le_bytes([*r0, *r1]));
        let id = u32::from_le_bytes([*i0, *i1, *i2, *i3]);
        let who = match tag {
            USER => Who::User(id),
            GROUP => Who::Group(id),
            _ => return None,
        };
        Some(Entry { who, rights, of_new })
    };
    Ok(entries.iter().filter_map(entry).collect())
}

impl Entry {
    /// For people.
    pub(super) fn told(&self) -> String {
        let right = |bit: u16, letter: char| if self.rights & bit == 0 { '-' } else { letter };
        let rights: String = [right(4, 'r'), right(2, 'w'), right(1, 'x')].iter().collect();
        let of_new = if self.of_new { ", for what is made in it" } else { "" };
        match self.who {
            Who::User(uid) => format!("uid {uid} has {rights} by its access control list{of_new}"),
            Who::Group(gid) => {
                format!("group {gid} has {rights} by its access control list{of_new}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_users_and_groups_are_read_and_owners_are_not() {
        let mut list = VERSION.to_le_bytes().to_vec();
        for (tag, rights, id) in
            [(1u16, 6u16, u32::MAX), (USER, 4, 7), (4, 0, u32::MAX), (GROUP, 7, 9)]
        {
            list.extend(tag.to_le_bytes());
            list.extend(rights.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        let found = parse(&list, false).unwrap();
        let user = Entry { who: Who::User(7), rights: 4, of_new: false };
        let group = Entry { who: Who::Group(9), rights: 7, of_new: false };
        assert_eq!(found, [user, group]);
        assert_eq!(user.told(), "uid 7 has r-- by its access control list");
        for broken in [&list[..3], &list[..list.len() - 1], b"\x01\0\0\0"] {
            assert!(parse(broken, false).is_err());
        }
    }
}
