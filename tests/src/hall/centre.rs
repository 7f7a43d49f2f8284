//! 省级中心: the reference centre as a process, and what its operators can ask it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hall_domain::LicenceStatus;
use reqwest::{Client, Method};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::process::Command;

use super::processes::{Part, Place, program};

const MAKE: Duration = Duration::from_secs(60);
const READY: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(10);

/// A running centre.
#[derive(Debug)]
pub struct Centre {
    part: Part,
    data: PathBuf,
    link: SocketAddr,
    citizen: SocketAddr,
    operator: Operator,
}

/// An operator of the province: the centre's JSON interface.
#[derive(Debug, Clone)]
pub struct Operator {
    base: String,
    token: String,
    client: Client,
}

impl Centre {
    /// Makes a centre with the cast in its register, and the catalogue that is built in.
    ///
    /// # Errors
    /// If the programme refuses.
    pub async fn make(data: &Path, cast: &Path, place: &Place) -> Result<()> {
        let mut command = Command::new(program("hall-centre")?);
        command.arg("init").arg("--data").arg(data).arg("--cast").arg(cast);
        Part::run("centre-init", command, place, MAKE).await.map(drop)
    }

    /// Starts it, on ports of its own choice; text messages go to the gateway at `messages`.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start(data: &Path, messages: &str, place: &Place) -> Result<Self> {
        let mut command = Command::new(program("hall-centre")?);
        command.arg("run").arg("--data").arg(data).args([
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--citizen",
            "127.0.0.1:0",
            "--messages",
            messages,
        ]);
        let part = Part::start("centre", command, place)?;
        let (link, admin, citizen) = part.line(READY, ready).await?;
        let file = data.join("operator.token");
        let token = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let operator = Operator {
            base: format!("http://{admin}/admin"),
            token: token.trim().to_owned(),
            client: Client::builder().no_proxy().timeout(ANSWER).build().context("an HTTP client")?,
        };
        Ok(Self { part, data: data.to_owned(), link, citizen, operator })
    }

    /// Where boxes reach it.
    pub fn link(&self) -> SocketAddr {
        self.link
    }

    /// Where citizens' phones reach it.
    pub fn citizen(&self) -> SocketAddr {
        self.citizen
    }

    /// The authority that its certificate is from.
    pub fn ca(&self) -> PathBuf {
        self.data.join("ca.pem")
    }

    /// The file with the operators' token.
    pub fn token_file(&self) -> PathBuf {
        self.data.join("operator.token")
    }

    /// Its operators' side.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Its process.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Stops it.
    pub async fn stop(self) {
        self.part.stop().await;
    }

    /// Kills it.
    pub async fn kill(self) {
        self.part.kill().await;
    }
}

fn ready(line: &str) -> Option<(SocketAddr, SocketAddr, SocketAddr)> {
    let mut addresses = line.strip_prefix("ready ")?.split(' ').map(|address| address.parse().ok());
    let all = (addresses.next()??, addresses.next()??, addresses.next()??);
    addresses.next().is_none().then_some(all)
}

impl Operator {
    /// Address of the operators' interface.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A code with which one box of a hall may enrol.
    ///
    /// # Errors
    /// If the centre refuses.
    pub async fn enrolment(&self, hall_code: &str, hall_name: &str) -> Result<String> {
        let body = json!({ "hall_code": hall_code, "hall_name": hall_name });
        let answer = self.ask(Method::POST, "/enrolments", Some(&body)).await?;
        Ok(answer["code"].as_str().context("the centre gave no code")?.to_owned())
    }

    /// Revokes, suspends or restores a licence. Tells whether that changed anything.
    ///
    /// # Errors
    /// If there is no such licence, or the centre does not answer.
    pub async fn set_status(&self, licence: &str, status: LicenceStatus) -> Result<bool> {
        let path = format!("/licences/{licence}/status");
        let answer = self.ask(Method::POST, &path, Some(&json!({ "status": status }))).await?;
        answer["changed"].as_bool().context("the centre does not say whether it changed")
    }

    /// What it counts: halls, entries, cases, licences.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn health(&self) -> Result<Value> {
        self.ask(Method::GET, "/health", None::<&()>).await
    }

    /// The cases that it knows, newest first.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn cases(&self) -> Result<Value> {
        self.ask(Method::GET, "/cases", None::<&()>).await
    }

    /// One case with its judgement.
    ///
    /// # Errors
    /// If it does not know the case.
    pub async fn case(&self, no: &str) -> Result<Value> {
        self.ask(Method::GET, &format!("/cases/{no}"), None::<&()>).await
    }

    /// The ledgers that it keeps.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn logs(&self) -> Result<Value> {
        self.ask(Method::GET, "/logs", None::<&()>).await
    }

    /// Entries of a ledger from one number on.
    ///
    /// # Errors
    /// If it does not know the ledger.
    pub async fn entries(&self, log: &str, from: u64) -> Result<Value> {
        self.ask(Method::GET, &format!("/entries?log={log}&from={from}&limit=1000"), None::<&()>).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Value> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .context("the centre does not answer")?;
        let status = answer.status();
        let text = answer.text().await.context("the centre's answer broke off")?;
        if !status.is_success() {
            bail!("the centre refuses ({status}): {text}");
        }
        serde_json::from_str(&text).context("the centre's answer is not JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_holds_all_three_addresses() {
        let (link, admin, citizen) = ready("ready 127.0.0.1:9443 127.0.0.1:9444 127.0.0.1:9445").unwrap();
        assert_eq!((link.port(), admin.port(), citizen.port()), (9443, 9444, 9445));
        assert!(ready("ready 127.0.0.1:9443 127.0.0.1:9444").is_none());
        assert!(ready("listening on 127.0.0.1:9443").is_none());
    }
}
