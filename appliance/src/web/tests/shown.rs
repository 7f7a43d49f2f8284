//! 出示证照: a phone shows licences that the hall does not hold. Signed and sealed as the centre does it; what is wrong
//! changes nothing and says why.

use super::hall::{Browser, Hall, catalogue};
use super::trust::{CODE_KEY, bundle, pinned};
use crate::reception::decide;
use crate::verify::verify;
use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use hall_domain::case::{Case, CaseEvent, CaseId, ListRow, Mode, PhoneChallenge, StatusSource};
use hall_domain::register::Register;
use hall_domain::{Capacity, LicenceStatus, MaterialId, PhoneAsk, Subject, Timestamp};
use hall_ledger::phone::{
    Assertion, ChallengeNonce, CodeKey, Said, SealNonce, StatedLicence, from_qr, seal_subject, to_qr, to_qrs,
};
use std::collections::BTreeMap;

const NONCE: ChallengeNonce = ChallengeNonce([0x2d; 16]);
const ITEM: &str = "城乡居民基本养老保险参保登记";

/// A hall that believes the centre of the bundle, and a case of 王芳 at its list, with nothing in the cache.
struct Window<'h> {
    hall: &'h Hall,
    browser: Browser<'h>,
    id: CaseId,
    now: Timestamp,
}

impl<'h> Window<'h> {
    async fn open(hall: &'h Hall) -> Self {
        let now = hall.app.book.clock.now();
        hall.app.book.knowledge.set_trust(pinned().accept(&bundle(1, now)).unwrap());
        let mut browser = hall.at_window("li.qiang", "W01").await;
        browser.get("/cases/new").await;
        let item = catalogue().search(ITEM).first().map(|item| item.code.to_string()).unwrap();
        let opened = browser.post("/cases", &[("item", &item), ("kind", "person")]).await;
        let id: CaseId = opened.to().strip_prefix("/cases/").unwrap().parse().unwrap();
        hall.identified(&id, "li.qiang", "wang-fang").await;
        let mut window = Self { hall, browser, id, now };
        window.browser.get(&format!("/cases/{}", window.id)).await;
        let listed = window.browser.post(&format!("/cases/{}/refresh-list", window.id), &[]).await;
        assert_eq!(listed.status, StatusCode::SEE_OTHER, "{}", listed.text);
        window
    }

    async fn case(&self) -> Case {
        self.hall.app.desk.case(&self.id).await.unwrap()
    }

    async fn change(&self, events: impl FnOnce(&Case) -> Vec<CaseEvent> + Send + 'static) {
        let (book, id, now) = (self.hall.app.book.clone(), self.id.clone(), self.now);
        let by = "li.qiang".parse().unwrap();
        let written = self.hall.app.book.db.write(move |tx| {
            book.change_case(tx, &id, &by, now, |case| Ok::<_, crate::book::Fault>(events(case)))
        });
        written.await.unwrap();
    }

    /// The request stands on an evaluator.
    async fn asking(&self, nonce: ChallengeNonce) {
        let item = self.hall.app.desk.item_of(&self.case().await).await.unwrap();
        let (now, kinds) = (self.now, self.hall.app.book.knowledge.kinds());
        self.change(move |case| {
            let materials = decide::may_ask_shown(case, &item, &kinds, now.local_date()).unwrap();
            let challenge = PhoneChallenge { ask: PhoneAsk::Licences, nonce: nonce.to_string(), materials };
            vec![decide::ask_phone(challenge, "01ASK".parse().unwrap(), "ev-1".to_owned(), now)]
        })
        .await;
    }

    async fn scan(&mut self, text: &str) -> (StatusCode, String) {
        let form = [("text", text), ("carrier", "keyboard")];
        let answer = self.browser.post(&format!("/cases/{}/scan", self.id), &form).await;
        (answer.status, answer.text)
    }

    async fn refused(&mut self, text: &str, says: &str) {
        let before = self.case().await;
        let (status, page) = self.scan(text).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{says}: {page}");
        assert!(page.contains(says), "{says}: {page}");
        assert_eq!(self.case().await, before, "{says}: nothing is recorded");
    }

    /// What the centre would say of 王芳's licences for this item.
    async fn stated(&self) -> Vec<StatedLicence> {
        let item = self.hall.app.desk.item_of(&self.case().await).await.unwrap();
        let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
        let person = people.person("wang-fang").unwrap();
        let state = |material: &hall_domain::Material| {
            let kind = material.replaced_by.as_ref()?;
            let licence = person.licences.iter().find(|licence| licence.kind == *kind)?;
            let field = |key: &hall_domain::FieldKey| Some((key.clone(), licence.fields.get(key)?.clone()));
            Some(StatedLicence {
                material: material.id.clone(),
                licence: licence.id.clone(),
                status: LicenceStatus::Valid,
                valid_until: licence.valid_until,
                fields: material.fields.iter().filter_map(field).collect(),
            })
        };
        item.materials.iter().filter_map(state).collect()
    }

