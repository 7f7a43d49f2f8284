// 办事人: what a citizen sees and touches on the evaluator.

export class Citizen {
  /** An evaluator at a window, paired as a technician would. `prepare` does something to its browser first. */
  static async at(stage, hall, window, prepare = () => undefined) {
    const page = await stage.page(`evaluator-${window}`, { width: 1280, height: 800 }, { hasTouch: true });
    const citizen = new Citizen(page);
    await prepare(page);
    await page.addInitScript(diary);
    await page.goto(hall.at.windows.find(({ id }) => id === window).evaluator);
    const code = page.locator(".pairing:not(.dim) .code");
    await code.waitFor();
    await stage.shot(page, "evaluator-pairing");
    await hall.pair(await code.innerText(), window);
    await citizen.idle();
    return citizen;
  }

  constructor(page) {
    this.page = page;
  }

  async idle() {
    await this.page.locator(".page.idle").waitFor();
  }

  async asked() {
    await this.page.locator(".page.authorize").waitFor();
  }

  /** Turns one licence off. */
  async without(name) {
    await this.page.getByRole("switch", { name }).tap();
  }

  /** Reads to the end and agrees. */
  async agree() {
    const [further, button] = [this.page.locator(".further:not([hidden])"), this.page.locator("#agree:not([disabled])")];
    await further.or(button).first().waitFor();
    while (await further.isVisible()) {
      // It goes by itself when the end is on the glass.
      await further.tap({ timeout: 1_000 }).catch(() => undefined);
    }
    await button.waitFor();
    await button.tap();
  }

  async decline() {
    await this.page.locator("#decline").tap();
  }

  async told(title) {
    await this.page.locator(".page h1").filter({ hasText: title }).waitFor();
  }

  async askedToRate() {
    await this.page.locator(".page.rating").waitFor();
  }

  /** Rates, a poor grade with a reason. */
  async rate(grade, reason) {
    await this.askedToRate();
    await this.page.getByRole("radio", { name: grade, exact: true }).tap();
    if (reason) {
      await this.page.getByRole("button", { name: reason, exact: true }).tap();
    }
    const send = this.page.locator("#send-rating:not([disabled])");
    await send.waitFor();
    await send.tap();
  }
}

/** Runs in the page: notes what the glass shows and when, for whoever looks into a failure. */
function diary() {
  globalThis.diary = [];
  let last = "";
  const note = () => {
    const text = document.body?.innerText.replace(/\s+/g, " ").replace(/\d+:\d\d/g, "·").slice(0, 120) ?? "";
    if (text !== last) {
      last = text;
      globalThis.diary.push(`${new Date().toISOString()} ${text}`);
    }
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
}
