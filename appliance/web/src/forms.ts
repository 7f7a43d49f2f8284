/** Small helps in forms: choices that act at once, capitals, keeping a form as it is filled, Enter to the next gap. */
import { all, message, onContent, standsAlone } from "./dom";

const KEEP_AFTER_MS = 900;

let touched = false;
let keeping: number | undefined;
/** The keeping that has been sent and not been answered. */
let underway: Promise<boolean> | null = null;

/** Starts the helps. */
export function startForms(): void {
  document.addEventListener("change", (event) => {
    const element = event.target as HTMLElement;
    if (element.matches("[data-submit]")) element.closest("form")?.requestSubmit();
  });
  document.addEventListener("input", typed);
  document.addEventListener("compositionend", (event) => typed(event));
  document.addEventListener("keydown", enter);
  document.addEventListener("keyup", (event) => {
    const caps = document.getElementById("caps");
    if (caps && event.getModifierState) caps.hidden = !event.getModifierState("CapsLock");
  });
  // Whatever else is pressed while a form is being filled, what was typed is kept first.
  document.addEventListener("htmx:confirm", (event) => {
    const { detail } = event as CustomEvent<{ elt: Element; issueRequest: (skip: boolean) => void }>;
    const form = document.querySelector<HTMLFormElement>("form[data-autosave]");
    if (!form) return;
    if (detail.elt === form) {
      // The form itself goes now: what it says must neither go once more nor overtake what is on its way.
      clearTimeout(keeping);
      if (!underway) return;
      event.preventDefault();
      void underway.then((there) => {
        if (there) detail.issueRequest(true);
      });
      return;
    }
    if (!touched) return;
    event.preventDefault();
    void keep(form).then((there) => {
      if (there) detail.issueRequest(true);
    });
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { detail } = event as CustomEvent<{ xhr: XMLHttpRequest }>;
    if (detail.xhr.status === 204) kept(detail.xhr.getResponseHeader("form-rev"));
  });
  onContent((part) => {
    if (part.querySelector("form[data-autosave]")) touched = false;
    for (const form of all<HTMLFormElement>(part, "form[data-command]")) mirror(form);
  });
}

/** Whether the part holds a form that the clerk is filling and that is still asked for: it must not be exchanged. */
export function formIsTouched(part: Element, next: Element): boolean {
  const form = part.querySelector("form[data-autosave]");
  if (!form || !next.querySelector("form[data-autosave]")) return false;
  // Mistakes that are pointed out stay until the form is sent again.
  return touched || form.contains(document.activeElement) || part.querySelector(".summary, .error") !== null;
}

/** Keeps the form now, before something else is done with the page. */
export async function keepNow(): Promise<void> {
  const form = document.querySelector<HTMLFormElement>("form[data-autosave]");
  if (form && touched) await keep(form);
}

function typed(event: Event): void {
  const element = event.target as HTMLElement;
  if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement)) return;
  if (element instanceof HTMLInputElement && element.matches("[data-upper]") && !(event as InputEvent).isComposing) {
    const { selectionStart, selectionEnd } = element;
    element.value = element.value.toUpperCase();
    element.setSelectionRange(selectionStart, selectionEnd);
  }
  const form = element.form;
  if (form?.matches("[data-command]")) mirror(form);
  if (form?.matches("[data-autosave]")) {
    touched = true;
    clearTimeout(keeping);
    keeping = window.setTimeout(() => void keep(form), KEEP_AFTER_MS);
  }
}

/** Keeps what stands in the form. False when the session has ended: the page then stays as it is. */
async function keep(form: HTMLFormElement): Promise<boolean> {
  clearTimeout(keeping);
  const sent = send(form);
  underway = sent;
  const there = await sent;
  if (underway === sent) underway = null;
  return there;
}

async function send(form: HTMLFormElement): Promise<boolean> {
  const fields = new URLSearchParams();
  new FormData(form).forEach((value, name) => {
    if (typeof value === "string") fields.append(name, value);
  });
  fields.set("do", "save");
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { "HX-Request": "true" } });
    if (answer.redirected && standsAlone(await answer.text())) {
      sessionEnded();
      return false;
    }
    message("failed", !answer.ok);
    if (answer.status === 204) kept(answer.headers.get("form-rev"));
    // Somebody changed the form in another page: show what stands there now.
    else if (answer.status === 422) {
      touched = false;
      window.location.reload();
    }
  } catch {
    message("failed", true);
  }
  return true;
}

/** Whether something that was typed here is not kept yet. */
export function somethingTyped(): boolean {
  const fields = [...document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("#page input:not([type=hidden]):not([readonly]), #page textarea")];
  return touched || fields.some((field) => field.type !== "checkbox" && field.type !== "radio" && field.value !== field.defaultValue);
}

/** Leaves the page as it is until somebody has signed in again elsewhere; then its forms carry the new token. */
export function sessionEnded(): void {
  message("ended", true);
  window.removeEventListener("focus", returned);
  window.addEventListener("focus", returned);
}

function returned(): void {
  void (async () => {
    const answer = await fetch("/", { headers: { "HX-Request": "true" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = fresh.querySelector<HTMLInputElement>("#top input[name=csrf]")?.value;
    if (!answer.ok || !token) return;
    window.removeEventListener("focus", returned);
    for (const field of document.querySelectorAll<HTMLInputElement>("input[name=csrf]")) field.value = token;
    const ends = fresh.getElementById("ending")?.dataset.ends;
    const ending = document.getElementById("ending");
    if (ending && ends) ending.dataset.ends = String(Number(ends) + performance.now());
    message("ended", false);
    await keepNow();
  })();
}

function kept(rev: string | null): void {
  touched = false;
  const seen = document.querySelector<HTMLInputElement>("form[data-autosave] input[name=rev]");
  if (seen && rev) seen.value = rev;
  const saved = document.getElementById("saved");
  const clock = document.querySelector("[data-now]")?.textContent ?? "";
  if (saved) saved.textContent = `${saved.dataset.text ?? ""} ${clock}`;
}

/** In the form of a case Enter goes to the next empty field, and from the last one on to the next step. */
function enter(event: KeyboardEvent): void {
  const field = event.target as HTMLElement;
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
  if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) return;
  const form = field.form;
  if (!form?.matches("[data-autosave]")) return;
  const fields = [...form.elements].filter(
    (element): element is HTMLInputElement =>
      (element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement) &&
      element.type !== "hidden" &&
      element.type !== "checkbox" &&
      !(element as HTMLInputElement).readOnly,
  );
  const next = fields.slice(fields.indexOf(field as HTMLInputElement) + 1).find((element) => element.value.trim() === "");
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

/** Shows what was typed inside the command that does the same. */
function mirror(form: HTMLFormElement): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-from]")) {
    const field = form.elements.namedItem(place.dataset.from ?? "");
    if ((field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field.value) {
      place.textContent = field.value;
    }
  }
}
