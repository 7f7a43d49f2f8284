// 评价器屏幕: the longest words and the most licences, on the tablets that halls have, plain and 关怀版.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import test from "node:test";
import { Stage } from "../support/browser.mjs";
import { carried, readCode } from "../support/codes.mjs";
import { ROOT } from "../support/hall.mjs";

const EVALUATOR = path.join(ROOT, "devices/evaluator");
const { build } = createRequire(path.join(EVALUATOR, "package.json"))("esbuild");

const LONG = "公共场所卫生许可证（含游泳场所、住宿场所及美容美发场所新证、变更、延续与补证）核发";
const HOLDER = "安澜市桐花街道听雨路第三社区股份合作经济联合社（个人独资）";
const KINDS = ["居民身份证", "居民户口簿", "不动产权证书（含共有情况与抵押登记附页）", "食品经营许可证", "道路运输经营许可证（危险货物运输·甲类）", "基本医疗保险参保凭证", "烟草专卖零售许可证", "内地居民往来港澳通行证"];
const FIELDS = ["姓名", "公民身份号码", "住址", "签发机关", "有效期限", "不动产单元号", "共有情况"];

const command = (page, data) => ({ v: 1, id: "01KAJ8ZQ3R0000000000000001", gen: 1, bind_epoch: 1, window: "W01", issued: "2026-11-21T09:30:00.120+08:00", ttl_ms: 120_000, page, digest: `sha-256:${"0".repeat(64)}`, data });
const authorize = (count) => command("authorize", {
  case_no: "SC5199000001-20261122-00001", item: LONG, department: "安澜市卫生健康委员会（安澜市疾病预防控制局）", hall: "安澜市政务服务大厅", window: "综合1号窗口",
  applicant: "阿*", on_behalf_of: HOLDER, purpose: `仅用于办理“${LONG}”`, offline_notice: "当前为离线办理，联网后复核", valid_until_text: "仅本次办件有效",
  licences: KINDS.slice(0, count).map((name, at) => ({ row: `m${at}`, name, holder: at % 2 ? HOLDER : "阿*", fields: FIELDS.slice(0, 1 + (at % 7)), required: at % 2 === 0 })),
  min_view_ms: 0, confirm_label: "同意授权",
});
const rating = command("rating", {
  service: LONG, case_no: "SC5199000001-20261122-00001", reason_required_below: 3,
  levels: [[5, "非常满意"], [4, "满意"], [3, "基本满意"], [2, "不满意"], [1, "非常不满意"]].map(([level, label]) => ({ level, label, reasons: level < 3 ? ["服务态度不好", "办理时间太长", "一次告知不清楚", "要求提供多余材料", "设备或系统不好用"] : [] })),
});
const challenge = (qr) => command("challenge", {
  kind: "face", title: "请用手机刷脸", text: ["打开手机上的政务服务应用，点“扫一扫”，对准这个码。", "建议在刷脸过程中临时取下口罩。", "完成后，把手机上出现的码给窗口人员扫一下。"],
  case_no: "SC5199000001-20261122-00001", item: LONG, department: "安澜市卫生健康委员会（安澜市疾病预防控制局）", hall: "安澜市政务服务大厅", window: "综合1号窗口",
  purpose: `仅用于确认您是本人，办理“${LONG}”`, offline_notice: "当前为离线办理，联网后复核", qr, fallback: "不方便使用手机？请告诉窗口人员", deadline_ms: 300_000,
});
const notice = (change) => command("notice", {
  title: "依职能查验告知", text: ["窗口依法查看下列证照，不需要您授权。", "查看了什么、为什么查看，都有记录，您可以在政务服务应用里看到。"], case_no: "SC5199000001-20261122-00001", hall: "安澜市政务服务大厅", window: "综合1号窗口",
  rows: [["查验依据", "《公共场所卫生管理条例实施细则》第二十二条第一款第（三）项、第二十六条"], ["查验部门", "安澜市卫生健康委员会（安澜市疾病预防控制局）"], ["查验内容", KINDS.join("、")], ["咨询电话", "0000-12345"]].map(([label, value]) => ({ label, value })),
  offline_notice: "当前为离线办理，联网后复核", text_version: "notice-2026-11", min_view_ms: 0, deadline_ms: 120_000, confirm_label: "已知晓", ...change,
});
const message = command("message", { level: "done", title: "感谢您的评价", text: "祝您生活愉快。" });

