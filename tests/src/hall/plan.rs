//! What a hall is to be like: windows, accounts, addresses.

use std::path::PathBuf;

use hall_sim::Pace;
use serde::Serialize;

use super::ports::Lease;

/// 大厅: everything that a technician would write down before installing one.
#[derive(Debug)]
pub struct Plan {
    /// Folder for everything.
    pub data: PathBuf,
    /// Code of the hall at the centre.
    pub code: String,
    /// 大厅名称.
    pub name: String,
    /// Its windows; each gets a reader.
    pub windows: Vec<WindowPlan>,
    /// Who may sign in.
    pub accounts: Vec<Account>,
    /// Where it listens.
    pub ports: Ports,
    /// How fast the virtual readers' lines are.
    pub pace: Pace,
}

/// 窗口.
#[derive(Debug, Clone, Serialize)]
pub struct WindowPlan {
    /// Such as `W01`.
    pub id: String,
    /// What stands above it.
    pub name: String,
    /// What its reader is plugged into.
    pub reader: ReaderKind,
}

/// What a window's reader is plugged into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderKind {
    /// A serial line.
    Serial,
    /// The smart card service of the window's machine.
    Pcsc,
}

/// 账号 of the hall, with its password in clear: for demonstrations and tests alone.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// Sign-in name.
    pub account: String,
    /// 姓名.
    pub name: String,
    /// As `hallbox setup` calls it.
    pub role: String,
    /// 角色, in Chinese.
    pub role_zh: String,
    /// Password.
    pub password: String,
}

/// Ports, held for as long as the hall lives.
#[derive(Debug)]
pub struct Ports {
    /// The box's HTTPS.
    pub web: Lease,
    /// The box's MQTT over TLS.
    pub mqtts: Lease,
    /// The line to the centre.
    pub line: Lease,
    /// The cast's phones.
    pub phones: Lease,
}

impl Ports {
    /// Any free ones.
    ///
    /// # Errors
    /// If there are none.
    pub fn any() -> anyhow::Result<Self> {
        Ok(Self { web: Lease::any()?, mqtts: Lease::any()?, line: Lease::any()?, phones: Lease::any()? })
    }
}

impl Plan {
    /// The hall of the demonstrations and of most tests, with so many windows.
    pub fn usual(data: PathBuf, windows: u8, ports: Ports) -> Self {
        let window = |n: u8| WindowPlan {
            id: format!("W{n:02}"),
            name: format!("综合{n}号窗口"),
            reader: ReaderKind::Serial,
        };
        Self {
            data,
            code: "SC5199000001".to_owned(),
            name: "安澜市政务服务大厅".to_owned(),
            windows: (1..=windows).map(window).collect(),
            accounts: accounts(),
            ports,
            pace: Pace::Unpaced,
        }
    }
}

fn accounts() -> Vec<Account> {
    [
        ("liqiang", "李强", "clerk", "窗口人员"),
        ("zhoumin", "周敏", "clerk", "窗口人员"),
        ("chenlan", "陈岚", "reviewer", "部门审批人员"),
        ("hejing", "何静", "hall-admin", "大厅管理员"),
        ("luojun", "罗军", "technician", "运维人员"),
        ("wuping", "吴平", "auditor", "审计员"),
    ]
    .map(|(account, name, role, role_zh)| Account {
        account: account.to_owned(),
        name: name.to_owned(),
        role: role.to_owned(),
        role_zh: role_zh.to_owned(),
        password: format!("{account}-2026"),
    })
    .to_vec()
}
