//! 授权记录: who agreed to the use of which licences for what, from phones and from evaluators.

use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::id::Id;
use crate::citizen::mandate;
use crate::citizen::notice::{Notice, NoticeKind};
use crate::citizen::session;
use crate::store::StoreError;
use crate::store::citizens::Person;
use hall_domain::case::{CaseNo, Mode, WithdrawnAt};
use hall_domain::consent::ConsentRequest;
use hall_domain::{HolderId, IdentityDocument, ItemCode, LicenceId, LicenceKindCode, MaterialId, Timestamp};
use hall_ledger::phone::ChallengeNonce;
use hall_ledger::{Hash, LogId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most records of a list.
const MOST: usize = 200;

/// One consent. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Its name.
    pub id: Id,
    /// Who agreed.
    pub by: IdentityDocument,
    /// That person's name.
    pub by_name: String,
    /// For whom.
    pub holder: HolderId,
    /// Their name.
    pub holder_name: String,
    /// Where it was given.
    pub via: Via,
    /// The box's ledger.
    pub log: LogId,
    /// The hall's code.
    pub hall: String,
    /// The hall's name.
    pub hall_name: String,
    /// The window.
    pub window: String,
    /// 办件编号, once the centre knows it.
    pub case_no: Option<String>,
    /// The item.
    pub item: ItemCode,
    /// Its name.
    pub item_name: String,
    /// Who handles it.
    pub department: String,
    /// Version of the words that were shown.
    pub notice: String,
    /// Digest of the request that was shown.
    pub digest: Hash,
    /// What was asked, row by row.
    pub rows: Vec<ConsentRow>,
    /// When.
    pub agreed_at: Timestamp,
    /// 在线 or 离线, for one given at an evaluator.
    pub mode: Option<Mode>,
    /// The challenge that was answered, for one from a phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<ChallengeNonce>,
    /// When it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
    /// Where it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_place: Option<WithdrawnAt>,
    /// 终止: when the case that it was given for was given up. It holds no more, unless the case is taken up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// 依职能查验: the law that was named; nothing was agreed to then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consent").field("id", &self.id).field("via", &self.via).finish_non_exhaustive()
    }
}

/// One licence of a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRow {
    /// Which material.
    pub material: MaterialId,
    /// Kind of licence.
    pub kind: LicenceKindCode,
    /// The kind's name.
    pub name: String,
    /// Which licence.
    pub licence: Option<LicenceId>,
    /// Labels of the fields that are opened.
    pub fields: Vec<String>,
    /// 用证码.
    pub use_code: Option<String>,
    /// Agreed to, or refused.
    pub agreed: bool,
}

/// Where a consent was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// On the citizen's phone.
    Phone,
    /// On a hall's evaluator.
    Evaluator,
    /// On the principal's phone, for a delegate.
    Principal,
    /// 依职能查验: not given, but told on a hall's evaluator.
    Office,
}

impl Consent {
    /// What a page of an evaluator asked, and the citizen agreed to but for some rows. None for a page that asked
    /// nobody in person.
    pub fn from_evaluator(
        (log, seq): (LogId, u64),
        hall: &str,
        request: &ConsentRequest,
        digest: Hash,
        refused: &BTreeSet<MaterialId>,
        at: Timestamp,
    ) -> Option<Self> {
        let HolderId::Person(by) = &request.person else { return None };
        let rows = request.rows.iter().map(|row| ConsentRow {
            material: row.material.clone(),
            kind: row.kind.clone(),
            name: row.name.clone(),
            licence: Some(row.licence.clone()),
            fields: row.labels.clone(),
            use_code: None,
            agreed: !refused.contains(&row.material),
        });
        // An organisation's case names it as the holder of its own licences.
        let mut organisations = request
            .rows
            .iter()
            .map(|row| &row.holder)
            .filter(|holder| matches!(holder, HolderId::Organisation(_)));
        let organisation = organisations.next().filter(|_| request.on_behalf_of.is_some());
        Some(Self {
            id: Id::of_entry(log, seq),
            by: by.clone(),
            by_name: request.person_name.clone(),
            holder: organisation.unwrap_or(&request.person).clone(),
            holder_name: request.on_behalf_of.as_ref().unwrap_or(&request.person_name).clone(),
            via: Via::Evaluator,
            log,
            hall: hall.to_owned(),
            hall_name: request.hall.clone(),
            window: request.window.to_string(),
            case_no: Some(request.case_no.to_string()),
            item: request.item.clone(),
            item_name: request.item_name.clone(),
            department: request.department.clone(),
            notice: request.text_version.clone(),
            digest,
            rows: rows.collect(),
            agreed_at: at,
            mode: Some(if request.offline { Mode::Offline } else { Mode::Online }),
            nonce: None,
            withdrawn_at: None,
            withdrawn_place: None,
            ended_at: None,
            basis: None,
        })
    }

