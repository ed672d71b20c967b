// Runs before the first paint, from a file of its own so that a strict Content-Security-Policy holds.
;(() => {
  let choice = "system"
  try {
    choice = localStorage.getItem("lzstock.theme") || "system"
  } catch {
    // storage may be forbidden; the system's theme is a fine default
  }
  const dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches)
  document.documentElement.dataset.theme = dark ? "dark" : "light"
})()
