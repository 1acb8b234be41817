/**
 * Programs side by side: of each question one of the others, chosen by a tab, and ours. The choice
 * holds for all questions of the page.
 */
const groups = [...document.querySelectorAll('.beside')].map((group, question) => {
  const programs = [...group.querySelectorAll(':scope > .program')].slice(0, -1)
  const bar = document.createElement('div')
  bar.className = 'beside-bar'
  bar.setAttribute('role', 'tablist')
  bar.setAttribute('aria-label', 'Beside Drupe')
  const tabs = programs.map((program, i) => {
    const { name } = program.dataset
    const tab = document.createElement('button')
    tab.type = 'button'
    tab.textContent = name
    tab.id = `tab-${question}-${i}`
    program.id = `panel-${question}-${i}`
    tab.setAttribute('role', 'tab')
    tab.setAttribute('aria-controls', program.id)
    program.setAttribute('role', 'tabpanel')
    program.setAttribute('aria-labelledby', tab.id)
    tab.addEventListener('click', () => choose(i, tab))
    return tab
  })
  bar.addEventListener('keydown', ({ key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key]
    const at = tabs.indexOf(document.activeElement)
    if (step !== undefined && at >= 0) choose((at + step + tabs.length) % tabs.length, bar)
  })
  bar.append(...tabs)
  group.prepend(bar)
  return { bar, programs, tabs }
})

/** What was pressed stays where it is, however long the programs above it are. */
function choose(chosen, pressed) {
  const top = pressed?.getBoundingClientRect().top
  for (const { programs, tabs } of groups) {
    for (const [i, program] of programs.entries()) program.hidden = i !== chosen
    for (const [i, tab] of tabs.entries()) {
      tab.setAttribute('aria-selected', `${i === chosen}`)
      tab.tabIndex = i === chosen ? 0 : -1
    }
  }
  if (pressed === undefined) return
  scrollBy({ top: pressed.getBoundingClientRect().top - top, behavior: 'instant' })
  groups.find(({ bar }) => bar.contains(pressed)).tabs[chosen].focus({ preventScroll: true })
}

choose(0)
