import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** The process is dead from here on, as far as its disk is concerned. */
export class Killed extends Error {
  constructor() {
    super('killed')
  }
}

export interface DiskCut extends Disposable {
  /** Whether it came to that. */
  readonly isKilled: boolean
}

const changing = ['writeFile', 'copyFile', 'rename', 'link', 'rm', 'mkdir', 'chmod', 'chown'] as const
const changingHandles: readonly PropertyKey[] = ['writeFile', 'write', 'sync', 'chmod', 'chown']

/**
 * Lets so many changes of files through, and none after them, as a kill does; what cleans up fails like everything else. Ends when it is
 * disposed of. `noLinks`: the file system has no hard links, as SMB. `once`: one change
 * fails, as on a disk with a bad spot, and nobody is killed.
 */
export function killDiskAfter(
  changes: number,
  { noLinks = false, once = false }: { readonly noLinks?: boolean; readonly once?: boolean } = {},
): DiskCut {
  const { open } = fs
  const original = Object.fromEntries(changing.map((name) => [name, fs[name]]))
  let done = 0
  let isKilled = false
  const pass = () => {
    const isNow = once ? done === changes : done >= changes
    done += 1
    if (!isNow) return
    isKilled = true
    throw new Killed()
  }
  const counted = Object.fromEntries(
    changing.map((name) => [
      name,
      async (...args: unknown[]) => {
        if (name === 'link' && noLinks) throw Object.assign(new Error('EPERM: no links'), { code: 'EPERM' })
        pass()
        return Reflect.apply(original[name] as (...all: unknown[]) => unknown, fs, args)
      },
    ]),
  )
  const countedOpen = async (path: string, flags = 'r', ...rest: [mode?: number]) => {
    if (flags !== 'r') pass()
    return watchHandle(await open(path, flags, ...rest), pass)
  }
  put({ ...counted, open: countedOpen })
  return {
    get isKilled() {
      return isKilled
    },
    [Symbol.dispose]: () => put({ ...original, open }),
  }
}

function put(functions: object): void {
  Object.assign(fs, functions)
  syncBuiltinESMExports()
}

function watchHandle(handle: FileHandle, pass: () => void): FileHandle {
  return new Proxy(handle, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (changingHandles.includes(name)) pass()
        // Only what was asked for counts here, and a real one takes its time.
        if (name === 'sync') return Promise.resolve()
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
}
