// 人脸识别, simulated: what stands before the camera is chosen, and what the reference centre compares is made of it.

import type { FaceSample } from "./api";
import { concat, hex } from "./message/bytes";

export type Look = "self" | "other" | "mask" | "photo" | "dark" | "timeout";

export const LOOKS: readonly { look: Look; zh: string }[] = [
  { look: "self", zh: "本人" },
  { look: "other", zh: "另一个人" },
  { look: "mask", zh: "戴口罩" },
  { look: "photo", zh: "照片翻拍" },
  { look: "dark", zh: "太暗" },
  { look: "timeout", zh: "超时" },
];

/** The sample that the phone's camera gives when this stands before it. */
export async function sampleOf(look: Look, holder: string): Promise<FaceSample> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const person = look === "other" ? `${holder} 以外的人` : holder;
  const digest = await crypto.subtle.digest("SHA-256", concat(salt, new TextEncoder().encode(person)));
  const sample = { salt_hex: hex(salt), person_hex: hex(new Uint8Array(digest)) };
  switch (look) {
    case "mask":
      return { ...sample, mask: true };
    case "photo":
      return { ...sample, live: false };
    case "dark":
      return { ...sample, quality: 20 };
    case "timeout":
      return { ...sample, service: "timeout" };
    default:
      return sample;
  }
}
