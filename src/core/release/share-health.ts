import type { AlertContent } from '../alert.ts'
import type { PublishedName } from './published.ts'

/** What a look at the share came to: its names, or why there are none to see. */
export type ShareLook = { readonly names: readonly PublishedName[] } | { readonly fault: string }

export interface ShareExpectation {
  readonly directory: string
  /** How many names were published there when that was last seen well. */
  readonly used: number
  readonly changed: 'restore' | 'report'
}

/** What a person should know of the share. */
export interface ShareHealth {
  readonly away: AlertContent | undefined
  /** By file. */
  readonly changed: ReadonlyMap<string, AlertContent>
}

/** Judges a look: whether machines can boot, and boot what was published. */
export function judgeShare(look: ShareLook, expected: ShareExpectation): ShareHealth {
  const { directory, used, changed } = expected
  if ('fault' in look) return { away: awayContent(look.fault), changed: new Map() }
  if (look.names.length === 0 && used > 0) return { away: awayContent(emptyWords(directory, used)), changed: new Map() }
  const faulty = look.names.flatMap(({ file, version, fault }): [string, AlertContent][] =>
    fault === undefined ? [] : [[file, changedContent(file, { version, fault, changed })]],
  )
  return { away: undefined, changed: new Map(faulty) }
}

/** What a person should do where the share is empty that was not. */
export function emptyWords(directory: string, names: number): string {
  const had = names === 1 ? 'an image was' : `${names} images were`
  return `${directory} is empty, where ${had} published: is the share mounted? If it is meant to be empty, run \`caretaker stage\``
}

function awayContent(text: string): AlertContent {
  return { severity: 'warning', subject: 'share', text }
}

function changedContent(
  file: string,
  { version, fault, changed }: { readonly version: string; readonly fault: string; readonly changed: string },
): AlertContent {
  return {
    severity: 'warning',
    subject: 'share',
    text: `${file}, published as ${version}, ${fault}: something else writes to the share`,
    action:
      changed === 'restore'
        ? 'It is published again by itself; find out what has changed it'
        : 'Find out what has changed it, then publish it again with `caretaker stage`',
  }
}
