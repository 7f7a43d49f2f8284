//! 手机: challenges on the evaluator, and what a scanner, a camera or the line brings back from a phone.

use super::citizen::{Screen, clerk_of, window_name};
use super::desk::{Clerk, Desk};
use super::{Refusal, decide, pages};
use crate::book::{Book, Fault};
use crate::clock::ClockState;
use crate::store::devices::{self as rows, CommandState};
use crate::store::{codes, ledger};
use hall_bus::evaluator::Show;
use hall_bus::{DeviceId, Digest};
use hall_domain::case::{
    CarriedRow, Case, CaseId, CommandId, Consent, ConsentEnd, Organised, PhoneChallenge, PhoneProof,
};
use hall_domain::{Carrier, HolderId, IdentityGrade, LicenceStatus, MaterialId, PhoneAsk, Timestamp, Way};
use hall_ledger::Hash;
use hall_ledger::phone::{
    Asked, Assertion, Challenge, ChallengeNonce, CodeError, ConsentRequest, Gathered, MessageKind, Nonce,
    Part, Progress, ServiceCode, from_qr, kind_of, open_subject, to_qr,
};
use rusqlite::Connection;

/// How long a code of the weak form is remembered: longer than the time in which it could be taken again.
const REMEMBERED_MS: i64 = 600_000;
/// The province's one status list, in which grants, mandates and people stand beside licences.
const LIST: u32 = 1;

impl Desk {
    /// 请手机核验: puts a challenge for a service code or a face check on the window's evaluator.
    pub async fn ask_phone(&self, clerk: &Clerk, id: &CaseId, ask: PhoneAsk) -> Result<(), Fault> {
        self.at_own_window(clerk, id).await?;
        let asked = match ask {
            PhoneAsk::Face => Asked::Face,
            _ => Asked::Code,
        };
        let book = self.book.clone();
        let put = move |tx: &Connection, screen: &Screen, case: &Case| {
            decide::may_ask_phone(case)?;
            let (challenge, show) = challenge(tx, &book, screen, case, ask, asked)?;
            let (command, device) = (screen.command.clone(), screen.device.id.to_string());
            Ok((show, vec![decide::ask_phone(challenge, command, device, screen.now)]))
        };
        self.put_page(clerk, id, rows::CommandKind::Challenge, decide::PHONE_MS, put).await?;
        self.await_line(id);
        Ok(())
    }

    /// 手机授权: asks the citizen's phone, or the principal's, for what the list holds.
    pub async fn push_to_phone(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        let item = self.item_of(&case).await?;
        let kinds = self.book.knowledge.kinds();
        let ask = if case.mandator().is_some() { PhoneAsk::Principal } else { PhoneAsk::Consent };
        let book = self.book.clone();
        let put = move |tx: &Connection, screen: &Screen, case: &Case| {
            let request = decide::phone_request(case, &item, &kinds, screen.now)?;
            let digest = Digest::of_json(&request).map_err(|error| Fault::Storage(error.to_string()))?;
            let asked = ConsentRequest {
                item: request.item.clone(),
                materials: request.rows.iter().map(|row| row.material.clone()).collect(),
                digest: Hash(digest.0),
            };
            let asked = match ask {
                PhoneAsk::Principal => Asked::Principal(asked),
                _ => Asked::Consent(asked),
            };
            let (challenge, show) = challenge(tx, &book, screen, case, ask, asked)?;
            let (command, device) = (screen.command.clone(), screen.device.id.to_string());
            let event = decide::ask_by_phone(request, digest.to_string(), command, device, challenge);
            Ok((show, vec![event]))
        };
        self.put_page(clerk, id, rows::CommandKind::Challenge, decide::PHONE_MS, put).await?;
        self.await_line(id);
        Ok(())
    }

    /// 收回二维码.
    pub async fn cancel_phone(&self, clerk: &Clerk, id: &CaseId) -> Result<(), Fault> {
        let case = self.mine(clerk, id).await?;
        match waiting_command(&case) {
            Some(command) => self.end_page(&command, id, ConsentEnd::Cancelled).await,
            None => Ok(()),
        }
    }