    fn answer(&self, nonce: ChallengeNonce, slug: &str, all: &[StatedLicence]) -> Assertion {
        let people: Register = toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap();
        let card = people.person(slug).unwrap().card.clone();
        let subject = Subject { document: card.document, name: card.name, capacity: Capacity::Own };
        let first = self.now.local_date();
        let key = CodeKey { number: 1, key: CODE_KEY, first, last: first.plus_days(30) };
        let seal = |(n, one): (u8, &StatedLicence)| one.seal(&key, SealNonce([n; 12]));
        let issued = Timestamp(self.now.0 / 1000 * 1000);
        Assertion {
            issued,
            expires: issued.plus_seconds(600),
            nonce,
            subject: seal_subject(&subject, &key, SealNonce([0xee; 12])),
            said: Said::Licences((1..).zip(all).map(seal).collect()),
        }
    }
}

fn centre() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn shown(case: &Case) -> Vec<&ListRow> {
    let by_phone = |row: &&ListRow| {
        let statement = row.licence.as_ref().and_then(|licence| licence.statement.as_ref());
        statement.is_some_and(|statement| statement.status_from == StatusSource::Phone)
    };
    case.list.iter().filter(by_phone).collect()
}

#[tokio::test]
async fn what_the_phone_shows_in_several_codes_becomes_rows_opens_after_consent_and_never_reaches_the_cache()
{
    let hall = Hall::new().await.with_catalogue();
    let mut window = Window::open(&hall).await;
    assert_eq!(window.case().await.mode, Some(Mode::Offline));
    let page = window.browser.get(&format!("/cases/{}", window.id)).await.text;
    assert!(page.contains("本厅没有缓存"), "{page}");
    window.asking(NONCE).await;
    let page = window.browser.get(&format!("/cases/{}", window.id)).await.text;
    assert!(page.contains("等待办事人用手机出示证照") && page.contains("有几张就逐张扫"), "{page}");

    let stated = window.stated().await;
    assert!(stated.len() > 1);
    let message = window.answer(NONCE, "wang-fang", &stated).sign(&centre());
    let codes = to_qrs(&message);
    assert!(codes.len() > 1, "{} bytes", message.len());
    // The last one first, and twice.
    for code in [codes.last().unwrap(), codes.last().unwrap()] {
        assert_eq!(window.scan(code).await.0, StatusCode::SEE_OTHER);
        let page = window.browser.get(&format!("/cases/{}", window.id)).await.text;
        assert!(page.contains(&format!("已收到 1 张，共 {} 张二维码", codes.len())), "{page}");
        assert!(shown(&window.case().await).is_empty());
    }
    for code in &codes[..codes.len() - 1] {
        assert_eq!(window.scan(code).await.0, StatusCode::SEE_OTHER);
    }
    let case = window.case().await;
    assert_eq!(shown(&case).len(), stated.len());
    assert!(case.phone.is_none() && case.uses.is_empty(), "nothing is opened before the citizen agrees");
    let page = window.browser.get(&format!("/cases/{}", window.id)).await.text;
    assert!(page.contains("手机出示 · L4") && !page.contains("张二维码"), "{page}");
    // Where somebody lives stands in the licence alone; the list and the ledger hold it only sealed.
    let lives = stated.iter().find_map(|one| one.fields.values().find(|value| value.contains("桐花街道")));
    let lives = lives.unwrap().as_str();
    assert!(!serde_json::to_string(&case.list).unwrap().contains(lives));
    assert!(!serde_json::to_string(&case.shown).unwrap().contains(lives));

    // The same list made again without the centre keeps what was shown.
    window.browser.post(&format!("/cases/{}/refresh-list", window.id), &[]).await;
    assert_eq!(shown(&window.case().await).len(), stated.len());

    let (item, now) = (hall.app.desk.item_of(&case).await.unwrap(), window.now);
    window
        .change(move |case| {
            let request = decide::consent_request(case, &item, &BTreeMap::new(), now).unwrap();
            vec![decide::ask(request, "sha-256:00".to_owned(), "01ASK".parse().unwrap(), "ev-1".to_owned())]
        })
        .await;
    window
        .change(|case| {
            let yes = decide::Answer::Agreed { refused: Default::default() };
            decide::answer(case, &"01ASK".parse().unwrap(), yes, "{}".to_owned()).unwrap()
        })
        .await;
    assert!(hall.app.desk.fill(&window.id).await.unwrap());
    let case = window.case().await;
    assert_eq!(case.uses.len(), stated.len());
    for (used, stated) in case.uses.iter().zip(&stated) {
        assert_eq!((&used.licence, &used.opened), (&stated.licence, &stated.fields));
        assert!(used.use_code.starts_with("LX-"), "{}", used.use_code);
        assert_eq!(used.envelope, hall_ledger::Hash::of(&message).to_string());
    }
    assert!(case.form.values().any(|field| field.mark().is_some() && !field.value.is_empty()));
    assert!(case.shown.is_empty(), "the answer has left the case");
    let cached =
        hall.read(|db| db.query_row("SELECT count(*) FROM licence", [], |row| row.get::<_, u32>(0))).await;
    assert_eq!(cached, 0, "nothing of it is in the hall's cache");
    let report = verify(&hall.app.book).await.unwrap();
    assert_eq!(report.damaged, 0, "{:?}", report.damages);
}

