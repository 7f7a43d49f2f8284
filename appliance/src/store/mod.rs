//! The box's database, table by table. All SQL of the box is in these files.

pub mod accounts;
pub mod aliases;
pub mod blobs;
pub mod cases;
pub mod codes;
pub mod devices;
pub mod findings;
pub mod items;
pub mod lapsed;
pub mod ledger;
pub mod licences;
pub mod meta;
pub mod retention;
pub mod use_codes;

use hall_sqlite::Migration;

/// Every version of the schema, oldest first. Only ever added to.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "first", sql: include_str!("schema.sql") }];

/// What goes wrong between a use case and its rows.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("database")]
    Sql(#[from] rusqlite::Error),
    /// The ledger.
    #[error("ledger")]
    Ledger(#[from] ledger::LedgerError),
    /// A sealed column that does not open: damage, or another box's database.
    #[error("sealed column")]
    Unsealable(#[from] crate::vault::Unsealable),
    /// A stored text that does not parse: damage.
    #[error("stored record")]
    Record(#[from] serde_json::Error),
}
