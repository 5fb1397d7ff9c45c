import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/plan.ts'
import type { Download, Factory } from '../../core/ports.ts'
import { canonicalYaml, type Schematic } from '../../core/schematic.ts'
import { parseVersion } from '../../core/version.ts'
import { type HttpRequest, readText, send } from './http.ts'

/** A build may take 20 minutes before the first byte (siderolabs/image-factory internal/asset/asset.go), in ms. */
const buildWithin = 22 * 60_000
const answerWithin = 30_000

/** Talks to an Image Factory. `url` is its address, as people open it in a browser. */
export function createFactory(url: string): Factory {
  const base = new URL(url)

  async function ask(path: string, rest: Omit<HttpRequest, 'url'>): Promise<IncomingMessage> {
    const response = await send({ ...rest, url: new URL(path, base) })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    // Errors are plain text and never JSON; a 500 has no reason in it, but the request's id helps its operators.
    const text = (await readText(response, 65_536).catch(() => '')).trim().slice(0, 300)
    const id = response.headers['x-request-id']
    const words = `${rest.method} ${base.host}${path.replaceAll(/[0-9a-f]{64}/g, (long) => `${long.slice(0, 12)}…`)} answers ${status}: ${text || 'no reason given'}`
    throw new AgentError(
      status >= 500 || status === 429 ? 'unreachable' : 'rejected',
      id ? `${words} (request ${String(id)})` : words,
    )
  }

  return {
    registry: base.host,
    versions: async (signal) => {
      const response = await ask('/versions', { method: 'GET', headersWithin: answerWithin, signal })
      // It is sent as text/plain, and as `null` when there are none.
      const list = parseJson(await readText(response), `${base.host}/versions`) ?? []
      if (!Array.isArray(list)) throw new AgentError('malformed', `${base.host}/versions is not a list`)
      return list.filter(
        (entry): entry is string =>
          typeof entry === 'string' && entry.startsWith('v') && parseVersion(entry) !== undefined,
      )
    },
    register: async (schematic, signal) => {
      const body = canonicalYaml(schematic)
      const response = await ask('/schematics', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/yaml' },
        headersWithin: answerWithin,
        signal,
      })
      const answer = parseJson(await readText(response), `${base.host}/schematics`) as { id?: unknown } | null
      const id = answer?.id
      if (typeof id !== 'string' || !/^[0-9a-f]{64}$/.test(id))
        throw new AgentError('malformed', `${base.host}/schematics answers without an id`)
      return id
    },
    warm: async (image, signal) => {
      const response = await ask(pathOf(image), { method: 'HEAD', headersWithin: buildWithin, signal })
      response.resume()
      return sizeOf(response.headers['content-length'])
    },
    open: async (image, resume, signal) => {
      const headers = resume ? { range: `bytes=${resume.offset}-`, 'if-range': resume.etag } : undefined
      const response = await ask(pathOf(image), {
        method: 'GET',
        headersWithin: buildWithin,
        signal,
        ...(headers ? { headers } : {}),
      })
      return toDownload(response, base.host)
    },
  }
}

/** Lower-case hex SHA-256 of the canonical YAML: how the Factory names a schematic. */
export function schematicId(schematic: Schematic): string {
  return createHash('sha256').update(canonicalYaml(schematic)).digest('hex')
}

function pathOf({ schematic, version, architecture }: ImageOrder): string {
  return `/image/${schematic}/${version}/metal-${architecture}-uki.efi`
}

/** A 200 to a ranged request is the whole file: the part that we have is of other bytes, or ranges are not served. */
function toDownload(response: IncomingMessage, host: string): Download {
  const { headers, statusCode } = response
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
  const partial = statusCode === 206 && range !== null
  return {
    offset: partial ? Number(range[1]) : 0,
    size: partial ? sizeOf(range[2]) : sizeOf(headers['content-length']),
    // A weak one does not promise the same bytes.
    etag: headers.etag?.startsWith('W/') ? undefined : headers.etag,
    body: readBody(response, host),
  }
}

async function* readBody(response: IncomingMessage, host: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) yield chunk
  } catch (error) {
    throw new AgentError('unreachable', `the download from ${host} broke off: ${messageOf(error)}`, error)
  }
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AgentError('malformed', `${where} answers something that is not JSON: ${text.trim().slice(0, 80)}`)
  }
}