/** Runs in the page: what reaches beyond the glass or lies on something else. */
function spoilt() {
  const found = [];
  const { innerWidth: width, innerHeight: height } = window;
  if (document.documentElement.scrollWidth > width || document.documentElement.scrollHeight > height) {
    found.push(`the page is ${document.documentElement.scrollWidth}×${document.documentElement.scrollHeight}`);
  }
  for (const one of document.querySelectorAll("#glass button:not([hidden]), #glass h1, #glass dd, #glass li, #glass .left, #glass .name, #glass .what p")) {
    const { left, right } = one.getBoundingClientRect();
    if (left < 0 || right > width + 0.5 || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline") {
      found.push(`${one.tagName}.${one.className} "${one.textContent.slice(0, 20)}" reaches out sideways`);
    }
  }
  for (const one of document.querySelectorAll(".decide button:not([hidden]), .decide .left, .top button")) {
    const { top, bottom, height: tall } = one.getBoundingClientRect();
    if (top < 0 || bottom > height + 0.5) {
      found.push(`"${one.textContent}" is not on the glass`);
    }
    if (one.tagName === "BUTTON" && tall < 48) {
      found.push(`"${one.textContent}" is ${tall} px tall`);
    }
  }
  const [no, yes] = ["decline", "agree"].map((id) => document.getElementById(id)?.getBoundingClientRect());
  if (no && (Math.abs(no.width - yes.width) > 1 || Math.abs(no.height - yes.height) > 1)) {
    found.push(`refusing is ${no.width}×${no.height}, agreeing ${yes.width}×${yes.height}`);
  }
  const small = [...document.querySelectorAll("#glass *")].filter((one) => one.children.length === 0 && one.textContent.trim() && one.getClientRects().length > 0)
    .map((one) => [parseFloat(getComputedStyle(one).fontSize), one.textContent]).filter(([size]) => size < 20);
  return [...found, ...small.map(([size, text]) => `"${text.slice(0, 20)}" is written in ${size} px`)];
}

const SHAPES = { landscape: { width: 1280, height: 800 }, portrait: { width: 800, height: 1280 }, small: { width: 1024, height: 600 } };
const LOOKS = [{}, { large: true }, { large: true, contrast: true, language: "en" }];

async function gallery(stage, shape, viewport) {
  const { outputFiles } = await build({ entryPoints: [path.join(ROOT, "tests/browser/support/gallery.ts")], bundle: true, write: false, format: "iife", target: "chrome86", logLevel: "silent" });
  const page = await stage.page(`glass-${shape}`, viewport, { hasTouch: true });
  await page.setContent('<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><body><main id="glass"></main></body></html>');
  await page.addStyleTag({ content: await readFile(path.join(EVALUATOR, "src/app.css"), "utf8") });
  await page.addScriptTag({ content: outputFiles[0].text });
  return page;
}

