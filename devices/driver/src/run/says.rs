//! What the driver says to the box: births, acknowledgements, heartbeats, signed answers.

use anyhow::Context;
use hall_bus::jws::ANSWER_TYPE;
use hall_bus::messages::{About, PROTOCOL};
use hall_bus::reader::ReaderStatus;
use hall_bus::{Ack, AckStatus, Birth, DeviceState, Heartbeat, Jws, MessageId, ReaderAnswer, Up, encode};
use tracing::error;

use super::{Shell, chain};
use crate::clock;
use crate::reads::{Event, Unsigned};
use crate::store::Counters;

impl Shell {
    /// Gives an answer its number, which is on disk before anything is signed with it, and its signature.
    pub(super) async fn seal(&mut self, unsigned: Unsigned) -> anyhow::Result<Event> {
        let counters = Counters { answer: self.counters.answer + 1, ..self.counters };
        let data = self.data.clone();
        tokio::task::spawn_blocking(move || data.keep_counters(counters))
            .await
            .context("the counter was not kept")??;
        self.counters = counters;

        let now = clock::now();
        let grant = &self.paired.credentials.grant;
        let Unsigned { cmd, bind_epoch, case, outcome } = unsigned;
        let answer = ReaderAnswer {
            id: MessageId::generate(now).context("cannot name an answer")?,
            dev: grant.device.clone(),
            cmd,
            bind_epoch,
            case,
            outcome,
            sam: self.sam.clone(),
            source: self.source,
            counter: counters.answer,
            boot: self.boot,
            dev_time: now,
        };
        let payload = encode(&answer)?;
        let bytes = Jws::sign(&self.paired.key, &grant.kid(), ANSWER_TYPE, &payload).to_bytes();
        Ok(Event::Sealed { cmd, answer: answer.id, bytes })
    }

    pub(super) fn acknowledge(&self, cmd: MessageId, status: AckStatus) {
        self.publish_message(Up::Ack, &Ack { cmd, generation: None, status, at: Some(clock::now()) });
    }

    pub(super) fn announce(&self) {
        let Some(line) = &self.line else { return };
        let reader = ReaderStatus {
            kind: self.source,
            port: self.port.path().display().to_string(),
            sam: self.sam.clone(),
            state: self.condition,
        };
        let birth = DeviceState::Ready(Birth {
            bseq: line.connection.bseq(),
            boot: self.boot,
            proto: vec![PROTOCOL],
            sw: env!("CARGO_PKG_VERSION").to_owned(),
            bind_epoch: self.reads.bind_epoch(),
            last_counter: self.counters.answer,
            about: About::Reader(reader),
        });
        self.publish_message(Up::State, &birth);
    }

    pub(super) fn heartbeat(&self) {
        let Some(line) = &self.line else { return };
        let heartbeat = Heartbeat {
            bseq: line.connection.bseq(),
            generation: None,
            up_s: self.started.elapsed().as_secs(),
            t0: clock::now(),
            q: u32::try_from(self.reads.waiting_answers()).unwrap_or(u32::MAX),
        };
        self.publish_message(Up::Heartbeat, &heartbeat);
    }

    pub(super) fn publish_message<T: serde::Serialize>(&self, up: Up, message: &T) {
        match encode(message) {
            Ok(payload) => self.publish(up, payload),
            Err(error) => error!(error = %chain(&error), "a message cannot be written"),
        }
    }

    /// Without a connection nothing is kept: births and answers are said again when there is one.
    pub(super) fn publish(&self, up: Up, payload: Vec<u8>) {
        if let Some(line) = self.line.as_ref().filter(|line| line.ready) {
            line.connection.publish(up, payload);
        }
    }
}
