//! Addresses and accounts of a running hall: as a table for people, as a file for scripts.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::hall::{Account, Hall};

/// What `endpoints.json` holds.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoints {
    hall: String,
    #[serde(rename = "box")]
    hall_box: BoxEndpoints,
    centre: CentreEndpoints,
    control: ControlEndpoints,
    windows: Vec<WindowEndpoints>,
    phones: PhonesEndpoints,
    accounts: Vec<Account>,
    data: PathBuf,
    logs: PathBuf,
}

#[derive(Debug, Clone, Serialize)]
struct BoxEndpoints {
    url: String,
    mqtts: String,
    ca: PathBuf,
    data: PathBuf,
}

#[derive(Debug, Clone, Serialize)]
struct CentreEndpoints {
    /// Where the box connects: the line that can be cut.
    link: String,
    admin: String,
    token_file: PathBuf,
    ca: PathBuf,
}

#[derive(Debug, Clone, Serialize)]
struct ControlEndpoints {
    url: String,
    api: String,
}

#[derive(Debug, Clone, Serialize)]
struct PhonesEndpoints {
    /// Where one chooses whose phone to take.
    url: String,
    people: Vec<PhoneEndpoint>,
}

#[derive(Debug, Clone, Serialize)]
struct PhoneEndpoint {
    slug: String,
    name: String,
    url: String,
}

#[derive(Debug, Clone, Serialize)]
struct WindowEndpoints {
    id: String,
    name: String,
    evaluator: String,
    reader: PathBuf,
}

impl Endpoints {
    /// Those of a hall whose control page is at `control`.
    ///
    /// # Errors
    /// If the centre does not run.
    pub async fn of(hall: &Hall, control: SocketAddr) -> Result<Self> {
        let hall_box = hall.hall_box().read().await;
        let centre = hall.centre().read().await;
        let centre = centre.as_ref().context("省级中心没有在运行")?;
        let url = hall_box.url().to_owned();
        let mut windows = Vec::new();
        for window in hall.windows() {
            let window = window.lock().await;
            let plan = window.plan();
            windows.push(WindowEndpoints {
                id: plan.id.clone(),
                name: plan.name.clone(),
                evaluator: format!("{url}/evaluator/?slot={}", plan.id),
                reader: window.port().to_owned(),
            });
        }
        let phone = |slug: &str, name: &str| PhoneEndpoint {
            slug: slug.to_owned(),
            name: name.to_owned(),
            url: hall.phones().url_of(slug),
        };
        let people = hall.cast().people().iter().map(|member| phone(&member.slug, &member.name)).collect();
        let data = hall.plan().data.clone();
        Ok(Self {
            hall: hall.plan().name.clone(),
            hall_box: BoxEndpoints {
                mqtts: hall_box.mqtts().to_owned(),
                ca: hall_box.ca(),
                data: hall_box.data().to_owned(),
                url,
            },
            centre: CentreEndpoints {
                link: format!("https://{}", hall.line().address()),
                admin: centre.operator().base().to_owned(),
                token_file: centre.token_file(),
                ca: centre.ca(),
            },
            control: ControlEndpoints {
                url: format!("http://{control}/"),
                api: format!("http://{control}/api/"),
            },
            windows,
            phones: PhonesEndpoints { url: hall.phones().url(), people },
            accounts: hall.plan().accounts.clone(),
            logs: data.join("logs"),
            data,
        })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        let fresh = path.with_extension("json.new");
        fs::write(&fresh, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("write {}", fresh.display()))?;
        fs::rename(&fresh, path).with_context(|| format!("write {}", path.display()))
    }

    /// The table that a person sees first.
    pub fn table(&self) -> String {
        let mut rows = vec![
            ("控制台".to_owned(), self.control.url.clone(), "放证件、断线路、配对评价器".to_owned()),
            ("窗口界面".to_owned(), format!("{}/", self.hall_box.url), "窗口人员登录办件".to_owned()),
        ];
        for window in &self.windows {
            rows.push((format!("评价器 {}", window.id), window.evaluator.clone(), window.name.clone()));
        }
        let count = self.phones.people.len();
        rows.push((
            "手机".to_owned(),
            self.phones.url.clone(),
            format!("{count} 位办事人的手机，例如 {}", self.phones.people.first().map_or("", |one| &one.url)),
        ));
        rows.push((
            "省级中心".to_owned(),
            self.centre.admin.clone(),
            "运营接口，令牌见 endpoints.json".to_owned(),
        ));
        let accounts = self.accounts.iter().map(|account| {
            let who = format!("{}（{}）", account.name, account.role_zh);
            (account.account.clone(), account.password.clone(), who)
        });
        let accounts: Vec<_> = accounts.collect();
        let mut text = columns(&rows);
        text.push('\n');
        text.push_str(&columns(
            &[("账号".to_owned(), "密码".to_owned(), String::new())]
                .into_iter()
                .chain(accounts)
                .collect::<Vec<_>>(),
        ));
        text
    }
}

fn columns(rows: &[(String, String, String)]) -> String {
    let first = rows.iter().map(|row| width(&row.0)).max().unwrap_or_default();
    let second = rows.iter().map(|row| width(&row.1)).max().unwrap_or_default();
    let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(width(text)));
    rows.iter()
        .map(|(a, b, c)| {
            let line = format!("  {a}{}   {b}{}   {c}", pad(a, first), pad(b, second));
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// Columns that a text takes on a terminal: two for each Chinese character.
fn width(text: &str) -> usize {
    text.chars().map(|letter| if letter.is_ascii() || letter == '·' { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_chinese_in_them() {
        let row = |a: &str, b: &str| (a.to_owned(), b.to_owned(), "x".to_owned());
        let text = columns(&[row("窗口", "ab"), row("W01", "abcd")]);
        let at: Vec<usize> = text.lines().map(|line| width(line.split('x').next().unwrap())).collect();
        assert_eq!(at[0], at[1], "{text}");
    }
}
