//! One command and its answer over an open port: discards what is old, puts the frame together from pieces,
//! gives up when the line goes quiet.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use super::codec::{Command, Decoder, Response};
use super::dialogue::Answer;
use super::driver::Timing;
use super::port::BytePort;

/// How often a line that does not stop talking is listened to before a command is said all the same.
const DRAIN_READS: usize = 64;

/// How much longer than the time allowed for a command an answer may take that does not stop coming.
const LONGEST_ANSWER: u32 = 4;

pub(super) struct Link<P> {
    port: P,
    timing: Timing,
    decoder: Decoder,
    chunk: Zeroizing<[u8; 1024]>,
    /// The last command got no answer: it may still come, and must not be taken for the next one's.
    answer_outstanding: bool,
}

impl<P: BytePort> Link<P> {
    pub(super) fn new(port: P, timing: Timing) -> Self {
        let chunk = Zeroizing::new([0; 1024]);
        Self { port, timing, decoder: Decoder::default(), chunk, answer_outstanding: false }
    }

    /// Says a command and waits for its answer.
    ///
    /// # Errors
    /// If the port is gone; whatever is wrong on the line is an [`Answer`].
    pub(super) async fn exchange(&mut self, command: Command) -> io::Result<Answer> {
        if self.answer_outstanding {
            self.drain().await?;
        }
        self.port.discard_input()?;
        self.decoder.clear();
        self.answer_outstanding = true;
        let Ok(written) = timeout(self.timing.command, self.port.write_all(&command.frame())).await else {
            return Ok(Answer::Silent);
        };
        written?;
        let answer = self.listen().await?;
        self.answer_outstanding = !matches!(answer, Answer::Response(_));
        Ok(answer)
    }

    /// Resolves when the port hangs up; bytes that nobody asked for are thrown away.
    pub(super) async fn hang_up(&mut self) -> io::Error {
        loop {
            if let Err(error) = self.receive().await {
                return error;
            }
        }
    }

    async fn listen(&mut self) -> io::Result<Answer> {
        let start = Instant::now();
        let mut damaged = false;
        loop {
            // Before a frame the module may think; inside one the line must not pause for long, but a slow line may
            // take its time: 1,295 bytes are 1.4 s at 9,600 baud.
            let inside = damaged || !self.decoder.is_empty();
            let until = if inside {
                (Instant::now() + self.timing.quiet).min(start + self.timing.command * LONGEST_ANSWER)
            } else {
                start + self.timing.command
            };
            match timeout_at(until, self.receive()).await {
                Ok(count) => {
                    let received = self.chunk.get(..count?).unwrap_or_default();
                    self.decoder.push(received);
                }
                Err(_) => {
                    self.decoder.give_up_frame();
                    return Ok(match self.next_response(&mut damaged) {
                        Some(response) => Answer::Response(response),
                        None if inside => Answer::Garbled,
                        None => Answer::Silent,
                    });
                }
            }
            if let Some(response) = self.next_response(&mut damaged) {
                return Ok(Answer::Response(response));
            }
        }
    }

    fn next_response(&mut self, damaged: &mut bool) -> Option<Response> {
        while let Some(frame) = self.decoder.frame() {
            match frame.ok().as_deref().and_then(|body| Response::parse(body)) {
                Some(response) => return Some(response),
                None => *damaged = true,
            }
        }
        None
    }

    /// Waits until a late answer has passed by.
    async fn drain(&mut self) -> io::Result<()> {
        for _ in 0..DRAIN_READS {
            match timeout(self.timing.quiet, self.receive()).await {
                Ok(received) => received?,
                Err(_) => return Ok(()),
            };
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<usize> {
        match self.port.read(&mut *self.chunk).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}
