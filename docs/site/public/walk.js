/** Makes a walk of steps: one is shown at a time, and which room of the repository it is in. */
const ROOMS = ['traps', 'kernel', 'native']

for (const walk of document.querySelectorAll('.walk')) {
  const steps = [...walk.querySelectorAll(':scope > .step')]
  const bar = document.createElement('div')
  bar.className = 'walk-bar'
  bar.setAttribute('role', 'group')
  bar.setAttribute('aria-label', 'Steps')
  const button = (text, act) => {
    const made = document.createElement('button')
    made.type = 'button'
    made.textContent = text
    made.addEventListener('click', act)
    return made
  }
  const rooms = document.createElement('span')
  rooms.className = 'walk-rooms'
  rooms.setAttribute('aria-hidden', 'true')
  const said = document.createElement('span')
  said.setAttribute('role', 'status')
  let current = 0
  let all = false

  const show = (step) => {
    current = Math.max(0, Math.min(steps.length - 1, step))
    const from = steps[current].dataset.from
    for (const [i, one] of steps.entries()) one.hidden = !all && i !== current
    rooms.replaceChildren(
      ...ROOMS.map((room) => {
        const place = document.createElement('span')
        place.textContent = room
        place.className = from.startsWith(`${room}/`) && !all ? 'here' : ''
        return place
      }),
    )
    said.textContent = all ? `all ${steps.length} steps` : `step ${current + 1} of ${steps.length}, in ${from}`
    back.disabled = all || current === 0
    next.disabled = all || current === steps.length - 1
    whole.textContent = all ? 'One by one' : 'All'
  }
  const back = button('Back', () => show(current - 1))
  const next = button('Next', () => show(current + 1))
  const whole = button('All', () => {
    all = !all
    show(current)
  })
  bar.append(back, next, whole, rooms, said)
  walk.prepend(bar)
  // Who comes by a link to a heading comes to its step.
  const follow = () => {
    const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null
    const step = target === null ? -1 : steps.findIndex((one) => one.contains(target))
    if (step < 0) return
    show(step)
    target.scrollIntoView()
  }
  addEventListener('hashchange', follow)
  show(0)
  follow()
}
