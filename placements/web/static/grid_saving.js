// Keeps typing: at once in this browser, and shortly after on the server, which answers what follows from it.
// Nothing is lost while the connection or the session is; nothing of others is overwritten.

const PAUSE_MS = 700;
const AGAIN_MS = 5000;

export class Saving {
  // `read(name)` gives what stands in a cell; `show(id, answer)` shows a department's answer; `say` the state line.
  constructor(form, { read, show, say }) {
    Object.assign(this, { form, read, show, say });
    this.key = form.dataset.kept;
    this.departments = new Map();
    for (const field of form.querySelectorAll("input[name$='.version']")) {
      // `pending` is sent next; `held` could not be saved as it stands and goes along with what is typed next;
      // `clashing` waits for the person's choice, and `base` is the version that it was typed on.
      const department = { field, pending: new Set(), held: new Set(), clashing: new Set(), base: null, isMeant: false };
      this.departments.set(field.name.split(".")[0], department);
    }
    this.looks = new Set();
    // Kept typing for a line that this page does not show.
    this.unseen = new Map();
    this.isBusy = false;
    // Of a page that is being left the answer may come too late for the next page: that one sends again.
    window.addEventListener("beforeunload", () => { this.isLeaving = true; setTimeout(() => { this.isLeaving = false; }, AGAIN_MS); });
    window.addEventListener("online", () => this.soon(0));
    window.addEventListener("focus", () => this.soon(0));
  }

  of(name) { return this.departments.get(name.split(".")[0]); }

  // Typing that an earlier visit could not save: [cell's full name, text] pairs, with the version then read.
  kept() {
    let kept = {};
    try { kept = JSON.parse(localStorage.getItem(this.key)) ?? {}; } catch { /* nothing that can be used */ }
    const pairs = [];
    for (const [id, { version, cells }] of Object.entries(kept)) {
      const department = this.departments.get(id);
      if (!department) continue;
      // What the page shows already was saved after all, by the form: then the page's version is the one read.
      const unsaved = Object.entries(cells).filter(([name, text]) => this.read(`${id}.${name}`) !== text);
      if (!unsaved.length) continue;
      department.field.value = Math.min(Number(version), Number(department.field.value));
      pairs.push(...unsaved.map(([name, text]) => [`${id}.${name}`, text]));
    }
    return pairs;
  }

  changed(name) {
    this.drop(name);
    this.of(name).pending.add(name);
    this.keep();
    this.soon(PAUSE_MS);
  }

  isClashing(name) { return this.of(name).clashing.has(name); }

  drop(name) {
    const department = this.of(name);
    for (const names of [department.pending, department.held, department.clashing]) names.delete(name);
    if (!department.clashing.size) department.base = null;
    this.keep();
  }

  // Ask what follows from what is saved now.
  look(name) {
    this.looks.add(name.split(".")[0]);
    this.soon(0);
  }

  isUnsaved() {
    return [...this.departments.values()].some(({ pending, held, clashing }) => pending.size + held.size + clashing.size);
  }

  text(name) { return this.unseen.get(name) ?? this.read(name); }

  // What is to be sent (or, `isKept`, all that is typed and not saved), by department.
  unsaved(isKept) {
    const found = {};
    for (const [id, { field, pending, held, clashing, base, isMeant }] of this.departments) {
      const names = [...pending, ...held, ...(isKept ? clashing : [])];
      if (!(isKept ? names.length : pending.size || this.looks.has(id))) continue;
      const cells = Object.fromEntries(names.map((name) => [name.slice(id.length + 1), this.text(name)]));
      found[id] = { version: Number(isKept && base !== null ? base : field.value), cells, is_meant: isMeant };
    }
    return found;
  }

  keep() {
    try {
      const found = this.unsaved(true);
      if (Object.keys(found).length) localStorage.setItem(this.key, JSON.stringify(found));
      else localStorage.removeItem(this.key);
    } catch { /* a full or forbidden store: the server still gets it */ }
  }

  soon(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), pause);
  }

  async send() {
    const departments = this.unsaved(false);
    if (this.isBusy || !Object.keys(departments).length) return;
    this.isBusy = true;
    this.looks.clear();
    this.say("Saving");
    try {
      const answer = await this.ask(departments);
      if (answer) this.take(answer, departments);
    } finally {
      this.isBusy = false;
    }
    if (!this.isOver && Object.keys(this.unsaved(false)).length) this.soon(this.isLost ? AGAIN_MS : PAUSE_MS);
  }

  // The server's answer, or nothing with the state line said.
  async ask(departments, isSecond = false) {
    let response;
    try {
      response = await fetch(this.form.dataset.cells, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.form.elements.csrf_token.value },
        body: JSON.stringify({ departments }),
      });
      if (response.ok) {
        this.isLost = false;
        return await response.json();
      }
      if (!isSecond && [400, 401].includes(response.status) && await this.renewed()) return await this.ask(departments, true);
    } catch { response = null; }
    this.isLost = true;
    if (!response) this.say("Not saved: no connection. Your typing is kept in this browser.");
    else if (this.isSignedOut) this.say("Not saved: you are signed out. Your typing is kept in this browser.", this.form.dataset.signIn);
    else if (response.status === 409 || response.status >= 500) this.say("Not saved yet: the service is busy. Trying again.");
    else {
      this.isOver = true;
      this.say("Not saved: this page can no longer save. Reload it; your typing is kept in this browser.");
    }
    return null;
  }

  // Whether the same person is signed in (again): then the form has the session's new token.
  async renewed() {
    const page = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
    const form = new DOMParser().parseFromString(await page.text(), "text/html").getElementById("declaration");
    this.isSignedOut = form?.dataset.kept !== this.key;
    if (this.isSignedOut) return false;
    this.form.elements.csrf_token.value = form.elements.csrf_token.value;
    return true;
  }

  take({ at, departments }, sent) {
    if (this.isLeaving) return;
    let waits = 0;
    let asks = false;
    for (const [id, answer] of Object.entries(departments)) {
      const department = this.departments.get(id);
      department.field.value = answer.version;
      if (answer.state === "draft") department.isMeant = false;
      for (const [name, text] of Object.entries(sent[id].cells)) {
        const full = `${id}.${name}`;
        // Typed again meanwhile: that is sent next.
        if (this.text(full) !== text) continue;
        department.pending.delete(full);
        department.held.delete(full);
        if (name in answer.clashes) {
          department.clashing.add(full);
          department.base ??= sent[id].version;
        } else if (answer.asks || answer.wrong.includes(name)) department.held.add(full);
      }
      waits += department.held.size + department.clashing.size;
      asks ||= answer.asks;
      this.show(id, answer, department);
    }
    this.keep();
    if (asks) this.say("Not saved: what was submitted or approved is changed only where you press “Change it”.");
    else if (waits) this.say(`Saved at ${at}, but for ${waits} ${waits === 1 ? "figure" : "figures"} marked below`);
    else this.say(`Saved at ${at}`);
  }

  // Send again what was held back: the person has decided.
  mean(id) {
    const department = this.departments.get(id);
    department.isMeant = true;
    for (const name of department.held) department.pending.add(name);
    department.held.clear();
    this.soon(0);
  }
}