    /// 扫码: takes what was scanned for a case, whatever it is. Nothing of it is logged.
    pub async fn scanned(
        &self,
        clerk: &Clerk,
        id: &CaseId,
        text: String,
        carrier: Carrier,
    ) -> Result<(), Fault> {
        let case = self.at_own_window(clerk, id).await?;
        match from_qr(&text) {
            Ok(bytes) if Part::claims(&bytes) => match self.gather(&case, &bytes)? {
                Some(whole) => self.take_message(&case, &whole, carrier).await?,
                None => return Ok(()),
            },
            Ok(bytes) => self.take_message(&case, &bytes, carrier).await?,
            // Today's 政务码 is opaque: another system's text.
            Err(_) if plain(&text) => self.take_plain(&case, text.trim(), carrier).await?,
            Err(_) => return Err(Refusal::NotACode.into()),
        }
        self.list_if_missing(clerk, &self.case(id).await?).await
    }

    /// One of several QR codes of an answer: gives the answer with the last of them. Only a request that stands can be
    /// answered in parts.
    fn gather(&self, case: &Case, bytes: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let part = Part::parse(bytes).map_err(refusal)?;
        if waiting_command(case).is_none() {
            return Err(Refusal::OtherChallenge);
        }
        let gathered = self.scans().gather(&case.id, part, self.book.clock.now());
        self.changed(&case.id);
        match gathered {
            Gathered::Whole(message) => Ok(Some(message)),
            Gathered::Waiting(_) => Ok(None),
            Gathered::Damaged => Err(Refusal::PartsDamaged),
        }
    }

    /// How many of the QR codes of an answer have been scanned, while a request for it stands.
    pub fn gathered(&self, case: &Case) -> Option<Progress> {
        waiting_command(case)?;
        self.scans().gathered(&case.id, self.book.clock.now())
    }

    /// A plain code says nothing by itself: the centre resolves it, or nobody does.
    async fn take_plain(&self, case: &Case, text: &str, carrier: Carrier) -> Result<(), Fault> {
        if !self.book.knowledge.line().up {
            return Err(Refusal::PlainOffline.into());
        }
        let Some(resolved) = self.line.resolve(text).await else { return Err(Refusal::PlainUnknown.into()) };
        let now = self.book.clock.now();
        let keys = self.book.knowledge.code_keys(now);
        let subject = open_subject(&resolved.subject, &keys, resolved.at);
        let subject = subject.map_err(refusal)?;
        let places = resolved.place.into_iter().chain(subject.capacity.revocable().map(|(_, place)| place));
        for place in places {
            if self.standing(place, now).await? != LicenceStatus::Valid {
                return Err(Refusal::MandateEnded.into());
            }
        }
        // The code itself is opaque; what is kept names it without being usable again.
        let code = hex::encode(resolved.code.0);
        let proof = decide::Proof {
            way: Way::ServiceCode,
            grade: IdentityGrade::I3w,
            subject,
            attested_at: resolved.at,
            message: PhoneProof { message: String::new(), nonce: code, carrier },
        };
        self.prove(case, proof, None).await
    }

    /// A message of a phone, or of the centre over the line, for a case.
    pub(super) async fn take_message(
        &self,
        case: &Case,
        bytes: &[u8],
        carrier: Carrier,
    ) -> Result<(), Fault> {
        match kind_of(bytes) {
            Some(MessageKind::ServiceCode) => self.take_code(case, bytes, carrier).await,
            Some(MessageKind::Assertion) => self.take_assertion(case, bytes, carrier).await,
            Some(MessageKind::Challenge | MessageKind::Attestation | MessageKind::Receipt) => {
                Err(Refusal::OtherKind.into())
            }
            None => Err(Refusal::NotACode.into()),
        }
    }

