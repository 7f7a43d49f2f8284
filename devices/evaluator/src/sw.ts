// 离线壳: keeps the page itself on the tablet, so that it comes up after a power cut before the box does. Only files of
// the program are kept; whatever is about anybody comes over MQTT and is never here.

/** What the page is made of, beside this worker. */
const SHELL = ["./", "app.js", "app.css", "manifest.webmanifest", "icon-192.png", "icon-512.png"];
const CACHE = "hall-evaluator-shell";
/** A box that takes longer for a file is treated as away. */
const PATIENCE_MS = 3_000;

/** What is used of a service worker's scope; the library's own types do not live beside those of a page. */
interface Scope {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", act: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: "fetch", act: (event: { request: Request; respondWith(answer: Promise<Response>): void }) => void): void;
}

const scope = self as unknown as Scope;
const FILES = new Set(SHELL.map((file) => new URL(file, scope.location.href).pathname));

scope.addEventListener("install", (event) => {
  const fresh = SHELL.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)).then(() => scope.skipWaiting()));
});

scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method === "GET" && origin === scope.location.origin && FILES.has(pathname)) {
    event.respondWith(newest(event.request, pathname));
  }
});

/** From the box while it answers, so that a new version is there at the next start; else what it gave before. */
async function newest(request: Request, pathname: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = (): Promise<Response | undefined> => cache.match(pathname, { ignoreSearch: true });
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(request.url, { cache: "no-cache", signal: patience.signal });
    if (!answer.ok) {
      return (await kept()) ?? answer;
    }
    await cache.put(pathname, answer.clone());
    return answer;
  } catch (error) {
    const found = await kept();
    if (!found) {
      throw error;
    }
    return found;
  } finally {
    clearTimeout(timer);
  }
}
