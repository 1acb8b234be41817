/**
 * What .ci/live.mjs runs in the page: each program in an element of its own, then what the elements do themselves.
 *
 * A result is a name and what is wrong, or null. All go to /report at once.
 */
const { programs, seconds } = await (await fetch('/programs.json')).json()
const results = []

function check(name, wrong) {
  results.push({ name, wrong })
}

function element(code, attributes = {}) {
  const made = document.createElement('drupe-live')
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  const text = document.createElement('pre')
  text.textContent = code
  made.append(text)
  document.querySelector('main > div').replaceChildren(made)
  return made
}

/** The printed lines; a program that takes too long is stopped. */
async function outcome(live) {
  const ended = new Promise((done) => live.addEventListener('ended', ({ detail }) => done(detail), { once: true }))
  live.run()
  const limit = setTimeout(() => button(live, 'Stop').click(), seconds * 1000)
  const { lines, stopped } = await ended
  clearTimeout(limit)
  return { text: lines.map((line) => `${line}\n`).join(''), stopped }
}

function button(live, name) {
  return [...live.shadowRoot.querySelectorAll('button')].find(({ textContent }) => textContent === name)
}

for (const { name, code, virtual, expected } of programs) {
  const { text, stopped } = await outcome(element(code, virtual ? { virtual: '' } : {}))
  check(
    name,
    text === expected && !stopped ? null : `${stopped ? 'it was stopped\n' : ''}${text}instead of\n${expected}`,
  )
  if (!name.startsWith('docs/guides/start/')) continue
  const names = namesOf(document.querySelector('drupe-live'))
  const nameless = names.filter((one) => one === 'anonymous' || /^\w+\d$/.test(one))
  check(`${name}: its tasks have names`, names.length > 0 && nameless.length === 0 ? null : names.join(', '))
}

/** Those of the tasks that are drawn. */
function namesOf(live) {
  return [...live.shadowRoot.querySelectorAll('svg .wait title')].map(({ textContent }) => textContent.split(': ')[0])
}

const endless = element("console.log('begun')\nfor (;;);")
const began = new Promise((done) => {
  new MutationObserver(() => done()).observe(endless.shadowRoot.querySelector('pre'), { childList: true })
})
const end = outcome(endless)
await began
button(endless, 'Stop').click()
const { text, stopped } = await end
check('a loop without end is stopped', stopped && text === 'begun\n' ? null : text)

const wrong = await outcome(element('const = 1'))
check('what is no program is said to be none', /SyntaxError/.test(wrong.text) ? null : wrong.text)

const listener = programs.find(({ name }) => name.includes('1-a-listener'))
const drawn = element(listener.code, { virtual: '' })
await outcome(drawn)
const picture = drawn.shadowRoot.querySelector('svg')
const bars = picture?.querySelectorAll('.wait').length
check(
  'tasks are drawn, with a sentence for those who do not see',
  bars === 2 && picture.ariaLabel.length > 10 ? null : `${bars} bars`,
)

const last = Number(/(\d+) ms$/.exec(picture?.ariaLabel)?.[1])
check('a conversation takes its time, on a virtual clock, too', last > 0 ? null : picture?.ariaLabel)

const hosts = element(programs.find(({ name }) => name === 'a-day').code, { virtual: '' })
await outcome(hosts)
const names = namesOf(hosts)
check('tasks of simulated hosts are drawn, too', names.includes('one') ? null : names.join(', '))

/** Resolves when a condition holds; it is asked after each change below the node. */
function when(node, holds) {
  return new Promise((done) => {
    const ask = () => {
      if (!holds()) return
      observer.disconnect()
      done()
    }
    const observer = new MutationObserver(ask)
    observer.observe(node, { childList: true, subtree: true })
    ask()
  })
}

const network = document.createElement('drupe-network')
network.setAttribute('speed', '20')
hosts.after(network)
const log = network.shadowRoot.querySelector('pre')
const firstLines = () => [...log.children].slice(0, 12).map(({ textContent }) => textContent)
button(network, 'Play').click()
await when(network.shadowRoot.querySelector('svg'), () => network.shadowRoot.querySelector('.packet') !== null)
check('packets are on their way', null)
await when(log, () => log.childElementCount > 12)
const before = firstLines()
button(network, 'Restart').click()
await when(log, () => log.childElementCount > 12)
const same = before.join('\n') === firstLines().join('\n')
check('with the same seed the same happens', same ? null : `${before.join('\n')}\nand then\n${firstLines().join('\n')}`)
button(network, 'Cut off ada').click()
await when(log, () => log.lastElementChild.textContent.includes('ada hears nothing'))
check('who is cut off hears nothing', null)
button(network, 'Pause').click()

const { violations } = await globalThis.axe.run()
check('axe is content', violations.length === 0 ? null : JSON.stringify(violations, null, 2))

await fetch('/report', { method: 'POST', body: JSON.stringify(results) })
