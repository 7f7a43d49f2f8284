//! Writes the golden vectors of what phones carry into the folder given, and prints how large they are:
//! `cargo run -p hall-ledger --example write_phone -- FOLDER`. Keys, nonces and times are fixed, so that the
//! files are the same in every run; `docs/protocol/vectors/phone` holds them, and `docs/protocol/phone.md` the table.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use hall_domain::{
    Capacity, DocumentKind, FieldKey, IdentityDocument, ItemCode, LicenceId, LicenceStatus, MaterialId,
    Subject, Timestamp, Uscc,
};
use hall_ledger::phone::{
    AgreedRow, Agreement, Asked, Assertion, Attestation, Challenge, ChallengeNonce, CodeKey, CodeKeys,
    ConsentRequest, Nonce, PaperReceipt, Said, SealNonce, Sealed, ServiceCode, StatedLicence, UseCode,
    WeakNonce, challenge, seal_subject, to_qrs,
};
use hall_ledger::status::StatusList;
use hall_ledger::{BoxId, Hash, LogId, Signed, SigningKey};
use qrcode::bits::Bits;
use qrcode::{EcLevel, Version};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// 2026-11-21 10:00 in the hall.
const NOW: Timestamp = Timestamp(1_795_226_400_000);
/// Where the person of these vectors stands in the status list, and the grant and the mandate.
const PLACES: [u32; 3] = [41, 77, 78];

fn main() -> Outcome<()> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    for (name, bytes) in vectors()? {
        std::fs::write(Path::new(&folder).join(name), bytes)?;
    }
    print!("{}", table()?);
    Ok(())
}

/// Every file by its name: messages as the text in their QR code, the status list and the keys.
fn vectors() -> Outcome<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for message in messages()? {
        // One line for each QR code.
        let codes = to_qrs(&message.bytes).join("\n");
        files.insert(format!("{}.txt", message.file), format!("{codes}\n").into_bytes());
    }
    let mut list = StatusList::new(100)?;
    list.set(PLACES[1], LicenceStatus::Revoked)?;
    list.set(PLACES[2], LicenceStatus::Suspended)?;
    let list = list.claims(1, NOW, 300, NOW.plus_hours(72));
    files.insert("status.cbor".into(), Signed::sign(&list, &centre_key()).into_bytes());
    let public = |key: SigningKey| hex::encode(key.verifying_key().as_bytes());
    let keys = serde_json::json!({
        "now": NOW.0 / 1000,
        "centre": public(centre_key()),
        "box": public(box_key()),
        "code_keys": CodeKeys::new([code_key()?])?,
    });
    files.insert("keys.json".into(), format!("{keys:#}\n").into_bytes());
    Ok(files)
}

/// One message of the table.
struct Message {
    file: &'static str,
    zh: &'static str,
    bytes: Vec<u8>,
}

