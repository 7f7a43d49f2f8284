//! 手机出示的证照: licences that the centre stated for one case and a citizen's phone carried here. They are listed and
//! opened from the centre's answer alone, and never reach the cache that all cases share.

use super::Windows;
use hall_domain::case::{Established, LicenceUse, ListedLicence, Mode, Open, Statement, StatusSource};
use hall_domain::consent::ConsentRow;
use hall_domain::form::OpenedFields;
use hall_domain::policy::StatusWindow;
use hall_domain::{
    HolderId, LicenceKind, LicenceStatus, Material, MaterialHolder, MaterialId, ServiceItem, Subject,
    Timestamp,
};
use hall_ledger::cose::KeyId;
use hall_ledger::cose::typed::TypedSign1;
use hall_ledger::phone::{Assertion, ChallengeNonce, CodeError, CodeKeys, StatedLicence, VerifiedAssertion};
use hall_ledger::trust::CentreKeys;
use std::collections::{BTreeMap, BTreeSet};

/// 出示证照, believed: what the centre answered, and which of its keys signed.
pub struct Shown {
    said: VerifiedAssertion,
    by: KeyId,
}

/// The answer holds a licence, a kind or a field that the item may not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a licence was stated that the item does not ask for")]
pub struct NotAskedFor;

impl Shown {
    /// Believes an answer of the centre at the time `at`.
    ///
    /// # Errors
    /// As [`Assertion::verify`].
    pub fn verify(
        message: &[u8],
        keys: &CentreKeys,
        code_keys: &CodeKeys,
        at: Timestamp,
    ) -> Result<Self, CodeError> {
        let said = Assertion::verify(message, keys, code_keys, at)?;
        Self::of(said, message)
    }

    /// An answer that was verified from `message`.
    ///
    /// # Errors
    /// When the message names no key, which none that verifies does.
    pub fn of(said: VerifiedAssertion, message: &[u8]) -> Result<Self, CodeError> {
        let by = TypedSign1::parse(message).ok().and_then(|message| message.kid());
        Ok(Self { said, by: by.ok_or(CodeError::NotACode)? })
    }

    /// Whose licences they are, and in which capacity they were shown.
    pub fn subject(&self) -> &Subject {
        self.said.subject()
    }

    /// Of the challenge that it answers.
    pub fn nonce(&self) -> ChallengeNonce {
        self.said.nonce()
    }

    /// When the centre stated them.
    pub fn stated_at(&self) -> Timestamp {
        self.said.issued()
    }

    /// The rows of the list, by material. `now` is the latest that it may be.
    ///
    /// # Errors
    /// When anything in it is not for the item to ask for; then nothing of it is taken.
    pub fn rows(
        &self,
        item: &ServiceItem,
        windows: &Windows,
        principal: &HolderId,
        person: &HolderId,
        now: Timestamp,
    ) -> Result<BTreeMap<MaterialId, ListedLicence>, NotAskedFor> {
        let row = |stated: &StatedLicence| {
            let material = item.material(&stated.material).ok_or(NotAskedFor)?;
            let kind = material.replaced_by.as_ref().filter(|kind| **kind == stated.licence.kind());
            let known = kind.and_then(|kind| windows.kinds.get(kind.as_str())).ok_or(NotAskedFor)?;
            if stated.fields.keys().any(|key| !material.fields.contains(key)) {
                return Err(NotAskedFor);
            }
            let holder = match material.holder {
                MaterialHolder::Applicant => principal,
                MaterialHolder::LegalRepresentative => person,
            };
            Ok((stated.material.clone(), self.listed(stated, material, known, windows, holder, now)))
        };
        self.said.licences().iter().map(row).collect()
    }

    /// Opens an agreed row: exactly the fields that were agreed to. None when this answer is not the one that the row
    /// was listed from, or the licence was not valid.
    pub fn open(
        &self,
        row: &ConsentRow,
        listed: &ListedLicence,
        windows: &Windows,
        use_code: String,
        now: Timestamp,
    ) -> Option<(LicenceUse, OpenedFields)> {
        let stated = self.said.licences().iter().find(|stated| {
            stated.material == row.material && stated.licence == row.licence && listed.id == row.licence
        })?;
        let same = listed.envelope == self.said.digest().to_string();
        if !same || stated.status != LicenceStatus::Valid || listed.status != LicenceStatus::Valid {
            return None;
        }
        let field = |key| Some((Clone::clone(key), stated.fields.get(key)?.clone()));
        let fields: BTreeMap<_, _> = row.fields.iter().map(field).collect::<Option<_>>()?;
        // A consent on the phone may have told the status once more since.
        let (window, status_at) = (windows.of(&row.kind), listed.status_at.max(self.stated_at()));
        let age = now.ms_since(status_at);
        let used = LicenceUse {
            material: row.material.clone(),
            licence: row.licence.clone(),
            kind: row.kind.clone(),
            version: listed.version,
            use_code,
            envelope: listed.envelope.clone(),
            opened: fields.clone(),
            grade: window.grade(Some(age), age, true),
            status_at,
            mode: listed.mode,
            statement: Some(self.statement(stated, window, status_at, now, true)),
            // The centre shows a citizen's licences under the number that the phone is bound to.
            alias: None,
        };
        Some((used, OpenedFields { id: row.licence.clone(), name: row.name.clone(), fields }))
    }

    fn listed(
        &self,
        stated: &StatedLicence,
        material: &Material,
        kind: &LicenceKind,
        windows: &Windows,
        holder: &HolderId,
        now: Timestamp,
    ) -> ListedLicence {
        let fields = material.fields.iter().filter(|key| stated.fields.contains_key(*key)).cloned().collect();
        let (window, age) = (windows.of(&kind.code), now.ms_since(self.stated_at()));
        ListedLicence {
            id: stated.licence.clone(),
            kind: kind.code.clone(),
            name: kind.name.clone(),
            holder: holder.clone(),
            // The answer names the issuer by its code alone.
            issuer: stated.licence.issuer().to_owned(),
            valid_until: stated.valid_until,
            version: stated.licence.version(),
            status: stated.status,
            checked_at: self.stated_at(),
            status_at: self.stated_at(),
            // The hall has not asked anybody itself.
            mode: Mode::Offline,
            grade: window.grade(Some(age), age, true),
            envelope: self.said.digest().to_string(),
            fields,
            statement: Some(self.statement(stated, window, self.stated_at(), now, false)),
            alias: None,
        }
    }

    fn statement(
        &self,
        stated: &StatedLicence,
        window: StatusWindow,
        status_at: Timestamp,
        now: Timestamp,
        values: bool,
    ) -> Statement {
        // Believed with a good signature, for this case's own challenge and about this holder: see `decide::show`.
        let mut established =
            BTreeSet::from([Established::Signature, Established::Holder, Established::Case]);
        let mut open = BTreeSet::from([Open::Seal]);
        let mut sort = |holds: bool, established_as, open_as| {
            if holds { established.insert(established_as) } else { open.insert(open_as) }
        };
        let current = stated.valid_until.is_none_or(|until| now.local_date() <= until);
        sort(current, Established::Dates, Open::Dates);
        let age = now.ms_since(status_at);
        sort(window.of_this_moment(age) || window.holds(age), Established::Status, Open::Status);
        sort(values, Established::Values, Open::Values);
        Statement {
            at: now,
            established,
            open,
            by: self.by.to_string(),
            mode: Mode::Offline,
            status: stated.status,
            status_at,
            status_from: StatusSource::Phone,
            list_at: None,
            window_hours: window.hours(),
            valid_from: None,
        }
    }
}

#[cfg(test)]
mod tests;
