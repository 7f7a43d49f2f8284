//! Other people's libraries read what the box and the centre write for phones, and the other way round:
//! `docs/protocol/verify-phone.py` knows only the documentation, `cwt`, `cbor2`, `cryptography`, `base45` and
//! `token-status-list`.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hall_domain::{Capacity, LicenceStatus, PhoneAsk, Timestamp};
use hall_ledger::phone::{Assertion, ChallengeNonce, CodeKeys, Nonce, ServiceCode, from_qr};
use hall_ledger::status::StatusClaims;
use hall_ledger::{CentreKeys, Hash};
use serde_json::{Value, json};

fn protocol() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol"))
}

/// The script, run by the Python that has its libraries.
fn script(arguments: &[&str]) -> Output {
    let prepared = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python3").to_owned();
    let python = std::env::var("PYTHON").unwrap_or_else(|_| prepared());
    let able = Command::new(&python).args(["-c", "import base45, cwt, token_status_list"]).output();
    assert!(
        able.is_ok_and(|output| output.status.success()),
        "{python} does not have the libraries of tests/requirements.txt; scripts/setup.sh installs them"
    );
    Command::new(&python).arg(protocol().join("verify-phone.py")).args(arguments).output().unwrap()
}

fn read(folder: &Path) -> Value {
    let output = script(&["verify", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn other_libraries_verify_every_vector_and_read_the_same_in_it() {
    let found = read(&protocol().join("vectors/phone"));
    assert_eq!(found.as_object().unwrap().len(), 14);
    assert_eq!(found["status"], json!({ "list": "urn:hallbox:status:1", "set": { "77": 1, "78": 2 } }));
    let company = "测试市样例区演示餐饮管理有限责任公司";
    let subject = |capacity| json!(["111:519900199003070011", "王芳", capacity]);
    assert_eq!(found["code-own"]["subject"], subject(json!([0])));
    assert_eq!(found["code-representative"]["subject"], subject(json!([1, "91239900MATE5T017W", company])));
    assert_eq!(
        found["code-agent"]["subject"],
        subject(json!([2, "91239900MATE5T017W", company, 1_803_002_400, 77]))
    );
    let item = "11519900MBTE5T20572000100001001";
    assert_eq!(
        found["code-delegate"]["subject"],
        subject(json!([3, "111:519900200002291029", "李强", item, 1_795_831_200, 78]))
    );
    assert_eq!(found["code-answer"]["nonce"], found["ask-face"]["nonce"]);
    assert_eq!(found["say-face"]["nonce"], found["ask-face"]["nonce"]);
    assert_eq!(found["say-face"]["kind"], "face");
    assert_eq!(found["ask-consent"]["materials"], json!(["m1", "m2", "m3", "m4", "m5", "m6"]));
    assert_eq!(found["say-consent"]["agreed"].as_array().unwrap().len(), 6);
    assert_eq!(found["receipt"]["case_no"], "990001-20261121-00001");
    assert_eq!((&found["receipt"]["seq"], &found["receipt"]["log"][1]), (&json!(41), &json!(1)));
    let licence = &found["say-licences"]["licences"][0];
    assert_eq!(licence[1], "1.2.156.3005.2.11100099MCTE5T1533001.11239900MBTE5T0454.000000000000017.001.W");
    assert_eq!(licence[4]["name"], company);
    let three = found["say-licences-three"]["licences"].as_array().unwrap();
    let materials: Vec<&Value> = three.iter().map(|licence| &licence[0]).collect();
    assert_eq!(materials, ["m1", "m2", "m3"], "of several codes, in the wrong order");
}

#[test]
fn other_libraries_refuse_a_message_with_one_byte_changed() {
    let folder = scratch("bent");
    for name in ["keys.json", "status.cbor"] {
        std::fs::copy(protocol().join("vectors/phone").join(name), folder.join(name)).unwrap();
    }
    read(&folder);
    let mut bytes = std::fs::read(folder.join("status.cbor")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.join("status.cbor"), bytes).unwrap();
    assert!(!script(&["verify", folder.to_str().unwrap()]).status.success());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_other_libraries_make_is_taken_here() {
    let folder = scratch("made");
    let output = script(&["make", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let keys: Value = serde_json::from_slice(&std::fs::read(folder.join("keys.json")).unwrap()).unwrap();
    let centre = CentreKeys::from_hex(&[keys["centre"].as_str().unwrap()]).unwrap();
    let code_keys: CodeKeys = serde_json::from_value(keys["code_keys"].clone()).unwrap();
    let now = Timestamp(keys["now"].as_i64().unwrap() * 1000);
    let message = |name| from_qr(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap();

    let code = ServiceCode::parse(&message("code-made.txt")).unwrap();
    let code = code.verify(&centre, &code_keys, now).unwrap();
    assert_eq!((code.subject().name.as_str(), code.place(), code.issued()), ("王芳", Some(41), now));
    let Capacity::LegalRepresentative { uscc, name } = &code.subject().capacity else { panic!("{code:?}") };
    assert_eq!((uscc.as_str(), name.as_str()), ("91239900MATE5T017W", "测试市演示公司"));

    let said = Assertion::verify(&message("say-made.txt"), &centre, &code_keys, now).unwrap();
    assert_eq!((said.kind(), said.subject()), (PhoneAsk::Consent, code.subject()));
    let ChallengeNonce(nonce) = said.nonce();
    assert_eq!(code.nonce(), Nonce::Challenge(ChallengeNonce(nonce)));
    let agreement = said.agreement().unwrap();
    assert_eq!((agreement.digest, agreement.refused.len()), (Hash::ZERO, 1));
    let rows = agreement.agreed.iter().map(|row| (row.material.as_str(), row.status, row.use_code.as_str()));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [("m1", LicenceStatus::Valid, "5TE5T0001G"), ("m2", LicenceStatus::Changing, "ZZZZZZZZYZ")]
    );

    let list = StatusClaims::verify(&std::fs::read(folder.join("status.cbor")).unwrap(), &centre).unwrap();
    assert_eq!((list.list(), list.ttl_s(), list.issued_at()), (1, 300, now));
    assert_eq!(list.look_up(77, now).unwrap().status, LicenceStatus::Revoked);
    assert_eq!(list.look_up(78, now).unwrap().status, LicenceStatus::Valid);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("hall-phone-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
