//! 核对账本: what holds is found whole, and each kind of damage is found.

use super::hall::{Hall, open_case};
use crate::verify::{Report, verify};
use rusqlite::Connection;

async fn hall_with_cases() -> Hall {
    let hall = Hall::new().await.with_catalogue();
    let mut browser = hall.at_window("li.qiang", "W01").await;
    for slug in ["wang-fang", "zhang-wei"] {
        let id = open_case(&mut browser).await;
        hall.identified(&id, "li.qiang", slug).await;
    }
    hall
}

#[tokio::test]
async fn a_ledger_that_holds_is_read_to_its_end() {
    let hall = hall_with_cases().await;
    let size =
        hall.read(|db| db.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, u32>(0))).await;
    let Report { entries, cases, damaged, damages, .. } = verify(&hall.app.book).await.unwrap();
    assert_eq!((entries, cases, damaged), (u64::from(size), 2, 0), "{damages:?}");
}

#[tokio::test]
async fn every_kind_of_damage_is_found_and_said() {
    type Harm = fn(&Connection) -> rusqlite::Result<usize>;
    let harms: [(&str, Harm); 7] = [
        ("第 1 条", |tx| {
            tx.execute("UPDATE entry SET cose = CAST(substr(cose, 1, length(cose) - 1) || x'FF' AS BLOB) WHERE seq = 1", [])
        }),
        ("第 1 条", |tx| tx.execute("UPDATE entry SET salt = zeroblob(length(salt)) WHERE seq = 1", [])),
        ("第 2 条无法解封", |tx| {
            tx.execute("UPDATE entry SET body = zeroblob(length(body)) WHERE seq = 2", [])
        }),
        ("账本应有", |tx| tx.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)", [])),
        ("叶子摘要与条目不符", |tx| {
            tx.execute("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 0", [])
        }),
        ("与账本不一致", |tx| tx.execute("UPDATE cases SET rev = rev + 1 WHERE rowid = 1", [])),
        ("只在账本里", |tx| tx.execute("DELETE FROM cases WHERE rowid = 1", [])),
    ];
    for (said, harm) in harms {
        let hall = hall_with_cases().await;
        assert_eq!(hall.write(harm).await, 1, "{said}");
        let report = verify(&hall.app.book).await.unwrap();
        assert!(report.damaged > 0 && report.text().contains(said), "{said}: {}", report.text());
    }
}
