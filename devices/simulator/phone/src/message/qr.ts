// QR codes: drawing one as SVG, and finding one in a picture.

import jsQR from "jsqr";
import qrcode from "qrcode-generator";

const QUIET = 4;
const ALPHANUMERIC = /^[0-9A-Z $%*+\-./:]*$/;

/** The modules of a code at level M, row by row. */
export function modules(text: string): boolean[][] {
  const code = qrcode(0, "M");
  code.addData(text, ALPHANUMERIC.test(text) ? "Alphanumeric" : "Byte");
  code.make();
  const side = Array.from({ length: code.getModuleCount() }, (_, at) => at);
  return side.map((row) => side.map((column) => code.isDark(row, column)));
}

/** What an SVG path has to draw: one run of dark modules after the other. */
export function outline(rows: readonly (readonly boolean[])[]): { side: number; path: string } {
  let path = "";
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      let run = 0;
      while (row[x + run]) {
        run += 1;
      }
      if (run > 0) {
        path += `M${x + QUIET} ${y + QUIET}h${run}v1h-${run}z`;
        x += run;
      }
    }
  });
  return { side: rows.length + 2 * QUIET, path };
}

/** The text of the code in a picture, or null. */
export function find(picture: { data: Uint8ClampedArray; width: number; height: number }): string | null {
  return jsQR(picture.data, picture.width, picture.height)?.data || null;
}
