// 人脸识别: who or what stands before the camera is chosen on the page, for that is what the simulator simulates.

import { NoNetwork, Problem, type FaceSample } from "../api";
import { LOOKS, sampleOf, type Look } from "../face";
import type { Phone } from "../phone";
import { h, icon } from "./dom";
import { trouble } from "./shell";

/** Asks for the face until `use` takes the sample, or the person gives up (null). */
export function takeFace<T>(phone: Phone, use: (sample: FaceSample) => Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    let look: Look = "self";
    const said = h("div", { "aria-live": "assertive" });
    const looks = LOOKS.map((one) =>
      h("label", { class: "look" }, h("input", { type: "radio", name: "look", value: one.look, checked: one.look === look, change: () => (look = one.look) }), one.zh),
    );
    const start = h("button", { class: "main", type: "button" }, "开始识别");
    const dialog = h(
      "dialog",
      { class: "face", "aria-labelledby": "face-title" },
      h("p", { class: "simulated" }, "演示用手机模拟器"),
      h("h2", { id: "face-title" }, "人脸识别"),
      h("div", { class: "oval" }, icon("face")),
      h("p", {}, "建议在刷脸过程中临时取下口罩，便于识别。"),
      h("fieldset", {}, h("legend", {}, "演示：镜头前是"), h("div", { class: "looks" }, ...looks)),
      said,
      start,
      h("button", { class: "other", type: "button", click: () => end(null) }, "取消"),
    );
    const end = (value: T | null): void => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    start.addEventListener("click", () => {
      start.disabled = true;
      said.replaceChildren(h("p", { role: "status" }, "正在识别…"));
      sampleOf(look, phone.carrier.holder)
        .then(use)
        .then(end, (error: unknown) => {
          said.replaceChildren(trouble(error));
          start.disabled = false;
          start.textContent = "再试一次";
          if (!(error instanceof NoNetwork) && !(error instanceof Problem && error.code.startsWith("face"))) {
            start.hidden = true;
          }
        });
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(null);
    });
    document.getElementById("phone")?.append(dialog);
    dialog.showModal();
  });
}

/** A ticket for one thing that needs the face; null when the person gives up. */
export async function faceTicket(phone: Phone): Promise<string | null> {
  const made = await takeFace(phone, (sample) => phone.call(() => phone.citizen.post<{ face_ticket: string }>("/faces", { sample })));
  return made?.face_ticket ?? null;
}
