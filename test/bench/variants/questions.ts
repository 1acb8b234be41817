/**
 * A peer's file answers many questions, one a process: the first word says which.
 */

/** Runs what the first word of the command asks for. */
export async function answerQuestion(answers: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  const question = process.argv[2] ?? ''
  const answer = answers[question]
  if (answer === undefined)
    throw new Error(`Cannot answer "${question}": name one of ${Object.keys(answers).join(', ')}`)
  await answer()
}
