// The declaration grid, as quick as a spreadsheet. No page needs this to work: the form does the same.

import { Cells, Steps } from "/own/grid_cells.js";
import { listen } from "/own/grid_keys.js";
import { Saving } from "/own/grid_saving.js";

const form = document.getElementById("declaration");
const cells = new Cells(form);
const models = new Map([...form.querySelectorAll("select[name$='.model']")].map((field) => [field.name, field]));
const field = (name) => cells.byName.get(name) ?? models.get(name);
const tbody = (id) => form.querySelector(`tbody[data-department="${id}"]`);
const same = (one, other) => (one.trim() || "0") === (other.trim() || "0");

const saving = new Saving(form, { read: (name) => field(name)?.value, show, say });
const steps = new Steps(put);

// The cell that is being typed in, and what stood there before.
let typing = null;

function put(cell, value) {
  if (cell.readOnly || cell.value === value) return;
  cell.value = value;
  saving.changed(cell.name);
}

function write(pairs) {
  const step = pairs.filter(([cell, value]) => !cell.readOnly && cell.value !== value).map(([cell, value]) => [cell, cell.value, value]);
  for (const [cell, , value] of step) put(cell, value);
  steps.add(step);
}

function finishTyping() {
  if (typing && typing.cell.value !== typing.before) steps.add([[typing.cell, typing.before, typing.cell.value]]);
  typing = null;
}

steps.forget = (cell) => {
  if (typing?.cell === cell) put(cell, typing.before);
  typing = null;
};

form.addEventListener("beforeinput", ({ target }) => {
  if (cells.has(target) && typing?.cell !== target) typing = { cell: target, before: target.value };
});
form.addEventListener("input", ({ target }) => {
  if (cells.has(target) || models.has(target.name)) saving.changed(target.name);
});
listen(form, cells, steps, write, finishTyping);

function say(words, signIn) {
  const line = form.querySelector(".placements-state");
  line.textContent = words;
  if (!signIn) return;
  const link = document.createElement("a");
  Object.assign(link, { href: signIn, target: "_blank", textContent: "Sign in in another tab" });
  line.append(" ", link);
}

// Rows as the server wrote them; nothing in them runs.
function html(text) {
  const parsed = new DOMParser().parseFromString(`<template>${text}</template>`, "text/html");
  return parsed.querySelector("template").content;
}

function lock(id, isLocked) {
  for (const cell of tbody(id).querySelectorAll("input")) cell.readOnly = isLocked;
  const model = models.get(`${id}.model`);
  if (model) model.disabled = isLocked;
  for (const button of document.querySelectorAll(`[data-change="${id}"]`)) button.hidden = !isLocked;
}

function show(id, answer, department) {
  for (const [name, value] of Object.entries(answer.theirs)) {
    const cell = field(`${id}.${name}`);
    if (cell && ![department.pending, department.held, department.clashing].some((names) => names.has(cell.name))) cell.value = value;
  }
  for (const words of answer.said) {
    const line = document.createElement("p");
    line.textContent = words;
    form.querySelector("[data-said]").append(line);
  }
  for (const [key, figures] of Object.entries(answer.rows)) {
    const row = tbody(id).querySelector(`tr[data-row="${key}"]`);
    if (row) figures.forEach((figure, week) => { row.cells[week + 1].textContent = figure; });
  }
  document.querySelector(`[data-tag="${id}"]`)?.replaceChildren(html(answer.tag));
  const notes = form.querySelector(`[data-notes="${id}"]`);
  const isOpen = notes.querySelector("details")?.open;
  // Choices that wait from an earlier answer stay.
  const choices = [...notes.querySelectorAll("[data-keep]")].filter(({ dataset }) => saving.isClashing(dataset.keep) && !(dataset.keep.slice(id.length + 1) in answer.clashes))
    .map((button) => button.closest("li"));
  notes.replaceChildren(html(answer.notes));
  if (choices.length && !notes.querySelector("ul.placements-notes")) notes.prepend(html("<ul class='placements-notes'></ul>"));
  notes.querySelector("ul.placements-notes")?.append(...choices);
  if (isOpen) notes.querySelector("details").open = true;
  mark(id, answer);
  if (answer.asks) form.querySelector(`[data-change="${id}"]`).hidden = false;
}

