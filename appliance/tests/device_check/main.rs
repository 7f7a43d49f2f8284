//! `hallbox device check` against the evaluator of `docs/protocol/examples`, and against copies of it with one fault each:
//! the first passes everything, each of the others fails in its own lines and in no other.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol/examples");
const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/device_check/broken.py");

/// Ends the evaluator with the test, however that ends.
struct Device(Child);

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the check against an evaluator; gives its exit code and its table's lines that did not pass.
fn checked(fault: Option<&str>) -> (Option<i32>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (data, state) = (folder.path().join("data"), folder.path().join("state"));
    std::fs::create_dir(&state).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_hallbox"))
        .args(["device", "check", "--listen", "127.0.0.1:0", "--name", "127.0.0.1", "--patience", "30"])
        .arg("--data")
        .arg(&data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(check.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url =
        said.find_map(|line| line.strip_prefix("ready ").map(str::to_owned)).expect("the check is ready");
    let mut device = device(fault, &url, &data.join("keys/hall-ca.pem"), &state);
    let mut shown = BufReader::new(device.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let code = shown.find_map(|line| line.strip_prefix("code ").map(str::to_owned)).expect("a pairing code");
    // Read on, so that the evaluator never waits for somebody to read.
    std::thread::spawn(move || shown.for_each(drop));
    writeln!(check.stdin.take().unwrap(), "{}", code.replace("fingerprint ", "")).unwrap();

    let table: Vec<String> = said.skip_while(|line| !line.starts_with("结果")).skip(1).collect();
    let code = check.wait().unwrap().code();
    assert!(table.len() > 33, "the table is short: {table:?}");
    let failed =
        table.iter().filter_map(|line| line.strip_prefix("不通过")).map(|line| line.trim().to_owned());
    (code, failed.collect())
}

fn device(fault: Option<&str>, url: &str, ca: &Path, state: &Path) -> Device {
    let prepared = || concat!(env!("CARGO_MANIFEST_DIR"), "/../target/python/bin/python3").to_owned();
    let python = std::env::var("PYTHON").unwrap_or_else(|_| prepared());
    let able = Command::new(&python).args(["-c", "import paho.mqtt, cryptography"]).output();
    assert!(
        able.is_ok_and(|output| output.status.success()),
        "{python} does not have the libraries of tests/requirements.txt; scripts/setup.sh installs them"
    );
    let mut command = Command::new(python);
    match fault {
        None => command.arg(format!("{EXAMPLES}/evaluator.py")),
        Some(fault) => command.args([BROKEN, fault, EXAMPLES]),
    };
    command.arg(url).arg(ca).arg(state).stdout(Stdio::piped());
    Device(command.spawn().unwrap())
}

#[test]
fn the_example_passes_and_each_fault_fails_in_its_own_lines() {
    let cases = [
        (None, vec![]),
        (Some("fingerprint"), vec!["§3    设备显示自己密钥的指纹"]),
        (Some("digest"), vec!["§6    答复的 digest 是所显示内容的摘要"]),
        (Some("counter"), vec!["§9    counter 逐个答复增大，重新连接后也是"]),
        (Some("key"), vec!["§4    答复的签名、alg、kid、typ 都对"]),
        (Some("keeps"), vec!["§6    页被收回后立即撤下，不再答复"]),
        (Some("bytes"), vec!["§6    没有回执就用同样的字节再发，有了就停"]),
        (Some("generation"), vec!["§6    gen 不更高的页不显示，应答 generation"]),
        (
            Some("careless"),
            vec![
                "§6    data 与 digest 不符的页不显示，应答 digest",
                "§6    不认识的页不显示，应答 unsupported",
                "§6    二维码内容超出字符集，应答 malformed",
            ],
        ),
        (
            Some("deaf"),
            vec![
                "§5    按配置的 hb_s 发心跳",
                "§5    收到 rebirth 后再发上线消息，同一 id 只执行一次",
                "§10   一体机重启（新 boot）后再发上线消息",
                "§3    收到 unpair 后忘掉凭据和密钥，重新配对",
            ],
        ),
        (
            Some("twice"),
            vec![
                "§6    同一命令再来一次：再应答，不另作答复",
                "§6    没有回执就用同样的字节再发，有了就停",
                "§10   看页途中断线：重新上线，页还在，答复一次",
            ],
        ),
        (
            Some("sloppy"),
            vec![
                "§5    不认识的字段忽略",
                "§6    到时无人答复：撤页，答复 timeout",
                "§5    一体机时钟与设备不同，仍按 ttl_ms 计时",
                "§1    接近 64 KiB 的消息照常显示",
                "§10   看页途中断线：重新上线，页还在，答复一次",
                "§1    断线后由遗嘱报 lost，bseq 是断掉的那次",
                "§5    重新上线的 bseq 更大，last_counter 是最后的计数",
                "§5    改绑后原来的页撤下，旧 bind_epoch 的命令应答 bind-epoch",
                "§2    每条消息都符合格式",
                "§9    答复的 gen、bind_epoch、page、outcome、shown_ms 与命令相符",
            ],
        ),
    ];
    std::thread::scope(|scope| {
        let running = cases.map(|(fault, expected)| (fault, expected, scope.spawn(move || checked(fault))));
        for (fault, expected, check) in running {
            let (code, failed) = check.join().unwrap();
            assert_eq!(failed, expected, "{fault:?}");
            assert_eq!(code, Some(i32::from(fault.is_some())), "{fault:?}");
        }
    });
}
