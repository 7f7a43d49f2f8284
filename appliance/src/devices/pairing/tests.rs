//! What becomes of a case whose device is taken away.

use crate::book::Fault;
use crate::devices::fixture::{Window, w01};
use crate::live::Change;
use crate::store::{cases, devices as rows};
use ed25519_dalek::SigningKey;
use hall_bus::jws::{Jws, PAIRING_TYPE};
use hall_bus::pairing::Begin;
use hall_bus::{DeviceKind, encode};
use hall_domain::ApplicantKind;
use hall_domain::case::{
    AccountName, Case, CaseEvent, CaseId, CaseRecord, CommandId, Consent, ConsentEnd, RatingState,
};
use hall_domain::consent::ConsentRequest;
use std::sync::Arc;

impl Window {
    /// A case of a clerk to which `event` has happened.
    async fn case(&self, id: &str, event: CaseEvent) -> CaseId {
        let (book, id, by) = (self.book.clone(), id.parse::<CaseId>().unwrap(), clerk());
        let now = book.clock.now();
        let case = id.clone();
        self.book
            .db
            .write(move |tx| {
                let no = cases::next_no(tx, "990100", &now.local_date().to_compact())?.parse().unwrap();
                let opened = CaseEvent::Opened {
                    item: "11519900MBTE5T09682000100003001".parse().unwrap(),
                    item_version: 1,
                    item_name: "事项".to_owned(),
                    applicant: ApplicantKind::Person,
                    window: w01(),
                    hall: "大厅".to_owned(),
                };
                let (case, clerk) = (id.clone(), by.clone());
                book.open_case(tx, &CaseRecord { case, no, at: now, clerk, event: opened })?;
                book.change_case(tx, &id, &by, now, |_| Ok(vec![event]))?;
                Ok::<_, Fault>(())
            })
            .await
            .unwrap();
        case
    }

    /// A case that waits for a citizen's agreement to this command.
    async fn asking(&self, id: &str, command: &CommandId) -> CaseId {
        let now = self.book.clock.now();
        let request = ConsentRequest {
            case_no: cases_no(),
            item: "11519900MBTE5T09682000100003001".parse().unwrap(),
            item_name: "事项".to_owned(),
            department: "部门".to_owned(),
            hall: "大厅".to_owned(),
            window: w01(),
            person: "111:519900198805160241".parse().unwrap(),
            person_name: "王芳".to_owned(),
            on_behalf_of: None,
            rows: Vec::new(),
            text_version: "1".to_owned(),
            offline: false,
            asked_at: now,
        };
        let event = CaseEvent::ConsentAsked {
            phone: None,
            office: None,
            request: Box::new(request),
            digest: "00".to_owned(),
            command: command.clone(),
            device: "ev-1".to_owned(),
            deadline: now.plus_seconds(120),
        };
        self.case(id, event).await
    }

    async fn stored(&self, id: &CaseId) -> Case {
        let (vault, id) = (self.book.vault.clone(), id.clone());
        let found = self.book.db.read_with(move |db| Ok::<_, Fault>(cases::find(db, &vault, &id)?)).await;
        Arc::unwrap_or_clone(found.unwrap().unwrap().case)
    }

    async fn serve(&self, command: &CommandId, case: &CaseId) {
        let (command, case) = (command.clone(), case.clone());
        self.write(move |tx| {
            tx.execute("UPDATE command SET case_id = ?2 WHERE id = ?1", [command.as_str(), case.as_str()])
        })
        .await;
    }
}

fn clerk() -> AccountName {
    "li.qiang".parse().unwrap()
}

fn cases_no() -> hall_domain::case::CaseNo {
    "990100-20261122-00001".parse().unwrap()
}

#[tokio::test]
async fn a_revoked_evaluator_leaves_no_case_waiting() {
    let window = Window::new().await;
    let device = window.device(DeviceKind::Evaluator).await;
    let consent = window.command(&device, rows::CommandKind::Authorize, None).await;
    let rating = window.command(&device, rows::CommandKind::Rating, None).await;
    // Its case waits for another command by now: nothing to end, and no reason to keep the device.
    let overtaken = window.command(&device, rows::CommandKind::Authorize, None).await;
    let now = window.book.clock.now();
    let asked = window.asking("01asked", &consent).await;
    let rated = CaseEvent::RatingAsked { command: rating.clone(), deadline: now.plus_seconds(60) };
    let rated = window.case("01rated", rated).await;
    let later = window.asking("01later", &"01OTHER".parse().unwrap()).await;
    for (command, case) in [(&consent, &asked), (&rating, &rated), (&overtaken, &later)] {
        window.serve(command, case).await;
    }
    let mut live = window.live.listen();
    window.pairing.revoke(&device, &"tech".parse().unwrap()).await.unwrap();
    let ended = window.stored(&asked).await.consent;
    assert!(matches!(ended, Consent::Ended { reason: ConsentEnd::Unreachable, .. }), "{ended:?}");
    let ended = window.stored(&rated).await.rating;
    assert!(matches!(ended, RatingState::Ended), "{ended:?}");
    assert!(matches!(window.stored(&later).await.consent, Consent::Waiting { .. }));
    let told: Vec<_> = std::iter::from_fn(|| live.try_recv().ok()).collect();
    for case in [asked, rated] {
        assert!(told.contains(&Change::Case(case)), "{told:?}");
    }
    assert!(window.write(|tx| rows::open_commands(tx, None)).await.is_empty());
}

#[tokio::test]
async fn an_evaluator_that_loses_its_window_to_another_leaves_no_case_waiting() {
    let window = Window::new().await;
    let loser = window.device(DeviceKind::Evaluator).await;
    let consent = window.command(&loser, rows::CommandKind::Authorize, None).await;
    let asked = window.asking("01asked", &consent).await;
    window.serve(&consent, &asked).await;
    let key = SigningKey::from_bytes(&[9; 32]);
    let begin = Begin {
        kind: DeviceKind::Evaluator,
        key: key.verifying_key().into(),
        model: "平板".to_owned(),
        serial: String::new(),
        sw: "0.1.0".to_owned(),
        nonce: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    };
    let name = begin.key.thumbprint().to_string();
    let body = Jws::sign(&key, &name, PAIRING_TYPE, &encode(&begin).unwrap()).to_bytes();
    let begun = window.pairing.begin(&body).unwrap().unwrap();
    window.pairing.bind(begun.code, &w01(), &"tech".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(window.found(&loser).await.window, None);
    let ended = window.stored(&asked).await.consent;
    assert!(matches!(ended, Consent::Ended { reason: ConsentEnd::Unreachable, .. }), "{ended:?}");
}
