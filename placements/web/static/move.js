// Pages that say that an answer is being worked out are read anew until it is there.
const SECOND = 1000;
const MOST = 90;

async function look(again) {
  const waiting = document.querySelector("[data-waiting]");
  if (!waiting || again > MOST) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.ok && !answer.redirected) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = fresh.getElementById(waiting.id);
      if (found && !found.hasAttribute("data-waiting")) waiting.replaceWith(found);
    }
  } catch {
    // The connection was lost for a moment: the next look tries again.
  }
  setTimeout(look, SECOND, again + 1);
}

setTimeout(look, SECOND, 1);
