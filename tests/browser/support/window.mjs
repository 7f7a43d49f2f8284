// 窗口: clerk, evaluator and a phone side by side, and what passes between them.

import { Citizen } from "./citizen.mjs";
import { Desk } from "./desk.mjs";
import { Wedge } from "./desk-page.mjs";
import { Phone } from "./phone.mjs";

export class Window {
  /** A paired evaluator and a clerk at W01. */
  static async open(stage, hall) {
    const citizen = await Citizen.at(stage, hall, "W01");
    const desk = await Desk.at(stage, hall, "W01");
    return new Window(stage, hall, citizen, desk);
  }

  constructor(stage, hall, citizen, desk) {
    Object.assign(this, { stage, hall, citizen, desk });
  }

  phone = (slug) => Phone.of(this.stage, this.hall, slug);

  /** Cuts or mends the hall's line, and waits until the desk knows. */
  async line(state) {
    await this.hall.line(state);
    // After a longer outage the box tries again every half minute.
    await this.desk.page.locator("#line").filter({ hasText: state === "up" ? "在线" : "离线" }).waitFor({ timeout: 60_000 });
  }

  /** The code that stands on the evaluator. */
  async glass() {
    const code = this.citizen.page.locator(".page.challenge .qr");
    await code.waitFor();
    return code;
  }

  /** Scans a text with the keyboard scanner of the desk. */
  async scan(text) {
    const wedge = await Wedge.on(this.desk.page);
    await wedge.scan(text);
  }

  /** All three screens, as they stand now. */
  async shots(name, ...phones) {
    await this.stage.shot(this.desk.page, `${name}-desk`);
    await this.stage.shot(this.citizen.page, `${name}-evaluator`);
    for (const phone of phones) {
      await this.stage.shot(phone.page, `${name}-phone-${phone.slug}`);
    }
  }

  /** From the list to a form, with the tap on the evaluator. */
  async agreeOnGlass() {
    await this.desk.press("F6");
    await this.citizen.asked();
    await this.citizen.agree();
    await this.citizen.told("授权成功");
    await this.desk.stepSays("项已由证照填好");
  }

  /** From a form that is filled to 已登记. Returns the case's number. */
  async finish() {
    await this.desk.completeForm();
    return this.desk.submit();
  }
}
