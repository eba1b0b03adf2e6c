// The declaration grid, pleasanter: effective places as one types, arrows and Enter between cells, fill down,
// and paste from a spreadsheet. The server works everything out again; no page needs this to work.

const form = document.getElementById("declaration");
const weight = Number.parseFloat(form.dataset.weight);
const rows = [...form.querySelectorAll("tr[data-week]")];
const cells = rows.map((row) => [...row.querySelectorAll("input")]);

const number = (cell) => {
  const text = cell.value.trim().replace(",", ".");
  if (text === "") return 0;
  return /^\d+(\.\d*)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN;
};

function showEffective(row) {
  const [, maximum, wte] = [...row.querySelectorAll("input")].map(number);
  const place = row.querySelector("[data-effective]");
  if (Number.isNaN(maximum) || Number.isNaN(wte)) {
    place.textContent = "–";
    return;
  }
  // Hundredths, as whole numbers, so that 1.1 / 0.55 is 2.
  const supervised = Number.isNaN(weight)
    ? maximum
    : Math.floor(Math.round(wte * 100) / Math.round(weight * 100));
  const strong = document.createElement("strong");
  strong.textContent = Math.min(maximum, supervised);
  place.replaceChildren(strong);
  if (supervised < maximum) {
    const limit = document.createElement("span");
    limit.className = "placements-limit";
    limit.textContent = "limited by WTE";
    place.append(" ", limit);
  }
}

let changed = "unsaved" in form.dataset;

function write(cell, value) {
  cell.value = value;
  changed = true;
  showEffective(cell.closest("tr"));
}

function position(cell) {
  const row = cells.findIndex((line) => line.includes(cell));
  return [row, row < 0 ? -1 : cells[row].indexOf(cell)];
}

function go(row, column) {
  const cell = cells[row]?.[column];
  if (cell) {
    cell.focus();
    cell.select();
  }
  return Boolean(cell);
}

form.addEventListener("input", (event) => {
  const row = event.target.closest("tr[data-week]");
  if (row) showEffective(row);
});

form.addEventListener("keydown", (event) => {
  const [row, column] = position(event.target);
  if (row < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  const cell = event.target;
  const atStart = cell.selectionStart === 0 && cell.selectionEnd === cell.value.length;
  const moves = {
    ArrowDown: [row + 1, column],
    Enter: [row + (event.shiftKey ? -1 : 1), column],
    ArrowUp: [row - 1, column],
    // Sideways only where the whole cell is selected, so that arrows still move within a number.
    ArrowRight: atStart ? [row, column + 1] : null,
    ArrowLeft: atStart ? [row, column - 1] : null,
  };
  const move = moves[event.key];
  if (move && go(...move)) event.preventDefault();
  else if (event.key === "Enter") event.preventDefault();
});

form.addEventListener("paste", (event) => {
  const [row, column] = position(event.target);
  const text = event.clipboardData.getData("text/plain");
  if (row < 0 || !/[\t\n]/.test(text.trim())) return;
  event.preventDefault();
  text.replace(/\r/g, "").replace(/\n$/, "").split("\n").forEach((line, down) => {
    line.split("\t").forEach((value, right) => {
      const cell = cells[row + down]?.[column + right];
      if (cell) write(cell, value.trim());
    });
  });
});

for (const button of form.querySelectorAll("button[data-fill]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const block = form.querySelector(`table[data-block="${button.dataset.fill}"]`);
    const lines = [...block.querySelectorAll("tr[data-week]")].map((row) => [...row.querySelectorAll("input")]);
    for (const line of lines.slice(1)) line.forEach((cell, column) => write(cell, lines[0][column].value));
  });
}

form.addEventListener("input", () => { changed = true; });
form.addEventListener("submit", () => { changed = false; });
window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
