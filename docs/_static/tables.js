// Let the names in tables break after a dot, and give each cell but the first of its row the head of its column, which site.css shows on narrow screens.
document.addEventListener("DOMContentLoaded", () => {
  for (const text of document.querySelectorAll("table.docutils code .pre")) {
    const parts = text.textContent.split(/(?<=[./])/);
    text.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
  }
  for (const table of document.querySelectorAll("table.docutils")) {
    const heads = Array.from(table.querySelectorAll("thead th"), (cell) => cell.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      Array.from(row.cells).slice(1).forEach((cell, index) => {
        if (heads[index + 1]) cell.dataset.head = heads[index + 1];
      });
    }
  }
});
