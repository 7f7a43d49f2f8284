// 手机: what somebody does with their phone, and what a scanner sees of its screen.

import jsQR from "jsqr";
import { PNG } from "pngjs";
import { until } from "./hall.mjs";

/** A phone in the hand. Twice the pixels, as phones have them: what is photographed of it stays sharp. */
const HAND = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true };
const LOOKS = ["本人", "另一个人", "戴口罩", "照片翻拍", "太暗", "超时"];

/** The text of the QR code in a PNG, by a decoder that is not the one that drew it; null without one. */
export function qrIn(png) {
  const { data, width, height } = PNG.sync.read(png);
  return jsQR(new Uint8ClampedArray(data), width, height)?.data || null;
}

/** What a scanner reads from a screen: of the element that holds the code, or of a whole page. */
export async function qrOn(place) {
  return qrIn(await photographOf(place));
}

/** A picture of a screen on which a code can be read. */
async function photographOf(place) {
  return until("a QR code on the screen", async () => {
    // A code is exchanged every half minute, and so may be the element in the middle of the picture.
    const picture = await place.screenshot().catch((error) => (/not attached/.test(error.message) ? null : Promise.reject(error)));
    return picture && qrIn(picture) && picture;
  });
}

export class Phone {
  /** The phone of a member of the cast, as it was left; nobody is signed in on a new one. */
  static async at(stage, hall, slug) {
    const { viewport, ...options } = HAND;
    const page = await stage.page(`phone-${slug}`, viewport, options);
    const { url, name } = hall.at.phones.people.find((one) => one.slug === slug) ?? {};
    if (!url) {
      throw new Error(`nobody of the cast is called ${slug}`);
    }
    await page.goto(url);
    await page.locator("main h1, header h1").first().waitFor();
    return new Phone(page, hall, slug, name);
  }

  /** A phone whose owner is signed in. */
  static async of(stage, hall, slug) {
    const phone = await Phone.at(stage, hall, slug);
    await phone.signIn();
    return phone;
  }

  constructor(page, hall, slug, name) {
    this.page = page;
    this.hall = hall;
    this.slug = slug;
    this.name = name;
  }

  /** The screen in view. */
  title = () => this.page.locator("header h1").innerText();
  button = (name) => this.page.getByRole("button", { name, exact: true });

  async titled(title) {
    await this.page.locator("header h1").filter({ hasText: title }).waitFor();
  }

  async says(text) {
    await this.page.locator("main").filter({ hasText: text }).waitFor();
  }

  /** Goes to a screen by its place in the address: `home`, `code/zw`, `licences`, `delegations/received` … */
  async open(path) {
    await this.page.evaluate((hash) => (location.hash === hash ? dispatchEvent(new HashChangeEvent("hashchange")) : (location.hash = hash)), `#/${path}`);
  }

  /** The code in the text message that comes, as it stands above the screen. It is put away after reading. */
  async textCode() {
    const message = this.page.locator(".sms:not([hidden])");
    await message.filter({ hasText: /\d{6}/ }).waitFor();
    const [code] = /(?<!\d)\d{6}(?!\d)/.exec(await message.innerText());
    await message.getByRole("button", { name: "收起短信" }).tap();
    return code;
  }

  /** From the sign-in page to 首页, with the face where it is asked for. */
  async signIn({ look = "本人" } = {}) {
    await this.titled("登录");
    await this.page.getByLabel("我已阅读").check();
    await this.button("获取验证码").tap();
    await this.page.getByLabel("短信验证码").fill(await this.textCode());
    await this.button("登录").tap();
    const dialog = this.page.locator("dialog.face");
    await dialog.or(this.page.locator("header h1").filter({ hasText: "政务服务" })).first().waitFor();
    if (await dialog.isVisible()) {
      await this.face(look);
    }
    if (look === "本人") {
      await this.titled("政务服务");
    }
  }

  async signOut() {
    await this.open("me");
    await this.button("退出登录").tap();
    await this.titled("登录");
  }

  /** Holds a face before the camera: 本人, 另一个人, 戴口罩, 照片翻拍, 太暗, 超时. Returns what the dialog says against it, or null. */
  async face(look = "本人") {
    if (!LOOKS.includes(look)) {
      throw new Error(`no such face: ${look}`);
    }
    const dialog = this.page.locator("dialog.face");
    await dialog.getByRole("radio", { name: look, exact: true }).check();
    await dialog.getByRole("button", { name: /开始识别|再试一次/ }).tap();
    await dialog.locator("[role=status]").waitFor({ state: "detached" });
    const trouble = dialog.locator(".trouble strong");
    await until("an answer to the face", async () => (await dialog.count()) === 0 || (await trouble.isVisible()));
    return (await dialog.count()) === 0 ? null : trouble.innerText();
  }

  async giveUpFace() {
    await this.page.locator("dialog.face").getByRole("button", { name: "取消" }).tap();
  }

  /** 我的码: `zw` 个人政务码, `qy` 企业政务码, `ys` 粤商码, `wt` 委托人码; `capacity` such as `org:…`. Opens it the first time. */
  async showCode(which = "zw", capacity) {
    await this.open(capacity ? `code/${which}/${capacity}` : `code/${which}`);
    const open = this.page.getByRole("button", { name: /^开通|^领取|^取得/ });
    await open.or(this.page.locator(".modules")).first().waitFor();
    if (await open.isVisible()) {
      await open.tap();
    }
    await this.page.locator(".modules").waitFor();
  }

  /** The text of the code on the screen, from a picture of the screen. */
  async qrText() {
    return qrOn(this.page.locator(".qr").first());
  }

