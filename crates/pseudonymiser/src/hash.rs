//! Hashes of files.

use std::{fs::File, io::Read, path::Path};

use ring::digest;

/// The SHA-256 of a file.
pub(crate) fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(base16ct::lower::encode_string(context.finish().as_ref())),
            count => context.update(&buffer[..count]),
        }
    }
}
