// The grid's cells as a spreadsheet knows them: rows of inputs, one selected rectangle, and copying as text.

export class Cells {
  constructor(form) {
    this.rows = [...form.querySelectorAll("tr[data-row]")]
      .map((row) => [...row.querySelectorAll("input")])
      .filter((row) => row.length);
    this.places = new Map();
    this.byName = new Map();
    this.rows.forEach((row, down) => row.forEach((cell, right) => {
      this.places.set(cell, [down, right]);
      this.byName.set(cell.name, cell);
    }));
    this.anchor = null;
    this.end = null;
  }

  has(element) { return this.places.has(element); }

  at(down, right) { return this.rows[down]?.[right]; }

  // Select from `anchor` to `end`, both cells.
  select(anchor, end = anchor) {
    for (const cell of this.selected()) cell.parentElement.classList.remove("placements-selected");
    this.anchor = anchor;
    this.end = end;
    const chosen = this.selected();
    if (chosen.length > 1) for (const cell of chosen) cell.parentElement.classList.add("placements-selected");
  }

  // The selected rectangle as rows of cells.
  rectangle() {
    if (!this.anchor) return [];
    const [top, left, bottom, right] = this.edges();
    return this.rows.slice(top, bottom + 1).map((row) => row.slice(left, right + 1));
  }

  selected() { return this.rectangle().flat(); }

  edges() {
    const [[down, right], [otherDown, otherRight]] = [this.places.get(this.anchor), this.places.get(this.end)];
    return [Math.min(down, otherDown), Math.min(right, otherRight), Math.max(down, otherDown), Math.max(right, otherRight)];
  }

  // The cell so far from another, or the last one in that direction.
  beside(cell, down, right) {
    const [atDown, atRight] = this.places.get(cell);
    return this.at(atDown + down, atRight + right) ?? cell;
  }

  text() { return this.rectangle().map((row) => row.map((cell) => cell.value).join("\t")).join("\n"); }

  // [cell, value] pairs for a text from a spreadsheet: one value fills the selection, several begin at its corner.
  pasted(text) {
    const lines = text.replace(/\r/g, "").replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
    if (lines.length === 1 && lines[0].length === 1) {
      return this.selected().map((cell) => [cell, lines[0][0].trim()]);
    }
    const [top, left] = this.edges();
    return lines.flatMap((line, down) => line.map((value, right) => [this.at(top + down, left + right), value.trim()]))
      .filter(([cell]) => cell);
  }

  // [cell, value] pairs that repeat the first column (row) of the selection; of a single one, the one before it.
  filled(isDown) {
    const [top, left, bottom, right] = this.edges();
    const from = (down, at) => (isDown ? this.at(top === bottom ? top - 1 : top, at) : this.at(down, left === right ? left - 1 : left));
    return this.selected().map((cell) => [cell, from(...this.places.get(cell))?.value ?? cell.value]);
  }
}

// What was done to cells, to be undone and done again. A step is a list of [cell, before, after].
export class Steps {
  constructor(write) {
    this.write = write;
    this.done = [];
    this.undone = [];
  }

  add(step) {
    if (!step.length) return;
    this.done.push(step);
    this.undone = [];
  }

  undo() { this.turn(this.done, this.undone, 1); }

  redo() { this.turn(this.undone, this.done, 2); }

  turn(from, to, which) {
    const step = from.pop();
    if (!step) return;
    to.push(step);
    for (const change of step) this.write(change[0], change[which]);
    step[0][0].focus();
  }
}