  /** 扫一扫 with a picture of what stands on another page: an element with the code, or a whole page. */
  async scanFrom(place) {
    await this.scanPicture(await photographOf(place));
  }

  async scanPicture(png) {
    await this.open("scan");
    await this.page.locator("#picture").setInputFiles({ name: "code.png", mimeType: "image/png", buffer: png });
  }

  /** 扫一扫 with the text of a code, as pasted. */
  async scanText(text) {
    await this.open("scan");
    await this.page.getByLabel("或粘贴二维码的文字").fill(text);
    await this.button("识别文字").tap();
  }

  /** Chooses for whom one answers: a capacity such as `own`, `org:…`, `mandate:…`. */
  async as(capacity) {
    await this.page.getByLabel(/以什么身份|委托人/).selectOption(capacity);
  }

  /** Answers what was scanned with yes, but for the licences named, and returns the text of the answer for the window. */
  async agree({ without = [], look = "本人" } = {}) {
    const yes = this.page.getByRole("button", { name: /^(确认授权|出示|开始刷脸)$/ });
    await yes.waitFor();
    for (const name of without) {
      await this.page.getByRole("switch", { name }).tap();
    }
    await yes.tap();
    const dialog = this.page.locator("dialog.face");
    await dialog.or(this.page.locator(".answer")).first().waitFor();
    if (await dialog.isVisible()) {
      const refused = await this.face(look);
      if (refused) {
        throw new Error(`the face was refused: ${refused}`);
      }
    }
    return this.answer();
  }

  async refuse() {
    await this.button("不同意").tap();
    await this.says("已拒绝");
  }

  /** The answer that stands on the phone for the window's scanner. */
  async answer() {
    await this.page.locator(".answer .modules").waitFor();
    return this.qrText();
  }

  /** 出示证照: shows every licence that was asked for, and returns the texts of all the codes that carry the answer. */
  async showAll() {
    await this.button("出示").tap();
    const refused = await this.face();
    if (refused) {
      throw new Error(`the face was refused: ${refused}`);
    }
    await this.page.locator(".answer .modules").waitFor();
    const turn = this.button("下一张");
    if ((await turn.count()) === 0) {
      return [await this.qrText()];
    }
    // Turning by hand stops the codes from turning by themselves.
    await turn.tap();
    const label = () => this.page.locator(".answer .qr svg, .answer svg.modules").first().getAttribute("aria-label");
    const count = Number(/共 (\d+) 张/.exec(await label())[1]);
    const codes = new Map();
    while (codes.size < count) {
      codes.set(await label(), await this.qrText());
      await turn.tap();
    }
    return [...codes].sort(([a], [b]) => a.localeCompare(b)).map(([, text]) => text);
  }

  /** As 委托人: opens the request that a delegate at a window waits with, and says yes. */
  async confirm({ without = [] } = {}) {
    await this.open("home");
    await this.page.getByRole("link", { name: /^待我确认/ }).first().tap();
    for (const name of without) {
      await this.page.getByRole("switch", { name }).tap();
    }
    await this.button("确认授权").tap();
    await this.face();
    await this.says("授权成功");
  }

  /** As 委托人: a mandate for somebody of the cast, for an item (name; none for every item) and kinds of licences. */
  async delegate(agent, { item, kinds, capacity = "own" }) {
    const { name, number } = (await this.hall.cast()).find(({ slug }) => slug === agent);
    await this.open(`delegate/${capacity}`);
    await this.page.getByLabel("姓名").fill(name);
    await this.page.getByLabel("证件号码").fill(number);
    if (item) {
      await this.page.getByLabel("事项", { exact: true }).selectOption({ label: item });
    }
    for (const kind of kinds) {
      await this.page.getByLabel(kind, { exact: true }).check();
    }
    await this.button("发起委托").tap();
    await this.face();
    await this.says("请代办人用“扫一扫”接受");
  }

  /** As 代办人: takes what the principal's phone shows. */
  async acceptFrom(principal) {
    await this.scanFrom(principal.page.locator(".qr"));
    await this.button("接受委托").tap();
    await this.says("生效中");
  }

  /** As 法定代表人: makes somebody of the cast, who has an account, an agent of the organisation. */
  async grant(uscc, agent) {
    const { name, number, mobile } = (await this.hall.cast()).find(({ slug }) => slug === agent);
    await this.open(`grant/${uscc}`);
    await this.button("去验证").tap();
    await this.page.getByLabel("短信验证码").fill(await this.textCode());
    await this.page.getByLabel("姓名").fill(name);
    await this.page.getByLabel("证件号码").fill(number);
    await this.page.getByLabel("账号（手机号）").fill(mobile);
    await this.button("完成授权").tap();
    await this.titled("授权管理");
  }

  /** The phone's own network; the hall's line is another thing. */
  async network(on) {
    await this.open("settings");
    await this.page.getByLabel("手机网络").setChecked(on);
    await this.page.locator(".network").filter({ hasText: on ? "移动网络" : "无网络" }).waitFor();
  }

  /** Sets the phone's clock wrong by so many minutes. */
  async skew(minutes) {
    await this.open("settings");
    const field = this.page.getByLabel("时间偏差（分钟）");
    await field.fill(String(minutes));
    await field.blur();
    await this.page.locator(".time").filter({ hasText: minutes === 0 ? /^[\d:]+$/ : "已拨动" }).waitFor();
  }

  async largeType(on = true) {
    await this.open("settings");
    await this.page.getByLabel("大字").setChecked(on);
  }
}
