import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { isMap, isNode, isScalar, isSeq, LineCounter, parse, parseAllDocuments, stringify, type Node } from 'yaml'
import { z } from 'zod'
import { filler, isAtLeast, kernelCommandLine, writeUki, type Arch } from './uki-writer.ts'

export interface LabFactoryOptions {
  readonly address?: string
  /** 0 for any free one. */
  readonly port?: number
  /** Talos releases that it knows, with or without `v`, in any order. */
  readonly versions: readonly string[]
  /** Official extensions that every release has. */
  readonly extensions?: readonly string[]
  /** Size of a made image, in bytes; a little more comes out, for the headers and the padding. */
  readonly imageBytes?: number
  /** Files to serve in place of made UKIs, by Talos version. */
  readonly files?: Readonly<Record<string, string>>
}

/** What can go wrong, changeable at any time; nothing does unless set. */
export interface LabFactoryFaults {
  /** How long the first request of an asset waits for its first byte. Others join it; a client that leaves does not stop it. */
  buildMs: number
  /** GET of an image answers 302, to a storage server on a port of its own with ETag, ranges and If-Range; HEAD never. */
  redirect: boolean
  /** The storage server refuses the next download as expired, once; a new redirect then works. */
  presignedExpired: boolean
  /** The next image body longer than this ends here, once, with the connection. */
  cutAfterBytes: number | undefined
  /** Bodies of images stop half way, though the whole length was announced. */
  shortBody: boolean
  /** Answers for the next requests, of any route or of those whose path starts with `path`; used up one by one. */
  failNext: { status: number; body: string; path?: string }[]
  /** UKIs hold this release, whichever was asked for. */
  wrongVersion: string | undefined
  /** UKIs are for the other processor. */
  wrongArch: boolean
  /** UKIs name another schematic in their initrd. */
  wrongSchematic: boolean
  /** Images are answered by a page of HTML with status 200, as a captive portal does. */
  html: boolean
  /** Every image was evicted and built again: other bytes at the same address, another ETag. */
  rebuilt: boolean
  /** `/versions` says `null`. */
  versionsNull: boolean
  /** `/version/:v/extensions/official` leaves these out, by release (`v1.13.9`). */
  missingExtensions: Record<string, string[]>
  /** Speed of image bodies. */
  bytesPerSecond: number | undefined
}

export interface LabFactoryRequest {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly range?: string
  readonly to: 'factory' | 'storage'
}

/** The Image Factory over HTTP, as siderolabs/image-factory v1.5 (community, without SecureBoot keys) answers. */
export interface LabFactory extends AsyncDisposable {
  /** Listens; again on the same ports after it was disposed of. */
  start(): Promise<void>
  /** 'http://address:port'; throws before the start. */
  readonly url: string
  publish(version: string): void
  withdraw(version: string): void
  /** Canonical YAML of every schematic that it was given, by id. */
  readonly schematics: ReadonlyMap<string, string>
  readonly requests: readonly LabFactoryRequest[]
  readonly faults: LabFactoryFaults
  /** What an image request would now be answered with, of `path` such as `metal-amd64-uki.efi`. */
  imageBytes(schematic: string, version: string, path: string): Buffer
}

const serverName = 'Image Factory v1.5.0'
const vanilla = 'customization: {}\n'
const portalPage = Buffer.from('<!DOCTYPE html>\n<html><body><h1>Please sign in to the network</h1></body></html>\n')
const someExtensions = ['amd-ucode', 'gvisor', 'i915', 'intel-ucode', 'iscsi-tools', 'nut-client', 'util-linux-tools']

interface Answer {
  readonly status: number
  readonly body?: string | Buffer
  readonly headers?: OutgoingHttpHeaders
  /** An image: slow, cut and short bodies are for these. */
  readonly bulk?: boolean
}
type Parameters = Readonly<Record<string, string>>
interface Route {
  readonly methods: readonly string[]
  readonly pattern: string
  readonly answer: (parameters: Parameters, request: IncomingMessage, url: URL) => Answer | Promise<Answer>
}

