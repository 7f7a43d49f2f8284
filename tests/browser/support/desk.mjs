// 窗口人员: what a clerk does, by the words on the screen and the keys that it names.

import { PATIENCE } from "./browser.mjs";

export class Desk {
  static async open(stage, hall, name = "clerk") {
    const page = await stage.page(name, { width: 1366, height: 768 });
    return new Desk(page, hall);
  }

  /** A clerk who has signed in and sits at a window. */
  static async at(stage, hall, window, name) {
    const desk = await Desk.open(stage, hall, name);
    await desk.signIn();
    await desk.sitAt(window);
    return desk;
  }

  constructor(page, hall) {
    this.page = page;
    this.hall = hall;
  }

  async signIn(account = this.hall.account("clerk")) {
    await this.page.goto(`${this.hall.at.box.url}/`);
    await this.page.getByLabel("账号").fill(account.account);
    await this.page.getByLabel("密码").fill(account.password);
    await this.page.getByRole("button", { name: "登录" }).click();
    await this.page.locator("#top").waitFor();
  }

  async sitAt(window) {
    await this.page.getByRole("combobox", { name: "窗口" }).selectOption(window);
    await this.page.waitForFunction(
      (wanted) => document.querySelector("#top select[name=window]")?.value === wanted && !document.querySelector("#top select[name=window] option[value='']"),
      window,
    );
  }

  /** Opens a case and stands at 核验. */
  async openCase(item, applicant = "个人") {
    await this.page.goto(`${this.hall.at.box.url}/cases/new`);
    await this.page.getByRole("searchbox", { name: "查找事项" }).fill(item);
    const row = this.page.locator("#items tr").filter({ hasText: item });
    await row.first().getByRole("button", { name: applicant }).click();
    await this.page.locator("#case-step").waitFor();
    this.address = `${this.hall.at.box.url}/cases/${this.caseId()}`;
  }

  caseId() {
    return new URL(this.page.url()).pathname.split("/")[2];
  }

  async caseNo() {
    return (await this.page.locator("#case-head .mono").first().innerText()).trim();
  }

  /** Presses a key when the step offers it. */
  async press(key) {
    await this.page.locator(`#page [data-key="${key}"]:not([disabled])`).first().waitFor();
    await this.page.keyboard.press(key === "Esc" ? "Escape" : key);
  }

  async stepSays(text, timeout = PATIENCE) {
    await this.page.locator("#case-step").filter({ hasText: text }).waitFor({ timeout });
  }

  /** 读卡 with the card of a person, and 人证一致. */
  async identify(window, card) {
    await this.press("F2");
    await this.stepSays(/等待放卡|设备正在重连/);
    await this.hall.place(window, card);
    await this.stepSays("请看人、看证");
    await this.press("Enter");
  }

  /** From an empty desk to the 免证清单, with the card taken off the reader. */
  async toList({ item = "失业登记", card = "wang-fang", window = "W01" } = {}) {
    await this.openCase(item);
    await this.identify(window, card);
    await this.stepSays("免证清单");
    await this.hall.lift(window);
  }

  /** From an empty desk to a form that licences have filled: the citizen agrees to everything. */
  async toForm(citizen, start = {}) {
    await this.toList(start);
    await this.press("F6");
    await citizen.asked();
    await citizen.agree();
    await citizen.told("授权成功");
    await this.stepSays("项已由证照填好");
  }

  /** From a complete form to 已登记. Returns the case number. */
  async submit() {
    await this.page.getByRole("button", { name: "检查并提交" }).click();
    await this.stepSays("提交前检查");
    const no = await this.caseNo();
    await this.press("F8");
    await this.stepSays("接下来");
    return no;
  }

  /** Comes back to the case, whatever the browser shows after a power cut. */
  async again(step) {
    await this.page.goto(step ? `${this.address}?step=${step}` : this.address);
  }

  async field(label, value) {
    const field = this.page.locator("#sheet .field").filter({ hasText: label }).locator("input, textarea, select").first();
    (await field.evaluate((one) => one.tagName)) === "SELECT" ? await field.selectOption(value) : await field.fill(value);
  }

  /** Fills every required field that nothing has filled, as a clerk would who asks the citizen. */
  async completeForm(words = {}) {
    const gaps = await this.page.locator("#sheet .field:not(.locked)").evaluateAll((fields) =>
      fields
        .filter((field) => field.querySelector(".req"))
        .map((field) => {
          const input = field.querySelector("input, textarea, select");
          const choices = input.tagName === "SELECT" ? [...input.options].map((option) => option.value).filter(Boolean) : null;
          return { id: input.id, name: input.name, value: input.value, label: field.querySelector("label").innerText.replace("*", "").trim(), choices, mode: input.inputMode, date: input.placeholder };
        })
        .filter((field) => field.name && !field.value),
    );
    for (const gap of gaps) {
      const input = this.page.locator(`[id="${gap.id}"]`);
      if (gap.choices) {
        await input.selectOption(words[gap.label] ?? gap.choices[0]);
      } else {
        const usual = gap.mode === "tel" ? "18000000001" : gap.mode === "decimal" ? "1" : gap.date.startsWith("20") ? "2026-01-31" : "按办事人口述填写";
        await input.fill(words[gap.label] ?? usual);
      }
    }
    const promise = this.page.locator("#commitment");
    if (await promise.count()) {
      await promise.check();
    }
  }

  /** Attaches files to a material. */
  async attach(material, ...files) {
    const place = this.page.locator(".upload").filter({ hasText: material });
    await place.locator("input[type=file]").setInputFiles(files);
  }
}
