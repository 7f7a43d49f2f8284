// 熟练的窗口人员: works by keys wherever there are keys, and every key and click is counted.

import assert from "node:assert/strict";
import { Desk } from "../support/desk.mjs";

const SLOWER_THAN_A_SCANNER = 60;
/** What an input method takes for a Chinese character, on the average. */
const KEYS_OF_A_CHARACTER = 3;

export class Clerk extends Desk {
  static async at(stage, hall, window) {
    const page = await stage.page("clerk", { width: 1366, height: 768 });
    const clerk = new Clerk(page, hall);
    clerk.did = { keys: 0, clicks: 0 };
    await page.exposeBinding("counted", (_, kind) => {
      clerk.did[kind] += 1;
    });
    await page.addInitScript(count);
    await clerk.signIn();
    await clerk.sitAt(window);
    return clerk;
  }

  /** A new case for the item that these letters find first, from the list of cases. Counting begins here. */
  async begin(letters, applicant) {
    await this.page.goto(`${this.hall.at.box.url}/cases`);
    await this.page.locator("#case-list").waitFor();
    this.did = { keys: 0, clicks: 0 };
    this.began = Date.now();
    await this.press("F9");
    await this.page.locator("[data-search] input:focus").waitFor();
    const found = this.page.waitForResponse((answer) => answer.url().includes(`q=${letters}&`));
    await this.type(letters);
    await found;
    const first = this.page.locator("#items tbody tr").first().locator("button");
    await this.page.waitForFunction(() => document.querySelectorAll("#items tbody tr").length <= 3);
    await this.page.keyboard.press("Enter");
    await this.page.locator("#items tbody tr button:focus").waitFor();
    if (applicant === "法人" && (await first.count()) > 1) {
      await this.page.keyboard.press("Tab");
    }
    await this.page.keyboard.press("Enter");
    await this.page.locator("#case-step").waitFor();
    this.address = `${this.hall.at.box.url}/cases/${this.caseId()}`;
  }

  /** Types where the cursor stands, more slowly than a scanner. */
  type = (text) => this.page.keyboard.type(text, { delay: SLOWER_THAN_A_SCANNER });

  /** 纸质委托书: whom it names, typed off the paper. */
  async paperMandate(name, number) {
    await this.page.getByText("委托代办：纸质委托书").click();
    await this.page.locator("#mandate-name").click();
    await this.page.keyboard.insertText(name);
    this.did.keys += name.length * KEYS_OF_A_CHARACTER;
    await this.page.locator("#mandate-number").click();
    await this.type(number);
    await this.page.keyboard.press("Enter");
    await this.stepSays("按纸质委托书办理：委托人");
  }

  /** The card of somebody who stands here for another. */
  async readDelegate(window, card) {
    await this.page.locator("#case-steps a").filter({ hasText: "核验" }).click();
    await this.press("F2");
    await this.stepSays(/等待放卡|设备正在重连/);
    await this.hall.place(window, card);
    await this.stepSays("请看人、看证");
    await this.press("Enter");
    await this.page.locator("#case-steps a").filter({ hasText: "清单" }).click();
    await this.stepSays("免证清单");
  }

  /** 依职能: the supervisor signs on the clerk's page. */
  async office({ account, password }) {
    await this.page.getByText("依职能查验（不经授权").click();
    await this.page.getByLabel("主管账号").click();
    await this.type(account);
    await this.page.keyboard.press("Tab");
    await this.type(password);
    await this.page.keyboard.press("Enter");
  }

  /** What it took so far. */
  async took() {
    const ms = Date.now() - this.began;
    // What was pressed last is still on its way here.
    await this.page.evaluate(() => undefined);
    return { ...this.did, ms };
  }

  /** A scanner presses keys too; they are not the clerk's. */
  async uncounted(act) {
    const before = { ...this.did };
    await act();
    await this.page.evaluate(() => undefined);
    this.did = before;
  }

  /**
   * Fills the form and receives the originals of what no licence replaces, up to the check before submission. Returns
   * what it says. By office nobody brings originals: what was looked up stands as it is, however old.
   */
  async toCheck({ byOffice }) {
    for (;;) {
      const empty = this.page.locator(".upload").filter({ hasText: "未上传" }).filter({ hasNot: this.page.locator('[aria-pressed="true"]') });
      const missing = byOffice ? empty.filter({ hasNotText: "证照信息已超过时限" }) : empty;
      if ((await missing.count()) === 0) {
        break;
      }
      const left = await missing.count();
      const original = missing.first().getByRole("button", { name: "已收原件" });
      if (await original.count()) {
        await original.click();
      } else {
        await missing.first().locator("input[type=file]").setInputFiles({ name: "scan.png", mimeType: "image/png", buffer: await this.page.screenshot() });
      }
      await missing.nth(left - 1).waitFor({ state: "detached" });
    }
    await this.completeForm();
    await this.page.getByRole("button", { name: "检查并提交" }).click();
    await this.stepSays("提交前检查");
    const says = /提交后：(.+)/.exec(await this.page.locator("#case-step .verdict .big").innerText())[1];
    if (says !== "不能提交") {
      assert.deepEqual(await this.page.locator("#case-step .summary li").allInnerTexts(), [], "nothing is in the way");
    }
    return says;
  }

  /** Submits, with whatever signatures are asked for. */
  async sign(second, supervisor) {
    for (const [name, { account, password }] of [["second", second], ["supervisor", supervisor]]) {
      const field = this.page.locator(`#${name}_account`);
      if (await field.count()) {
        await field.fill(account);
        await this.page.locator(`#${name}_password`).fill(password);
      }
    }
    await this.press("F8");
    await this.stepSays("接下来");
    return this.caseNo();
  }
}

/** Runs in the page. */
function count() {
  const modifiers = ["Shift", "Control", "Alt", "Meta"];
  addEventListener("keydown", (event) => event.isTrusted && !event.repeat && !modifiers.includes(event.key) && globalThis.counted("keys"), true);
  addEventListener("pointerdown", (event) => event.isTrusted && globalThis.counted("clicks"), true);
}
