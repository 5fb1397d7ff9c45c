import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { temporaryFolder } from '../process.ts'
import { jsonOf, type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer, WireRequest } from './wire.ts'

/** What a service behind Apprise was given. */
export interface Delivered {
  readonly service: string
  readonly title: string
  readonly message: string
  readonly type: string
}

/** An Apprise API server with two services under one key, each tagged with its name. */
export interface LabApprise extends AsyncDisposable {
  readonly url: string
  /** Of a configuration whose services have no tags. */
  readonly key: string
  /** Of one in which each has its name as its tag. */
  readonly taggedKey: string
  /** Of a service, as it stands in an Apprise configuration. */
  serviceUrl(name: 'phone' | 'tablet'): string
  readonly delivered: readonly Delivered[]
  /** Services that take nothing. */
  readonly down: Set<string>
  /** Forgets what was delivered; everything is up again. */
  reset(): void
}

const key = 'canary-apprise-key'
const taggedKey = 'canary-apprise-tagged'
const keys = { key, taggedKey }
const names = ['phone', 'tablet'] as const
const interpreters = ['/usr/bin/python3', 'python3']

/** Why the real library can't be had here; undefined when it can. */
export function whyNoApprise(): string | undefined {
  return python() === undefined ? 'apprise is not installed' : undefined
}

function python(): string | undefined {
  return interpreters.find((one) => spawnSync(one, ['-c', 'import apprise']).status === 0)
}

/** The apprise library itself, behind the answers of apprise-api. */
export async function startRealApprise(address: string): Promise<LabApprise> {
  await using stack = new AsyncDisposableStack()
  const services = stack.use(await startServices(address))
  const folder = stack.use(await temporaryFolder())
  const configurations = {
    [key]: names.map((name) => services.serviceUrl(name)),
    [taggedKey]: names.map((name) => ({ [services.serviceUrl(name)]: { tag: name } })),
  }
  const files: string[] = []
  for (const [name, urls] of Object.entries(configurations)) {
    const file = join(folder.path, `${name}.yml`)
    await writeFile(file, stringify({ urls }))
    files.push(`${name}=${file}`)
  }
  const script = fileURLToPath(new URL('apprise-server.py', import.meta.url))
  const child = spawn(python()!, [script, address, ...files], { stdio: ['ignore', 'pipe', 'inherit'] })
  stack.defer(() => end(child))
  const port = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`apprise ended with ${code}`)))
  })
  const parts = stack.move()
  return { ...services, url: `http://${address}:${port}`, ...keys, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill()
  await ended
}

/** What the same server answers, without the library: and so with what may go wrong on the way. */
export async function startApprise(address: string): Promise<LabApprise & LabStandIn> {
  const services = await startServices(address)
  const standIn = await startStandIn(address, async ({ method, target, headers, body }): Promise<WireAnswer> => {
    const content = jsonOf(body) as
      | { body?: string; title?: string; type?: string; tag?: string; urls?: string }
      | undefined
    const found = /^\/notify(?:\/([\w-]{1,128}))?\/?$/.exec(target)
    if (method !== 'POST' || !found) return { status: 404, body: '<h1>Not Found</h1>' }
    if (!content?.body) return answerAs(headers, 400, 'Payload lacks minimum requirements')
    if (content.tag !== undefined && !tagCharacters.test(content.tag))
      return answerAs(headers, 400, 'Unsupported characters found in tag definition')
    if (found[1] !== undefined && ![key, taggedKey].includes(found[1])) return { status: 204 }
    const called = names.filter((name) => isCalled(name, found[1], content, services))
    if (found[1] === undefined && called.length === 0) return { status: 204 }
    const message = { title: content.title ?? '', message: content.body, type: content.type ?? 'info' }
    const log = found[1] === undefined ? [] : [`${at} - INFO - Loaded 2 entries from memory://`]
    for (const name of called) log.push(await services.hand(name, message))
    const isSent = called.length > 0 && !log.some((line) => line.includes('WARNING'))
    return answerAs(headers, isSent ? 200 : 424, log.join('\n') || 'One or more notification could not be sent.')
  })
  return {
    ...services,
    ...standIn,
    ...keys,
    [Symbol.asyncDispose]: async () => {
      await standIn[Symbol.asyncDispose]()
      await services[Symbol.asyncDispose]()
    },
  }
}

/** What a tag may be made of (api/views.py). */
const tagCharacters = /^[a-z0-9\s| ,_:+&-]+$/i
/** When all is logged. */
const at = '2026-11-26 02:00:00,000'

/** A comma in tags means or, a space means and; `all` are all, and no tag means the services without one. */
function isCalled(
  name: (typeof names)[number],
  ofKey: string | undefined,
  { tag, urls = '' }: { readonly tag?: string; readonly urls?: string },
  services: { serviceUrl(name: string): string },
): boolean {
  if (ofKey === undefined) return urls.split(/[\s,]+/).includes(services.serviceUrl(name))
  if (tag === undefined || tag === 'all') return tag === 'all' || ofKey === key
  const own = ofKey === taggedKey ? name : undefined
  return tag.split(',').some((all) =>
    all
      .trim()
      .split(/\s+/)
      .every((one) => one === own),
  )
}

function answerAs(headers: WireRequest['headers'], status: number, text: string): WireAnswer {
  const isJson = (headers.accept ?? 'application/json').includes('application/json')
  return { status, body: isJson ? { error: text } : text }
}

/** The services that Apprise passes messages on to, by its own `json://`. */
async function startServices(address: string) {
  const delivered: Delivered[] = []
  const down = new Set<string>()
  const standIn = await startStandIn(address, ({ target, body }) => {
    const service = target.replaceAll('/', '')
    if (down.has(service)) return { status: 500 }
    const { title, message, type } = jsonOf(body) as unknown as Omit<Delivered, 'service'>
    delivered.push({ service, title, message, type })
    return { status: 200 }
  })
  return {
    delivered,
    down,
    reset: () => {
      delivered.length = 0
      down.clear()
    },
    serviceUrl: (name: string) => `${standIn.url.replace('http:', 'json:')}/${name}`,
    /** Passes it on, and says what the library's log does. */
    hand: async (name: string, message: Omit<Delivered, 'service'>) => {
      const { ok } = await fetch(`${standIn.url}/${name}`, { method: 'POST', body: JSON.stringify(message) })
      return ok
        ? `${at} - INFO - Sent JSON POST notification.`
        : `${at} - WARNING - Failed to send JSON POST notification: Internal Server Error., error=500.`
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}