    /// What a citizen was told on an evaluator (依职能查验), on which ground.
    #[must_use]
    pub fn by_office(self, basis: String) -> Self {
        Self { via: Via::Office, basis: Some(basis), ..self }
    }

    /// Whom it concerns: who gave it, and for whom.
    pub fn parties(&self) -> [HolderId; 2] {
        [HolderId::Person(self.by.clone()), self.holder.clone()]
    }
}

/// Consents that somebody gave or may answer for, newest first.
pub async fn list(app: &App, person: &Person) -> Result<Vec<Consent>, Refusal> {
    let mut consents: Vec<Consent> = Vec::new();
    for holder in mandate::principals(app, person).await? {
        consents.extend(app.store.consents_of(&holder).await?);
    }
    consents.sort_by_key(|consent| (std::cmp::Reverse(consent.agreed_at), consent.id));
    consents.dedup_by_key(|consent| consent.id);
    consents.truncate(MOST);
    Ok(consents)
}

/// One consent that concerns the person.
pub async fn one(app: &App, person: &Person, id: Id) -> Result<Consent, Refusal> {
    let consent = app.store.consent(id).await?.ok_or(Refusal::Because("unknown"))?;
    if consent.by == person.document || mandate::answers_for(app, person, &consent.holder).await? {
        return Ok(consent);
    }
    Err(Refusal::Because("unknown"))
}

/// 撤回授权 by the citizen on their phone: at once here, and as a hot item at the hall. Again is harmless.
pub async fn withdraw(app: &App, person: &Person, id: Id) -> Result<Consent, Refusal> {
    let consent = one(app, person, id).await?;
    if consent.via == Via::Office {
        return Err(Refusal::Because("by-office"));
    }
    end(app, &consent, WithdrawnAt::Phone).await?;
    app.store.consent(id).await?.ok_or(Refusal::Because("unknown"))
}

/// 撤回授权 by an operator, for a citizen who asked the centre to: ends what holds of a case's consents. How many were
/// ended; none if there is no such case.
pub async fn withdraw_for(app: &App, no: &CaseNo) -> Result<Option<u32>, StoreError> {
    let Some(case) = app.store.case(no).await? else { return Ok(None) };
    let mut ended = 0;
    let consents = app.store.consents_for(case.log, no.as_str()).await?;
    for consent in consents.into_iter().filter(|consent| consent.via != Via::Office) {
        ended += u32::from(end(app, &consent, WithdrawnAt::Centre).await?);
    }
    Ok(Some(ended))
}

async fn end(app: &App, consent: &Consent, place: WithdrawnAt) -> Result<bool, StoreError> {
    let now = app.now();
    let by =
        if place == WithdrawnAt::Centre { "省级中心已按您的要求撤回" } else { "您已撤回" };
    let text = format!(
        "{by}对“{}”的用证授权，大厅即时收到通知，不能再使用这些证照。撤回前的办理仍然有效。",
        consent.item_name
    );
    let mut notice = Notice::new(now, NoticeKind::Withdrawal, "授权已撤回", text);
    (notice.consent, notice.case_no) = (Some(consent.id), consent.case_no.clone());
    let ended = app.store.withdraw(consent.id, place, notice, now).await?;
    if ended {
        app.waiters.wake(&consent.hall);
        // What was judged already is not judged again; what waits is looked at with this in mind.
        app.ratify.notify_one();
        session::woken(app, &consent.by);
        tracing::info!(hall.code = %consent.hall, "A consent was withdrawn.");
    }
    Ok(ended)
}
