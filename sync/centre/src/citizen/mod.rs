//! 公众接口: what citizens may do at the centre, and who they may do it for. It deliberately knows nothing of HTTP.
//!
//! Reading order: [`session`] (who somebody is), [`capacity`] (for whom they act), [`codes`] and [`face`] (how they
//! prove it), [`challenge`] and [`answer`] (what a window asks them), [`grant`] and [`mandate`] (who may act for
//! whom), [`consent`] (what was agreed to), [`licences`] (what they hold), [`notice`] and [`texts`] (what they are told).

pub mod answer;
pub mod capacity;
pub mod challenge;
pub mod codes;
pub mod consent;
pub mod face;
pub mod grant;
pub mod id;
pub mod licences;
pub mod mandate;
pub mod news;
pub mod notice;
pub mod refusal;
pub mod session;
pub mod texts;

pub use refusal::Refusal;
