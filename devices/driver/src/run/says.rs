//! What the reader's driver says to the box: births, acknowledgements, signed answers.

use anyhow::Context;
use hall_bus::jws::ANSWER_TYPE;
use hall_bus::messages::About;
use hall_bus::reader::ReaderStatus;
use hall_bus::{Ack, AckStatus, MessageId, ReaderAnswer, Up};

use super::Shell;
use crate::clock;
use crate::reads::{Event, Unsigned};

impl Shell {
    /// Gives an answer its number and its signature.
    pub(super) async fn seal(&mut self, unsigned: Unsigned) -> anyhow::Result<Event> {
        let counter = self.link.number().await?;
        let now = clock::now();
        let Unsigned { cmd, bind_epoch, case, outcome } = unsigned;
        let answer = ReaderAnswer {
            id: MessageId::generate(now).context("cannot name an answer")?,
            dev: self.link.device().clone(),
            cmd,
            bind_epoch,
            case,
            outcome,
            sam: self.sam.clone(),
            source: self.source,
            counter,
            boot: self.link.boot(),
            dev_time: now,
        };
        let bytes = self.link.sign(ANSWER_TYPE, &answer)?;
        Ok(Event::Sealed { cmd, answer: answer.id, bytes })
    }

    pub(super) fn acknowledge(&self, cmd: MessageId, status: AckStatus) {
        self.link.publish_message(Up::Ack, &Ack { cmd, generation: None, status, at: Some(clock::now()) });
    }

    pub(super) fn announce(&self) {
        let reader = ReaderStatus {
            kind: self.source,
            port: self.reader.place(),
            sam: self.sam.clone(),
            state: self.condition,
        };
        self.link.announce(self.reads.bind_epoch(), About::Reader(reader));
    }
}