export function createFactory(options: LabFactoryOptions): LabFactory {
  const { address = '127.0.0.1', imageBytes = 200_000 } = options
  const extensions = options.extensions ?? someExtensions.map((name) => `siderolabs/${name}`)
  const ports = { factory: options.port ?? 0, storage: 0 }
  const versions = new Set(options.versions.map(withV))
  const schematics = new Map<string, string>()
  const requests: LabFactoryRequest[] = []
  const images = new Map<string, Buffer>()
  const builds = new Map<string, Promise<void>>()
  const signed = new Map<string, Buffer>()
  let servers: Server[] = []
  let stopping = new AbortController()
  const faults: LabFactoryFaults = {
    buildMs: 0,
    redirect: false,
    presignedExpired: false,
    cutAfterBytes: undefined,
    shortBody: false,
    failNext: [],
    wrongVersion: undefined,
    wrongArch: false,
    wrongSchematic: false,
    html: false,
    rebuilt: false,
    versionsNull: false,
    missingExtensions: {},
    bytesPerSecond: undefined,
  }

  const base = (port: number): string => {
    if (servers.length === 0) throw new Error('the factory is not started')
    return `http://${address}:${port}`
  }

  const routes: readonly Route[] = [
    { methods: ['GET', 'HEAD'], pattern: '/healthz', answer: () => ({ status: 200 }) },
    { methods: ['GET', 'HEAD'], pattern: '/readyz', answer: () => ({ status: 200 }) },
    { methods: ['POST'], pattern: '/schematics', answer: (_, request) => register(request) },
    {
      methods: ['GET'],
      pattern: '/schematics/:schematic',
      answer: ({ schematic = '' }) => {
        const yaml = schematics.get(schematic)
        if (yaml === undefined) throw refusal(404, 'schematic not found')
        return { status: 200, body: yaml, headers: { 'content-type': 'application/yaml' } }
      },
    },
    {
      methods: ['GET'],
      pattern: '/versions',
      answer: (_, __, url) =>
        json(faults.versionsNull || url.searchParams.get('broken') === 'true' ? null : listed(versions)),
    },
    {
      methods: ['GET'],
      pattern: '/version/:version/extensions/official',
      answer: ({ version = '' }) =>
        json(
          extensionsOf(parseVersion(version)).map((name) => ({
            name,
            ref: `ghcr.io/${name}:1.0.0-${withV(version)}`,
            digest: `sha256:${sha256(`${name} ${withV(version)}`)}`,
            author: 'Sidero Labs',
            description: `This system extension provides ${name.replace(/^.*\//, '')}.\n`,
          })),
        ),
    },
    {
      methods: ['GET'],
      pattern: '/version/:version/overlays/official',
      answer: ({ version = '' }) => {
        extensionsOf(parseVersion(version))
        return json([])
      },
    },
    { methods: ['GET', 'HEAD'], pattern: '/image/:schematic/:version/:path', answer: image },
    { methods: ['GET'], pattern: '/pxe/:schematic/:version/:path', answer: pxe },
    {
      methods: ['GET'],
      pattern: '/oci/cosign/signing-key.pub',
      answer: () => ({ status: 200, headers: { 'content-type': 'application/x-pem-file' } }),
    },
    {
      methods: ['GET'],
      pattern: '/secureboot/signing-cert.pem',
      answer: () => {
        throw refusal(500, 'internal server error')
      },
    },
  ]

  async function register(request: IncomingMessage): Promise<Answer> {
    const yaml = canonicalSchematic((await buffer(request)).toString())
    const id = sha256(yaml)
    schematics.set(id, yaml)
    return json({ id, schematic: yaml }, 201, { 'content-type': 'application/json' })
  }

  function extensionsOf(version: string): string[] {
    if (!listed(versions).includes(version)) throw refusal(404, `version ${version.slice(1)} is not available`)
    return extensions.filter((name) => !faults.missingExtensions[version]?.includes(name))
  }

  /** The checks of internal/frontend/http/image.go and internal/profile/profile.go, in their order. */
  function asset(parameters: Parameters): { key: string; version: string; profile: Profile; schematic: Schematic } {
    const { schematic: id = '', path = '' } = parameters
    const yaml = schematics.get(id)
    if (yaml === undefined) throw refusal(404, `schematic ID "${id}" not found`)
    const version = parseVersion(parameters['version'] ?? '')
    const profile = parsePath(path)
    const schematic = readSchematic(yaml)
    const enhancing = 'error enhancing profile from schematic:'
    const wanted = schematic.customization.systemExtensions?.officialExtensions ?? []
    if (wanted.length > 0) {
      if (!versions.has(version)) {
        throw refusal(
          404,
          `${enhancing} error getting official extensions: version ${version.slice(1)} is not available`,
        )
      }
      const unknown = wanted.find((name) => !extensionsOf(version).includes(name))
      if (unknown !== undefined) {
        throw refusal(400, `${enhancing} official extension "${unknown}" is not available for Talos version ${version}`)
      }
    }
    if (schematic.overlay && !isAtLeast(version, 1, 7)) {
      throw refusal(400, `${enhancing} overlay is not supported for Talos version ${version}`)
    }
    if (schematic.customization.embeddedMachineConfiguration !== undefined && !isAtLeast(version, 1, 12)) {
      throw refusal(400, `${enhancing} embedding configuration is not supported for Talos version ${version}`)
    }
    if (profile.secureboot) throw refusal(400, `${enhancing} secure boot is disabled`)
    const key = [id, version, path, faults.rebuilt ? 'again' : ''].join('/')
    // An image that was built before outlives its release's place in the list: the cache is asked first.
    if (!versions.has(version) && !builds.has(key)) {
      throw refusal(404, `failed to get kernel: version ${version.slice(1)} is not available`)
    }
    const possible = knownPlatforms.has(profile.platform) && (profile.kind !== 'uki' || isAtLeast(version, 1, 5))
    if (!possible) throw refusal(500, 'internal server error')
    return { key, version, profile, schematic }
  }

  function built(key: string): Promise<void> {
    const build = builds.get(key) ?? pause(faults.buildMs, undefined, { signal: stopping.signal })
    builds.set(key, build)
    return build
  }

  async function image(parameters: Parameters, request: IncomingMessage, url: URL): Promise<Answer> {
    const { schematic = '', path = '' } = parameters
    if (/\.sha(256|512)$/.test(path)) throw refusal(402, 'enterprise not enabled: checksum endpoint is not available')
    if (path.endsWith('.sigstore.json')) {
      throw refusal(402, 'enterprise signing is not enabled: signature endpoint is not available')
    }
    const { key, version } = asset(parameters)
    await built(key)
    if (faults.html) {
      return { status: 200, body: portalPage, headers: { 'content-type': 'text/html; charset=utf-8' }, bulk: true }
    }
    const body = bytesOf(schematic, version, path)
    const disposition = `attachment; filename="${url.searchParams.get('filename') ?? path}"`
    if (faults.redirect && request.method === 'GET') {
      const signature = sha256(randomUUID())
      signed.set(signature, body)
      const query = new URLSearchParams({
        'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
        'X-Amz-Date': new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ''),
        'X-Amz-Expires': '3600',
        'X-Amz-SignedHeaders': 'host',
        'response-content-disposition': disposition,
        'X-Amz-Signature': signature,
      })
      return found(302, `${base(ports.storage)}/assets/${sha256(key)}?${query.toString()}`)
    }
    return {
      status: 200,
      body,
      headers: { 'content-type': contentType(path), 'content-disposition': disposition },
      bulk: true,
    }
  }

  function bytesOf(id: string, version: string, path: string): Buffer {
    const { kind, arch, platform } = parsePath(path)
    const { wrongVersion, wrongArch, wrongSchematic, rebuilt } = faults
    const inside = withV(wrongVersion ?? version)
    const processor: Arch = wrongArch ? (arch === 'amd64' ? 'arm64' : 'amd64') : arch
    const key = JSON.stringify([id, inside, path, processor, wrongSchematic, rebuilt])
    const known = images.get(key)
    if (known) return known
    const yaml = wrongSchematic
      ? 'customization:\n    extraKernelArgs:\n        - wrong\n'
      : (schematics.get(id) ?? vanilla)
    const extra = readSchematic(schematics.get(id) ?? vanilla).customization.extraKernelArgs
    const cmdline = kernelCommandLine({
      version: inside,
      arch: processor,
      platform,
      extra: kind !== 'uki' || isAtLeast(inside, 1, 10) ? extra : [],
    })
    const seed = rebuilt ? 1 : 0
    const file = options.files?.[inside] ?? options.files?.[inside.slice(1)]
    const make = (): Buffer => {
      if (kind === 'cmdline') return Buffer.from(cmdline)
      if (kind !== 'uki') return filler(imageBytes, key)
      if (file !== undefined) return readFileSync(file)
      const schematic = { id: sha256(yaml), yaml, factory: `http://${address}:${ports.factory}` }
      return writeUki({ version: inside, arch: processor, cmdline, fillBytes: imageBytes, seed, schematic })
    }
    const bytes = make()
    images.set(key, bytes)
    return bytes
  }

  /** internal/frontend/http/pxe.go: it never offers an unsigned UKI, whatever is asked for. */
  function pxe(parameters: Parameters): Answer {
    const { schematic: id = '', path = '' } = parameters
    const { version, profile, schematic } = asset({ ...parameters, path: `cmdline-${path}` })
    const extra = schematic.customization.extraKernelArgs
    const cmdline = kernelCommandLine({ version, arch: profile.arch, platform: profile.platform, extra })
    const from = `${base(ports.factory)}/image/${id}/${version}`
    const lines = [`kernel ${from}/kernel-${profile.arch} ${cmdline}`, `initrd ${from}/initramfs-${profile.arch}.xz`]
    return { status: 200, body: `#!ipxe\n\nimgfree\n${lines.join('\n')}\nboot\n` }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    note(request, 'factory')
    const method = request.method ?? 'GET'
    const url = new URL(`http://factory${request.url ?? '/'}`)
    const failing = faults.failNext.findIndex(({ path }) => url.pathname.startsWith(path ?? '/'))
    const [failure] = failing < 0 ? [] : faults.failNext.splice(failing, 1)
    if (failure) return deliver(request, response, text(failure.status, failure.body))
    const matches = routes.map((route) => ({ route, parameters: match(route.pattern, url.pathname) }))
    const hit = matches.find(({ route, parameters }) => parameters && route.methods.includes(method))
    if (!hit?.parameters) return deliver(request, response, unrouted(routes, method, url.pathname))
    const given = request.headers['x-request-id']
    const headers = { server: serverName, 'x-request-id': typeof given === 'string' ? given : randomUUID() }
    let answer: Answer
    try {
      answer = await hit.route.answer(hit.parameters, request, url)
    } catch (error) {
      if (!isRefusal(error)) throw error
      answer = text(error.status, `${error.message}\n`)
    }
    await deliver(request, response, { ...answer, headers: { ...headers, ...answer.headers } })
  }

  async function store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    note(request, 'storage')
    const query = new URL(`http://storage${request.url ?? '/'}`).searchParams
    const body = signed.get(query.get('X-Amz-Signature') ?? '')
    const expired = faults.presignedExpired && request.method === 'GET'
    if (expired) faults.presignedExpired = false
    if (expired) return deliver(request, response, denied('AccessDenied', 'Request has expired'))
    // What was signed is a GET, so a HEAD has the wrong signature.
    if (!body || request.method !== 'GET') {
      const why = 'The request signature we calculated does not match the signature you provided.'
      return deliver(request, response, denied('SignatureDoesNotMatch', why))
    }
    await deliver(request, response, stored(request, body, query.get('response-content-disposition') ?? ''))
  }

  function note(request: IncomingMessage, to: 'factory' | 'storage'): void {
    const { range } = request.headers
    const { method = 'GET', url: path = '/' } = request
    requests.push({ at: Date.now(), method, path, to, ...(range === undefined ? {} : { range }) })
  }

  async function deliver(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    if (response.destroyed) return
    const body = Buffer.from(answer.body ?? '')
    const length = answer.bulk || body.length <= 2048 ? { 'content-length': body.length } : {}
    const sniffed = answer.status === 200 && body.length > 0 ? { 'content-type': 'text/plain; charset=utf-8' } : {}
    response.writeHead(answer.status, { ...sniffed, ...length, ...answer.headers })
    if (request.method === 'HEAD' || !answer.bulk) {
      response.end(request.method === 'HEAD' ? undefined : body)
      return
    }
    let end = faults.shortBody ? Math.floor(body.length / 2) : body.length
    if (faults.cutAfterBytes !== undefined && faults.cutAfterBytes < end) {
      end = faults.cutAfterBytes
      faults.cutAfterBytes = undefined
    }
    for (let sent = 0; sent < end && !response.destroyed;) {
      const perTick =
        faults.bytesPerSecond === undefined ? 1 << 20 : Math.max(1, Math.round(faults.bytesPerSecond / 20))
      const chunk = body.subarray(sent, Math.min(end, sent + perTick))
      await new Promise<void>((resolve) => response.write(chunk, () => resolve()))
      sent += chunk.length
      if (faults.bytesPerSecond !== undefined) await pause(50, undefined, { signal: stopping.signal })
    }
    if (end < body.length) response.destroy()
    else response.end()
  }

  async function listen(port: number, handle: typeof serve): Promise<Server> {
    const server = createServer((request, response) => {
      // Only the end of the lab, or of the client, comes to here: the answer has nobody to go to.
      handle(request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, address, resolve)
    })
    return server
  }

  return {
    schematics,
    requests,
    faults,
    get url() {
      return base(ports.factory)
    },
    async start() {
      if (servers.length > 0) throw new Error('the factory is already started')
      stopping = new AbortController()
      const factory = await listen(ports.factory, serve)
      const storage = await listen(ports.storage, store)
      servers = [factory, storage]
      ports.factory = portOf(factory)
      ports.storage = portOf(storage)
    },
    publish: (version) => void versions.add(withV(version)),
    withdraw: (version) => void versions.delete(withV(version)),
    imageBytes: (schematic, version, path) => (faults.html ? portalPage : bytesOf(schematic, withV(version), path)),
    async [Symbol.asyncDispose]() {
      const open = servers
      servers = []
      stopping.abort()
      builds.clear()
      for (const server of open) {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()))
        server.closeAllConnections()
        await closed
      }
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server is not listening')
  return address.port
}