    async fn take_code(&self, case: &Case, bytes: &[u8], carrier: Carrier) -> Result<(), Fault> {
        let (knowledge, now) = (self.book.knowledge.clone(), self.book.clock.now());
        let (trust, keys) = (knowledge.trust(), knowledge.code_keys(now));
        let code = ServiceCode::parse(bytes)
            .and_then(|code| code.verify(trust.keys(), &keys, knowledge.not_before(now)));
        let code = code.map_err(refusal)?;
        let (grade, nonce, remember) = match code.nonce() {
            Nonce::Challenge(nonce) => match decide::awaited(case, &nonce.to_string()) {
                Some(PhoneAsk::Code) => (IdentityGrade::I3, nonce.to_string(), nonce.0.to_vec()),
                _ => return Err(Refusal::OtherChallenge.into()),
            },
            // A doubtful clock cannot tell how old a code is.
            Nonce::Weak(_) if knowledge.clock_state(now) != ClockState::Good => {
                return Err(Refusal::ClockDoubtful.into());
            }
            Nonce::Weak(_) => {
                let nonce = code.weak(now).map_err(refusal)?;
                (IdentityGrade::I3w, hex::encode(nonce.0), nonce.0.to_vec())
            }
        };
        let places =
            code.place().into_iter().chain(code.subject().capacity.revocable().map(|(_, place)| place));
        for place in places {
            if self.standing(place, now).await? != LicenceStatus::Valid {
                return Err(Refusal::MandateEnded.into());
            }
        }
        let proof = decide::Proof {
            way: Way::ServiceCode,
            grade,
            subject: code.subject().clone(),
            attested_at: code.attested_at(),
            message: PhoneProof { message: hex::encode(bytes), nonce, carrier },
        };
        self.prove(case, proof, Some(remember)).await
    }

    async fn take_assertion(&self, case: &Case, bytes: &[u8], carrier: Carrier) -> Result<(), Fault> {
        let (knowledge, now) = (self.book.knowledge.clone(), self.book.clock.now());
        let (trust, keys) = (knowledge.trust(), knowledge.code_keys(now));
        let said = Assertion::verify(bytes, trust.keys(), &keys, knowledge.not_before(now));
        let said = said.map_err(refusal)?;
        let nonce = said.nonce().to_string();
        let ask = decide::awaited(case, &nonce).filter(|ask| *ask == said.kind());
        let ask = ask.ok_or(Refusal::OtherChallenge)?;
        let message = PhoneProof { message: hex::encode(bytes), nonce, carrier };
        match said.agreement() {
            None if ask == PhoneAsk::Licences => self.take_shown(case, said, bytes, message).await,
            None => {
                let proof = decide::Proof {
                    way: Way::Face,
                    grade: IdentityGrade::I4,
                    subject: said.subject().clone(),
                    attested_at: said.issued(),
                    message,
                };
                self.prove(case, proof, None).await
            }
            Some(agreement) => {
                let rows = agreement.agreed.iter().map(|row| {
                    let carried =
                        CarriedRow { status: row.status, use_code: row.use_code.as_str().to_owned() };
                    (row.material.clone(), carried)
                });
                let carried = decide::Carried {
                    ask,
                    subject: said.subject().clone(),
                    digest: Some(Digest(agreement.digest.0).to_string()),
                    rows: rows.collect::<std::collections::BTreeMap<MaterialId, CarriedRow>>(),
                    recorded_at: said.issued(),
                    message,
                };
                self.carried(case, carried).await
            }
        }
    }

    /// Records who was proven, and clears the challenge from the glass.
    pub(super) async fn prove(
        &self,
        case: &Case,
        proof: decide::Proof,
        remember: Option<Vec<u8>>,
    ) -> Result<(), Fault> {
        let organisation = self.organised_of(&proof.subject.principal()).await?;
        let (book, id, now) = (self.book.clone(), case.id.clone(), self.book.clock.now());
        let device = self
            .book
            .db
            .write(move |tx| {
                if let Some(nonce) = &remember
                    && !codes::take(tx, nonce, now, now.plus_ms(REMEMBERED_MS))?
                {
                    return Err(Refusal::CodeUsed.into());
                }
                let clerk = clerk_of(tx, &id)?;
                let mut answered = None;
                book.change_case(tx, &id, &clerk, now, |case| {
                    answered = case.phone.as_ref().map(|wait| wait.command.clone());
                    Ok(decide::prove(case, proof, organisation, now)?)
                })?;
                close_answered(tx, answered)
            })
            .await?;
        self.answered(&case.id, device, "核验成功").await
    }

