//! Frames: a little-endian `u32` length, then a postcard message.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// The longest frame's message, in bytes.
pub const MAX_FRAME: usize = 8 << 20;

/// Why a frame cannot be sent or understood.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side closed the socket.
    #[error("the other side closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// Longer than [`MAX_FRAME`].
    #[error("a message of {0} bytes is over the limit of {MAX_FRAME}")]
    TooLong(usize),
    /// Not a message of this protocol.
    #[error("the message is malformed")]
    Malformed,
}

/// Sends one message. The buffer is cleared afterwards: it may hold identifiers or a key.
pub fn write(to: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    let bytes = Zeroizing::new(postcard::to_stdvec(message).map_err(|_| FrameError::Malformed)?);
    if bytes.len() > MAX_FRAME {
        return Err(FrameError::TooLong(bytes.len()));
    }
    let length = u32::try_from(bytes.len()).map_err(|_| FrameError::TooLong(bytes.len()))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&bytes)?;
    to.flush()?;
    Ok(())
}

/// Receives one message. A length over the limit is refused before any of it is read; memory is
/// taken as bytes arrive, never on the strength of the announced length.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, FrameError> {
    read_within(from, MAX_FRAME)
}

/// The same, with another limit.
pub fn read_within<T: DeserializeOwned>(
    from: &mut impl Read,
    most: usize,
) -> Result<T, FrameError> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(FrameError::Closed);
        }
        Err(error) => return Err(error.into()),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(FrameError::TooLong(length));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(64 << 10)));
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(FrameError::Closed);
    }
    match postcard::take_from_bytes(&bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IdentifierBatch, Request};
    use proptest::prelude::*;

    #[test]
    fn an_announced_length_is_not_believed() {
        let huge = u32::MAX.to_le_bytes();
        assert!(matches!(read::<Request>(&mut &huge[..]), Err(FrameError::TooLong(_))));
        let cut = [100, 0, 0, 0, 1];
        assert!(matches!(read::<Request>(&mut &cut[..]), Err(FrameError::Closed)));
        assert!(matches!(read::<Request>(&mut &[][..]), Err(FrameError::Closed)));
    }

    proptest! {
        #[test]
        fn batches_survive_the_socket(ids in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..50)) {
            let mut batch = IdentifierBatch::default();
            ids.iter().for_each(|id| batch.push(id));
            let mut wire = Vec::new();
            write(&mut wire, &batch).unwrap();
            let back: IdentifierBatch = read(&mut &wire[..]).unwrap();
            prop_assert!(back.is_well_formed());
            prop_assert_eq!(back.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), ids);
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read::<Request>(&mut &bytes[..]);
        }
    }
}
