//! 曾用证件号下的证照 of a case: candidates in rows of their own, until the clerk has said that it is the same person.

use super::{AccountName, Case, ListedLicence};
use crate::{AliasId, HolderAlias, MaterialId, Timestamp};
use serde::{Deserialize, Serialize};

/// A candidate: a licence that was issued under an earlier identifier, for a material that no licence under the present
/// one stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasedRow {
    /// Which material of the item.
    pub material: MaterialId,
    /// What the authority says of the earlier identifier.
    pub alias: HolderAlias,
    /// The licence; its holder is the earlier identifier.
    pub licence: ListedLicence,
}

/// 核对为同一人: who said so, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedAlias {
    /// The clerk.
    pub by: AccountName,
    /// When.
    pub at: Timestamp,
}

impl Case {
    /// What the authority says, as the list of this case holds it.
    pub fn alias(&self, id: AliasId) -> Option<&HolderAlias> {
        self.aliased.iter().map(|row| &row.alias).find(|alias| alias.id() == id)
    }

    /// Whether the clerk has confirmed that the person is the one of this earlier identifier.
    pub fn confirms(&self, id: AliasId) -> bool {
        self.confirmed.contains_key(&id)
    }

    /// Puts confirmed candidates into the rows that they stand for, and takes the others out again. A licence under
    /// the present identifier that can be used keeps its row.
    pub(super) fn settle_aliases(&mut self) {
        for (material, own) in std::mem::take(&mut self.replaced) {
            if let Some(row) = self.list.iter_mut().find(|row| row.material == material) {
                row.licence = own;
            }
        }
        let today = self.updated_at.local_date();
        for candidate in &self.aliased {
            if !self.confirmed.contains_key(&candidate.alias.id()) || !candidate.licence.usable(today) {
                continue;
            }
            let Some(row) = self.list.iter_mut().find(|row| row.material == candidate.material) else {
                continue;
            };
            if row.licence.as_ref().is_some_and(|own| own.usable(today)) {
                continue;
            }
            let own = row.licence.replace(candidate.licence.clone());
            self.replaced.insert(row.material.clone(), own);
        }
    }
}
