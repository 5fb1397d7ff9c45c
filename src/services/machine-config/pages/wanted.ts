import { AgentError } from '../../../core/errors.ts'
import type { ApproveMachine } from '../../../core/provision/requests.ts'
import type { Given } from '../../../operations/pages.ts'

/** What the form of an approval says. @throws AgentError `misconfigured` where that can't be read */
export function wantedIn({
  machine = '',
  role,
  name,
  labels,
  patches,
  fingerprint = '',
  force,
}: Given): ApproveMachine {
  return {
    machine,
    ...(role === 'worker' || role === 'controlplane' ? { role } : {}),
    ...(name === undefined ? {} : { name }),
    ...(labels === undefined ? {} : { labels: readLabels(labels) }),
    ...(patches === undefined ? {} : { patches: listIn(patches) }),
    ...(fingerprint === '' ? {} : { fingerprint }),
    force: force !== undefined,
  }
}

/** `gpu=nvidia, shelf=top`. */
function readLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    listIn(text).map((one) => {
      const at = one.indexOf('=')
      if (at < 1) throw new AgentError('misconfigured', `${one} is no label: write key=value, with commas between them`)
      return [one.slice(0, at).trim(), one.slice(at + 1).trim()]
    }),
  )
}

function listIn(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
