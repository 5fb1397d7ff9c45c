import type { IncomingMessage } from 'node:http'
import { below } from '../../core/address.ts'
import { withoutEnd } from '../../core/text-end.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/hidden.ts'
import { assetsOf, type ImageOrder } from '../../core/release/image.ts'
import type { Meter } from '../../core/metrics/meter.ts'
import type { Download, Factory, Resume } from '../../core/release/ports.ts'
import { canonicalYaml } from '../../core/release/schematic.ts'
import { compareVersions, parseVersion } from '../../core/version.ts'
import type { ProxyEnvironment } from '../../core/web-proxy.ts'
import type { FactoryAccess } from './access.ts'
import { type HttpRequest, readJson, readText, secretsOf, send, whyOff } from './http.ts'
import { readCatalogue } from './catalogue.ts'
import { createProofs } from './proofs.ts'
import { metered } from './metered.ts'

/** A build may take 20 minutes before the first byte (siderolabs/image-factory internal/asset/asset.go), in ms. */
const buildWithin = 22 * 60_000
const answerWithin = 30_000
/** A list of ten thousand releases has some 130 KiB. */
const largestList = 1_048_576
/** The newest so many count: older ones lead nowhere, and each is compared, sorted and remembered. */
const mostReleases = 2_000

/** In ms and bytes. An image that comes more slowly than so many bytes within so long is cut off, and resumed. */
export interface FactoryLimits {
  readonly answerWithin: number
  readonly leastBytes: number
  readonly leastWithin: number
}

const usualLimits: FactoryLimits = { answerWithin, leastBytes: 65_536, leastWithin: 60_000 }

export interface FactoryOptions {
  readonly limits?: Partial<FactoryLimits>
  /** Told the time by the Factory's clock with each answer, in ms since the epoch. */
  readonly onDate?: (at: number) => void
  readonly meter?: Meter | undefined
  /** What the Factory asks of its users, asked for before each question. @throws AgentError `misconfigured` */
  readonly access?: () => Promise<FactoryAccess>
  /** Of proxies. */
  readonly environment?: ProxyEnvironment | undefined
}

/**
 * Talks to an Image Factory. `url` is its address, as people open it in a browser; a path in it, as of a reverse proxy,
 * stands before every path of the Factory. Installer images are named by its host alone: a registry is asked at the root
 * of its host (`/v2/…`, opencontainers/distribution-spec), where no path of a proxy stands before it.
 */