#[tokio::test]
async fn what_is_not_this_cases_answer_is_refused_with_a_reason_and_the_right_one_still_counts() {
    let hall = Hall::new().await.with_catalogue();
    let mut window = Window::open(&hall).await;
    let stated = window.stated().await;
    let one = std::slice::from_ref(&stated[0]);
    let good = window.answer(NONCE, "wang-fang", one);
    window.refused(&to_qr(&good.sign(&centre())), "这个应答不属于本办件").await;
    window.asking(NONCE).await;

    let other = window.answer(ChallengeNonce([1; 16]), "wang-fang", one);
    window.refused(&to_qr(&other.sign(&centre())), "这个应答不属于本办件").await;
    let another = window.answer(NONCE, "zhang-wei", one);
    window.refused(&to_qr(&another.sign(&centre())), "手机出示的是另一个人的证照").await;
    let stranger = good.sign(&SigningKey::from_bytes(&[9; 32]));
    window.refused(&to_qr(&stranger), "不是本省中心签发的").await;
    let (issued, expires) = (window.now.plus_seconds(-601), window.now.plus_seconds(-1));
    let (issued, expires) = (Timestamp(issued.0 / 1000 * 1000), Timestamp(expires.0 / 1000 * 1000));
    let late = Assertion { issued, expires, ..good.clone() };
    window.refused(&to_qr(&late.sign(&centre())), "R136").await;
    let mut bent = good.sign(&centre());
    let at = bent.len() - 100;
    bent[at] ^= 1;
    let (status, page) = window.scan(&to_qr(&bent)).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && shown(&window.case().await).is_empty(), "{page}");
    let face = Assertion { said: Said::Face, ..good.clone() };
    window.refused(&to_qr(&face.sign(&centre())), "这个应答不属于本办件").await;

    // A kind and a material that were not asked for, and a field that the item may not see.
    let mut elsewhere = stated[0].clone();
    elsewhere.material = "m99".parse::<MaterialId>().unwrap();
    let mut swapped = stated[1].clone();
    swapped.material = stated[0].material.clone();
    let mut nosy = stated[0].clone();
    nosy.fields.insert("blood_group".parse().unwrap(), "A".to_owned());
    for wrong in [elsewhere, swapped, nosy] {
        let answer = window.answer(NONCE, "wang-fang", &[wrong]).sign(&centre());
        window.refused(&to_qr(&answer), "这个应答不属于本办件").await;
    }

    // Garbage, and parts that do not fit together.
    window.refused(&format!("HB1:{}", "A".repeat(10_000)), "这不是可识别的办事码").await;
    let codes = to_qrs(&window.answer(NONCE, "wang-fang", &stated).sign(&centre()));
    let mut part = from_qr(&codes[0]).unwrap();
    *part.last_mut().unwrap() ^= 1;
    assert_eq!(window.scan(&to_qr(&part)).await.0, StatusCode::SEE_OTHER);
    for code in &codes[1..codes.len() - 1] {
        assert_eq!(window.scan(code).await.0, StatusCode::SEE_OTHER);
    }
    window.refused(codes.last().unwrap(), "R153").await;

    assert_eq!(window.scan(&to_qr(&good.sign(&centre()))).await.0, StatusCode::SEE_OTHER);
    assert_eq!(shown(&window.case().await).len(), 1);
    window.refused(&to_qr(&good.sign(&centre())), "这个应答不属于本办件").await;
    window.refused(&codes[0], "这个应答不属于本办件").await;
}