function text(status: number, body: string): Answer {
  const type = body.startsWith('<') ? 'text/html' : 'text/plain'
  return { status, body, headers: { 'content-type': `${type}; charset=utf-8`, 'x-content-type-options': 'nosniff' } }
}

/** As Go's encoder writes: escaped for HTML, ended by a newline; only some routes say that it is JSON. */
function json(value: unknown, status = 200, headers: OutgoingHttpHeaders = {}): Answer {
  const escapes: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }
  return { status, body: `${JSON.stringify(value).replaceAll(/[<>&]/g, (each) => escapes[each] ?? each)}\n`, headers }
}

function found(status: 301 | 302 | 307, location: string): Answer {
  const names = { 301: 'Moved Permanently', 302: 'Found', 307: 'Temporary Redirect' }
  const body = `<a href="${location.replaceAll('&', '&amp;').replaceAll('"', '&#34;')}">${names[status]}</a>.\n\n`
  return { status, body, headers: { location, 'content-type': 'text/html; charset=utf-8' } }
}

function refusal(status: number, message: string): Error & { status: number } {
  return Object.assign(new Error(message), { status })
}

function isRefusal(error: unknown): error is Error & { status: number } {
  return error instanceof Error && 'status' in error && typeof error.status === 'number'
}

/** What julienschmidt/httprouter 1.3 says to a path that no route of the method has. */
function unrouted(routes: readonly Route[], method: string, path: string): Answer {
  for (const { methods, pattern } of routes) {
    if (!methods.includes(method)) continue
    const fixed = fixPath(pattern, path)
    if (fixed !== undefined && fixed !== path) return found(method === 'GET' ? 301 : 307, fixed)
  }
  const allowed = routes.filter(({ pattern }) => match(pattern, path)).flatMap(({ methods }) => methods)
  const allow = [...new Set(allowed), 'OPTIONS'].toSorted().join(', ')
  if (allowed.length === 0) return text(404, '404 page not found\n')
  if (method === 'OPTIONS') return { status: 200, headers: { allow } }
  const answer = text(405, 'Method Not Allowed\n')
  return { ...answer, headers: { ...answer.headers, allow } }
}

