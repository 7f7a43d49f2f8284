#!/usr/bin/env bash
# Installs what this machine lacks to build, run and test the hall. With everything there it touches nothing and
# needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # need <package> <test...>: the package, unless the test succeeds
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

need build-essential command -v cc
need pkg-config command -v pkg-config
need mosquitto test -x /usr/sbin/mosquitto
need pcscd test -x /usr/sbin/pcscd
need libpcsclite-dev pkg-config --exists libpcsclite
need nodejs command -v node
need npm command -v npm
need chromium command -v chromium
need fonts-noto-cjk test -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
need poppler-utils command -v pdftotext
need python3 test -x /usr/bin/python3
need python3-venv /usr/bin/python3 -c 'import ensurepip'
need python3-cbor2 /usr/bin/python3 -c 'import cbor2'
need python3-cryptography /usr/bin/python3 -c 'import cryptography'

if [ ${#missing[@]} -gt 0 ]; then
  echo "安装缺少的软件包：${missing[*]}"
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "请以 root 身份安装这些软件包，或先安装 sudo：${missing[*]}" >&2; exit 1; }
    root=(sudo)
  fi
  # The box runs a broker of its own, and the tests start a pcscd of their own; the packages' services would only stand idle beside
  # them. Who had one before keeps it.
  services=()
  case " ${missing[*]} " in *" mosquitto "*) services+=(mosquitto) ;; esac
  case " ${missing[*]} " in *" pcscd "*) services+=(pcscd.socket pcscd.service) ;; esac
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  if [ ${#services[@]} -gt 0 ] && command -v systemctl >/dev/null; then
    "${root[@]}" systemctl disable --now "${services[@]}" >/dev/null 2>&1 || true
  fi
fi

if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
  echo "cargo 不在 PATH 里，请先运行：. \"$HOME/.cargo/env\"" >&2
  exit 1
fi
command -v cargo >/dev/null || { echo "没有找到 Rust（cargo），请先安装 rustup。" >&2; exit 1; }
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 18 ] || { echo "Node.js 版本是 $(node --version)，需要 18 或更高。" >&2; exit 1; }

# What Debian does not package; pip builds it anew when the list has changed.
if ! cmp -s tests/requirements.txt target/python/requirements.txt; then
  echo "安装用来核对格式的 Python 库（target/python）"
  /usr/bin/python3 -m venv --clear target/python
  target/python/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
  cp tests/requirements.txt target/python/requirements.txt
fi
