//! The citizens' half of the store.

use super::super::Answer;
use super::super::citizens::{
    AccountState, AnswerKept, CaseKnowledge, Citizens, KeptChallenge, NewAnswer, NewOtp, NewSession,
    OtpPurpose, OtpSent, OtpTried, Person, PlainCode, Session, Text,
};
use super::{SqliteStore, challenges, consents, licences, parties, people, standing};
use crate::citizen::challenge::Asked;
use crate::citizen::consent::Consent;
use crate::citizen::grant::Grant;
use crate::citizen::id::Id;
use crate::citizen::mandate::{Mandate, MandateState};
use crate::citizen::notice::Notice;
use hall_domain::case::WithdrawnAt;
use hall_domain::{HolderId, IdentityDocument, LicenceKindCode, Organisation, Timestamp, Uscc};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::{Hash, LogId};

impl Citizens for SqliteStore {
    fn put_person(&self, document: &IdentityDocument, name: &str) -> Answer<'_, ()> {
        let document = document.clone();
        let name = name.to_owned();
        self.write(move |tx| people::put(tx, &document, &name))
    }

    fn person(&self, document: &IdentityDocument) -> Answer<'_, Option<Person>> {
        let document = document.clone();
        self.read(move |db| people::person(db, &document))
    }

    fn person_place(&self, document: &IdentityDocument) -> Answer<'_, u32> {
        let document = document.clone();
        self.write(move |tx| people::place(tx, &document))
    }

    fn set_account(
        &self,
        document: &IdentityDocument,
        state: AccountState,
        at: Timestamp,
    ) -> Answer<'_, Option<bool>> {
        let document = document.clone();
        self.write(move |tx| people::set_account(tx, &document, state, at))
    }

    fn organisations_represented(&self, document: &IdentityDocument) -> Answer<'_, Vec<Organisation>> {
        let document = people::key(document);
        self.read(move |db| licences::represented(db, &document))
    }

    fn represented_before(&self, document: &IdentityDocument, uscc: &Uscc) -> Answer<'_, bool> {
        let document = people::key(document);
        let uscc = uscc.to_string();
        self.read(move |db| Ok(licences::represented_until(db, &uscc, &document)?.is_some()))
    }

    fn send_otp(&self, otp: NewOtp) -> Answer<'_, OtpSent> {
        self.write(move |tx| people::send_otp(tx, &otp))
    }

    fn try_otp(&self, id: Id, purpose: OtpPurpose, digest: Hash, now: Timestamp) -> Answer<'_, OtpTried> {
        self.write(move |tx| people::try_otp(tx, id, &purpose, digest, now))
    }

    fn use_otp(
        &self,
        document: &IdentityDocument,
        purpose: OtpPurpose,
        digest: Hash,
        now: Timestamp,
    ) -> Answer<'_, OtpTried> {
        let document = document.clone();
        self.write(move |tx| people::use_otp(tx, &document, &purpose, digest, now))
    }

    fn open_session(&self, new: NewSession) -> Answer<'_, bool> {
        self.write(move |tx| people::open_session(tx, &new))
    }

    fn session(&self, token: Hash, now: Timestamp) -> Answer<'_, Option<Session>> {
        self.read(move |db| people::session(db, token, now))
    }

    fn end_session(&self, token: Hash) -> Answer<'_, ()> {
        self.write(move |tx| people::end_session(tx, token))
    }

    fn texts_waiting(&self, limit: u32) -> Answer<'_, Vec<Text>> {
        self.read(move |db| people::texts_waiting(db, limit))
    }

    fn text_sent(&self, no: u64, at: Timestamp) -> Answer<'_, ()> {
        self.write(move |tx| people::text_sent(tx, no, at))
    }

    fn note_face(
        &self,
        document: &IdentityDocument,
        ticket: Option<Hash>,
        at: Timestamp,
        since: Timestamp,
        most: u32,
    ) -> Answer<'_, bool> {
        let document = document.clone();
        self.write(move |tx| people::note_face(tx, &document, ticket, at, since, most))
    }

    fn use_ticket(&self, document: &IdentityDocument, ticket: Hash, since: Timestamp) -> Answer<'_, bool> {
        let document = document.clone();
        self.write(move |tx| people::use_ticket(tx, &document, ticket, since))
    }

    fn claim(
        &self,
        document: &IdentityDocument,
        holder: &HolderId,
        kind: &LicenceKindCode,
    ) -> Answer<'_, ()> {
        let document = document.clone();
        let holder = holder.clone();
        let kind = kind.clone();
        self.write(move |tx| standing::claim(tx, &document, &holder, &kind))
    }

    fn unclaim(
        &self,
        document: &IdentityDocument,
        holder: &HolderId,
        kind: &LicenceKindCode,
    ) -> Answer<'_, ()> {
        let document = document.clone();
        let holder = holder.clone();
        let kind = kind.clone();
        self.write(move |tx| standing::unclaim(tx, &document, &holder, &kind))
    }

    fn claims(&self, document: &IdentityDocument, holder: &HolderId) -> Answer<'_, Vec<LicenceKindCode>> {
        let document = document.clone();
        let holder = holder.clone();
        self.read(move |db| standing::claims(db, &document, &holder))
    }

    fn plain_code(&self, new: PlainCode, fresh: Timestamp) -> Answer<'_, PlainCode> {
        self.write(move |tx| standing::plain_code(tx, new, fresh))
    }

    fn resolve_plain(&self, code: &str, now: Timestamp) -> Answer<'_, Option<PlainCode>> {
        let code = code.to_owned();
        self.read(move |db| standing::resolve_plain(db, &code, now))
    }

    fn add_grant(&self, grant: Grant, notice: Notice, now: Timestamp) -> Answer<'_, Option<Grant>> {
        self.write(move |tx| standing::add_grant(tx, grant, &notice, now))
    }

    fn grants_of(&self, uscc: &Uscc) -> Answer<'_, Vec<Grant>> {
        let uscc = uscc.to_string();
        self.read(move |db| standing::grants_of(db, &uscc))
    }

    fn grants_to(&self, document: &IdentityDocument) -> Answer<'_, Vec<Grant>> {
        let document = document.clone();
        self.read(move |db| standing::grants_to(db, &document))
    }

    fn grants(&self) -> Answer<'_, Vec<Grant>> {
        self.read(standing::grants)
    }

    fn revoke_grant(&self, uscc: &Uscc, id: Id, notice: Notice, at: Timestamp) -> Answer<'_, Option<Grant>> {
        let uscc = uscc.to_string();
        self.write(move |tx| standing::revoke_grant(tx, &uscc, id, &notice, at))
    }

    fn add_mandate(&self, mandate: Mandate, notice: Notice) -> Answer<'_, Mandate> {
        self.write(move |tx| standing::add_mandate(tx, mandate, &notice))
    }

    fn mandate(&self, id: Id) -> Answer<'_, Option<Mandate>> {
        self.read(move |db| standing::mandate(db, id))
    }

    fn mandate_by_code(&self, accept: Id) -> Answer<'_, Option<Mandate>> {
        self.read(move |db| standing::mandate_by_code(db, accept))
    }

    fn mandates_by(&self, principal: &HolderId) -> Answer<'_, Vec<Mandate>> {
        let principal = principal.clone();
        self.read(move |db| standing::mandates_by(db, &principal))
    }

    fn mandates_to(&self, agent: &IdentityDocument) -> Answer<'_, Vec<Mandate>> {
        let agent = agent.clone();
        self.read(move |db| standing::mandates_to(db, &agent))
    }

    fn move_mandate(
        &self,
        id: Id,
        from: &'static [MandateState],
        to: MandateState,
        told: (IdentityDocument, Notice),
        at: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(move |tx| standing::move_mandate(tx, id, from, to, &told, at))
    }

    fn keep_challenge(&self, asked: Asked, reader: &IdentityDocument) -> Answer<'_, ()> {
        let reader = reader.clone();
        self.write(move |tx| challenges::keep(tx, &asked, &reader))
    }

    fn assertion_delivered(&self, nonce: ChallengeNonce, at: Timestamp) -> Answer<'_, ()> {
        self.write(move |tx| challenges::delivered(tx, nonce, at))
    }

    fn challenge(&self, nonce: ChallengeNonce) -> Answer<'_, Option<KeptChallenge>> {
        self.read(move |db| challenges::challenge(db, nonce))
    }

    fn has_read(&self, nonce: ChallengeNonce, reader: &IdentityDocument) -> Answer<'_, bool> {
        let reader = reader.clone();
        self.read(move |db| challenges::has_read(db, nonce, &reader))
    }

    fn pass_on(
        &self,
        nonce: ChallengeNonce,
        agent: &IdentityDocument,
        mandate: Id,
        told: (IdentityDocument, Notice),
    ) -> Answer<'_, bool> {
        let agent = agent.clone();
        self.write(move |tx| challenges::pass_on(tx, nonce, &agent, mandate, &told))
    }

    fn passed_on(&self, mandates: Vec<Id>, since: Timestamp) -> Answer<'_, Vec<KeptChallenge>> {
        self.read(move |db| challenges::passed_on(db, &mandates, since))
    }

    fn answer_challenge(&self, answer: NewAnswer) -> Answer<'_, AnswerKept> {
        self.write(move |tx| challenges::answer(tx, &answer))
    }

    fn consents_of(&self, holder: &HolderId) -> Answer<'_, Vec<Consent>> {
        let holder = holder.clone();
        self.read(move |db| consents::of_holder(db, &holder))
    }

    fn consent(&self, id: Id) -> Answer<'_, Option<Consent>> {
        self.read(move |db| consents::consent(db, id))
    }

    fn consents_for(&self, log: LogId, case_no: &str) -> Answer<'_, Vec<Consent>> {
        let case_no = case_no.to_owned();
        self.read(move |db| consents::of_case(db, log, &case_no))
    }

    fn consent_to(&self, nonce: ChallengeNonce) -> Answer<'_, Option<Consent>> {
        self.read(move |db| consents::to_challenge(db, nonce))
    }

    fn withdraw(&self, id: Id, place: WithdrawnAt, notice: Notice, at: Timestamp) -> Answer<'_, bool> {
        self.write(move |tx| consents::withdraw(tx, id, place, &notice, at))
    }

    fn case_knowledge(&self, log: LogId, case_no: &str) -> Answer<'_, CaseKnowledge> {
        let case_no = case_no.to_owned();
        self.read(move |db| parties::knowledge(db, log, &case_no))
    }

    fn change_case(&self, case_no: &str, changed_as: &str) -> Answer<'_, bool> {
        let case_no = case_no.to_owned();
        let changed_as = changed_as.to_owned();
        self.write(move |tx| consents::change_case(tx, &case_no, &changed_as))
    }

    fn notices(
        &self,
        document: &IdentityDocument,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(u64, bool, Notice)>> {
        let document = document.clone();
        self.read(move |db| consents::notices(db, &document, after, limit))
    }

    fn notices_unread(&self, document: &IdentityDocument) -> Answer<'_, u64> {
        let document = document.clone();
        self.read(move |db| consents::notices_unread(db, &document))
    }

    fn notices_read(&self, document: &IdentityDocument, up_to: u64) -> Answer<'_, ()> {
        let document = document.clone();
        self.write(move |tx| consents::notices_read(tx, &document, up_to))
    }

    fn notify(&self, document: &IdentityDocument, notice: Notice) -> Answer<'_, ()> {
        let document = document.clone();
        self.write(move |tx| consents::notify(tx, &document, &notice))
    }
}
