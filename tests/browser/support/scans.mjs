// Files that a scanner would make, and some that only pretend to be.

import { deflateSync } from "node:zlib";

/** A PNG of so many pixels, grey stripes. */
export function png(width = 64, height = 64) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    rows.fill(y % 8 < 4 ? 0xd0 : 0xf8, y * (width + 1) + 1, (y + 1) * (width + 1));
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

/** A one-page PDF, padded to a size. */
export function pdf(size = 0) {
  const text =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n" +
    "0000000053 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n162\n%%EOF\n";
  return Buffer.concat([Buffer.from(text), Buffer.alloc(Math.max(0, size - text.length), "%")]);
}

/** What a Windows program begins with. */
export function exe() {
  return Buffer.concat([Buffer.from("MZ"), Buffer.alloc(4096, 0x90)]);
}

export const scan = (name = "扫描件.png") => ({ name, mimeType: "image/png", buffer: png() });
export const paper = (name = "材料.pdf") => ({ name, mimeType: "application/pdf", buffer: pdf() });
