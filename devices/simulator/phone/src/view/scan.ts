// 扫一扫: camera, picture or text, and on to what it is about.

import { find } from "../message/qr";
import { receiptIn, whatIs } from "../message/scan";
import { h } from "./dom";
import { card, note } from "./parts";
import { action, Hint, trouble, type Build, type Context } from "./shell";

const LARGEST = 1_600;

export const scan: Build = (context) => {
  const { signal } = context;
  const said = h("div", { "aria-live": "polite" });
  const taken = (text: string | null): void => {
    const wrong = text === null ? "图片里没有找到二维码，请把整个二维码拍清楚。" : take(context, text);
    said.replaceChildren(...(wrong ? [note(wrong, "old")] : []));
  };
  const video = h("video", { playsinline: true, muted: true, hidden: true });
  const camera = action("打开摄像头", () => watch(video, signal, taken));
  const file = h("input", { type: "file", accept: "image/*", id: "picture", class: "visually-hidden" });
  file.addEventListener("change", () => {
    const picture = file.files?.[0];
    if (picture) {
      void fromPicture(picture).then(taken, (error: unknown) => said.replaceChildren(trouble(error)));
      file.value = "";
    }
  });
  const text = h("textarea", { id: "pasted", rows: 3, spellcheck: false });
  const body = h(
    "div",
    { class: "stack" },
    note("扫窗口评价器上的二维码、委托二维码，或回执上的二维码。"),
    said,
    h("div", { class: "viewfinder" }, video, camera),
    h("label", { class: "other", for: "picture" }, "从图片识别"),
    file,
    card(h("div", { class: "field" }, h("label", { for: "pasted" }, "或粘贴二维码的文字"), text), h("button", { class: "other", click: () => taken(text.value) }, "识别文字")),
  );
  return { title: "扫一扫", tab: "scan", parent: "home", body };
};

/** Goes where the text leads; else says why not. */
function take({ phone, go }: Context, text: string): string | null {
  const scanned = whatIs(text);
  switch (scanned.is) {
    case "challenge":
      phone.scanned = scanned.challenge;
      go("ask");
      return null;
    case "code":
      return "这是一个办事码，请由窗口扫码器读取。";
    case "answer":
      return "这是给窗口的应答，请由窗口扫码器读取。";
    case "other": {
      if (/^HBWT:/i.test(scanned.text)) {
        phone.invitation = scanned.text.toUpperCase();
        go("accept");
        return null;
      }
      const receipt = receiptIn(scanned.text);
      if (receipt) {
        phone.receipt = receipt;
        go("receipt");
        return null;
      }
      return scanned.text ? "这不是本省政务服务的二维码。" : "没有读到文字。";
    }
  }
}

async function watch(video: HTMLVideoElement, signal: AbortSignal, taken: (text: string) => void): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).catch(() => null);
  if (!stream) {
    throw new Hint("没有摄像头，或者没有允许使用。", "请改用“从图片识别”，或粘贴二维码的文字。");
  }
  const stop = (): void => stream.getTracks().forEach((track) => track.stop());
  signal.addEventListener("abort", stop);
  video.hidden = false;
  video.srcObject = stream;
  await video.play();
  while (!signal.aborted) {
    const text = video.videoWidth > 0 ? find(pixels(video, video.videoWidth, video.videoHeight)) : null;
    if (text) {
      stop();
      return taken(text);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function fromPicture(file: File): Promise<string | null> {
  const picture = await createImageBitmap(file);
  for (const side of [LARGEST, LARGEST / 2, LARGEST / 4]) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const text = find(pixels(picture, Math.round(picture.width * scale), Math.round(picture.height * scale)));
    if (text) {
      return text;
    }
  }
  return null;
}

function pixels(source: CanvasImageSource, width: number, height: number): ImageData {
  const canvas = h("canvas", { width, height });
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (!drawing) {
    throw new Error("no canvas");
  }
  // Pictures may be transparent where paper is white.
  drawing.fillStyle = "#ffffff";
  drawing.fillRect(0, 0, width, height);
  drawing.drawImage(source, 0, 0, width, height);
  return drawing.getImageData(0, 0, width, height);
}
