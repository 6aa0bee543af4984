// Before anything is drawn: the theme that was chosen, if one was. A plain script, so that no page flashes.
{
  let theme = "";
  try {
    theme = localStorage.getItem("floe-theme") ?? "";
  } catch {
    // a browser that is told to keep nothing
  }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
