// 图标: the star of 好差评 on the page's blue, drawn here so that no picture has to be kept.
import { deflateSync } from "node:zlib";

const BLUE = [9, 71, 154];
const WHITE = [255, 255, 255];
/** Each pixel is the mean of so many by so many. */
const FINE = 4;

/** A square PNG with so many pixels a side. */
export function icon(size) {
  const rows = Buffer.alloc(size * (1 + size * 3));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const inside = share(x, y, size);
      BLUE.forEach((blue, n) => rows.writeUInt8(Math.round(blue + (WHITE[n] - blue) * inside), y * (1 + size * 3) + 1 + x * 3 + n));
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

/** How much of a pixel lies in the star. */
function share(x, y, size) {
  let hits = 0;
  for (let n = 0; n < FINE * FINE; n += 1) {
    const [u, v] = [n % FINE, Math.floor(n / FINE)].map((fine) => (fine + 0.5) / FINE);
    hits += inStar((x + u) / size - 0.5, (y + v) / size - 0.52) ? 1 : 0;
  }
  return hits / (FINE * FINE);
}

/** A star of five points around the middle, 0.34 out and 0.14 in: inside the part that a round mask leaves. */
function inStar(x, y) {
  const turn = (Math.PI * 2) / 5;
  const angle = Math.abs(((((Math.atan2(x, -y) % turn) + turn * 1.5) % turn) - turn / 2));
  const [px, py] = [Math.hypot(x, y) * Math.cos(angle), Math.hypot(x, y) * Math.sin(angle)];
  const [inX, inY] = [0.14 * Math.cos(turn / 2), 0.14 * Math.sin(turn / 2)];
  return (0.34 - px) * inY - py * (0.34 - inX) >= 0;
}

function chunk(name, body) {
  const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
  const whole = Buffer.alloc(8 + named.length);
  whole.writeUInt32BE(body.length, 0);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc(named), 4 + named.length);
  return whole;
}

/** CRC-32 as PNG has it; `node:zlib` offers it only from Node.js 22 on. */
function crc(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let n = 0; n < 8; n += 1) {
      rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    }
  }
  return (rest ^ 0xffffffff) >>> 0;
}
