// Starts Swagger UI. A file of its own because the Content-Security-Policy allows no inline script.
const ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});

// Swagger UI's own dark look, by the portal's theme: chosen, or the system's.
const system = matchMedia("(prefers-color-scheme: dark)");
function shade() {
  const theme = document.documentElement.dataset.theme || (system.matches ? "dark" : "light");
  document.documentElement.classList.toggle("dark-mode", theme === "dark");
}
shade();
system.addEventListener("change", shade);

// "Sign in with a token": asks for one and hands it to the UI, so that every "Execute" carries it.
const form = document.getElementById("swagger-sign-in");
form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = document.getElementById("swagger-said");
  const entered = new FormData(form);
  const answer = await fetch("/api/auth/token", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({grant_type: "password", email: entered.get("email"), password: entered.get("password")}),
  });
  const body = await answer.json();
  if (answer.ok) ui.preauthorizeApiKey("bearer", body.access_token);
  said.textContent = answer.ok ? `Signed in as ${body.role} for ${Math.round(body.expires_in / 60)} minutes.` : body.error;
});
