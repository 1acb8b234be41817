/**
 * "Compared" as people use it: a tab shows one of the others beside ours, for all questions at once,
 * by mouse and by keyboard; in a wide window at its side, on a phone below it.
 */
const WIDE = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

/** Of each question: the programs that are to be seen, and where the left and the right one begin. */
const read = () =>
  [...document.querySelectorAll('.beside')].map((group) => {
    const shown = [...group.querySelectorAll('.program')].filter((one) => one.checkVisibility())
    const [one, ours] = shown.map((program) => program.getBoundingClientRect())
    const names = shown.map(({ dataset }) => dataset.name)
    return { names, atItsSide: one.top === ours.top && one.right <= ours.left, below: one.bottom <= ours.top }
  })

export async function beside(page, origin) {
  const wrong = []
  let checked = 0
  const same = async (what, name, place) => {
    const questions = await page.evaluate(read)
    checked += 1
    if (questions.length !== 3) wrong.push(`${what}: ${questions.length} questions`)
    for (const [i, question] of questions.entries())
      if (`${question.names}` !== `${name},Drupe` || !question[place])
        wrong.push(`${what}, question ${i + 1}: ${JSON.stringify(question)}`)
  }
  await page.setViewportSize(WIDE)
  await page.goto(`${origin}/compare/`)
  await same('at first', 'Promises', 'atItsSide')
  // Chromium would keep the place by itself; others do not.
  await page.addStyleTag({ content: '* { overflow-anchor: none }' })
  const tab = page.locator('.beside').nth(1).getByRole('tab', { name: 'Trio' })
  await tab.scrollIntoViewIfNeeded()
  const { y } = await tab.boundingBox()
  await tab.click()
  await same('Trio is pressed', 'Trio', 'atItsSide')
  if (Math.abs((await tab.boundingBox()).y - y) > 1) wrong.push('what was pressed has moved')
  await page.keyboard.press('ArrowRight')
  await same('then the arrow to the right', 'Go', 'atItsSide')
  await page.setViewportSize(PHONE)
  await same('on a phone', 'Go', 'below')
  return { checked, wrong }
}
