// Whose phone it is to be: everybody of the cast has one.

import { h } from "./dom";
import { empty, field } from "./parts";

type Person = { slug: string; name: string; note: string };

export async function people(root: HTMLElement): Promise<void> {
  const all = (await (await fetch("/people", { cache: "no-store" })).json()) as Person[];
  const search = field("查找", { type: "search", placeholder: "姓名或特点" });
  const list = h("ul", { class: "rows" });
  const draw = (): void => {
    const words = search.input.value.trim();
    const found = all.filter(({ name, note, slug }) => `${name} ${note} ${slug}`.includes(words));
    list.replaceChildren(
      ...found.map(({ slug, name, note }) => h("li", {}, h("a", { class: "row", href: `/${slug}/` }, h("span", { class: "what" }, h("strong", {}, name), h("small", {}, note))))),
      ...(found.length === 0 ? [h("li", {}, empty("没有这样的人"))] : []),
    );
  };
  search.input.addEventListener("input", draw);
  draw();
  root.replaceChildren(
    h("div", { class: "strip" }, h("strong", {}, "演示用手机模拟器")),
    h("div", { class: "page" }, h("header", {}, h("h1", {}, "选择谁的手机")), h("main", {}, h("div", { class: "stack" }, search.root, list))),
  );
}
