//! 授权记录: a consent, or the notice in its place, in the sections of ISO/IEC TS 27560:2023, so that a stranger finds
//! in the archive who allowed whom what, on which ground, until when, and how to take it back.

use super::ConsentRow;
use crate::case::{
    AccountName, Acknowledgement, Asked, Case, Consent, ListedLicence, Mode, WindowId, WithdrawnAt,
};
use crate::{ConsentGrade, HolderId, ItemCode, LicenceId, LicenceKindCode, MaterialId, Timestamp, mask_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of the standard's structure.
pub const SCHEMA_VERSION: &str = "27560:2023";
/// How long what was agreed to is kept. What is done stands in `docs/operator/retention.md`; a test of the box holds the
/// days together.
pub const RETENTION: &str = "随办件归档保存，保存期限按政务服务电子文件归档规定执行；没有提交的，终止办理满7天后，一体机删除扫描件和为本件查询的证照（一直没有办完的，证照满30天删除），办理登记加密保存";
/// How a consent is taken back.
pub const WITHDRAWAL: &str =
    "凭办件编号到任一大厅窗口，或在手机应用“授权记录”中，或通过省级中心撤回，即时生效";
/// How long a consent is good for.
pub const VALIDITY: &str = "仅本次办件有效";
/// 政务服务便民热线, the same all over the country.
const HOTLINE: &str = "12345";

/// What a record needs beside the case.
pub struct RecordFacts<'a> {
    /// 持证主体 as a salted digest: the same for the same person in the same case, and telling nobody who it is.
    pub principal: &'a dyn Fn(&HolderId) -> String,
    /// The hall's code.
    pub hall_code: &'a str,
    /// 办理部门 of the item, for a mandate on paper, where no request names it.
    pub department: &'a str,
}

/// 授权记录. Holds names only masked, and no document number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What record it is.
    pub header: Header,
    /// What is done with whose data.
    pub pii_processing: Processing,
    /// Everybody concerned.
    pub parties: Vec<Party>,
    /// What happened, oldest first.
    pub events: Vec<Event>,
    /// What a hall adds to the standard.
    pub hall: AtHall,
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// One for each request of a case.
    pub record_id: String,
    /// Whose data it is, as a salted digest.
    pub pii_principal_id: String,
}

/// What is done with the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processing {
    /// Version of the words that were shown.
    pub privacy_notice: String,
    /// Their language.
    pub language: String,
    /// Purposes; a case has one.
    pub purposes: Vec<Purpose>,
}

/// One purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// In words.
    pub purpose: String,
    /// 持证人授权, 委托授权 or 依职能查验.
    pub lawful_basis: LegalBasis,
    /// The law that is named, for 依职能查验.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lawful_basis_text: Option<String>,
    /// Each licence that was asked for.
    pub pii_information: Vec<Information>,
    /// Who decides on the processing.
    pub pii_controllers: Vec<String>,
    /// Where the data lies.
    pub storage_locations: Vec<String>,
    /// For how long.
    pub retention_period: String,
    /// Under whose law.
    pub jurisdiction: String,
    /// Who else gets it.
    pub recipient_third_parties: Vec<String>,
    /// How to take it back.
    pub withdrawal_method: String,
}

/// 用证依据: on which ground licences are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegalBasis {
    /// The holder agreed.
    #[serde(rename = "持证人授权")]
    Holder,
    /// The principal agreed, for a delegate.
    #[serde(rename = "委托授权")]
    Mandate,
    /// The principal signed a mandate on paper: good for taking the case in, and for no licence.
    #[serde(rename = "纸质委托书")]
    PaperMandate,
    /// The law allows it, and the citizen was told.
    #[serde(rename = "依职能查验")]
    Office,
}

impl LegalBasis {
    /// The ground on which licences of a case are used.
    pub fn of(case: &Case) -> Self {
        match (&case.consent, case.mandator()) {
            (Consent::Office { .. }, _) => Self::Office,
            _ if case.paper_mandate.is_some() => Self::PaperMandate,
            (_, Some(_)) => Self::Mandate,
            (_, None) => Self::Holder,
        }
    }