function match(pattern: string, path: string): Parameters | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, segment] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '')
    if (segment.startsWith(':') && value !== '') parameters[segment.slice(1)] = value
    else if (segment !== value) return undefined
  }
  return parameters
}

/** The path as the pattern spells it: one slash at a time, none at the end, fixed words in lower case. */
function fixPath(pattern: string, path: string): string | undefined {
  const wanted = pattern.split('/').slice(1)
  const given = path.split('/').filter((segment) => segment !== '')
  const fits = wanted.every((word, index) => word.startsWith(':') || word === given[index]?.toLowerCase())
  if (!fits || wanted.length !== given.length) return undefined
  return `/${wanted.map((word, index) => (word.startsWith(':') ? given[index] : word)).join('/')}`
}

/** An object of an S3 store: ETag, ranges, If-Range, If-Match. */
function stored(request: IncomingMessage, body: Buffer, disposition: string): Answer {
  const etag = `"${createHash('md5').update(body).digest('hex')}"`
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    'last-modified': 'Mon, 03 Aug 2026 10:00:00 GMT',
    'content-type': 'application/octet-stream',
    'content-disposition': disposition,
    server: 'AmazonS3',
  }
  const { range = '', 'if-range': ifRange, 'if-match': ifMatch } = request.headers
  if (ifMatch !== undefined && ifMatch !== etag) return { status: 412, headers: { etag } }
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? []
  if ((first === '' && last === '') || (ifRange !== undefined && ifRange !== etag)) {
    return { status: 200, body, headers, bulk: true }
  }
  const from = first === '' ? Math.max(0, body.length - Number(last)) : Number(first)
  const to = first === '' || last === '' ? body.length - 1 : Math.min(Number(last), body.length - 1)
  if (from > to) return { status: 416, headers: { 'content-range': `bytes */${body.length}` } }
  return {
    status: 206,
    body: body.subarray(from, to + 1),
    headers: { ...headers, 'content-range': `bytes ${from}-${to}/${body.length}` },
    bulk: true,
  }
}

