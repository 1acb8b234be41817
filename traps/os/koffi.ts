/**
 * As much of koffi as is needed here. The module is given by the caller and never loaded: a type is
 * known to the copy of koffi that made it, and to no other.
 */
import { checkMethods, wrong } from '../../kernel/protocol/operands.js'

/** A type of koffi's, or its name: `'int'`, `koffi.struct({ x: 'double' })`. */
export type ForeignType = string | object

/** The koffi module, `import koffi from 'koffi'`, as far as it is used. */
export interface Koffi {
  /**
   * Memory for so many values, all zeros; its address.
   *
   * @param type Their type.
   * @param count How many.
   */
  alloc(type: ForeignType, count: number): unknown
  /**
   * Frees it.
   *
   * @param pointer What `alloc` returned.
   */
  free(pointer: unknown): void
  /**
   * How many bytes a value takes.
   *
   * @param type Its type.
   */
  sizeof(type: ForeignType): number
  /**
   * Writes a value to memory, or a list of so many.
   *
   * @param pointer Where.
   * @param type Its type.
   * @param value The value, or the list.
   * @param count How many the list has.
   */
  encode(pointer: unknown, type: ForeignType, value: unknown, count?: number): void
  /**
   * Reads a value from memory, or a list of so many.
   *
   * @param pointer Where.
   * @param type Its type.
   * @param count How many the list has.
   */
  decode(pointer: unknown, type: ForeignType, count?: number): unknown
  /**
   * What is known of a type.
   *
   * @param type The type, or its name.
   */
  type(type: ForeignType): { readonly primitive: string; readonly proto?: { readonly result: ForeignType } }
  /**
   * The type of a pointer.
   *
   * @param type What it points to.
   */
  pointer(type: ForeignType): ForeignType
  /**
   * Makes a function that C can call; its address.
   *
   * @param callback What is called.
   * @param type A pointer to the type of a function.
   */
  register(callback: (...args: unknown[]) => unknown, type: ForeignType): unknown
  /**
   * Takes it from C.
   *
   * @param pointer What `register` returned.
   */
  unregister(pointer: unknown): void
}

const METHODS = ['alloc', 'free', 'sizeof', 'encode', 'decode', 'type', 'pointer', 'register', 'unregister']

export function checkKoffi(action: string, koffi: Koffi): Koffi {
  return checkMethods(action, 'koffi', koffi, 'the koffi module', METHODS)
}

export function checkType(action: string, type: ForeignType): ForeignType {
  if (typeof type === 'string' || (typeof type === 'object' && type !== null)) return type
  throw wrong(action, 'type', 'a type of koffi, or its name', type, '')
}

/** An error of koffi's says which value is wrong, but not what for. */
export function foreignError(action: string, error: unknown): Error {
  const message = `Cannot ${action}: ${error instanceof Error ? error.message : String(error)}`
  return error instanceof TypeError ? new TypeError(message, { cause: error }) : new Error(message, { cause: error })
}
