/* Comfort for forms, menus and messages. Every one of them works without this file. */

/* Pressed twice, sent once. Forms of htmx say so themselves (hx-sync; without it the second press waits and is sent). */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || isHtmx(form)) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  form.removeAttribute("data-changed");
  event.submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => release(form), 10_000); // a download or a stopped page load must not lock the form for ever
});

function release(form) {
  delete form.dataset.sent;
  form.querySelectorAll('[aria-busy="true"]').forEach((button) => button.removeAttribute("aria-busy"));
}

// Back from the next page by the back/forward cache: the form is fresh again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release);
});

const isHtmx = (form) => [...form.attributes].some(({name}) => /^(data-)?hx-(get|post|put|patch|delete)/.test(name));

/* "Leave without saving?" for forms that ask for it with data-unsaved. */
document.addEventListener("input", (event) => event.target.closest?.("form[data-unsaved]")?.setAttribute("data-changed", ""));
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response.status < 400) event.target.closest?.("form")?.removeAttribute("data-changed");
});
window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-changed]")) event.preventDefault();
});

/* Show and hide a secret. */
function prepare(root) {
  root.querySelectorAll?.("[data-reveal][hidden]").forEach((button) => { button.hidden = false; });
  root.querySelector?.("[data-focus]")?.focus();
}
prepare(document);
document.addEventListener("htmx:after:settle", (event) => prepare(event.target));

document.addEventListener("click", (event) => {
  const reveal = event.target.closest?.("[data-reveal]");
  if (reveal) {
    const input = document.getElementById(reveal.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    reveal.setAttribute("aria-pressed", String(!shown));
  }
  event.target.closest?.("[data-dismiss]")?.closest(".flash")?.remove();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/* A request that never reached the server has no answer to show, so the words are here. */
document.addEventListener("htmx:error", (event) => {
  const place = document.getElementById("flashes");
  if (!place || !event.detail.ctx || place.querySelector("[data-unreachable]")) return;
  const message = Object.assign(document.createElement("div"), {className: "flash", role: "alert"});
  Object.assign(message.dataset, {tone: "bad", unreachable: ""});
  message.append(Object.assign(document.createElement("span"), {textContent: "✕"}),
    "The portal could not be reached. Nothing was changed; please try again.");
  place.append(message);
  setTimeout(() => message.remove(), 10_000);
});
