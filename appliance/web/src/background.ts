/** Posts forms and follows links in the background, and says so when the box is slow or silent. */
import htmx from "htmx.org";
import { sessionEnded, somethingTyped } from "./forms";
import { contentArrived, focusWork, message, standsAlone } from "./dom";

// No inline styles and no evaluated text (the content security policy forbids both), no copies of pages in the
// browser's storage (they show people), and pages with mistakes (422) are shown like any other.
Object.assign(htmx.config, {
  includeIndicatorStyles: false,
  allowEval: false,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  selfRequestsOnly: true,
  attributesToSettle: ["class"],
  scrollIntoViewOnBoost: false,
  responseHandling: [
    { code: "204", swap: false },
    { code: "...", swap: true },
  ],
});

const BUSY_AFTER_MS = 300;
const SLOW_AFTER_MS = 3_000;

let timers: number[] = [];
let underWay = 0;
const whenQuiet: (() => void)[] = [];

/** Whether a form or link is being answered: until then the page is not exchanged from elsewhere. */
export function requestUnderWay(): boolean {
  return underWay > 0;
}

/** Calls back each time that nothing is being answered any more. */
export function onQuiet(then: () => void): void {
  whenQuiet.push(then);
}

function waiting(): void {
  done();
  message("failed", false);
  // What was said of the last step must not be taken for the answer to this one.
  document.querySelector("#page > .notice")?.classList.add("past");
  timers = [
    window.setTimeout(() => document.body.classList.add("busy"), BUSY_AFTER_MS),
    window.setTimeout(() => message("slow", true), SLOW_AFTER_MS),
  ];
}

function done(): void {
  timers.forEach(clearTimeout);
  timers = [];
  document.body.classList.remove("busy");
  message("slow", false);
}

document.addEventListener("htmx:beforeSend", (event) => {
  const { detail } = event as CustomEvent<{ xhr: XMLHttpRequest }>;
  underWay += 1;
  waiting();
  // The request's own end: events on a form that leaves the page do not reach the document.
  detail.xhr.addEventListener("loadend", () => {
    done();
    underWay -= 1;
    // The answer is put into the page after this event.
    if (underWay === 0) window.setTimeout(() => whenQuiet.forEach((then) => then()), 50);
  });
});
// A list must not be exchanged under a form that is being sent from it: the form would lose its place in the page,
// and its answer with it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { detail } = event as CustomEvent<{ elt: Element }>;
  if (!detail.elt.matches("[data-search]")) {
    document.querySelectorAll("[data-search]").forEach((search) => htmx.trigger(search, "htmx:abort"));
  } else if (requestUnderWay()) event.preventDefault();
});
document.addEventListener("htmx:sendError", () => message("failed", true));
document.addEventListener("htmx:timeout", () => message("failed", true));

// A button that stands outside its form is sent like one inside.
document.addEventListener("htmx:configRequest", (event) => {
  const { detail } = event as CustomEvent<{ formData: FormData; triggeringEvent?: Event }>;
  const submitter = detail.triggeringEvent instanceof SubmitEvent ? detail.triggeringEvent.submitter : null;
  if (submitter instanceof HTMLButtonElement && submitter.name) detail.formData.set(submitter.name, submitter.value);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event as CustomEvent<{
    xhr: XMLHttpRequest;
    shouldSwap: boolean;
    target: HTMLElement;
    requestConfig: { verb: string };
    selectOverride?: string;
    swapOverride?: string;
  }>;
  // A form that has left the page meanwhile no longer says which part of the answer is meant.
  if (detail.target.id === "page") {
    detail.selectOverride = "#page";
    detail.swapOverride = "outerHTML show:none";
  }
  if (standsAlone(detail.xhr.responseText)) {
    detail.shouldSwap = false;
    if (detail.requestConfig.verb === "post" && somethingTyped()) sessionEnded();
    else window.location.assign(detail.xhr.responseURL || "/");
  }
});

// A form with mistakes is answered at the address it was posted to, which cannot be opened: the page keeps its own.
document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const { detail } = event as CustomEvent<{
    history: { type: string | false; path: string };
    xhr: XMLHttpRequest;
  }>;
  if (detail.xhr.status >= 400) {
    detail.history.type = "replace";
    detail.history.path = window.location.pathname + window.location.search;
  }
});

// The focus is there before the next key, and does not wait until the page has settled.
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.target as HTMLElement;
  const elsewhere = document.activeElement !== document.body && !target.contains(document.activeElement);
  if (target.id === "page" && !elsewhere) focusWork(target);
});
document.addEventListener("htmx:afterSettle", (event) => contentArrived(event.target as HTMLElement));

/** Makes forms and links in a part that was put in by hand work in the background too. */
export function adopt(part: HTMLElement): void {
  htmx.process(part);
  contentArrived(part);
}
