import { createHosts, type HostOptions } from '../adapters/machines/hosts.ts'
import type { HttpCall } from '../adapters/machines/http-call.ts'
import { createTurns } from '../adapters/machines/turns.ts'
import { createWaker, type WakeOptions } from '../adapters/machines/waker.ts'
import type { SecretSource } from '../config/scalars.ts'
import type { Config } from '../config/config.ts'
import { AgentError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Ports } from '../core/ports.ts'
import { keepFile, type KeptFile } from './kept-file.ts'
import { type SecretReader, withSecrets } from './secret-reader.ts'
import type { Settings } from './settings.ts'

type GivenHost = Config['hosts'][number]
type GivenWake = NonNullable<GivenHost['wake']>
type GivenCall = Extract<GivenHost['shutdown'], { http: unknown }>['http']

/** Called with the name of a machine whose secrets can't be read and why, or undefined when they can again. */
export type MachineTrouble = (machine: string, why: string | undefined) => void

export interface FollowMachinesOptions {
  readonly settings: Settings
  readonly trouble: MachineTrouble
  readonly canWait: (error: unknown) => boolean
  readonly log?: Logger | undefined
}

/**
 * What brings nodes and hosts up, and hosts down, for as long as the daemon runs: secrets that change count from the next call on, and so does what
 * `power.wake` says of all machines. One whose secrets can't be read keeps no other from being shut down or woken.
 */
export async function followMachines(options: FollowMachinesOptions): Promise<Pick<Ports, 'hosts' | 'waker'>> {
  const { settings, log } = options
  const troubles = createTroubles(options.trouble)
  const [hosts, wakes] = await Promise.all([
    follow(() => hostsOf(settings), { ...options, trouble: troubles.of('shutdown') }),
    follow(() => wakesOf(settings), { ...options, trouble: troubles.of('wake') }),
  ])
  // What was read well is over, whatever was wrong with it before the start.
  troubles.begin(wakesOf(settings).map(({ name }) => name))
  const hostOf = perMachine(hosts, settings, 'host', (host) => createHosts([host], { log }))
  // Machines take turns among each other, so they share them.
  const turns = createTurns(() => settings.config.power.wake.stagger)
  const wakerOf = perMachine(wakes, settings, 'machine', (wake, config) =>
    createWaker([toWakeOptions(wake, config)], { log }),
  )
  return {
    hosts: {
      answers: async (name, signal) => (await hostOf(name)).answers(name, signal),
      shutDown: async (name, signal) => (await hostOf(name)).shutDown(name, signal),
      rehearse: async (name, signal) => (await hostOf(name)).rehearse(name, signal),
    },
    waker: {
      wake: async (name, signal) => (await wakerOf(name)).wake(name, signal),
      rehearse: async (name, signal) => (await wakerOf(name)).rehearse(name, signal),
      turnIn: async (name) => turns(name),
      powerOn: async (name, signal) => (await wakerOf(name)).powerOn(name, signal),
    },
  }
}

/** What is wrong with the secrets of each machine, for its shutdown and for waking it: it is over when neither is. */
function createTroubles(trouble: MachineTrouble) {
  const whys = new Map<string, ReadonlyMap<string, string>>()
  let hasBegun = false
  const tell = (name: string) => {
    const texts = new Set(whys.get(name)?.values().toArray().toSorted())
    trouble(name, texts.size === 0 ? undefined : [...texts].join('; '))
  }
  return {
    /** Tells of these, and from now on of each change. */
    begin: (names: readonly string[]) => {
      hasBegun = true
      names.forEach(tell)
    },
    of:
      (what: 'shutdown' | 'wake'): MachineTrouble =>
      (name, why) => {
        const others = [...(whys.get(name) ?? [])].filter(([one]) => one !== what)
        whys.set(name, new Map(why === undefined ? others : [...others, [what, why]]))
        if (hasBegun) tell(name)
      },
  }
}

/** A machine, and what is made of what the configuration says of it. */
interface Named<T> {
  readonly name: string
  /** What the configuration says of it. */
  readonly of: unknown
  readonly make: (reader: SecretReader) => Promise<T>
}

function hostsOf({ config, path }: Settings): readonly Named<HostOptions>[] {
  return config.hosts.map((host, index) => ({
    name: host.name,
    of: host,
    make: (reader) => toHost(host, `hosts.${index}`, { ...reader, path }),
  }))
}

function wakesOf({ config: { nodes, hosts } }: Settings): readonly Named<OwnWake>[] {
  return [
    ...nodes.map((node, index) => ({ name: node.name, of: node, make: wakeMaker(node, `nodes.${index}`) })),
    ...hosts.map((host, index) => ({ name: host.name, of: host, make: wakeMaker(host, `hosts.${index}`) })),
  ]
}

type KeptOf<T> = (name: string) => Promise<KeptFile<T> | undefined>

