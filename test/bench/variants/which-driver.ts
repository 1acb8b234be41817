/**
 * Says which driver a kernel gets here: one word. DRUPE_DRIVER may ask for one.
 */
import { Kernel } from 'drupe'

const kernel = new Kernel()
console.log(kernel.driver)
await kernel.close()
