/** Scans: sent as soon as they are chosen or dropped, with progress, and refused here when the box would refuse them. */
import { adopt } from "./background";
import { message } from "./dom";
import { keepNow } from "./forms";

/** Starts listening. */
export function startUploads(): void {
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || input.type !== "file") return;
    const form = input.closest<HTMLFormElement>("form[data-upload]");
    if (form && input.files && input.files.length > 0) void send(form, [...input.files]);
  });
  for (const name of ["dragover", "dragleave", "drop"] as const) {
    document.addEventListener(name, (event) => dragged(name, event));
  }
}

function dragged(name: string, event: DragEvent): void {
  const place = (event.target as Element).closest?.(".upload");
  const form = place?.querySelector<HTMLFormElement>("form[data-upload]");
  if (!place || !form) return;
  event.preventDefault();
  place.classList.toggle("over", name === "dragover");
  const files = [...(event.dataTransfer?.files ?? [])];
  if (name === "drop" && files.length > 0) void send(form, files);
}

async function send(form: HTMLFormElement, files: File[]): Promise<void> {
  const wrong = files.some((file) => file.size === 0)
    ? form.dataset.empty
    : files.some((file) => file.size > Number(form.dataset.max))
      ? form.dataset.tooLarge
      : files.reduce((sum, file) => sum + file.size, 0) > Number(form.dataset.maxAll)
        ? form.dataset.tooMuch
        : undefined;
  complain(form, wrong);
  if (wrong) {
    form.reset();
    return;
  }
  await keepNow();
  const body = new FormData();
  body.append("csrf", (form.elements.namedItem("csrf") as HTMLInputElement).value);
  body.append("material", (form.elements.namedItem("material") as HTMLInputElement).value);
  files.forEach((file) => body.append("file", file));
  const bar = form.querySelector("progress");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.upload.onprogress = (progress) => {
    if (!bar) return;
    bar.hidden = false;
    bar.value = (100 * progress.loaded) / progress.total;
  };
  request.onerror = () => message("failed", true);
  request.onloadend = () => {
    if (bar) bar.hidden = true;
    form.reset();
    if (request.status > 0) show(request.responseText);
  };
  request.send(body);
}

function complain(form: HTMLFormElement, text: string | undefined): void {
  const place = form.querySelector<HTMLElement>(".error");
  if (!place) return;
  place.textContent = text ?? "";
  place.hidden = !text;
}

/** Takes over what the answer says about attachments, steps and outcome; the form being filled stays. */
function show(html: string): void {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const places = [...document.querySelectorAll<HTMLElement>(".upload, #case-steps, #case-side")];
  const failure = fresh.querySelector("main.failure");
  if (failure) {
    const page = document.getElementById("page");
    const next = document.adoptNode(failure) as HTMLElement;
    page?.replaceWith(next);
    adopt(next);
    return;
  }
  for (const place of places) {
    const next = fresh.getElementById(place.id);
    if (!next) continue;
    document.adoptNode(next);
    place.replaceWith(next);
    adopt(next);
  }
}