fn messages() -> Outcome<Vec<Message>> {
    let (consent, face) = (asked_consent()?, ChallengeNonce([0xf2; 16]));
    let agreement = agreement(&consent)?;
    let said = |nonce, subject: Sealed, said| {
        Assertion { issued: NOW, expires: NOW.plus_seconds(600), nonce, subject, said }.sign(&centre_key())
    };
    let subject = |n, capacity| seal(n, capacity);
    let asked = |nonce, asked| Challenge {
        expires: NOW.plus_seconds(challenge::LIFE_S),
        nonce,
        log: LogId::new(BoxId([0x11; 16]), 1),
        window: "W03".into(),
        asked,
    };
    let item = consent.item.clone();
    let licences = |count: u8| -> Outcome<_> {
        let one = |n| Ok(business_licence(n)?.seal(&code_key()?, SealNonce([0x5b + n; 12])));
        Ok(Said::Licences((1..=count).map(one).collect::<Outcome<_>>()?))
    };
    Ok(vec![
        message("code-own", "办事码，本人", code(1, Capacity::Own, weak(1))?),
        message("code-representative", "办事码，法定代表人", code(2, representative()?, weak(2))?),
        message("code-agent", "办事码，经办授权人", code(3, agent()?, weak(3))?),
        message("code-delegate", "办事码，代办人", code(4, delegate()?, weak(4))?),
        message("code-answer", "办事码，应答窗口的请求", code(5, Capacity::Own, Nonce::Challenge(face))?),
        message("ask-face", "刷脸请求", asked(face, Asked::Face).sign(&box_key())),
        message(
            "ask-consent",
            "授权请求，六份材料",
            asked(ChallengeNonce([0xc0; 16]), Asked::Consent(consent)).sign(&box_key()),
        ),
        message(
            "ask-licences",
            "出示证照请求，一份材料",
            asked(ChallengeNonce([0x1c; 16]), Asked::Licences { item, materials: vec!["m1".parse()?] })
                .sign(&box_key()),
        ),
        message("say-face", "刷脸答复", said(face, subject(6, Capacity::Own)?, Said::Face)),
        message(
            "say-consent",
            "授权答复，六份证照",
            said(ChallengeNonce([0xc0; 16]), subject(7, Capacity::Own)?, Said::Consent(agreement)),
        ),
        message(
            "say-licences",
            "证照答复，一份营业执照",
            said(ChallengeNonce([0x1c; 16]), subject(8, representative()?)?, licences(1)?),
        ),
        message(
            "say-licences-three",
            "证照答复，三份证照，分张",
            said(ChallengeNonce([0x1d; 16]), subject(9, representative()?)?, licences(3)?),
        ),
        message("receipt", "回执", receipt()?.sign(&box_key())),
    ])
}

fn message(file: &'static str, zh: &'static str, bytes: Vec<u8>) -> Message {
    Message { file, zh, bytes }
}

/// The table of `docs/protocol/phone.md`.
fn table() -> Outcome<String> {
    let mut table = "| message | bytes | characters | QR version at M |\n|---|---|---|---|\n".to_owned();
    for message in messages()? {
        let codes = to_qrs(&message.bytes);
        let (zh, bytes, first) = (message.zh, message.bytes.len(), codes.first().ok_or("no code")?);
        let each = if codes.len() > 1 { format!("{} × ", codes.len()) } else { String::new() };
        table += &format!("| {zh} | {bytes} | {each}{} | {} |\n", first.len(), qr_version(first)?);
    }
    Ok(table)
}

/// The smallest version that holds `text` in alphanumeric mode.
fn qr_version(text: &str) -> Outcome<i16> {
    for version in 1..=40 {
        let mut bits = Bits::new(Version::Normal(version));
        if bits
            .push_alphanumeric_data(text.as_bytes())
            .and_then(|()| bits.push_terminator(EcLevel::M))
            .is_ok()
        {
            return Ok(version);
        }
    }
    Err("too long for a QR code".into())
}

fn centre_key() -> SigningKey {
    SigningKey::from_bytes(&[0xc0; 32])
}

fn box_key() -> SigningKey {
    SigningKey::from_bytes(&[0xb0; 32])
}

fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[0xd0; 32])
}

fn code_key() -> Outcome<CodeKey> {
    Ok(CodeKey { number: 7, key: [0xc7; 32], first: "2026-11-01".parse()?, last: "2026-12-15".parse()? })
}

fn code(n: u8, capacity: Capacity, nonce: Nonce) -> Outcome<Vec<u8>> {
    let attestation = Attestation {
        key: device_key().verifying_key(),
        issued: NOW.plus_hours(-3),
        expires: NOW.plus_hours(21),
        subject: seal(n, capacity)?,
        place: Some(PLACES[0]),
    };
    Ok(ServiceCode::present(&attestation.sign(&centre_key()), nonce, NOW.plus_seconds(-5), &device_key()))
}

fn weak(n: u8) -> Nonce {
    Nonce::Weak(WeakNonce([n; 8]))
}

fn seal(n: u8, capacity: Capacity) -> Outcome<Sealed> {
    let document = IdentityDocument::new(DocumentKind::ResidentId, "519900199003070011")?;
    let subject = Subject { document, name: "王芳".into(), capacity };
    Ok(seal_subject(&subject, &code_key()?, SealNonce([n; 12])))
}

const COMPANY: &str = "测试市样例区演示餐饮管理有限责任公司";

