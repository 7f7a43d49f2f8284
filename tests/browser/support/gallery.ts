// The pages of the evaluator without a hall: puts any state on the glass, as the box's messages would.

import { Clock } from "../../../devices/evaluator/src/clock";
import { start, step, type Event, type State } from "../../../devices/evaluator/src/machine";
import { readPage, readShow } from "../../../devices/evaluator/src/messages";
import { Screen } from "../../../devices/evaluator/src/view/screen";

const glass = document.getElementById("glass");
if (!glass) {
  throw new Error("no glass");
}
const screen = new Screen(glass);
const clock = new Clock(() => performance.now(), () => Date.now());
const config = { ver: 1, hall: "安澜市政务服务大厅", window: { code: "W01", name: "综合1号窗口" }, bindEpoch: 1, hbS: 15, notice: null };
let state: State;

function send(event: Event): void {
  state = step(state, event, clock.now()).state;
  screen.paint(state, clock, send);
}

Object.assign(globalThis, {
  /** Shows a command of the box to a fresh device. */
  hang(message: unknown, preferences: object): void {
    const head = readShow(message);
    const show = head && readPage(head);
    if (!show || typeof show === "string") {
      throw new Error(`not a page: ${String(show)}`);
    }
    state = { ...start({ gen: 0, cmd: null, answered: [], config }), link: "up", lostAt: null, hall: { online: true, boot: show.id } };
    // Another page of the same number would not be painted anew.
    screen.paint(state, clock, send);
    send({ type: "show", show, waiting: null });
    send({ type: "preference", change: preferences });
  },
  /** Whatever the citizen or the box does next. */
  happen: send,
});
