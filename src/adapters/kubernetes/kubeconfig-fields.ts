import { dirname, resolve } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'

/** The fields of one user or one cluster. What is empty counts as absent; what has another shape is refused by name. */
export interface Fields {
  /** For messages: `the user "admin"`. */
  readonly of: string
  /** Of those that have a value. */
  readonly keys: readonly string[]
  /** Refuses fields that differ from these names only in dashes and case: Kubernetes' clients ignore them. */
  refuseMisspelled(names: readonly string[]): void
  has(key: string): boolean
  text(key: string): string | undefined
  flag(key: string): boolean
  list(key: string): readonly string[]
  lists(key: string): Readonly<Record<string, readonly string[]>>
  /** From `<key>-data`, which comes first, or from the file that `key` names. */
  pem(key: string): string | undefined
  /** From `tokenFile`, which comes first, or from `token`. */
  token(): string | undefined
}

/** The text of a file beside the kubeconfig. Throws where it can't be read. */
export type ReadFile = (path: string) => string

export interface FieldsOptions {
  /** The kubeconfig. */
  readonly file: string
  readonly of: string
  readonly values: Readonly<Record<string, unknown>>
  /** Gets the path of each file that is read. */
  readonly files: string[]
  readonly readFile: ReadFile
}

/** @throws AgentError `misconfigured`, as do all of its functions */
export function createFields({ file, of, values, files, readFile }: FieldsOptions): Fields {
  const wrong = (why: string) => new AgentError('misconfigured', `${file}: ${why}`)

  function text(key: string): string | undefined {
    const value = values[key]
    if (value === undefined || value === null || value === '') return undefined
    if (typeof value !== 'string') throw wrong(`${key} of ${of} is not a string: put it in quotes`)
    return value
  }

  function list(key: string, value = values[key]): readonly string[] {
    if (value === undefined || value === null) return []
    const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
    if (!isList) throw wrong(`${key} of ${of} is not a list of strings`)
    return value
  }

  function fileOf(key: string): string | undefined {
    const named = text(key)
    if (named === undefined) return undefined
    const path = resolve(dirname(file), named)
    files.push(path)
    try {
      return readFile(path)
    } catch (error) {
      throw wrong(`${key} can't be read: ${messageOf(error)}`)
    }
  }

  /** Editors and shells put line breaks at the end; a header can't have one. */
  function tokenIn(key: string, value: string): string {
    const token = value.trim()
    if (token === '') throw wrong(`${key} of ${of} is empty`)
    if (/[^\x21-\x7e]/.test(token))
      throw wrong(`${key} of ${of} contains a line break or another character that tokens do not allow`)
    return token
  }

  const has = (key: string) => values[key] !== undefined && values[key] !== null
  const keys = Object.keys(values).filter(has)
  const bare = (key: string) => key.toLowerCase().replaceAll(/[-_]/g, '')

  return {
    of,
    keys,
    refuseMisspelled(names) {
      for (const key of keys) {
        const meant = names.includes(key) ? undefined : names.find((name) => bare(name) === bare(key))
        if (meant !== undefined) throw wrong(`${key} of ${of} is not a kubeconfig field: write ${meant}`)
      }
    },
    has,
    text,
    flag(key) {
      const value = values[key]
      if (value !== undefined && value !== null && typeof value !== 'boolean')
        throw wrong(`${key} of ${of} is neither true nor false`)
      return value === true
    },
    list: (key) => list(key),
    lists(key) {
      const value = values[key]
      if (value === undefined || value === null) return {}
      if (typeof value !== 'object' || Array.isArray(value)) throw wrong(`${key} of ${of} is not a map of lists`)
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, list(`${key}.${name}`, one)]))
    },
    pem(key) {
      // As client-go reads it: line breaks in base64 do no harm, anything else does.
      const data = text(`${key}-data`)?.replaceAll(/\s/g, '') ?? ''
      if (data === '') return fileOf(key)
      if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(data))
        throw wrong(`${key}-data of ${of} is not base64`)
      return Buffer.from(data, 'base64').toString('utf8')
    },
    token() {
      const fromFile = fileOf('tokenFile')
      if (fromFile !== undefined) return tokenIn('tokenFile', fromFile)
      const embedded = text('token')
      return embedded === undefined ? undefined : tokenIn('token', embedded)
    },
  }
}
