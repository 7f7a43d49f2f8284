#!/usr/bin/env bash
# Every check of the project, each with its time, and a summary. Goes on after a failure, so that one run shows all.
set -uo pipefail
cd "$(dirname "$0")/.."

# The one that setup gave the libraries of tests/requirements.txt.
export PYTHON="$PWD/target/python/bin/python3"

names=() times=() states=()
failed=0

part() { # part <name> <command...>
  local name=$1 start=$SECONDS state=通过
  shift
  printf '\n── %s\n' "$name"
  if ! "$@"; then
    state=失败
    failed=1
  fi
  names+=("$name") times+=($((SECONDS - start))) states+=("$state")
  [ "$state" = 通过 ]
}

summary() {
  printf '\n── 结果\n'
  for i in "${!names[@]}"; do
    printf '%4d 秒  %s  %s\n' "${times[$i]}" "${states[$i]}" "${names[$i]}"
  done
  if [ "$failed" -eq 0 ]; then
    echo "全部通过，共 $SECONDS 秒。"
  else
    echo "有失败，见上。共 $SECONDS 秒。"
  fi
  exit "$failed"
}

documentation() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet; }
front_end() {
  npm --prefix appliance/web run --silent check &&
    npm --prefix appliance/web test --silent &&
    npm --prefix devices/evaluator run --silent check &&
    npm --prefix devices/evaluator test --silent &&
    npm --prefix devices/simulator/phone run --silent check &&
    npm --prefix devices/simulator/phone test --silent
}

# Without these nothing else can be judged.
part "准备系统和前端依赖" make --no-print-directory setup web tests/browser/node_modules/.package-lock.json tests/protocol/node_modules/.package-lock.json || summary
part "编译" cargo build --workspace --locked || summary

part "格式" cargo fmt --all --check
part "静态检查" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
part "文档" documentation
part "前端" front_end
part "协议文档" npm --prefix tests/protocol test --silent
part "Rust 测试" cargo test --workspace --locked --quiet
part "浏览器故事" timeout 40m npm --prefix tests/browser test --silent
summary