export function createFactory(
  url: string,
  { limits: given = {}, onDate, access = async () => ({}), environment, meter }: FactoryOptions = {},
): Factory {
  const limits = { ...usualLimits, ...given }
  const base = new URL(url)
  const prefix = withoutEnd(base.pathname, '/')
  const where = base.host + prefix

  async function ask(path: string, rest: Omit<HttpRequest, 'url'>, expired = 0): Promise<IncomingMessage> {
    const { token, ...allowed } = await access()
    const isImage = path.startsWith('/image/') && token !== undefined
    const url = below(base, isImage ? `${path}?token=${encodeURIComponent(token)}` : path)
    const { response, host } = await send({ ...rest, url, access: allowed, environment, onDate })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    // Images are stored elsewhere, under URLs that expire: the Factory issues a new one.
    const isExpired = host !== base.host && status === 403
    if (isExpired && expired === 0) {
      response.resume()
      return ask(path, rest, expired + 1)
    }
    // Errors are plain text; a 500 has no reason, but the request id helps the Factory's operators.
    const text = (
      await readText(response, host, { bytes: 65_536, within: limits.answerWithin }, rest.signal).then(hide, () => '')
    )
      .trim()
      .slice(0, 300)
    const id = response.headers['x-request-id']
    const asked = `${rest.method} ${where}${path.replaceAll(/[0-9a-f]{64}/g, (long) => `${long.slice(0, 12)}…`)}`
    const words = `${asked}${host === base.host ? '' : ` redirects to ${host}, which`} answers ${status}: ${text || 'no reason given'}`
    const why = id ? `${words} (request ${String(id)})` : words
    if (status === 416) throw new RangeRefused('rejected', why)
    if ((status === 401 || status === 403) && host === base.host)
      throw new AgentError('rejected', `${why}: see factory.auth`)
    if (status === 402 || status === 404) throw new NotOffered('rejected', why)
    throw new AgentError(status >= 500 || status === 429 || isExpired ? 'unreachable' : 'rejected', why)
  }

  const hide = async (text: string) => withoutSecrets(text, secretsOf({ access: await access(), environment }))
  const reading = { host: where, bytes: largestList, within: limits.answerWithin, hide }

  /** A list of the Factory's: it is sent as text/plain, and as `null` when it has nothing in it. */
  async function askList(path: string, signal: AbortSignal): Promise<readonly unknown[]> {
    const response = await ask(path, { method: 'GET', headersWithin: answerWithin, signal })
    const list = (await readJson(response, `${where}${path}`, { ...reading, signal })) ?? []
    if (!Array.isArray(list)) throw new AgentError('malformed', `${where}${path} is not a list`)
    return list
  }

  const releases = async (path: string, signal: AbortSignal) => releasesIn(await askList(path, signal))

  const readProofs = createProofs(async (path, method, signal) => {
    const response = await ask(path, { method, headersWithin: answerWithin, signal }).catch((error: unknown) => {
      if (!(error instanceof NotOffered)) throw error
    })
    if (!response) return undefined
    if (method === 'GET')
      return readText(response, where, { bytes: 4_096, within: limits.answerWithin }, signal).then(hide)
    response.destroy()
    return ''
  })
  const from = (image: ImageOrder) => ({
    host: base.host,
    source: `${base.protocol}//${where}${pathOf(image)}`,
    proofs: (signal: AbortSignal) => readProofs(pathOf(image), signal),
  })

  return metered(meter, {
    registry: registryOf(base),
    versions: (signal) => releases('/versions', signal),
    withdrawn: async (offered, signal) => {
      const broken = await releases('/versions?broken=true', signal)
      return isOfferAgain(broken, offered) ? undefined : broken
    },
    catalogue: (version, signal) => readCatalogue(version, (path) => askList(path, signal)),
    register: async (schematic, signal) => {
      const body = canonicalYaml(schematic)
      const response = await ask('/schematics', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/yaml' },
        headersWithin: answerWithin,
        signal,
      })
      const answer = (await readJson(response, `${where}/schematics`, { ...reading, signal })) as {
        id?: unknown
      } | null
      const id = answer?.id
      if (typeof id !== 'string' || !/^[0-9a-f]{64}$/.test(id))
        throw new AgentError('malformed', `${where}/schematics answers without an id`)
      return { id }
    },
    warm: async (image, signal) => {
      const asking = { headersWithin: buildWithin, signal }
      const response = await ask(pathOf(image), { method: 'HEAD', ...asking }).catch((error: unknown) => {
        if (!(error instanceof AgentError) || error.retryable) throw error
        // The answer to a HEAD has no body, and so no reason; the same question as a GET is refused with one.
        return ask(pathOf(image), { method: 'GET', ...asking })
      })
      response.destroy()
      return sizeOf(response.headers['content-length'])
    },
    open: async (image, resume, signal) => {
      const whole = { method: 'GET', headersWithin: buildWithin, signal } as const
      if (resume) {
        const headers = { ...asItIs, range: `bytes=${resume.offset}-`, 'if-range': resume.etag }
        const response = await ask(pathOf(image), { ...whole, headers }).catch(rangeRefused)
        if (response && (response.statusCode !== 206 || isRest(response, resume)))
          return toDownload(response, from(image), { ...limits, signal })
        response?.destroy()
      }
      return toDownload(await ask(pathOf(image), { ...whole, headers: asItIs }), from(image), { ...limits, signal })
    },
  })
}

