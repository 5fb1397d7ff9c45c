import { dirname, resolve } from 'node:path'
import { defined } from '../../core/defined.ts'
import type { Given } from './answers.ts'
import { openYaml } from '../../yaml.ts'

/** An older configuration: its text, and what it says of what is asked. */
export interface Known {
  readonly text: string
  /** With absolute paths. */
  readonly given: Given
}

/** What an older configuration answers already; nothing where it is no YAML. Never throws. */
export function readKnown(text: string, file: string): Known {
  const { document, faults } = openYaml(text)
  if (faults.length > 0) return { text, given: {} }
  const raw = valueIn(document)
  const path = (value: unknown) =>
    typeof value === 'string' && value !== '' ? resolve(dirname(file), value) : undefined
  const word = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const { cluster, share, factory, upses, state, upgrade, schematic } = raw
  const [talos, served, made] = [recordOf(cluster), recordOf(share), recordOf(factory)]
  const servers = (Array.isArray(upses) ? upses : []).map(recordOf)
  const login = servers.find(({ user }) => typeof user === 'string')
  const password = recordOf(login?.['password'])
  const hosts = servers.flatMap(({ host, port }) =>
    typeof host === 'string' ? [typeof port === 'number' ? placeOf(host, port) : host] : [],
  )
  const given = {
    name: word(talos['name']),
    talosconfig: path(talos['talosconfig']),
    context: word(talos['context']),
    kubeconfig: path(talos['kubeconfig']),
    ...(hosts.length === 0 ? {} : { ups: [...new Set(hosts)] }),
    upsUser: word(login?.['user']),
    upsPasswordFile: path(password['file']),
    upsPasswordEnv: word(password['env']),
    share: path(served['directory']),
    tftp: word(served['server']),
    factory: word(made['url']),
    schematic: word(schematic),
    timeZone: word(recordOf(upgrade)['timeZone']),
    state: word(state),
  }
  return { text, given: defined(given) }
}

function placeOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function valueIn(document: { toJS(): unknown }): Record<string, unknown> {
  try {
    return recordOf(document.toJS())
  } catch {
    return {}
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
