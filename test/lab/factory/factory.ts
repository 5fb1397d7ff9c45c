import { hash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { isRefusal, json, refusal, text, type Answer } from './answers.ts'
import { createAssets, portalPage } from './assets.ts'
import { deliver } from './delivery.ts'
import { noFaults, type LabFactoryFaults } from './faults.ts'
import { createImages } from './images.ts'
import { routesOf } from './routes.ts'
import { match, unrouted } from './routing.ts'
import { canonicalSchematic } from './schematic.ts'
import { createServers } from './servers.ts'
import { createStorage } from './storage.ts'
import { listed, withV } from './versions.ts'

export interface LabFactoryOptions {
  readonly address?: string
  /** 0 for any free one. */
  readonly port?: number
  /** Talos releases that it knows, with or without `v`, in any order. */
  readonly versions: readonly string[]
  /** Official extensions that every release has. */
  readonly extensions?: readonly string[]
  /** Releases of those that it has withdrawn: `brokenTalosVersions` of its configuration. */
  readonly withdrawn?: readonly string[]
  /** The path that a reverse proxy in front serves it at, `/factory`; nothing is there beside it. */
  readonly under?: string
  /** Size of a made image, in bytes; a little more comes out, for the headers and the padding. */
  readonly imageBytes?: number
  /** Files to serve in place of made UKIs, by Talos version. */
  readonly files?: Readonly<Record<string, string>>
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
  /** It leaves the list without a word. */
  remove(version: string): void
  /** It leaves the list, and is marked as broken. */
  withdraw(version: string): void
  /** Canonical YAML of every schematic that it was given, by id. */
  readonly schematics: ReadonlyMap<string, string>
  readonly requests: readonly LabFactoryRequest[]
  readonly faults: LabFactoryFaults
  /** What an image request would now be answered with, of `path` such as `metal-amd64-uki.efi`. */
  imageBytes(schematic: string, version: string, path: string): Buffer
}

const serverName = 'Image Factory v1.5.0'
const someExtensions = ['amd-ucode', 'gvisor', 'i915', 'intel-ucode', 'iscsi-tools', 'nut-client', 'util-linux-tools']

export function createFactory(options: LabFactoryOptions): LabFactory {
  const { address = '127.0.0.1', under = '' } = options
  const extensions = options.extensions ?? someExtensions.map((name) => `siderolabs/${name}`)
  const withdrawn = new Set((options.withdrawn ?? []).map(withV))
  const versions = new Set(options.versions.map(withV).filter((version) => !withdrawn.has(version)))
  const schematics = new Map<string, string>()
  const requests: LabFactoryRequest[] = []
  const faults = noFaults()
  const storage = createStorage(faults)
  const servers = createServers(address, options.port ?? 0, { factory: serve, storage: store })
  const bytesOf = createImages({
    schematics,
    faults,
    imageBytes: options.imageBytes ?? 200_000,
    files: options.files,
    origin: () => servers.origin('factory'),
  })
  const { image, pxe, forget } = createAssets({ schematics, versions, faults, extensionsOf, servers, storage, bytesOf })
  const routes = routesOf({ schematics, versions, withdrawn, faults, extensionsOf, register, image, pxe })

  async function register(request: IncomingMessage): Promise<Answer> {
    const yaml = canonicalSchematic((await buffer(request)).toString())
    const id = hash('sha256', yaml)
    schematics.set(id, yaml)
    return json({ id, schematic: yaml }, 201, { 'content-type': 'application/json' })
  }

  function extensionsOf(version: string): string[] {
    if (!listed(versions).includes(version)) throw refusal(404, `version ${version.slice(1)} is not available`)
    return extensions.filter((name) => !faults.missingExtensions[version]?.includes(name))
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    note(request, 'factory')
    const method = request.method ?? 'GET'
    const asked = request.url ?? '/'
    if (!asked.startsWith(under)) return reply(request, response, text(404, 'nothing is served here\n'))
    const url = new URL(`http://factory${asked.slice(under.length)}`)
    const failing = faults.failNext.findIndex(({ path }) => url.pathname.startsWith(path ?? '/'))
    const [failure] = failing < 0 ? [] : faults.failNext.splice(failing, 1)
    if (failure) return reply(request, response, text(failure.status, failure.body))
    const matches = routes.map((route) => ({ route, parameters: match(route.pattern, url.pathname) }))
    const hit = matches.find(({ route, parameters }) => parameters && route.methods.includes(method))
    if (!hit?.parameters) return reply(request, response, unrouted(routes, method, url.pathname))
    const given = request.headers['x-request-id']
    const headers = { server: serverName, 'x-request-id': typeof given === 'string' ? given : randomUUID() }
    let answer: Answer
    try {
      answer = await hit.route.answer(hit.parameters, request, url)
    } catch (error) {
      if (!isRefusal(error)) throw error
      answer = text(error.status, `${error.message}\n`)
    }
    await reply(request, response, { ...answer, headers: { ...headers, ...answer.headers } })
  }

  async function store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    note(request, 'storage')
    await reply(request, response, storage.answer(request))
  }

  function note(request: IncomingMessage, to: 'factory' | 'storage'): void {
    const { range } = request.headers
    const { method = 'GET', url: path = '/' } = request
    requests.push({ at: Date.now(), method, path, to, ...(range === undefined ? {} : { range }) })
  }

  function reply(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    return deliver(request, response, answer, { faults, signal: servers.stopping() })
  }

  return {
    schematics,
    requests,
    faults,
    get url() {
      return `${servers.url('factory')}${under}`
    },
    start: servers.start,
    publish: (version) => {
      versions.add(withV(version))
      withdrawn.delete(withV(version))
    },
    remove: (version) => void versions.delete(withV(version)),
    withdraw: (version) => {
      versions.delete(withV(version))
      withdrawn.add(withV(version))
    },
    imageBytes: (schematic, version, path) => (faults.html ? portalPage : bytesOf(schematic, withV(version), path)),
    [Symbol.asyncDispose]() {
      forget()
      return servers.stop()
    },
  }
}