function denied(code: string, message: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { status: 403, body, headers: { 'content-type': 'application/xml', server: 'AmazonS3' } }
}

/** internal/mime/mime.go */
function contentType(path: string): string {
  const types: Record<string, string> = {
    efi: 'application/efi',
    iso: 'application/x-iso9660-image',
    xz: 'application/x-xz',
    gz: 'application/gzip',
    qcow2: 'application/x-qemu-disk',
  }
  return types[/\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''] ?? 'application/octet-stream'
}

const versionPattern = /^v?(\d+)\.(\d+)\.(\d+)(?:-(alpha|beta|rc)\.(\d+))?$/

function withV(version: string): string {
  return `v${version.replace(/^v/, '')}`
}

function parseVersion(version: string): string {
  // The factory's own parser fails outside its list of known mistakes, hence no reason is given.
  if (!/^v?\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version)) throw refusal(500, 'internal server error')
  return withV(version)
}

/** internal/artifacts/versions.go: ascending by semver; pre-releases of the highest minor release only. */
function listed(versions: ReadonlySet<string>): string[] {
  const stages = ['alpha', 'beta', 'rc', undefined]
  const parsed = [...versions].flatMap((version) => {
    const found = versionPattern.exec(version)
    if (!found) return []
    const order = [found[1], found[2], found[3], stages.indexOf(found[4]), found[5] ?? 0].map(Number)
    return [{ version, order, minor: `${found[1]}.${found[2]}`, isFinal: found[4] === undefined }]
  })
  const sorted = parsed.toSorted((a, b) => {
    const index = a.order.findIndex((value, at) => value !== b.order[at])
    return index < 0 ? 0 : (a.order[index] ?? 0) - (b.order[index] ?? 0)
  })
  const highest = sorted.at(-1)?.minor
  return sorted.filter(({ isFinal, minor }) => isFinal || minor === highest).map(({ version }) => version)
}

