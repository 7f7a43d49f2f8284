//! The hall box as a command.

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use hall_domain::case::WindowId;
use hallbox::admin::{self, Answer, Command};
use hallbox::clock::Clock;
use hallbox::setup::DataDir;
use hallbox::{enrol, run, setup};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
#[command(name = "hallbox", version, about = "政务服务大厅免证办一体机")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// 初始化：按配置文件建立窗口、账号和地址
    Setup {
        #[arg(long)]
        data: PathBuf,
        /// hall.toml
        #[arg(long)]
        file: PathBuf,
    },
    /// 入网：用省级中心发放的入网码登记本机
    Enrol {
        #[arg(long)]
        data: PathBuf,
        /// https://主机:端口
        #[arg(long)]
        centre: String,
        /// 中心 CA 证书文件
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        code: String,
    },
    /// 运行
    Run {
        #[arg(long)]
        data: PathBuf,
    },
    /// 绑定设备：输入设备屏幕上的配对码
    Pair {
        #[arg(long)]
        data: PathBuf,
        code: String,
        #[arg(long)]
        window: WindowId,
    },
    /// 公告：显示在各评价器的空闲页上，留空为撤下
    Notice {
        #[arg(long)]
        data: PathBuf,
        #[arg(default_value = "")]
        text: String,
    },
    /// 导出一件办件的授权记录、包含证明和中心回执
    Export {
        #[arg(long)]
        data: PathBuf,
        /// 办件编号
        #[arg(long)]
        case: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 核对账本：签名、次序、回执，以及每件办件是否与账本一致
    Verify {
        #[arg(long)]
        data: PathBuf,
    },
    /// 查看线路状态
    Health {
        #[arg(long)]
        data: PathBuf,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HALLBOX_LOG").unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match Arguments::parse().task {
        Task::Setup { data, file } => tokio::task::spawn_blocking(move || setup::setup(&data, &file)).await?,
        Task::Enrol { data, centre, ca, code } => {
            enrol::enrol(&data, &centre, &ca, &code, Clock::start().now()).await
        }
        Task::Run { data } => run::run(&data, stop_signal()?).await,
        Task::Pair { data, code, window } => tell(data, Command::Pair { code, window }).await,
        Task::Notice { data, text } => tell(data, Command::Notice { text }).await,
        Task::Export { data, case, out } => {
            std::fs::create_dir_all(&out)?;
            let out = out.canonicalize()?;
            tell(data, Command::Export { case, out }).await
        }
        Task::Verify { data } => tell(data, Command::Verify).await,
        Task::Health { data } => tell(data, Command::Health).await,
    }
}

async fn tell(data: PathBuf, command: Command) -> Result<()> {
    match admin::ask(&DataDir::existing(&data)?.socket(), &command).await? {
        Answer::Done { text, .. } => println!("{text}"),
        Answer::Refused { text } => bail!("{text}"),
    }
    Ok(())
}

/// Cancelled by Ctrl-C or SIGTERM.
fn stop_signal() -> Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
