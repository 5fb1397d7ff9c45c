import { createHosts, type HostOptions } from '../adapters/machines/hosts.ts'
import type { HttpCall } from '../adapters/machines/http-call.ts'
import { createWaker, type WakeOptions } from '../adapters/machines/waker.ts'
import type { SecretSource } from '../config/scalars.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../core/log.ts'
import type { Ports } from '../core/ports.ts'
import { readSecret, readText, type Settings } from './settings.ts'

type GivenHost = Config['hosts'][number]
type GivenWake = NonNullable<GivenHost['wake']>
type GivenCall = Extract<GivenHost['shutdown'], { http: unknown }>['http']

/** What brings nodes and hosts up, and hosts down. Files that are named are read. @throws AgentError `misconfigured` */
export async function openMachines(settings: Settings, log?: Logger): Promise<Pick<Ports, 'hosts' | 'waker'>> {
  const { hosts, nodes } = settings.config
  const [shutdowns, wakes] = await Promise.all([
    Promise.all(hosts.map((host, index) => toHost(host, `hosts.${index}`, settings))),
    Promise.all([
      ...nodes.map((node, index) => toWake(node, `nodes.${index}`, settings)),
      ...hosts.map((host, index) => toWake(host, `hosts.${index}`, settings)),
    ]),
  ])
  return { hosts: createHosts(shutdowns, { log }), waker: createWaker(wakes, { log }) }
}

async function toHost(
  { name, address, port, shutdown }: GivenHost,
  at: string,
  settings: Settings,
): Promise<HostOptions> {
  const common = { name, address, ...(port === undefined ? {} : { port }) }
  if ('http' in shutdown) return { ...common, shutdown: await toCall(shutdown.http, `${at}.shutdown.http`, settings) }
  const { key, knownHosts, ...ssh } = shutdown.ssh
  return {
    ...common,
    shutdown: { kind: 'ssh', ...ssh, key: settings.path(key), knownHosts: settings.path(knownHosts) },
  }
}

async function toWake(
  { name, mac, wake }: { name: string; mac?: string | undefined; wake?: GivenWake | undefined },
  at: string,
  settings: Settings,
): Promise<WakeOptions> {
  const all = settings.config.power.wake
  const { secureOn, powerOn } = wake ?? {}
  const broadcast = wake?.broadcast ?? all.broadcast
  return {
    name,
    mac,
    broadcast: typeof broadcast === 'string' ? [broadcast] : broadcast,
    port: wake?.port ?? all.port,
    interface: wake?.interface ?? all.interface,
    ...(secureOn ? { secureOn: await readSecret(secureOn, `${at}.wake.secureOn`, settings) } : {}),
    ...(powerOn ? { powerOn: await toPowerOn(powerOn, `${at}.wake.powerOn`, settings) } : {}),
  }
}

async function toPowerOn(
  given: NonNullable<GivenWake['powerOn']>,
  at: string,
  settings: Settings,
): Promise<NonNullable<WakeOptions['powerOn']>> {
  if ('http' in given) return toCall(given.http, `${at}.http`, settings)
  const [program = '', ...words] = given.command
  const environment = await withSecrets(given.environment, `${at}.environment`, settings)
  return { kind: 'command', command: [program, ...words], environment }
}

async function toCall(
  { url, method, headers, body, ca, expect }: GivenCall,
  at: string,
  settings: Settings,
): Promise<HttpCall> {
  return {
    kind: 'http',
    url,
    method,
    headers: await withSecrets(headers, `${at}.headers`, settings),
    ...(body === undefined ? {} : { body }),
    ...(expect === undefined ? {} : { expect }),
    ...(ca === undefined ? {} : { ca: await readText(settings.path(ca)) }),
  }
}

async function withSecrets(
  values: Readonly<Record<string, string | SecretSource>>,
  at: string,
  settings: Settings,
): Promise<Record<string, string>> {
  const read = Object.entries(values).map(async ([name, value]): Promise<[string, string]> => [
    name,
    typeof value === 'string' ? value : await readSecret(value, `${at}.${name}`, settings),
  ])
  return Object.fromEntries(await Promise.all(read))
}