/** What is kept of each machine; machines that join are followed from then on, and so is what changes of one. */
async function follow<T>(
  all: () => readonly Named<T>[],
  { settings, trouble, canWait }: FollowMachinesOptions,
): Promise<KeptOf<T>> {
  const kept = new Map<string, { readonly of: unknown; readonly file: Promise<KeptFile<T>> }>()
  const keep = ({ name, of, make }: Named<T>): Promise<KeptFile<T>> => {
    const read = () => withSecrets(settings, make)
    const file = keepFile({ read, trouble: (why) => trouble(name, why), canWait })
    kept.set(name, { of, file })
    return file
  }
  await Promise.all(all().map(keep))
  return async (name) => {
    const present = all().find((one) => one.name === name)
    if (!present) return undefined
    const before = kept.get(name)
    return before?.of === present.of ? before?.file : keep(present)
  }
}

/** The port of one machine, made anew when its secrets or the configuration have changed. */
function perMachine<T, Port>(
  all: KeptOf<T>,
  settings: Settings,
  kind: string,
  make: (options: T, config: Config) => Port,
): (name: string) => Promise<Port> {
  const made = new Map<string, { readonly options: T; readonly config: Config; readonly port: Port }>()
  return async (name) => {
    const kept = await all(name)
    if (!kept) throw new AgentError('misconfigured', `the configuration has no ${kind} ${name}`)
    const options = await kept.current()
    const { config } = settings
    const before = made.get(name)
    if (before?.options === options && before.config === config) return before.port
    const port = make(options, config)
    made.set(name, { options, config, port })
    return port
  }
}

type HostReader = SecretReader & Pick<Settings, 'path'>

async function toHost(
  { name, address, port, shutdown }: GivenHost,
  at: string,
  reader: HostReader,
): Promise<HostOptions> {
  const common = { name, address, ...(port === undefined ? {} : { port }) }
  if ('http' in shutdown) return { ...common, shutdown: await toCall(shutdown.http, `${at}.shutdown.http`, reader) }
  // The key is read by ssh itself, with each login.
  const { key, knownHosts, ...ssh } = shutdown.ssh
  const { path } = reader
  return { ...common, shutdown: { kind: 'ssh', ...ssh, key: path(key), knownHosts: path(knownHosts) } }
}

/** What a machine's own part of the configuration says of waking it. */
interface OwnWake extends Pick<WakeOptions, 'name' | 'mac' | 'address' | 'secureOn' | 'powerOn'> {
  readonly given: GivenWake | undefined
}

function wakeMaker(
  { name, mac, address, wake }: Pick<GivenHost, 'name' | 'mac' | 'address' | 'wake'>,
  at: string,
): (reader: SecretReader) => Promise<OwnWake> {
  return async (reader) => {
    const { secureOn, powerOn } = wake ?? {}
    return {
      name,
      mac,
      address,
      given: wake,
      ...(secureOn ? { secureOn: await reader.secret(secureOn, `${at}.wake.secureOn`) } : {}),
      ...(powerOn ? { powerOn: await toPowerOn(powerOn, `${at}.wake.powerOn`, reader) } : {}),
    }
  }
}

function toWakeOptions({ given, ...own }: OwnWake, { power }: Config): WakeOptions {
  const broadcast = given?.broadcast ?? power.wake.broadcast
  return {
    ...own,
    broadcast: typeof broadcast === 'string' ? [broadcast] : broadcast,
    port: given?.port ?? power.wake.port,
    interface: given?.interface ?? power.wake.interface,
  }
}

async function toPowerOn(
  given: NonNullable<GivenWake['powerOn']>,
  at: string,
  reader: SecretReader,
): Promise<NonNullable<WakeOptions['powerOn']>> {
  if ('http' in given) return toCall(given.http, `${at}.http`, reader)
  const [program = '', ...words] = given.command
  const environment = await secretsIn(given.environment, `${at}.environment`, reader)
  return { kind: 'command', command: [program, ...words], environment }
}

async function toCall(
  { url, method, headers, body, ca, expect }: GivenCall,
  at: string,
  reader: SecretReader,
): Promise<HttpCall> {
  return {
    kind: 'http',
    url,
    method,
    headers: await secretsIn(headers, `${at}.headers`, reader),
    ...(body === undefined ? {} : { body }),
    ...(expect === undefined ? {} : { expect }),
    ...(ca === undefined ? {} : { ca: await reader.text(ca) }),
  }
}

async function secretsIn(
  values: Readonly<Record<string, string | SecretSource>>,
  at: string,
  { secret }: SecretReader,
): Promise<Record<string, string>> {
  const read = Object.entries(values).map(async ([name, value]): Promise<[string, string]> => [
    name,
    typeof value === 'string' ? value : await secret(value, `${at}.${name}`),
  ])
  return Object.fromEntries(await Promise.all(read))
}