    /// The Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Holder => "持证人授权",
            Self::Mandate => "委托授权",
            Self::PaperMandate => "纸质委托书",
            Self::Office => "依职能查验",
        }
    }
}

/// One licence that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Information {
    /// The kind's name.
    pub pii_type: String,
    /// The kind.
    pub kind: LicenceKindCode,
    /// Which material it stands for.
    pub material: MaterialId,
    /// Which licence.
    pub licence: LicenceId,
    /// The fields, in words; their keys where the words were not known.
    pub fields: Vec<String>,
    /// Whether it was agreed to.
    pub agreed: bool,
    /// 用证码 of the box, if it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_code: Option<String>,
    /// In how far the licence was known to be valid.
    pub licence_grade: Option<crate::LicenceGrade>,
    /// When its status was known to be true.
    pub status_at: Option<Timestamp>,
    /// How old the status list was when it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_age_s: Option<i64>,
}

/// What somebody is in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyType {
    /// 持证主体.
    PiiPrincipal,
    /// Who stood at the window and said yes, or was told.
    ConsentingPerson,
    /// 办理部门.
    PiiController,
    /// The hall.
    PiiProcessor,
    /// 省级中心.
    Centre,
}

/// Somebody concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// A digest for people, a code for others.
    pub party_id: String,
    /// Masked for people.
    pub party_name: String,
    /// Where they are found.
    pub party_address: String,
    /// How they are reached.
    pub party_contact: String,
    /// What they are.
    pub party_type: PartyType,
}

/// Something that happened to a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub event_time: Timestamp,
    /// For how long it is good.
    pub validity_duration: String,
    /// Who did it.
    pub entity_id: String,
    /// What kind of event.
    pub event_type: EventType,
    /// What holds since then.
    pub event_state: EventState,
    /// How well it is proven.
    pub evidence_grade: ConsentGrade,
    /// Digest of what was on the citizen's screen; for a paper that was signed, of its scan.
    pub screen_digest: String,
    /// 用证码 given out under it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub use_codes: Vec<String>,
    /// 在线 or 离线.
    pub mode: Mode,
    /// The greatest age of the status lists that were looked at, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_age_s: Option<i64>,
    /// Where it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<WithdrawnAt>,
}

/// What kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// The page was put before the citizen.
    Request,
    /// The citizen pressed 同意授权.
    Explicit,
    /// The principal signed on paper, and the paper was scanned.
    Signature,
    /// The citizen was told, not asked.
    Notice,
    /// 代办人确认.
    Acknowledgement,
    /// 撤回.
    Withdrawal,
}

/// What holds after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// Asked, not answered.
    ConsentRequested,
    /// Agreed to.
    ConsentGiven,
    /// No consent is needed, and the citizen knows.
    LegalBasisNoticed,
    /// The delegate knows.
    ConsentAcknowledged,
    /// Taken back.
    ConsentWithdrawn,
}

/// What a hall adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtHall {
    /// 办件编号.
    pub case_no: String,
    /// 事项编码.
    pub item: ItemCode,
    /// 事项名称.
    pub item_name: String,
    /// The hall.
    pub hall: String,
    /// The window.
    pub window: WindowId,
    /// The clerk.
    pub clerk: AccountName,
    /// In what mode it was given.
    pub mode: Mode,
    /// What was refused singly.
    pub refused: BTreeSet<MaterialId>,
}

