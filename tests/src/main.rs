//! `hall-demo`: a hall to try out, on this machine alone.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hall_e2e::demo::{Options, PortChoice, run};

/// 演示大厅：省级中心、线路、一体机、读卡器和控制台，全部在本机。
#[derive(Debug, Parser)]
#[command(name = "hall-demo", version)]
struct Arguments {
    /// 数据文件夹，下次启动接着用
    #[arg(long, default_value = "target/demo/data")]
    data: PathBuf,
    /// 写下地址和账号的文件；默认在数据文件夹旁边
    #[arg(long)]
    endpoints: Option<PathBuf>,
    /// 端口：usual 用固定的端口，any 用任意空闲端口
    #[arg(long, value_enum, default_value_t = PortChoice::Usual)]
    ports: PortChoice,
    /// 窗口数
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=60))]
    windows: u8,
    /// 最后一个窗口的读卡器走 PC/SC（要有 pcscd）
    #[arg(long)]
    pcsc: bool,
    /// 只在出错时输出
    #[arg(long)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { data, endpoints, ports, windows, pcsc, quiet } = Arguments::parse();
    let endpoints = endpoints.unwrap_or_else(|| data.with_file_name("endpoints.json"));
    match run(Options { data, endpoints, ports, windows, pcsc, quiet }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("演示大厅没有启动：{error:#}");
            ExitCode::FAILURE
        }
    }
}
