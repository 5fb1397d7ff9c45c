import { AgentError } from '../../core/errors.ts'
import { parsePlace } from '../../core/setup/names.ts'

/** The server that a person has named, with its port. `what` it is to be: `a TFTP server`. @throws AgentError `misconfigured` */
export function toPlace(
  text: string,
  usualPort: number,
  what: string,
): { readonly host: string; readonly port: number } {
  const place = parsePlace(text, usualPort)
  if (place) return place
  throw new AgentError('misconfigured', `${text} is not ${what}: write its address, or ADDRESS:PORT`)
}

/** What is wrong with an answer that names no server; an empty one means that there is none. */
export const mendPlace = (text: string): string | undefined =>
  text === '' || parsePlace(text, 1) ? undefined : 'write its address, or ADDRESS:PORT'