test("a phone reads the code on every glass, whatever it says and however it looks", { timeout: 120_000 }, async () => {
  const stage = await Stage.open("glass-code");
  try {
    for (const [shape, viewport] of Object.entries(SHAPES)) {
      const page = await gallery(stage, shape, viewport);
      for (const preferences of LOOKS) {
        const look = `${shape}${preferences.large ? "-large" : ""}${preferences.language ? "-en" : ""}`;
        for (const bytes of [180, 300, 450, 600]) {
          const qr = carried(bytes);
          await page.evaluate(([what, how]) => globalThis.hang(what, how), [challenge(qr), preferences]);
          await page.locator(".qr[width]").waitFor();
          assert.equal(readCode(await page.screenshot()), qr, `${look}: ${bytes} bytes`);
          const drawn = await page.locator(".qr").evaluate((svg) => {
            const { left, top, right, bottom, width, height } = svg.getBoundingClientRect();
            const on = document.elementsFromPoint(left + 1, top + 1).includes(svg);
            const [from, , across] = svg.getAttribute("viewBox").split(" ").map(Number);
            return { side: Math.min(width, height), there: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight, on, quiet: -from, across, modules: Number(svg.dataset.modules), ground: getComputedStyle(svg).backgroundColor, ink: getComputedStyle(svg).fill };
          });
          assert.ok(drawn.side >= 360 && drawn.there && drawn.on, `${look}: the code is ${drawn.side} px`);
          assert.ok(drawn.quiet >= 4 && drawn.across === drawn.modules + 2 * drawn.quiet, "the code has its quiet zone");
          assert.deepEqual([drawn.ground, drawn.ink], ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
        }
        await stage.shot(page, `${look}-challenge`);
        assert.deepEqual(await page.evaluate(spoilt), [], `${look}: challenge`);
      }
    }
    stage.quiet();
  } finally {
    await stage.close();
  }
});

test("the longest words and eight licences fit on every glass, plain and large", { timeout: 120_000 }, async () => {
  const stage = await Stage.open("glass");
  await mkdir(stage.folder, { recursive: true });
  try {
    for (const [shape, viewport] of Object.entries(SHAPES)) {
      const page = await gallery(stage, shape, viewport);
      for (const preferences of LOOKS) {
        const look = `${shape}${preferences.large ? "-large" : ""}${preferences.language ? "-en" : ""}`;
        const shows = async (name) => {
          await stage.shot(page, `${look}-${name}`);
          assert.deepEqual(await page.evaluate(spoilt), [], `${look}: ${name}`);
        };
        const hang = (what) => page.evaluate(([what_, how]) => globalThis.hang(what_, how), [what, preferences]);
        await hang(authorize(8));
        await shows("eight");
        assert.match(await page.locator(".left").innerText(), /\d:\d\d/, "the time left is on the glass");
        // All of it can be reached, and only then agreed to.
        assert.equal(await page.locator("#agree").isDisabled(), true);
        const further = page.locator(".further:not([hidden])");
        for (let taps = 0; taps < 40 && (await further.isVisible()); taps += 1) {
          await further.tap({ timeout: 1_000 }).catch(() => undefined);
        }
        await page.evaluate(() => globalThis.happen({ type: "tick" }));
        await page.locator("#agree:not([disabled])").waitFor();
        await hang(authorize(1));
        await shows("one");
        await page.evaluate(() => ["seen-all", "agree"].forEach((type) => globalThis.happen({ type })));
        await page.evaluate(() => globalThis.happen({ type: "receipt", receipt: { answer: "a", cmd: "01KAJ8ZQ3R0000000000000001", result: "accepted" }, outcome: null }));
        await shows("authorised");
        for (const [name, change] of [["notice", {}], ["delegate", { title: "代办人确认", confirm_label: "确认代办", refuse_label: "不是我" }]]) {
          await hang(notice(change));
          await shows(name);
          const rest = page.locator(".further:not([hidden])");
          for (let taps = 0; taps < 40 && (await rest.isVisible()); taps += 1) {
            await rest.tap({ timeout: 1_000 }).catch(() => undefined);
          }
          await page.evaluate(() => globalThis.happen({ type: "tick" }));
          await page.locator("#agree:not([disabled])").waitFor();
        }
        await hang(rating);
        await page.evaluate(() => globalThis.happen({ type: "grade", level: 1 }));
        await shows("rating");
        await hang(message);
        await shows("thanks");
      }
    }
    stage.quiet();
  } finally {
    await stage.close();
  }
});
