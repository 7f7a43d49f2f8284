//! 状态列表: an old one is noticed, a rolled-back one is not taken.

use super::hall::Hall;
use crate::store::findings::{self, State};
use crate::sync_store::SyncStore;
use ed25519_dalek::SigningKey;
use hall_domain::{LicenceStatus, Timestamp};
use hall_ledger::Signed;
use hall_ledger::status::{StatusClaims, StatusList};
use hall_ledger::token::FreshnessToken;
use hall_ledger::trust::CentreKeys;
use hall_sync::Store;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn centre() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

impl Hall {
    fn sync(&self) -> SyncStore {
        let (book, live) = (self.app.book.clone(), self.app.live.clone());
        SyncStore::new(book, live, self.folder.clone(), std::env::temp_dir())
    }

    async fn gets_list(&self, at: Timestamp, status: LicenceStatus) {
        let mut list = StatusList::new(4).unwrap();
        list.set(0, status).unwrap();
        let signed = Signed::sign(&list.claims(1, at, 300, at.plus_hours(72)), &centre());
        let keys = CentreKeys::new([centre().verifying_key()]).unwrap();
        let list = StatusClaims::verify(signed.as_bytes(), &keys).unwrap();
        self.sync().save_status_list(list, signed).await.unwrap();
    }

    async fn gets_token(&self, issued_at: Timestamp) {
        let scope = self.app.book.knowledge.scope.clone();
        let next_update = issued_at.plus_ms(60_000);
        let token = FreshnessToken { scope, feed: 0, hot: 0, issued_at, next_update, epoch: 1 };
        self.sync().save_token(token.clone(), Signed::sign(&token, &centre())).await.unwrap();
    }

    async fn told(&self, state: State) -> u32 {
        self.read(move |db| findings::count(db, state)).await
    }
}

#[tokio::test]
async fn a_list_that_silently_is_not_renewed_raises_one_alarm_with_its_age_until_a_new_one_comes() {
    let hall = Hall::new().await;
    hall.gets_list(NOW, LicenceStatus::Valid).await;
    hall.gets_token(NOW.plus_hours(1)).await;
    assert_eq!(hall.told(State::Open).await, 0);
    for hours in 2..5 {
        hall.gets_token(NOW.plus_hours(hours)).await;
        // The same old list comes again and again: nothing fails.
        hall.gets_list(NOW, LicenceStatus::Valid).await;
    }
    assert_eq!(hall.told(State::Open).await, 1);
    let page = hall.signed_in("audit").await.get("/findings").await;
    let since = NOW.to_display();
    assert!(page.text.contains("状态列表") && page.text.contains(&since), "{}", page.text);
    hall.gets_list(NOW.plus_hours(5), LicenceStatus::Valid).await;
    assert_eq!((hall.told(State::Open).await, hall.told(State::Handled).await), (0, 1));
}

#[tokio::test]
async fn a_list_from_before_the_held_one_is_not_kept() {
    let hall = Hall::new().await;
    hall.gets_list(NOW, LicenceStatus::Revoked).await;
    hall.gets_list(NOW.plus_hours(-1), LicenceStatus::Valid).await;
    let held = hall.app.book.knowledge.lists()[&1].clone();
    assert_eq!(held.look_up(0, NOW).unwrap().status, LicenceStatus::Revoked);
}
