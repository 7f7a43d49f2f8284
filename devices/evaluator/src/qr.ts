// A text as the modules of a QR code: level M, alphanumeric mode, the smallest version that holds it.

import qrcode from "qrcode-generator";

/** Longest text, in characters: what a phone still reads from the glass at arm's length. */
export const MAX_QR = 1_500;

/** Whether a text can be drawn: the 45 characters of alphanumeric mode, and not too many of them. */
export function isDrawable(text: string): boolean {
  return text.length <= MAX_QR && /^[0-9A-Z $%*+\-./:]+$/.test(text);
}

/** The dark modules as one SVG path on a grid of `size` by `size`. */
export function qrPath(text: string): { size: number; path: string } {
  const qr = qrcode(0, "M");
  qr.addData(text, "Alphanumeric");
  qr.make();
  const size = qr.getModuleCount();
  let path = "";
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const from = x;
      while (x < size && qr.isDark(y, x)) {
        x += 1;
      }
      if (x > from) {
        path += `M${from} ${y}h${x - from}v1h${from - x}z`;
      }
    }
  }
  return { size, path };
}
