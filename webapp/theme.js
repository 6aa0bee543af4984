// Sets the chosen theme before anything is drawn. A plain script, so that no page flashes.
{
  let theme = "";
  try {
    theme = localStorage.getItem("floe-theme") ?? "";
  } catch {
    // storage is disabled in this browser
  }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
