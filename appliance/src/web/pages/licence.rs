//! 证照使用件: what was opened of one licence for one case, to look at and to print.

use askama::Template;

use super::frame::Bare;

/// 证照查看 and 打印.
#[derive(Debug, Clone, Template)]
#[template(path = "licence.html")]
pub struct LicencePage {
    /// Language, assets, hall.
    pub frame: Bare,
    /// Identifier of the case in addresses, for the way back.
    pub id: String,
    /// Kind of the licence.
    pub kind: String,
    /// 证照标识.
    pub licence: String,
    /// 颁发机关.
    pub issuer: String,
    /// 持证主体, masked.
    pub holder: String,
    /// Last day, or 长期.
    pub valid_until: String,
    /// What was opened: label and value, in the order of the licence.
    pub fields: Vec<(String, String)>,
    /// 事项 that it was opened for.
    pub item: String,
    /// 办件编号.
    pub number: String,
    /// 用证码.
    pub use_code: String,
    /// How and how freshly it was verified.
    pub checked: String,
    /// Whether the line was down when it was opened.
    pub offline: bool,
    /// That the licence is good no longer and must not be used, ready sentence; empty while nothing is known against it.
    pub lapsed: String,
    /// First characters of the digest of the issuer's envelope.
    pub digest: String,
    /// Who looks, and when: "李强 2026-11-21 15:36:02".
    pub seen: String,
}
