/**
 * What kernel32 has for processes and job objects, as plain functions on numbers.
 *
 * They are bound when the first process is started: a program that starts none should not pay for
 * them.
 */
import type { Koffi } from '../koffi.js'
import { addressOf } from '../posix/libc.js'
import type { Call } from './kernel32.js'

/** What `bindProcesses` returns. */
export type ProcessFunctions = ReturnType<typeof bind>

const SECURITY_ATTRIBUTES_BYTES = 24

let bound: ProcessFunctions | null = null

/** Binds them, once a thread. */
export function bindProcesses(koffi: Koffi): ProcessFunctions {
  bound ??= bind(koffi)
  return bound
}

function bind(koffi: Koffi) {
  const kernel32 = koffi.load('kernel32.dll')
  const of = (name: string, ...types: string[]): Call => kernel32.func(name, 'int', types) as Call
  const unsigned = (name: string, ...types: string[]): Call => kernel32.func(name, 'uint', types) as Call
  const inheritable = new Uint32Array(SECURITY_ATTRIBUTES_BYTES / 4)
  inheritable[0] = SECURITY_ATTRIBUTES_BYTES
  inheritable[4] = 1
  return {
    /** SECURITY_ATTRIBUTES: children may inherit it. */
    inheritable,
    inheritableAt: addressOf(koffi, inheritable),
    createProcess: of(
      'CreateProcessW',
      ...['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'int', 'uint'],
      ...['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
    ),
    initAttributes: of('InitializeProcThreadAttributeList', 'uintptr_t', 'uint', 'uint', 'uintptr_t'),
    setAttribute: of(
      'UpdateProcThreadAttribute',
      ...['uintptr_t', 'uint', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
    ),
    deleteAttributes: kernel32.func('DeleteProcThreadAttributeList', 'void', ['uintptr_t']) as Call,
    resumeThread: of('ResumeThread', 'intptr_t'),
    terminateProcess: of('TerminateProcess', 'intptr_t', 'uint'),
    exitCode: of('GetExitCodeProcess', 'intptr_t', 'uintptr_t'),
    waitFor: unsigned('WaitForSingleObject', 'intptr_t', 'uint'),
    createJob: kernel32.func('CreateJobObjectW', 'intptr_t', ['uintptr_t', 'uintptr_t']) as Call,
    setJob: of('SetInformationJobObject', 'intptr_t', 'int', 'uintptr_t', 'uint'),
    askJob: of('QueryInformationJobObject', 'intptr_t', 'int', 'uintptr_t', 'uint', 'uintptr_t'),
    assignToJob: of('AssignProcessToJobObject', 'intptr_t', 'intptr_t'),
    terminateJob: of('TerminateJobObject', 'intptr_t', 'uint'),
    sendConsoleEvent: of('GenerateConsoleCtrlEvent', 'uint', 'uint'),
    duplicate: of('DuplicateHandle', ...['intptr_t', 'intptr_t', 'intptr_t', 'uintptr_t', 'uint', 'int', 'uint']),
    attributesOf: kernel32.func('GetFileAttributesW', 'uint', ['str16']) as (path: string) => number,
  }
}
