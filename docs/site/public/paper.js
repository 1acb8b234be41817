/**
 * Paper is light, whichever theme the reader has chosen: a printer leaves out the dark behind pale
 * letters.
 */
let chosen

addEventListener('beforeprint', () => {
  chosen = document.documentElement.dataset.theme
  document.documentElement.dataset.theme = 'light'
})
addEventListener('afterprint', () => {
  document.documentElement.dataset.theme = chosen
})
