/** Printing: the button, and a slip exactly as long as its text. */

const MM_PER_PX = 25.4 / 96;
/** Margins of the slip above and below, and a little for rounding. */
const MARGINS_MM = 8;

/** Starts listening; on the page of a slip, sets its length. */
export function startPrint(): void {
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-print]")) window.print();
  });
  const paper = document.querySelector<HTMLElement>("body.slip .sheet-of-paper");
  if (!paper) return;
  const length = Math.ceil(paper.offsetHeight * MM_PER_PX) + MARGINS_MM;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@page slip { size: 80mm ${length}mm; margin: 3mm 4mm; }`);
  document.adoptedStyleSheets = [sheet];
}