interface Profile {
  readonly kind: 'uki' | 'cmdline' | 'other'
  readonly platform: string
  readonly arch: Arch
  readonly secureboot: boolean
}

const architectures: Readonly<Record<string, Arch>> = { amd64: 'amd64', arm64: 'arm64', x86_64: 'amd64', i386: 'amd64' }
const knownPlatforms = new Set(
  `akamai aws azure cloudstack digital-ocean equinixMetal exoscale gcp hcloud metal nocloud opennebula openstack oracle
  scaleway upcloud vmware vultr`.split(/\s+/),
)

/** internal/profile/profile.go ParseFromPath */
function parsePath(path: string): Profile {
  const parsing = 'error parsing profile from path:'
  const [, prefix, bare] =
    /^(kernel-|initramfs-(?=.*\.xz$)|cmdline-|installer-(?=.*\.tar$))(.*?)(?:\.xz|\.tar)?$/.exec(path) ?? []
  const [, image, suffix] =
    /^(.+?)(-uki\.efi|-installer-.*\.tar|\.iso|\.(?:raw|qcow2|vhd|ova)(?:\.tar\.gz|\.gz|\.xz|\.zst)?)$/.exec(path) ?? []
  const rest = bare ?? image
  if (rest === undefined) throw refusal(400, `${parsing} invalid profile path: "${path}"`)
  const name = rest.replace(/-secureboot$/, '')
  const dash = name.lastIndexOf('-')
  const needsPlatform = prefix === undefined || prefix === 'cmdline-'
  if (needsPlatform && dash < 0) throw refusal(400, `${parsing} invalid platform-arch: "${name}"`)
  const arch = architectures[needsPlatform ? name.slice(dash + 1) : name]
  if (arch === undefined) throw refusal(400, `${parsing} invalid architecture: "${name.slice(dash + 1)}"`)
  return {
    kind: suffix === '-uki.efi' ? 'uki' : prefix === 'cmdline-' ? 'cmdline' : 'other',
    platform: needsPlatform ? name.slice(0, dash) : 'metal',
    arch,
    secureboot: rest !== name,
  }
}

