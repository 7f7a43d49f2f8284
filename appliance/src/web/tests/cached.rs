//! What the 免证清单 shows of cached licences: their age, and what the policy in force makes of it.

use super::hall::{Browser, Hall, catalogue};
use crate::store::licences::{self, Reason, Sealed};
use crate::sync_store::SyncStore;
use ed25519_dalek::SigningKey;
use hall_domain::case::CaseId;
use hall_domain::register::Register;
use hall_domain::{Licence, LicenceGrade, Policy, Timestamp};
use hall_ledger::document::{Document, DocumentKind};
use hall_ledger::envelope::Filing;
use hall_ledger::envelope::{Envelope, Issue, StatusRef};
use hall_ledger::trust::CentreKeys;
use hall_ledger::{Salt, Signed};
use hall_sync::Store;
use std::collections::BTreeMap;
use std::convert::Infallible;

pub fn centre() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The people of the cast.
pub fn cast() -> Register {
    toml::from_str(include_str!("../../../../tests/cast/people.toml")).unwrap()
}

impl Hall {
    /// The same hall, which believes the centre of these tests.
    pub fn trusting(self) -> Self {
        let keys = CentreKeys::new([centre().verifying_key()]).unwrap();
        self.app.book.knowledge.set_trust(keys.into());
        self
    }

    pub fn store(&self) -> SyncStore {
        let (book, live) = (self.app.book.clone(), self.app.live.clone());
        SyncStore::new(book, live, self.folder.clone(), std::env::temp_dir())
    }

    /// Licences come into the cache, as the centre looked at them at this time.
    pub async fn is_sent(&self, held: Vec<Licence>, checked_at: Timestamp) {
        let (vault, hall) = (self.app.book.vault.clone(), self.app.book.knowledge.hall_code.clone());
        self.write(move |tx| {
            for (index, licence) in (0..).zip(held) {
                let issue = Issue {
                    status: StatusRef { list: 1, index },
                    checked_at,
                    expires_at: checked_at.plus_hours(24 * 90),
                    halls: [hall.clone()].into(),
                    relation: None,
                    file: None,
                };
                let salt = || Ok::<_, Infallible>(Salt([1; 16]));
                let issued = Envelope::issue(&licence, &issue, &centre(), salt).unwrap();
                let envelope = issued.envelope.verify(&centre().verifying_key()).unwrap();
                licences::put(tx, &Sealed::new(&vault, &issued, &Filing::from(&envelope)), Reason::Scope)?;
            }
            Ok(())
        })
        .await;
    }

    /// The centre publishes a policy, and the box takes it from its signed bytes.
    async fn gets_policy(&self, policy: &Policy) {
        let now = self.app.book.clock.now();
        let document = Document::new(DocumentKind::Policy, "*", policy.version, now, policy).unwrap();
        let signed = Signed::sign(&document, &centre());
        let verified = signed.verify_by(self.app.book.knowledge.trust().keys()).unwrap();
        self.store().save_document(verified, signed).await.unwrap();
    }
}

/// Opens a case for a person, of the item with this name.
pub async fn open_named(browser: &mut Browser<'_>, name: &str) -> CaseId {
    let catalogue = catalogue();
    let item = catalogue.items().iter().find(|item| item.name == name).unwrap();
    browser.get("/cases/new").await;
    let answer = browser.post("/cases", &[("item", item.code.as_str()), ("kind", "person")]).await;
    answer.to().strip_prefix("/cases/").unwrap().parse().unwrap()
}

async fn grades(hall: &Hall, id: &CaseId) -> BTreeMap<String, LicenceGrade> {
    let case = hall.app.desk.case(id).await.unwrap();
    let licence =
        |row: &hall_domain::case::ListRow| row.licence.as_ref().map(|one| (one.name.clone(), one.grade));
    case.list.iter().filter_map(licence).collect()
}

#[tokio::test]
async fn a_policy_that_the_centre_signs_changes_the_grades_of_a_running_box_and_the_list_says_what_they_mean()
{
    let hall = Hall::new().await.with_catalogue().trusting();
    let person = cast().person("wang-fang").unwrap().clone();
    hall.is_sent(person.licences, hall.app.book.clock.now().plus_hours(-30)).await;
    let mut browser = hall.at_window("li.qiang", "W01").await;
    let id = open_named(&mut browser, "失业登记").await;
    hall.identified(&id, "li.qiang", "wang-fang").await;
    let path = format!("/cases/{id}");

    // The kinds say 72 hours, and so does the province's own policy for a low-risk item.
    let page = browser.get(&path).await;
    assert!(page.text.contains("核验于 1 天 6 小时前<br>在 72 小时时限内"), "{}", page.text);
    let all = |grade| BTreeMap::from([("居民身份证".to_owned(), grade), ("社会保障卡".to_owned(), grade)]);
    assert_eq!(grades(&hall, &id).await, all(LicenceGrade::L3));

    let mut stricter = Policy { version: 2, ..Policy::default() };
    stricter.windows.status_hours.t1 = 29;
    stricter.windows.status_hours.t2 = 29;
    hall.gets_policy(&stricter).await;
    browser.post(&format!("{path}/refresh-list"), &[]).await;
    let page = browser.get(&path).await;
    assert!(page.text.contains("核验于 1 天 6 小时前<br>已超过 29 小时时限"), "{}", page.text);
    assert!(page.text.contains("证照信息已超过时限，按容缺办理，联网后复核。"), "{}", page.text);
    assert_eq!(grades(&hall, &id).await, all(LicenceGrade::L2));

    // An older policy that comes late changes nothing; a newer one that widens does.
    hall.gets_policy(&Policy::default()).await;
    browser.post(&format!("{path}/refresh-list"), &[]).await;
    assert_eq!(grades(&hall, &id).await, all(LicenceGrade::L2));
    stricter.version = 3;
    stricter.windows.status_hours.t1 = 31;
    hall.gets_policy(&stricter).await;
    browser.post(&format!("{path}/refresh-list"), &[]).await;
    assert_eq!(grades(&hall, &id).await, all(LicenceGrade::L3));
    assert!(browser.get(&path).await.text.contains("在 31 小时时限内"));
}
