// Chromium for the stories: contexts for clerk and citizen, screenshots, and an eye on what pages complain about.

import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { ROOT } from "./hall.mjs";

const SHOTS = path.join(ROOT, "target/screenshots");
/** Longer than anything takes on a busy machine. */
export const PATIENCE = 20_000;

export class Stage {
  static async open(story, { args = [] } = {}) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--lang=zh-CN", ...args] });
    const folder = path.join(SHOTS, story);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return new Stage(browser, folder);
  }

  constructor(browser, folder) {
    this.browser = browser;
    this.folder = folder;
    this.pages = [];
    this.complaints = [];
    this.shots = 0;
  }

  /** A page of its own browser profile: `name` stands in screenshots and complaints. */
  async page(name, viewport, options = {}) {
    const context = await this.browser.newContext({
      viewport,
      ignoreHTTPSErrors: true,
      locale: "zh-CN",
      timezoneId: "Asia/Shanghai",
      reducedMotion: "reduce",
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => this.complaints.push(`${name}: ${error.message}`));
    page.on("console", (message) => {
      // While a part is down on purpose, a page cannot reach it, and the browser says so by itself.
      if (message.type() === "error" && !/ERR_|WebSocket|Failed to load resource|htmx:(sendError|sendAbort|afterRequest)/.test(message.text())) {
        this.complaints.push(`${name}: ${message.text()}`);
      }
    });
    this.pages.push([name, page]);
    return page;
  }

  async shot(page, name) {
    this.shots += 1;
    const file = `${String(this.shots).padStart(2, "0")}-${name}.png`;
    await page.screenshot({ path: path.join(this.folder, file) });
  }

  /** Fails on what an assistive technology would stumble over. */
  async accessible(page, where) {
    await page.evaluate(`${axe.source}; undefined`);
    const found = await page.evaluate(async () => {
      const run = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
      return run.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    });
    if (found.length > 0) {
      throw new Error(`${where} is not accessible:\n  ${found.join("\n  ")}`);
    }
  }

  /** Keeps what every page shows, for whoever looks into a failure. Returns what the evaluators have shown. */
  async keep() {
    let shown = "";
    for (const [name, page] of this.pages) {
      const diary = await page.evaluate(() => globalThis.diary ?? []).catch(() => []);
      shown += diary.length > 0 ? `\n── ${name}\n${diary.slice(-20).join("\n")}` : "";
      await page.screenshot({ path: path.join(this.folder, `failed-${name}.png`) }).catch(() => undefined);
    }
    return shown;
  }

  async close() {
    await this.browser.close();
  }

  /** Fails when a page has reported an error of its own. */
  quiet() {
    if (this.complaints.length > 0) {
      throw new Error(`pages complained:\n  ${this.complaints.join("\n  ")}`);
    }
  }
}
