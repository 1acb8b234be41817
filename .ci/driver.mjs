/**
 * Prints which driver is used on this machine and, where it is the host's timers only, why: `host (there is no …)`.
 *
 * It needs a build. `.ci/run` leaves out what the host driver cannot do.
 */
import { chooseDriver } from '../dist/native/select.js'

let why = ''
const driver = chooseDriver(undefined, (reason) => {
  why = reason
})
console.log(driver === null ? `host (${why})` : driver.name)
driver?.close()
