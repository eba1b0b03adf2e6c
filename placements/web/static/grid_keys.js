// Keys, mouse and clipboard in the grid, as in a spreadsheet. `write(pairs)` changes cells as one step.

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function listen(form, cells, steps, write, finishTyping) {
  let editing = false;

  function go(cell, extend = false) {
    editing = false;
    finishTyping();
    if (extend) {
      cells.select(cells.anchor, cell);
      cell.scrollIntoView({ block: "nearest", inline: "nearest" });
      return;
    }
    cell.focus();
  }

  function edit(cell) {
    editing = true;
    cell.setSelectionRange(cell.value.length, cell.value.length);
  }

  form.addEventListener("focusin", ({ target }) => {
    if (!cells.has(target)) return;
    editing = false;
    cells.select(target);
    target.select();
  });

  form.addEventListener("focusout", ({ target }) => {
    if (cells.has(target)) finishTyping();
  });

  form.addEventListener("mousedown", (event) => {
    const cell = event.target;
    if (!cells.has(cell) || event.button !== 0) return;
    if (event.shiftKey && cells.anchor) {
      event.preventDefault();
      cells.select(cells.anchor, cell);
    } else if (cell !== document.activeElement) {
      event.preventDefault();
      go(cell);
    }
  });

  form.addEventListener("mouseover", (event) => {
    if (event.buttons === 1 && !editing && cells.anchor && cells.has(event.target)) cells.select(cells.anchor, event.target);
  });

  form.addEventListener("dblclick", ({ target }) => {
    if (cells.has(target)) edit(target);
  });

  form.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (!cells.has(cell)) return;
    const taken = event.ctrlKey || event.metaKey ? command(event) : key(event, cell);
    if (taken) event.preventDefault();
  });

  function command(event) {
    const name = event.key.toLowerCase();
    if (event.altKey) return false;
    finishTyping();
    if (name === "z") (event.shiftKey ? steps.redo() : steps.undo());
    else if (name === "y") steps.redo();
    else if (name === "d") write(cells.filled(true));
    else if (name === "r" && !event.shiftKey) write(cells.filled(false));
    else return false;
    return true;
  }

  function key(event, cell) {
    if (event.altKey) return false;
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey && !editing) go(cells.beside(cells.end, ...arrow), true);
    else if (arrow && !(editing && arrow[1])) go(cells.beside(cell, ...arrow));
    else if (event.key === "Enter") go(cells.beside(cell, event.shiftKey ? -1 : 1, 0));
    else if (event.key === "F2") edit(cell);
    else if (event.key === "Escape") { steps.forget(cell); cell.select(); editing = false; }
    else if (event.key === "Delete" && !editing) write(cells.selected().map((one) => [one, ""]));
    else if (event.key === "Backspace" && cells.selected().length > 1) write(cells.selected().map((one) => [one, ""]));
    else return false;
    return true;
  }

  function copy(event) {
    if (!cells.has(event.target) || editing) return false;
    event.clipboardData.setData("text/plain", cells.text());
    event.preventDefault();
    return true;
  }

  form.addEventListener("copy", copy);
  form.addEventListener("cut", (event) => {
    if (copy(event)) write(cells.selected().map((cell) => [cell, ""]));
  });
  form.addEventListener("paste", (event) => {
    if (!cells.has(event.target) || editing) return;
    finishTyping();
    event.preventDefault();
    write(cells.pasted(event.clipboardData.getData("text/plain")));
  });
}
