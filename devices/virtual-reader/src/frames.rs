//! Frames between reader and card: a big-endian `u16` length and so many bytes, both ways. One byte is a control of the reader,
//! four and more are a command APDU.

use std::io::{self, Read, Write};

/// A control of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    PowerOff,
    PowerOn,
    Reset,
    /// The only one that is answered.
    Atr,
}

impl Control {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::PowerOff => 0,
            Self::PowerOn => 1,
            Self::Reset => 2,
            Self::Atr => 4,
        }
    }
}

/// Sends a frame with one write, so that no answer waits for a delayed second half.
pub(crate) fn send(mut to: impl Write, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = Vec::with_capacity(body.len() + 2);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    to.write_all(&frame)
}

/// Receives a frame; an end of file anywhere is an error.
pub(crate) fn receive(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    from.read_exact(&mut length)?;
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    from.read_exact(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_was_sent_and_a_cut_one_is_an_error() {
        let mut line = Vec::new();
        send(&mut line, &[0x00, 0xA4, 0x04, 0x00]).unwrap();
        assert_eq!(line, [0, 4, 0x00, 0xA4, 0x04, 0x00]);
        assert_eq!(receive(&*line).unwrap(), [0x00, 0xA4, 0x04, 0x00]);
        for cut in 0..line.len() {
            assert_eq!(receive(&line[..cut]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(send(Vec::new(), &vec![0; 65_536]).is_err());
    }
}
