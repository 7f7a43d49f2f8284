//! 纸质委托书: a mandate that nobody but the paper vouches for.

use super::ListRow;
use crate::{HolderId, MaterialId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// 纸质委托书: whom it names as principal (委托人), as the clerk read it. Nobody has proven any of it. `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperMandate {
    /// 委托人.
    pub principal: HolderId,
    /// The principal's name, 1 to [`PaperMandate::NAME_CHARS`] characters, none of them a control character.
    pub principal_name: String,
}

impl PaperMandate {
    /// The most characters of a name.
    pub const NAME_CHARS: usize = 120;
    /// The row of the list on which the paper itself is scanned. Items number their materials from m1; the last number
    /// is kept for this.
    pub const MATERIAL: &str = "m999";

    /// The material that stands for the paper itself.
    #[must_use]
    pub fn material() -> MaterialId {
        #[expect(clippy::expect_used, reason = "a constant that is a material id")]
        Self::MATERIAL.parse().expect("the material of the paper mandate is a material id")
    }

    /// 委托书, as a row of the list.
    #[must_use]
    pub fn row() -> ListRow {
        ListRow { material: Self::material(), name: "委托书".to_owned(), required: true, licence: None }
    }

    /// A name as it may stand in a mandate: what nobody sees is left out.
    #[must_use]
    pub fn name(text: &str) -> Option<String> {
        let name = crate::form::visible(text).trim().to_owned();
        let fits =
            (1..=Self::NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        fits.then_some(name)
    }
}

impl fmt::Debug for PaperMandate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaperMandate({:?}, {})", self.principal, crate::mask_name(&self.principal_name))
    }
}
