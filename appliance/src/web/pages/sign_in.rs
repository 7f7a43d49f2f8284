//! 登录: account and password, and what went wrong.

use askama::Template;

use super::frame::Bare;

/// 登录页.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// Language, token, assets, hall.
    pub frame: Bare,
    /// What was typed as account.
    pub account: String,
    /// Where to go afterwards.
    pub next: String,
    /// Why the last attempt failed, or why the session ended.
    pub problem: Option<SignInProblem>,
}

/// Why somebody stands before the sign-in page again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInProblem {
    /// 账号或密码不对: never says which of the two.
    Wrong {
        /// Attempts left before there is a wait.
        left: u32,
    },
    /// 输错次数过多: this place has to wait.
    Wait {
        /// How long, in seconds.
        seconds: u64,
    },
    /// 账号未填 or 密码未填.
    Empty,
    /// The session ended by itself.
    Ended,
    /// The form had stood open too long.
    Stale,
}
