//! 曾用证件号 that the centre told of: found by a blind index of the holder, sealed to the holder. No number stands in
//! any column.

use super::StoreError;
use super::licences::holder_index;
use crate::vault::{Unsealable, Vault};
use hall_domain::{AliasId, HolderAlias, HolderId, Timestamp};
use rusqlite::{Connection, params};

/// Keeps a fact. A word that is older than the one that is kept changes nothing.
pub fn put(tx: &Connection, vault: &Vault, alias: &HolderAlias, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO alias (id, holder, at, sealed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET holder = ?2, at = ?3, sealed = ?4 WHERE at <= ?3",
    )?
    .execute(params![
        alias.id().0,
        holder_index(vault, alias.holder()),
        at.0,
        vault.seal_to(alias.holder(), &serde_json::to_vec(alias)?)
    ])?;
    Ok(())
}

/// Forgets a fact that the centre does not hold any longer.
pub fn forget(tx: &Connection, id: AliasId, at: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM alias WHERE id = ?1 AND at <= ?2")?.execute(params![id.0, at.0])?;
    Ok(())
}

/// What is known of a person's earlier identifiers.
pub fn of_holder(db: &Connection, vault: &Vault, holder: &HolderId) -> Result<Vec<HolderAlias>, StoreError> {
    let mut statement = db.prepare_cached("SELECT sealed FROM alias WHERE holder = ?1 ORDER BY at, id")?;
    let mut rows = statement.query([holder_index(vault, holder)])?;
    let opener = vault.of_holder(holder);
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = opener.open(row.get_ref(0)?.as_blob().map_err(|_| Unsealable)?)?;
        found.push(serde_json::from_slice(&bytes)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MIGRATIONS;
    use hall_domain::AliasKind;
    use zeroize::Zeroizing;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);
    const HOLDER: &str = "111:519900199003070011";
    const OTHER: &str = "111:519900900307001";

    fn database() -> (Connection, Vault) {
        let db = Connection::open_in_memory().unwrap();
        MIGRATIONS.iter().for_each(|step| db.execute_batch(step.sql).unwrap());
        (db, Vault::new(Zeroizing::new([3; 32])))
    }

    fn holder(text: &str) -> HolderId {
        text.parse().unwrap()
    }

    fn fact(id: u8, other: &str, kind: AliasKind) -> HolderAlias {
        let since = "2001-06-01".parse().unwrap();
        HolderAlias::new(AliasId([id; 16]), holder(HOLDER), holder(other), kind, since, "安澜市公安局")
            .unwrap()
    }

    #[test]
    fn facts_are_found_by_the_present_holder_alone_and_the_earlier_identifier_finds_nobody() {
        let (db, vault) = database();
        let (first, second) =
            (fact(1, OTHER, AliasKind::FifteenDigits), fact(2, "414:E12345678", AliasKind::Passport));
        put(&db, &vault, &first, NOW).unwrap();
        put(&db, &vault, &second, NOW.plus_hours(1)).unwrap();
        assert_eq!(of_holder(&db, &vault, &holder(HOLDER)).unwrap(), [first, second.clone()]);
        assert!(of_holder(&db, &vault, &holder(OTHER)).unwrap().is_empty());
        // A withdrawal from before the newest word is history; a later one ends the fact.
        forget(&db, second.id(), NOW).unwrap();
        forget(&db, AliasId([1; 16]), NOW).unwrap();
        assert_eq!(of_holder(&db, &vault, &holder(HOLDER)).unwrap(), [second]);
    }

    #[test]
    fn an_older_word_that_comes_late_changes_nothing() {
        let (db, vault) = database();
        put(&db, &vault, &fact(1, "414:E12345678", AliasKind::Passport), NOW.plus_hours(1)).unwrap();
        put(&db, &vault, &fact(1, OTHER, AliasKind::FifteenDigits), NOW).unwrap();
        assert_eq!(of_holder(&db, &vault, &holder(HOLDER)).unwrap()[0].kind(), AliasKind::Passport);
    }

    #[test]
    fn no_row_tells_of_whom_it_is_or_what_the_other_number_was() {
        let (db, vault) = database();
        put(&db, &vault, &fact(1, OTHER, AliasKind::FifteenDigits), NOW).unwrap();
        let row: Vec<Vec<u8>> = db
            .query_row("SELECT id, holder, sealed FROM alias", [], |row| {
                Ok(vec![row.get(0)?, row.get(1)?, row.get(2)?])
            })
            .unwrap();
        let whole = row.concat();
        for secret in [HOLDER, OTHER] {
            let number = secret.split_once(':').unwrap().1.as_bytes();
            assert!(!whole.windows(number.len()).any(|part| part == number));
        }
        let other = Vault::new(Zeroizing::new([4; 32]));
        assert!(of_holder(&db, &other, &holder(HOLDER)).unwrap().is_empty());
    }
}
