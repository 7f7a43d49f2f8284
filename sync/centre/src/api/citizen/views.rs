//! How things look to a phone: masked, in words, without what the phone need not know.

use super::seconds;
use crate::app::App;
use crate::citizen::Refusal;
use crate::citizen::capacity::{self as capacities, For};
use crate::citizen::challenge::View;
use crate::citizen::consent::{Consent, Via};
use crate::citizen::grant::{Grant, GrantState};
use crate::citizen::mandate::{Mandate, MandateState};
use crate::citizen::notice::Notice;
use crate::register;
use crate::store::Registered;
use crate::store::citizens::{KeptChallenge, Person, Session};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hall_domain::case::WithdrawnAt;
use hall_domain::consent::record::RETENTION;
use hall_domain::masking::{mask_name, mask_number};
use hall_domain::{ActsFor, Capacity, HolderId, IdentityDocument, PhoneAsk, Timestamp};
use hall_ledger::phone::to_qr;
use serde_json::{Value, json};

/// How a consent is withdrawn.
const WITHDRAWAL: &str = "在本应用“授权记录”中撤回，或到大厅窗口撤回";
/// What one can do where there is nothing to withdraw.
const OBJECTION: &str = "依法查验，不适用撤回；有异议的，可向办理部门提出，或拨打 12345";