fn uscc() -> Outcome<Uscc> {
    Ok("91239900MATE5T017W".parse()?)
}

fn representative() -> Outcome<Capacity> {
    Ok(Capacity::LegalRepresentative { uscc: uscc()?, name: COMPANY.into() })
}

fn agent() -> Outcome<Capacity> {
    let until = NOW.plus_hours(24 * 90);
    Ok(Capacity::Agent { uscc: uscc()?, name: COMPANY.into(), until, place: PLACES[1] })
}

fn delegate() -> Outcome<Capacity> {
    Ok(Capacity::Delegate {
        principal: "111:519900200002291029".parse()?,
        principal_name: "李强".into(),
        item: Some(item()?),
        until: NOW.plus_hours(24 * 7),
        place: PLACES[2],
    })
}

fn item() -> Outcome<ItemCode> {
    Ok("11519900MBTE5T20572000100001001".parse()?)
}

fn receipt() -> Outcome<PaperReceipt> {
    Ok(PaperReceipt {
        issued: NOW,
        log: LogId::new(BoxId([0x11; 16]), 1),
        seq: 41,
        leaf: Hash::of(b"the entry"),
        case_no: "990001-20261121-00001".parse()?,
    })
}

fn materials() -> Outcome<Vec<MaterialId>> {
    (1..=6).map(|n| Ok(format!("m{n}").parse()?)).collect()
}

fn asked_consent() -> Outcome<ConsentRequest> {
    Ok(ConsentRequest { item: item()?, materials: materials()?, digest: Hash::of(b"what was asked") })
}

fn agreement(request: &ConsentRequest) -> Outcome<Agreement> {
    let row = |(n, material): (u64, &MaterialId)| AgreedRow {
        material: material.clone(),
        status: LicenceStatus::Valid,
        use_code: UseCode::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    };
    let agreed = (1..).zip(&request.materials).map(row).collect();
    Ok(Agreement { digest: request.digest, agreed, refused: Vec::new() })
}

/// The fields of 营业执照 that the items of the catalogue ask for.
fn business_licence(n: u8) -> Outcome<StatedLicence> {
    let fields = [
        ("uscc", "91239900MATE5T017W"),
        ("name", COMPANY),
        ("legal_representative", "王芳"),
        ("address", "测试市样例区演示路1号样例大厦3层301号"),
    ];
    let fields = fields.into_iter().map(|(key, value)| Ok((key.parse::<FieldKey>()?, value.to_owned())));
    let kind = "11100099MCTE5T1533001".parse()?;
    let issuer = "11239900MBTE5T0454".parse()?;
    Ok(StatedLicence {
        material: format!("m{n}").parse()?,
        licence: LicenceId::compose(&kind, &issuer, &format!("0000000000000{}", 16 + n), 1)?,
        status: LicenceStatus::Valid,
        valid_until: None,
        fields: fields.collect::<Outcome<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn protocol() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol"))
    }

    #[test]
    fn the_files_in_the_documentation_are_these() {
        let folder = protocol().join("vectors/phone");
        let vectors = vectors().unwrap();
        for (name, bytes) in &vectors {
            let stored = std::fs::read(folder.join(name)).unwrap();
            assert!(stored == *bytes, "{name} has changed: what phones hold must stay readable");
        }
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), vectors.len(), "a file that nobody writes");
    }

    #[test]
    fn the_table_in_the_documentation_is_current() {
        let page = std::fs::read_to_string(protocol().join("phone.md")).unwrap();
        let table = table().unwrap();
        assert!(page.contains(&table), "phone.md should have this table:\n{table}");
    }

    #[test]
    fn every_message_fits_a_qr_code_that_is_read_easily_from_a_screen() {
        for message in messages().unwrap() {
            let most = match message.file {
                "ask-face" | "say-face" => 13,
                // With the fields of a licence in it; a phone shows it over the whole screen.
                "say-licences" | "say-licences-three" => 22,
                _ => 18,
            };
            for code in to_qrs(&message.bytes) {
                let version = qr_version(&code).unwrap();
                assert!(version <= most, "{}: version {version}", message.file);
            }
        }
    }
}
