//! Commands for the running box over a local socket that only its owner may open. What a
//! technician does on the screen can be done here too.

use crate::book::Book;
use crate::devices::notice::Notice;
use crate::devices::pairing::{CodeRefused, Pairing};
use crate::export;
use crate::reception::Desk;
use crate::verify;
use anyhow::{Context, Result, anyhow, bail};
use hall_bus::PairingCode;
use hall_domain::case::{AccountName, WindowId};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// How long a command may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long reading a ledger of some million entries may take.
const VERIFY: Duration = Duration::from_secs(600);

/// A command, one JSON line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Gives the device that shows this code to a window.
    Pair {
        /// As the technician typed it.
        code: String,
        /// The window.
        window: WindowId,
    },
    /// 公告: hangs a line up on every evaluator; an empty one takes it down.
    Notice {
        /// The line.
        text: String,
    },
    /// Writes the evidence of one case's consent to a folder.
    Export {
        /// 办件编号.
        case: String,
        /// The folder.
        out: PathBuf,
    },
    /// Reads the whole ledger again.
    Verify,
    /// How the box is.
    Health,
}

/// The answer, one JSON line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Answer {
    /// Done; what there is to say.
    Done {
        /// For the technician, in Chinese.
        text: String,
        /// For programs.
        #[serde(default)]
        detail: serde_json::Value,
    },
    /// Not done; why and what to do.
    Refused {
        /// For the technician, in Chinese.
        text: String,
    },
}

/// Serves commands until `stop`.
pub async fn serve(socket: PathBuf, book: Book, pairing: Arc<Pairing>, desk: Desk, stop: CancellationToken) {
    // A socket that a killed process left behind; the data folder's lock says that no other box runs.
    let _ = std::fs::remove_file(&socket);
    let listener = match bind(&socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), "local commands are not available");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (book, pairing, desk) = (book.clone(), pairing.clone(), desk.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &book, &pairing, &desk).await {
                tracing::warn!(error = %format!("{error:#}"), "a local command was not answered");
            }
        });
    }
    let _ = std::fs::remove_file(&socket);
}

/// Sends one command to the running box.
pub async fn ask(socket: &Path, command: &Command) -> Result<Answer> {
    let mut stream = UnixStream::connect(socket)
        .await
        .with_context(|| format!("连不上本机的 hallbox（{}），请确认它正在运行", socket.display()))?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut reply = String::new();
    let limit = if matches!(command, Command::Verify) { VERIFY } else { ANSWER };
    tokio::time::timeout(limit, BufReader::new(stream).read_line(&mut reply))
        .await
        .context("hallbox 没有按时答复，请稍后再试")??;
    serde_json::from_str(&reply).context("hallbox 的答复无法识别，请核对版本")
}

fn bind(socket: &Path) -> Result<UnixListener> {
    let listener = UnixListener::bind(socket).with_context(|| format!("open {}", socket.display()))?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn answer(stream: UnixStream, book: &Book, pairing: &Pairing, desk: &Desk) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    tokio::time::timeout(Duration::from_secs(5), BufReader::new(read).read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Ok(command) => carry_out(command, book, pairing, desk)
            .await
            .unwrap_or_else(|error| Answer::Refused { text: format!("{error:#}") }),
        Err(_) => Answer::Refused { text: "命令无法识别，请核对 hallbox 的版本。".to_owned() },
    };
    let mut reply = serde_json::to_vec(&answer)?;
    reply.push(b'\n');
    write.write_all(&reply).await?;
    Ok(())
}

async fn carry_out(command: Command, book: &Book, pairing: &Pairing, desk: &Desk) -> Result<Answer> {
    match command {
        Command::Pair { code, window } => {
            let code: PairingCode =
                code.parse().map_err(|_| anyhow!("配对码应为六位字母或数字，请核对设备屏幕。"))?;
            let by: AccountName = "console".parse()?;
            match pairing.bind(code, &window, &by).await? {
                Ok(device) => Ok(Answer::Done {
                    text: format!("设备 {device} 已绑定到 {window}。"),
                    detail: serde_json::json!({ "device": device }),
                }),
                Err(CodeRefused::Unknown) => bail!("没有设备显示这个配对码，或已过期。请核对后重试。"),
                Err(CodeRefused::Paused) => bail!("输错次数过多，请一分钟后再试。"),
            }
        }
        Command::Notice { text } => {
            let notice = Notice::typed(&text)?;
            desk.hang(&"console".parse()?, &notice).await?;
            let text = if notice.as_str().is_empty() { "公告已撤下。" } else { "公告已发布。" };
            Ok(Answer::Done { text: text.to_owned(), detail: serde_json::Value::Null })
        }
        Command::Export { case, out } => {
            let files = export::consent(book, &case, &out).await?;
            Ok(Answer::Done {
                text: format!("已写入 {} 个文件到 {}。", files.len(), out.display()),
                detail: serde_json::json!({ "files": files }),
            })
        }
        Command::Verify => {
            let report = verify::verify(book).await?;
            let text = report.text();
            if report.damaged > 0 {
                return Ok(Answer::Refused { text });
            }
            Ok(Answer::Done { text, detail: serde_json::to_value(report)? })
        }
        Command::Health => {
            desk.tick().await?;
            let line = book.knowledge.line();
            Ok(Answer::Done {
                text: if line.up {
                    "线路正常。".to_owned()
                } else {
                    "线路中断，离线办理中。".to_owned()
                },
                detail: serde_json::json!({ "up": line.up, "backlog": line.backlog, "receipted": line.receipted }),
            })
        }
    }
}
