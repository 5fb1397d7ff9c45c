import { AgentError } from '../../core/errors.ts'
import { parsePlace } from '../../core/setup/names.ts'

/** A server with its port, as init is told of it. `what` it is to be: `a TFTP server`. @throws AgentError `misconfigured` */
export function toPlace(
  text: string,
  usualPort: number,
  what: string,
): { readonly host: string; readonly port: number } {
  const place = parsePlace(text, usualPort)
  if (place) return place
  throw new AgentError('misconfigured', `${text} is not ${what}: write its address, or ADDRESS:PORT`)
}

/** What a person is told whose answer names no server; an empty one means that there is none. */
export const mendPlace = (text: string): string | undefined =>
  text === '' || parsePlace(text, 1) ? undefined : 'write its address, or ADDRESS:PORT'
