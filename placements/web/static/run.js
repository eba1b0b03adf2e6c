// Watches a run that is under way: asks for its progress each second, and reads the page anew when it has ended.
const SECOND = 1000;
const watched = document.querySelector("[data-run]");

function show(name, words) {
  const place = watched.querySelector(`[data-run-${name}]`);
  // Only a change is written, so that a screen reader says each thing once.
  if (place.textContent !== words) place.textContent = words;
}

function number(value, before = "") {
  return value === null ? "Not known yet" : before + value.toLocaleString("en-GB");
}

function update(progress) {
  const bar = watched.querySelector("[data-run-percent]");
  const seconds = Math.round(progress.seconds);
  bar.value = progress.percent;
  show("words", progress.words);
  show("incumbent", number(progress.incumbent));
  show("bound", number(progress.bound, "at least "));
  show("gap", number(progress.gap));
  draw(progress.curve);
  show("seconds", `${seconds.toLocaleString("en-GB")} ${seconds === 1 ? "second" : "seconds"}`);
}

function draw(curve) {
  const figure = watched.querySelector("[data-run-curve]");
  figure.hidden = curve === null;
  if (curve === null) return;
  figure.querySelector(".placements-curve__best").setAttribute("points", curve.best);
  figure.querySelector(".placements-curve__proven").setAttribute("points", curve.proven);
  show("curve-most", curve.most.toLocaleString("en-GB"));
  show("curve-least", curve.least.toLocaleString("en-GB"));
  show("curve-seconds", `${Math.round(curve.seconds).toLocaleString("en-GB")} s`);
}

async function look() {
  let answer;
  try {
    answer = await fetch(watched.dataset.run, {
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
  } catch {
    show("trouble", "The connection was lost. Trying again.");
    return;
  }
  if (answer.status >= 500) {
    show("trouble", "The service did not answer as it should. Trying again.");
    return;
  }
  if (!answer.ok || answer.redirected) {
    // Signed out, or the run is no longer there: the page itself says which.
    location.reload();
    return;
  }
  const progress = await answer.json();
  show("trouble", "");
  if (progress.state !== watched.dataset.runState) {
    location.reload();
    return;
  }
  update(progress);
}

async function watch() {
  await look();
  setTimeout(watch, SECOND);
}

setTimeout(watch, SECOND);
