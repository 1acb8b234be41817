/**
 * Runs one torture program: `node child.js NAME SECONDS SEED`. Prints its figures as JSON; exit code 1 if anything fell.
 */
import type { Torture } from './kit.js'

const [, , name, seconds, seed] = process.argv
const { torture } = (await import(`./${name}.js`)) as { torture: Torture }
const figures = await torture(Number(seconds), Number(seed))
console.log(JSON.stringify(figures))
if (figures['fell'] !== 0) process.exitCode = 1
