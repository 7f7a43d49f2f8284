//! Scanners on a serial port (USB-CDC or RS-232): lines of text, ended by CR, LF or silence. The task opens the port again whenever it
//! comes back. What a line says is for the caller alone: it reaches no log and no `Debug`.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::info;
use zeroize::Zeroizing;

use crate::samv::PortOpener;

/// Longest line in bytes: 4,500 characters of a code, and as much again for what is stripped. A longer one is no code.
const MAX_LINE: usize = 20_000;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A line without an end is over after this much silence.
    pub quiet: Duration,
    /// Before the second attempt to open a port; doubles from there.
    pub reopen_after: Duration,
    /// Longest wait between two attempts.
    pub reopen_at_most: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(500),
            reopen_after: Duration::from_millis(200),
            reopen_at_most: Duration::from_secs(2),
        }
    }
}

/// What a scanner tells.
#[derive(PartialEq, Eq)]
pub enum News {
    /// It was plugged in (true) or pulled.
    Plugged(bool),
    /// A code, as it came, without the end of its line.
    Line(Zeroizing<String>),
    /// Something that is no text, or far too long for a code.
    Unreadable,
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plugged(plugged) => write!(f, "Plugged({plugged})"),
            Self::Line(text) => write!(f, "Line({} bytes)", text.len()),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

/// Puts lines together from pieces.
#[derive(Default)]
pub struct Lines {
    line: Zeroizing<Vec<u8>>,
    overlong: bool,
}

impl Lines {
    /// Takes what arrived, and gives the lines that are complete with it.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<News> {
        let mut news = Vec::new();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => news.extend(self.end()),
                _ if self.line.len() < MAX_LINE => self.line.push(*byte),
                _ => self.overlong = true,
            }
        }
        news
    }

    /// The line is over: an end came, or silence. Nothing, if nothing has come since the last one.
    pub fn end(&mut self) -> Option<News> {
        let line = std::mem::take(&mut self.line);
        let overlong = std::mem::take(&mut self.overlong);
        if line.is_empty() {
            return None;
        }
        Some(match std::str::from_utf8(&line) {
            Ok(text) if !overlong => News::Line(Zeroizing::new(text.to_owned())),
            _ => News::Unreadable,
        })
    }

    /// Whether a line has begun.
    pub fn begun(&self) -> bool {
        !self.line.is_empty()
    }
}

/// Listens to a scanner until `stop`. Must be called on a tokio runtime.
pub async fn listen<O: PortOpener>(
    opener: O,
    timing: Timing,
    news: mpsc::Sender<News>,
    stop: CancellationToken,
) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep_open(&opener, timing, &news) => {}
    }
}

/// Returns when nobody listens any more.
async fn keep_open<O: PortOpener>(opener: &O, timing: Timing, news: &mpsc::Sender<News>) {
    let mut wait = timing.reopen_after;
    loop {
        if let Ok(mut port) = opener.open() {
            wait = timing.reopen_after;
            info!(scanner.port = opener.name(), "the scanner is there");
            if news.send(News::Plugged(true)).await.is_err() {
                return;
            }
            if hear(&mut port, timing.quiet, news).await.is_err() {
                return;
            }
            info!(scanner.port = opener.name(), "the scanner is gone");
            if news.send(News::Plugged(false)).await.is_err() {
                return;
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(timing.reopen_at_most);
    }
}

/// Hears one opening of the port, until it is gone. An error when nobody listens any more.
async fn hear<P: tokio::io::AsyncRead + Unpin>(
    port: &mut P,
    quiet: Duration,
    news: &mpsc::Sender<News>,
) -> Result<(), mpsc::error::SendError<News>> {
    let mut lines = Lines::default();
    let mut chunk = Zeroizing::new([0; 1024]);
    loop {
        let read = port.read(chunk.as_mut_slice());
        let heard = if lines.begun() {
            match timeout(quiet, read).await {
                Ok(read) => read,
                Err(_) => {
                    if let Some(line) = lines.end() {
                        news.send(line).await?;
                    }
                    continue;
                }
            }
        } else {
            read.await
        };
        match heard {
            // A line that was cut by the plug is no code.
            Ok(0) | Err(_) => return Ok(()),
            Ok(count) => {
                for line in lines.push(chunk.get(..count).unwrap_or_default()) {
                    news.send(line).await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> News {
        News::Line(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn lines_end_with_cr_lf_or_both_and_empty_ones_are_none() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"HB1:A\rHB1:B\nHB1:C\r\n\r\n"), [line("HB1:A"), line("HB1:B"), line("HB1:C")]);
        assert!(!lines.begun());
    }

    #[test]
    fn a_line_without_an_end_is_over_when_it_is_said_to_be() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"HB1:"), []);
        assert_eq!(lines.push(b"6BF"), []);
        assert!(lines.begun());
        assert_eq!(lines.end(), Some(line("HB1:6BF")));
        assert_eq!(lines.end(), None);
    }

    #[test]
    fn what_is_no_text_or_too_long_is_unreadable_and_the_next_line_is_whole() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"\xFF\xFEgarbage\r"), [News::Unreadable]);
        assert_eq!(lines.push(&vec![b'A'; MAX_LINE + 5]), []);
        assert_eq!(lines.push(b"\rHB1:6BF\r"), [News::Unreadable, line("HB1:6BF")]);
    }

    #[test]
    fn what_was_scanned_is_not_in_debug_texts() {
        assert_eq!(format!("{:?}", line("HB1:6BF")), "Line(7 bytes)");
    }

    proptest! {
        #[test]
        fn however_bytes_come_in_pieces_the_lines_are_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..256), at in 0usize..256) {
            let mut whole = Lines::default();
            let expected: Vec<News> = whole.push(&bytes).into_iter().chain(whole.end()).collect();
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            let mut split = Lines::default();
            let mut got = split.push(first);
            got.extend(split.push(second));
            got.extend(split.end());
            prop_assert_eq!(got, expected);
        }
    }
}