/// The record of what a case's licences were used on, or of the paper that it was taken in on; none where nobody agreed,
/// signed or was told.
pub fn record(case: &Case, facts: &RecordFacts<'_>) -> Option<ConsentRecord> {
    let Some(given) = Given::of(case) else { return paper::record(case, facts) };
    let request = &given.asked.request;
    let digest = |holder: &HolderId| (facts.principal)(holder);
    let holder = case.principal().unwrap_or_else(|| request.person.clone());
    let basis = LegalBasis::of(case);
    let record = ConsentRecord {
        header: Header {
            schema_version: SCHEMA_VERSION.to_owned(),
            record_id: format!("{}-{}", request.case_no, given.asked.command),
            pii_principal_id: digest(&holder),
        },
        pii_processing: Processing {
            privacy_notice: request.text_version.clone(),
            language: "zh-CN".to_owned(),
            purposes: vec![Purpose {
                purpose: format!("办理“{}”", request.item_name),
                lawful_basis: basis,
                lawful_basis_text: given.asked.office.as_ref().map(|ground| ground.basis.clone()),
                pii_information: request.rows.iter().map(|row| information(case, &given, row)).collect(),
                pii_controllers: vec![request.department.clone()],
                storage_locations: vec![request.hall.clone(), "省级中心".to_owned()],
                retention_period: RETENTION.to_owned(),
                jurisdiction: "CN".to_owned(),
                recipient_third_parties: vec!["省级中心".to_owned()],
                withdrawal_method: match basis {
                    LegalBasis::PaperMandate => paper::WITHDRAWAL.to_owned(),
                    LegalBasis::Office => "依法查验，不适用撤回；有异议的，可向办理部门提出".to_owned(),
                    LegalBasis::Holder | LegalBasis::Mandate => WITHDRAWAL.to_owned(),
                },
            }],
        },
        parties: parties(case, &given, &holder, facts),
        events: events(case, &given, &holder, facts),
        hall: AtHall {
            case_no: request.case_no.to_string(),
            item: request.item.clone(),
            item_name: request.item_name.clone(),
            hall: request.hall.clone(),
            window: request.window.clone(),
            clerk: case.clerk.clone(),
            mode: given.mode(),
            refused: given.refused.clone(),
        },
    };
    Some(record)
}

/// What was answered, whatever became of it.
struct Given<'a> {
    asked: &'a Asked,
    refused: BTreeSet<MaterialId>,
    at: Timestamp,
    grade: ConsentGrade,
    withdrawn: Option<(WithdrawnAt, Timestamp)>,
}

impl<'a> Given<'a> {
    fn of(case: &'a Case) -> Option<Self> {
        let grade = case.consent_grade();
        match &case.consent {
            Consent::Given { asked, refused, at, .. } => {
                Some(Self { asked, refused: refused.clone(), at: *at, grade, withdrawn: None })
            }
            Consent::Office { asked, at, .. } => {
                Some(Self { asked, refused: BTreeSet::new(), at: *at, grade, withdrawn: None })
            }
            Consent::Withdrawn { asked, refused, given, place, since } => Some(Self {
                asked,
                refused: refused.clone(),
                at: given.as_ref().map_or(asked.at, |given| given.at),
                grade: given.as_ref().map_or(ConsentGrade::C0, |given| given.grade),
                withdrawn: Some((*place, *since)),
            }),
            _ => None,
        }
    }

    fn mode(&self) -> Mode {
        if self.asked.request.offline { Mode::Offline } else { Mode::Online }
    }

    fn agreed(&self, row: &ConsentRow) -> bool {
        !self.refused.contains(&row.material)
    }
}

fn listed<'a>(case: &'a Case, row: &ConsentRow) -> Option<&'a ListedLicence> {
    let found = case.list.iter().find(|listed| listed.material == row.material);
    found.and_then(|listed| listed.licence.as_ref()).filter(|licence| licence.id == row.licence)
}

/// How old the status list was that a licence was judged by.
fn list_age(case: &Case, row: &ConsentRow) -> Option<i64> {
    let used = case.uses.iter().find(|used| used.material == row.material);
    let statement = used
        .and_then(|used| used.statement.as_ref())
        .or_else(|| listed(case, row).and_then(|licence| licence.statement.as_ref()))?;
    Some(statement.at.ms_since(statement.list_at?) / 1000)
}

