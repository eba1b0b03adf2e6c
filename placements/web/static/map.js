// The map of a run: zoomed by buttons, keys and Ctrl with the wheel; moved by dragging or by the arrow keys.
// Without this script the whole map is shown, and every site is a link.
const root = document.querySelector("[data-map]");
const picture = root?.querySelector("[data-map-picture]");
const WIDTH = 1000;
const NEAREST = 12;
// From here on names that had no room are shown.
const CLOSE = 2;
// Up to here, as on a telephone, there is room for no names at all.
const FAR = 0.7;
const STEP = 1.5;
const DRAGGED = 4;

if (picture) {
  const height = picture.viewBox.baseVal.height;
  const frame = root.querySelector("[data-map-frame]");
  const facts = root.querySelector("[data-map-facts]");
  const flows = picture.querySelector(".placements-map__flows");
  const view = { x: 0, y: 0, zoom: 1 };

  // The picture keeps its shape however near one is.
  const SHAPE = height / WIDTH;

  function within(value, least, most) {
    return Math.min(Math.max(value, least), Math.max(least, most));
  }

  function draw() {
    const wide = WIDTH / view.zoom;
    const high = wide * SHAPE;
    view.x = within(view.x, 0, WIDTH - wide);
    view.y = within(view.y, 0, height - high);
    picture.setAttribute("viewBox", `${view.x} ${view.y} ${wide} ${high}`);
    // Circles and words keep their size on the screen, a little smaller on a narrow one.
    const pixels = picture.getBoundingClientRect().width || WIDTH;
    const scale = (wide / pixels) * within(pixels / WIDTH, 0.7, 1);
    picture.style.setProperty("--map-scale", String(scale));
    picture.classList.toggle("placements-map__picture--close", view.zoom * (pixels / WIDTH) >= CLOSE);
    picture.classList.toggle("placements-map__picture--far", view.zoom * (pixels / WIDTH) < FAR);
    for (const button of tools.querySelectorAll("button[data-map-zoom]")) {
      const out = Number(button.dataset.mapZoom) < 1;
      button.setAttribute("aria-disabled", String(out ? view.zoom <= 1 : view.zoom >= NEAREST));
    }
  }

  function zoom(by, x, y) {
    const wide = WIDTH / view.zoom;
    const high = wide * SHAPE;
    const at = { x: x ?? view.x + wide / 2, y: y ?? view.y + high / 2 };
    const share = { x: (at.x - view.x) / wide, y: (at.y - view.y) / high };
    view.zoom = within(view.zoom * by, 1, NEAREST);
    view.x = at.x - (WIDTH / view.zoom) * share.x;
    view.y = at.y - (WIDTH / view.zoom) * SHAPE * share.y;
    draw();
  }

  function move(right, down) {
    const wide = WIDTH / view.zoom;
    view.x += right * wide;
    view.y += down * wide * SHAPE;
    draw();
  }

  function whole() {
    Object.assign(view, { x: 0, y: 0, zoom: 1 });
    draw();
  }

  function button(words, press, by) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "nhsuk-button nhsuk-button--secondary nhsuk-button--small";
    made.textContent = words;
    if (by) made.dataset.mapZoom = by;
    made.addEventListener("click", press);
    return made;
  }

  const tools = document.createElement("div");
  tools.className = "placements-map__tools";
  const help = document.createElement("span");
  help.id = "map-help";
  help.textContent = "Drag the map, or use the arrow keys, + and − on it.";
  tools.append(
    button("Zoom in", () => zoom(STEP), STEP),
    button("Zoom out", () => zoom(1 / STEP), 1 / STEP),
    button("Whole map", whole),
    help,
  );
  frame.before(tools);
  picture.classList.add("placements-map__picture--moves");
  facts.hidden = false;
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Map");
  frame.setAttribute("aria-describedby", "map-help");

  const keys = {
    ArrowLeft: () => move(-0.2, 0),
    ArrowRight: () => move(0.2, 0),
    ArrowUp: () => move(0, -0.2),
    ArrowDown: () => move(0, 0.2),
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: whole,
  };
  frame.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  // Turning the wheel scrolls the page; with Ctrl, or pinching a touch pad, it zooms.
  frame.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = place(event);
      zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, at.x, at.y);
    },
    { passive: false },
  );

  function place(event) {
    const box = picture.getBoundingClientRect();
    const wide = WIDTH / view.zoom;
    return {
      x: view.x + ((event.clientX - box.left) / box.width) * wide,
      y: view.y + ((event.clientY - box.top) / box.height) * wide * SHAPE,
    };
  }

  let drag = null;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, far: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const right = event.clientX - drag.x;
    const down = event.clientY - drag.y;
    if (!drag.far && Math.hypot(right, down) < DRAGGED) return;
    const box = picture.getBoundingClientRect();
    Object.assign(drag, { x: event.clientX, y: event.clientY, far: true });
    move(-right / box.width, -down / box.height);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, () => {
      if (drag?.far) picture.addEventListener("click", stop, { capture: true, once: true });
      window.setTimeout(() => picture.removeEventListener("click", stop, { capture: true }));
      drag = null;
    });
  }
  picture.addEventListener("dragstart", (event) => event.preventDefault());

  function stop(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  function show(site) {
    for (const path of flows.children) path.classList.toggle("placements-map__on", path.dataset.mapTo === site?.dataset.mapSite);
    flows.classList.toggle("placements-map__flows--some", Boolean(site));
    facts.textContent = site ? site.getAttribute("aria-label") : "";
  }

  for (const site of picture.querySelectorAll("[data-map-site]")) {
    site.addEventListener("pointerenter", () => show(site));
    site.addEventListener("pointerleave", () => show(picture.querySelector("[data-map-site]:focus")));
    site.addEventListener("blur", () => show(null));
    site.addEventListener("focus", () => {
      const [x, y] = [Number(site.dataset.mapX), Number(site.dataset.mapY)];
      const wide = WIDTH / view.zoom;
      const high = wide * SHAPE;
      // One that is out of sight comes to the middle.
      if (x < view.x || x > view.x + wide || y < view.y || y > view.y + high) {
        Object.assign(view, { x: x - wide / 2, y: y - high / 2 });
        draw();
      }
      show(site);
    });
  }

  window.addEventListener("resize", draw);
  draw();
}
