/**
 * Import this, and from then on every `yield*` of a generator is a `yield* call(generator)`, in the tests and in Drupe itself.
 *
 * All generators inherit one `[Symbol.iterator]`, which `yield*` asks for the iterator to run. Here it answers with a call, so
 * a whole suite runs through frames of the kernel, at every depth, without a line of it being changed. Only generators that
 * yield traps can live with that, so this is for suites whose generators are all operations.
 */
import { call, type Operation } from 'drupe'

Object.defineProperty(Object.getPrototypeOf(function* () {}).prototype, Symbol.iterator, {
  value(this: Operation<unknown>) {
    return call(this)[Symbol.iterator]()
  },
})
