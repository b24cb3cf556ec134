/* Live push. One WebSocket while it lasts, polling while it does not, and a word that says which (#live-state).
   Wire format and rules: docs/htmx.md, "Live". Runs only on pages whose <body> carries data-live. */
const body = document.body;
const WORDS = {live: "Live", delayed: "Delayed", offline: "Offline"};
const HINTS = {
  live: "Changes appear by themselves",
  delayed: "The live connection is down; checking every half minute",
  offline: "No connection to the portal; these numbers may be old",
};
const ENDS = {
  signed_out: {text: "Signed out", link: "Sign in", href: () => "/login"},
  role_changed: {text: "Access changed", link: "Reload", href: () => location.href},
  replaced: {text: "Page replaced", link: "Reload", href: () => location.href},
};
const CLOSED_FOR_GOOD = {4401: "signed_out", 4403: "role_changed"};
const POLL_SECONDS = Number(body.dataset.livePoll || 30);
const STORE = body.dataset.liveStore ? `&store=${body.dataset.liveStore}` : ""; // a page that looks at one store
const SLOWEST_RETRY = 30_000;

let seen = firstSeen();   // the highest sequence number this page shows
let asked = -1;           // the beat we last asked a resume for: ask once per number
let heartbeat = 20;       // seconds, told by the server's hello
let socket = null;
let up = false;           // hello received, and beats in time since
let failures = 0;
let over = false;         // signed out or replaced: no more attempts
let silence, retry, poll; // timers

function firstSeen() {
  if (body.dataset.live) return Number(body.dataset.live) || 0;
  // Not told: start from the oldest tile, the server then repeats what that one missed.
  const known = [...document.querySelectorAll("[data-seq]")].map((part) => Number(part.dataset.seq) || 0);
  return known.length ? Math.min(...known) : 0;
}

function show(state) {
  const sign = document.getElementById("live-state");
  if (!sign || over || sign.dataset.state === state) return;
  sign.hidden = false;
  sign.dataset.state = state;
  sign.title = HINTS[state];
  sign.querySelector(".word").textContent = WORDS[state];
}

function end(reason) {
  if (over) return;
  const {text, link, href} = ENDS[reason] || ENDS.replaced;
  show("offline");
  over = true;
  [silence, retry, poll].forEach(clearTimeout);
  dropSocket();
  const sign = document.getElementById("live-state");
  if (!sign) return;
  const anchor = Object.assign(document.createElement("a"), {href: href(), textContent: link});
  sign.title = "";
  sign.dataset.reason = reason;
  sign.querySelector(".word").replaceChildren(`${text} · `, anchor);
}

/* ---- parts ---------------------------------------------------------------------------------------------------- */

async function apply(part) {
  const element = document.getElementById(part.id);
  const held = Number(element?.dataset.seq || 0);
  if (element && part.seq >= held) {
    // A morph keeps focus, selection, scroll positions and open menus; a plain swap would not.
    await htmx.swap({text: part.html, target: element, sourceElement: element, swap: "outerMorph"});
    const fresh = document.getElementById(part.id);
    if (fresh) {
      fresh.dataset.fresh = "";
      setTimeout(() => delete fresh.dataset.fresh, 1700);
      fresh.dispatchEvent(new CustomEvent("portal:part", {bubbles: true, detail: {id: part.id, seq: part.seq}}));
    }
  }
  seen = Math.max(seen, part.seq);
}

// The server's HTML says a menu is closed and a table folded; the user may have opened them meanwhile.
window.htmx?.registerExtension("keep-open", {
  htmx_before_morph_attr: (element, {attrName}) => !(attrName === "open" && element.tagName === "DETAILS"),
});

let queue = Promise.resolve();
const enqueue = (part) => { queue = queue.then(() => apply(part)).catch((error) => console.error("live part", error)); };

/* ---- socket --------------------------------------------------------------------------------------------------- */

function connect() {
  if (over || socket) return;
  clearTimeout(retry);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}/ws/dashboard?since=${seen}${STORE}`);
  socket = mine;
  mine.onmessage = (event) => { if (mine === socket) receive(JSON.parse(event.data)); };
  mine.onclose = (event) => { if (mine === socket) lost(event.code); };
  expect(10_000);
}

function receive(message) {
  if (message.type === "bye") return end(message.reason);
  if (message.type === "hello") {
    up = true;
    failures = 0;
    heartbeat = message.heartbeat || heartbeat;
    clearTimeout(poll);
    show("live");
  }
  if (message.type === "part") enqueue(message);
  if (message.type === "beat" && message.seq > seen && message.seq !== asked) {
    asked = message.seq;
    socket.send(JSON.stringify({type: "resume", since: seen}));
  }
  expect(heartbeat * 1500 + 1000);
}

/** Nothing heard for so long means the line is dead, whatever the socket believes. */
function expect(milliseconds) {
  clearTimeout(silence);
  silence = setTimeout(() => lost(0), milliseconds);
}

function dropSocket() {
  const old = socket;
  socket = null;
  up = false;
  old?.close();
}

function lost(code) {
  clearTimeout(silence);
  dropSocket();
  if (CLOSED_FOR_GOOD[code]) return end(CLOSED_FOR_GOOD[code]);
  if (over) return;
  asked = -1;
  // Full jitter, so that a restarted server is not met by every browser at once.
  const longest = Math.min(SLOWEST_RETRY, 1000 * 2 ** failures);
  failures += 1;
  clearTimeout(retry);
  retry = setTimeout(connect, longest * (0.3 + 0.7 * Math.random()));
  if (failures === 1) pollSoon(300 + 700 * Math.random());
}

/* ---- polling, while the socket is down ------------------------------------------------------------------------- */

function pollSoon(milliseconds) {
  clearTimeout(poll);
  poll = setTimeout(ask, milliseconds);
}

async function ask() {
  if (over || up) return;
  if (document.hidden) return; // asked at once when the tab is looked at again
  pollSoon(POLL_SECONDS * 1000);
  try {
    const answer = await fetch(`/dashboard/live?since=${seen}${STORE}`, {
      headers: {Accept: "application/json"}, credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(15_000),
    });
    if (answer.status === 401) return end("signed_out");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const {seq, parts} = await answer.json();
    parts.forEach(enqueue);
    await queue;
    seen = Math.max(seen, seq);
    if (!up) show("delayed");
  } catch {
    if (!up) show("offline");
  }
}

/* ---- the page's own life ---------------------------------------------------------------------------------------- */

function wake() {
  if (document.hidden || over || up) return;
  failures = 0;
  connect();
  ask();
}

if (body.hasAttribute("data-live")) {
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("offline", () => { if (!over) { lost(0); show("offline"); } });
  // An open socket keeps a page out of the back/forward cache.
  window.addEventListener("pagehide", () => { [silence, retry, poll].forEach(clearTimeout); dropSocket(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  connect();
}
