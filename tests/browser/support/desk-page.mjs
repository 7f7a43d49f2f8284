// A clerk's page with the box's own script and style but no box: what it posts is told to the test.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "./hall.mjs";

const WEB = path.join(ROOT, "appliance/web/dist");
const ADDRESS = "https://127.0.0.1:18443";
/** What every page behind sign-in sends along. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const TYPES = { ".js": "text/javascript", ".css": "text/css" };

const box = `<details id="scan"><summary data-key="F3">扫码</summary>
<form method="post" action="/cases/c1/scan"><input type="hidden" name="csrf" value="t"><input type="hidden" name="carrier" value="typed">
<label for="scanned">扫码</label><input id="scanned" name="text" maxlength="20000" autocomplete="off"><button>核验</button>
<video id="camera-view" muted playsinline hidden></video><button type="button" id="camera" data-module="/assets/scan-camera.js?v=1" hidden>用摄像头扫码</button>
<p id="camera-says" hidden data-denied="denied" data-none="none"></p></form></details>`;

const html = (withCase) => `<!doctype html><html lang="zh-CN" class="plain"><head><meta charset="utf-8"><title>t</title>
<link rel="stylesheet" href="/assets/app.css"><script src="/assets/app.js" defer></script></head>
<body hx-boost="true" hx-target="#page" hx-select="#page" hx-swap="outerHTML show:none"><header id="top"></header>
<div id="says">${["lost", "slow", "failed", "ending", "ended", "checking", "unplaced", "unread"].map((id) => `<p id="${id}" hidden>${id}</p>`).join("")}</div>
<main id="page" tabindex="0">${withCase ? box : ""}
<form method="post" action="/other"><label>姓名<input id="name" name="name" value=""></label><label>说明<textarea id="text"></textarea></label>
<label>窗口<select id="window"><option>W01</option><option>H01</option></select></label><button id="press" type="button" data-key="Enter">人证一致</button></form></main>
<footer id="keys"></footer></body></html>`;

/** Opens the page; `posted` then holds what was sent to the case, newest last. */
export async function openDesk(page, { withCase = true } = {}) {
  const posted = [];
  await page.route(`${ADDRESS}/**`, async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const headers = { "content-security-policy": POLICY, "permissions-policy": "camera=(self), microphone=(), geolocation=()" };
    if (url.pathname.startsWith("/assets/")) {
      const name = path.basename(url.pathname);
      return route.fulfill({ body: await readFile(path.join(WEB, name)), contentType: TYPES[path.extname(name)] });
    }
    if (request.method() === "POST") {
      posted.push({ path: url.pathname, form: Object.fromEntries(new URLSearchParams(request.postData() ?? "")) });
    }
    return route.fulfill({ body: html(withCase), contentType: "text/html; charset=utf-8", headers });
  });
  await page.goto(`${ADDRESS}/cases/c1`);
  await page.evaluate(() => {
    globalThis.pressed = 0;
    document.addEventListener("click", (event) => event.target.id === "press" && (globalThis.pressed += 1));
  });
  return posted;
}

/** A keyboard scanner: physical keys of a US keyboard, each down and up, a few milliseconds apart. */
export class Wedge {
  static async on(page, change = {}) {
    return new Wedge(await page.context().newCDPSession(page), change);
  }

  /** `key` is what the system makes of each key, if it is not what stands on it. */
  constructor(cdp, { capsLock = false, key = null, ime = false } = {}) {
    Object.assign(this, { cdp, capsLock, key, ime });
  }

  /** All keys at once, each with the time at which the scanner sent it: a busy machine hears them later, but not differently. */
  async scan(text, end = "Enter") {
    if (this.ended ?? true) {
      this.at = Date.now();
    }
    this.ended = end !== null;
    const sent = [...text].map((character) => this.#press(character));
    if (end) {
      sent.push(this.#key("keyDown", { code: end, key: end, windowsVirtualKeyCode: end === "Tab" ? 9 : 13, ...(end === "Enter" ? { text: "\r" } : {}) }));
      sent.push(this.#key("keyUp", { code: end, key: end }));
    }
    await Promise.all(sent);
  }

  #press(character) {
    const { code, shift } = physical(character);
    const upper = this.capsLock && /[A-Z]/i.test(character) ? !shift : shift;
    const seen = /[A-Z]/i.test(character) ? (upper ? character.toUpperCase() : character.toLowerCase()) : character;
    const shared = { code, modifiers: shift ? 8 : 0 };
    if (this.ime) {
      // As an input method does: the key is its own, and text comes by composition.
      return this.#key("rawKeyDown", { ...shared, key: "Process", windowsVirtualKeyCode: 229 });
    }
    const down = { ...shared, key: this.key ?? seen, text: seen, unmodifiedText: seen, windowsVirtualKeyCode: character.toUpperCase().charCodeAt(0) };
    return this.#key("keyDown", down);
  }

  #key(type, parameters) {
    this.at += 2;
    return this.cdp.send("Input.dispatchKeyEvent", { type, timestamp: this.at / 1_000, ...parameters });
  }
}

function physical(character) {
  const upper = character.toUpperCase();
  if (/[A-Z]/.test(upper)) {
    return { code: `Key${upper}`, shift: character === upper };
  }
  if (/\d/.test(character)) {
    return { code: `Digit${character}`, shift: false };
  }
  const over = ")!@#$%^&*(".indexOf(character);
  const signs = { " ": ["Space", false], "-": ["Minus", false], "+": ["Equal", true], ".": ["Period", false], "/": ["Slash", false], ":": ["Semicolon", true], "?": ["Slash", true], "=": ["Equal", false] };
  const [code, shift] = over >= 0 ? [`Digit${over}`, true] : (signs[character] ?? ["Backquote", false]);
  return { code, shift };
}
