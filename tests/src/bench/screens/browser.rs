//! Clerk and citizen in Chromium: a script that serves one case when told to, and says what it saw.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Whose card is laid down.
pub const CARD: &str = "wang-fang";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/bench.mjs");
/// Longer than the script's own patience, so that its words are heard.
const PATIENCE: Duration = Duration::from_secs(90);

/// What one case took, in milliseconds by one clock, and the size of what went over the bus.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    pub card_to_person: f64,
    pub confirm_to_list: f64,
    pub push_to_painted: f64,
    pub agree_to_screen: f64,
    /// Payload of the authorisation page.
    pub show_bytes: usize,
    /// Payload of the signed answer.
    pub answer_bytes: usize,
}

/// The running script.
pub struct Browser {
    child: Child,
    say: ChildStdin,
    hear: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    /// Opens the browser, pairs the evaluator and signs the clerk in.
    pub async fn open(endpoints: &Path) -> Result<Self> {
        let mut child = Command::new("node")
            .arg(SCRIPT)
            .arg(endpoints)
            .arg(CARD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start node; has `make setup` been run?")?;
        let say = child.stdin.take().context("the script listens")?;
        let hear = BufReader::new(child.stdout.take().context("the script speaks")?).lines();
        let mut browser = Self { child, say, hear };
        let line = browser.line().await?;
        if line != "ready" {
            bail!("the browser script says {line:?}");
        }
        Ok(browser)
    }

    /// Serves one citizen up to the filled form.
    pub async fn case(&mut self) -> Result<Case> {
        self.say.write_all(b"case\n").await.context("the browser script has gone")?;
        let line = self.line().await?;
        serde_json::from_str(&line).with_context(|| format!("the browser script says {line:?}"))
    }

    /// Closes the browser.
    pub async fn close(self) -> Result<()> {
        let Self { mut child, say, .. } = self;
        drop(say);
        let status = timeout(PATIENCE, child.wait()).await.context("the browser does not close")??;
        if status.success() { Ok(()) } else { bail!("the browser script ended with {status}") }
    }

    async fn line(&mut self) -> Result<String> {
        let line =
            timeout(PATIENCE, self.hear.next_line()).await.context("the browser script is silent")??;
        line.context("the browser script ended early; its words are above")
    }
}
