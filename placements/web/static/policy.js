// Rearranges the steps of a policy in place: by the same buttons, and by dragging a step to where it should be.
const form = document.querySelector("#policy");
const place = form.querySelector("[data-policy-steps]");
const said = form.querySelector("[data-policy-said]");
let dragged = null;
// What is being rearranged, one after another: it holds true where all of it was done.
let underWay = null;

function arrange(wish) {
  const all = Promise.resolve(underWay ?? true).then((done) => done && rearranged(wish));
  underWay = all;
  all.then(() => {
    if (underWay === all) underWay = null;
  });
}

async function rearranged(wish) {
  const sent = new FormData(form);
  sent.set("do", wish);
  let page;
  try {
    const answer = await fetch(form.action, { method: "POST", body: sent, headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    said.textContent = "The order could not be changed. Check your connection and try again.";
    return false;
  }
  const steps = page.querySelector("[data-policy-steps]");
  if (!steps) {
    location.reload();
    return false;
  }
  place.replaceChildren(...steps.childNodes);
  prepare();
  const order = [...place.querySelectorAll("[data-policy-step]")].map((step, i) => {
    const names = [...step.querySelectorAll("strong")].map((name) => name.textContent);
    return `${i + 1}. ${names.join(", ")}`;
  });
  said.textContent = `Not saved yet. The order is now: ${order.join("; ")}.`;
  place.querySelector("[autofocus]")?.focus();
  return true;
}

function numbered() {
  place.querySelectorAll("[data-policy-step]").forEach((step, i) => {
    for (const input of step.querySelectorAll("input[name^='tier_']")) input.value = String(i + 1);
  });
}

function prepare() {
  for (const step of place.querySelectorAll("[data-policy-step]")) step.draggable = true;
}

form.addEventListener("submit", (event) => {
  const wish = event.submitter?.value ?? "save";
  if (wish === "save" && !underWay) return;
  event.preventDefault();
  if (wish !== "save") return arrange(wish);
  // Saved at once it would be without what is still being rearranged.
  said.textContent = "It is saved once the steps are in order.";
  const { submitter } = event;
  underWay.then((done) => done && form.requestSubmit(submitter));
});

place.addEventListener("dragstart", (event) => {
  // A field's own text is dragged as text.
  dragged = event.target.closest?.("[data-policy-step]") ?? null;
  if (dragged) event.dataTransfer.effectAllowed = "move";
});

place.addEventListener("dragover", (event) => {
  const over = event.target.closest("[data-policy-step]");
  if (!dragged || !over) return;
  event.preventDefault();
  if (over === dragged) return;
  const middle = over.getBoundingClientRect().top + over.offsetHeight / 2;
  over.parentNode.insertBefore(dragged, event.clientY < middle ? over : over.nextSibling);
});

place.addEventListener("drop", (event) => event.preventDefault());

place.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged = null;
  numbered();
  arrange("look");
});

prepare();