/** Of a schematic, what an image depends on. */
const schematicForm = z.object({
  overlay: z.object({ image: z.string(), name: z.string() }).optional(),
  customization: z.object({
    embeddedMachineConfiguration: z.string().optional(),
    extraKernelArgs: z.array(z.string()).default([]),
    systemExtensions: z.object({ officialExtensions: z.array(z.string()).default([]) }).optional(),
  }),
})
type Schematic = z.infer<typeof schematicForm>

function readSchematic(yaml: string): Schematic {
  return schematicForm.parse(parse(yaml))
}

type Shape =
  | { readonly go: 'string' | 'bool' | 'uint' | 'uint8' | 'BootloaderKind' | 'map[string]interface {}' }
  | { readonly go: '[]string' | '[]schematic.MetaValue'; readonly of: Shape }
  | Struct
interface Struct {
  readonly go: `schematic.${string}`
  readonly fields: Readonly<Record<string, Shape>>
  /** Names of the fields that are written when they are empty too. */
  readonly always: readonly string[]
}

const string: Shape = { go: 'string' }
const strings: Shape = { go: '[]string', of: string }
const struct = (name: string, always: string[], fields: Record<string, Shape>): Struct => {
  return { go: `schematic.${name}`, always, fields }
}

/** pkg/schematic/schematic.go: the fields in the order in which they are written. */
const schematicShape = struct('Schematic', ['customization'], {
  owner: string,
  overlay: struct('Overlay', ['image', 'name'], {
    image: string,
    name: string,
    options: { go: 'map[string]interface {}' },
  }),
  customization: struct('Customization', [], {
    embeddedMachineConfiguration: string,
    extraKernelArgs: strings,
    meta: {
      go: '[]schematic.MetaValue',
      of: struct('MetaValue', ['key', 'value'], { key: { go: 'uint8' }, value: string }),
    },
    systemExtensions: struct('SystemExtensions', [], { officialExtensions: strings }),
    bootloader: { go: 'BootloaderKind' },
    secureboot: struct('SecureBootCustomization', [], {
      enrollKeys: string,
      includeWellKnownCertificates: { go: 'bool' },
    }),
    diskImage: struct('DiskImage', [], { sectorSize: { go: 'uint' } }),
  }),
})

