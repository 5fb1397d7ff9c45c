import { AgentError } from '../../core/errors.ts'
import type { Given, PageRequest } from '../../operations/pages.ts'

/** In bytes. */
const largestForm = 16_384
/** In letters: names of machines are shorter, and what is longer is nobody's reason. */
const longestField = 1_000

/** The fields of a request, and nothing else. */
export function givenIn({ fields = [] }: Pick<PageRequest, 'fields'>, sent: URLSearchParams): Given {
  return Object.fromEntries(
    fields.flatMap(({ name }): [string, string][] => {
      const value = sent.get(name)?.trim() ?? ''
      return value === '' ? [] : [[name, value.slice(0, longestField)]]
    }),
  )
}

/** What a form has sent. @throws AgentError `misconfigured` */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > largestForm) throw new AgentError('misconfigured', 'the form is larger than 16 KiB')
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}
