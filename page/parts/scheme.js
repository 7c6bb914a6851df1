/** Dark or light: as the system says, until the reader chooses. */
export function chooseScheme() {
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("scheme"));
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = localStorage.getItem("scheme");
  let isDark = chosen ? chosen === "dark" : system.matches;
  const apply = () => {
    document.documentElement.dataset.scheme = isDark ? "dark" : "light";
    button.textContent = isDark ? "☀" : "☾";
    button.setAttribute("aria-label", isDark ? "Light colours" : "Dark colours");
  };
  button.addEventListener("click", () => {
    isDark = !isDark;
    localStorage.setItem("scheme", isDark ? "dark" : "light");
    apply();
  });
  system.addEventListener("change", () => {
    if (!localStorage.getItem("scheme")) isDark = system.matches;
    apply();
  });
  apply();
}
