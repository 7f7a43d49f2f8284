use serde_json::{Value, json};

use super::*;
use crate::payload::{decode, encode};

/// The same files are read by the tests of the evaluator page.
const AUTHORIZE: &str = include_str!("../../fixtures/show-authorize.json");
const CHALLENGE: &str = include_str!("../../fixtures/show-challenge.json");
const NOTICE: &str = include_str!("../../fixtures/show-notice.json");

#[test]
fn a_show_is_written_as_documented_and_its_digest_is_that_of_its_data() {
    for (text, kind) in
        [(AUTHORIZE, PageKind::Authorize), (CHALLENGE, PageKind::Challenge), (NOTICE, PageKind::Notice)]
    {
        let json: Value = serde_json::from_str(text).unwrap();
        let show: Show = decode(text.as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&encode(&show).unwrap()).unwrap(), json);
        assert_eq!(show.page.digest().unwrap(), show.digest);
        assert_eq!(show.page.kind(), kind);
    }
}

#[test]
fn an_answer_is_written_as_documented() {
    let outcomes = [
        (
            json!({"outcome": "confirmed", "detail": {"refused_rows": ["m2"]}}),
            Outcome::Confirmed { refused_rows: BTreeSet::from(["m2".to_owned()]) },
        ),
        (json!({"outcome": "refused", "detail": {}}), Outcome::Refused {}),
        (json!({"outcome": "timeout", "detail": {}}), Outcome::Timeout {}),
        (json!({"outcome": "dismissed", "detail": {}}), Outcome::Dismissed {}),
        (
            json!({"outcome": "rated", "detail": {"level": 5, "reasons": [], "comment": ""}}),
            Outcome::Rated { level: 5, reasons: Vec::new(), comment: String::new() },
        ),
    ];
    for (json, outcome) in outcomes {
        let mut expected = json!({
            "v": 1, "id": "01KAJ8ZQ3R0000000000000009", "dev": "ev-01arz3ndektsv4rrffq69g5fav",
            "cmd": "01KAJ8ZQ3R0000000000000001", "gen": 78, "bind_epoch": 4, "page": "authorize",
            "digest": "sha-256:267c79f7fa824a1e2f4ee8b9851bcd1eeb9466e6026771151246d0dc706b820a",
            "counter": 4103, "boot": "01KAJ8ZQ3R0000000000000000", "dev_time": "2026-11-21T09:30:18.570+08:00",
            "shown_ms": 18_450, "touches": 3, "sw": "0.1.0"
        });
        expected.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        let answer: Answer = decode(expected.to_string().as_bytes()).unwrap();
        assert_eq!(answer.outcome, outcome);
        assert_eq!(serde_json::from_slice::<Value>(&encode(&answer).unwrap()).unwrap(), expected);
    }
}

#[test]
fn every_page_names_itself_on_the_wire() {
    let pages = [
        Page::Idle(IdlePage { hall: String::new(), window: String::new(), notice: None }),
        Page::Message(MessagePage { level: MessageLevel::Info, title: String::new(), text: String::new() }),
        Page::Rating(RatingPage {
            service: String::new(),
            case_no: String::new(),
            rubric: String::new(),
            levels: Vec::new(),
            reason_required_below: 3,
        }),
        Page::Paused(PausedPage { notice: String::new() }),
    ];
    for page in pages {
        let json = serde_json::to_value(&page).unwrap();
        assert_eq!(json["page"], serde_json::to_value(page.kind()).unwrap());
        assert_eq!(Digest::of_json(&json["data"]).unwrap(), page.digest().unwrap());
    }
}

#[test]
fn the_name_of_the_applicant_is_not_in_debug_texts() {
    let show: Show = decode(AUTHORIZE.as_bytes()).unwrap();
    assert!(!format!("{show:?}").contains("王*"));
}

#[test]
fn what_a_code_says_is_not_in_debug_texts() {
    let show: Show = decode(CHALLENGE.as_bytes()).unwrap();
    assert!(!format!("{show:?}").contains("HB1:"));
}
