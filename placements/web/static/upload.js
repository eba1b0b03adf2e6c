// Watches a file that is being read: asks each second how far it is, and reads the page anew when it is done.
const SECOND = 1000;
const watched = document.querySelector("[data-upload]");

async function look() {
  let answer;
  try {
    answer = await fetch(watched.dataset.upload, {
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
  } catch {
    return;
  }
  if (answer.status >= 500) return;
  if (!answer.ok || answer.redirected) {
    location.reload();
    return;
  }
  const progress = await answer.json();
  if (progress.state !== watched.dataset.uploadState) {
    location.reload();
    return;
  }
  watched.querySelector("[data-upload-bar]").value = progress.rows;
  const words = watched.querySelector("[data-upload-words]");
  if (words.textContent !== progress.words) words.textContent = progress.words;
}

async function watch() {
  await look();
  setTimeout(watch, SECOND);
}

setTimeout(watch, SECOND);
