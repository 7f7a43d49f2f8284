//! 出错页: what happened, what to do, and a number to quote.

use askama::Template;

use super::frame::Bare;

/// 出错页.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Language, assets, hall.
    pub frame: Bare,
    /// What happened.
    pub problem: Problem,
    /// Number to quote, also in the box's log.
    pub number: String,
    /// Where the one button leads.
    pub back: String,
}

/// What can go wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// 404.
    NotFound,
    /// 403: this role may not.
    Forbidden,
    /// 403: the form's token is not of this session.
    Stale,
    /// 413: the form is larger than allowed, with its files or without.
    TooLarge {
        /// The limit, ready text: "20 MB".
        limit: String,
    },
    /// 422: the request makes no sense.
    Malformed,
    /// 500.
    Internal,
    /// 503: the box is starting, stopping or overloaded.
    Unavailable,
    /// 507: the disk is full; nothing was written.
    DiskFull,
    /// Any other case, with ready sentences.
    Other {
        /// HTTP status.
        status: u16,
        /// What happened.
        what: String,
        /// What to do.
        todo: String,
    },
}

impl Problem {
    /// HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Forbidden | Self::Stale => 403,
            Self::TooLarge { .. } => 413,
            Self::Malformed => 422,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::DiskFull => 507,
            Self::Other { status, .. } => *status,
        }
    }

    /// What happened, in one sentence.
    pub fn what(&self, frame: &Bare) -> String {
        match self {
            Self::NotFound => frame.t("没有找到这一页或这个办件。").to_owned(),
            Self::Forbidden => frame.t("您的账号没有这项权限。").to_owned(),
            Self::Stale => frame.t("页面已过期，本次操作没有执行。").to_owned(),
            Self::TooLarge { limit } => frame.fill("一次提交的内容超过 {}，没有保存任何内容。", limit),
            Self::Malformed => frame.t("提交的内容不完整，本次操作没有执行。").to_owned(),
            Self::Internal => frame.t("一体机内部出错，本次操作没有完成。").to_owned(),
            Self::Unavailable => frame.t("一体机正在启动或过忙，暂时不能处理。").to_owned(),
            Self::DiskFull => frame.t("一体机磁盘已满，本次操作没有保存任何内容。").to_owned(),
            Self::Other { what, .. } => what.clone(),
        }
    }

    /// What to do next, in one sentence.
    pub fn todo(&self, frame: &Bare) -> String {
        match self {
            Self::NotFound => frame.t("请检查编号，或回到办理页搜索。").to_owned(),
            Self::Forbidden => frame.t("请换有权限的账号登录，或联系大厅管理员。").to_owned(),
            Self::Stale => frame.t("请返回后重新操作一次。").to_owned(),
            Self::TooLarge { .. } => frame.t("请分几次上传，或降低扫描分辨率；文字请写得短一些。").to_owned(),
            Self::Malformed => frame.t("请返回后重新操作；再次出现请报编号。").to_owned(),
            Self::Internal => {
                frame.t("已登记的内容都在。请返回重试；再次出现请把编号报给运维人员。").to_owned()
            }
            Self::Unavailable => frame.t("请稍候几秒再试；已登记的内容都在。").to_owned(),
            Self::DiskFull => {
                frame.t("请立即联系运维人员腾出空间；已登记的内容都在，先改用纸质收件。").to_owned()
            }
            Self::Other { todo, .. } => todo.clone(),
        }
    }
}
