/* Light, dark or the system's choice, without a round trip. Without JavaScript the same form posts to /theme. */
const YEAR = 31_536_000;

function choose(form, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${value}; path=/; max-age=${value ? YEAR : 0}; samesite=lax${secure}`;
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
  for (const button of form.querySelectorAll("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === value));
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
  event.preventDefault();
  choose(event.target, event.submitter.value);
});