    async fn carried(&self, case: &Case, carried: decide::Carried) -> Result<(), Fault> {
        let (book, id, now) = (self.book.clone(), case.id.clone(), self.book.clock.now());
        let (device, agreed) = self
            .book
            .db
            .write(move |tx| {
                let clerk = clerk_of(tx, &id)?;
                let mut answered = None;
                let case = book.change_case(tx, &id, &clerk, now, |case| {
                    answered = match &case.consent {
                        Consent::Waiting { asked } => Some(asked.command.clone()),
                        _ => None,
                    };
                    Ok(decide::carry(case, carried, now)?)
                })?;
                Ok::<_, Fault>((close_answered(tx, answered)?, matches!(case.consent, Consent::Given { .. })))
            })
            .await?;
        self.answered(&case.id, device, if agreed { "授权成功" } else { "已拒绝授权" }).await?;
        if self.case(&case.id).await?.wants_acknowledgement() {
            return self.ask_acknowledgement(&case.id).await;
        }
        self.fill(&case.id).await?;
        Ok(())
    }

    pub(super) async fn answered(
        &self,
        case: &CaseId,
        device: Option<DeviceId>,
        title: &str,
    ) -> Result<(), Fault> {
        self.set_reading(case, None);
        if let Some(device) = device {
            self.hub.show_once(&device, pages::done(title), pages::MESSAGE_MS.into()).await?;
        }
        self.line.nudge();
        Ok(())
    }

    /// What the box knows of the organisation that somebody acts for.
    async fn organised_of(&self, principal: &HolderId) -> Result<Option<Organised>, Fault> {
        match principal {
            HolderId::Organisation(uscc) => Ok(Some(self.organised(uscc.clone()).await?)),
            HolderId::Person(_) => Ok(None),
        }
    }

    /// How a grant, a mandate or a person stands, by the newest word that the box has.
    pub(super) async fn standing(&self, place: u32, now: Timestamp) -> Result<LicenceStatus, Fault> {
        let told = self.book.db.read(move |db| codes::place(db, LIST, place)).await?;
        let lists = self.book.knowledge.lists();
        let listed = lists.get(&LIST).and_then(|list| list.look_up(place, now).ok());
        Ok(match (told, listed) {
            (Some((status, at)), Some(answer)) if at > answer.issued_at => status,
            (_, Some(answer)) => answer.status,
            (Some((status, _)), None) => status,
            // A place that no list knows is newer than the list: the centre's own attestation is the newest word.
            (None, None) => LicenceStatus::Valid,
        })
    }

    /// While the line is up, the centre hands its answer over by itself.
    pub(super) fn await_line(&self, id: &CaseId) {
        let (desk, id) = (self.clone(), id.clone());
        tokio::spawn(async move {
            if let Err(error) = desk.follow_line(&id).await {
                tracing::warn!(%error, case.id = %id, "an answer that came over the line was not taken");
            }
        });
    }

    async fn follow_line(&self, id: &CaseId) -> Result<(), Fault> {
        loop {
            let case = self.case(id).await?;
            let Some(nonce) = network_nonce(&case) else { return Ok(()) };
            let message = match self.line.assertion(&nonce).await {
                Some(crate::line::Carried::Said(message)) => message,
                Some(crate::line::Carried::Declined) => {
                    return match waiting_command(&case) {
                        Some(command) => self.end_page(&command, id, ConsentEnd::Declined).await,
                        None => Ok(()),
                    };
                }
                None => {
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    continue;
                }
            };
            match self.take_message(&case, &message, Carrier::Line).await {
                // The scanner was quicker, or the page has gone.
                Ok(()) | Err(Fault::Refused(Refusal::OtherChallenge)) => {}
                Err(Fault::Refused(refusal)) => {
                    self.end_phone_with(id, &refusal).await?;
                }
                Err(fault) => return Err(fault),
            }
            let case = self.case(id).await?;
            let clerk = Clerk { account: case.clerk.clone(), window: case.window.clone() };
            return self.list_if_missing(&clerk, &case).await;
        }
    }