/** The bytes that a schematic's id is the sha256 of, for strings that YAML needs no quotes for. */
function canonicalSchematic(source: string): string {
  const lines = new LineCounter()
  const [document] = parseAllDocuments(source, { lineCounter: lines })
  if (!document || !('contents' in document) || !document.contents) throw refusal(400, 'EOF')
  const [mistake] = document.errors
  if (mistake) throw refusal(400, `yaml: ${mistake.message.split('\n', 1)[0]}`)
  const fields = canonicalFields(document.contents, schematicShape, lines)
  if (fields['owner'] !== undefined) throw refusal(400, 'owner field is only supported in Enterprise edition')
  return stringify(fields, { indent: 4, lineWidth: 0 })
}

function misfit(node: Node, lines: LineCounter, what: string): Error {
  return refusal(400, `yaml: construct errors:\n  line ${lines.linePos(node.range?.[0] ?? 0).line}: ${what}`)
}

/** A struct's fields in its own order, without the empty ones; strict, as the decoder's KnownFields. */
function canonicalFields(node: Node, { go, fields, always }: Struct, lines: LineCounter): Record<string, unknown> {
  const given = new Map<string, Node>()
  if (!isMap(node) && !isNull(node)) throw misfit(node, lines, `cannot construct ${tagOf(node)} into ${go}`)
  for (const { key, value } of isMap(node) ? node.items : []) {
    const name = isScalar(key) ? String(key.value) : ''
    if (!fields[name]) throw misfit(isNode(key) ? key : node, lines, `field ${name} not found in type ${go}`)
    if (isNode(value)) given.set(name, value)
  }
  const entries = Object.entries(fields).flatMap(([name, shape]): [string, unknown][] => {
    const child = given.get(name)
    const value = child && canonical(child, shape, lines)
    if (!isEmpty(value)) return [[name, value]]
    // A struct whose every field is empty is left out by whoever holds it; a schematic is held by nobody.
    if (!always.includes(name) || (given.size === 0 && go !== 'schematic.Schematic')) return []
    return [[name, 'fields' in shape ? {} : shape.go === 'uint8' ? 0 : '']]
  })
  return Object.fromEntries(entries)
}

function canonical(node: Node, shape: Shape, lines: LineCounter): unknown {
  if ('fields' in shape) return canonicalFields(node, shape, lines)
  if (isNull(node)) return undefined
  const wrong = misfit(node, lines, `cannot construct ${tagOf(node)} into ${shape.go}`)
  if ('of' in shape) {
    if (!isSeq(node)) throw wrong
    return node.items.map((item) => (isNode(item) ? canonical(item, shape.of, lines) : undefined) ?? '')
  }
  if (shape.go === 'map[string]interface {}') {
    if (!isMap(node)) throw wrong
    const options: Record<string, unknown> = node.toJSON()
    const natural = new Intl.Collator('en', { numeric: true })
    return Object.fromEntries(Object.entries(options).toSorted(([a], [b]) => natural.compare(a, b)))
  }
  if (!isScalar(node)) throw wrong
  if (shape.go === 'string') return node.type === 'PLAIN' ? node.source : String(node.value)
  if (shape.go === 'BootloaderKind') {
    const kind = String(node.value).toLowerCase()
    if (kind === 'none') return undefined
    if (['dual-boot', 'sd-boot', 'grub'].includes(kind)) return kind
    throw misfit(node, lines, `${String(node.value)} does not belong to BootloaderKind values`)
  }
  if (shape.go === 'bool' && typeof node.value !== 'boolean') throw wrong
  const highest = shape.go === 'uint8' ? 255 : Number.MAX_SAFE_INTEGER
  const isUnsigned = Number.isInteger(node.value) && Number(node.value) >= 0 && Number(node.value) <= highest
  if (shape.go !== 'bool' && !isUnsigned) throw wrong
  return node.value
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null
}

function tagOf(node: Node): string {
  if (isMap(node)) return '!!map'
  if (isSeq(node)) return '!!seq'
  const value = isScalar(node) ? node.value : undefined
  const tag = typeof value === 'number' ? '!!int' : typeof value === 'boolean' ? '!!bool' : '!!str'
  return `${tag} \`${String(value).slice(0, 10)}\``
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === false || value === 0) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
