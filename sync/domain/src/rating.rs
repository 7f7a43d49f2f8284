//! What the citizen says about the service, after the case.

use serde::{Deserialize, Serialize};

/// 好差评: one of five grades (GB/T 39735), 5 the best. A number in serde.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Grade {
    /// 非常不满意.
    VeryDissatisfied = 1,
    /// 不满意.
    Dissatisfied = 2,
    /// 基本满意.
    FairlySatisfied = 3,
    /// 满意.
    Satisfied = 4,
    /// 非常满意.
    VerySatisfied = 5,
}

/// A number that is no grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rating is a number from 1 to 5")]
pub struct GradeError;

impl Grade {
    /// All grades, in the order in which the page shows them: best first.
    pub const ALL: [Self; 5] = [
        Self::VerySatisfied,
        Self::Satisfied,
        Self::FairlySatisfied,
        Self::Dissatisfied,
        Self::VeryDissatisfied,
    ];

    /// The Chinese name.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::VeryDissatisfied => "非常不满意",
            Self::Dissatisfied => "不满意",
            Self::FairlySatisfied => "基本满意",
            Self::Satisfied => "满意",
            Self::VerySatisfied => "非常满意",
        }
    }

    /// Whether the hall must call the citizen back: 不满意 and 非常不满意.
    #[must_use]
    pub fn needs_call_back(self) -> bool {
        self <= Self::Dissatisfied
    }
}

impl TryFrom<u8> for Grade {
    type Error = GradeError;

    fn try_from(number: u8) -> Result<Self, GradeError> {
        Self::ALL.into_iter().find(|grade| *grade as u8 == number).ok_or(GradeError)
    }
}

impl From<Grade> for u8 {
    fn from(grade: Grade) -> Self {
        grade as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_is_a_number_from_one_to_five() {
        assert_eq!(serde_json::to_string(&Grade::VerySatisfied).unwrap(), "5");
        assert_eq!(serde_json::from_str::<Grade>("1").unwrap(), Grade::VeryDissatisfied);
        assert!(serde_json::from_str::<Grade>("0").is_err() && serde_json::from_str::<Grade>("6").is_err());
        assert!(Grade::Dissatisfied.needs_call_back() && !Grade::FairlySatisfied.needs_call_back());
    }
}