// What is wrong or clashes is marked at its cell, and theirs shown under it.
function mark(id, answer) {
  for (const cell of tbody(id).querySelectorAll("[aria-describedby]")) {
    if (saving.isClashing(cell.name) && !(cell.name.slice(id.length + 1) in answer.clashes)) continue;
    cell.parentElement.querySelector(".placements-theirs")?.remove();
    cell.removeAttribute("aria-invalid");
    cell.removeAttribute("aria-describedby");
  }
  for (const name of [...answer.wrong, ...Object.keys(answer.clashes)]) {
    const cell = field(`${id}.${name}`);
    if (!cell) continue;
    cell.setAttribute("aria-describedby", `${cell.name}-note`);
    if (answer.wrong.includes(name)) cell.setAttribute("aria-invalid", "true");
  }
  for (const [name, value] of Object.entries(answer.clashes)) {
    const cell = field(`${id}.${name}`);
    const theirs = document.createElement("span");
    Object.assign(theirs, { className: "placements-theirs", textContent: value || "none" });
    theirs.dataset.value = value;
    cell?.after(theirs);
  }
}

function settle(name, take) {
  const cell = field(name);
  const theirs = cell.parentElement.querySelector(".placements-theirs");
  if (take) {
    cell.value = theirs.dataset.value;
    saving.drop(name);
  } else {
    saving.changed(name);
  }
  theirs.remove();
  cell.removeAttribute("aria-describedby");
  document.getElementById(`${name}-note`)?.remove();
  cell.focus();
  if (take) saving.look(name);
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.keep) settle(button.dataset.keep, false);
  else if (button.dataset.take) settle(button.dataset.take, true);
  else if (button.dataset.change) { lock(button.dataset.change, false); saving.mean(button.dataset.change); }
  else if (button.name === "fill") fillBlock(event, button);
  else if (button.name === "weeks") fillWeeks(event, button);
  else if (button.name === "last") fillFromLast(event, button);
});

function fill(event, inputs, from, isWanted) {
  event.preventDefault();
  finishTyping();
  write(inputs.flatMap((row) => row.slice(from + 1).filter((_, index) => isWanted(index + from + 1)).map((cell) => [cell, row[from].value])));
}

function fillBlock(event, button) {
  const heads = [...button.closest("tr").cells].slice(1);
  const head = button.closest("th");
  const from = heads.slice(0, heads.indexOf(head)).reduce((sum, one) => sum + one.colSpan, 0);
  fill(event, cells.rows, from, (index) => index < from + head.colSpan);
}

function fillWeeks(event, button) {
  fill(event, cells.rows.filter(([cell]) => cell.name.startsWith(`${button.value}.`)), 0, () => true);
}

function fillFromLast(event, button) {
  const bodies = [...form.querySelectorAll("tbody[data-last]")]
    .filter((body) => ["all", body.dataset.department].includes(button.value));
  // Lines that last round had and this one does not are added by the server.
  if (bodies.some((body) => body.dataset.last === "lines")) return;
  event.preventDefault();
  finishTyping();
  const inputs = bodies.flatMap((body) => [...body.querySelectorAll("input")]).filter((cell) => cells.has(cell));
  write(inputs.map((cell) => [cell, cell.dataset.last ?? "0"]).filter(([cell, value]) => !same(cell.value, value)));
  for (const { dataset } of bodies) {
    const model = models.get(`${dataset.department}.model`);
    if (model.disabled || model.value === model.dataset.last) continue;
    model.value = model.dataset.last;
    saving.changed(model.name);
  }
}

// What stands is changed only by somebody who means to.
for (const body of form.querySelectorAll("tbody[data-department]")) {
  if (["submitted", "approved"].includes(body.dataset.state) && saving.departments.has(body.dataset.department)) lock(body.dataset.department, true);
}
// Typing that came back with the page, or was kept when the connection or the session was lost.
for (const cell of form.querySelectorAll("[data-saved]")) if (!cell.readOnly) saving.changed(cell.name);
let back = 0;
for (const [name, text] of saving.kept()) {
  const cell = field(name);
  if (cell?.value === text) continue;
  if (cell) cell.value = text;
  else saving.unseen.set(name, text);
  saving.changed(name);
  back += 1;
}
if (back) say("Figures that were not saved before are back. Saving");

let isSending = false;
form.addEventListener("submit", () => { isSending = true; for (const model of models.values()) model.disabled = false; });
window.addEventListener("beforeunload", (event) => { if (!isSending && saving.isUnsaved()) event.preventDefault(); });