fn information(case: &Case, given: &Given<'_>, row: &ConsentRow) -> Information {
    let used = case.uses.iter().find(|used| used.material == row.material);
    let listed = listed(case, row);
    let keys = || row.fields.iter().map(ToString::to_string).collect();
    Information {
        pii_type: row.name.clone(),
        kind: row.kind.clone(),
        material: row.material.clone(),
        licence: row.licence.clone(),
        fields: if row.labels.is_empty() { keys() } else { row.labels.clone() },
        agreed: given.agreed(row),
        use_code: used.map(|used| used.use_code.clone()),
        licence_grade: used.map(|used| used.grade).or(listed.map(|licence| licence.grade)),
        status_at: used.map(|used| used.status_at).or(listed.map(|licence| licence.status_at)),
        list_age_s: list_age(case, row),
    }
}

fn parties(case: &Case, given: &Given<'_>, holder: &HolderId, facts: &RecordFacts<'_>) -> Vec<Party> {
    let request = &given.asked.request;
    let party = |party_type, id: String, name: &str, address: &str, contact: &str| Party {
        party_id: id,
        party_name: name.to_owned(),
        party_address: address.to_owned(),
        party_contact: contact.to_owned(),
        party_type,
    };
    // Where people live stands in the evidence, sealed with the package, and nowhere else.
    let at_hall = format!("经由{}", request.hall);
    let person = mask_name(&request.person_name);
    let principal = match (&request.on_behalf_of, case.mandator()) {
        (_, Some((_, name))) => mask_name(name),
        (Some(name), None) => name.clone(),
        (None, None) => person.clone(),
    };
    let principal_id = (facts.principal)(holder);
    let person_id = (facts.principal)(&request.person);
    vec![
        party(PartyType::PiiPrincipal, principal_id, &principal, &at_hall, &at_hall),
        party(PartyType::ConsentingPerson, person_id, &person, &at_hall, &at_hall),
        party(
            PartyType::PiiController,
            request.item.to_string(),
            &request.department,
            &request.department,
            HOTLINE,
        ),
        party(PartyType::PiiProcessor, facts.hall_code.to_owned(), &request.hall, &request.hall, HOTLINE),
        party(PartyType::Centre, "centre".to_owned(), "省级中心", "省级中心", HOTLINE),
    ]
}

fn events(case: &Case, given: &Given<'_>, holder: &HolderId, facts: &RecordFacts<'_>) -> Vec<Event> {
    let asked = given.asked;
    let event = |at, entity: String, event_type, event_state, grade| Event {
        event_time: at,
        validity_duration: VALIDITY.to_owned(),
        entity_id: entity,
        event_type,
        event_state,
        evidence_grade: grade,
        screen_digest: asked.digest.clone(),
        use_codes: Vec::new(),
        mode: given.mode(),
        list_age_s: None,
        place: None,
    };
    let person = || (facts.principal)(&asked.request.person);
    let (kind, state, who) = match LegalBasis::of(case) {
        LegalBasis::Office => (EventType::Notice, EventState::LegalBasisNoticed, person()),
        LegalBasis::Mandate | LegalBasis::PaperMandate => {
            (EventType::Explicit, EventState::ConsentGiven, (facts.principal)(holder))
        }
        LegalBasis::Holder => (EventType::Explicit, EventState::ConsentGiven, person()),
    };
    let mut events = vec![
        event(
            asked.at,
            facts.hall_code.to_owned(),
            EventType::Request,
            EventState::ConsentRequested,
            ConsentGrade::C0,
        ),
        Event {
            use_codes: case.uses.iter().map(|used| used.use_code.clone()).collect(),
            list_age_s: asked.request.rows.iter().filter_map(|row| list_age(case, row)).max(),
            ..event(given.at, who.clone(), kind, state, given.grade)
        },
    ];
    if let Some(Acknowledgement::Given { at, .. }) = &case.acknowledgement {
        let kind = EventType::Acknowledgement;
        events.push(event(*at, person(), kind, EventState::ConsentAcknowledged, ConsentGrade::C2));
    }
    if let Some((place, since)) = given.withdrawn {
        let state = EventState::ConsentWithdrawn;
        let taken = event(since, who, EventType::Withdrawal, state, ConsentGrade::C0);
        events.push(Event { place: Some(place), ..taken });
    }
    events
}

mod paper;
#[cfg(test)]
mod tests;
