/* Keeps "2 min ago" true: every <time datetime data-age> is re-worded, with the words of components/ages.html.
   data-age="plain" leaves out "ago". The server's clock counts, not the browser's. */
const told = Date.parse(document.querySelector('meta[name="server-time"]')?.content ?? "");
const ahead = Number.isNaN(told) ? 0 : Date.now() - told;

export function words(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function reword() {
  if (document.hidden) return;
  const now = Date.now() - ahead;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000));
    if (Number.isNaN(seconds)) continue;
    const text = words(seconds) + (time.dataset.age === "plain" ? "" : " ago");
    if (time.textContent !== text) time.textContent = text;
  }
}

reword();
setInterval(reword, 1000);
document.addEventListener("visibilitychange", reword);
document.addEventListener("portal:part", reword);
