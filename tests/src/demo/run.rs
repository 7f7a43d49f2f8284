//! Starting the demonstration hall, keeping it, and stopping it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hall_sim::Pace;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Endpoints;
use crate::control;
use crate::hall::{Ground, Hall, Lease, Plan, Ports, ReaderKind};

const CONTROL: u16 = 8080;
const WEB: u16 = 8443;
const MQTTS: u16 = 8883;
const LINE: u16 = 9443;
const PHONES: u16 = 8081;
const LOOK: Duration = Duration::from_millis(500);
const SERVER_ENDS: Duration = Duration::from_secs(2);

/// Which ports a hall takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PortChoice {
    /// 8080, 8081, 8443, 8883 and 9443, or others where those are taken.
    Usual,
    /// Any that are free.
    Any,
}

/// How the hall is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder.
    pub data: PathBuf,
    /// Where the addresses are written.
    pub endpoints: PathBuf,
    /// Its ports.
    pub ports: PortChoice,
    /// How many windows.
    pub windows: u8,
    /// Whether the last window's reader is one behind PC/SC.
    pub pcsc: bool,
    /// Whether to say nothing but errors.
    pub quiet: bool,
}

/// Runs the hall until Ctrl-C or SIGTERM.
///
/// # Errors
/// If something does not start; the error says what, with its last lines.
pub async fn run(options: Options) -> Result<()> {
    let stop = stop_signal()?;
    let say = |text: &str| {
        if !options.quiet {
            println!("{text}");
        }
    };
    let begun = Instant::now();
    let ground = Ground::take(&options.data)?;
    if ground.cleaned > 0 {
        say(&format!("清理了上次没有正常结束的 {} 个进程", ground.cleaned));
    }
    let (ports, control) = choose(&options, &ground, &say)?;
    let mut plan = Plan::usual(options.data.clone(), options.windows, ports);
    plan.pace = Pace::Baud115200;
    if options.pcsc
        && let Some(last) = plan.windows.last_mut()
    {
        last.reader = ReaderKind::Pcsc;
    }
    let tell = |what: &str| say(&format!("  {:>4.1} 秒  {what}", begun.elapsed().as_secs_f32()));
    let hall = tokio::select! {
        hall = Hall::start(plan, ground, tell) => Arc::new(hall?),
        () = stop.cancelled() => bail!("启动被中断，已停止启动了的部分"),
    };
    let listener = TcpListener::bind(control.address()).await.context("open the control page")?;
    let endpoints = Arc::new(Endpoints::of(&hall, listener.local_addr()?).await?);
    endpoints.write(&options.endpoints)?;
    let serving = CancellationToken::new();
    let served = tokio::spawn(control::serve(listener, hall.clone(), endpoints.clone(), serving.clone()));
    say(&format!("  {:>4.1} 秒  全部就绪\n", begun.elapsed().as_secs_f32()));
    say(&endpoints.table());
    say(&format!(
        "  数据在 {}，地址和账号也写在 {}。",
        hall.plan().data.display(),
        options.endpoints.display()
    ));
    say("  浏览器第一次打开一体机会提示证书不受信任：选“高级”“继续”，或导入控制台上的大厅证书。");
    say("  按 Ctrl-C 停止。");

    watch(&hall, &stop).await;
    say("\n正在停止……");
    serving.cancel();
    hall.stop().await;
    if let Ok(Ok(Err(error))) = tokio::time::timeout(SERVER_ENDS, served).await {
        eprintln!("控制台出错：{error:#}");
    }
    // Whoever finds the file takes the hall for running.
    let _ = std::fs::remove_file(&options.endpoints);
    say("已全部停止。");
    Ok(())
}

/// Tells of each part that dies, once, until it is time to stop. The control page can start it again.
async fn watch(hall: &Hall, stop: &CancellationToken) {
    let mut told: Vec<String> = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let fallen = hall.fallen().await;
        told.retain(|name| fallen.iter().any(|(fallen, _)| fallen == name));
        for (name, story) in fallen {
            if !told.contains(&name) {
                eprintln!("{story:#}");
                told.push(name);
            }
        }
    }
}

/// The ports of last time, or the usual ones, or any.
fn choose(options: &Options, ground: &Ground, say: &impl Fn(&str)) -> Result<(Ports, Lease)> {
    let lease = |what: &str, wanted: u16| -> Result<Lease> {
        if options.ports == PortChoice::Any {
            return Lease::any();
        }
        if let Some(lease) = Lease::exactly(wanted)? {
            return Ok(lease);
        }
        let other = Lease::any()?;
        say(&format!("端口 {wanted}（{what}）被其他程序占用，改用 {}", other.port()));
        Ok(other)
    };
    let control = lease("控制台", CONTROL)?;
    let phones = lease("手机", PHONES)?;
    let Some(before) = ground.set_up else {
        let ports = Ports {
            web: lease("一体机", WEB)?,
            mqtts: lease("设备接入", MQTTS)?,
            line: lease("线路", LINE)?,
            phones,
        };
        return Ok((ports, control));
    };
    // The box has written down where its centre is, so the line stays where it was.
    let line = Lease::exactly(before.line)?.with_context(|| {
        format!(
            "端口 {} 被其他程序占用，而一体机已经在这个端口上入网。请停掉那个程序，或删除 {} 重新建立大厅",
            before.line,
            options.data.display()
        )
    })?;
    let again = |what: &str, port: u16| -> Result<Lease> {
        match Lease::exactly(port)? {
            Some(lease) => Ok(lease),
            None => lease(what, port),
        }
    };
    Ok((
        Ports {
            web: again("一体机", before.web)?, mqtts: again("设备接入", before.mqtts)?, line, phones
        },
        control,
    ))
}

fn stop_signal() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let (mut interrupt, mut terminate, mut hangup) = (
        signal(SignalKind::interrupt()).context("listen for Ctrl-C")?,
        signal(SignalKind::terminate()).context("listen for SIGTERM")?,
        signal(SignalKind::hangup()).context("listen for SIGHUP")?,
    );
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
