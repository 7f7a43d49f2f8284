# make run     a hall to try out, on this machine alone
# make test    every check of the project
# make bench   the project's numbers
# make matrix  every cell of docs/matrix.md in a browser (half an hour); writes docs/matrix.runs.json and docs/matrix.md
# make setup web lint fmt clean

SHELL := /bin/bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
# What npm has kept may be older than the lock file wants; only then is it asked anew.
NPM := npm ci --no-progress --loglevel=error
NPM_KEPT := $(NPM) --prefer-offline --loglevel=silent

.PHONY: run test bench matrix setup web lint fmt clean

run: setup web
	@echo "编译（第一次要几分钟）……"
	@cargo build --workspace --locked
	@exec $(TARGET)/debug/hall-demo --pcsc

test:
	@scripts/test.sh

bench: setup web
	cargo build --workspace --release --locked
	$(TARGET)/release/hall-bench

matrix: setup web tests/browser/node_modules/.package-lock.json
	cargo build --workspace --locked
	npm --prefix tests/browser run --silent matrix
	HALL_WRITE_MATRIX=1 cargo test --locked --quiet -p hall-domain --test matrix

setup:
	@scripts/setup.sh

web: appliance/web/dist/app.js devices/evaluator/dist/index.html devices/simulator/phone/dist/index.html

%/node_modules/.package-lock.json: %/package-lock.json
	@echo "安装 $* 的前端依赖……"
	@cd $* && { $(NPM_KEPT) || $(NPM); }
	@touch $@

appliance/web/dist/app.js: appliance/web/node_modules/.package-lock.json appliance/web/build.mjs $(shell find appliance/web/src -type f)
	@cd appliance/web && npm run --silent build

devices/evaluator/dist/index.html: devices/evaluator/node_modules/.package-lock.json devices/evaluator/build.mjs devices/evaluator/icons.mjs $(shell find devices/evaluator/src -type f)
	@cd devices/evaluator && npm run --silent build
	@touch $@

devices/simulator/phone/dist/index.html: devices/simulator/phone/node_modules/.package-lock.json devices/simulator/phone/build.mjs $(shell find devices/simulator/phone/src -type f)
	@cd devices/simulator/phone && npm run --silent build
	@touch $@

lint: web
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	npm --prefix appliance/web run --silent check
	npm --prefix devices/evaluator run --silent check
	npm --prefix devices/simulator/phone run --silent check

fmt:
	cargo fmt --all

# What is built; the demonstration's data too.
clean:
	cargo clean
	rm -rf appliance/web/dist appliance/web/node_modules devices/evaluator/dist devices/evaluator/node_modules devices/simulator/phone/dist devices/simulator/phone/node_modules tests/browser/node_modules tests/protocol/node_modules