/**
 * Whether a Factory has answered the question for withdrawn releases with those that it offers: before v1.3.3 it takes no
 * notice of `?broken=true`, and neither does a cache that leaves the query out. The two lists may be a release apart,
 * as one can come between two questions; a Factory that knows the question offers nothing that it has withdrawn, but
 * one of several replicas may be behind.
 */
function isOfferAgain(broken: readonly string[], offered: readonly string[]): boolean {
  const both = broken.filter((version) => offered.includes(version)).length
  return both > 0 && both * 2 > offered.length
}

/** Without the dot of a name that is complete, which no image reference may have (distribution/reference regexp.go). */
function registryOf({ hostname, port }: URL): string {
  return `${hostname.replace(/\.$/, '')}${port === '' ? '' : `:${port}`}`
}

function pathOf(image: ImageOrder): string {
  return `/image/${image.schematic}/${image.version}/${image.asset ?? assetsOf(image)[0]}`
}

class RangeRefused extends AgentError {}

/** There is no such thing here, or only for those who pay. */
class NotOffered extends AgentError {}

/** Nothing follows what we have: the file is complete already, or too long. */
function rangeRefused(error: unknown): undefined {
  if (!(error instanceof RangeRefused)) throw error
}

function contentRange({ headers }: IncomingMessage): RegExpExecArray | null {
  return /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
}

/** Not every server honours If-Range: a range of another file must not be appended. */
function isRest(response: IncomingMessage, { offset, etag }: Resume): boolean {
  return Number(contentRange(response)?.[1]) === offset && [undefined, etag].includes(response.headers.etag)
}

/** No proxy on the way is to compress it: it is counted, hashed and resumed as it is on the way. */
const asItIs = { 'accept-encoding': 'identity' }

/** A 200 to a range request is the whole file: it has changed, or ranges are not supported. */
function toDownload(
  response: IncomingMessage,
  { host, ...of }: Pick<Download, 'source' | 'proofs'> & { readonly host: string },
  limits: FactoryLimits & { readonly signal: AbortSignal },
): Download {
  const { headers, statusCode } = response
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    response.destroy()
    throw new AgentError(
      'malformed',
      `${host} sends the image compressed (${encoding.slice(0, 40)}), which nobody asked for: see to the proxy before it`,
    )
  }
  const range = contentRange(response)
  const partial = statusCode === 206 && range !== null
  return {
    offset: partial ? Number(range[1]) : 0,
    size: partial ? sizeOf(range[2]) : sizeOf(headers['content-length']),
    // A weak one does not promise the same bytes.
    etag: headers.etag?.startsWith('W/') ? undefined : headers.etag,
    body: readBody(response, host, limits),
    ...of,
  }
}

function releasesIn(list: readonly unknown[]): readonly string[] {
  return newest(
    list.filter(
      (entry): entry is string =>
        typeof entry === 'string' && entry.startsWith('v') && parseVersion(entry) !== undefined,
    ),
  )
}

/** The newest of a list that is far longer than any Factory's, in their order. */
function newest(list: readonly string[]): readonly string[] {
  if (list.length <= mostReleases) return list
  return [...new Set(list)].toSorted(compareVersions).slice(-mostReleases)
}

async function* readBody(
  response: IncomingMessage,
  host: string,
  { leastBytes, leastWithin, signal }: FactoryLimits & { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const began = performance.now()
  const slow = new Error(`less than ${leastBytes / 1_024} KiB came within ${leastWithin / 1_000} s`)
  let since = 0
  let isAwaited = true
  // A disk that is slow to take what has come is not the server's fault.
  const rate = setInterval(() => {
    if (since < leastBytes && isAwaited) response.destroy(slow)
    since = 0
  }, leastWithin)
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      since += chunk.length
      isAwaited = false
      yield chunk
      isAwaited = true
    }
  } catch (error) {
    throw new AgentError(
      'unreachable',
      `the download from ${host} was cut off: ${whyOff(signal, began) ?? messageOf(error)}`,
      error,
    )
  } finally {
    clearInterval(rate)
  }
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