    /// An answer that belongs to the challenge but cannot be taken: the clerk reads why.
    async fn end_phone_with(&self, id: &CaseId, refusal: &Refusal) -> Result<(), Fault> {
        self.set_reading(id, Some(super::Reading::NotTaken(refusal.clone())));
        self.changed(id);
        Ok(())
    }
}

/// The command of the challenge that stands on the evaluator.
fn waiting_command(case: &Case) -> Option<CommandId> {
    match (&case.phone, &case.consent) {
        (Some(wait), _) => Some(wait.command.clone()),
        (None, Consent::Waiting { asked }) if asked.phone.is_some() => Some(asked.command.clone()),
        _ => None,
    }
}

/// The nonce of a challenge that the centre answers; a service code needs no network.
fn network_nonce(case: &Case) -> Option<ChallengeNonce> {
    let wait = case.phone.as_ref().map(|wait| &wait.challenge);
    let asked = match &case.consent {
        Consent::Waiting { asked } => asked.phone.as_ref(),
        _ => None,
    };
    let challenge = wait.into_iter().chain(asked).find(|challenge| challenge.ask != PhoneAsk::Code)?;
    challenge.nonce.parse().ok()
}

/// A signed challenge, and the page that shows it.
pub(super) fn challenge(
    tx: &Connection,
    book: &Book,
    screen: &Screen,
    case: &Case,
    ask: PhoneAsk,
    asked: Asked,
) -> Result<(PhoneChallenge, Show), Fault> {
    let log = ledger::head(tx)?.ok_or_else(|| Fault::Storage("not enrolled".to_owned()))?.log();
    let nonce = ChallengeNonce::random().map_err(|error| Fault::Storage(error.to_string()))?;
    let expires = screen.now.plus_ms(decide::PHONE_MS);
    let window = window_name(tx, &screen.window)?;
    let signed = Challenge { expires, nonce, log, window: carried(&window), asked }.sign(book.key());
    let page = pages::challenge(case, ask, &window, to_qr(&signed), book.knowledge.line().up);
    let show = screen.page(tx, page, decide::PHONE_MS)?;
    Ok((PhoneChallenge { ask, nonce: nonce.to_string(), materials: Vec::new() }, show))
}

/// The name of a window as a challenge carries it: at most 32 characters.
fn carried(window: &str) -> String {
    window.chars().filter(|c| !c.is_control()).take(32).collect()
}

pub(super) fn close_answered(tx: &Connection, command: Option<CommandId>) -> Result<Option<DeviceId>, Fault> {
    let Some(command) = command else { return Ok(None) };
    rows::close_command(tx, &command, CommandState::Answered)?;
    Ok(rows::command(tx, &command)?.map(|command| command.device))
}

/// Whether a text can be a plain code of another system: short, letters and digits. An address is none.
fn plain(text: &str) -> bool {
    let text = text.trim();
    (8..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What a clerk is told of a message that is not believed.
fn refusal(error: CodeError) -> Refusal {
    match error {
        CodeError::NotACode | CodeError::Content | CodeError::Sealed => Refusal::NotACode,
        CodeError::OtherKind(_) => Refusal::OtherKind,
        CodeError::UnknownKey(_) | CodeError::Signature | CodeError::UnknownCodeKey(_) => {
            Refusal::CodeUntrusted
        }
        CodeError::Expired => Refusal::CodeExpired,
        CodeError::CapacityEnded => Refusal::MandateEnded,
        CodeError::TooOld(_) | CodeError::Ahead(_) => Refusal::CodeTooOld,
        CodeError::OtherChallenge => Refusal::OtherChallenge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_text_of_letters_and_digits_is_taken_for_a_plain_code() {
        assert!(plain(" GDZWM-5199-00000001 "));
        for text in ["", "1234567", "有 一 些 字", "two words here", "https://example.com/", &"9".repeat(129)]
        {
            assert!(!plain(text), "{text:?}");
        }
    }
}