/// Without padding (RFC 4648 §5).
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// 32 bytes of a key, back from [`base64url`].
pub fn key(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// An object without members that are null: absent is absent.
pub fn without_null(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// A person's name and number, masked.
pub fn masked(name: &str, document: &IdentityDocument) -> Value {
    json!({ "name": mask_name(name), "document": document.masked() })
}

/// 我的.
pub async fn me(app: &App, session: &Session) -> Result<Value, Refusal> {
    let (person, now) = (&session.person, app.now());
    let mut organisations = Vec::new();
    for organisation in app.store.organisations_represented(&person.document).await? {
        if organisation.is_represented_by(&person.document, &person.name) {
            organisations.push(json!({
                "uscc": organisation.uscc,
                "name": organisation.name,
                "role": "legal_representative",
                "role_zh": "法定代表人",
                "capacity": For::Organisation(organisation.uscc.clone()),
            }));
        }
    }
    for grant in app.store.grants_to(&person.document).await? {
        if grant.state(now) != GrantState::InForce {
            continue;
        }
        let Some(organisation) = app.store.organisation(&grant.uscc).await? else { continue };
        let organisation = register::with_agents(app, organisation).await?;
        if let Some(ActsFor::Agent(acting)) = organisation.acts_for(&person.document, &person.name, now)
            && acting.place == grant.place
        {
            organisations.push(json!({
                "uscc": organisation.uscc,
                "name": organisation.name,
                "role": "agent",
                "role_zh": "经办授权人",
                "from": seconds(grant.from),
                "until": seconds(grant.until),
                "capacity": For::Organisation(organisation.uscc.clone()),
            }));
        }
    }
    let mut mandates = Vec::new();
    for mandate in app.store.mandates_to(&person.document).await? {
        let wanted = For::Mandate(mandate.id);
        match capacities::resolve(app, person, &wanted).await {
            Ok(found) => mandates.push(capacity(app, person, &wanted, &found)),
            Err(Refusal::Because(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let kind = person.document.kind();
    Ok(json!({
        "name": mask_name(&person.name),
        "document_kind": kind,
        "document_kind_zh": kind.zh(),
        "document": person.document.masked(),
        "phone": person.phone.as_ref().map_or_else(String::new, |phone| mask_number(phone.as_ref())),
        "face_checked": session.face_checked,
        "organisations": organisations,
        "mandates": mandates,
    }))
}

/// For whom somebody acts.
pub fn capacity(app: &App, person: &Person, wanted: &For, capacity: &Capacity) -> Value {
    let (name, item) = match capacity {
        Capacity::Own => ("own", None),
        Capacity::LegalRepresentative { .. } => ("legal_representative", None),
        Capacity::Agent { .. } => ("agent", None),
        Capacity::Delegate { item, .. } => ("delegate", item.as_ref()),
    };
    let item_name = item.and_then(|code| app.catalogue.item(code)).map(|item| &item.name);
    without_null(json!({
        "capacity": wanted,
        "as": name,
        "zh": capacity.zh(),
        "for": capacities::shown_principal(person, capacity),
        "item": item,
        "item_name": item_name,
        "until": capacity.revocable().map(|(until, _)| seconds(until)),
    }))
}

/// One message.
pub fn message((number, read, notice): &(u64, bool, Notice)) -> Value {
    without_null(json!({
        "number": number,
        "at": seconds(notice.at),
        "kind": notice.kind,
        "title": notice.title,
        "text": notice.text,
        "read": read,
        "nonce": notice.nonce,
        "consent": notice.consent,
        "delegation": notice.delegation,
        "case_no": notice.case_no,
    }))
}

/// A card, masked.
pub fn card(app: &App, person: &Person, found: &Registered) -> Value {
    let (licence, today) = (&found.licence, app.now().local_date());
    let holder = match &licence.holder {
        HolderId::Person(_) => mask_name(&person.name),
        HolderId::Organisation(uscc) => {
            let name =
                licence.fields.iter().find(|(key, _)| key.as_str() == "name").map(|(_, name)| name.clone());
            name.unwrap_or_else(|| uscc.to_string())
        }
    };
    without_null(json!({
        "licence": licence.id,
        "kind": licence.kind,
        "name": licence.name,
        "department": app.catalogue.kind(&licence.kind).map(|kind| &kind.department),
        "holder": holder,
        "number": mask_number(&licence.number),
        "issued": licence.issued,
        "issuer": licence.issuer.name,
        "valid_until": licence.valid_until,
        "status": found.status,
        "status_zh": found.status.zh(),
        "expired": licence.expired(today),
    }))
}

/// What a window asks, in words.
pub fn challenge(app: &App, person: &Person, wanted: &For, view: &View<'_>) -> Value {
    let asked = &view.kept.asked;
    let licences: Vec<Value> = view
        .rows
        .iter()
        .map(|row| {
            without_null(json!({
                "material": row.material.id,
                "kind": row.kind.code,
                "name": row.kind.name,
                "required": row.material.required,
                "fields": row.labels(),
                "whose": row.whose,
                "available": row.found.is_some(),
                "status": row.found.as_ref().map(|found| found.status),
                "status_zh": row.found.as_ref().map(|found| found.status.zh()),
            }))
        })
        .collect();
    // Most halls call a window "综合1号窗口".
    let suffix = if asked.window.ends_with("窗口") { "" } else { "窗口" };
    let place = format!("{}{}{suffix}", asked.hall_name, asked.window);
    let item = view.item.map_or("政务事项", |item| item.name.as_str());
    let sentence = match asked.kind {
        PhoneAsk::Code => format!("{place}请您出示办事码。"),
        PhoneAsk::Face => format!("{place}请您刷脸核验身份。"),
        PhoneAsk::Consent => format!("{place}正在办理“{item}”，请您授权使用下列证照。"),
        PhoneAsk::Principal => format!("代办人正在{place}为您办理“{item}”，请您确认使用下列证照。"),
        PhoneAsk::Licences => format!("{place}正在办理“{item}”，请您出示下列证照。"),
    };
    let about_licences = !licences.is_empty();
    without_null(json!({
        "nonce": asked.nonce,
        "kind": asked.kind,
        "kind_zh": asked.kind.zh(),
        "sentence": sentence,
        "hall": asked.hall_name,
        "window": asked.window,
        "item": asked.item,
        "item_name": view.item.map(|item| &item.name),
        "department": view.item.map(|item| &item.department),
        "purpose": view.item.map(|item| format!("办理“{}”", item.name)),
        "capacity": capacity(app, person, wanted, &view.capacity),
        "needs_face": asked.needs_face(),
        "expires_at": seconds(asked.expires_at),
        "state": view.kept.word(app.now()),
        "licences": licences,
        "retention": about_licences.then_some(RETENTION),
        "withdrawal": about_licences.then_some(WITHDRAWAL),
    }))
}

/// What came of a challenge.
pub async fn answered(app: &App, kept: &KeptChallenge, mine: bool) -> Result<Value, Refusal> {
    let word = kept.word(app.now());
    if !mine {
        return Ok(json!({ "nonce": kept.asked.nonce, "state": word }));
    }
    let consent = match kept.consent {
        Some(id) => app.store.consent(id).await?,
        None => None,
    };
    let rows = consent.iter().flat_map(|consent| &consent.rows);
    let (agreed, refused): (Vec<_>, Vec<_>) = rows.partition(|row| row.agreed);
    let use_codes: Vec<Value> = agreed
        .iter()
        .map(|row| json!({ "material": row.material, "name": row.name, "use_code": row.use_code }))
        .collect();
    let message = match (word, kept.asked.kind, &consent) {
        ("waiting", _, _) => "已通知委托人，请稍候。",
        ("expired", _, _) => "窗口已不再等待，请让窗口重新显示二维码。",
        ("refused", _, _) => "您没有同意，窗口不会得到任何信息。",
        ("answered", PhoneAsk::Consent | PhoneAsk::Principal, None) => {
            "已告知窗口：不同意。需要的材料请改用纸质原件。"
        }
        ("answered", PhoneAsk::Consent | PhoneAsk::Principal, Some(_)) => {
            "授权成功。请出示二维码，或等待窗口自动收到。"
        }
        ("answered", _, _) => "核验成功。请出示二维码，或等待窗口自动收到。",
        _ => "等待您应答。",
    };
    Ok(without_null(json!({
        "nonce": kept.asked.nonce,
        "state": word,
        "assertion": kept.assertion.as_deref().map(to_qr),
        "expires_at": kept.assertion.as_ref().and(kept.expires_at).map(seconds),
        "consent": kept.consent,
        "delivered_at": kept.delivered_at.map(seconds),
        "use_codes": use_codes,
        "refused": refused.iter().map(|row| &row.material).collect::<Vec<_>>(),
        "message": message,
    })))
}

/// 账号、姓名、证件号码、授权有效期, masked.
pub fn grant(grant: &Grant, now: Timestamp) -> Value {
    let state = grant.state(now);
    json!({
        "id": grant.id,
        "account": mask_number(grant.phone.as_ref()),
        "name": mask_name(&grant.name),
        "document": grant.document.masked(),
        "from": seconds(grant.from),
        "until": seconds(grant.until),
        "state": state,
        "state_zh": state.zh(),
    })
}

/// One delegation, for the principal (`given`) or the agent.
pub fn mandate(app: &App, mandate: &Mandate, given: bool) -> Value {
    let over = mandate.over(app.now());
    let principal = match &mandate.principal {
        HolderId::Person(document) => masked(&mandate.principal_name, document),
        HolderId::Organisation(uscc) => json!({ "name": mandate.principal_name, "document": uscc }),
    };
    let kinds: Vec<Value> = mandate
        .kinds
        .iter()
        .map(|code| {
            let name = app.catalogue.kind(code).map_or("", |kind| kind.name.as_str());
            json!({ "code": code, "name": name })
        })
        .collect();
    let item_name = mandate.item.as_ref().and_then(|code| app.catalogue.item(code)).map(|item| &item.name);
    let in_force = mandate.state == MandateState::InForce && !over;
    let pending = mandate.state == MandateState::Pending && !over;
    without_null(json!({
        "id": mandate.id,
        "principal": principal,
        "agent": masked(&mandate.agent_name, &mandate.agent),
        "item": mandate.item,
        "item_name": item_name,
        "kinds": kinds,
        "created_at": seconds(mandate.created_at),
        "until": seconds(mandate.until),
        "state": mandate.state.word(over),
        "state_zh": mandate.state.zh(over),
        "capacity": (in_force && !given).then_some(For::Mandate(mandate.id)),
        "accept_code": (pending && given).then(|| mandate.accept_code()),
    }))
}

/// Whether a consent holds, as a word and for people.
pub fn consent_state(consent: &Consent) -> (&'static str, &'static str) {
    match (consent.via, consent.withdrawn_at, consent.ended_at) {
        (Via::Office, _, _) => ("legal_basis", "依职能查验"),
        (_, Some(_), _) => ("withdrawn", "已撤回"),
        (_, None, Some(_)) => ("ended", "办件已终止"),
        (_, None, None) => ("in_force", "有效"),
    }
}

/// A consent in the list.
pub fn consent_row(consent: &Consent) -> Value {
    let (state, state_zh) = consent_state(consent);
    let agreed = consent.rows.iter().filter(|row| row.agreed);
    without_null(json!({
        "id": consent.id,
        "case_no": consent.case_no,
        "item_name": consent.item_name,
        "department": consent.department,
        "hall": consent.hall_name,
        "agreed_at": seconds(consent.agreed_at),
        "via": consent.via,
        "licences": agreed.map(|row| &row.name).collect::<Vec<_>>(),
        "state": state,
        "state_zh": state_zh,
    }))
}

/// A consent with the sections of ISO/IEC TS 27560.
pub fn consent(consent: &Consent) -> Value {
    let information: Vec<Value> = consent
        .rows
        .iter()
        .map(|row| {
            without_null(json!({
                "pii_type": row.name,
                "fields": row.fields,
                "licence": row.licence,
                "use_code": row.use_code,
                "agreed": row.agreed,
            }))
        })
        .collect();
    let by_office = consent.via == Via::Office;
    let mut events = vec![json!({
        "event_time": seconds(consent.agreed_at),
        "event_type": if by_office { "notice" } else { "explicit" },
        "event_state": if by_office { "legal_basis_noticed" } else { "consent_given" },
        "validity_duration": "仅限本次办件",
        "entity_id": consent.by.masked(),
    })];
    if let Some(at) = consent.withdrawn_at {
        events.push(json!({
            "event_time": seconds(at),
            "event_type": "withdrawal",
            "event_state": "consent_withdrawn",
            "entity_id": consent.by.masked(),
            "place": consent.withdrawn_place.unwrap_or(WithdrawnAt::Phone),
        }));
    }
    if let (Some(at), None, false) = (consent.ended_at, consent.withdrawn_at, by_office) {
        events.push(json!({
            "event_time": seconds(at),
            "event_type": "termination",
            "event_state": "consent_ended",
            "entity_id": consent.hall_name,
        }));
    }
    let principal = match consent.holder {
        HolderId::Person(_) => mask_name(&consent.holder_name),
        HolderId::Organisation(_) => consent.holder_name.clone(),
    };
    let party = |id: String, name: &str, kind: &str| json!({ "party_id": id, "party_name": name, "party_type": kind });
    let refused: Vec<_> = consent.rows.iter().filter(|row| !row.agreed).map(|row| &row.material).collect();
    json!({
        "header": {
            "schema_version": "27560:2023",
            "record_id": consent.id,
            "pii_principal_id": consent.holder.shown(),
        },
        "pii_processing": {
            "privacy_notice": consent.notice,
            "language": "zh-CN",
            "purposes": [{
                "purpose": format!("办理“{}”", consent.item_name),
                "lawful_basis": match &consent.basis {
                    Some(basis) => format!("依职能查验：{basis}"),
                    None => "个人同意".to_owned(),
                },
                "pii_information": information,
                "pii_controllers": [consent.department],
                "storage_locations": [consent.hall_name, "省级中心"],
                "retention_period": RETENTION,
                "jurisdiction": "CN",
                "recipient_third_parties": [],
                "withdrawal_method": if by_office { OBJECTION } else { WITHDRAWAL },
            }],
        },
        "parties": [
            party(consent.holder.shown(), &principal, "pii_principal"),
            party(consent.by.masked(), &mask_name(&consent.by_name), "consenting_person"),
            party(consent.item.to_string(), &consent.department, "pii_controller"),
            party(consent.hall.clone(), &consent.hall_name, "processor"),
        ],
        "events": events,
        "hall": without_null(json!({
            "case_no": consent.case_no,
            "item": consent.item,
            "item_name": consent.item_name,
            "hall": consent.hall_name,
            "window": consent.window,
            "via": consent.via,
            "grade": match consent.via {
                Via::Evaluator => "C2",
                Via::Phone | Via::Principal => "C3",
                Via::Office => "CX",
            },
            "mode": consent.mode,
            "digest_hex": consent.digest,
            "refused": refused,
        })),
    })
}
